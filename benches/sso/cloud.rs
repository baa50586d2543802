//! The cloud's side: its metadata, its signed requests, and a full check of answers that are picked
//! out.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use skybridge::app::system::SystemClock;
use skybridge::clock::Clock as _;
use skybridge::saml::names::{algorithm, binding, name_id, ns};
use skybridge::saml::signature::verify::{Place, verify};
use skybridge::saml::types::format_instant;
use skybridge::saml::xml::{Limits, parse};
use skybridge::saml::{SigningKey, VerifyingKey};

/// The tenant.
pub(crate) const TENANT: &str = "bench";
/// What browsers would see. The connections are plain ones to loopback, as behind a proxy.
pub(crate) const SSO_ORIGIN: &str = "https://gateway.localhost";
const ENTITY_ID: &str = "https://auth.cloud.example/";
const ACS: &str = "https://auth.cloud.example/authui/saml/SAMLAssertionConsumer";

/// A service provider with an RSA-2048 key.
pub(crate) struct Cloud {
    key: SigningKey,
    made: AtomicUsize,
}

/// One request, used once.
pub(crate) struct Request {
    id: String,
    /// What the browser is sent to, without the origin.
    pub(crate) target: String,
}

/// A request and the page that answered it.
pub(crate) struct Sample {
    /// The `ID` of the request.
    pub(crate) id: String,
    /// The page.
    pub(crate) page: String,
}

impl Request {
    /// The request with its answer, for a full check.
    pub(crate) fn answered_by(&self, page: &str) -> Sample {
        Sample { id: self.id.clone(), page: page.to_owned() }
    }
}

/// Whether a page is the form that posts an answer to the ACS.
pub(crate) fn is_delivery(page: &str) -> bool {
    page.contains(r#"method="post" action="https://auth.cloud.example/"#)
        && page.contains(r#"<input type="hidden" name="SAMLResponse" value=""#)
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let params = CertificateParams::new(vec!["auth.cloud.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        let key = SigningKey::new(&pair.serialize_der(), certificate.der()).unwrap();
        Self { key, made: AtomicUsize::new(0) }
    }

    /// Its metadata.
    pub(crate) fn metadata(&self) -> String {
        let certificate = self.key.certificate_base64();
        let (metadata, dsig, protocol, post) =
            (ns::METADATA, ns::DSIG, ns::PROTOCOL, binding::POST);
        format!(
            "<EntityDescriptor xmlns='{metadata}' entityID='{ENTITY_ID}'>\
             <SPSSODescriptor AuthnRequestsSigned='true' WantAssertionsSigned='true' \
             protocolSupportEnumeration='{protocol}'><KeyDescriptor use='signing'>\
             <KeyInfo xmlns='{dsig}'><X509Data><X509Certificate>{certificate}</X509Certificate>\
             </X509Data></KeyInfo></KeyDescriptor><AssertionConsumerService Binding='{post}' \
             Location='{ACS}' index='0' isDefault='true'/></SPSSODescriptor></EntityDescriptor>"
        )
    }

    /// As many signed requests, none like another, made on all cores.
    pub(crate) fn requests(&self, wanted: usize) -> Vec<Request> {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = wanted.div_ceil(cores);
        thread::scope(|scope| {
            let makers: Vec<_> = (0..cores)
                .map(|_| scope.spawn(|| (0..share).map(|_| self.request()).collect::<Vec<_>>()))
                .collect();
            makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect()
        })
    }

    fn request(&self) -> Request {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let id = format!("_{number:036}");
        let now = format_instant(SystemClock.now());
        let (protocol, assertion, post) = (ns::PROTOCOL, ns::ASSERTION, binding::POST);
        let transient = name_id::TRANSIENT;
        let xml = format!(
            "<?xml version='1.0' encoding='UTF-8'?>\
             <saml2p:AuthnRequest xmlns:saml2p='{protocol}' AssertionConsumerServiceURL='{ACS}' \
             Destination='{SSO_ORIGIN}/{TENANT}/saml/sso' ForceAuthn='false' ID='{id}' \
             IsPassive='false' IssueInstant='{now}' ProtocolBinding='{post}' Version='2.0'>\
             <saml2:Issuer xmlns:saml2='{assertion}'>{ENTITY_ID}</saml2:Issuer>\
             <saml2p:NameIDPolicy AllowCreate='true' Format='{transient}' \
             SPNameQualifier='{ENTITY_ID}'/></saml2p:AuthnRequest>"
        );
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(xml.as_bytes()).unwrap();
        let encode = |octets: &[u8]| {
            utf8_percent_encode(&STANDARD.encode(octets), NON_ALPHANUMERIC).to_string()
        };
        let message = encode(&deflate.finish().unwrap());
        let sig_alg = utf8_percent_encode(algorithm::RSA_SHA256, NON_ALPHANUMERIC);
        let octets = format!("SAMLRequest={message}&RelayState=state-{number}&SigAlg={sig_alg}");
        let signature = encode(&self.key.sign(octets.as_bytes()).unwrap());
        Request { target: format!("/{TENANT}/saml/sso?{octets}&Signature={signature}"), id }
    }
}

/// Takes an answer apart: the Response answers that request, and its Assertion is signed with
/// that certificate.
pub(crate) fn check(sample: &Sample, certificate: &[u8]) {
    let (_, value) = sample.page.split_once(r#"name="SAMLResponse" value=""#).unwrap();
    let octets = STANDARD.decode(value.split('"').next().unwrap()).unwrap();
    let document = parse(&octets, Limits::MESSAGE).unwrap();
    let root = document.root();
    assert_eq!(root.attribute("InResponseTo"), Some(sample.id.as_str()));
    let keys = [VerifyingKey::from_certificate(certificate).unwrap()];
    let assertion = root.children_named(ns::ASSERTION, "Assertion").next().unwrap();
    verify(assertion, &keys, Place::AfterIssuer, Limits::MESSAGE).unwrap();
}
