//! Layer 0, saml: `Response` and `Assertion`, written (saml-core-2.0-os §2, §3.2;
//! saml-profiles-2.0-os §4.1.4; contract §4). Written in canonical form and signed by splicing;
//! values pass the escaping writer only.

use serde::Deserialize;
use time::OffsetDateTime;

use super::allowed::Declared;
use super::encryption::Envelope;
use super::error::Error;
use super::key::SigningKey;
use super::names::{BEARER, ns, status};
use super::signature::sign::{self, PrefixList};
use super::types::{AcsUrl, EntityId, MessageId, format_instant};
use super::xml::write::Writer;

/// An answer to an `AuthnRequest`, or an unasked one.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// Its own fresh id.
    pub id: &'a MessageId,
    /// The id of the request; none for an unsolicited answer (conformance A-016).
    pub in_response_to: Option<&'a MessageId>,
    /// When it is made.
    pub issue_instant: OffsetDateTime,
    /// The ACS that it is sent to, exactly as metadata lists it.
    pub destination: &'a AcsUrl,
    /// Our entityID.
    pub issuer: &'a EntityId,
    /// `Format` of the Response's `Issuer`, where the cloud wants it said.
    pub issuer_format: Option<&'a str>,
    /// `Consent`, where the cloud wants it said.
    pub consent: Option<&'a str>,
    /// How it went.
    pub status: Status<'a>,
    /// Who the person is: with success only (conformance A-081).
    pub assertion: Option<Assertion<'a>>,
}

/// `Status` (saml-core-2.0-os §3.2.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// The top-level code.
    pub code: &'static str,
    /// The second-level code.
    pub detail: Option<&'static str>,
    /// `StatusMessage`.
    pub message: Option<&'a str>,
}

impl Status<'static> {
    /// All went well.
    pub const SUCCESS: Self = Self { code: status::SUCCESS, detail: None, message: None };
}

/// What is asserted about one person, for one service provider.
#[derive(Clone, Debug)]
pub struct Assertion<'a> {
    /// Its own fresh id.
    pub id: &'a MessageId,
    /// The name identifier; without one the subject is who presents the assertion.
    pub name_id: Option<NameId<'a>>,
    /// The service provider it is meant for.
    pub audience: &'a EntityId,
    /// From when to when it holds.
    pub conditions: Window,
    /// How often whoever gets it may go by it.
    pub uses: Uses,
    /// From when to when the bearer may present it; the start is absent unless the cloud wants it.
    pub confirmation: Confirmation,
    /// What is known about the person, in the cloud's order.
    pub attributes: &'a [Attribute],
    /// How and when the person was authenticated.
    pub authn: AuthnStatement<'a>,
}

/// How often whoever gets an assertion may go by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Uses {
    /// As often as they like while it holds.
    #[default]
    Any,
    /// Once, at once: `OneTimeUse` (saml-core-2.0-os §2.5.1.5).
    One,
}

/// From (inclusive) to (exclusive).
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// `NotBefore`.
    pub not_before: OffsetDateTime,
    /// `NotOnOrAfter`.
    pub not_on_or_after: OffsetDateTime,
}

/// The times of `SubjectConfirmationData`.
#[derive(Clone, Copy, Debug)]
pub struct Confirmation {
    /// `NotBefore`: saml-profiles-2.0-os §4.1.4.2 forbids it, the contract's §4.2 shows it.
    pub not_before: Option<OffsetDateTime>,
    /// `NotOnOrAfter`.
    pub not_on_or_after: OffsetDateTime,
}

/// `NameID` (saml-core-2.0-os §2.2.3).
#[derive(Clone, Copy, Debug)]
pub struct NameId<'a> {
    /// `Format`.
    pub format: &'a str,
    /// `NameQualifier`.
    pub name_qualifier: Option<&'a str>,
    /// `SPNameQualifier`.
    pub sp_name_qualifier: Option<&'a str>,
    /// The identifier.
    pub value: &'a str,
}

/// One attribute of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `Name`.
    pub name: String,
    /// `NameFormat`.
    pub name_format: String,
    /// `FriendlyName`.
    pub friendly_name: Option<String>,
    /// Its values; an empty text gives an empty element, no value gives none (conformance A-010).
    pub values: Vec<String>,
}

/// `AuthnStatement` (saml-core-2.0-os §2.7.2).
#[derive(Clone, Copy, Debug)]
pub struct AuthnStatement<'a> {
    /// When the person was authenticated.
    pub instant: OffsetDateTime,
    /// The session's index, for logout.
    pub session_index: Option<&'a str>,
    /// When the session ends in any case (conformance B-30).
    pub session_not_on_or_after: Option<OffsetDateTime>,
    /// `SubjectLocality/@Address`, where the cloud wants it.
    pub locality: Option<&'a str>,
    /// `AuthnContextClassRef`.
    pub class_ref: &'a str,
}

