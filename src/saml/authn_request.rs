//! Layer 0, saml: `AuthnRequest` (saml-core-2.0-os §3.4.1, contract §3.2), read strictly: every
//! attribute and child of the schema is known here, and what the schema does not have is refused.
//! Nothing is ignored in silence.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::error::{Error, shortened};
use super::name_id::NameIdentifier;
use super::names::ns;
use super::types::{self, EntityId, MessageId};
use super::xml::Element;

/// A request to authenticate somebody and say so.
#[derive(Clone, Debug)]
pub struct AuthnRequest {
    /// Its id, which the answer repeats in `InResponseTo`.
    pub id: MessageId,
    /// When it was made, by the sender's clock.
    pub issue_instant: OffsetDateTime,
    /// Where it was sent, if it says so.
    pub destination: Option<String>,
    /// The service provider that asks.
    pub issuer: EntityId,
    /// Where the answer shall go; the service provider's metadata decides when it is absent.
    pub reply_to: ReplyTo,
    /// The person must prove their presence now.
    pub force_authn: bool,
    /// No page may be shown.
    pub is_passive: bool,
    /// What the name identifier must be.
    pub name_id_policy: Option<NameIdPolicy>,
    /// How the person must have been authenticated.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// The person that the request wants, if it names one.
    pub subject: Option<AskedSubject>,
    /// The entityIDs of acceptable identity providers; empty when there is no such list.
    pub idp_list: Vec<String>,
    /// Which list of attributes of the service provider's metadata is wanted.
    pub attribute_consuming_service_index: Option<u16>,
}

/// The person that a request names (saml-core-2.0-os §3.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedSubject {
    /// By a name identifier.
    Named(NameIdentifier),
    /// In a way that is not offered: `BaseID`, `EncryptedID`.
    Otherwise,
}

/// Which assertion consumer service a request asks for (conformance ).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// The service provider's default.
    Default {
        /// The binding it asks for, if it does.
        binding: Option<String>,
    },
    /// This URL, which metadata must list.
    Url {
        /// The URL as it came.
        url: String,
        /// The binding it asks for, if it does.
        binding: Option<String>,
    },
    /// The service with this index in metadata.
    Index(u16),
}

/// `NameIDPolicy` (saml-core-2.0-os §3.4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// The format, if one is asked for.
    pub format: Option<String>,
    /// The qualifier, if one is asked for.
    pub sp_name_qualifier: Option<String>,
    /// Whether a new identifier may be made.
    pub allow_create: bool,
}

/// `RequestedAuthnContext` (saml-core-2.0-os §3.3.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    /// How the listed contexts compare with the one that is given.
    pub comparison: Comparison,
    /// The acceptable classes.
    pub classes: Vec<String>,
    /// Declarations were asked for, of which none is known here.
    pub has_declarations: bool,
}

/// `Comparison` of a requested authentication context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// One of the listed.
    #[default]
    Exact,
    /// At least as strong as one of the listed.
    Minimum,
    /// As strong as can be without exceeding one of the listed.
    Maximum,
    /// Stronger than all of the listed.
    Better,
}

/// The children that the schema allows, in its order.
const CHILDREN: [(&str, &str); 8] = [
    (ns::ASSERTION, "Issuer"),
    (ns::DSIG, "Signature"),
    (ns::PROTOCOL, "Extensions"),
    (ns::ASSERTION, "Subject"),
    (ns::PROTOCOL, "NameIDPolicy"),
    (ns::ASSERTION, "Conditions"),
    (ns::PROTOCOL, "RequestedAuthnContext"),
    (ns::PROTOCOL, "Scoping"),
];

const ATTRIBUTES: [&str; 12] = [
    "ID",
    "Version",
    "IssueInstant",
    "Destination",
    "Consent",
    "ForceAuthn",
    "IsPassive",
    "ProtocolBinding",
    "AssertionConsumerServiceIndex",
    "AssertionConsumerServiceURL",
    "AttributeConsumingServiceIndex",
    "ProviderName",
];

