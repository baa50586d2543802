//! Layer 0, saml: the endpoints of a service provider (saml-metadata-2.0-os §2.2, §2.4.4).

use std::collections::HashSet;

use super::{Fault, Lint, faults, location, quoted};
use crate::saml::names::ns;
use crate::saml::sp_metadata::{Binding, index, logout_by_soap};
use crate::saml::types::parse_boolean;
use crate::saml::xml::Element;

const ACS: &str = "AssertionConsumerService";
const SLO: &str = "SingleLogoutService";

/// Looks at the endpoints of `role`.
pub(super) fn look(role: Element<'_>, lint: &mut Lint<'_>) {
    consumers(role, lint);
    let mut bindings = Vec::new();
    for (at, endpoint) in role.children_named(ns::METADATA, SLO).enumerate() {
        let named = format!("{SLO} {}", at + 1);
        if let Some(binding) = binding(endpoint, &named, lint) {
            if bindings.contains(&binding) {
                lint.note(endpoint, LOGOUT_TWICE, named.clone());
            }
            bindings.push(binding);
            location::look(endpoint, "Location", &named, lint);
            if endpoint.attribute("ResponseLocation").is_some() {
                location::look(endpoint, "ResponseLocation", &named, lint);
            }
        }
    }
    for name in ["ArtifactResolutionService", "ManageNameIDService"] {
        if let Some(service) = role.children_named(ns::METADATA, name).next() {
            lint.note(service, NOT_OFFERED, name);
        }
    }
}

fn consumers(role: Element<'_>, lint: &mut Lint<'_>) {
    let (mut total, mut posts, mut defaults) = (0, 0, 0);
    let (mut indices, mut locations) = (HashSet::new(), HashSet::new());
    for endpoint in role.children_named(ns::METADATA, ACS) {
        total += 1;
        let named = format!("{ACS} {total}");
        if binding(endpoint, &named, lint) != Some(Binding::Post) {
            continue;
        }
        posts += 1;
        location::look(endpoint, "Location", &named, lint);
        if let Some(location) = endpoint.attribute("Location")
            && !locations.insert(location)
        {
            lint.note(endpoint, LOCATION_TWICE, format!("{named}: {}", quoted(location)));
        }
        if endpoint.attribute("ResponseLocation").is_some() {
            lint.note(endpoint, RESPONSE_LOCATION, named.clone());
        }
        match (endpoint.attribute("index"), index(endpoint, ACS)) {
            (None, _) => lint.note(endpoint, INDEX_ABSENT, named.clone()),
            (Some(text), Err(_)) => {
                lint.note(endpoint, INDEX, format!("{named}: index={}", quoted(text)));
            }
            (_, Ok(index)) => {
                if !indices.insert(index) {
                    lint.note(endpoint, INDEX_TWICE, format!("{named}: index {index} again"));
                }
            }
        }
        defaults += usize::from(is_default(endpoint, &named, DEFAULT, lint));
    }
    if defaults > 1 {
        lint.note(role, DEFAULTS, format!("{defaults} with isDefault true"));
    }
    match (total, posts) {
        (0, _) => lint.note(role, NO_CONSUMER, "no AssertionConsumerService"),
        (_, 0) => {
            // This says it all.
            lint.found.retain(|finding| finding.fault != BINDING_NOT_OFFERED);
            lint.note(role, NO_POST, format!("{total} of other bindings"));
        }
        _ => {}
    }
}

/// The endpoint's binding, if it is one that we speak through the browser.
fn binding(endpoint: Element<'_>, named: &str, lint: &mut Lint<'_>) -> Option<Binding> {
    let Some(uri) = endpoint.attribute("Binding") else {
        lint.note(endpoint, BINDING_ABSENT, named);
        return None;
    };
    if logout_by_soap(endpoint).is_some() {
        return None;
    }
    let spoken = Binding::from_uri(uri);
    let useless = endpoint.local() == ACS && spoken != Some(Binding::Post);
    if spoken.is_none() || useless {
        let known = uri.strip_prefix("urn:oasis:names:tc:SAML:2.0:bindings:");
        let known = known.is_some_and(|name| KNOWN.contains(&name))
            || uri.starts_with("urn:oasis:names:tc:SAML:1.0:profiles:");
        let fault = if known { BINDING_NOT_OFFERED } else { BINDING_UNKNOWN };
        lint.note(endpoint, fault, format!("{named}: Binding={}", quoted(uri)));
    }
    spoken
}

