//! Layer 0, saml: which subject identifier a service provider says that it needs
//! (saml-subject-id-attr-v1.0 §4, conformance A-112).

use super::EntityAttribute;
use crate::saml::names::SUBJECT_ID_REQ;

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

/// Reads it from the attributes of the entity. Of several values the first that is known counts.
pub(super) fn read(attributes: &[EntityAttribute]) -> SubjectId {
    let asking = attributes.iter().filter(|attribute| attribute.name == SUBJECT_ID_REQ);
    for value in asking.flat_map(|attribute| &attribute.values) {
        match value.as_str() {
            "subject-id" => return SubjectId::Shared,
            "pairwise-id" | "any" => return SubjectId::Pairwise,
            _ => {}
        }
    }
    SubjectId::Unneeded
}