impl AuthnRequest {
    /// Reads a request from its element.
    ///
    /// # Errors
    /// [`Error::Element`], [`Error::Absent`], [`Error::Value`], [`Error::Version`],
    /// [`Error::Exclusive`]. A signature inside is the binding's business.
    pub fn read(root: Element<'_>) -> Result<Self, Error> {
        if !root.is(ns::PROTOCOL, "AuthnRequest") {
            return Err(Error::Element { expected: "samlp:AuthnRequest", found: root.describe() });
        }
        let version = required(root, "Version", "AuthnRequest/@Version")?;
        if version != "2.0" {
            return Err(Error::Version { found: shortened(version) });
        }
        only_known_attributes(root)?;
        let children = Children::read(root)?;
        let issuer = children
            .get("Issuer")
            .ok_or(Error::Absent { what: "saml:Issuer", inside: "AuthnRequest" })?;
        Ok(Self {
            id: MessageId::parse(required(root, "ID", "AuthnRequest/@ID")?)?,
            issue_instant: types::parse_instant(
                "IssueInstant",
                required(root, "IssueInstant", "AuthnRequest/@IssueInstant")?,
            )?,
            destination: root.attribute("Destination").map(str::to_owned),
            issuer: read_issuer(issuer)?,
            reply_to: read_reply_to(root)?,
            force_authn: boolean(root, "ForceAuthn")?,
            is_passive: boolean(root, "IsPassive")?,
            name_id_policy: children.get("NameIDPolicy").map(read_name_id_policy).transpose()?,
            requested_authn_context: children
                .get("RequestedAuthnContext")
                .map(read_authn_context)
                .transpose()?,
            subject: children.get("Subject").map(read_subject).transpose()?,
            idp_list: children.get("Scoping").map(read_idp_list).transpose()?.unwrap_or_default(),
            attribute_consuming_service_index: index(root, "AttributeConsumingServiceIndex")?,
        })
    }
}

/// The children of a request: each at most once, in the schema's order.
struct Children<'d>([Option<Element<'d>>; CHILDREN.len()]);

impl<'d> Children<'d> {
    fn read(root: Element<'d>) -> Result<Self, Error> {
        root.elements_only()?;
        let mut found = [None; CHILDREN.len()];
        let mut next = 0;
        for child in root.children() {
            let place = CHILDREN[next..]
                .iter()
                .position(|(namespace, local)| child.is(namespace, local))
                .ok_or_else(|| Error::Element {
                    expected: "a child of AuthnRequest in the schema's order",
                    found: child.describe(),
                })?;
            found[next + place] = Some(child);
            next += place + 1;
        }
        Ok(Self(found))
    }

    fn get(&self, local: &str) -> Option<Element<'d>> {
        let place = CHILDREN.iter().position(|(_, name)| *name == local)?;
        self.0[place]
    }
}

fn only_known_attributes(root: Element<'_>) -> Result<(), Error> {
    let unknown = root.attributes().find(|attribute| match attribute.namespace {
        None => !ATTRIBUTES.contains(&attribute.local),
        // xsi:schemaLocation and its like say nothing about the message.
        Some(namespace) => namespace != ns::XSI,
    });
    match unknown {
        None => Ok(()),
        Some(attribute) => Err(Error::Element {
            expected: "the attributes of AuthnRequest",
            found: format!("@{}", shortened(attribute.local)),
        }),
    }
}

fn read_issuer(issuer: Element<'_>) -> Result<EntityId, Error> {
    // Profiles 4.1.4.1: no format other than entity.
    let format = issuer.attribute("Format");
    if format.is_some_and(|format| format != super::names::name_id::ENTITY) {
        return Err(types::value(
            "Issuer/@Format",
            "the entity format",
            format.unwrap_or_default(),
        ));
    }
    EntityId::parse(issuer.text()?)
}

