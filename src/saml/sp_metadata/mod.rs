//! Layer 0, saml: a service provider's metadata, read (saml-metadata-2.0-os §2). Everything that a
//! journey needs to know about a service provider comes from here; what is wrong is said at upload,
//! not at the first login.
//!
//! Elements and attributes that we do not know are ignored (saml-metadata-2.0-os §2.2.1, A-020).
//! What we know but do not offer is listed in the warnings.

mod algorithms;
mod endpoint;
mod entity_attribute;
mod key_descriptor;
mod lifetime;
mod subject_id;
mod validity;

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

pub use endpoint::{AssertionConsumer, Binding, LogoutEndpoint};
pub(super) use endpoint::{index, logout_by_soap};
pub use entity_attribute::EntityAttribute;
pub(super) use key_descriptor::{KeyUse, certificate};
pub use lifetime::{End, Lifetime};
pub use subject_id::SubjectId;
pub(super) use validity::duration;

use super::allowed::Declared;
use super::encryption::EncryptionKey;
use super::error::{Error, shortened};
use super::key::VerifyingKey;
use super::names::ns;
use super::signature::verify::{Place, verify};
use super::types::{EndpointUrl, EntityId, parse_boolean};
use super::xml::{Document, Element, Limits, parse};

/// A service provider as its metadata describes it.
#[derive(Clone, Debug)]
pub struct ServiceProvider {
    /// Its entityID; `Issuer` of its requests is byte-equal to this.
    pub entity_id: EntityId,
    /// It says that it signs every `AuthnRequest`; an unsigned one is then refused.
    pub authn_requests_signed: bool,
    /// It wants signed assertions, beyond what the binding asks for.
    pub want_assertions_signed: bool,
    /// The keys that verify its messages, at most [`crate::limits::SP_SIGNING_KEYS`]. Without any,
    /// only unsigned requests can be answered.
    pub signing_keys: Vec<VerifyingKey>,
    /// The keys that can be used to encrypt for it, in document order.
    pub encryption_keys: Vec<EncryptionKey>,
    /// Its HTTP-POST assertion consumer services, in document order; at least one.
    pub acs: Vec<AssertionConsumer>,
    /// Its single logout services of the bindings through the browser, in document order.
    pub logout: Vec<LogoutEndpoint>,
    /// Where it is called by SOAP to log somebody out.
    pub logout_by_soap: Option<EndpointUrl>,
    /// The name identifier formats that it supports, in its order of preference.
    pub name_id_formats: Vec<String>,
    /// What it says that it can verify.
    pub declared: Declared,
    /// The subject identifier that it needs.
    pub subject_id: SubjectId,
    /// What its metadata says about it by attributes of the entity.
    pub entity_attributes: Vec<EntityAttribute>,
    /// The groups of attributes that it asks for.
    pub attribute_services: Vec<AttributeService>,
    /// The earliest `validUntil` that governs it; from then on it may not be used.
    pub valid_until: Option<OffsetDateTime>,
    /// The shortest `cacheDuration` that governs it: how soon to look for a newer copy.
    pub cache_duration: Option<Duration>,
    /// What was left out, for the person who uploads.
    pub warnings: Vec<Warning>,
}

/// An `AttributeConsumingService` (saml-metadata-2.0-os §2.4.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeService {
    /// What `AttributeConsumingServiceIndex` of a request refers to.
    pub index: u16,
    /// Whether it is the one that counts where a request names none.
    pub is_default: Option<bool>,
    /// The attributes, in document order.
    pub requested: Vec<RequestedAttribute>,
}

/// A `RequestedAttribute` (saml-metadata-2.0-os §2.4.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAttribute {
    /// Its `Name`.
    pub name: String,
    /// Its `NameFormat`, if it says one.
    pub name_format: Option<String>,
    /// Whether the service cannot do without it.
    pub required: bool,
    /// The values that it wants; any, where there is none.
    pub values: Vec<String>,
}

/// Something in the metadata that was left out, though the rest is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A key that cannot be used.
    Key {
        /// Which `KeyDescriptor`, from 1.
        number: usize,
        /// Why not.
        cause: Error,
    },
    /// An endpoint of a binding that we do not speak.
    Binding {
        /// Which kind of endpoint.
        element: &'static str,
        /// Its binding, shortened.
        binding: String,
    },
    /// Nothing better than CBC can be used to encrypt for it, which only few profiles allow.
    OnlyCbc,
    /// There is no usable key that verifies signed requests.
    NoSigningKey,
    /// It declares only algorithms that are not allowed here, and gets an allowed one all the same.
    Algorithms {
        /// Which kind of declaration.
        element: &'static str,
        /// The first of them, shortened.
        found: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { number, cause } => write!(f, "KeyDescriptor {number} is not used: {cause}"),
            Self::Binding { element, binding } => {
                write!(f, "a {element} with the binding {binding:?} is not used")
            }
            Self::Algorithms { element, found } => {
                write!(
                    f,
                    "no {element} of it is allowed here, the first is {found:?}: it may not verify \
                     what it gets"
                )
            }
            Self::OnlyCbc => f.write_str(
                "it can be encrypted for with CBC only: that happens only where its profile has \
                 allow_cbc, and nothing is encrypted elsewhere",
            ),
            Self::NoSigningKey => f.write_str("no usable signing key: signed requests are refused"),
        }
    }
}

