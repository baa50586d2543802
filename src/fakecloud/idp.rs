//! Reading the partner's IDP Metadata.xml. Apart room `fakecloud`; contract §5, Metadata 2.4.3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::fault::{Fault, Finding};
use super::read::{self, Element, Unreadable};
use super::{DS_NS, METADATA_NS, PROTOCOL_NS};
use crate::limits;

/// What the cloud keeps of a partner's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdpMetadata {
    /// The gateway's entityID.
    pub(crate) entity_id: String,
    /// Where sign-in requests go (HTTP-Redirect).
    pub(crate) sso: String,
    /// Where the browser goes after it has signed out, if metadata says so.
    pub(crate) slo: Option<String>,
    /// The signing certificates, in DER.
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl IdpMetadata {
    /// Reads and checks a metadata document against the rules of contract §5.
    pub(crate) fn read(octets: &[u8]) -> Result<Self, Finding> {
        if octets.len() > limits::METADATA_BYTES {
            let came = format!("{} octets", octets.len());
            return Err(Finding::new(Fault::MetadataTooLarge, "at most 2 MB", came));
        }
        let text = read::text(octets).map_err(unreadable)?;
        let document = read::parse(text).map_err(unreadable)?;
        let root = Element::root(&document).filter(|e| e.is(METADATA_NS, "EntityDescriptor"));
        let Some(entity) = root else {
            let came = Element::root(&document).map_or_else(String::new, Element::name);
            let expected = "md:EntityDescriptor as the document element";
            return Err(Finding::new(Fault::NotAnEntityDescriptor, expected, format!("<{came}>")));
        };
        let idp = descriptor(entity)?;
        Ok(Self {
            entity_id: entity_id(entity)?,
            sso: redirect_location(idp, "SingleSignOnService")?.ok_or_else(|| {
                let expected = "a SingleSignOnService with Binding …:HTTP-Redirect";
                Finding::value(Fault::SsoLocationMissing, expected, None)
            })?,
            slo: redirect_location(idp, "SingleLogoutService")?,
            certificates: signing_certificates(idp)?,
        })
    }
}

/// Whether `text` is an absolute http or https address with a host and without user name or
/// fragment.
pub(crate) fn is_web_address(text: &str) -> bool {
    text.len() <= limits::URL_BYTES
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.fragment().is_none()
        })
}

fn unreadable(why: Unreadable) -> Finding {
    match why {
        Unreadable::Encoding(came) => Finding::new(Fault::MetadataNotUtf8, "UTF-8", came),
        Unreadable::Doctype => Finding::new(Fault::MetadataDoctype, "no DOCTYPE", "a DOCTYPE"),
        Unreadable::Malformed(came) => {
            Finding::new(Fault::MetadataMalformed, "well-formed XML", came)
        }
    }
}

fn entity_id(entity: Element<'_>) -> Result<String, Finding> {
    let came = entity.attribute("entityID");
    came.filter(|id| id.contains("https://") && id.chars().count() <= limits::ENTITY_ID_CHARS)
        .map(str::to_owned)
        .ok_or_else(|| {
            let expected = "an entityID with https:// of at most 1024 characters";
            Finding::value(Fault::EntityIdWrong, expected, came)
        })
}

fn descriptor(entity: Element<'_>) -> Result<Element<'_>, Finding> {
    let speaks_saml = |descriptor: &Element<'_>| {
        let protocols = descriptor.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL_NS)
    };
    let found: Vec<Element<'_>> =
        entity.all(METADATA_NS, "IDPSSODescriptor").into_iter().filter(speaks_saml).collect();
    let [one] = found[..] else {
        let expected = "one IDPSSODescriptor whose protocolSupportEnumeration names SAML 2.0";
        return Err(Finding::new(Fault::IdpDescriptorMissing, expected, found.len().to_string()));
    };
    Ok(one)
}

fn redirect_location(idp: Element<'_>, service: &str) -> Result<Option<String>, Finding> {
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    let endpoint = idp
        .all(METADATA_NS, service)
        .into_iter()
        .find(|endpoint| endpoint.attribute("Binding") == Some(redirect));
    let Some(endpoint) = endpoint else { return Ok(None) };
    let location = endpoint.attribute("Location");
    let Some(usable) = location.filter(|location| is_web_address(location)) else {
        let expected = format!("an absolute address as Location of {service}");
        return Err(Finding::value(Fault::LocationWrong, expected, location));
    };
    Ok(Some(usable.to_owned()))
}

/// The certificates of each `KeyDescriptor` that may sign: without `use` a key serves both
/// (Metadata 2.4.1.1).
fn signing_certificates(idp: Element<'_>) -> Result<Vec<Vec<u8>>, Finding> {
    let mut certificates = Vec::new();
    for key in idp.all(METADATA_NS, "KeyDescriptor") {
        if !matches!(key.attribute("use"), None | Some("signing")) {
            continue;
        }
        for certificate in key.subtree().filter(|e| e.is(DS_NS, "X509Certificate")) {
            certificates.push(certificate_of(&certificate.text()?)?);
        }
    }
    if certificates.is_empty() {
        let expected = "an X509Certificate in a KeyDescriptor for signing";
        return Err(Finding::value(Fault::SigningCertificateMissing, expected, None));
    }
    Ok(certificates)
}

fn certificate_of(text: &str) -> Result<Vec<u8>, Finding> {
    let broken = |came: String| {
        Finding::new(Fault::CertificateUnreadable, "a base64 X.509 certificate", came)
    };
    let text: String = text.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).map_err(|e| broken(e.to_string()))?;
    let (rest, certificate) = X509Certificate::from_der(&der).map_err(|e| broken(e.to_string()))?;
    if !rest.is_empty() {
        return Err(broken(format!("{} octets behind the certificate", rest.len())));
    }
    let expected = format!("RSA of {} to {} bits", limits::RSA_MIN_BITS, limits::RSA_MAX_BITS);
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let bits = rsa.key_size();
            if (limits::RSA_MIN_BITS..=limits::RSA_MAX_BITS).contains(&bits) {
                Ok(der)
            } else {
                Err(Finding::new(Fault::CertificateWeak, expected, format!("RSA of {bits} bits")))
            }
        }
        _ => Err(Finding::new(Fault::CertificateWeak, expected, "another kind of key")),
    }
}
