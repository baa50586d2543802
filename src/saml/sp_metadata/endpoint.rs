//! Layer 0, saml: the endpoints of a service provider (saml-metadata-2.0-os §2.2.2, §2.2.3). A URL
//! that a browser would be sent to must be one that we would send to (A-072, C-21), or the metadata
//! as a whole is refused.

use std::collections::HashSet;

use super::{ServiceProvider, Warning, metadata, required};
use crate::saml::error::{Error, shortened};
use crate::saml::names::{binding, ns};
use crate::saml::types::{AcsUrl, EndpointUrl, parse_boolean, value};
use crate::saml::xml::Element;

const ACS: &str = "AssertionConsumerService";
const SLO: &str = "SingleLogoutService";

/// An `AssertionConsumerService` with the HTTP-POST binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionConsumer {
    /// Where responses go.
    pub location: AcsUrl,
    /// What `AssertionConsumerServiceIndex` of a request refers to; unique.
    pub index: u16,
    /// `isDefault`; absent is not the same as false (saml-metadata-2.0-os §2.2.3).
    pub is_default: Option<bool>,
}

/// A `SingleLogoutService`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutEndpoint {
    /// How messages get there.
    pub binding: Binding,
    /// Where requests go.
    pub location: EndpointUrl,
    /// Where responses go, when that differs (`ResponseLocation`).
    pub response_location: Option<EndpointUrl>,
}

/// The bindings through the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// HTTP-Redirect (saml-bindings-2.0-os §3.4).
    Redirect,
    /// HTTP-POST (saml-bindings-2.0-os §3.5).
    Post,
}

impl Binding {
    /// The binding of that name, if it is one that we speak.
    pub(in crate::saml) fn from_uri(uri: &str) -> Option<Self> {
        match uri {
            binding::REDIRECT => Some(Self::Redirect),
            binding::POST => Some(Self::Post),
            _ => None,
        }
    }
}

/// Reads the endpoints of `role` into `provider`.
pub(super) fn read(role: Element<'_>, provider: &mut ServiceProvider) -> Result<(), Error> {
    let mut indices = HashSet::new();
    for endpoint in role.children_named(ns::METADATA, ACS) {
        let uri = required(endpoint, "Binding", ACS)?;
        // Responses never go by HTTP-Redirect, whatever the metadata says.
        if Binding::from_uri(uri) == Some(Binding::Post) {
            let acs = consumer(endpoint, ACS)?;
            if !indices.insert(acs.index) {
                let found = format!("{} twice", acs.index);
                return Err(metadata("a different index for each AssertionConsumerService", found));
            }
            provider.acs.push(acs);
        } else {
            provider.warnings.push(Warning::Binding { element: ACS, binding: shortened(uri) });
        }
    }
    if provider.acs.is_empty() {
        let found = "none".to_owned();
        return Err(metadata("an AssertionConsumerService with the HTTP-POST binding", found));
    }
    for endpoint in role.children_named(ns::METADATA, SLO) {
        let uri = required(endpoint, "Binding", SLO)?;
        if let Some(binding) = Binding::from_uri(uri) {
            provider.logout.push(logout(endpoint, binding, SLO)?);
        } else if let Some(location) = logout_by_soap(endpoint) {
            provider.logout_by_soap.get_or_insert(location);
        } else {
            provider.warnings.push(Warning::Binding { element: SLO, binding: shortened(uri) });
        }
    }
    Ok(())
}

/// The address of a `SingleLogoutService` that is called by SOAP (saml-bindings-2.0-os §3.2). One
/// that we would not call is not used; it spoils nothing else, since no browser is sent there.
pub(in crate::saml) fn logout_by_soap(endpoint: Element<'_>) -> Option<EndpointUrl> {
    let by_soap = endpoint.is(ns::METADATA, SLO)
        && endpoint.attribute("Binding").is_some_and(|uri| uri == binding::SOAP);
    let location = endpoint.attribute("Location").filter(|_| by_soap)?;
    EndpointUrl::parse(location).ok()
}

/// The `index` of an indexed element: an `xs:unsignedShort`.
pub(in crate::saml) fn index(element: Element<'_>, inside: &'static str) -> Result<u16, Error> {
    let text = required(element, "index", inside)?.trim_ascii();
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| value("index", "0 to 65535", text))
}

fn consumer(endpoint: Element<'_>, inside: &'static str) -> Result<AssertionConsumer, Error> {
    let is_default = endpoint.attribute("isDefault").map(str::trim_ascii);
    Ok(AssertionConsumer {
        location: AcsUrl::parse(required(endpoint, "Location", inside)?)?,
        index: index(endpoint, inside)?,
        is_default: is_default.map(|text| parse_boolean("isDefault", text)).transpose()?,
    })
}

fn logout(
    endpoint: Element<'_>,
    binding: Binding,
    inside: &'static str,
) -> Result<LogoutEndpoint, Error> {
    let response_location = endpoint.attribute("ResponseLocation");
    Ok(LogoutEndpoint {
        binding,
        location: EndpointUrl::parse(required(endpoint, "Location", inside)?)?,
        response_location: response_location.map(EndpointUrl::parse).transpose()?,
    })
}
