//! Layer 0, saml: which description of a document is meant, and what it says of itself
//! (saml-metadata-2.0-os §2.3, §2.4).

use url::Url;

use super::{Lint, attributes, endpoints, faults, keys, quoted, structure, validity};
use crate::limits;
use crate::saml::EntityId;
use crate::saml::names::ns;
use crate::saml::sp_metadata;
use crate::saml::types::parse_boolean;
use crate::saml::xml::{Document, Element};

/// Looks at a document that could be read.
pub(super) fn look(document: &Document, lint: &mut Lint<'_>) {
    structure::signature(document.root(), lint);
    let Some(entity) = pick(document, lint) else { return };
    name(entity, lint);
    structure::entity(entity, lint);
    let Some(role) = role(entity, lint) else { return };
    validity::look(role, lint);
    let signed = flag(role, "AuthnRequestsSigned", SIGNED_UNREADABLE, lint);
    flag(role, "WantAssertionsSigned", WANTED_UNREADABLE, lint);
    structure::role(role, lint);
    structure::algorithms(entity, role, lint);
    keys::look(role, signed, lint);
    endpoints::look(role, lint);
    attributes::look(role, lint);
}

/// The description that the reader would take.
fn pick<'d>(document: &'d Document, lint: &mut Lint<'_>) -> Option<Element<'d>> {
    let root = document.root();
    let grouped = root.is(ns::METADATA, "EntitiesDescriptor");
    if !grouped && !root.is(ns::METADATA, "EntityDescriptor") {
        other_root(root, lint);
        return None;
    }
    let all = sp_metadata::entities(document);
    let is_sp = |entity: &Element<'_>| {
        entity.children_named(ns::METADATA, "SPSSODescriptor").next().is_some()
    };
    let fits = |entity: &Element<'d>| match lint.question.wanted {
        Some(wanted) => entity.attribute("entityID") == Some(wanted.as_str()),
        None => !grouped || is_sp(entity),
    };
    let fitting: Vec<_> = all.iter().copied().filter(fits).collect();
    let count = fitting.len();
    match (fitting.first(), fitting.get(1), lint.question.wanted) {
        (Some(one), None, _) => return Some(*one),
        (_, Some(second), Some(_)) => {
            lint.note(*second, WANTED_TWICE, format!("{count} descriptions have this entityID"));
        }
        (_, Some(second), None) => {
            let names = fitting.iter().filter_map(|entity| entity.attribute("entityID"));
            let names: Vec<_> = names.take(3).map(quoted).collect();
            let what = format!("{count} service providers, the first {}", names.join(", "));
            lint.note(*second, SEVERAL, what);
        }
        (None, _, Some(wanted)) => {
            let first = all.first().and_then(|entity| entity.attribute("entityID"));
            let found = first.map_or_else(|| "nothing".to_owned(), quoted);
            let what = format!("expected {}, found {found}", quoted(wanted.as_str()));
            lint.note(root, NOT_WANTED, what);
        }
        (None, _, None) => {
            lint.note(root, NO_SP_IN_GROUP, format!("{} descriptions, none of them", all.len()));
        }
    }
    None
}

fn other_root(root: Element<'_>, lint: &mut Lint<'_>) {
    let fault = match (root.namespace(), root.local()) {
        (_, "EntityDescriptor" | "EntitiesDescriptor") => OTHER_NAMESPACE,
        (Some(ns::PROTOCOL | ns::ASSERTION), _) => MESSAGE,
        _ => OTHER_ROOT,
    };
    lint.note(root, fault, format!("the document is {}", root.describe()));
}

/// Its entityID.
fn name(entity: Element<'_>, lint: &mut Lint<'_>) {
    let Some(text) = entity.attribute("entityID") else {
        lint.note(entity, ID_ABSENT, "EntityDescriptor without entityID");
        return;
    };
    let what = format!("entityID {}", quoted(text));
    if EntityId::parse(text).is_err() {
        let long = text.chars().count() > limits::ENTITY_ID_CHARS;
        lint.note(entity, if long { ID_LONG } else { ID_UNUSABLE }, what);
    } else if Url::parse(text).is_err() {
        lint.note(entity, ID_NO_URI, what);
    } else if is_placeholder(text) {
        lint.note(entity, ID_PLACEHOLDER, what);
    }
}

/// Whether a name was left as some instructions print it.
fn is_placeholder(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let printed = ["example.com", "example.org", "yourdomain", "your-domain", "changeme", "${"];
    printed.iter().any(|part| text.contains(part))
}

