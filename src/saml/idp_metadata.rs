//! Layer 0, saml: our own metadata, written (saml-metadata-2.0-os §2, contract §5). It holds public
//! things only: certificates, URLs and what a tenant publishes about itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::allowed::{Declared, DigestAlgorithm, SignatureAlgorithm};
use super::encryption::{Published, publish};
use super::error::{Error, shortened};
use super::key::{KeyKind, SigningKey};
use super::names::{algorithm, binding, name_id, ns};
use super::signature::sign::{self, PrefixList};
use super::types::{EndpointUrl, EntityId, MessageId, format_instant};
use super::xml::write::Writer;
use crate::limits;

/// What one identity provider tells its service providers.
#[derive(Clone, Debug)]
pub struct IdpMetadata<'a> {
    /// Its entityID; `Issuer` of all its messages.
    pub entity_id: &'a EntityId,
    /// Certificates whose keys sign, DER: the active one first, then those that will or did sign.
    pub signing: &'a [&'a [u8]],
    /// The certificates to encrypt for, DER: of RSA keys only. The plain form needs one.
    pub encryption: &'a [&'a [u8]],
    /// Where requests go, by HTTP-Redirect and, in the rich form, by HTTP-POST; at least one.
    pub sso: &'a [EndpointUrl],
    /// Where logout messages go, by HTTP-Redirect and, in the rich form, by HTTP-POST and SOAP.
    pub slo: &'a EndpointUrl,
    /// How much is said.
    pub form: Form<'a>,
    /// Who signs the document, if anybody does.
    pub signer: Option<Signer<'a>>,
}

/// Who signs the document.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The key.
    pub key: &'a SigningKey,
    /// The document's ID.
    pub id: &'a MessageId,
}

/// How much the metadata says.
#[derive(Clone, Debug)]
pub enum Form<'a> {
    /// Exactly the elements of contract §5, in its order: for clouds that take this form by hand.
    Plain,
    /// What deployment profiles ask for beyond.
    Rich(Rich<'a>),
}

/// What the rich form adds.
#[derive(Clone, Debug)]
pub struct Rich<'a> {
    /// The name that people see.
    pub display_name: Localised<'a>,
    /// A page about the service.
    pub information_url: &'a EndpointUrl,
    /// A picture, when there is one.
    pub logo: Option<Logo<'a>>,
    /// Where service providers may send people with an error.
    pub error_url: &'a EndpointUrl,
    /// Whom to write to about technical matters: an e-mail address, where there is one.
    pub technical_contact: Option<&'a str>,
    /// Who runs it.
    pub organization: Organization<'a>,
    /// The domains whose names it may give (`shibmd:Scope`), no patterns.
    pub scopes: &'a [String],
    /// Name identifier formats beside transient.
    pub more_name_id_formats: &'a [&'a str],
    /// Whether unsigned requests are refused.
    pub want_authn_requests_signed: bool,
    /// From when on the document may not be used.
    pub valid_until: Option<OffsetDateTime>,
}

/// A text in the two languages.
#[derive(Clone, Copy, Debug)]
pub struct Localised<'a> {
    /// Chinese.
    pub zh: &'a str,
    /// English.
    pub en: &'a str,
}

/// A picture and its size in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Logo<'a> {
    /// Where it is.
    pub url: &'a EndpointUrl,
    /// Its width in pixels, not 0.
    pub width: u16,
    /// Its height in pixels, not 0.
    pub height: u16,
}

/// Who runs the identity provider.
#[derive(Clone, Copy, Debug)]
pub struct Organization<'a> {
    /// Its name.
    pub name: Localised<'a>,
    /// Its page.
    pub url: &'a EndpointUrl,
}