/// Why a metadata document is believed.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'k> {
    /// By the way it came: uploaded by the operator, a local file, TLS. A signature in it is not
    /// looked at.
    Origin,
    /// By a signature on the document element, by one of these keys, fixed out of band.
    Signature(&'k [VerifyingKey]),
}

/// Reads the service provider `wanted` out of a metadata document; without `wanted`, the only one
/// that is in it.
///
/// # Errors
/// Those of the XML reader and, with [`Trust::Signature`], of [`verify`]; [`Error::Metadata`],
/// [`Error::Absent`], [`Error::Value`], [`Error::Key`] for a description that cannot work;
/// [`Error::MetadataExpired`] at `now`.
pub fn read(
    octets: &[u8],
    wanted: Option<&EntityId>,
    trust: Trust<'_>,
    now: OffsetDateTime,
) -> Result<ServiceProvider, Error> {
    let document = parse(octets, Limits::METADATA)?;
    match trust {
        Trust::Origin => read_document(&document, wanted, now),
        Trust::Signature(keys) => {
            let verified = verify(document.root(), keys, Place::First, Limits::METADATA)?;
            drop(document);
            read_document(&verified.read()?, wanted, now)
        }
    }
}

impl ServiceProvider {
    /// The assertion consumer service at exactly this URL.
    #[must_use]
    pub fn acs_by_url(&self, url: &str) -> Option<&AssertionConsumer> {
        self.acs.iter().find(|acs| acs.location.as_str() == url)
    }

    /// Whether it wants to be told, by messages, that a session has ended.
    #[must_use]
    pub fn hears_of_logout(&self) -> bool {
        !self.logout.is_empty() || self.logout_by_soap.is_some()
    }

    /// The assertion consumer service with this index.
    #[must_use]
    pub fn acs_by_index(&self, index: u16) -> Option<&AssertionConsumer> {
        self.acs.iter().find(|acs| acs.index == index)
    }

    /// The default one: the first with `isDefault` true, else the first without `isDefault` false,
    /// else the first (saml-metadata-2.0-os §2.2.3). `None` never happens for metadata that was
    /// read here.
    #[must_use]
    pub fn default_acs(&self) -> Option<&AssertionConsumer> {
        let first = |is_default| self.acs.iter().find(move |acs| acs.is_default == is_default);
        first(Some(true)).or_else(|| first(None)).or_else(|| self.acs.first())
    }

    /// The group of attributes with this index, or else the default one, chosen as
    /// [`Self::default_acs`] is; `None` where it asks for none.
    #[must_use]
    pub fn attribute_service(&self, index: Option<u16>) -> Option<&AttributeService> {
        let all = || self.attribute_services.iter();
        let first = |is_default| all().find(move |one| one.is_default == is_default);
        match index {
            Some(index) => all().find(|one| one.index == index),
            None => first(Some(true)).or_else(|| first(None)).or_else(|| all().next()),
        }
    }
}

fn read_document(
    document: &Document,
    wanted: Option<&EntityId>,
    now: OffsetDateTime,
) -> Result<ServiceProvider, Error> {
    let entity = pick(document, wanted)?;
    let role = role(entity)?;
    let governing = std::iter::successors(Some(role), |element| element.parent());
    let validity = validity::read(governing, now)?;
    let mut warnings = Vec::new();
    let entity_attributes = entity_attribute::read(entity);
    let mut provider = ServiceProvider {
        entity_id: EntityId::parse(required(entity, "entityID", "EntityDescriptor")?)?,
        authn_requests_signed: flag(role, "AuthnRequestsSigned")?,
        want_assertions_signed: flag(role, "WantAssertionsSigned")?,
        signing_keys: Vec::new(),
        encryption_keys: Vec::new(),
        acs: Vec::new(),
        logout: Vec::new(),
        logout_by_soap: None,
        name_id_formats: Vec::new(),
        declared: algorithms::read(entity, role, &mut warnings)?,
        subject_id: subject_id::read(&entity_attributes),
        entity_attributes,
        attribute_services: Vec::new(),
        valid_until: validity.until,
        cache_duration: validity.cache,
        warnings,
    };
    key_descriptor::read(role, &mut provider)?;
    endpoint::read(role, &mut provider)?;
    for format in role.children_named(ns::METADATA, "NameIDFormat") {
        provider.name_id_formats.push(format.text()?.trim_ascii().to_owned());
    }
    for service in role.children_named(ns::METADATA, "AttributeConsumingService") {
        provider.attribute_services.push(attribute_service(service)?);
    }
    Ok(provider)
}

