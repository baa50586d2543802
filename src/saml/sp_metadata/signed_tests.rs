//! Tests of metadata that is believed by its signature: wrapped in every arrangement it is refused,
//! and what verifies is what is read (conformance A-098, C-31).

use std::sync::LazyLock;

use time::macros::datetime;

use super::*;
use crate::saml::signature::verify::tests::{
    DIGEST, FIRST, HERE, MISSING, OTHER_ID, PARTS, TWICE, sign,
};
use crate::saml::tests::keys;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
const GOOD: &str = "https://sp.example";
const EVIL: &str = "https://evil.example";

/// A role with its endpoint at `at`.
fn role(at: &str) -> String {
    format!(
        "<md:SPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
         <md:NameIDFormat>urn:format</md:NameIDFormat>\
         <md:AssertionConsumerService index='0' Location='{at}/acs' \
         Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'/></md:SPSSODescriptor>"
    )
}

fn entity_of(name: &str, id: &str, inside: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' ID='{id}' \
         entityID='{name}'>{inside}</md:EntityDescriptor>"
    )
}

/// A descriptor of the good service provider, whose endpoint is at `at`.
fn entity(id: &str, before: &str, at: &str) -> String {
    entity_of(GOOD, id, &format!("{before}{}", role(at)))
}

/// A descriptor that sends the good service provider's answers elsewhere.
fn evil(id: &str, before: &str) -> String {
    entity(id, before, EVIL)
}

fn group(id: &str, inside: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' ID='{id}'>\
         {inside}</md:EntitiesDescriptor>"
    )
}

fn extensions(inside: &str) -> String {
    format!("<md:Extensions>{inside}</md:Extensions>")
}

/// A signed document, and its pieces for whoever wants to arrange them otherwise.
struct Original {
    document: String,
    signature: String,
    /// The document without its signature.
    bare: String,
}

impl Original {
    /// What is in `template`, with the ID `o` and [`HERE`] for the signature.
    fn of(template: &str) -> Self {
        let document = sign(template, "o", "", &keys(1).0);
        let end = "</ds:Signature>";
        let start = document.find("<ds:Signature").unwrap();
        let signature = document[start..document.find(end).unwrap() + end.len()].to_owned();
        let bare = document.replace(&signature, "");
        Self { document, signature, bare }
    }

    fn entity() -> Self {
        Self::of(&entity("o", HERE, GOOD))
    }

    fn group() -> Self {
        Self::of(&group("o", &format!("{HERE}{}", entity("i", "", GOOD))))
    }

    /// The signature with `what` in an element `tag` at its end.
    fn signature_with(&self, tag: &str, what: &str) -> String {
        let end = format!("<ds:{tag}>{what}</ds:{tag}></ds:Signature>");
        self.signature.replace("</ds:Signature>", &end)
    }

    /// The bare document under another name for its ID.
    fn renamed(&self, id_like: &str) -> String {
        self.bare.replacen(" ID='o'", &format!(" {id_like}='o'"), 1)
    }
}

/// What is read of the good service provider, with and without its name.
fn outcomes(document: &str) -> [Result<ServiceProvider, Error>; 2] {
    static TRUST: LazyLock<[VerifyingKey; 2]> = LazyLock::new(|| [keys(2).1, keys(1).1]);
    let wanted = EntityId::parse(GOOD).unwrap();
    let read = |wanted| read(document.as_bytes(), wanted, Trust::Signature(&*TRUST), NOW);
    [read(None), read(Some(&wanted))]
}

/// Each shape must be refused, with an error that has this part.
fn assert_refused(shapes: &[(&str, String, &str)]) {
    for (name, shape, part) in shapes {
        assert!(shape.contains(EVIL), "{name} attacks nothing");
        for outcome in outcomes(shape) {
            let error = outcome.expect_err(name).to_string();
            assert!(error.contains(part), "{name}: {error}");
        }
    }
}

const SEVERAL: &str = "one EntityDescriptor";

#[test]
fn signed_metadata_is_read() {
    for original in [Original::entity(), Original::group()] {
        for outcome in outcomes(&original.document) {
            assert_eq!(outcome.unwrap().acs[0].location.as_str(), "https://sp.example/acs");
        }
    }
}