/// What carries a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The Assertion.
    Assertion,
    /// The Response.
    Response,
    /// The Assertion, then the Response around it (conformance A-059).
    Both,
}

/// How to sign.
#[derive(Clone, Debug)]
pub struct Signing {
    /// What carries a signature. An answer without assertion is signed as a Response in any case.
    pub what: Signed,
    /// The prefixes for `InclusiveNamespaces`. Values are typed `xsd:string` exactly when `xsd` is
    /// among them: otherwise canonicalisation would drop the declaration that the type's name needs
    /// (contract §4.4).
    pub prefixes: PrefixList,
    /// What the service provider says that it can verify.
    pub declared: Declared,
}

impl Signing {
    fn over(&self, octets: &str, id: &MessageId, key: &SigningKey) -> Result<String, Error> {
        sign::enveloped(octets, id, key, &self.prefixes, &self.declared)
    }
}

impl Status<'_> {
    pub(in crate::saml) fn write(&self, writer: &mut Writer) -> Result<(), Error> {
        writer.open("saml2p:Status", &[])?;
        writer.open("saml2p:StatusCode", &[("Value", self.code)])?;
        if let Some(detail) = self.detail {
            writer.leaf("saml2p:StatusCode", &[("Value", detail)], "")?;
        }
        writer.close();
        if let Some(message) = self.message {
            writer.leaf("saml2p:StatusMessage", &[], message)?;
        }
        writer.close();
        Ok(())
    }
}

impl Response<'_> {
    /// The signed document.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a value that XML cannot carry, [`Error::Sign`].
    pub fn sign(&self, key: &SigningKey, signing: &Signing) -> Result<String, Error> {
        self.write(key, signing, None)
    }

    /// The same with the Assertion signed, encrypted into `envelope`, and the Response around it
    /// signed then, as far as `signing` says (saml-core-2.0-os §6.2).
    ///
    /// # Errors
    /// Those of [`Response::sign`], and [`Error::Encrypt`].
    pub fn seal(
        &self,
        key: &SigningKey,
        signing: &Signing,
        envelope: Envelope<'_>,
    ) -> Result<String, Error> {
        self.write(key, signing, Some(envelope))
    }

    fn write(
        &self,
        key: &SigningKey,
        signing: &Signing,
        envelope: Option<Envelope<'_>>,
    ) -> Result<String, Error> {
        const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        let mut writer = Writer::with_capacity(8 * 1024);
        let signature_place = self.open(&mut writer)?;
        if let Some(assertion) = &self.assertion {
            let typed = signing.prefixes.contains("xsd");
            let start = writer.position();
            let place = self.write_assertion(&mut writer, assertion, typed)?;
            if signing.what != Signed::Response {
                let octets = writer.since(start);
                let signature = signing.over(octets, assertion.id, key)?;
                writer.splice(place, &signature);
            }
            if let Some(envelope) = envelope {
                let plain = writer.take_since(start);
                envelope.write(&mut writer, &plain)?;
            }
        }
        writer.close();
        if signing.what != Signed::Assertion || self.assertion.is_none() {
            let signature = signing.over(writer.since(0), self.id, key)?;
            writer.splice(signature_place, &signature);
        }
        writer.splice(0, DECLARATION);
        Ok(writer.finish())
    }

    /// Opens the Response up to its Status; gives the place of its signature.
    fn open(&self, writer: &mut Writer) -> Result<usize, Error> {
        let issue_instant = format_instant(self.issue_instant);
        let mut attributes = vec![("xmlns:saml2p", ns::PROTOCOL)];
        attributes.extend(self.consent.map(|consent| ("Consent", consent)));
        attributes.push(("Destination", self.destination.as_str()));
        attributes.push(("ID", self.id.as_str()));
        attributes.extend(self.in_response_to.map(|id| ("InResponseTo", id.as_str())));
        attributes.push(("IssueInstant", &issue_instant));
        attributes.push(("Version", "2.0"));
        writer.open("saml2p:Response", &attributes)?;
        let mut attributes = vec![("xmlns:saml2", ns::ASSERTION)];
        attributes.extend(self.issuer_format.map(|format| ("Format", format)));
        writer.leaf("saml2:Issuer", &attributes, self.issuer.as_str())?;
        let signature_place = writer.position();
        self.status.write(writer)?;
        Ok(signature_place)
    }

    /// Writes the Assertion, self-contained; gives the place of its signature.
    fn write_assertion(
        &self,
        writer: &mut Writer,
        assertion: &Assertion<'_>,
        typed: bool,
    ) -> Result<usize, Error> {
        let issue_instant = format_instant(self.issue_instant);
        let mut attributes = vec![("xmlns:saml2", ns::ASSERTION)];
        attributes.extend(typed.then_some(("xmlns:xsd", ns::XSD)));
        attributes.push(("ID", assertion.id.as_str()));
        attributes.push(("IssueInstant", &issue_instant));
        attributes.push(("Version", "2.0"));
        writer.open("saml2:Assertion", &attributes)?;
        writer.leaf("saml2:Issuer", &[], self.issuer.as_str())?;
        let signature_place = writer.position();
        self.write_subject(writer, assertion)?;
        write_conditions(writer, assertion)?;
        write_attributes(writer, assertion.attributes, typed)?;
        write_authn(writer, &assertion.authn)?;
        writer.close();
        Ok(signature_place)
    }

    fn write_subject(&self, writer: &mut Writer, assertion: &Assertion<'_>) -> Result<(), Error> {
        writer.open("saml2:Subject", &[])?;
        if let Some(name_id) = &assertion.name_id {
            let mut attributes = vec![("Format", name_id.format)];
            attributes.extend(name_id.name_qualifier.map(|name| ("NameQualifier", name)));
            attributes.extend(name_id.sp_name_qualifier.map(|name| ("SPNameQualifier", name)));
            writer.leaf("saml2:NameID", &attributes, name_id.value)?;
        }
        writer.open("saml2:SubjectConfirmation", &[("Method", BEARER)])?;
        let not_before = assertion.confirmation.not_before.map(format_instant);
        let not_on_or_after = format_instant(assertion.confirmation.not_on_or_after);
        let mut attributes = Vec::with_capacity(4);
        attributes.extend(self.in_response_to.map(|id| ("InResponseTo", id.as_str())));
        attributes.extend(not_before.as_deref().map(|at| ("NotBefore", at)));
        attributes.push(("NotOnOrAfter", &not_on_or_after));
        attributes.push(("Recipient", self.destination.as_str()));
        writer.leaf("saml2:SubjectConfirmationData", &attributes, "")?;
        writer.close();
        writer.close();
        Ok(())
    }
}

