//! Tests of the signature check: one accepted form, every refusal by its name, and wrapped
//! documents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::saml::key::SigningKey;
use crate::saml::tests::{ec_key_of, keys};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// Where [`sign`] puts the signature.
pub(in crate::saml) const HERE: &str = "@";
const CONTENT: &str = "<md:SPSSODescriptor x='good'/>";

/// Signs the element that has `id` and [`HERE`] in `template`, listing `prefixes`.
pub(in crate::saml) fn sign(template: &str, id: &str, prefixes: &str, key: &SigningKey) -> String {
    let plain = template.replace(HERE, "");
    let document = parse(plain.as_bytes(), Limits::METADATA).unwrap();
    let signed = document.all().find(|e| e.attribute("ID") == Some(id)).unwrap();
    let list: Vec<_> = prefixes.split_ascii_whitespace().collect();
    let octets = c14n::exclusive(signed, &list, None, 100_000).unwrap();
    let digest = STANDARD.encode(DigestAlgorithm::Sha256.of(octets.as_bytes()));
    let list = if prefixes.is_empty() {
        String::new()
    } else {
        let exc = algorithm::EXC_C14N;
        format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{exc}\" PrefixList=\"{prefixes}\"></ec:InclusiveNamespaces>"
        )
    };
    // Written as its own canonical form, so that it can be signed as it stands.
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"{}\">\
         <ds:CanonicalizationMethod Algorithm=\"{exc}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{exc}\">{list}</ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        ns::DSIG,
        key.algorithm().uri(),
        algorithm::ENVELOPED,
        algorithm::SHA256,
        exc = algorithm::EXC_C14N,
    );
    let value = STANDARD.encode(key.sign(info.as_bytes()).unwrap());
    let (first, rest) = value.split_at(64);
    template.replace(
        HERE,
        &format!(
            "<ds:Signature xmlns:ds=\"{}\">{info}<ds:SignatureValue>\n{first}\n{rest}\n</ds:SignatureValue>\
             <ds:KeyInfo><ds:KeyName>ignored</ds:KeyName></ds:KeyInfo></ds:Signature>",
            ns::DSIG
        ),
    )
}

fn entity(id: &str, inside: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md='{MD}' xmlns:xs='urn:xs' ID='{id}' entityID='https://sp.example'>\
         {inside}</md:EntityDescriptor>"
    )
}

/// A good signed descriptor with the ID `o`.
fn good() -> String {
    sign(&entity("o", &format!("{HERE}{CONTENT}")), "o", "", &keys(1).0)
}

fn signature_of(document: &str) -> &str {
    let end = "</ds:Signature>";
    let start = document.find("<ds:Signature").unwrap();
    &document[start..document.find(end).unwrap() + end.len()]
}

fn check_at(document: &str, place: Place) -> Result<SignedContent, Error> {
    let parsed = parse(document.as_bytes(), Limits::METADATA).unwrap();
    verify(parsed.root(), &[keys(2).1, keys(1).1], place, Limits::METADATA)
}

fn check(document: &str) -> Result<SignedContent, Error> {
    check_at(document, Place::First)
}

