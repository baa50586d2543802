//! Layer 0, saml: what a service provider's metadata says about it by attributes of the entity,
//! such as the categories that a federation puts it into (SAML V2.0 Metadata Extension for Entity
//! Attributes 1.0 §2; RFC 8409). They are worth as much as whoever wrote the document: a federation
//! that signed it, or the operator who took it.

use crate::saml::names::ns;
use crate::saml::xml::Element;

/// An attribute of the entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityAttribute {
    /// Its `Name`.
    pub name: String,
    /// Its values, without blanks around them.
    pub values: Vec<String>,
}

/// Reads those of the `entity` itself. What a group says about all of its members, and what an
/// assertion says there, is not heard: what depends on these attributes is then not given.
pub(super) fn read(entity: Element<'_>) -> Vec<EntityAttribute> {
    let attributes = entity
        .children_named(ns::METADATA, "Extensions")
        .flat_map(|extensions| extensions.children_named(ns::MDATTR, "EntityAttributes"))
        .flat_map(|attributes| attributes.children_named(ns::ASSERTION, "Attribute"));
    let read = |attribute: Element<'_>| EntityAttribute {
        name: attribute.attribute("Name").unwrap_or_default().to_owned(),
        values: values(attribute),
    };
    attributes.map(read).collect()
}

/// The texts of an attribute's values; what is no text is left out.
pub(super) fn values(attribute: Element<'_>) -> Vec<String> {
    attribute
        .children_named(ns::ASSERTION, "AttributeValue")
        .filter_map(|value| Some(value.text().ok()?.trim_ascii().to_owned()))
        .collect()
}
