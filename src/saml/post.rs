//! Layer 0, saml: the HTTP-POST binding, receiving side (saml-bindings-2.0-os §3.5). The message is
//! base64 in a form; its signature, if it has one, is enveloped, and what is read in the end is
//! only what that signature covers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;
use super::message::{Message, Received};
use super::names::ns;
use super::parameters::{Parameters, decode};
use super::types::RelayState;
use super::verified::Unverified;
use super::xml::{Document, Limits, parse};
use crate::limits;

/// Reads a message from the body of a request, and from its query that there is none in it.
///
/// # Errors
/// Any [`Error`] about parameters, encodings, XML or schema; the signature is not yet checked.
pub fn read<T: Message>(raw_query: &str, body: &[u8]) -> Result<Unverified<Received<T>>, Error> {
    let name = T::PARAMETER.name();
    if body.len() > limits::BODY_BYTES {
        return Err(Error::TooLong { limit: limits::BODY_BYTES, found: body.len() });
    }
    if !Parameters::split(raw_query)?.is_empty() {
        // Which of two would be meant nobody can tell (conformance B-17).
        return Err(Error::ParameterTwice { name });
    }
    let body = std::str::from_utf8(body).map_err(|_| Error::PercentEncoding { name })?;
    let form = Parameters::split(body)?;
    if form.sig_alg.or(form.signature).or(form.encoding).is_some() {
        return Err(Error::SignatureForm {
            expected: "the signature inside a message that comes by HTTP-POST",
            found: "one beside it".to_owned(),
        });
    }
    let octets = octets(name, form.message(T::PARAMETER)?)?;
    let relay_state = match form.relay_state {
        None => None,
        Some(raw) => Some(RelayState::parse(&decode("RelayState", raw)?)?),
    };
    let document = parse(&octets, Limits::MESSAGE)?;
    let message = T::read(document.root())?;
    let received = Received { message, relay_state };
    if has_signature(&document)? {
        Ok(Unverified::enveloped(received, document, Received::reread))
    } else {
        Ok(Unverified::new(received, None))
    }
}

/// The decoded message. Its size is known before the work is done (conformance B-03), and lines may
/// be wrapped, as senders do (RFC 2045 §6.8).
pub(super) fn octets(name: &'static str, raw: &str) -> Result<Vec<u8>, Error> {
    let mut text = decode(name, raw)?.into_owned();
    text.retain(|c| !c.is_ascii_whitespace());
    let too_large = Error::InflatesTooLarge { limit: limits::INFLATED_BYTES };
    if text.len() / 4 > limits::INFLATED_BYTES / 3 + 1 {
        return Err(too_large);
    }
    let octets = STANDARD.decode(text).map_err(|_| Error::Base64 { name })?;
    if octets.len() > limits::INFLATED_BYTES { Err(too_large) } else { Ok(octets) }
}

/// Whether the message is signed. A signature that stands anywhere else than in the message itself
/// is not taken for none: it was moved there (conformance A-056, C-38).
fn has_signature(document: &Document) -> Result<bool, Error> {
    if document.root().children_named(ns::DSIG, "Signature").next().is_some() {
        return Ok(true);
    }
    if document.all().any(|element| element.is(ns::DSIG, "Signature")) {
        return Err(Error::SignatureForm {
            expected: "a signature of the message itself",
            found: "one of something inside it".to_owned(),
        });
    }
    Ok(false)
}

#[cfg(test)]
#[path = "post_tests.rs"]
mod tests;