/// The descriptor that is wanted, from a single one or a group, nested or not.
fn pick<'d>(document: &'d Document, wanted: Option<&EntityId>) -> Result<Element<'d>, Error> {
    let root = document.root();
    let grouped = root.is(ns::METADATA, "EntitiesDescriptor");
    if !grouped && !root.is(ns::METADATA, "EntityDescriptor") {
        let expected = "EntityDescriptor or EntitiesDescriptor of SAML 2.0 metadata";
        return Err(Error::Element { expected, found: root.describe() });
    }
    let found = entities(document);
    let mut fitting = found.iter().filter(|entity| match wanted {
        Some(wanted) => entity.attribute("entityID") == Some(wanted.as_str()),
        // Without a name, a group may still have exactly one service provider.
        None => !grouped || entity.children_named(ns::METADATA, "SPSSODescriptor").count() > 0,
    });
    let expected = match wanted {
        Some(_) => "one EntityDescriptor with the wanted entityID",
        None => "one service provider, or the entityID of the wanted one",
    };
    match (fitting.next(), fitting.count()) {
        (Some(entity), 0) => Ok(*entity),
        (Some(_), more) => Err(metadata(expected, (more + 1).to_string())),
        (None, _) => {
            let first = found.first().and_then(|entity| entity.attribute("entityID"));
            let first = shortened(first.unwrap_or("nothing"));
            Err(metadata(expected, format!("{} others, the first {first}", found.len())))
        }
    }
}

/// The descriptors of a document, in its order.
pub(super) fn entities(document: &Document) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    gather(document.root(), &mut found);
    found
}

/// Collects the descriptors of a group. The reader bounds the depth of every tree.
fn gather<'d>(element: Element<'d>, found: &mut Vec<Element<'d>>) {
    if element.is(ns::METADATA, "EntityDescriptor") {
        found.push(element);
    } else if element.is(ns::METADATA, "EntitiesDescriptor") {
        element.children().for_each(|child| gather(child, found));
    }
}

/// The one `SPSSODescriptor` that speaks SAML 2.0.
fn role(entity: Element<'_>) -> Result<Element<'_>, Error> {
    let mut roles = entity.children_named(ns::METADATA, "SPSSODescriptor").filter(|role| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == ns::PROTOCOL)
    });
    let expected = "one SPSSODescriptor whose protocolSupportEnumeration has SAML 2.0";
    match (roles.next(), roles.next()) {
        (Some(role), None) => Ok(role),
        (Some(_), Some(_)) => Err(metadata(expected, "several".to_owned())),
        (None, _) => {
            let children: Vec<_> = entity.children().map(Element::local).collect();
            Err(metadata(expected, shortened(&format!("only [{}]", children.join(", ")))))
        }
    }
}

fn attribute_service(service: Element<'_>) -> Result<AttributeService, Error> {
    let requested = service.children_named(ns::METADATA, "RequestedAttribute").map(|attribute| {
        Ok(RequestedAttribute {
            name: required(attribute, "Name", "RequestedAttribute")?.to_owned(),
            name_format: attribute.attribute("NameFormat").map(str::to_owned),
            required: flag(attribute, "isRequired")?,
            values: entity_attribute::values(attribute),
        })
    });
    Ok(AttributeService {
        index: endpoint::index(service, "AttributeConsumingService")?,
        is_default: service
            .attribute("isDefault")
            .map(|text| parse_boolean("isDefault", text.trim_ascii()))
            .transpose()?,
        requested: requested.collect::<Result<_, Error>>()?,
    })
}

/// An `xs:boolean` attribute that is false when it is absent.
fn flag(element: Element<'_>, name: &'static str) -> Result<bool, Error> {
    element.attribute(name).map_or(Ok(false), |text| parse_boolean(name, text.trim_ascii()))
}

fn required<'d>(
    element: Element<'d>,
    name: &'static str,
    inside: &'static str,
) -> Result<&'d str, Error> {
    element.attribute(name).ok_or(Error::Absent { what: name, inside })
}

fn metadata(expected: &'static str, found: String) -> Error {
    Error::Metadata { expected, found }
}

#[cfg(test)]
mod signed_tests;
#[cfg(test)]
mod tests;