/// The good document with `from` replaced, which must be refused with an error whose text has all
/// of `parts`.
fn refused(from: &str, to: &str, parts: &[&str]) {
    let document = good();
    assert!(document.contains(from), "nothing to replace: {from}");
    let error = check(&document.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{from} → {to}: {error}");
}

#[test]
fn a_good_signature_gives_the_signed_content_without_the_signature() {
    let verified = check(&good()).unwrap();
    let document = verified.read().unwrap();
    let root = document.root();
    assert_eq!(root.attribute("entityID"), Some("https://sp.example"));
    assert_eq!(root.children().count(), 1);
    assert!(verified.octets().starts_with("<md:EntityDescriptor xmlns:md=\""));
}

#[test]
fn a_prefix_list_is_part_of_what_is_signed() {
    let template = entity("o", &format!("{HERE}{CONTENT}"));
    let document = sign(&template, "o", "xs #default", &keys(1).0);
    assert!(check(&document).unwrap().octets().contains("xmlns:xs"));
    let other = document.replace("PrefixList=\"xs", "PrefixList=\"xx");
    assert!(matches!(check(&other), Err(Error::SignatureInvalid { keys: 2 })));
}

#[test]
fn a_message_has_its_signature_behind_the_issuer() {
    let issuer = format!("<i:Issuer xmlns:i='{}'>x</i:Issuer>", ns::ASSERTION);
    let template = entity("o", &format!("{issuer}{HERE}{CONTENT}"));
    let document = sign(&template, "o", "", &keys(1).0);
    assert!(check_at(&document, Place::AfterIssuer).is_ok());
    assert!(matches!(check(&document), Err(Error::SignatureForm { .. })));
    let swapped = sign(&entity("o", &format!("{HERE}{issuer}")), "o", "", &keys(1).0);
    assert!(matches!(check_at(&swapped, Place::AfterIssuer), Err(Error::SignatureForm { .. })));
}

#[test]
fn a_change_of_the_content_breaks_the_digest() {
    let document = good().replace("x='good'", "x='evil'");
    assert_eq!(check(&document).unwrap_err(), Error::DigestMismatch);
}

#[test]
fn a_change_of_the_signed_info_breaks_the_signature() {
    let document = good();
    let at = document.find("<ds:DigestValue>").unwrap() + "<ds:DigestValue>".len();
    let other = if &document[at..=at] == "A" { "B" } else { "A" };
    let document = format!("{}{other}{}", &document[..at], &document[at + 1..]);
    assert_eq!(check(&document).unwrap_err(), Error::SignatureInvalid { keys: 2 });
}

#[test]
fn only_the_pinned_keys_count() {
    let document = good();
    let parsed = parse(document.as_bytes(), Limits::METADATA).unwrap();
    let verify = |keys: &[_]| verify(parsed.root(), keys, Place::First, Limits::METADATA);
    assert_eq!(verify(&[keys(2).1]).unwrap_err(), Error::SignatureInvalid { keys: 1 });
    assert_eq!(verify(&[]).unwrap_err(), Error::SignatureInvalid { keys: 0 });
}

#[test]
fn a_signature_by_an_ec_key_holds_for_that_key_and_algorithm_only() {
    let (key, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P256_SHA256);
    let signing = SigningKey::new(&key, &certificate).unwrap();
    let verifying = VerifyingKey::from_certificate(&certificate).unwrap();
    let document = sign(&entity("o", &format!("{HERE}{CONTENT}")), "o", "", &signing);
    let check = |document: &str, key: &VerifyingKey| {
        let parsed = parse(document.as_bytes(), Limits::METADATA).unwrap();
        verify(parsed.root(), std::slice::from_ref(key), Place::First, Limits::METADATA)
    };
    assert!(check(&document, &verifying).is_ok());
    assert_eq!(check(&document, &keys(1).1).unwrap_err(), Error::SignatureInvalid { keys: 1 });
    // Conformance B-13: the document's word for its algorithm does not change the key's kind.
    for other in [algorithm::RSA_SHA256, algorithm::ECDSA_SHA384] {
        let claimed = document.replace(algorithm::ECDSA_SHA256, other);
        assert_eq!(check(&claimed, &verifying).unwrap_err(), Error::SignatureInvalid { keys: 1 });
    }
}

#[test]
fn an_unsigned_document_is_refused() {
    assert_eq!(check(&entity("o", CONTENT)).unwrap_err(), Error::SignatureMissing);
}

#[test]
fn a_sha_1_digest_is_refused_by_its_name() {
    refused(
        algorithm::SHA256,
        "http://www.w3.org/2000/09/xmldsig#sha1",
        &["xmldsig#sha1", "A-120"],
    );
}

#[test]
fn a_weak_signature_algorithm_is_refused_by_its_name() {
    for weak in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    ] {
        refused(algorithm::RSA_SHA256, weak, &["rsa-sha256, rsa-sha384, rsa-sha512", weak]);
    }
}

#[test]
fn transforms_other_than_the_two_are_refused() {
    let enveloped = format!("<ds:Transform Algorithm=\"{}\"></ds:Transform>", algorithm::ENVELOPED);
    let canonical = format!("<ds:Transform Algorithm=\"{}\"></ds:Transform>", algorithm::EXC_C14N);
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"/>";
    refused(&enveloped, "", &["the transforms", "1 elements"]);
    refused(&enveloped, xpath, &["enveloped-signature", "REC-xpath"]);
    refused(&canonical, "", &["the transforms", "1 elements"]);
    refused(&canonical, xpath, &["xml-exc-c14n#", "REC-xpath"]);
    refused(&canonical, &format!("{canonical}{xpath}"), &["the transforms", "3 elements"]);
    refused(&canonical, &canonical.replace("n#\"", "n#WithComments\""), &["WithComments"]);
    refused(&enveloped, &enveloped.replace("></", "><ds:XPath/></"), &["text only"]);
    refused(&canonical, &canonical.replace("></", "><ds:XPath/></"), &["InclusiveNamespaces"]);
}

