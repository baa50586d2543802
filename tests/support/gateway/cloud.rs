//! The cloud's side of the wire, made with other means than the gateway's: metadata, and
//! `AuthnRequest`s by HTTP-Redirect of which everything can be wrong.

use std::io::{Read as _, Write as _};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::material::{self, Pair, base64};
use super::{BASE, START};

pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
pub(crate) const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// A service provider.
pub(crate) struct Cloud {
    pub(crate) entity_id: &'static str,
    pub(crate) acs: &'static str,
    signs: bool,
    /// What its key is for, as an attribute of `KeyDescriptor`.
    key_use: &'static str,
}

/// The cloud of the tenants `acme` and `bravo`, with the names of the real one.
pub(crate) const CN: Cloud = Cloud {
    entity_id: "https://auth.huaweicloud.com/",
    acs: "https://auth.huaweicloud.com/authui/saml/SAMLAssertionConsumer",
    signs: true,
    key_use: SIGNING,
};

/// The service provider of the tenant `generic`. It does not say that it signs.
pub(crate) const SP: Cloud = Cloud {
    entity_id: "https://sp.example/saml",
    acs: "https://sp.example/acs",
    signs: false,
    key_use: SIGNING,
};

/// Another of that tenant's, which can be encrypted for: its key has no `use`.
pub(crate) const SEALED: Cloud = Cloud {
    entity_id: "https://sealed.example/saml",
    acs: "https://sealed.example/acs",
    signs: false,
    key_use: "",
};

/// Another of that tenant's, which has to be encrypted for and cannot be.
pub(crate) const KEYLESS: Cloud = Cloud {
    entity_id: "https://keyless.example/saml",
    acs: "https://keyless.example/acs",
    signs: false,
    key_use: SIGNING,
};

const SIGNING: &str = "use=\"signing\"";

impl Cloud {
    /// Its metadata.
    pub(crate) fn metadata(&self) -> String {
        let certificate = base64(&material::sp().certificate);
        let Self { entity_id, acs, signs, key_use } = self;
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"{entity_id}\"><md:SPSSODescriptor AuthnRequestsSigned=\"{signs}\" \
             WantAssertionsSigned=\"true\" \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:KeyDescriptor {key_use}>\
             <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </md:KeyDescriptor><md:NameIDFormat>{TRANSIENT}</md:NameIDFormat>\
             <md:AssertionConsumerService index=\"0\" isDefault=\"true\" Binding=\"{POST}\" \
             Location=\"{acs}\"/><md:AssertionConsumerService index=\"1\" Binding=\"{POST}\" \
             Location=\"{acs}/second\"/></md:SPSSODescriptor></md:EntityDescriptor>"
        )
    }
}

/// An `AuthnRequest` of which every part can be changed before it is sent.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) version: &'static str,
    pub(crate) issue_instant: String,
    pub(crate) destination: Option<String>,
    pub(crate) issuer: String,
    /// `AssertionConsumerServiceURL` and `ProtocolBinding`, as attributes.
    pub(crate) reply_to: String,
    /// More attributes.
    pub(crate) attributes: String,
    /// What stands between `Issuer` and `NameIDPolicy`.
    pub(crate) before_policy: String,
    pub(crate) policy: String,
    /// What stands behind `NameIDPolicy`.
    pub(crate) after_policy: String,
    /// What stands before the root.
    pub(crate) prologue: String,
    pub(crate) relay_state: Option<String>,
    pub(crate) key: Key,
}

/// What the query is signed with.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// The key in metadata.
    Registered,
    /// The key in metadata, with SHA-384.
    Sha384,
    /// The key in metadata, with SHA-512.
    Sha512,
    /// Another one.
    Stranger,
    /// The key in metadata, under another name of algorithm.
    Named(&'static str),
    /// Nothing.
    None,
}

impl Request {
    /// A request as the tenant's cloud sends it, with an ID of its own.
    pub(crate) fn to(tenant: &str) -> Self {
        Self::by(if tenant == "generic" { &SP } else { &CN }, tenant)
    }

    /// A request of that service provider's to a tenant.
    pub(crate) fn by(cloud: &Cloud, tenant: &str) -> Self {
        let Cloud { entity_id, acs, .. } = cloud;
        Self {
            id: fresh_id(),
            version: "2.0",
            issue_instant: instant(START),
            destination: Some(format!("{BASE}/{tenant}/saml/sso")),
            issuer: (*entity_id).to_owned(),
            reply_to: format!("AssertionConsumerServiceURL=\"{acs}\" ProtocolBinding=\"{POST}\""),
            attributes: "ForceAuthn=\"false\" IsPassive=\"false\"".to_owned(),
            before_policy: String::new(),
            policy: format!(
                "<p:NameIDPolicy AllowCreate=\"true\" Format=\"{TRANSIENT}\" \
                 SPNameQualifier=\"{entity_id}\"/>"
            ),
            after_policy: String::new(),
            prologue: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            relay_state: Some("relay".to_owned()),
            key: Key::Registered,
        }
    }

