//! Is the Assertion signed by the provisioned key, and is what was verified what will be read?
//! Apart room
//! `fakecloud`; contract §4.2, §4.5; XML Signature §3.2.
//!
//! The cryptography and the canonicalisation are bergshamra's: another implementation than the one
//! that signs. bergshamra calls a document valid in which the signed element was moved aside and
//! another put in its place (signature wrapping). So the shape is pinned here before it is asked,
//! and its answer counts only when it is about the very nodes that the caller reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::keys::loader;
use bergshamra::{DsigContext, KeysManager, VerifyResult};

use super::fault::{Fault, Finding};
use super::read::Element;
use super::{ASSERTION_NS, DS_NS, EXC_C14N};

/// An Assertion whose signature holds, and what it was verified with.
pub(crate) struct Verified<'d> {
    /// The element that was verified. Read nothing outside of it.
    pub(crate) assertion: Element<'d>,
    /// The signature algorithm, a URI.
    pub(crate) algorithm: String,
    /// The certificate, in DER, of the key that verifies it.
    pub(crate) certificate: Vec<u8>,
}

/// Finds the one Assertion of `response` and verifies its signature with `certificates`, those of
/// the provisioned metadata. What `KeyInfo` holds is compared with them and never trusted.
pub(crate) fn verify<'d>(
    response: Element<'d>,
    certificates: &[Vec<u8>],
) -> Result<Verified<'d>, Finding> {
    let assertion = only_assertion(response)?;
    let id = unique_id(response, assertion)?;
    let signature = only_signature(response, assertion)?;
    let parts = Parts::of(signature)?;
    check_algorithms(&parts, id)?;
    let certificate = named_certificate(parts.key_info, certificates)?;
    let answers = ask_bergshamra(response, &certificate)?;
    same_nodes(&answers, assertion, signature)?;
    let algorithm = RSA_SHA256.to_owned();
    Ok(Verified { assertion, algorithm, certificate })
}

fn only_assertion(response: Element<'_>) -> Result<Element<'_>, Finding> {
    let found: Vec<Element<'_>> =
        response.subtree().filter(|e| e.is(ASSERTION_NS, "Assertion")).collect();
    let encrypted = response.subtree().any(|e| e.is(ASSERTION_NS, "EncryptedAssertion"));
    let expected = "one Assertion as a child of the Response";
    if encrypted {
        return Err(Finding::new(Fault::AssertionEncrypted, expected, "an EncryptedAssertion"));
    }
    let [assertion] = found[..] else {
        let fault = if found.is_empty() { Fault::AssertionMissing } else { Fault::AssertionTwice };
        return Err(Finding::new(fault, expected, found.len().to_string()));
    };
    if assertion.parent().map(Element::node) != Some(response.node()) {
        let around = assertion.parent().map_or_else(String::new, Element::name);
        return Err(Finding::new(Fault::AssertionMisplaced, expected, format!("in <{around}>")));
    }
    Ok(assertion)
}

/// The Assertion's ID. Every id-like attribute of the document has to be unique, because a verifier
/// may resolve the Reference through any of them.
fn unique_id<'d>(response: Element<'d>, assertion: Element<'d>) -> Result<&'d str, Finding> {
    let mut seen: Vec<&str> = Vec::new();
    for element in response.subtree() {
        for (_, local, value) in element.attributes() {
            if !["id", "assertionid"].contains(&local.to_ascii_lowercase().as_str()) {
                continue;
            }
            if seen.contains(&value) {
                let came = format!("“{value}” twice");
                return Err(Finding::new(Fault::IdNotUnique, "every ID once", came));
            }
            seen.push(value);
        }
    }
    match assertion.attribute("ID") {
        Some(id) if !id.is_empty() => Ok(id),
        other => Err(Finding::value(Fault::IdNotUnique, "an ID on the Assertion", other)),
    }
}

fn only_signature<'d>(
    response: Element<'d>,
    assertion: Element<'d>,
) -> Result<Element<'d>, Finding> {
    let found: Vec<Element<'_>> = response.subtree().filter(|e| e.is(DS_NS, "Signature")).collect();
    let expected = "one Signature, the second child of the Assertion, after its Issuer";
    if found.is_empty() {
        return Err(Finding::new(Fault::SignatureMissing, expected, "none"));
    }
    let children: Vec<Element<'_>> = assertion.elements().take(2).collect();
    match (&found[..], &children[..]) {
        ([signature], [issuer, second])
            if issuer.is(ASSERTION_NS, "Issuer") && second.node() == signature.node() =>
        {
            Ok(*signature)
        }
        _ => {
            let parents: Vec<String> = found
                .iter()
                .map(|s| s.parent().map_or_else(String::new, |p| format!("in <{}>", p.name())))
                .collect();
            Err(Finding::new(Fault::SignatureMisplaced, expected, parents.join(", ")))
        }
    }
}

/// The parts of a Signature of exactly the allowed shape.
struct Parts<'d> {
    canonicalization: Element<'d>,
    method: Element<'d>,
    uri: Option<&'d str>,
    transforms: Vec<Element<'d>>,
    digest: Element<'d>,
    key_info: Element<'d>,
}