fn read_reply_to(root: Element<'_>) -> Result<ReplyTo, Error> {
    let url = root.attribute("AssertionConsumerServiceURL").map(str::to_owned);
    let binding = root.attribute("ProtocolBinding").map(str::to_owned);
    match (index(root, "AssertionConsumerServiceIndex")?, url) {
        (None, None) => Ok(ReplyTo::Default { binding }),
        (None, Some(url)) => Ok(ReplyTo::Url { url, binding }),
        (Some(index), None) if binding.is_none() => Ok(ReplyTo::Index(index)),
        (Some(_), _) => Err(Error::Exclusive {
            what: "AssertionConsumerServiceIndex and AssertionConsumerServiceURL or \
                   ProtocolBinding",
        }),
    }
}

fn read_name_id_policy(policy: Element<'_>) -> Result<NameIdPolicy, Error> {
    Ok(NameIdPolicy {
        format: policy.attribute("Format").map(str::to_owned),
        sp_name_qualifier: policy.attribute("SPNameQualifier").map(str::to_owned),
        allow_create: boolean(policy, "AllowCreate")?,
    })
}

/// A subject without confirmation (saml-profiles-2.0-os §4.1.4.1; conformance A-037).
fn read_subject(subject: Element<'_>) -> Result<AskedSubject, Error> {
    subject.elements_only()?;
    let mut children = subject.children();
    match (children.next(), children.next()) {
        (Some(one), None) if one.is(ns::ASSERTION, "NameID") => {
            NameIdentifier::read(one).map(AskedSubject::Named)
        }
        (Some(one), None)
            if one.is(ns::ASSERTION, "BaseID") || one.is(ns::ASSERTION, "EncryptedID") =>
        {
            Ok(AskedSubject::Otherwise)
        }
        _ => Err(Error::Element {
            expected: "one identifier and no confirmation in the Subject of a request",
            found: subject.describe(),
        }),
    }
}

fn read_authn_context(requested: Element<'_>) -> Result<RequestedAuthnContext, Error> {
    requested.elements_only()?;
    let comparison = match requested.attribute("Comparison").unwrap_or("exact") {
        "exact" => Comparison::Exact,
        "minimum" => Comparison::Minimum,
        "maximum" => Comparison::Maximum,
        "better" => Comparison::Better,
        other => {
            return Err(types::value("Comparison", "exact, minimum, maximum or better", other));
        }
    };
    let mut classes = Vec::new();
    let mut has_declarations = false;
    for child in requested.children() {
        if child.is(ns::ASSERTION, "AuthnContextClassRef") {
            classes.push(child.text()?.trim().to_owned());
        } else if child.is(ns::ASSERTION, "AuthnContextDeclRef") {
            has_declarations = true;
        } else {
            return Err(Error::Element {
                expected: "AuthnContextClassRef or AuthnContextDeclRef",
                found: child.describe(),
            });
        }
    }
    Ok(RequestedAuthnContext { comparison, classes, has_declarations })
}

fn read_idp_list(scoping: Element<'_>) -> Result<Vec<String>, Error> {
    let lists = scoping.children_named(ns::PROTOCOL, "IDPList");
    lists
        .flat_map(|list| list.children_named(ns::PROTOCOL, "IDPEntry"))
        .map(|entry| required(entry, "ProviderID", "IDPEntry/@ProviderID").map(str::to_owned))
        .collect()
}

fn required<'d>(
    element: Element<'d>,
    attribute: &str,
    what: &'static str,
) -> Result<&'d str, Error> {
    element.attribute(attribute).ok_or(Error::Absent { what, inside: "the message" })
}

fn boolean(element: Element<'_>, attribute: &'static str) -> Result<bool, Error> {
    element.attribute(attribute).map_or(Ok(false), |text| types::parse_boolean(attribute, text))
}

fn index(element: Element<'_>, attribute: &'static str) -> Result<Option<u16>, Error> {
    element
        .attribute(attribute)
        .map(|text| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            text.parse()
                .ok()
                .filter(|_| digits)
                .ok_or_else(|| types::value(attribute, "a number from 0 to 65535", text))
        })
        .transpose()
}

#[cfg(test)]
#[path = "authn_request_tests.rs"]
mod tests;
