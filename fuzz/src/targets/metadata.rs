//! Fuzzing: the input is a metadata document, for the reader and the linter; what does not begin
//! like XML is the certificate in one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::saml::lint::{Question, Severity, lint};
use skybridge::saml::names::{binding, ns};
use skybridge::saml::signature::verify::Place;
use skybridge::saml::sp_metadata::{self, Lifetime, ServiceProvider, Trust};
use skybridge::saml::xml::Limits;
use skybridge::saml::{EntityId, Error};
use time::OffsetDateTime;
use time::macros::datetime;

use super::cost;
use super::material::peer;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

pub(super) fn run(octets: &[u8]) {
    let xml = octets.trim_ascii_start();
    if xml.starts_with(b"<") || xml.starts_with("\u{FEFF}".as_bytes()) {
        look_at(octets);
    } else {
        look_at(around(octets).as_bytes());
    }
}

fn look_at(octets: &[u8]) {
    let question = Question { wanted: None, now: NOW, lifetime: Lifetime::default() };
    let read = |trust| sp_metadata::read(octets, None, trust, NOW);
    let provider = cost::of(|| read(Trust::Origin));
    let findings = cost::of(|| lint(octets, &question));
    let refuses = findings.iter().any(|finding| finding.fault.severity == Severity::Error);
    assert_eq!(refuses, provider.is_err(), "the linter and the reader differ: {provider:?}");
    let unnamed = findings.iter().find(|finding| finding.fault.number == 0);
    assert!(unnamed.is_none(), "a fault without a code: {unnamed:?}");
    assert!(serde_json::to_string(&findings).is_ok());
    assert!(read(Trust::Signature(&peer().pinned)).is_err(), "forged");
    if let Ok(provider) = provider {
        used(octets, &provider);
    }
}

/// What a journey asks of a service provider that was read, and the same document once more: by its
/// name, and signed.
fn used(octets: &[u8], provider: &ServiceProvider) {
    let acs = provider.default_acs().expect("one that was read has an address");
    assert!(provider.acs_by_index(acs.index).is_some());
    assert!(provider.acs_by_url(acs.location.as_str()).is_some());
    _ = provider.attribute_service(None);
    provider.warnings.iter().for_each(|warning| assert!(!warning.to_string().is_empty()));
    let wanted: &EntityId = &provider.entity_id;
    let named = sp_metadata::read(octets, Some(wanted), Trust::Origin, NOW);
    if let Ok(named) = named {
        assert_eq!(format!("{named:?}"), format!("{provider:?}"));
    }
    let Some(signed) = peer().sign_document(octets, Place::First, Limits::METADATA) else { return };
    let trust = Trust::Signature(&peer().pinned);
    match cost::of(|| sp_metadata::read(signed.as_bytes(), None, trust, NOW)) {
        Ok(again) => assert_eq!(format!("{again:?}"), format!("{provider:?}")),
        Err(Error::XmlLimit { .. } | Error::TooLong { .. } | Error::SignatureForm { .. }) => {}
        Err(error) => panic!("a good signature is refused: {error}"),
    }
}

/// Metadata with this certificate, to verify and to encrypt.
fn around(certificate: &[u8]) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"{}\" entityID=\"https://sp.example/\">\
         <md:SPSSODescriptor protocolSupportEnumeration=\"{}\"><md:KeyDescriptor>\
         <ds:KeyInfo xmlns:ds=\"{}\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:AssertionConsumerService index=\"0\" \
         Binding=\"{}\" Location=\"https://sp.example/acs\"/></md:SPSSODescriptor>\
         </md:EntityDescriptor>",
        ns::METADATA,
        ns::PROTOCOL,
        ns::DSIG,
        STANDARD.encode(certificate),
        binding::POST,
    )
}
