//! Layer 0, saml: enveloped signatures (saml-core-2.0-os §5.4, contract §4.2). What is signed was
//! written in canonical form, so signing is: digest, write `SignedInfo`, sign, splice. No tree, no
//! second serialisation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::allowed::{Declared, DigestAlgorithm, SignatureAlgorithm};
use crate::saml::error::Error;
use crate::saml::key::SigningKey;
use crate::saml::names::{algorithm, ns};
use crate::saml::types::{MessageId, is_ncname, value};

/// The prefixes that exclusive canonicalisation treats inclusively; usually none, or `xsd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixList(String);

impl PrefixList {
    /// A list of prefixes in the order in which they shall be written.
    ///
    /// # Errors
    /// When one is not a prefix.
    pub fn new<'p>(prefixes: impl IntoIterator<Item = &'p str>) -> Result<Self, Error> {
        let mut list = String::new();
        for prefix in prefixes {
            if !is_ncname(prefix) {
                return Err(value("InclusiveNamespaces", "namespace prefixes", prefix));
            }
            if !list.is_empty() {
                list.push(' ');
            }
            list.push_str(prefix);
        }
        Ok(Self(list))
    }

    /// Whether `prefix` is listed.
    #[must_use]
    pub fn contains(&self, prefix: &str) -> bool {
        self.0.split(' ').any(|listed| listed == prefix)
    }
}

/// The `ds:Signature` over `canonical`, the canonical octets of the element `id` without its
/// signature. Algorithms are the first that the reader has `declared` and the key can make.
///
/// # Errors
/// [`Error::Sign`] when the crypto library refuses.
pub(in crate::saml) fn enveloped(
    canonical: &str,
    id: &MessageId,
    key: &SigningKey,
    prefixes: &PrefixList,
    declared: &Declared,
) -> Result<String, Error> {
    let methods = (key.algorithm_for(&declared.signatures), declared.digest());
    let digest = STANDARD.encode(methods.1.of(canonical.as_bytes()));
    let signed_info = signed_info(methods, &digest, id, prefixes);
    // Canonical SignedInfo carries the declaration that, in the document, stands on ds:Signature.
    let mut octets = String::with_capacity(signed_info.len() + 64);
    octets.push_str("<ds:SignedInfo xmlns:ds=\"");
    octets.push_str(ns::DSIG);
    octets.push_str("\">");
    octets.push_str(&signed_info);
    octets.push_str("</ds:SignedInfo>");
    let signature = STANDARD.encode(key.sign_by(methods.0, octets.as_bytes())?);
    let certificate = key.certificate_base64();
    let mut out = String::with_capacity(octets.len() + signature.len() + certificate.len() + 320);
    for part in [
        "<ds:Signature xmlns:ds=\"",
        ns::DSIG,
        "\"><ds:SignedInfo>",
        &signed_info,
        "</ds:SignedInfo><ds:SignatureValue>",
        &signature,
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>",
        certificate,
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
    ] {
        out.push_str(part);
    }
    Ok(out)
}

/// The inside of `SignedInfo`. Every value is ours: URIs, base64, an XML name, prefixes; none needs
/// escaping.
fn signed_info(
    (signature_method, digest_method): (SignatureAlgorithm, DigestAlgorithm),
    digest: &str,
    id: &MessageId,
    prefixes: &PrefixList,
) -> String {
    let mut out = String::with_capacity(1024);
    let mut push = |parts: &[&str]| parts.iter().for_each(|part| out.push_str(part));
    push(&["<ds:CanonicalizationMethod Algorithm=\"", algorithm::EXC_C14N]);
    push(&[
        "\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"",
        signature_method.uri(),
    ]);
    push(&["\"></ds:SignatureMethod><ds:Reference URI=\"#", id.as_str()]);
    push(&["\"><ds:Transforms><ds:Transform Algorithm=\"", algorithm::ENVELOPED]);
    push(&["\"></ds:Transform><ds:Transform Algorithm=\"", algorithm::EXC_C14N, "\">"]);
    if !prefixes.0.is_empty() {
        push(&["<ec:InclusiveNamespaces xmlns:ec=\"", ns::EXC_C14N, "\" PrefixList=\""]);
        push(&[&prefixes.0, "\"></ec:InclusiveNamespaces>"]);
    }
    push(&["</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"", digest_method.uri()]);
    push(&["\"></ds:DigestMethod><ds:DigestValue>", digest]);
    push(&["</ds:DigestValue></ds:Reference>"]);
    out
}