/// The role that the reader would take, or else the first of the kind.
fn role<'d>(entity: Element<'d>, lint: &mut Lint<'_>) -> Option<Element<'d>> {
    let roles: Vec<_> = entity.children_named(ns::METADATA, "SPSSODescriptor").collect();
    let protocols = |role: &Element<'d>| role.attribute("protocolSupportEnumeration");
    let speaks = |role: &&Element<'d>| {
        let protocols = protocols(role).unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == ns::PROTOCOL)
    };
    let speaking: Vec<_> = roles.iter().filter(speaks).copied().collect();
    match (speaking.as_slice(), roles.first()) {
        ([one], _) => return Some(*one),
        ([first, second, ..], _) => {
            let what = format!("{} SPSSODescriptor elements for SAML 2.0", speaking.len());
            lint.note(*second, SEVERAL_ROLES, what);
            return Some(*first);
        }
        ([], None) => {
            let children: Vec<_> = entity.children().map(Element::local).take(8).collect();
            let is_idp = children.contains(&"IDPSSODescriptor");
            let fault = if is_idp { IDP_METADATA } else { NO_ROLE };
            let found = children.join(", ");
            lint.note(entity, fault, format!("no SPSSODescriptor, only [{}]", quoted(&found)));
        }
        ([], Some(role)) => match protocols(role) {
            None => lint.note(*role, NO_PROTOCOL, "no protocolSupportEnumeration"),
            Some(other) => lint.note(*role, OTHER_PROTOCOL, format!("only {}", quoted(other))),
        },
    }
    roles.first().copied()
}

/// A flag of the role; nothing if it cannot be read.
fn flag(
    role: Element<'_>,
    name: &'static str,
    fault: &'static super::Fault,
    lint: &mut Lint<'_>,
) -> Option<bool> {
    let Some(text) = role.attribute(name) else { return Some(false) };
    let read = parse_boolean(name, text.trim_ascii()).ok();
    if read.is_none() {
        lint.note(role, fault, format!("{name}={}", quoted(text)));
    }
    read
}

faults! {
    OTHER_NAMESPACE = 20, Error,
        "The document element is not in the namespace of SAML 2.0 metadata.",
        "It is no metadata to any program.",
        "Declare xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" (or a prefix for it) on it.";
    MESSAGE = 21, Error,
        "This is a SAML message, not metadata.",
        "There is nothing to register.",
        "Send the document that the service provider calls its metadata: an EntityDescriptor.";
    OTHER_ROOT = 22, Error,
        "The document is XML, but neither EntityDescriptor nor EntitiesDescriptor.",
        "There is nothing to register.",
        "Send the metadata itself, without what a service wraps around it.";
    NO_SP_IN_GROUP = 23, Error,
        "No description in the EntitiesDescriptor is a service provider's.",
        "There is nothing to register.",
        "Ask for the file that holds the service providers.";
    SEVERAL = 24, Error,
        "The EntitiesDescriptor holds several service providers.",
        "It is not known which one is meant.",
        "Name its entityID, or send its EntityDescriptor alone.";
    NOT_WANTED = 25, Error,
        "The service provider that was named is not in the document.",
        "Nothing is changed: an entityID never changes in place.",
        "Compare the entityID letter by letter, the slash at the end too. If the service provider \
         really has a new one, register it anew and remove the old registration.";
    WANTED_TWICE = 26, Error,
        "The service provider that was named is described more than once.",
        "It is not known which description counts.",
        "Delete all but one.";
    IDP_METADATA = 27, Error,
        "This is the metadata of an identity provider.",
        "It has nowhere to send assertions to.",
        "Send the service provider's metadata. Perhaps this is our own document, which the service \
         provider needs.";
    NO_ROLE = 28, Error,
        "The description has no SPSSODescriptor.",
        "It is no service provider.",
        "Have the service provider export its metadata for SAML 2.0 Web SSO.";
    NO_PROTOCOL = 29, Error,
        "The SPSSODescriptor does not say which protocols it speaks.",
        "It cannot be taken for SAML 2.0.",
        "Add protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\".";
    OTHER_PROTOCOL = 30, Error,
        "The SPSSODescriptor does not speak SAML 2.0.",
        "No message could be exchanged.",
        "Switch SAML 2.0 on at the service provider and export the metadata again.";
    SEVERAL_ROLES = 31, Error,
        "There are several SPSSODescriptor elements for SAML 2.0.",
        "It is not known which one counts.",
        "Put their endpoints and keys into one.";
    ID_ABSENT = 32, Error,
        "The EntityDescriptor has no entityID.",
        "Its requests could not be told from others'.",
        "Add entityID: the very text that stands in Issuer of its requests.";
    ID_UNUSABLE = 33, Error,
        "The entityID is empty, or has white space or control characters.",
        "It can never be equal to an Issuer.",
        "Write the very text that stands in Issuer of its requests.";
    ID_LONG = 34, Error,
        "The entityID is longer than 1024 characters.",
        "The standard forbids it (saml-core-2.0-os §8.3.6).",
        "Give the service provider a shorter name.";
    ID_NO_URI = 35, Warning,
        "The entityID is no URI.",
        "It works here; other identity providers refuse it, and it may collide with another's.",
        "Name the service provider by a URL of its own.";
    ID_PLACEHOLDER = 36, Warning,
        "The entityID looks like one out of instructions.",
        "Others will have the same, and requests of the real one will be refused.",
        "Set the service provider's own entityID and export the metadata again.";
    SIGNED_UNREADABLE = 37, Error,
        "AuthnRequestsSigned is neither true nor false.",
        "It is not known whether unsigned requests may be answered.",
        "Write true or false, in small letters.";
    WANTED_UNREADABLE = 38, Error,
        "WantAssertionsSigned is neither true nor false.",
        "It is not known what the service provider wants.",
        "Write true or false, in small letters.";
}