#[test]
fn canonicalisation_other_than_exclusive_is_refused() {
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    refused(
        &format!("<ds:CanonicalizationMethod Algorithm=\"{}\"", algorithm::EXC_C14N),
        &format!("<ds:CanonicalizationMethod Algorithm=\"{inclusive}\""),
        &["xml-exc-c14n#", inclusive],
    );
}

#[test]
fn references_to_anything_but_the_element_around_are_refused() {
    const EXPECTED: &str = "the ID of the element around it";
    refused("URI=\"#o\"", "URI=\"\"", &[EXPECTED]);
    refused("URI=\"#o\"", "", &[EXPECTED, "no URI"]);
    refused("URI=\"#o\"", "URI=\"#x\"", &[EXPECTED, "#x"]);
    refused("URI=\"#o\"", "URI=\"#xpointer(id('o'))\"", &[EXPECTED]);
    refused("URI=\"#o\"", "URI=\"https://evil.example/#o\"", &[EXPECTED]);
}

#[test]
fn a_second_reference_is_refused() {
    let document = good();
    let start = document.find("<ds:Reference").unwrap();
    let end = document.find("</ds:SignedInfo>").unwrap();
    let reference = document[start..end].to_owned();
    refused(&reference, &format!("{reference}{reference}"), &["one Reference", "4 elements"]);
    refused(&reference, "", &["one Reference", "2 elements"]);
}

#[test]
fn values_that_are_not_base64_are_refused() {
    refused("<ds:DigestValue>", "<ds:DigestValue>*", &["DigestValue as canonical base64"]);
    refused("<ds:SignatureValue>", "<ds:SignatureValue>=", &["SignatureValue as canonical base64"]);
}

#[test]
fn anything_else_in_the_signature_is_refused() {
    let object = "<ds:Object/></ds:Signature>";
    refused("</ds:Signature>", object, &["at most a KeyInfo", "4 elements"]);
    refused(
        "<ds:KeyInfo><ds:KeyName>ignored</ds:KeyName></ds:KeyInfo>",
        "<ds:Object/>",
        &["Object"],
    );
    refused("<ds:SignedInfo", "stray<ds:SignedInfo", &["elements only"]);
    refused("<ds:KeyInfo>", "<ds:KeyInfo xmlns:ds='urn:other'>", &["urn:other"]);
}

#[test]
fn an_element_without_a_proper_id_is_refused() {
    let document = good();
    let error = check(&document.replace(" ID='o'", "")).unwrap_err();
    assert_eq!(error, Error::Absent { what: "ID", inside: "the signed element" });
    assert!(matches!(
        check(&document.replace(" ID='o'", " ID='1'")),
        Err(Error::SignatureForm { .. })
    ));
}

/// The pieces of a good document, which an attacker may move about.
struct Pieces {
    document: String,
    signature: String,
    /// The document without its signature.
    bare: String,
}

const EVIL: &str = "<md:SPSSODescriptor x='evil'/>";

impl Pieces {
    fn new() -> Self {
        let document = good();
        let signature = signature_of(&document).to_owned();
        let bare = document.replace(&signature, "");
        Self { document, signature, bare }
    }

    /// The bare document with its ID under another name.
    fn renamed(&self, id_like: &str) -> String {
        self.bare.replace(" ID='o'", &format!(" {id_like}='o'"))
    }

    /// The signature with `what` inside its `tag`, which stands at the end.
    fn signature_with(&self, tag: &str, what: &str) -> String {
        self.signature
            .replace("</ds:Signature>", &format!("<ds:{tag}>{what}</ds:{tag}></ds:Signature>"))
    }
}

fn extensions(what: &str) -> String {
    format!("<md:Extensions>{what}</md:Extensions>")
}

fn group(id: &str, what: &str) -> String {
    format!("<md:EntitiesDescriptor xmlns:md='{MD}' ID='{id}'>{what}</md:EntitiesDescriptor>")
}

/// In none of these shapes may the attacker's root be taken for signed (conformance B-11). Each
/// comes with a part of the error that must refuse it.
fn assert_wrapped_are_refused(shapes: &[(&str, String, &str)]) {
    for (name, shape, part) in shapes {
        assert!(shape.contains("evil"), "{name} attacks nothing");
        let error = check(shape).expect_err(name).to_string();
        assert!(error.contains(part), "{name}: {error}");
    }
}

