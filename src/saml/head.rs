//! Layer 0, saml: what the schema gives all protocol messages (saml-core-2.0-os §3.2): attributes
//! of the document element, `Issuer`, and children in a fixed order. What the schema does not have
//! is refused; nothing is ignored in silence.

use time::OffsetDateTime;

use super::error::{Error, shortened};
use super::names::{name_id, ns};
use super::types::{self, EntityId, MessageId};
use super::xml::Element;

/// A kind of message as the schema describes it.
pub(super) struct Shape {
    /// The local name of its element.
    pub(super) name: &'static str,
    /// The attributes that it may have.
    pub(super) attributes: &'static [&'static str],
    /// The children that it may have, in order: namespace, local name, how often.
    pub(super) children: &'static [(&'static str, &'static str, Times)],
}

/// How often a child may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// At most once.
    Once,
    /// Any number of times.
    Many,
}

/// What every message says about itself.
pub(super) struct Head {
    pub(super) id: MessageId,
    pub(super) issue_instant: OffsetDateTime,
    pub(super) destination: Option<String>,
    pub(super) issuer: EntityId,
}

impl Shape {
    /// Checks that `root` has this shape, and reads its head. The profiles ask for an `Issuer` in
    /// every message (saml-profiles-2.0-os §4.1.4.1, §4.4.4.1).
    pub(super) fn read(&self, root: Element<'_>) -> Result<Head, Error> {
        if !root.is(ns::PROTOCOL, self.name) {
            let found = root.describe();
            return Err(Error::Element { expected: "another SAML message", found });
        }
        let version = required(root, "Version", self.name)?;
        if version != "2.0" {
            return Err(Error::Version { found: shortened(version) });
        }
        self.check(root)?;
        let issuer = root
            .children_named(ns::ASSERTION, "Issuer")
            .next()
            .ok_or(Error::Absent { what: "saml:Issuer", inside: self.name })?;
        let issue_instant = required(root, "IssueInstant", self.name)?;
        Ok(Head {
            id: MessageId::parse(required(root, "ID", self.name)?)?,
            issue_instant: types::parse_instant("IssueInstant", issue_instant)?,
            destination: root.attribute("Destination").map(str::to_owned),
            issuer: read_issuer(issuer)?,
        })
    }

    fn check(&self, root: Element<'_>) -> Result<(), Error> {
        let unknown = root.attributes().find(|attribute| match attribute.namespace {
            None => !self.attributes.contains(&attribute.local),
            // xsi:schemaLocation and its like say nothing about the message.
            Some(namespace) => namespace != ns::XSI,
        });
        if let Some(attribute) = unknown {
            let found = format!("@{}", shortened(attribute.local));
            return Err(Error::Element { expected: "the attributes of the message", found });
        }
        root.elements_only()?;
        let mut next = 0;
        for child in root.children() {
            let place = self.children[next..]
                .iter()
                .position(|(namespace, local, _)| child.is(namespace, local))
                .ok_or_else(|| Error::Element {
                    expected: "a child of the message in the schema's order",
                    found: child.describe(),
                })?;
            next += place;
            if self.children[next].2 == Times::Once {
                next += 1;
            }
        }
        Ok(())
    }
}

/// An attribute that must be there.
pub(super) fn required<'d>(
    element: Element<'d>,
    what: &'static str,
    inside: &'static str,
) -> Result<&'d str, Error> {
    element.attribute(what).ok_or(Error::Absent { what, inside })
}

fn read_issuer(issuer: Element<'_>) -> Result<EntityId, Error> {
    match issuer.attribute("Format") {
        None | Some(name_id::ENTITY) => EntityId::parse(issuer.text()?),
        Some(other) => Err(types::value("Issuer/@Format", "the entity format", other)),
    }
}