// XSW 1 to 8 of Somorovsky and others, "On Breaking SAML" (2012), as far as they differ where the
// signed element is the document itself.
#[test]
fn a_wrapped_descriptor_is_refused_in_every_arrangement() {
    let original = Original::entity();
    let Original { document, signature, bare } = &original;
    let key_info = signature.replace("<ds:KeyName>ignored</ds:KeyName>", bare);
    let hidden = |id: &str, what: &str| evil(id, &format!("{signature}{}", extensions(what)));
    let behind =
        |id: &str, what: &str| entity_of(GOOD, id, &format!("{signature}{}{what}", role(EVIL)));
    assert_refused(&[
        (
            "1: in an Object of the signature",
            evil("e", &original.signature_with("Object", bare)),
            PARTS,
        ),
        ("1, with the same ID", evil("o", &original.signature_with("Object", bare)), TWICE),
        (
            "2: the signature before both",
            group("g", &format!("{signature}{bare}{}", evil("e", ""))),
            OTHER_ID,
        ),
        (
            "3: the forged one first, both in a group",
            group("g", &format!("{}{document}", evil("e", ""))),
            MISSING,
        ),
        ("3, the forged one last", group("g", &format!("{document}{}", evil("e", ""))), MISSING),
        ("4: inside the forged one", evil("e", document), MISSING),
        ("4, with the same ID", evil("o", document), MISSING),
        ("5: behind the forged content", behind("e", bare), OTHER_ID),
        ("5, with the same ID", behind("o", bare), TWICE),
        ("5, signed itself", behind("o", document), TWICE),
        ("6: inside KeyInfo", evil("e", &key_info), OTHER_ID),
        ("6, with the same ID", evil("o", &key_info), TWICE),
        ("7: in Extensions", hidden("e", bare), OTHER_ID),
        ("7, with the same ID", hidden("o", bare), TWICE),
        ("7, signed itself", evil("e", &extensions(document)), MISSING),
        ("7, the ID under Id", hidden("o", &original.renamed("Id")), TWICE),
        ("7, the ID under xml:id", hidden("o", &original.renamed("xml:id")), TWICE),
        ("7, without an ID", hidden("o", &original.renamed("x")), DIGEST),
        (
            "8: the signed one in an Object",
            evil("e", &original.signature_with("Object", document)),
            PARTS,
        ),
        ("the signature alone", evil("o", signature), DIGEST),
        ("the signature alone, another ID", evil("e", signature), OTHER_ID),
        ("the signature twice", evil("o", &signature.repeat(2)), "one Signature"),
        ("the signature in Extensions", evil("o", &extensions(signature)), MISSING),
        (
            "the signature behind the content",
            entity_of(GOOD, "o", &format!("{}{signature}", role(EVIL))),
            FIRST,
        ),
        (
            "the signature on the role",
            evil("e", "").replacen(
                "<md:NameIDFormat>",
                &format!("{signature}<md:NameIDFormat>"),
                1,
            ),
            MISSING,
        ),
        ("no signature", evil("o", ""), MISSING),
    ]);
}

#[test]
fn a_wrapped_group_is_refused_in_every_arrangement() {
    let original = Original::group();
    let Original { document, signature, bare } = &original;
    let forged = evil("e", "");
    let end = "</md:EntitiesDescriptor>";
    assert_refused(&[
        ("a descriptor added at the end", document.replace(end, &format!("{forged}{end}")), DIGEST),
        (
            "a descriptor added first",
            document.replacen(signature, &format!("{signature}{forged}"), 1),
            DIGEST,
        ),
        (
            "a descriptor before the signature",
            document.replacen(signature, &format!("{forged}{signature}"), 1),
            FIRST,
        ),
        ("a descriptor in place of its own", group("o", &format!("{signature}{forged}")), DIGEST),
        ("a group around it", group("g", &format!("{document}{forged}")), MISSING),
        (
            "a group around it, the forged one first",
            group("g", &format!("{forged}{document}")),
            MISSING,
        ),
        (
            "a group that took the signature",
            group("g", &format!("{signature}{bare}{forged}")),
            OTHER_ID,
        ),
        (
            "a group that took signature and ID",
            group("o", &format!("{signature}{}{forged}", original.renamed("x"))),
            DIGEST,
        ),
        ("a group of the same ID", group("o", &format!("{signature}{bare}{forged}")), TWICE),
        (
            "in an Object",
            group("g", &format!("{}{forged}", original.signature_with("Object", bare))),
            PARTS,
        ),
        (
            "in Extensions",
            group("g", &format!("{signature}{}{forged}", extensions(bare))),
            OTHER_ID,
        ),
        (
            "in Extensions, signed itself",
            group("g", &format!("{}{forged}", extensions(document))),
            MISSING,
        ),
        ("a descriptor around it", evil("e", document), MISSING),
        (
            "a descriptor that took it",
            evil("o", &format!("{signature}{}", extensions(&original.renamed("x")))),
            DIGEST,
        ),
    ]);
}

