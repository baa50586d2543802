//! Tests of the HTTP-Redirect binding against requests that OpenSSL-signed tools and we made.

use super::*;
use crate::saml::key::{SigningKey, VerifyingKey};
use crate::saml::tests::{ec_key_of, key_of, keys};
use crate::saml::verified::{Proof, Unsigned};

const REQUEST: &str = r#"<p:AuthnRequest xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" IssueInstant="2026-01-02T03:04:05Z" Version="2.0"><a:Issuer xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example/</a:Issuer></p:AuthnRequest>"#;
const RSA_SHA256: &str = "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";

pub(in crate::saml) fn deflate(octets: &[u8]) -> Vec<u8> {
    super::deflate(octets).unwrap()
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn saml_request(octets: &[u8]) -> String {
    format!("SAMLRequest={}", percent(&STANDARD.encode(deflate(octets))))
}

fn signed(octets: &str, key: &SigningKey) -> String {
    let signature = STANDARD.encode(key.sign(octets.as_bytes()).unwrap());
    format!("{octets}&Signature={}", percent(&signature))
}

fn verify(query: &str, key: &VerifyingKey) -> Result<Proof, Error> {
    let unverified = authn_request(query)?;
    Ok(unverified.verify(std::slice::from_ref(key), Unsigned::Refuse)?.proof())
}

#[test]
fn the_signature_covers_the_octets_as_they_came() {
    let (signing, verifying) = keys(1);
    let upper =
        format!("{}&RelayState=a%2Fb%20c&SigAlg={RSA_SHA256}", saml_request(REQUEST.as_bytes()));
    for octets in [
        upper.clone(),
        upper.replace("%2F", "%2f").replace("%3A", "%3a"),
        upper.replace("%20", "+"),
        upper.replace("&RelayState=a%2Fb%20c", "&RelayState="),
        upper.replace("&RelayState=a%2Fb%20c", ""),
    ] {
        let query = signed(&octets, &signing);
        assert!(matches!(verify(&query, &verifying), Ok(Proof::Signature(_))), "{query}");
    }
    let query = signed(&upper, &signing);
    let recoded = query.replace("a%2Fb", "a%2fb");
    assert_eq!(verify(&recoded, &verifying).unwrap_err(), Error::SignatureInvalid { keys: 1 });
}

// RFC 9231 §2.3.6: the two numbers beside each other, here as in a document.
#[test]
fn a_request_may_be_signed_with_an_ec_key() {
    let (key, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P256_SHA256);
    let signing = SigningKey::new(&key, &certificate).unwrap();
    let verifying = VerifyingKey::from_certificate(&certificate).unwrap();
    let sig_alg = percent(signing.algorithm().uri());
    let octets = format!("{}&SigAlg={sig_alg}", saml_request(REQUEST.as_bytes()));
    let query = signed(&octets, &signing);
    let proof = Proof::Signature(SignatureAlgorithm::EcdsaSha256);
    assert_eq!(verify(&query, &verifying), Ok(proof));
    // The same octets, claimed for another kind of key or checked with one (conformance B-13).
    let claimed = signed(&octets.replace(&sig_alg, RSA_SHA256), &signing);
    assert_eq!(verify(&claimed, &verifying), Err(Error::SignatureInvalid { keys: 1 }));
    assert_eq!(verify(&query, &keys(1).1), Err(Error::SignatureInvalid { keys: 1 }));
}

// Conformance C-14: everybody knows the public key, so it must not serve as an HMAC's secret.
#[test]
fn an_hmac_with_the_public_key_as_its_secret_is_refused() {
    use aws_lc_rs::hmac;
    let (_, certificate) = key_of(1);
    let verifying = VerifyingKey::from_certificate(&certificate).unwrap();
    let base64 = STANDARD.encode(&certificate);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    for (name, algorithm) in [
        ("2001/04/xmldsig-more#hmac-sha256", hmac::HMAC_SHA256),
        ("2000/09/xmldsig#hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ] {
        let uri = format!("http://www.w3.org/{name}");
        let octets = format!("{}&SigAlg={}", saml_request(REQUEST.as_bytes()), percent(&uri));
        for secret in [pem.as_bytes(), &certificate, base64.as_bytes()] {
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), octets.as_bytes());
            let query = format!("{octets}&Signature={}", percent(&STANDARD.encode(tag)));
            assert_eq!(verify(&query, &verifying), Err(Error::Algorithm { found: uri.clone() }));
        }
    }
}

