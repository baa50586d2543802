//! Layer 0, saml: `LogoutRequest` and `LogoutResponse`, written in canonical form, and signed as
//! each binding has it: beside the message in a URL, or inside it in a form or a SOAP envelope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use crate::saml::allowed::Declared;
use crate::saml::error::Error;
use crate::saml::key::SigningKey;
use crate::saml::name_id::NameIdentifier;
use crate::saml::names::ns;
use crate::saml::parameters::Parameter;
use crate::saml::redirect;
use crate::saml::response::Status;
use crate::saml::signature::sign::{self, PrefixList};
use crate::saml::soap;
use crate::saml::types::{EndpointUrl, EntityId, MessageId, format_instant};
use crate::saml::xml::write::Writer;

/// What a message of ours is signed with.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Our key.
    pub key: &'a SigningKey,
    /// What the receiver declares that it can verify.
    pub declared: &'a Declared,
}

/// A `LogoutRequest` that we make.
#[derive(Clone, Debug)]
pub struct Demand<'a> {
    /// Its own fresh id.
    pub id: &'a MessageId,
    /// When it is made.
    pub issue_instant: OffsetDateTime,
    /// From when on it does not hold any more.
    pub not_on_or_after: OffsetDateTime,
    /// Where it goes, exactly as metadata lists it.
    pub destination: &'a EndpointUrl,
    /// Our entityID.
    pub issuer: &'a EntityId,
    /// Whose session shall end, as the receiver knows them; never encrypted.
    pub name_id: &'a NameIdentifier,
    /// Which session, as it stood in the assertion.
    pub session_index: Option<&'a str>,
}

/// A `LogoutResponse` that we make.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// Its own fresh id.
    pub id: &'a MessageId,
    /// The id of the request.
    pub in_response_to: &'a MessageId,
    /// When it is made.
    pub issue_instant: OffsetDateTime,
    /// Where it goes, exactly as metadata lists it; nowhere in particular by SOAP, where it goes
    /// back to who asked.
    pub destination: Option<&'a EndpointUrl>,
    /// Our entityID.
    pub issuer: &'a EntityId,
    /// How it went.
    pub status: Status<'a>,
}

impl Demand<'_> {
    /// The URL that carries it by HTTP-Redirect.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a value that XML cannot carry, [`Error::Sign`].
    pub fn redirect(&self, signer: Signer<'_>, relay_state: &str) -> Result<String, Error> {
        let message = (Parameter::Request, &*self.unsigned()?);
        redirect::signed_url(self.destination, message, Some(relay_state), signer)
    }

    /// The form field that carries it by HTTP-POST.
    ///
    /// # Errors
    /// As [`Demand::redirect`].
    pub fn post(&self, signer: Signer<'_>) -> Result<String, Error> {
        Ok(STANDARD.encode(self.signed(signer)?))
    }

    /// The SOAP envelope that carries it.
    ///
    /// # Errors
    /// As [`Demand::redirect`].
    pub fn soap(&self, signer: Signer<'_>) -> Result<String, Error> {
        Ok(soap::envelope(&self.signed(signer)?))
    }
}

impl Answer<'_> {
    /// The URL that carries it by HTTP-Redirect.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for a value that XML cannot carry, [`Error::Sign`], and
    /// [`Error::Absent`] without destination.
    pub fn redirect(&self, signer: Signer<'_>, relay_state: Option<&str>) -> Result<String, Error> {
        let absent = Error::Absent { what: "Destination", inside: "LogoutResponse" };
        let destination = self.destination.ok_or(absent)?;
        let message = (Parameter::Response, &*self.unsigned()?);
        redirect::signed_url(destination, message, relay_state, signer)
    }

    /// The form field that carries it by HTTP-POST.
    ///
    /// # Errors
    /// As [`Answer::redirect`].
    pub fn post(&self, signer: Signer<'_>) -> Result<String, Error> {
        Ok(STANDARD.encode(self.signed(signer)?))
    }

    /// The SOAP envelope that carries it.
    ///
    /// # Errors
    /// As [`Answer::redirect`].
    pub fn soap(&self, signer: Signer<'_>) -> Result<String, Error> {
        Ok(soap::envelope(&self.signed(signer)?))
    }
}

/// What both have in common: what is said, and the two ways to write that.
trait Written {
    fn id(&self) -> &MessageId;

    /// Writes it; gives the place of its signature.
    fn write(&self, writer: &mut Writer) -> Result<usize, Error>;

    /// The document without a signature, for a binding that has it beside the message.
    fn unsigned(&self) -> Result<String, Error> {
        let mut writer = Writer::with_capacity(1024);
        self.write(&mut writer)?;
        Ok(writer.finish())
    }

    /// The document with its signature inside.
    fn signed(&self, Signer { key, declared }: Signer<'_>) -> Result<String, Error> {
        let mut writer = Writer::with_capacity(4096);
        let place = self.write(&mut writer)?;
        let prefixes = PrefixList::default();
        let signature = sign::enveloped(writer.since(0), self.id(), key, &prefixes, declared)?;
        writer.splice(place, &signature);
        Ok(writer.finish())
    }
}

impl Written for Demand<'_> {
    fn id(&self) -> &MessageId {
        self.id
    }

    fn write(&self, writer: &mut Writer) -> Result<usize, Error> {
        let issue_instant = format_instant(self.issue_instant);
        let until = format_instant(self.not_on_or_after);
        writer.open(
            "saml2p:LogoutRequest",
            &[
                ("xmlns:saml2p", ns::PROTOCOL),
                ("Destination", self.destination.as_str()),
                ("ID", self.id.as_str()),
                ("IssueInstant", &issue_instant),
                ("NotOnOrAfter", &until),
                ("Version", "2.0"),
            ],
        )?;
        let assertion = ("xmlns:saml2", ns::ASSERTION);
        writer.leaf("saml2:Issuer", &[assertion], self.issuer.as_str())?;
        let place = writer.position();
        let name = self.name_id;
        let mut attributes = vec![assertion];
        attributes.extend(name.format.as_deref().map(|format| ("Format", format)));
        attributes.extend(name.name_qualifier.as_deref().map(|name| ("NameQualifier", name)));
        attributes.extend(name.sp_name_qualifier.as_deref().map(|name| ("SPNameQualifier", name)));
        writer.leaf("saml2:NameID", &attributes, &name.value)?;
        if let Some(index) = self.session_index {
            writer.leaf("saml2p:SessionIndex", &[], index)?;
        }
        writer.close();
        Ok(place)
    }
}

impl Written for Answer<'_> {
    fn id(&self) -> &MessageId {
        self.id
    }

    fn write(&self, writer: &mut Writer) -> Result<usize, Error> {
        let issue_instant = format_instant(self.issue_instant);
        let mut attributes = vec![("xmlns:saml2p", ns::PROTOCOL)];
        attributes.extend(self.destination.map(|place| ("Destination", place.as_str())));
        attributes.extend([
            ("ID", self.id.as_str()),
            ("InResponseTo", self.in_response_to.as_str()),
            ("IssueInstant", &issue_instant),
            ("Version", "2.0"),
        ]);
        writer.open("saml2p:LogoutResponse", &attributes)?;
        writer.leaf("saml2:Issuer", &[("xmlns:saml2", ns::ASSERTION)], self.issuer.as_str())?;
        let place = writer.position();
        self.status.write(writer)?;
        writer.close();
        Ok(place)
    }
}
