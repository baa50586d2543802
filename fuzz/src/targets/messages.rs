//! Fuzzing: a document as a protocol message, by both browser bindings.

use std::fmt::Debug;

use skybridge::saml::message::{Message, Received};
use skybridge::saml::signature::verify::Place;
use skybridge::saml::verified::Proof;
use skybridge::saml::xml::Limits;
use skybridge::saml::{Error, Unsigned, Unverified, post, redirect};

use super::cost;
use super::material::{deflate, encode64, peer};

/// Reads a document as it comes by HTTP-POST, by HTTP-Redirect, and signed by its sender. What is
/// read is the same each time, and nobody but the sender can sign.
pub(super) fn by_every_way<T: Message + Debug>(xml: &[u8]) {
    let posted = verified(cost::of(|| post::read::<T>("", &form_of::<T>(xml))), Unsigned::Accept);
    let query = String::from_utf8(form_of::<T>(&deflate(xml))).unwrap();
    match verified(cost::of(|| redirect::read::<T>(&query)), Unsigned::Accept) {
        Ok((redirected, proof)) => {
            assert_eq!(proof, Proof::NotAsked);
            match &posted {
                Ok((posted, _)) => assert_eq!(&redirected, posted),
                // By HTTP-POST a signature of something inside was moved there.
                Err(Error::SignatureForm { .. }) => {}
                Err(error) => panic!("only HTTP-POST refuses: {error}"),
            }
        }
        Err(error) => assert!(
            posted.is_err() || matches!(error, Error::TooLong { .. }),
            "only HTTP-Redirect refuses: {error}"
        ),
    }
    let Ok((message, proof)) = posted else { return };
    assert_eq!(proof, Proof::NotAsked, "nobody can sign with these keys");
    if let Some(signed) = peer().sign_document(xml, Place::AfterIssuer, Limits::MESSAGE) {
        let body = form_of::<T>(signed.as_bytes());
        let signed = verified(cost::of(|| post::read::<T>("", &body)), Unsigned::Refuse);
        match signed {
            Ok((again, proof)) => {
                assert!(matches!(proof, Proof::Signature(_)));
                assert_eq!(again, message, "what is signed is what was read");
            }
            Err(error) => assert!(is_too_much(&error), "a good signature is refused: {error}"),
        }
    }
}

/// Whether a document may be refused for this with a signature though it was read without one.
fn is_too_much(error: &Error) -> bool {
    matches!(
        error,
        // A signature needs a few nodes, bytes and one namespace; the canonical form may be longer.
        Error::XmlLimit { .. } | Error::TooLong { .. } | Error::InflatesTooLarge { .. }
        // Something else bears the same ID.
        | Error::SignatureForm { .. }
    )
}

/// The message in words and why it is believed.
pub(super) fn verified<T: Message + Debug>(
    read: Result<Unverified<Received<T>>, Error>,
    unsigned: Unsigned,
) -> Result<(String, Proof), Error> {
    let unverified = read?;
    assert!(!unverified.claimed_issuer().as_str().is_empty());
    let verified = cost::of(|| unverified.verify(&peer().pinned, unsigned))?;
    Ok((format!("{:?}", verified.get()), verified.proof()))
}

/// A form or query with a message and nothing else.
fn form_of<T: Message>(octets: &[u8]) -> Vec<u8> {
    format!("{}={}", T::PARAMETER.name(), encode64(octets)).into_bytes()
}