/// The bindings of the standards.
const KNOWN: &[&str] =
    &["HTTP-Redirect", "HTTP-POST", "HTTP-Artifact", "HTTP-POST-SimpleSign", "PAOS", "SOAP", "URI"];

/// Whether an indexed element says that it is the default.
pub(super) fn is_default(
    element: Element<'_>,
    named: &str,
    fault: &'static Fault,
    lint: &mut Lint<'_>,
) -> bool {
    let Some(text) = element.attribute("isDefault") else { return false };
    parse_boolean("isDefault", text.trim_ascii()).unwrap_or_else(|_| {
        lint.note(element, fault, format!("{named}: isDefault={}", quoted(text)));
        false
    })
}

faults! {
    NO_CONSUMER = 71, Error,
        "There is no AssertionConsumerService.",
        "There is nowhere to send assertions to.",
        "Add one with the HTTP-POST binding, its Location and index=\"0\".";
    NO_POST = 72, Error,
        "No AssertionConsumerService has the HTTP-POST binding.",
        "Assertions are sent by HTTP-POST only.",
        "Switch HTTP-POST on at the service provider and export the metadata again.";
    BINDING_ABSENT = 73, Error,
        "An endpoint has no Binding.",
        "It is not known how to send to it.",
        "Add Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\", or the one that it has.";
    BINDING_NOT_OFFERED = 74, Advice,
        "An endpoint has a binding of the standard that is not used for it here.",
        "The endpoint is not used.",
        "Nothing, if there is another one for HTTP-POST (or HTTP-Redirect, for logout).";
    BINDING_UNKNOWN = 75, Warning,
        "An endpoint has a binding that no standard knows.",
        "The endpoint is not used.",
        "Compare it letter by letter with \
         urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST; white space counts.";
    INDEX_ABSENT = 76, Error,
        "An AssertionConsumerService has no index.",
        "The schema asks for it; requests by index would hit the wrong address.",
        "Number them from 0.";
    INDEX = 77, Error,
        "The index of an AssertionConsumerService is not 0 to 65535.",
        "Requests cannot name it.",
        "Number them from 0.";
    INDEX_TWICE = 78, Error,
        "Two AssertionConsumerService elements have the same index.",
        "It is not known where a request by index wants its answer.",
        "Give each an index of its own.";
    DEFAULT = 79, Error,
        "isDefault of an AssertionConsumerService is neither true nor false.",
        "It is not known which one is the default.",
        "Write true or false, in small letters.";
    DEFAULTS = 80, Warning,
        "Several AssertionConsumerService elements say that they are the default.",
        "The first one is taken.",
        "Leave isDefault=\"true\" at one only.";
    LOCATION_TWICE = 81, Advice,
        "Two AssertionConsumerService elements have the same Location.",
        "The first one counts for requests by address.",
        "Delete one.";
    RESPONSE_LOCATION = 82, Advice,
        "An AssertionConsumerService has a ResponseLocation.",
        "It is ignored, as the standard wants it (saml-metadata-2.0-os §2.2.2): answers go to \
         Location.",
        "Delete it.";
    LOGOUT_TWICE = 83, Advice,
        "Two SingleLogoutService elements have the same binding.",
        "The first one is used.",
        "Delete the other one.";
    NOT_OFFERED = 84, Advice,
        "There is a service that is not used here: artifacts, or the management of name \
         identifiers.",
        "It is ignored.",
        "Nothing.";
}