impl IdpMetadata<'_> {
    /// Writes the document, with its XML declaration, in UTF-8, indented for people who read it.
    ///
    /// # Errors
    /// [`Error::Value`] for the plain form of an entityID that is not https (contract §5);
    /// [`Error::Absent`] without certificate or SSO location; [`Error::Unwritable`] for text that
    /// XML cannot carry; [`Error::TooLong`]; [`Error::Sign`].
    pub fn write(&self) -> Result<String, Error> {
        self.check()?;
        let mut out = Pretty { writer: Writer::with_capacity(8 * 1024), depth: 0 };
        let until = self.rich().and_then(|rich| rich.valid_until).map(format_instant);
        let mut attributes = vec![("xmlns:ds", ns::DSIG), ("xmlns:md", ns::METADATA)];
        attributes.extend(self.signer.map(|signer| ("ID", signer.id.as_str())));
        attributes.push(("entityID", self.entity_id.as_str()));
        attributes.extend(until.as_ref().map(|until| ("validUntil", until.as_str())));
        out.open("md:EntityDescriptor", &attributes)?;
        let place = out.writer.position();
        self.role(&mut out)?;
        if let Some(rich) = self.rich() {
            rich.people(&mut out)?;
        }
        out.close()?;
        if let Some(Signer { key, id }) = self.signer {
            // Without the line end before the document element. `ds` is declared on that for all.
            let canonical = out.writer.since(1);
            let (prefixes, declared) = (PrefixList::new(["ds"])?, Declared::default());
            let signature = sign::enveloped(canonical, id, key, &prefixes, &declared)?;
            out.writer.splice(place, &signature);
        }
        let document =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}\n", out.writer.finish());
        if document.len() > limits::METADATA_BYTES {
            return Err(Error::TooLong { limit: limits::METADATA_BYTES, found: document.len() });
        }
        Ok(document)
    }

    fn rich(&self) -> Option<&Rich<'_>> {
        match &self.form {
            Form::Plain => None,
            Form::Rich(rich) => Some(rich),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let absent = |what| Err(Error::Absent { what, inside: "our metadata" });
        if self.signing.is_empty() {
            return absent("a signing certificate");
        }
        if self.sso.is_empty() {
            return absent("a SingleSignOnService");
        }
        if matches!(self.form, Form::Plain) && self.encryption.is_empty() {
            return absent("a certificate to encrypt for");
        }
        for certificate in self.encryption {
            if !matches!(KeyKind::of_certificate(certificate)?, KeyKind::Rsa(_)) {
                let expected = "an RSA key to be encrypted for";
                return Err(Error::Key { expected, found: "another kind of key".to_owned() });
            }
        }
        if matches!(self.form, Form::Plain) && !self.entity_id.as_str().starts_with("https://") {
            return Err(Error::Value {
                what: "entityID",
                expected: "https:// at its start",
                found: shortened(self.entity_id.as_str()),
            });
        }
        Ok(())
    }

    fn role(&self, out: &mut Pretty) -> Result<(), Error> {
        let mut attributes = Vec::new();
        if let Some(rich) = self.rich() {
            let signed = if rich.want_authn_requests_signed { "true" } else { "false" };
            attributes.push(("WantAuthnRequestsSigned", signed));
            attributes.push(("errorURL", rich.error_url.as_str()));
        }
        attributes.push(("protocolSupportEnumeration", ns::PROTOCOL));
        out.open("md:IDPSSODescriptor", &attributes)?;
        if let Some(rich) = self.rich() {
            out.open("md:Extensions", &[])?;
            algorithms(out)?;
            for scope in rich.scopes {
                let attributes = [("xmlns:shibmd", ns::SHIBMD), ("regexp", "false")];
                out.leaf("shibmd:Scope", &attributes, scope)?;
            }
            rich.user_interface(out)?;
            out.close()?;
        }
        for certificate in self.signing {
            key(out, "signing", certificate, &[])?;
        }
        let methods: Vec<_> = self.rich().into_iter().flat_map(|_| publish()).collect();
        for certificate in self.encryption {
            key(out, "encryption", certificate, &methods)?;
        }
        endpoint(out, "md:SingleLogoutService", binding::REDIRECT, self.slo)?;
        if self.rich().is_some() {
            endpoint(out, "md:SingleLogoutService", binding::POST, self.slo)?;
            endpoint(out, "md:SingleLogoutService", binding::SOAP, self.slo)?;
        }
        out.leaf("md:NameIDFormat", &[], name_id::TRANSIENT)?;
        for format in self.rich().map_or(&[][..], |rich| rich.more_name_id_formats) {
            out.leaf("md:NameIDFormat", &[], format)?;
        }
        for location in self.sso {
            endpoint(out, "md:SingleSignOnService", binding::REDIRECT, location)?;
        }
        // Contract §5 shows no other binding, so the plain form names none.
        for location in self.rich().map_or(&[][..], |_| self.sso) {
            endpoint(out, "md:SingleSignOnService", binding::POST, location)?;
        }
        out.close()
    }
}