    /// The same with a change.
    pub(crate) fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same, issued so many seconds after [`START`].
    pub(crate) fn issued(self, seconds: i64) -> Self {
        self.but(|it| it.issue_instant = instant(START + Duration::seconds(seconds)))
    }

    /// The document.
    pub(crate) fn xml(&self) -> String {
        let Self { prologue, id, version, issue_instant, issuer, reply_to, .. } = self;
        let Self { attributes, before_policy, policy, after_policy, .. } = self;
        let destination =
            self.destination.as_ref().map(|it| format!("Destination=\"{it}\"")).unwrap_or_default();
        format!(
            "{prologue}<p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             ID=\"{id}\" Version=\"{version}\" IssueInstant=\"{issue_instant}\" {destination} \
             {reply_to} {attributes}>\
             <a:Issuer xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\">{issuer}</a:Issuer>\
             {before_policy}{policy}{after_policy}</p:AuthnRequest>"
        )
    }

    /// The query of the binding, signed.
    pub(crate) fn query(&self) -> String {
        self.query_of(self.xml().as_bytes())
    }

    /// The same around another document.
    pub(crate) fn query_of(&self, document: &[u8]) -> String {
        self.query_around(&deflate(document))
    }

    /// The same around other compressed octets.
    pub(crate) fn query_around(&self, compressed: &[u8]) -> String {
        let mut query = format!("SAMLRequest={}", encode(&base64(compressed)));
        if let Some(state) = &self.relay_state {
            query.push_str("&RelayState=");
            query.push_str(&encode(state));
        }
        let (pair, algorithm): (&Pair, &str) = match self.key {
            Key::None => return query,
            Key::Registered => (material::sp(), RSA_SHA256),
            Key::Sha384 => (material::sp(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"),
            Key::Sha512 => (material::sp(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"),
            Key::Stranger => (material::stranger(), RSA_SHA256),
            Key::Named(algorithm) => (material::sp(), algorithm),
        };
        query.push_str("&SigAlg=");
        query.push_str(&encode(algorithm));
        let signature = sign(pair, self.key, query.as_bytes());
        format!("{query}&Signature={}", encode(&base64(&signature)))
    }

    /// The document with its signature inside, as the HTTP-POST binding has it.
    pub(crate) fn enveloped(&self) -> String {
        match self.key {
            Key::None => self.xml(),
            Key::Stranger => super::enveloped::signed(&self.xml(), material::stranger()),
            _ => super::enveloped::signed(&self.xml(), material::sp()),
        }
    }

    /// The fields of the HTTP-POST binding.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        self.fields_of(&self.enveloped())
    }

    /// The same around another document.
    pub(crate) fn fields_of(&self, document: &str) -> Vec<(&'static str, String)> {
        let mut fields = vec![("SAMLRequest", base64(document.as_bytes()))];
        fields.extend(self.relay_state.clone().map(|state| ("RelayState", state)));
        fields
    }

    /// Path and query at a tenant's SSO address.
    pub(crate) fn at(&self, tenant: &str) -> String {
        format!("/{tenant}/saml/sso?{}", self.query())
    }
}

/// What the owner of `pair` signs with rsa-sha256.
pub(crate) fn signature_over(pair: &Pair, octets: &[u8]) -> Vec<u8> {
    sign(pair, Key::Registered, octets)
}

fn sign(pair: &Pair, key: Key, octets: &[u8]) -> Vec<u8> {
    let pair = KeyPair::from_pkcs8(&pair.private_der).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    let encoding = match key {
        Key::Sha384 => &RSA_PKCS1_SHA384,
        Key::Sha512 => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    };
    pair.sign(encoding, &SystemRandom::new(), octets, &mut signature).unwrap();
    signature
}

/// Raw DEFLATE.
pub(crate) fn deflate(octets: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

/// The text that [`deflate`] was given.
pub(crate) fn inflate(octets: &[u8]) -> String {
    let mut text = String::new();
    DeflateDecoder::new(octets).read_to_string(&mut text).unwrap();
    text
}

/// `encodeURIComponent`, and more.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A time as the cloud writes it.
pub(crate) fn instant(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}

fn fresh_id() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("_request{:028}", NEXT.fetch_add(1, Ordering::Relaxed))
}
