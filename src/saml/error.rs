//! Layer 0, saml: everything that can be wrong with a message, as one enum. Each variant names what
//! was expected, what was found, and the clause that says so. The texts go to the log, never to a
//! page.

use crate::limits;

/// Why a SAML message, or a document around it, was refused or could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The query string or body is longer than its limit.
    #[error("expected at most {limit} bytes, found {found} (conformance B-03)")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
        /// What came, in bytes.
        found: usize,
    },
    /// A mandatory parameter is absent.
    #[error("expected the parameter {name}, found none (saml-bindings-2.0-os §3.4.4.1)")]
    ParameterMissing {
        /// Its name.
        name: &'static str,
    },
    /// A parameter came twice, or request and response were mixed.
    #[error("expected {name} at most once and alone, found more (OWASP ASVS 15.3.7)")]
    ParameterTwice {
        /// Its name.
        name: &'static str,
    },
    /// `SAMLEncoding` is not DEFLATE.
    #[error("expected SAMLEncoding DEFLATE or none, found {found:?} (saml-bindings-2.0-os §3.4.4)")]
    Encoding {
        /// The value that came, shortened.
        found: String,
    },
    /// A parameter is not percent-encoded text.
    #[error("expected {name} as percent-encoded UTF-8 (saml-bindings-2.0-os §3.4.4.1)")]
    PercentEncoding {
        /// Its name.
        name: &'static str,
    },
    /// A value is not base64 without white space.
    #[error("expected {name} as canonical base64 (saml-bindings-2.0-os §3.4.4.1)")]
    Base64 {
        /// What was to be decoded.
        name: &'static str,
    },
    /// The octets are not one complete raw DEFLATE stream.
    #[error("expected one complete raw DEFLATE stream, found {found} (RFC 1951)")]
    Deflate {
        /// What is wrong with it.
        found: &'static str,
    },
    /// The message inflates beyond the limit.
    #[error("expected at most {limit} inflated bytes (conformance B-04)")]
    InflatesTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// `RelayState` is too long.
    #[error(
        "expected a RelayState of at most {limit} bytes, found {found} \
         (saml-bindings-2.0-os §3.4.3)"
    )]
    RelayStateTooLong {
        /// The limit in bytes.
        limit: usize,
        /// What came, in bytes.
        found: usize,
    },

    /// The document is not UTF-8.
    #[error("expected UTF-8, found {found} (conformance B-08)")]
    NotUtf8 {
        /// What was found.
        found: String,
    },
    /// The document has a DOCTYPE.
    #[error("expected no DOCTYPE (saml-core-2.0 via SDP-G03)")]
    Doctype,
    /// The document is not well-formed and namespace-correct.
    #[error(
        "expected well-formed XML, found {found} near byte {at} (XML 1.0, Namespaces in XML 1.0)"
    )]
    Malformed {
        /// What is wrong.
        found: String,
        /// Where, in bytes from the start.
        at: u64,
    },
    /// The document exceeds a structural limit.
    #[error("expected at most {limit} {what} (conformance B-05)")]
    XmlLimit {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },

    /// The element is not the one that the schema has at this place.
    #[error("expected {expected}, found {found} (saml-schema)")]
    Element {
        /// What the schema has here.
        expected: &'static str,
        /// What the document has, shortened.
        found: String,
    },
    /// An attribute or element that must be there is absent.
    #[error("expected {what} in {inside}, found none (saml-schema)")]
    Absent {
        /// What is absent.
        what: &'static str,
        /// Where it belongs.
        inside: &'static str,
    },
    /// A value does not have the form that its type asks for.
    #[error("expected {expected} in {what}, found {found:?} (saml-core-2.0-os §1.3)")]
    Value {
        /// Which value.
        what: &'static str,
        /// The form that was expected.
        expected: &'static str,
        /// The value, shortened.
        found: String,
    },
    /// Two things that exclude each other are both there.
    #[error("expected only one of {what} (saml-core-2.0-os §3.4.1)")]
    Exclusive {
        /// What excludes each other.
        what: &'static str,
    },
    /// The version is not 2.0.
    #[error("expected Version 2.0, found {found:?} (saml-core-2.0-os §3.2.1)")]
    Version {
        /// The version that came, shortened.
        found: String,
    },

    /// There is no signature where one is required.
    #[error("expected a signature, found none (conformance A-056, A-057)")]
    SignatureMissing,
    /// The signature algorithm is not on the list.
    #[error(
        "expected one of rsa-sha256, rsa-sha384, rsa-sha512, ecdsa-sha256, ecdsa-sha384, \
         found {found:?} (conformance A-116)"
    )]
    Algorithm {
        /// The algorithm that came, shortened.
        found: String,
    },
    /// The signature has a form that is never accepted.
    #[error("expected {expected} in the signature, found {found} (saml-core-2.0-os §5.4)")]
    SignatureForm {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// The digest is by an algorithm that is not on the list.
    #[error("expected a digest by sha256, sha384 or sha512, found {found:?} (conformance A-120)")]
    Digest {
        /// The algorithm that came, shortened.
        found: String,
    },
    /// No pinned key verifies the signature.
    #[error(
        "expected a signature by one of {keys} registered keys, none verifies it \
         (saml-bindings-2.0-os §3.4.4.1)"
    )]
    SignatureInvalid {
        /// How many keys were tried.
        keys: usize,
    },
    /// The digest of the signed element does not match.
    #[error(
        "expected the digest of the signed element to match, it does not (xmldsig-core §3.2.1)"
    )]
    DigestMismatch,

    /// The algorithm of something encrypted is not on the list.
    #[error(
        "expected AES-GCM with a key by RSA-OAEP (one hash for all of it, without parameters), \
         found {found:?} (conformance A-116)"
    )]
    Encryption {
        /// The algorithm that came, shortened.
        found: String,
    },
    /// Something encrypted has a form that is never accepted.
    #[error("expected {expected} in what is encrypted, found {found} (xmlenc-core1 §3, C-27)")]
    EncryptionForm {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Something encrypted cannot be decrypted. There is only one such error, whatever the reason:
    /// the sender could learn about keys or texts from the difference.
    #[error("expected an element encrypted for one of our keys (xmlenc-core1 §4.4)")]
    Decrypt,
    /// The crypto library refused to encrypt.
    #[error("expected the peer's key to encrypt, the library refused (xmlenc-core1 §4.3)")]
    Encrypt,

    /// A key or certificate cannot be used.
    #[error("expected {expected}, found {found} (conformance A-115)")]
    Key {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// The metadata does not describe what it must.
    #[error("expected {expected} in the metadata, found {found} (saml-metadata-2.0-os §2)")]
    Metadata {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// The metadata's time is over.
    #[error(
        "expected metadata that is valid now, its validUntil was {until} \
         (saml-metadata-2.0-os §2.3.2)"
    )]
    MetadataExpired {
        /// Its `validUntil`.
        until: String,
    },

    /// A value that we were to write has a character that XML cannot carry.
    #[error("expected XML characters in {what}, found U+{found:04X} (XML 1.0 §2.2)")]
    Unwritable {
        /// What was to be written.
        what: &'static str,
        /// The character's code point.
        found: u32,
    },
    /// The crypto library refused to sign.
    #[error("expected the key to sign, the library refused (xmldsig-core §3.1.2)")]
    Sign,
}

/// A value as it may stand in a log line: at most 80 characters.
pub(crate) fn shortened(value: &str) -> String {
    const KEPT: usize = 80;
    match value.char_indices().nth(KEPT) {
        None => value.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes)", &value[..at], value.len()),
    }
}

impl Error {
    /// The refusal of a structural limit of XML, with the name that `limits` gives it.
    pub(crate) fn limit(what: &'static str, limit: usize) -> Self {
        Self::XmlLimit { what, limit }
    }

    /// A `RelayState` beyond the limit.
    pub(crate) fn relay_state(found: usize) -> Self {
        Self::RelayStateTooLong { limit: limits::RELAY_STATE_BYTES, found }
    }
}
