//! Tests of the HTTP-POST binding: what is read is what is signed, and a signature in the wrong
//! place is never no signature.

use super::*;
use crate::saml::AuthnRequest;
use crate::saml::key::VerifyingKey;
use crate::saml::signature::verify::tests::{HERE, sign};
use crate::saml::tests::keys;
use crate::saml::verified::{Proof, Unsigned, Verified};

const OPEN: &str = r#"<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol""#;

/// A request with [`HERE`] where its signature belongs.
fn request(id: &str, more: &str) -> String {
    format!(
        "{OPEN} ID=\"{id}\" IssueInstant=\"2026-01-02T03:04:05Z\" Version=\"2.0\">\
         <a:Issuer xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://sp.example/</a:Issuer>\
         {HERE}{more}</p:AuthnRequest>"
    )
}

fn signed(id: &str) -> String {
    sign(&request(id, ""), id, "", &keys(1).0)
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn form(document: &str) -> String {
    format!("SAMLRequest={}", percent(&STANDARD.encode(document)))
}

fn received(form: &str) -> Result<Unverified<Received<AuthnRequest>>, Error> {
    read("", form.as_bytes())
}

fn verify(
    form: &str,
    key: &VerifyingKey,
    unsigned: Unsigned,
) -> Result<Verified<Received<AuthnRequest>>, Error> {
    received(form)?.verify(std::slice::from_ref(key), unsigned)
}

#[test]
fn a_signed_request_is_read_with_its_relay_state() {
    let (_, key) = keys(1);
    let state = "x".repeat(200) + "你 \r\n\"<";
    let form = format!("{}&RelayState={}", form(&signed("_a")), percent(&state));
    for unsigned in [Unsigned::Refuse, Unsigned::Accept] {
        let verified = verify(&form, &key, unsigned).unwrap();
        assert!(matches!(verified.proof(), Proof::Signature(_)));
        let received = verified.into_inner();
        assert_eq!(received.message.id.as_str(), "_a");
        assert_eq!(received.relay_state.map(String::from).as_deref(), Some(state.as_str()));
    }
}

#[test]
fn wrapped_base64_is_read() {
    let (_, key) = keys(1);
    let text = STANDARD.encode(signed("_a"));
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let form = format!("SAMLRequest={}", percent(&lines.join("\r\n")));
    assert!(verify(&form, &key, Unsigned::Refuse).is_ok());
}

#[test]
fn an_unsigned_request_is_taken_only_where_it_may_be() {
    let (_, key) = keys(1);
    let plain = form(&request("_a", "").replace(HERE, ""));
    let refused = verify(&plain, &key, Unsigned::Refuse).unwrap_err();
    assert_eq!(refused, Error::SignatureMissing);
    assert_eq!(verify(&plain, &key, Unsigned::Accept).unwrap().proof(), Proof::NotAsked);
}

#[test]
fn a_bad_signature_is_never_taken_for_none() {
    let (_, key) = keys(1);
    let (_, other) = keys(2);
    let good = signed("_a");
    let accept = |document: &str, key| verify(&form(document), key, Unsigned::Accept).unwrap_err();
    assert_eq!(accept(&good, &other), Error::SignatureInvalid { keys: 1 });
    let changed = good.replace("https://sp.example/", "https://sp.example/x");
    assert_eq!(accept(&changed, &key), Error::DigestMismatch);
    let no_keys = received(&form(&good)).unwrap().verify(&[], Unsigned::Accept).unwrap_err();
    assert_eq!(no_keys, Error::SignatureInvalid { keys: 0 });
    // Moved out of the request into its extensions, or deeper.
    let start = good.find("<ds:Signature").unwrap();
    let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let extensions = format!("<p:Extensions>{}</p:Extensions>", &good[start..end]);
    let moved = [&good[..start], &extensions, &good[end..]].concat();
    assert!(matches!(accept(&moved, &key), Error::SignatureForm { .. }));
}

#[test]
fn each_wrapped_request_is_refused_or_read_only_in_its_signed_part() {
    let (_, key) = keys(1);
    let original = signed("_signed");
    let start = original.find("<ds:Signature").unwrap();
    let end = original.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (signature, bare) =
        (&original[start..end], [&original[..start], &original[end..]].concat());
    let inside = |element: &str| {
        signature
            .replace("</ds:Signature>", &format!("<ds:Object>{element}</ds:Object></ds:Signature>"))
    };
    let extension = |element: &str| format!("<p:Extensions>{element}</p:Extensions>");
    let evil = |id: &str, signature: &str, more: &str| request(id, more).replace(HERE, signature);
    let wrapped = [
        // The signed request inside the forged one's signature, extensions, or beside it.
        evil("_evil", &inside(&bare), ""),
        evil("_evil", &inside(&original), ""),
        evil("_evil", signature, &extension(&bare)),
        evil("_evil", "", &extension(&original)),
        evil("_evil", signature, &extension(&original)),
        // The same with the ID of the signed one.
        evil("_signed", &inside(&bare), ""),
        evil("_signed", signature, &extension(&bare)),
        evil("_signed", signature, &extension(&original)),
        evil("_signed", signature, ""),
        // The forged one inside the signed one.
        original.replace(
            "</p:AuthnRequest>",
            &format!("{}</p:AuthnRequest>", extension(&evil("_evil", "", ""))),
        ),
        original.replace(
            "</p:AuthnRequest>",
            &format!("{}</p:AuthnRequest>", extension(&evil("_signed", "", ""))),
        ),
        // Two signatures, the good one first or last.
        evil("_signed", &[signature, signature].concat(), ""),
    ];
    for (number, document) in wrapped.iter().enumerate() {
        for unsigned in [Unsigned::Refuse, Unsigned::Accept] {
            match verify(&form(document), &key, unsigned) {
                // The forged request of the same ID without a change is the signed one.
                Ok(verified) => {
                    assert_eq!(number, 8, "{document}");
                    assert_eq!(verified.get().message.id.as_str(), "_signed");
                }
                Err(error) => assert!(
                    matches!(
                        error,
                        Error::SignatureForm { .. } | Error::DigestMismatch | Error::Element { .. }
                    ),
                    "{number}: {error}"
                ),
            }
        }
    }
}

#[test]
fn parameters_stand_once_and_in_one_place() {
    let good = form(&signed("_a"));
    for extra in ["SAMLRequest=x", "SAMLReques%74=x", "SAMLResponse=x"] {
        let refused = received(&format!("{good}&{extra}")).unwrap_err();
        assert_eq!(refused, Error::ParameterTwice { name: "SAMLRequest" });
    }
    let refused = received(&format!("{good}&RelayState=a&RelayState=a")).unwrap_err();
    assert_eq!(refused, Error::ParameterTwice { name: "RelayState" });
    for query in ["SAMLRequest=x", "RelayState=x", "Signature=x", "%53igAlg=x"] {
        let refused = read::<AuthnRequest>(query, good.as_bytes()).unwrap_err();
        assert_eq!(refused, Error::ParameterTwice { name: "SAMLRequest" }, "{query}");
    }
    assert!(read::<AuthnRequest>("lang=zh", good.as_bytes()).is_ok());
    for beside in ["SigAlg=x", "Signature=x", "SAMLEncoding=x"] {
        let refused = received(&format!("{good}&{beside}")).unwrap_err();
        assert!(matches!(refused, Error::SignatureForm { .. }), "{beside}");
    }
}

#[test]
fn each_broken_layer_has_its_error() {
    let refused = |form: &str| received(form).unwrap_err();
    assert_eq!(refused(""), Error::ParameterMissing { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=%4"), Error::PercentEncoding { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=****"), Error::Base64 { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=YQ"), Error::Base64 { name: "SAMLRequest" });
    assert!(matches!(refused("SAMLRequest=YQ%3D%3D"), Error::Malformed { .. }));
    let refused_octets = read::<AuthnRequest>("", b"SAMLRequest=\xFF").unwrap_err();
    assert_eq!(refused_octets, Error::PercentEncoding { name: "SAMLRequest" });
    let long = "x".repeat(limits::RELAY_STATE_BYTES + 1);
    let good = form(&signed("_a"));
    let refused_state = refused(&format!("{good}&RelayState={long}"));
    assert!(matches!(refused_state, Error::RelayStateTooLong { .. }));
    let large = STANDARD.encode(vec![b' '; limits::INFLATED_BYTES + 1]);
    let refused_message = refused(&format!("SAMLRequest={}", large.replace('+', "%2B")));
    assert_eq!(refused_message, Error::InflatesTooLarge { limit: limits::INFLATED_BYTES });
    let exactly = STANDARD.encode(vec![b' '; limits::INFLATED_BYTES]).replace('=', "%3D");
    assert!(matches!(refused(&format!("SAMLRequest={exactly}")), Error::Malformed { .. }));
    let body = vec![b'x'; limits::BODY_BYTES + 1];
    assert!(matches!(read::<AuthnRequest>("", &body), Err(Error::TooLong { .. })));
}