// What an error says of each way to wrap; signed metadata is refused by the same.
pub(in crate::saml) const OTHER_ID: &str = "a Reference to the ID of the element around it";
pub(in crate::saml) const TWICE: &str = "an ID that one element bears";
pub(in crate::saml) const PARTS: &str = "at most a KeyInfo";
pub(in crate::saml) const FIRST: &str = "the Signature before all other elements";
pub(in crate::saml) const MISSING: &str = "expected a signature, found none";
pub(in crate::saml) const DIGEST: &str = "the digest of the signed element to match";

#[test]
fn an_original_hidden_in_extensions_is_refused() {
    let Pieces { document, signature, bare } = &Pieces::new();
    let with =
        |id: &str, hidden: &str| entity(id, &format!("{signature}{}{EVIL}", extensions(hidden)));
    let renamed = |id_like: &str| Pieces::new().renamed(id_like);
    assert_wrapped_are_refused(&[
        ("own ID", with("e", bare), OTHER_ID),
        ("the same ID", with("o", bare), TWICE),
        ("the same ID, the signature twice", with("o", document), TWICE),
        ("the original under Id", with("o", &renamed("Id")), TWICE),
        ("the original under id", with("o", &renamed("id")), TWICE),
        ("the original under iD", with("o", &renamed("iD")), TWICE),
        ("the original under xml:id", with("o", &renamed("xml:id")), TWICE),
        ("the root under xml:id", with("o", bare).replacen(" ID='o'", " xml:id='o'", 1), "ID"),
        ("the original without ID", with("o", &renamed("x")), DIGEST),
        (
            "the original first",
            entity("o", &format!("{}{signature}{EVIL}", extensions(bare))),
            FIRST,
        ),
        ("the whole original", entity("e", &format!("{}{EVIL}", extensions(document))), MISSING),
    ]);
}

#[test]
fn an_original_hidden_in_the_signature_is_refused() {
    let pieces = Pieces::new();
    let bare = &pieces.bare;
    let with = |id: &str, signature: &str| entity(id, &format!("{signature}{EVIL}"));
    let object = pieces.signature_with("Object", bare);
    let key_info = pieces.signature.replace("<ds:KeyName>ignored</ds:KeyName>", bare);
    let info = pieces.signature.replace("</ds:SignedInfo>", &format!("{bare}</ds:SignedInfo>"));
    let value = pieces.signature.replace("</ds:SignatureV", &format!("{bare}</ds:SignatureV"));
    assert_wrapped_are_refused(&[
        ("in an Object, own ID", with("e", &object), PARTS),
        ("in an Object, the same ID", with("o", &object), TWICE),
        ("in an Object, without ID", with("o", &pieces.signature_with("Object", "x")), PARTS),
        ("in KeyInfo, own ID", with("e", &key_info), OTHER_ID),
        ("in KeyInfo, the same ID", with("o", &key_info), TWICE),
        ("in SignedInfo", with("e", &info), "one Reference"),
        ("in SignatureValue", with("e", &value), OTHER_ID),
    ]);
}

#[test]
fn a_signature_that_was_moved_or_added_to_is_refused() {
    let Pieces { document, signature, bare } = &Pieces::new();
    let evil = entity("e", EVIL);
    let end = "</md:EntityDescriptor>";
    assert_wrapped_are_refused(&[
        ("an unsigned group around it", group("g", &format!("{document}{evil}")), MISSING),
        ("a group that took it", group("g", &format!("{signature}{bare}{evil}")), OTHER_ID),
        (
            "a group that took it with the ID",
            group("o", &format!("{signature}{}{evil}", bare.replace(" ID='o'", ""))),
            DIGEST,
        ),
        ("two of it", entity("o", &format!("{signature}{signature}{EVIL}")), "one Signature"),
        ("behind the evil content", entity("o", &format!("{EVIL}{signature}")), FIRST),
        ("content added at the end", document.replace(end, &format!("{EVIL}{end}")), DIGEST),
        (
            "content added behind it",
            document.replace(signature, &format!("{signature}{EVIL}")),
            DIGEST,
        ),
    ]);
}

#[test]
fn a_digest_part_by_part_is_that_of_the_whole() {
    let sizes = [1, 0, 4095, 1, 4096, 4097, 3, 10_000, 5];
    let whole: String = ('a'..='z').cycle().take(sizes.iter().sum()).collect();
    for algorithm in DigestAlgorithm::ALL {
        let mut digest = Digesting::new(algorithm);
        let mut rest = whole.as_str();
        for size in sizes {
            let (part, after) = rest.split_at(size);
            digest.take(part);
            rest = after;
        }
        assert_eq!(digest.finish().as_ref(), algorithm.of(whole.as_bytes()).as_ref());
    }
}