/// A signature inside a group proves nothing about the group, and none around a descriptor is taken
/// for one of it: the operator pinned the key of the document.
#[test]
fn the_signature_of_one_descriptor_does_not_stand_for_its_group() {
    let signed = Original::entity().document;
    for outside in [group("g", &signed), group("g", &group("h", &signed))] {
        for outcome in outcomes(&outside) {
            assert_eq!(outcome.unwrap_err(), Error::SignatureMissing);
        }
    }
    // A whole that is signed may hold signed parts, which count for nothing more or less.
    let twice = format!("{HERE}{}", signed.replace("'o'", "'i'").replace("#o", "#i"));
    let whole = sign(&group("o", &twice), "o", "", &keys(1).0);
    assert!(outcomes(&whole).into_iter().all(|outcome| outcome.is_ok()));
}

#[test]
fn what_is_ambiguous_is_refused_though_it_is_signed() {
    let two = format!("{HERE}{}{}", entity("i", "", GOOD), evil("j", ""));
    let same_name = Original::of(&group("o", &two)).document;
    let same_id = Original::of(&entity("o", HERE, EVIL).replace("index='0'", "index='0' ID='x'"));
    let same_id = same_id.document.replace("ID='x'", "ID='o'");
    assert_refused(&[("one ID for two", same_id, TWICE)]);
    let [alone, named] = outcomes(&same_name);
    assert!(alone.unwrap_err().to_string().contains("one service provider"));
    assert!(named.unwrap_err().to_string().contains(SEVERAL));
}

/// Canonicalisation makes comments, CDATA and references one with plain text; so does reading.
#[test]
fn comments_cdata_and_references_change_neither_signature_nor_value() {
    for original in [Original::entity(), Original::group()] {
        let document = &original.document;
        let [plain, _] = outcomes(document).map(|outcome| format!("{:?}", outcome.unwrap()));
        for (from, to) in [
            (">urn:format<", ">urn:<!-- -->format<"),
            (">urn:format<", "><!-- x -->urn:format<!-- y --><"),
            (">urn:format<", "><![CDATA[urn:]]>format<"),
            (">urn:format<", ">urn:<![CDATA[]]>form&#97;t<"),
            ("entityID='https://sp.example'", "entityID='&#104;ttps://sp.example'"),
            ("entityID='https://sp.example'", "\n  entityID\t=\r\n\"https://sp.example\""),
        ] {
            let odd = document.replacen(from, to, 1);
            assert_ne!(&odd, document, "{from}");
            for outcome in outcomes(&odd) {
                assert_eq!(format!("{:?}", outcome.expect(to)), plain, "{to}");
            }
        }
        // What would cut a value in two is another value, and not what was signed.
        for (from, to, part) in [
            (">urn:format<", ">urn:for<!-- -->mat.evil<", DIGEST),
            (">urn:format<", "><![CDATA[<urn:format>]]><", DIGEST),
            (">urn:format<", ">urn:<x/>format<", DIGEST),
            ("'https://sp.example'", "'https://sp.example<!-- -->'", "well-formed"),
            ("'https://sp.example'", "'<![CDATA[https://sp.example]]>'", "well-formed"),
            ("'https://sp.example'", "'https://sp.example&#10;'", DIGEST),
        ] {
            for outcome in outcomes(&document.replacen(from, to, 1)) {
                let error = outcome.expect_err(to).to_string();
                assert!(error.contains(part), "{to}: {error}");
            }
        }
    }
}

/// No single octet can be exchanged so that something else is read.
#[test]
fn whatever_octet_is_changed_nothing_else_is_read() {
    for original in [Original::entity(), Original::group()] {
        let [plain, _] = outcomes(&original.document).map(|found| format!("{:?}", found.unwrap()));
        let mut harmless = 0;
        for at in 0..original.document.len() {
            let mut octets = original.document.clone().into_bytes();
            octets[at] = if octets[at] == b'b' { b'c' } else { b'b' };
            let Ok(document) = String::from_utf8(octets) else { continue };
            for found in outcomes(&document).into_iter().flatten() {
                assert_eq!(format!("{found:?}"), plain, "octet {at}: {document}");
                harmless += 1;
            }
        }
        // The unsigned KeyInfo is nobody's business; all else is signed.
        let free = "<ds:KeyName>ignored</ds:KeyName>".len();
        assert!(harmless > 0 && harmless <= 2 * free, "{harmless}");
    }
}
