//! Layer 0, saml: what stands where (saml-schema-metadata-2.0). What we do not know is ignored, as
//! the standard wants it (saml-metadata-2.0-os §2.2.1): a slip of the pen is ignored, too, and that
//! is worth a word.

use super::{Lint, faults, quoted};
use crate::saml::allowed::{DigestAlgorithm, SignatureAlgorithm};
use crate::saml::names::ns;
use crate::saml::xml::Element;

/// The children of an element in the order of the schema; names on one line stand in any order.
type Order = &'static [&'static [&'static str]];

const ENTITY: Order = &[
    &["Signature"],
    &["Extensions"],
    &[
        "RoleDescriptor",
        "IDPSSODescriptor",
        "SPSSODescriptor",
        "AuthnAuthorityDescriptor",
        "AttributeAuthorityDescriptor",
        "PDPDescriptor",
        "AffiliationDescriptor",
    ],
    &["Organization"],
    &["ContactPerson"],
    &["AdditionalMetadataLocation"],
];
const ROLE: Order = &[
    &["Signature"],
    &["Extensions"],
    &["KeyDescriptor"],
    &["Organization"],
    &["ContactPerson"],
    &["ArtifactResolutionService"],
    &["SingleLogoutService"],
    &["ManageNameIDService"],
    &["NameIDFormat"],
    &["AssertionConsumerService"],
    &["AttributeConsumingService"],
];
const GROUP: Order = &[&["ServiceName"], &["ServiceDescription"], &["RequestedAttribute"]];

/// The attributes of the elements that are read.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("EntityDescriptor", &["ID", "entityID", "validUntil", "cacheDuration"]),
    (
        "SPSSODescriptor",
        &[
            "ID",
            "validUntil",
            "cacheDuration",
            "protocolSupportEnumeration",
            "errorURL",
            "AuthnRequestsSigned",
            "WantAssertionsSigned",
        ],
    ),
    ("KeyDescriptor", &["use"]),
    ("SingleLogoutService", &["Binding", "Location", "ResponseLocation"]),
    (
        "AssertionConsumerService",
        &["Binding", "Location", "ResponseLocation", "index", "isDefault"],
    ),
    ("AttributeConsumingService", &["index", "isDefault"]),
    ("RequestedAttribute", &["Name", "NameFormat", "FriendlyName", "isRequired"]),
];

/// Looks at what stands in an `EntityDescriptor`, beside the role that is used.
pub(super) fn entity(entity: Element<'_>, lint: &mut Lint<'_>) {
    children(entity, ENTITY, lint);
    attributes(entity, lint);
    contacts(entity, lint);
}

/// Looks at what stands in an `SPSSODescriptor`.
pub(super) fn role(role: Element<'_>, lint: &mut Lint<'_>) {
    children(role, ROLE, lint);
    attributes(role, lint);
    contacts(role, lint);
    for child in role.children().filter(|child| child.namespace() == Some(ns::METADATA)) {
        attributes(child, lint);
        if child.local() == "AttributeConsumingService" {
            children(child, GROUP, lint);
            child.children().for_each(|requested| attributes(requested, lint));
        }
    }
}

/// Looks at a signature of the document, which is only checked where a certificate is pinned.
pub(super) fn signature(root: Element<'_>, lint: &mut Lint<'_>) {
    let Some(signature) = root.children_named(ns::DSIG, "Signature").next() else { return };
    let info = signature.children_named(ns::DSIG, "SignedInfo");
    for element in info.flat_map(Element::children) {
        let digest = element.children_named(ns::DSIG, "DigestMethod").next();
        for method in [Some(element), digest].into_iter().flatten() {
            let uri = method.attribute("Algorithm").unwrap_or_default();
            if uri.ends_with("sha1") || uri.ends_with("md5") {
                lint.note(method, SHA_1, format!("{} {}", method.local(), quoted(uri)));
            }
        }
        if let Some(uri) = element.attribute("URI")
            && element.is(ns::DSIG, "Reference")
            && Some(uri.strip_prefix('#').unwrap_or(uri)) != root.attribute("ID")
        {
            lint.note(element, ELSEWHERE, format!("URI={}", quoted(uri)));
        }
    }
}

/// Looks at the algorithms that a service provider says it can verify.
pub(super) fn algorithms(entity: Element<'_>, role: Element<'_>, lint: &mut Lint<'_>) {
    let known = |name: &str, uri: &str| match name {
        "SigningMethod" => SignatureAlgorithm::from_uri(uri).is_ok(),
        _ => DigestAlgorithm::from_uri(uri).is_ok(),
    };
    for name in ["SigningMethod", "DigestMethod"] {
        // What the role says goes before what is said for all roles.
        let methods = Some(declared(role, name)).filter(|methods| !methods.is_empty());
        let methods = methods.unwrap_or_else(|| declared(entity, name));
        let nameless = methods.iter().find(|method| method.attribute("Algorithm").is_none());
        let uris = || methods.iter().filter_map(|method| method.attribute("Algorithm"));
        if let Some(method) = nameless {
            lint.note(*method, METHOD, format!("{name} without Algorithm"));
        } else if let Some(first) = methods.first()
            && !uris().any(|uri| known(name, uri))
        {
            let found = uris().take(3).collect::<Vec<_>>().join(", ");
            lint.note(*first, METHODS, format!("{name} {}", quoted(&found)));
        }
    }
}