impl<'d> Parts<'d> {
    fn of(signature: Element<'d>) -> Result<Self, Finding> {
        let shape = |expected: &str, came: String| {
            Finding::new(Fault::SignatureShape, expected.to_owned(), came)
        };
        if signature.has_comments() {
            return Err(shape("no comment inside the Signature", "a comment".to_owned()));
        }
        if signature.subtree().any(|e| e.attributes().any(|(namespaced, _, _)| namespaced)) {
            let came = "an attribute of another namespace".to_owned();
            return Err(shape("only XML Signature's own attributes", came));
        }
        if children(signature) == ["SignedInfo", "SignatureValue"] {
            let expected = "KeyInfo with an X509Certificate";
            return Err(Finding::new(Fault::KeyInfoMissing, expected, "no KeyInfo"));
        }
        let [signed_info, _, key_info] =
            exactly(signature, ["SignedInfo", "SignatureValue", "KeyInfo"])?;
        let references = signed_info.all(DS_NS, "Reference").len();
        if references != 1 {
            return Err(Finding::new(Fault::ReferenceCount, "1", references.to_string()));
        }
        let [canonicalization, method, reference] =
            exactly(signed_info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        if children(reference) == ["DigestMethod", "DigestValue"] {
            return Err(Finding::new(Fault::TransformsWrong, TRANSFORMS, "no Transforms"));
        }
        let [transforms, digest, _] =
            exactly(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
        Ok(Self {
            canonicalization,
            method,
            uri: reference.attribute("URI"),
            transforms: transforms.elements().collect(),
            digest,
            key_info,
        })
    }
}

fn exactly<'d, const N: usize>(
    parent: Element<'d>,
    names: [&str; N],
) -> Result<[Element<'d>; N], Finding> {
    let found: Vec<Element<'d>> = parent.elements().collect();
    let wrong = || {
        let expected = format!("{} in <{}>", names.join(", "), parent.name());
        Finding::new(Fault::SignatureShape, expected, children(parent).join(", "))
    };
    let found: [Element<'d>; N] = found.try_into().map_err(|_| wrong())?;
    if found.iter().zip(names).all(|(element, name)| element.is(DS_NS, name)) {
        Ok(found)
    } else {
        Err(wrong())
    }
}

fn children(parent: Element<'_>) -> Vec<String> {
    let local = |name: String| name.rsplit(':').next().unwrap_or_default().to_owned();
    parent.elements().map(|child| local(child.name())).collect()
}

fn check_algorithms(parts: &Parts<'_>, id: &str) -> Result<(), Finding> {
    if parts.uri.and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err(Finding::value(Fault::ReferenceElsewhere, format!("“#{id}”"), parts.uri));
    }
    let uri = |element: Element<'_>| element.attribute("Algorithm").unwrap_or_default().to_owned();
    let transforms: Vec<String> = parts.transforms.iter().map(|t| uri(*t)).collect();
    let plain = parts.transforms.first().is_some_and(|first| first.elements().next().is_none());
    let prefixes = parts.transforms.last().is_some_and(|last| only_prefixes(*last));
    if transforms != [ENVELOPED, EXC_C14N] || !plain || !prefixes {
        return Err(Finding::new(Fault::TransformsWrong, TRANSFORMS, transforms.join(", ")));
    }
    let came = uri(parts.canonicalization);
    if came != EXC_C14N || !only_prefixes(parts.canonicalization) {
        return Err(Finding::new(Fault::CanonicalizationWrong, EXC_C14N, came));
    }
    let came = uri(parts.method);
    if came != RSA_SHA256 {
        return Err(Finding::new(Fault::SignatureAlgorithmWrong, RSA_SHA256, came));
    }
    let came = uri(parts.digest);
    if came != SHA256 {
        return Err(Finding::new(Fault::DigestAlgorithmWrong, SHA256, came));
    }
    Ok(())
}

/// Exclusive C14N takes one optional parameter, the `InclusiveNamespaces` prefix list (exc-c14n
/// §4).
fn only_prefixes(method: Element<'_>) -> bool {
    let inside: Vec<Element<'_>> = method.elements().collect();
    match inside[..] {
        [] => true,
        [one] => one.is(EXC_C14N, "InclusiveNamespaces") && one.attribute("PrefixList").is_some(),
        _ => false,
    }
}

/// The certificate in `KeyInfo`, if it is one of the metadata's.
fn named_certificate(key_info: Element<'_>, certificates: &[Vec<u8>]) -> Result<Vec<u8>, Finding> {
    let named = match key_info.one(DS_NS, "X509Data")? {
        Some(data) => data.one(DS_NS, "X509Certificate")?,
        None => None,
    };
    let expected = "the full signing certificate of IDP Metadata.xml";
    let Some(named) = named else {
        return Err(Finding::new(Fault::KeyInfoMissing, expected, "no X509Certificate"));
    };
    let text: String = named.text()?.split_ascii_whitespace().collect();
    let der = STANDARD
        .decode(text)
        .map_err(|e| Finding::new(Fault::KeyInfoForeign, expected, format!("bad base64: {e}")))?;
    if !certificates.contains(&der) {
        let came = format!("another certificate of {} octets", der.len());
        return Err(Finding::new(Fault::KeyInfoForeign, expected, came));
    }
    Ok(der)
}

fn ask_bergshamra(response: Element<'_>, certificate: &[u8]) -> Result<Vec<VerifyResult>, Finding> {
    let invalid =
        |came: String| Finding::new(Fault::SignatureInvalid, "a signature that verifies", came);
    let key = loader::load_x509_cert_der(certificate).map_err(|e| invalid(e.to_string()))?;
    let mut manager = KeysManager::new();
    manager.add_key(key);
    let context = DsigContext::new(manager);
    bergshamra::dsig::verify::verify_all_document(&context, response.document())
        .map_err(|e| invalid(e.to_string()))
}

/// The verdict counts when it is about `signature`, covers exactly `assertion`, and was digested
/// here.
fn same_nodes(
    answers: &[VerifyResult],
    assertion: Element<'_>,
    signature: Element<'_>,
) -> Result<(), Finding> {
    let expected = "one verified Signature over the Assertion that is read";
    let [answer] = answers else {
        let came = format!("{} signatures", answers.len());
        return Err(Finding::new(Fault::NodeMismatch, expected, came));
    };
    match answer {
        VerifyResult::Invalid { reason } => {
            let digest = reason.starts_with("Reference digest failed");
            let fault = if digest { Fault::DigestMismatch } else { Fault::SignatureInvalid };
            // The reason of a digest failure holds nothing secret, but two long base64 strings.
            let came = reason.split_once(':').map_or(reason.as_str(), |(head, _)| head);
            Err(Finding::new(fault, "an unchanged Assertion, signed by the metadata's key", came))
        }
        VerifyResult::Valid { signature_node, references, .. } => match &references[..] {
            [one]
                if one.digest_verified
                    && one.resolved_node == Some(assertion.node())
                    && *signature_node == signature.node() =>
            {
                Ok(())
            }
            _ => {
                Err(Finding::new(Fault::NodeMismatch, expected, "a signature over another element"))
            }
        },
    }
}

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const TRANSFORMS: &str = "exactly enveloped-signature, then exclusive C14N";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakecloud::read;