impl Rich<'_> {
    /// `mdui:UIInfo` (sstc-saml-metadata-ui-v1.0 §2.1).
    fn user_interface(&self, out: &mut Pretty) -> Result<(), Error> {
        let url = self.information_url.as_str();
        out.open("mdui:UIInfo", &[("xmlns:mdui", ns::MDUI)])?;
        out.localised("mdui:DisplayName", self.display_name)?;
        out.localised("mdui:InformationURL", Localised { zh: url, en: url })?;
        if let Some(logo) = self.logo {
            let (width, height) = (logo.width.to_string(), logo.height.to_string());
            let size = [("height", height.as_str()), ("width", width.as_str())];
            out.leaf("mdui:Logo", &size, logo.url.as_str())?;
        }
        out.close()
    }

    /// `Organization` and `ContactPerson` (saml-metadata-2.0-os §2.3.2.1, §2.3.2.2).
    fn people(&self, out: &mut Pretty) -> Result<(), Error> {
        let url = self.organization.url.as_str();
        out.open("md:Organization", &[])?;
        out.localised("md:OrganizationName", self.organization.name)?;
        out.localised("md:OrganizationDisplayName", self.organization.name)?;
        out.localised("md:OrganizationURL", Localised { zh: url, en: url })?;
        out.close()?;
        let Some(contact) = self.technical_contact else { return Ok(()) };
        out.open("md:ContactPerson", &[("contactType", "technical")])?;
        out.leaf("md:EmailAddress", &[], &format!("mailto:{contact}"))?;
        out.close()
    }
}

/// What we verify (sstc-saml-metadata-algsupport-v1.0 §2.3).
fn algorithms(out: &mut Pretty) -> Result<(), Error> {
    for digest in DigestAlgorithm::ALL {
        let attributes = [("xmlns:alg", ns::ALG), ("Algorithm", digest.uri())];
        out.leaf("alg:DigestMethod", &attributes, "")?;
    }
    for signature in SignatureAlgorithm::ALL {
        let attributes = [("xmlns:alg", ns::ALG), ("Algorithm", signature.uri())];
        out.leaf("alg:SigningMethod", &attributes, "")?;
    }
    Ok(())
}

fn key(
    out: &mut Pretty,
    purpose: &str,
    certificate: &[u8],
    methods: &[Published],
) -> Result<(), Error> {
    out.open("md:KeyDescriptor", &[("use", purpose)])?;
    out.open("ds:KeyInfo", &[])?;
    out.open("ds:X509Data", &[])?;
    out.leaf("ds:X509Certificate", &[], &STANDARD.encode(certificate))?;
    out.close()?;
    out.close()?;
    for Published { uri, hashes } in methods {
        out.open("md:EncryptionMethod", &[("Algorithm", uri)])?;
        if let Some((digest, mask)) = hashes {
            out.leaf("ds:DigestMethod", &[("Algorithm", digest)], "")?;
            if *uri == algorithm::RSA_OAEP {
                let attributes = [("xmlns:xenc11", ns::XENC11), ("Algorithm", *mask)];
                out.leaf("xenc11:MGF", &attributes, "")?;
            }
        }
        out.close()?;
    }
    out.close()
}

fn endpoint(
    out: &mut Pretty,
    name: &'static str,
    binding: &str,
    location: &EndpointUrl,
) -> Result<(), Error> {
    out.leaf(name, &[("Binding", binding), ("Location", location.as_str())], "")
}

/// The writer, with each element on a line of its own.
struct Pretty {
    writer: Writer,
    depth: usize,
}

type Attributes<'a> = [(&'static str, &'a str)];

impl Pretty {
    fn line(&mut self) -> Result<(), Error> {
        self.writer.text(&format!("\n{}", "  ".repeat(self.depth)))
    }

    fn open(&mut self, name: &'static str, attributes: &Attributes<'_>) -> Result<(), Error> {
        self.line()?;
        self.depth += 1;
        self.writer.open(name, attributes)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.depth -= 1;
        self.line()?;
        self.writer.close();
        Ok(())
    }

    fn leaf(
        &mut self,
        name: &'static str,
        attributes: &Attributes<'_>,
        text: &str,
    ) -> Result<(), Error> {
        self.line()?;
        self.writer.leaf(name, attributes, text)
    }

    fn localised(&mut self, name: &'static str, text: Localised<'_>) -> Result<(), Error> {
        self.leaf(name, &[("xml:lang", "zh")], text.zh)?;
        self.leaf(name, &[("xml:lang", "en")], text.en)
    }
}
