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
