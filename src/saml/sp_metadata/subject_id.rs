//! Layer 0, saml: which subject identifier a service provider says that it needs
//! (saml-subject-id-attr-v1.0 §4, conformance A-112).

use crate::saml::names::{SUBJECT_ID_REQ, ns};
use crate::saml::xml::Element;

/// Which subject identifier a service provider needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectId {
    /// It does not say, or says that it needs none, or something that nobody knows.
    #[default]
    Unneeded,
    /// `subject-id`: the same at all service providers.
    Shared,
    /// `pairwise-id`, or `any`, which is met by the one that tells least.
    Pairwise,
}

/// Reads it from the attributes of the `entity`. Of several values the first that is known counts.
pub(super) fn read(entity: Element<'_>) -> SubjectId {
    let attributes = entity
        .children_named(ns::METADATA, "Extensions")
        .flat_map(|extensions| extensions.children_named(ns::MDATTR, "EntityAttributes"))
        .flat_map(|attributes| attributes.children_named(ns::ASSERTION, "Attribute"))
        .filter(|attribute| attribute.attribute("Name") == Some(SUBJECT_ID_REQ));
    for value in attributes.flat_map(|one| one.children_named(ns::ASSERTION, "AttributeValue")) {
        match value.text().unwrap_or_default().trim_ascii() {
            "subject-id" => return SubjectId::Shared,
            "pairwise-id" | "any" => return SubjectId::Pairwise,
            _ => {}
        }
    }
    SubjectId::Unneeded
}
