//! Layer 0, saml: verification of enveloped XML signatures (saml-core-2.0-os §5.4, xmldsig-core
//! §3.2, conformance B-09 to B-14). One narrow form is accepted and anything else is refused by
//! name. What comes back is the octets that were signed, to be parsed anew: nothing of the document
//! around them can be mistaken for signed.

use aws_lc_rs::digest;

use crate::saml::allowed::{DigestAlgorithm, SignatureAlgorithm};
use crate::saml::error::{Error, shortened};
use crate::saml::key::VerifyingKey;
use crate::saml::names::{algorithm, ns};
use crate::saml::types::is_ncname;
use crate::saml::xml::{Document, Element, Limits, Sink, c14n, parse};

/// Where the schema has the signature among the children of what it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Right behind `saml:Issuer`: messages and assertions (saml-schema-protocol-2.0).
    AfterIssuer,
    /// First of all: `EntityDescriptor` and `EntitiesDescriptor` (saml-schema-metadata-2.0).
    First,
}

/// What a verified signature covers, and nothing else.
#[derive(Debug)]
pub struct SignedContent {
    octets: String,
    nodes: usize,
    algorithm: SignatureAlgorithm,
}

impl SignedContent {
    /// The canonical octets that were signed; the signature itself is not in them.
    #[must_use]
    pub fn octets(&self) -> &str {
        &self.octets
    }

    /// The octets, parsed. Read every value from here, and from nothing of the document in which
    /// the signature stood.
    ///
    /// # Errors
    /// Those of [`parse`], with the limits of that document.
    pub fn read(&self) -> Result<Document, Error> {
        parse(self.octets.as_bytes(), Limits { bytes: self.octets.len(), nodes: self.nodes })
    }

    /// How it was signed.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// Longest canonical `SignedInfo`, bytes. The accepted form needs about 1 KiB.
const SIGNED_INFO_BYTES: usize = 16 * 1024;

/// Verifies the signature that `element` has at `place`, by any of the pinned `keys`. `KeyInfo` is
/// never looked at.
/// `limits` are those of the document: the canonical form may be twice as long.
///
/// # Errors
/// [`Error::SignatureMissing`] without a signature; [`Error::SignatureForm`], [`Error::Algorithm`],
/// [`Error::Digest`], [`Error::Base64`], [`Error::Element`] or [`Error::Absent`] for a form that is
/// not the accepted one; [`Error::SignatureInvalid`] when no key fits; [`Error::DigestMismatch`]
/// when the content changed.
pub fn verify(
    element: Element<'_>,
    keys: &[VerifyingKey],
    place: Place,
    limits: Limits,
) -> Result<SignedContent, Error> {
    let signature = signature_at(element, place)?;
    let id = unique_id(element)?;
    let (signed_info, value) = parts(signature)?;
    let [method, algorithm, reference] = exactly(
        signed_info,
        ["CanonicalizationMethod", "SignatureMethod", "Reference"],
        "CanonicalizationMethod, SignatureMethod and one Reference",
    )?;
    let reference = Reference::read(reference, id)?;
    let prefixes = exc_c14n(method)?;
    let algorithm = SignatureAlgorithm::from_uri(algorithm_of(algorithm)?)?;

    // The key's word over SignedInfo comes first: it is small, and without it the rest proves
    // nothing.
    let octets = c14n::exclusive(signed_info, &prefixes, None, SIGNED_INFO_BYTES)?;
    let value = value.octets("SignatureValue")?;
    if !keys.iter().any(|key| key.verifies(algorithm, octets.as_bytes(), &value)) {
        return Err(Error::SignatureInvalid { keys: keys.len() });
    }

    // A captured signature can stand around anything: nothing is kept before the digest fits.
    let prefixes = &reference.prefixes;
    let mut digest = Digesting::new(reference.algorithm);
    let most = limits.bytes * 2;
    let length = c14n::exclusive_into(&mut digest, element, prefixes, Some(signature), most)?;
    if digest.finish().as_ref() != reference.digest {
        return Err(Error::DigestMismatch);
    }
    let mut octets = String::with_capacity(length);
    c14n::exclusive_into(&mut octets, element, prefixes, Some(signature), most)?;
    Ok(SignedContent { octets, nodes: limits.nodes, algorithm })
}

/// A digest of what is written, in steps of one size: names come in a few bytes each.
struct Digesting {
    context: digest::Context,
    waiting: Vec<u8>,
}

impl Digesting {
    const STEP: usize = 4 * 1024;

    fn new(algorithm: DigestAlgorithm) -> Self {
        Self { context: algorithm.begin(), waiting: Vec::with_capacity(Self::STEP) }
    }

    fn finish(mut self) -> digest::Digest {
        self.context.update(&self.waiting);
        self.context.finish()
    }
}

impl Sink for Digesting {
    fn take(&mut self, part: &str) {
        if self.waiting.len() + part.len() > Self::STEP {
            self.context.update(&self.waiting);
            self.waiting.clear();
        }
        if part.len() > Self::STEP {
            self.context.update(part.as_bytes());
        } else {
            self.waiting.extend_from_slice(part.as_bytes());
        }
    }
}

/// The one reference of a signature, with its form checked.
struct Reference<'d> {
    prefixes: Vec<&'d str>,
    algorithm: DigestAlgorithm,
    digest: Vec<u8>,
}

