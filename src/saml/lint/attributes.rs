//! Layer 0, saml: what a service provider wants to know of people: name identifiers
//! (saml-metadata-2.0-os §2.4.1) and attributes (§2.4.4.1).

use std::collections::HashSet;

use super::endpoints::is_default;
use super::{Lint, faults, quoted};
use crate::saml::names::{name_id, ns};
use crate::saml::sp_metadata::index;
use crate::saml::types::parse_boolean;
use crate::saml::xml::Element;

const SERVICE: &str = "AttributeConsumingService";

/// Looks at name identifier formats and groups of attributes.
pub(super) fn look(role: Element<'_>, lint: &mut Lint<'_>) {
    formats(role, lint);
    let mut indices = HashSet::new();
    let mut defaults = 0;
    for (at, service) in role.children_named(ns::METADATA, SERVICE).enumerate() {
        let named = format!("{SERVICE} {}", at + 1);
        match index(service, SERVICE) {
            Err(_) => {
                let found = service.attribute("index").map_or("nothing".to_owned(), quoted);
                lint.note(service, INDEX, format!("{named}: index is {found}"));
            }
            Ok(index) => {
                if !indices.insert(index) {
                    lint.note(service, INDEX_TWICE, format!("{named}: index {index} again"));
                }
            }
        }
        defaults += usize::from(is_default(service, &named, DEFAULT, lint));
        group(service, &named, lint);
    }
    if defaults > 1 {
        lint.note(role, DEFAULTS, format!("{defaults} groups with isDefault true"));
    }
}

fn formats(role: Element<'_>, lint: &mut Lint<'_>) {
    const OFFERED: &[&str] =
        &[name_id::UNSPECIFIED, name_id::TRANSIENT, name_id::PERSISTENT, name_id::EMAIL];
    const KNOWN: &[&str] = &[
        name_id::ENTITY,
        "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
        "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted",
    ];
    let mut seen = HashSet::new();
    for element in role.children_named(ns::METADATA, "NameIDFormat") {
        let Ok(text) = element.text() else {
            lint.note(element, FORMAT, "NameIDFormat with elements inside");
            continue;
        };
        let format = text.trim_ascii();
        let what = format!("NameIDFormat {}", quoted(format));
        if !seen.insert(format) {
            lint.note(element, FORMAT_TWICE, what);
        } else if OFFERED.contains(&format) {
        } else if KNOWN.contains(&format) {
            lint.note(element, FORMAT_NOT_OFFERED, what);
        } else if mixed_up(format) {
            lint.note(element, FORMAT_VERSION, what);
        } else {
            lint.note(element, FORMAT_UNKNOWN, what);
        }
    }
}

/// Whether the name is right and only the version of SAML in it is wrong.
fn mixed_up(format: &str) -> bool {
    let name = format.strip_prefix("urn:oasis:names:tc:SAML:2.0:nameid-format:");
    let older = format.strip_prefix("urn:oasis:names:tc:SAML:1.1:nameid-format:");
    name.is_some_and(|name| matches!(name, "emailAddress" | "unspecified"))
        || older.is_some_and(|name| matches!(name, "persistent" | "transient"))
}

fn group(service: Element<'_>, named: &str, lint: &mut Lint<'_>) {
    if service.children_named(ns::METADATA, "ServiceName").next().is_none() {
        lint.note(service, NAMELESS, named);
    }
    let mut seen = HashSet::new();
    for attribute in service.children_named(ns::METADATA, "RequestedAttribute") {
        let name = attribute.attribute("Name");
        match name {
            None => lint.note(attribute, ATTRIBUTE_NAME, format!("{named}: no Name")),
            Some(name) if seen.insert(name) => {}
            Some(name) => {
                lint.note(attribute, ATTRIBUTE_TWICE, format!("{named}: {}", quoted(name)));
            }
        }
        if let Some(text) = attribute.attribute("isRequired")
            && parse_boolean("isRequired", text.trim_ascii()).is_err()
        {
            lint.note(attribute, REQUIRED, format!("{named}: isRequired={}", quoted(text)));
        }
        if attribute.children_named(ns::ASSERTION, "AttributeValue").next().is_some() {
            let name = name.map_or_else(String::new, quoted);
            lint.note(attribute, VALUES, format!("{named}: {name}"));
        }
    }
    if service.children_named(ns::METADATA, "RequestedAttribute").next().is_none() {
        lint.note(service, NO_ATTRIBUTES, named);
    }
}

faults! {
    FORMAT = 97, Error,
        "A NameIDFormat has elements inside.",
        "It is not known which format is meant.",
        "Write the URI of one format as its text.";
    FORMAT_UNKNOWN = 98, Warning,
        "A NameIDFormat is none that the standard knows.",
        "It is never given.",
        "Compare it letter by letter with \
         urn:oasis:names:tc:SAML:2.0:nameid-format:persistent or :transient.";
    FORMAT_VERSION = 99, Warning,
        "A NameIDFormat has the wrong version of SAML in its URI.",
        "It is never given.",
        "emailAddress and unspecified are of 1.1, persistent and transient of 2.0.";
    FORMAT_NOT_OFFERED = 100, Advice,
        "A NameIDFormat is of the standard, but not offered here.",
        "Another format of its list is given, or none.",
        "List persistent, transient or emailAddress beside it.";
    FORMAT_TWICE = 101, Advice,
        "The same NameIDFormat stands there twice.",
        "Nothing.",
        "Delete one.";
    INDEX = 102, Error,
        "The index of an AttributeConsumingService is not 0 to 65535.",
        "Requests cannot name it.",
        "Number them from 0.";
    INDEX_TWICE = 103, Warning,
        "Two AttributeConsumingService elements have the same index.",
        "The first one counts.",
        "Give each an index of its own.";
    DEFAULT = 104, Error,
        "isDefault of an AttributeConsumingService is neither true nor false.",
        "It is not known which group is the default.",
        "Write true or false, in small letters.";
    DEFAULTS = 105, Warning,
        "Several AttributeConsumingService elements say that they are the default.",
        "The first one counts.",
        "Leave isDefault=\"true\" at one only.";
    NAMELESS = 106, Advice,
        "An AttributeConsumingService has no ServiceName.",
        "It is read; the schema asks for one.",
        "Add a ServiceName with xml:lang.";
    NO_ATTRIBUTES = 107, Advice,
        "An AttributeConsumingService asks for nothing.",
        "Who names it gets no attributes beyond the usual ones.",
        "Add a RequestedAttribute for each attribute, or delete the group.";
    ATTRIBUTE_NAME = 108, Error,
        "A RequestedAttribute has no Name.",
        "It is not known which attribute is meant.",
        "Add its Name; FriendlyName does not count.";
    REQUIRED = 109, Error,
        "isRequired of a RequestedAttribute is neither true nor false.",
        "It is not known whether the service can do without it.",
        "Write true or false, in small letters.";
    ATTRIBUTE_TWICE = 110, Warning,
        "A group asks for the same attribute twice.",
        "It is given once.",
        "Delete one.";
    VALUES = 111, Advice,
        "A RequestedAttribute asks for certain values.",
        "Only these are given where its profile gives nothing but what is requested; elsewhere all \
         are.",
        "Leave it where that is meant; else delete the AttributeValue.";
}
