//! Tests of the written Response: its bytes against the contract's reference document, its values
//! against themselves.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::saml::names::{ATTRNAME_URI, CONSENT_UNSPECIFIED, authn_context, name_id};
use crate::saml::tests::keys;
use crate::saml::xml::{Document, Element, Limits, parse};

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        name_format: ATTRNAME_URI.to_owned(),
        friendly_name: Some(name.to_owned()),
        values: vec![value.to_owned()],
    }
}

/// The document of the contract's §4.4, with these attributes.
fn sign(attributes: &[Attribute], in_response_to: &str, what: Signed) -> Result<String, Error> {
    sign_about(Some("_n0000000000000000000000000000001"), attributes, in_response_to, what)
}

/// The same with this name identifier, or none.
fn sign_about(
    name: Option<&str>,
    attributes: &[Attribute],
    in_response_to: &str,
    what: Signed,
) -> Result<String, Error> {
    let [response_id, assertion_id] =
        ["_r0000000000000000000000000000001", "_a0000000000000000000000000000001"]
            .map(|id| MessageId::parse(id).unwrap());
    let request_id = MessageId::parse(in_response_to)?;
    let issuer = EntityId::parse("https://www.partner.invalid").unwrap();
    let audience = EntityId::parse("https://auth.sim.invalid/").unwrap();
    let acs = AcsUrl::parse("https://auth.sim.invalid/authui/saml/SAMLAssertionConsumer").unwrap();
    let now = datetime!(2026-01-02 03:04:06 UTC);
    let minutes = time::Duration::minutes(5);
    let response = Response {
        id: &response_id,
        in_response_to: Some(&request_id),
        issue_instant: now,
        destination: &acs,
        issuer: &issuer,
        issuer_format: Some(name_id::ENTITY),
        consent: Some(CONSENT_UNSPECIFIED),
        status: Status { message: Some(status::SUCCESS), ..Status::SUCCESS },
        assertion: Some(Assertion {
            id: &assertion_id,
            name_id: name.map(|value| NameId {
                format: name_id::TRANSIENT,
                name_qualifier: Some(audience.as_str()),
                sp_name_qualifier: None,
                value,
            }),
            audience: &audience,
            conditions: Window { not_before: now - minutes, not_on_or_after: now + minutes },
            uses: Uses::Any,
            confirmation: Confirmation {
                not_before: Some(now - minutes),
                not_on_or_after: now + minutes,
            },
            attributes,
            authn: AuthnStatement {
                instant: now,
                session_index: None,
                session_not_on_or_after: None,
                locality: Some(audience.as_str()),
                class_ref: authn_context::UNSPECIFIED,
            },
        }),
    };
    let prefixes = PrefixList::new(["xsd"]).unwrap();
    response.sign(&keys(1).0, &Signing { what, prefixes, declared: Declared::default() })
}

fn contract_attributes() -> Vec<Attribute> {
    [
        ("xUserId", "cust-0001"),
        ("xAccountId", "cust-0001"),
        ("bpId", "05ab000000000000000000000000bp01"),
        ("email", ""),
        ("name", "hw_demo01"),
        ("mobile", "0086-13800000000"),
    ]
    .map(|(name, value)| attribute(name, value))
    .to_vec()
}

const REQUEST_ID: &str = "_0123456789abcdefghijklmnopqrstuvwxyz";

#[test]
fn the_contracts_input_gives_the_contracts_digest() {
    let written = sign(&contract_attributes(), REQUEST_ID, Signed::Assertion).unwrap();
    let digest = "<ds:DigestValue>ReC/oP8YaPdJLcas/EazLhLjqHXwhW71CVggOEl3C+E=</ds:DigestValue>";
    assert!(written.contains(digest), "{written}");
}

#[test]
fn an_answer_without_assertion_is_signed_as_a_response() {
    let (key, _) = keys(1);
    let id = MessageId::parse("_r").unwrap();
    let issuer = EntityId::parse("https://idp.example").unwrap();
    let acs = AcsUrl::parse("https://sp.example/acs").unwrap();
    let response = Response {
        id: &id,
        in_response_to: None,
        issue_instant: datetime!(2026-01-02 03:04:06 UTC),
        destination: &acs,
        issuer: &issuer,
        issuer_format: None,
        consent: None,
        status: Status { code: status::RESPONDER, detail: Some(status::NO_PASSIVE), message: None },
        assertion: None,
    };
    let signing = Signing {
        what: Signed::Assertion,
        prefixes: PrefixList::default(),
        declared: Declared::default(),
    };
    let written = response.sign(&key, &signing).unwrap();
    let document = parse(written.as_bytes(), Limits::MESSAGE).unwrap();
    let names: Vec<_> = document.root().children().map(Element::local).collect();
    assert_eq!(names, ["Issuer", "Signature", "Status"]);
    assert!(!written.contains("Assertion"));
}

#[test]
fn each_signature_is_the_second_child_of_what_it_signs() {
    for (what, on_response, on_assertion) in [
        (Signed::Assertion, false, true),
        (Signed::Response, true, false),
        (Signed::Both, true, true),
    ] {
        let written = sign(&contract_attributes(), REQUEST_ID, what).unwrap();
        let document = parse(written.as_bytes(), Limits::MESSAGE).unwrap();
        let second = |element: Element<'_>| element.children().nth(1).unwrap().local().to_owned();
        let assertion = document.root().children().last().unwrap();
        assert_eq!(second(document.root()) == "Signature", on_response);
        assert_eq!(second(assertion) == "Signature", on_assertion);
    }
}

// Conformance A-052: whoever bears it is the subject.
#[test]
fn an_assertion_can_do_without_a_name_identifier() {
    let written = sign_about(None, &contract_attributes(), REQUEST_ID, Signed::Both).unwrap();
    let document = parse(written.as_bytes(), Limits::MESSAGE).unwrap();
    let subject = document.all().find(|element| element.is(ns::ASSERTION, "Subject")).unwrap();
    let inside: Vec<_> = subject.children().map(Element::local).collect();
    assert_eq!(inside, ["SubjectConfirmation"]);
    assert!(!written.contains("NameID>"), "{written}");
}

fn values(document: &Document) -> Vec<String> {
    document
        .all()
        .filter(|element| element.is(ns::ASSERTION, "AttributeValue"))
        .map(|element| element.text().unwrap().to_owned())
        .collect()
}

proptest! {
    // C-54: whatever a person is called, the document has the same elements and says exactly that.
    #[test]
    fn any_text_stays_inside_its_value(
        texts in proptest::collection::vec(any::<String>(), 6),
        id in "[A-Za-z_][A-Za-z0-9._-]{0,60}",
    ) {
        let attributes: Vec<_> = texts.iter().map(|text| attribute("name", text)).collect();
        let writable = texts.iter().all(|t| t.chars().all(crate::saml::xml::is_xml_char));
        match sign(&attributes, &id, Signed::Both) {
            Err(Error::Unwritable { .. }) => prop_assert!(!writable),
            Err(other) => prop_assert!(false, "{other}"),
            Ok(written) => {
                prop_assert!(writable);
                let document = parse(written.as_bytes(), Limits::MESSAGE).unwrap();
                prop_assert_eq!(values(&document), texts);
                prop_assert_eq!(document.root().attribute("InResponseTo"), Some(id.as_str()));
                // 31 elements of the answer itself, 15 of each signature.
                prop_assert_eq!(document.all().count(), 61);
            }
        }
    }
}