impl<'d> Reference<'d> {
    fn read(reference: Element<'d>, id: &str) -> Result<Self, Error> {
        match reference.attribute("URI") {
            Some(uri) if uri.strip_prefix('#') == Some(id) => {}
            found => {
                let found = shortened(found.unwrap_or("no URI at all"));
                return Err(form("a Reference to the ID of the element around it", found));
            }
        }
        let [transforms, method, value] = exactly(
            reference,
            ["Transforms", "DigestMethod", "DigestValue"],
            "Transforms, DigestMethod and DigestValue",
        )?;
        let [enveloped, canonical] = exactly(
            transforms,
            ["Transform", "Transform"],
            "the transforms enveloped-signature and xml-exc-c14n#",
        )?;
        if algorithm_of(enveloped)? != algorithm::ENVELOPED {
            let found = shortened(enveloped.attribute("Algorithm").unwrap_or_default());
            return Err(form("enveloped-signature as the first transform", found));
        }
        Ok(Self {
            prefixes: exc_c14n(canonical)?,
            algorithm: DigestAlgorithm::from_uri(algorithm_of(method)?)?,
            digest: value.octets("DigestValue")?,
        })
    }
}

/// The signature of `element`, which must stand where the schema has it, and be the only one there.
fn signature_at(element: Element<'_>, place: Place) -> Result<Element<'_>, Error> {
    let mut signatures = element.children_named(ns::DSIG, "Signature");
    let signature = signatures.next().ok_or(Error::SignatureMissing)?;
    if signatures.next().is_some() {
        return Err(form("one Signature in the element", "several".to_owned()));
    }
    let mut children = element.children();
    let expected = match place {
        Place::First => "the Signature before all other elements",
        Place::AfterIssuer => "the Signature right behind the Issuer",
    };
    if place == Place::AfterIssuer
        && !children.next().is_some_and(|child| child.is(ns::ASSERTION, "Issuer"))
    {
        return Err(form(expected, "another element first".to_owned()));
    }
    if children.next() == Some(signature) {
        Ok(signature)
    } else {
        Err(form(expected, "it elsewhere".to_owned()))
    }
}

/// The `ID` of the signed element, which nothing else in the whole document may bear (conformance
///
fn unique_id(element: Element<'_>) -> Result<&str, Error> {
    let id = element
        .attribute("ID")
        .ok_or(Error::Absent { what: "ID", inside: "the signed element" })?;
    if !is_ncname(id) {
        return Err(form("an XML name as the signed ID", shortened(id)));
    }
    let bearers = element
        .document()
        .all()
        .flat_map(Element::attributes)
        .filter(|a| a.local.eq_ignore_ascii_case("id") && a.value == id)
        .count();
    if bearers == 1 {
        Ok(id)
    } else {
        Err(form("an ID that one element bears", bearers.to_string()))
    }
}

/// `SignedInfo` and `SignatureValue`; a `KeyInfo` behind them is allowed and ignored, an `Object`
/// is not.
fn parts(signature: Element<'_>) -> Result<(Element<'_>, Element<'_>), Error> {
    const EXPECTED: &str = "SignedInfo, SignatureValue and at most a KeyInfo";
    let [signed_info, value] = match signature.children().count() {
        3 => exactly(signature, ["SignedInfo", "SignatureValue", "KeyInfo"], EXPECTED)
            .map(|[signed_info, value, _]| [signed_info, value])?,
        _ => exactly(signature, ["SignedInfo", "SignatureValue"], EXPECTED)?,
    };
    Ok((signed_info, value))
}

/// The prefixes of an element that must ask for exclusive canonicalisation without comments.
fn exc_c14n(method: Element<'_>) -> Result<Vec<&str>, Error> {
    match method.attribute("Algorithm") {
        Some(algorithm::EXC_C14N) => {}
        found => {
            let found = shortened(found.unwrap_or("no Algorithm"));
            return Err(form("xml-exc-c14n# as canonicalisation", found));
        }
    }
    method.elements_only()?;
    let mut children = method.children();
    match (children.next(), children.next()) {
        (None, _) => Ok(Vec::new()),
        (Some(list), None) if list.is(ns::EXC_C14N, "InclusiveNamespaces") => {
            let prefixes = list.attribute("PrefixList").unwrap_or_default();
            Ok(prefixes.split_ascii_whitespace().collect())
        }
        (Some(other), _) => Err(form("InclusiveNamespaces alone", other.describe())),
    }
}

/// The children of `element`, which must be exactly these elements of XML Signature, in this order.
fn exactly<'d, const N: usize>(
    element: Element<'d>,
    names: [&str; N],
    expected: &'static str,
) -> Result<[Element<'d>; N], Error> {
    element.elements_only()?;
    let children: Vec<_> = element.children().collect();
    let wrong = children.iter().zip(names).find(|(child, name)| !child.is(ns::DSIG, name));
    if let Some((child, _)) = wrong {
        return Err(form(expected, child.describe()));
    }
    let found = children.len();
    children.try_into().map_err(|_| form(expected, format!("{found} elements")))
}

/// The `Algorithm` of an element that takes no parameters.
fn algorithm_of(element: Element<'_>) -> Result<&str, Error> {
    if !element.text()?.trim_ascii().is_empty() {
        return Err(form("an algorithm without parameters", element.describe()));
    }
    element
        .attribute("Algorithm")
        .ok_or(Error::Absent { what: "Algorithm", inside: "a method of the signature" })
}

fn form(expected: &'static str, found: String) -> Error {
    Error::SignatureForm { expected, found }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
pub(in crate::saml) mod tests;
