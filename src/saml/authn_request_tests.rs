//! Tests of reading an `AuthnRequest`.

use super::*;
use crate::saml::xml::{Limits, parse};
use time::macros::datetime;

const SAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?><saml2p:AuthnRequest xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" AssertionConsumerServiceURL="https://auth.sim.invalid/acs" Destination="https://www.partner.invalid/saml/login" ForceAuthn="false" ID="_0123456789abcdefghijklmnopqrstuvwxyz" IsPassive="false" IssueInstant="2026-01-02T03:04:05.678Z" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Version="2.0"><saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">https://auth.sim.invalid/</saml2:Issuer><saml2p:NameIDPolicy AllowCreate="true" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" SPNameQualifier="https://auth.sim.invalid/"/></saml2p:AuthnRequest>"#;

fn read(text: &str) -> Result<AuthnRequest, Error> {
    AuthnRequest::read(parse(text.as_bytes(), Limits::MESSAGE)?.root())
}

fn changed(from: &str, to: &str) -> Result<AuthnRequest, Error> {
    assert!(SAMPLE.contains(from), "{from}");
    read(&SAMPLE.replace(from, to))
}

#[test]
fn the_contracts_sample_is_read_whole() {
    let request = read(SAMPLE).unwrap();
    assert_eq!(request.id.as_str(), "_0123456789abcdefghijklmnopqrstuvwxyz");
    assert_eq!(request.issue_instant, datetime!(2026-01-02 03:04:05.678 UTC));
    assert_eq!(request.destination.as_deref(), Some("https://www.partner.invalid/saml/login"));
    assert_eq!(request.issuer.as_str(), "https://auth.sim.invalid/");
    assert_eq!(
        request.reply_to,
        ReplyTo::Url {
            url: "https://auth.sim.invalid/acs".to_owned(),
            binding: Some(super::super::names::binding::POST.to_owned()),
        }
    );
    assert!(!request.force_authn && !request.is_passive && request.subject.is_none());
    let policy = request.name_id_policy.unwrap();
    assert_eq!(policy.format.as_deref(), Some(super::super::names::name_id::TRANSIENT));
    assert!(policy.allow_create);
}

#[test]
fn each_departure_from_the_schema_has_its_error() {
    let element = |r: Result<AuthnRequest, Error>| matches!(r, Err(Error::Element { .. }));
    let absent = |r: Result<AuthnRequest, Error>| matches!(r, Err(Error::Absent { .. }));
    let value = |r: Result<AuthnRequest, Error>| matches!(r, Err(Error::Value { .. }));
    assert!(element(changed("SAML:2.0:protocol\" A", "SAML:1.1:protocol\" A")));
    assert!(element(changed("AuthnRequest", "LogoutRequest")));
    assert!(element(changed(" Version=", " Unknown=\"\" Version=")));
    assert!(element(changed("<saml2p:NameIDPolicy", "text<saml2p:NameIDPolicy")));
    assert!(element(changed("<saml2p:NameIDPolicy", "<saml2p:Unknown/><saml2p:NameIDPolicy")));
    assert!(element(changed("</saml2:Issuer>", "<x/></saml2:Issuer>")));
    assert!(absent(changed(" ID=\"_0123456789abcdefghijklmnopqrstuvwxyz\"", "")));
    assert!(absent(changed(" IssueInstant=\"2026-01-02T03:04:05.678Z\"", "")));
    assert!(absent(changed(" Version=\"2.0\"", "")));
    assert!(value(changed("ID=\"_0", "ID=\"0")));
    assert!(value(changed("ForceAuthn=\"false\"", "ForceAuthn=\"no\"")));
    assert!(value(changed("05.678Z", "05.678")));
    assert!(value(changed("https://auth.sim.invalid/</", " </")));
    assert!(matches!(changed("Version=\"2.0\"", "Version=\"1.1\""), Err(Error::Version { .. })));
    assert!(matches!(
        changed("ForceAuthn=", "AssertionConsumerServiceIndex=\"0\" ForceAuthn="),
        Err(Error::Exclusive { .. })
    ));
}

#[test]
fn children_come_once_and_in_the_schemas_order() {
    let policy = r#"<saml2p:NameIDPolicy AllowCreate="true" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" SPNameQualifier="https://auth.sim.invalid/"/>"#;
    assert!(matches!(changed(policy, &policy.repeat(2)), Err(Error::Element { .. })));
    let late = format!("<saml2p:Scoping/>{policy}");
    assert!(matches!(changed(policy, &late), Err(Error::Element { .. })));
    let extended = format!("<saml2p:Extensions><x xmlns=\"urn:x\"/></saml2p:Extensions>{policy}");
    assert!(changed(policy, &extended).is_ok());
}

#[test]
fn what_is_asked_of_the_authentication_is_read() {
    let request = changed(
        "</saml2p:AuthnRequest>",
        "<saml2p:RequestedAuthnContext Comparison=\"minimum\"><saml2:AuthnContextClassRef xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:x</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext><saml2p:Scoping><saml2p:IDPList><saml2p:IDPEntry ProviderID=\"urn:idp\"/></saml2p:IDPList></saml2p:Scoping></saml2p:AuthnRequest>",
    )
    .unwrap();
    let context = request.requested_authn_context.unwrap();
    assert_eq!(context.comparison, Comparison::Minimum);
    assert_eq!(context.classes, ["urn:x"]);
    assert_eq!(request.idp_list, ["urn:idp"]);
}

// Conformance A-075.
#[test]
fn an_issuer_is_there_and_is_an_entity() {
    let issuer = r#"<saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">https://auth.sim.invalid/</saml2:Issuer>"#;
    assert!(matches!(changed(issuer, ""), Err(Error::Absent { what: "saml:Issuer", .. })));
    let format = |uri: &str| changed("<saml2:Issuer", &format!("<saml2:Issuer Format=\"{uri}\""));
    assert!(format(super::super::names::name_id::ENTITY).is_ok());
    for other in [super::super::names::name_id::TRANSIENT, ""] {
        assert!(matches!(format(other), Err(Error::Value { what: "Issuer/@Format", .. })));
    }
}

// Conformance A-026.
#[test]
fn an_index_stands_without_address_and_without_binding() {
    let url = " AssertionConsumerServiceURL=\"https://auth.sim.invalid/acs\"";
    let binding = " ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"";
    let index = " AssertionConsumerServiceIndex=\"3\"";
    let with = |given: &str| {
        let bare = SAMPLE.replace(url, "").replace(binding, "");
        read(&bare.replace(" Version=", &format!("{given} Version=")))
    };
    assert_eq!(with(index).unwrap().reply_to, ReplyTo::Index(3));
    assert_eq!(with("").unwrap().reply_to, ReplyTo::Default { binding: None });
    for beside in [url, binding] {
        let both = with(&format!("{index}{beside}"));
        assert!(matches!(both, Err(Error::Exclusive { .. })), "{beside}");
    }
}

// Conformance A-021: conditions and the number of proxies limit what we may say, and ask nothing.
#[test]
fn conditions_and_proxies_of_a_request_change_nothing() {
    let conditions = "<saml2:Conditions xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
                      NotOnOrAfter=\"2026-01-02T04:00:00Z\"/>";
    let scoping = "<saml2p:Scoping ProxyCount=\"2\"><saml2p:RequesterID>urn:x</saml2p:RequesterID>\
                   </saml2p:Scoping>";
    let end = "</saml2p:AuthnRequest>";
    let asked = changed(end, &[conditions, scoping, end].concat()).unwrap();
    assert_eq!(format!("{asked:?}"), format!("{:?}", read(SAMPLE).unwrap()));
}