fn write_conditions(writer: &mut Writer, assertion: &Assertion<'_>) -> Result<(), Error> {
    let not_before = format_instant(assertion.conditions.not_before);
    let not_on_or_after = format_instant(assertion.conditions.not_on_or_after);
    writer.open(
        "saml2:Conditions",
        &[("NotBefore", &not_before), ("NotOnOrAfter", &not_on_or_after)],
    )?;
    writer.open("saml2:AudienceRestriction", &[])?;
    writer.leaf("saml2:Audience", &[], assertion.audience.as_str())?;
    writer.close();
    if assertion.uses == Uses::One {
        writer.leaf("saml2:OneTimeUse", &[], "")?;
    }
    writer.close();
    Ok(())
}

fn write_attributes(
    writer: &mut Writer,
    attributes: &[Attribute],
    typed: bool,
) -> Result<(), Error> {
    // The schema wants at least one attribute in a statement.
    if attributes.is_empty() {
        return Ok(());
    }
    let value_type: &[(&'static str, &str)] =
        if typed { &[("xmlns:xsi", ns::XSI), ("xsi:type", "xsd:string")] } else { &[] };
    writer.open("saml2:AttributeStatement", &[])?;
    for attribute in attributes {
        let mut names = Vec::with_capacity(3);
        names.extend(attribute.friendly_name.as_deref().map(|name| ("FriendlyName", name)));
        names.push(("Name", attribute.name.as_str()));
        names.push(("NameFormat", attribute.name_format.as_str()));
        writer.open("saml2:Attribute", &names)?;
        for value in &attribute.values {
            writer.leaf("saml2:AttributeValue", value_type, value)?;
        }
        writer.close();
    }
    writer.close();
    Ok(())
}

fn write_authn(writer: &mut Writer, authn: &AuthnStatement<'_>) -> Result<(), Error> {
    let instant = format_instant(authn.instant);
    let mut attributes = vec![("AuthnInstant", instant.as_str())];
    attributes.extend(authn.session_index.map(|index| ("SessionIndex", index)));
    let end = authn.session_not_on_or_after.map(format_instant);
    attributes.extend(end.as_deref().map(|end| ("SessionNotOnOrAfter", end)));
    writer.open("saml2:AuthnStatement", &attributes)?;
    if let Some(address) = authn.locality {
        writer.leaf("saml2:SubjectLocality", &[("Address", address)], "")?;
    }
    writer.open("saml2:AuthnContext", &[])?;
    writer.leaf("saml2:AuthnContextClassRef", &[], authn.class_ref)?;
    writer.close();
    writer.close();
    Ok(())
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