#[test]
fn the_order_of_the_parameters_does_not_matter() {
    let (signing, verifying) = keys(1);
    let octets = format!("{}&RelayState=x&SigAlg={RSA_SHA256}", saml_request(REQUEST.as_bytes()));
    let query = signed(&octets, &signing);
    let mut parts: Vec<_> = query.split('&').collect();
    parts.reverse();
    parts.insert(1, "lang=zh");
    assert!(verify(&parts.join("&"), &verifying).is_ok());
}

#[test]
fn relay_state_is_kept_byte_for_byte_and_empty_is_not_absent() {
    let base = saml_request(REQUEST.as_bytes());
    let relay = |suffix: &str| {
        let received = authn_request(&format!("{base}{suffix}")).unwrap();
        let verified = received.verify(&[], Unsigned::Accept).unwrap();
        verified.into_inner().relay_state.map(String::from)
    };
    assert_eq!(relay(""), None);
    assert_eq!(relay("&RelayState="), Some(String::new()));
    assert_eq!(relay("&RelayState=%E4%BD%A0+%0D%0A%22%3C"), Some("你 \r\n\"<".to_owned()));
}

#[test]
fn a_second_spelling_of_a_parameter_is_a_second_parameter() {
    let base = saml_request(REQUEST.as_bytes());
    for extra in ["SAMLRequest=x", "SAMLReques%74=x", "SAMLResponse=x"] {
        let refused = authn_request(&format!("{base}&{extra}"));
        assert_eq!(refused.unwrap_err(), Error::ParameterTwice { name: "SAMLRequest" });
    }
    let refused = authn_request(&format!("{base}&RelayState=a&RelayState=a"));
    assert_eq!(refused.unwrap_err(), Error::ParameterTwice { name: "RelayState" });
}

#[test]
fn each_broken_layer_has_its_error() {
    let refused = |query: &str| authn_request(query).unwrap_err();
    assert_eq!(refused(""), Error::ParameterMissing { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest="), Error::ParameterMissing { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=%4"), Error::PercentEncoding { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=%zz"), Error::PercentEncoding { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=%FF"), Error::PercentEncoding { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=****"), Error::Base64 { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=YQ%0A%3D%3D"), Error::Base64 { name: "SAMLRequest" });
    assert_eq!(refused("SAMLRequest=YR%3D%3D"), Error::Base64 { name: "SAMLRequest" });
    assert!(matches!(refused("SAMLRequest=%2F%2F%2F%2F"), Error::Deflate { .. }));
    let base = saml_request(REQUEST.as_bytes());
    assert!(matches!(refused(&format!("{base}&SAMLEncoding=x")), Error::Encoding { .. }));
    assert!(matches!(refused(&format!("{base}&Signature=YQ%3D%3D")), Error::Algorithm { .. }));
    assert_eq!(refused(&format!("{base}&SigAlg={RSA_SHA256}")), Error::SignatureMissing);
    let long = "x".repeat(limits::RELAY_STATE_BYTES + 1);
    assert!(matches!(
        refused(&format!("{base}&RelayState={long}")),
        Error::RelayStateTooLong { .. }
    ));
    let long = "x".repeat(limits::QUERY_BYTES);
    assert!(matches!(refused(&format!("{base}&x={long}")), Error::TooLong { .. }));
}

#[test]
fn an_unsigned_request_is_taken_only_where_it_may_be() {
    let base = saml_request(REQUEST.as_bytes());
    let (_, verifying) = keys(1);
    assert_eq!(verify(&base, &verifying).unwrap_err(), Error::SignatureMissing);
    let accepted = authn_request(&base).unwrap().verify(&[], Unsigned::Accept).unwrap();
    assert_eq!(accepted.proof(), Proof::NotAsked);
}

