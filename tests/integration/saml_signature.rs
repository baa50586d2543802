//! Our signature check beside xmlsec1's, on a Response in the cloud's layout that xmlsec1 signed.

use std::path::Path;

use skybridge::saml::names::ns;
use skybridge::saml::signature::verify::{Place, SignedContent, verify};
use skybridge::saml::xml::{Limits, parse};
use skybridge::saml::{Error, VerifyingKey};

use crate::support::xmlsec;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");

/// Verifies the assertion of a response with the certificate of the vectors.
fn assertion_of(response: &str) -> Result<SignedContent, Error> {
    let pem = std::fs::read(Path::new(VECTORS).join("idp.crt")).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let key = VerifyingKey::from_certificate(&pem.contents).unwrap();
    let document = parse(response.as_bytes(), Limits::MESSAGE).unwrap();
    let assertion = document.root().children_named(ns::ASSERTION, "Assertion").next().unwrap();
    verify(assertion, &[key], Place::AfterIssuer, Limits::MESSAGE)
}

#[test]
fn a_response_in_the_cloud_s_layout_is_judged_as_xmlsec1_judges_it() {
    let vectors = Path::new(VECTORS);
    let certificate = vectors.join("idp.crt");
    let xmlsec =
        |text: &str| xmlsec::verify(&[text], &certificate, &format!("{}:Assertion", ns::ASSERTION));
    let signed = std::fs::read_to_string(vectors.join("response.signed.xml")).unwrap();
    xmlsec(&signed).unwrap();
    let content = assertion_of(&signed).unwrap().read().unwrap();
    let root = content.root();
    assert!(root.is(ns::ASSERTION, "Assertion"));
    // Only the PrefixList keeps a declaration that a value needs.
    assert!(root.declared().any(|(prefix, name)| prefix == "xsd" && name == Some(ns::XSD)));
    let tampered = std::fs::read_to_string(vectors.join("response.tampered.xml")).unwrap();
    assert!(xmlsec(&tampered).is_err());
    assert_eq!(assertion_of(&tampered).unwrap_err(), Error::DigestMismatch);
}
