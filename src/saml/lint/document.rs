//! Layer 0, saml: what keeps a document from being read at all, and what stands in its octets.

use super::{Lint, faults};
use crate::saml::error::Error;

const MARK: &[u8] = b"\xEF\xBB\xBF";
/// How the first line of a private key in PEM ends.
const PRIVATE: &[u8] = b"PRIVATE KEY-----";

/// The octets behind a byte order mark.
pub(super) fn without_mark(octets: &[u8]) -> &[u8] {
    octets.strip_prefix(MARK).unwrap_or(octets)
}

/// Looks at the octets.
pub(super) fn look(octets: &[u8], lint: &mut Lint<'_>) {
    if octets.starts_with(MARK) {
        lint.note_at(0, BYTE_ORDER_MARK, "the octets EF BB BF stand before the document".into());
    }
    let text = without_mark(octets);
    if let Some(at) = text.windows(PRIVATE.len()).position(|part| part == PRIVATE) {
        lint.note_at(at, PRIVATE_KEY, "a private key in PEM stands in the document".into());
    }
}

/// Names the reason for which a document was not read.
pub(super) fn unreadable(octets: &[u8], error: &Error, lint: &mut Lint<'_>) {
    let text = std::str::from_utf8(without_mark(octets)).unwrap_or_default();
    let position = |part: &str| text.find(part).unwrap_or_default();
    let (at, fault) = match error {
        Error::TooLong { .. } => (0, TOO_LARGE),
        _ if octets.starts_with(b"\xFE\xFF") || octets.starts_with(b"\xFF\xFE") => (0, UTF_16),
        _ if octets.iter().take(2).any(|octet| *octet == 0) => (0, UTF_16),
        Error::NotUtf8 { .. } => match std::str::from_utf8(without_mark(octets)) {
            Ok(_) => (0, OTHER_ENCODING),
            Err(error) => (error.valid_up_to(), NOT_UTF_8),
        },
        _ if is_web_page(text) => (0, WEB_PAGE),
        Error::Doctype => (position("<!DOCTYPE"), DOCTYPE),
        Error::XmlLimit { .. } => (0, STRUCTURE),
        Error::Malformed { found, at } => {
            (usize::try_from(*at).unwrap_or_default(), malformed(text, found))
        }
        _ => (0, MALFORMED),
    };
    lint.note_at(at, fault, error.to_string());
}

fn is_web_page(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(14).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("<html") || start.starts_with("<!doctype html")
}

fn malformed(text: &str, found: &str) -> &'static super::Fault {
    let text = text.trim_ascii_start();
    if text.is_empty() || found == "no element" {
        EMPTY
    } else if !text.starts_with('<') {
        NOT_XML
    } else if found.starts_with("U+") {
        CHARACTER
    } else if found.starts_with("the undeclared prefix") {
        PREFIX
    } else if found.starts_with('&') || found.starts_with("a lone &") {
        REFERENCE
    } else if found.starts_with("the attribute") {
        TWICE
    } else if found.starts_with("a processing instruction") {
        INSTRUCTION
    } else if found.starts_with("XML version") {
        VERSION
    } else if found.starts_with("the end before") || found.contains("end of input") {
        TRUNCATED
    } else {
        MALFORMED
    }
}

faults! {
    TOO_LARGE = 1, Error,
        "The document is larger than 2 MiB.",
        "It is not read.",
        "Send the service provider's own EntityDescriptor, or fetch it alone from a metadata query \
         service (MDQ).";
    EMPTY = 2, Error,
        "The document is empty.",
        "There is nothing to register.",
        "Export the metadata again and look into the file before you send it.";
    UTF_16 = 3, Error,
        "The document is in UTF-16.",
        "It is not read: only UTF-8 is.",
        "Save it as UTF-8, and say so in the XML declaration or leave the declaration out.";
    NOT_UTF_8 = 4, Error,
        "The document is not in UTF-8.",
        "It is not read.",
        "Save it as UTF-8; often a name in another encoding such as GBK or Latin-1 was pasted in.";
    OTHER_ENCODING = 5, Error,
        "The XML declaration names another encoding than UTF-8.",
        "It is not read.",
        "Save it as UTF-8 and write encoding=\"UTF-8\".";
    DOCTYPE = 6, Error,
        "The document has a DOCTYPE.",
        "It is refused unread: a DOCTYPE can fetch files and expand without end.",
        "Delete the DOCTYPE; SAML metadata never needs one.";
    WEB_PAGE = 7, Error,
        "This is a web page, not metadata.",
        "There is nothing to register.",
        "The address gives a login or error page. Download the metadata while you are signed in, \
         or ask for the address that needs no login.";
    NOT_XML = 8, Error,
        "The document is not XML: it does not begin with <.",
        "It is not read.",
        "Send the XML itself, not JSON, a certificate, base64 or a mail that holds it.";
    CHARACTER = 9, Error,
        "The document has a character that XML cannot carry.",
        "It is not read.",
        "Delete the control character at this line.";
    MALFORMED = 10, Error,
        "The document is not well-formed XML.",
        "It is not read.",
        "Repair the tags or quotes at this line; most often somebody edited the file by hand.";
    TRUNCATED = 11, Error,
        "The document ends in the middle.",
        "It is not read.",
        "Copy or download it again, to the last end tag.";
    PREFIX = 12, Error,
        "A prefix is used that no xmlns declares.",
        "It is not read.",
        "Declare the prefix, or take the element along with the one that declared it: this happens \
         when an EntityDescriptor is cut out of a larger file.";
    REFERENCE = 13, Error,
        "An & stands for itself, or names an entity that XML does not have.",
        "It is not read.",
        "Write &amp; for &, and characters such as &nbsp; as themselves.";
    TWICE = 14, Error,
        "An element has the same attribute twice.",
        "It is not read.",
        "Delete one of them.";
    STRUCTURE = 15, Error,
        "The document is nested too deep, or has too many elements, attributes or namespaces.",
        "It is not read.",
        "Send the service provider's own EntityDescriptor, without what is around it.";
    INSTRUCTION = 16, Error,
        "A processing instruction stands inside the document.",
        "It is not read.",
        "Delete what stands between <? and ?>.";
    VERSION = 17, Error,
        "The XML declaration names another version than 1.0.",
        "It is not read.",
        "Write version=\"1.0\".";
    BYTE_ORDER_MARK = 18, Advice,
        "A byte order mark stands before the document.",
        "It is read here; other programs stumble over it.",
        "Save it as UTF-8 without byte order mark.";
    PRIVATE_KEY = 19, Warning,
        "A private key stands in the document.",
        "Whoever has the file can speak in the service provider's name and decrypt what is for it.",
        "Make a new key pair at the service provider, take the old one out of use, and publish \
         only the new certificate.";
}