#[test]
fn a_bad_signature_is_refused_also_where_none_is_asked_for() {
    let (signing, _) = keys(1);
    let (_, other) = keys(2);
    let octets = format!("{}&SigAlg={RSA_SHA256}", saml_request(REQUEST.as_bytes()));
    let refused =
        authn_request(&signed(&octets, &signing)).unwrap().verify(&[other], Unsigned::Accept);
    assert_eq!(refused.unwrap_err(), Error::SignatureInvalid { keys: 1 });
}

#[test]
fn a_signature_inside_the_message_is_refused() {
    let inside = REQUEST.replace(
        "</a:Issuer>",
        "</a:Issuer><d:Signature xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\"/>",
    );
    let refused = authn_request(&saml_request(inside.as_bytes()));
    assert!(matches!(refused, Err(Error::SignatureForm { .. })));
}

#[test]
fn any_of_several_keys_will_do() {
    let (signing, verifying) = keys(1);
    let (_, other) = keys(2);
    let octets = format!("{}&SigAlg={RSA_SHA256}", saml_request(REQUEST.as_bytes()));
    let unverified = authn_request(&signed(&octets, &signing)).unwrap();
    assert!(unverified.verify(&[other, verifying], Unsigned::Refuse).is_ok());
}

#[test]
fn a_stream_that_inflates_without_end_stops_at_the_limit() {
    let bomb = deflate(&vec![b' '; 10 * 1024 * 1024]);
    assert_eq!(
        inflate(&bomb).unwrap_err(),
        Error::InflatesTooLarge { limit: limits::INFLATED_BYTES }
    );
}

#[test]
fn a_stream_ends_where_it_says() {
    let mut stream = deflate(REQUEST.as_bytes());
    assert_eq!(inflate(&stream).unwrap(), REQUEST.as_bytes());
    stream.push(0);
    assert!(matches!(inflate(&stream), Err(Error::Deflate { .. })));
    stream.truncate(stream.len() - 2);
    assert!(matches!(inflate(&stream), Err(Error::Deflate { .. })));
    assert!(matches!(inflate(b""), Err(Error::Deflate { .. })));
    let exactly = vec![b'x'; limits::INFLATED_BYTES];
    assert_eq!(inflate(&deflate(&exactly)).unwrap().len(), limits::INFLATED_BYTES);
}

// Conformance A-065.
#[test]
fn a_stated_encoding_has_to_be_deflate() {
    let (signing, verifying) = keys(1);
    let octets = format!("{}&SigAlg={RSA_SHA256}", saml_request(REQUEST.as_bytes()));
    let query = signed(&octets, &signing);
    let stated = |uri: &str| verify(&format!("{query}&SAMLEncoding={}", percent(uri)), &verifying);
    assert!(stated(binding::DEFLATE).is_ok());
    for other in
        ["", "urn:other", &binding::DEFLATE.to_lowercase(), &format!("{} ", binding::DEFLATE)]
    {
        assert!(matches!(stated(other), Err(Error::Encoding { .. })), "{other:?}");
    }
}

proptest::proptest! {
    // Conformance C-48: whatever comes, there is an answer and no panic.
    #[test]
    fn any_octets_in_any_layer_are_read_or_refused(
        query in ".{0,200}",
        octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        at in 0..REQUEST.len(),
    ) {
        let _read = authn_request(&query);
        let _read = authn_request(&format!("SAMLRequest={query}"));
        let _read = authn_request(&format!("SAMLRequest={}", percent(&STANDARD.encode(&octets))));
        let _read = authn_request(&saml_request(&octets));
        let mut torn = REQUEST.as_bytes()[..at].to_vec();
        torn.extend(&octets);
        torn.extend(&REQUEST.as_bytes()[at..]);
        let _read = authn_request(&saml_request(&torn));
        let base = saml_request(REQUEST.as_bytes());
        let signature = percent(&STANDARD.encode(&octets));
        let signed = format!("{base}&SigAlg={RSA_SHA256}&Signature={signature}");
        let (_, key) = keys(1);
        let refused = authn_request(&signed).unwrap().verify(&[key], Unsigned::Accept);
        proptest::prop_assert!(refused.is_err());
    }
}