/// The elements `name` in the extensions of `element`.
fn declared<'d>(element: Element<'d>, name: &str) -> Vec<Element<'d>> {
    let extensions = element.children_named(ns::METADATA, "Extensions");
    extensions.flat_map(|inside| inside.children_named(ns::ALG, name)).collect()
}

fn children(parent: Element<'_>, order: Order, lint: &mut Lint<'_>) {
    if parent.elements_only().is_err() {
        lint.note(parent, TEXT, format!("text in {}", parent.local()));
    }
    let rank = |name: &str| order.iter().position(|names| names.contains(&name));
    let (mut reached, mut told) = (0, false);
    for child in parent.children() {
        let expected = if child.local() == "Signature" { ns::DSIG } else { ns::METADATA };
        match (rank(child.local()), child.namespace() == Some(expected)) {
            (Some(rank), true) => {
                if rank < reached && !told {
                    told = true;
                    let what = format!("{} in {}", child.local(), parent.local());
                    lint.note(child, ORDER, what);
                }
                reached = reached.max(rank);
            }
            (Some(_), false) => lint.note(child, NAMESPACE, child.describe()),
            (None, _) if child.namespace() == Some(ns::METADATA) => {
                let names = order.iter().copied().flatten();
                let what = meant(child.local(), names.copied(), parent.local());
                lint.note(child, ELEMENT, what);
            }
            (None, _) => {}
        }
    }
}

fn attributes(element: Element<'_>, lint: &mut Lint<'_>) {
    let Some((_, known)) = ATTRIBUTES.iter().find(|(name, _)| *name == element.local()) else {
        return;
    };
    for attribute in element.attributes() {
        if attribute.namespace == Some(ns::METADATA) {
            let what = format!("{}:{}", attribute.prefix, attribute.local);
            lint.note(element, PREFIXED, format!("{} in {}", quoted(&what), element.local()));
        } else if attribute.namespace.is_none() && !known.contains(&attribute.local) {
            let what = meant(attribute.local, known.iter().copied(), element.local());
            lint.note(element, ATTRIBUTE, what);
        }
    }
}

/// An unknown name, with the known one that it is nearest to.
fn meant<'n>(name: &str, known: impl Iterator<Item = &'n str>, inside: &str) -> String {
    let letters = |text: &str| text.to_ascii_lowercase().replace('s', "");
    let alike = known.into_iter().find(|other| letters(other) == letters(name));
    let hint = alike.map(|other| format!("; {other} is meant?")).unwrap_or_default();
    format!("{} in {inside}{hint}", quoted(name))
}

fn contacts(element: Element<'_>, lint: &mut Lint<'_>) {
    let contacts = element.children_named(ns::METADATA, "ContactPerson");
    for email in contacts.flat_map(|contact| contact.children_named(ns::METADATA, "EmailAddress")) {
        let text = email.text().unwrap_or_default().trim_ascii();
        if !text.starts_with("mailto:") {
            // The address is a person's, who is not in need of being quoted.
            lint.note(email, EMAIL, "EmailAddress without mailto:");
        }
    }
}

faults! {
    NAMESPACE = 112, Warning,
        "An element has the name of one of SAML's metadata, but another namespace or none.",
        "It is ignored.",
        "Give it the prefix or the xmlns of the elements around it.";
    ELEMENT = 113, Warning,
        "An element of SAML's namespace is not one that stands here.",
        "It is ignored.",
        "Correct its name, capitals included, or move it to where it belongs.";
    ATTRIBUTE = 114, Warning,
        "An attribute is none of the standard's.",
        "It is ignored, as if it were not there.",
        "Correct its name, capitals included.";
    PREFIXED = 115, Warning,
        "An attribute has a prefix.",
        "It is ignored: SAML's own attributes have none.",
        "Delete the prefix.";
    ORDER = 116, Advice,
        "An element stands behind one that it must stand before.",
        "It is read here; software that checks the schema refuses the document.",
        "Put the elements in the order of the schema: Extensions, KeyDescriptor, \
         SingleLogoutService, NameIDFormat, AssertionConsumerService, AttributeConsumingService.";
    TEXT = 117, Warning,
        "Text stands between elements.",
        "It is ignored.",
        "Delete it; perhaps it is the remains of a tag or a comment.";
    SHA_1 = 118, Advice,
        "The document is signed with SHA-1 or MD5.",
        "The signature is worth nothing: with `trust_certificate` the document is refused.",
        "Sign with rsa-sha256 and the digest sha256.";
    ELSEWHERE = 119, Advice,
        "The document's signature is about another element.",
        "With `trust_certificate` the document is refused.",
        "Sign the document element: the Reference's URI is # and its ID.";
    EMAIL = 120, Advice,
        "An EmailAddress of a contact has no mailto:.",
        "Nothing.",
        "Write mailto: before the address.";
    METHOD = 121, Error,
        "A SigningMethod or DigestMethod of the extensions has no Algorithm.",
        "It is not known what the service provider can verify.",
        "Add Algorithm, or delete the element.";
    METHODS = 122, Warning,
        "None of the algorithms that the service provider can verify is allowed here.",
        "Its answers are signed with SHA-256 all the same, and it will likely refuse them.",
        "Switch rsa-sha256 or ecdsa-sha256, and sha256, on at the service provider.";
}