    /// A Response whose Signature covers its neighbour `_a`, while `_evil` is what a careless
    /// reader takes.
    fn wrapped(pair: &rcgen::KeyPair) -> String {
        let template = format!(
            "<r><ds:Signature xmlns:ds=\"{DS_NS}\"><ds:SignedInfo>\
             <ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/>\
             <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/><ds:Reference URI=\"#_a\">\
             <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>\
             <ds:Transform Algorithm=\"{EXC_C14N}\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue></ds:DigestValue>\
             </ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>\
             </ds:Signature><a ID=\"_a\">me</a><a ID=\"_evil\">you</a></r>"
        );
        let mut manager = KeysManager::new();
        manager.add_key(loader::load_rsa_private_pem(pair.serialize_pem().as_bytes()).unwrap());
        bergshamra::sign(&DsigContext::new(manager), &template).unwrap()
    }

    #[test]
    fn a_valid_signature_over_another_node_than_the_one_that_is_read_is_refused() {
        let size = rcgen::RsaKeySize::_2048;
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        let xml = wrapped(&pair);
        let document = read::parse(&xml).ok().unwrap();
        let root = Element::root(&document).unwrap();
        let [signature, covered, evil] = root.elements().collect::<Vec<_>>()[..] else { panic!() };
        let answers = ask_bergshamra(root, certificate.der()).unwrap();
        assert!(answers[0].is_valid(), "bergshamra itself is content: {answers:?}");
        same_nodes(&answers, covered, signature).unwrap();
        let finding = same_nodes(&answers, evil, signature).unwrap_err();
        assert_eq!(finding.fault, Fault::NodeMismatch);
        let finding = same_nodes(&answers, covered, evil).unwrap_err();
        assert_eq!(finding.fault, Fault::NodeMismatch);
    }

    #[test]
    fn the_prepared_response_verifies_and_its_tampered_copy_does_not() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/own");
        let read_to_string = |name: &str| std::fs::read_to_string(folder.join(name));
        let (Ok(signed), Ok(tampered), Ok(pem)) = (
            read_to_string("response.signed.xml"),
            read_to_string("response.tampered.xml"),
            read_to_string("idp.crt"),
        ) else {
            println!("skipped: the reference messages are not in {}", folder.display());
            return;
        };
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let certificates = [STANDARD.decode(text).unwrap()];
        let document = read::parse(&signed).ok().unwrap();
        let verified = verify(Element::root(&document).unwrap(), &certificates).unwrap();
        assert_eq!(verified.assertion.attribute("ID"), Some("_a0000000000000000000000000000001"));
        let document = read::parse(&tampered).ok().unwrap();
        let finding = verify(Element::root(&document).unwrap(), &certificates).err().unwrap();
        assert_eq!(finding.fault, Fault::DigestMismatch);
    }
}
