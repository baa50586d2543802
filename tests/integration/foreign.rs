//! What we sign, judged by others: xmlsec1 (libxml2, OpenSSL), signxml (lxml, Python) and two other
//! canonicalisers (lxml's, bergshamra's); and what others signed, judged by us (conformance C-54,
//! The reference messages are those of `tests/vectors`.

use std::path::PathBuf;
use std::sync::LazyLock;

use bergshamra::c14n::{C14nMode, canonicalize};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use skybridge::saml::allowed::{Declared, DigestAlgorithm, SignatureAlgorithm};
use skybridge::saml::authn_request::ReplyTo;
use skybridge::saml::names::{ns, status};
use skybridge::saml::response::{Attribute, Signed, Signing, Status};
use skybridge::saml::signature::sign::PrefixList;
use skybridge::saml::verified::Unsigned;
use skybridge::saml::xml::{Element, Limits, is_xml_char, parse};
use skybridge::saml::{EntityId, Error, MessageId, SigningKey, VerifyingKey, redirect};

use crate::support::answer::{Answer, attribute};
use crate::support::schema::{self, Schema};
use crate::support::signxml::{self, Asked, Judged};
use crate::support::xmlsec;

/// A key with its certificate, as ours and as the others take it.
struct Keys {
    signing: SigningKey,
    pem: String,
    file: tempfile::NamedTempFile,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::of(&rcgen::PKCS_RSA_SHA256));
static EC_KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::of(&rcgen::PKCS_ECDSA_P256_SHA256));

impl Keys {
    fn of(kind: &'static rcgen::SignatureAlgorithm) -> Self {
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        let signing = SigningKey::new(&pair.serialize_der(), certificate.der()).unwrap();
        Self { signing, pem: certificate.pem(), file }
    }
}

/// A way of signing that a profile can ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    what: Signed,
    prefixes: &'static [&'static str],
}

const SHAPES: [Shape; 6] = [
    Shape { what: Signed::Assertion, prefixes: &["xsd"] },
    Shape { what: Signed::Response, prefixes: &["xsd"] },
    Shape { what: Signed::Both, prefixes: &["xsd"] },
    Shape { what: Signed::Assertion, prefixes: &[] },
    Shape { what: Signed::Response, prefixes: &[] },
    Shape { what: Signed::Both, prefixes: &[] },
];

impl Shape {
    fn signing(self) -> Signing {
        let prefixes = PrefixList::new(self.prefixes.iter().copied()).unwrap();
        Signing { what: self.what, prefixes, declared: Declared::default() }
    }

    /// The local names of what carries a signature, the innermost first.
    fn signed(self) -> &'static [&'static str] {
        match self.what {
            Signed::Assertion => &["Assertion"],
            Signed::Response => &["Response"],
            Signed::Both => &["Assertion", "Response"],
        }
    }

    fn asked(self, text: String) -> Asked {
        Asked { text, signed: self.signed(), prefixes: self.prefixes }
    }
}

/// What xmlsec1 says to the signatures of documents that were asked of signxml in the same way.
fn xmlsec(keys: &Keys, documents: &[Asked]) -> Result<(), String> {
    let texts: Vec<_> = documents.iter().map(|asked| asked.text.as_str()).collect();
    for local in documents[0].signed {
        let namespace = if *local == "Response" { ns::PROTOCOL } else { ns::ASSERTION };
        xmlsec::verify(&texts, keys.file.path(), &format!("{namespace}:{local}"))?;
    }
    Ok(())
}

/// Panics unless everybody accepts `documents`, which are all of one shape; gives signxml's words.
fn assert_accepted(keys: &Keys, documents: &[Asked]) -> Vec<Judged> {
    if let Err(report) = xmlsec(keys, documents) {
        panic!("xmlsec1 refuses one of {documents:?}: {report}");
    }
    let judged = signxml::judge(&keys.pem, documents);
    for (asked, judged) in documents.iter().zip(&judged) {
        let text = &asked.text;
        assert_eq!(judged.error, None, "signxml refuses {text}");
        for local in asked.signed {
            let written = without_signature(text, local);
            assert_eq!(written, judged.canonical[*local], "lxml's canonical form of {text}");
            let form = canonicalize(&written, C14nMode::Exclusive, None, asked.prefixes).unwrap();
            assert_eq!(written.as_bytes(), form, "bergshamra's canonical form of {text}");
        }
    }
    judged
}

/// The element `local` exactly as it was written, without the signature that is its child.
fn without_signature(text: &str, local: &str) -> String {
    let prefix = if local == "Response" { "saml2p" } else { "saml2" };
    let end_tag = format!("</{prefix}:{local}>");
    let start = text.find(&format!("<{prefix}:{local} ")).unwrap();
    let end = text.rfind(&end_tag).unwrap() + end_tag.len();
    let element = &text[start..end];
    // Its own signature follows its Issuer, and so comes before any other.
    let start = element.find("<ds:Signature ").unwrap();
    let end = start + element[start..].find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    assert!(element[..start].ends_with("</saml2:Issuer>"), "{text}");
    [&element[..start], &element[end..]].concat()
}

/// Texts that break writers that do not escape, canonicalisers that normalise, and parsers that
/// guess.
const HOSTILE: [&str; 12] = [
    "\"/><saml2:Attribute Name='role'>",
    "</saml2:AttributeValue><saml2:AttributeValue>admin",
    "<!-- comment --><![CDATA[x]]>]]>&amp;&#60;",
    " leading, trailing and\tinner \r\n white\rspace\n ",
    "\u{85}\u{2028}\u{2029}\u{A0}\u{FEFF}\u{200B}",
    "张伟 👩‍👩‍👧‍👦 e\u{301} \u{E9} \u{202E}evil\u{202C}",
    "\u{10000}\u{10FFFF}\u{E000}\u{FFFD}\u{D7FF}",
    "%3C&lt;&#x0;\\u0000",
    "' or '1'='1",
    "xmlns:saml2=\"urn:evil\"",
    "",
    "<",
];

fn hostile() -> Answer {
    let mut answer = Answer::of_the_contract();
    answer.attributes = HOSTILE.iter().map(|text| attribute(text, text)).collect();
    // xs:anyURI takes nearly everything; a name is compared, never read.
    answer.attributes.iter_mut().for_each(|a| a.name = format!("urn:{}", a.values[0].len()));
    answer.attributes.push(Attribute { name: "urn:none".to_owned(), ..attribute("none", "") });
    HOSTILE[0].clone_into(&mut answer.name_id);
    answer.issuer = EntityId::parse("https://idp.example/?a=1&b='2'\"<é>").unwrap();
    answer
}

#[test]
fn every_shape_that_we_sign_is_accepted_and_canonical() {
    for shape in SHAPES {
        for answer in [Answer::of_the_contract(), hostile()] {
            let text = answer.sign(&KEYS.signing, &shape.signing()).unwrap();
            let judged = assert_accepted(&KEYS, &[shape.asked(text.clone())]);
            schema::assert_valid(Schema::Protocol, &text);
            let values: Vec<_> = answer.attributes.iter().flat_map(|a| a.values.clone()).collect();
            assert_eq!(judged[0].values, values);
            assert_eq!(judged[0].name_id.as_ref(), Some(&answer.name_id));
            assert_eq!(judged[0].issuer, answer.issuer.as_str());
        }
    }
}

#[test]
fn every_shape_is_accepted_with_an_ec_key_and_with_what_the_peer_declares() {
    use DigestAlgorithm as D;
    use SignatureAlgorithm as S;
    for (keys, signatures, digests) in [
        (&EC_KEYS, vec![], vec![]),
        (&EC_KEYS, vec![S::EcdsaSha256], vec![D::Sha384]),
        (&KEYS, vec![S::EcdsaSha256, S::RsaSha384], vec![D::Sha512]),
        (&KEYS, vec![S::RsaSha512], vec![]),
    ] {
        for shape in [SHAPES[2], SHAPES[5]] {
            let declared = Declared { signatures: signatures.clone(), digests: digests.clone() };
            let signing = Signing { declared, ..shape.signing() };
            let text = Answer::of_the_contract().sign(&keys.signing, &signing).unwrap();
            assert_accepted(keys, &[shape.asked(text.clone())]);
            let expected = keys.signing.algorithm_for(&signatures);
            assert!(text.contains(expected.uri()), "{text}");
            assert!(text.contains(digests.first().unwrap_or(&D::Sha256).uri()), "{text}");
            let changed = shape.asked(text.replace(">cust-0001<", ">cust-0002<"));
            assert!(xmlsec(keys, std::slice::from_ref(&changed)).is_err());
            assert!(signxml::judge(&keys.pem, &[changed])[0].error.is_some());
        }
    }
}

#[test]
fn an_answer_without_assertion_is_accepted_and_canonical() {
    let refused =
        Status { code: status::RESPONDER, detail: Some(status::NO_PASSIVE), message: Some("<&>") };
    for prefixes in [&["xsd"] as &[_], &[]] {
        let shape = Shape { what: Signed::Response, prefixes };
        let text = Answer::of_the_contract();
        let text = text.decline(refused, &KEYS.signing, &shape.signing()).unwrap();
        assert_accepted(&KEYS, &[shape.asked(text.clone())]);
        schema::assert_valid(Schema::Protocol, &text);
    }
}

#[test]
fn a_tampered_answer_is_refused_by_everybody() {
    for shape in SHAPES {
        let text = Answer::of_the_contract().sign(&KEYS.signing, &shape.signing()).unwrap();
        let mut changes = vec![
            (">cust-0001<", ">cust-0002<"),
            ("NotOnOrAfter=\"2026-01-02T03:09", "NotOnOrAfter=\"2026-01-02T04:09"),
            ("<saml2:AttributeStatement>", "<saml2:AttributeStatement> "),
            ("<ds:DigestValue>", "<ds:DigestValue>A"),
            ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
            ("<saml2:AttributeValue", "<saml2:AttributeValue a=\"b\""),
        ];
        if shape.what != Signed::Assertion {
            changes.push(("Destination=\"https://auth", "Destination=\"https://evil"));
            changes.push(("status:Success", "status:Responder"));
        }
        let tampered = changes.iter().map(|(from, to)| {
            assert!(text.contains(from), "{from}");
            shape.asked(text.replacen(from, to, 1))
        });
        let tampered: Vec<_> = tampered.collect();
        for (asked, judged) in tampered.iter().zip(signxml::judge(&KEYS.pem, &tampered)) {
            assert!(judged.error.is_some(), "signxml accepts {}", asked.text);
            let report = xmlsec(&KEYS, std::slice::from_ref(asked)).expect_err(&asked.text);
            assert!(!report.contains("does not start"), "{report}");
        }
    }
}

/// Answers of any Unicode in every place that somebody else fills.
fn answers() -> impl Strategy<Value = (Answer, Shape)> {
    let hostile = proptest::sample::select(vec![
        '<',
        '>',
        '&',
        '"',
        '\'',
        '\r',
        '\n',
        '\t',
        ' ',
        ']',
        ';',
        '#',
        '\u{85}',
        '\u{2028}',
        '\u{FEFF}',
        '\u{301}',
        '\u{10FFFF}',
    ]);
    let character = prop_oneof![any::<char>().prop_filter("XML", |c| is_xml_char(*c)), hostile];
    let text = proptest::collection::vec(character, 0..40).prop_map(String::from_iter);
    let texts = proptest::collection::vec(text.clone(), 6);
    let issuer = text.prop_map(|text| {
        let kept = text.chars().filter(|c| !c.is_whitespace() && !c.is_control());
        format!("urn:x:{}", kept.collect::<String>())
    });
    let id = "[A-Za-z_\u{C0}-\u{D6}\u{3041}-\u{3096}][A-Za-z0-9._\u{B7}\u{3041}-\u{3096}-]{0,60}";
    let shape = proptest::sample::select(SHAPES.to_vec());
    (texts, issuer, id, shape).prop_map(|(texts, issuer, id, shape)| {
        let mut answer = Answer::of_the_contract();
        for (attribute, text) in answer.attributes.iter_mut().zip(&texts) {
            attribute.values = vec![text.clone()];
        }
        answer.name_id.clone_from(&texts[0]);
        answer.issuer = EntityId::parse(&issuer).unwrap();
        answer.request_id = MessageId::parse(&id).unwrap();
        (answer, shape)
    })
}

/// How many random inputs: a sample, or with `SKYBRIDGE_FULL` many.
fn cases() -> usize {
    if std::env::var_os("SKYBRIDGE_FULL").is_some() { 5_000 } else { 200 }
}

// C-54, as others see it; saml::response has the same property as we see it.
#[test]
fn any_unicode_stays_inside_its_value_in_the_eyes_of_others() {
    let mut runner = TestRunner::deterministic();
    let strategy = answers();
    let drawn = (0..cases()).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let drawn: Vec<_> = drawn.collect();
    for shape in SHAPES {
        let of_shape = |drawn: &&(Answer, Shape)| drawn.1 == shape;
        let answers: Vec<_> = drawn.iter().filter(of_shape).map(|(answer, _)| answer).collect();
        assert!(answers.len() > cases() / 12, "the shapes are not drawn evenly");
        for answers in answers.chunks(100) {
            check(shape, answers);
        }
    }
}

fn check(shape: Shape, answers: &[&Answer]) {
    let sign = |answer: &&Answer| answer.sign(&KEYS.signing, &shape.signing()).unwrap();
    let asked: Vec<_> = answers.iter().map(|answer| shape.asked(sign(answer))).collect();
    for ((answer, asked), judged) in answers.iter().zip(&asked).zip(assert_accepted(&KEYS, &asked))
    {
        let values: Vec<_> = answer.attributes.iter().map(|a| a.values[0].clone()).collect();
        assert_eq!(judged.values, values, "{}", asked.text);
        assert_eq!(judged.issuer, answer.issuer.as_str());
        assert_eq!(judged.request.as_deref(), Some(answer.request_id.as_str()));
        // lxml has no text for an empty element.
        assert_eq!(judged.name_id.unwrap_or_default(), answer.name_id);
        // 31 elements of the answer itself, 14 of each signature, and the prefix list.
        let signature = 14 + usize::from(!shape.prefixes.is_empty());
        let count = parse(asked.text.as_bytes(), Limits::MESSAGE).unwrap().all().count();
        assert_eq!(count, 31 + signature * shape.signed().len(), "{}", asked.text);
    }
}

/// Name, namespace and attribute names of every element in order, indented by depth. Comments,
/// white space and values do not count.
fn shape_of(document: &str) -> Vec<String> {
    fn visit(element: Element<'_>, depth: usize, lines: &mut Vec<String>) {
        let mut attributes: Vec<_> = element.attributes().map(|a| a.local.to_owned()).collect();
        attributes.sort_unstable();
        let indent = "  ".repeat(depth);
        let name = element.local();
        lines.push(format!("{indent}{name} {:?} {attributes:?}", element.namespace()));
        element.children().for_each(|child| visit(child, depth + 1, lines));
    }
    let mut lines = Vec::new();
    visit(parse(document.as_bytes(), Limits::MESSAGE).unwrap().root(), 0, &mut lines);
    lines
}

fn vector(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A document of the cloud's that may not be copied into this repository. On a machine that is to
/// decide whether a change lands it has to be there.
fn third_party(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{} is not there", path.display());
        println!("not run: {name} belongs to the cloud and is not part of this repository");
    }
    text
}

fn of_the_contract() -> String {
    Answer::of_the_contract().sign(&KEYS.signing, &SHAPES[0].signing()).unwrap()
}

#[test]
fn our_answer_has_the_shape_of_the_reference() {
    assert_eq!(shape_of(&of_the_contract()), shape_of(&vector("response.signed.xml")));
}

#[test]
fn our_answer_has_the_shape_of_the_clouds_own_sample() {
    if let Some(sample) = third_party("samlresponse-huawei-sample.xml") {
        assert_eq!(shape_of(&of_the_contract()), shape_of(&sample));
    }
}

#[test]
fn the_clouds_own_sample_request_is_read() {
    let (Some(encoded), Some(decoded)) =
        (third_party("samlrequest_sample.urlenc"), third_party("samlrequest_sample.xml"))
    else {
        return;
    };
    let query = format!("SAMLRequest={}", encoded.trim());
    let received = redirect::authn_request(&query).unwrap().verify(&[], Unsigned::Accept).unwrap();
    let request = received.into_inner().message;
    let sample = parse(decoded.trim().as_bytes(), Limits::MESSAGE).unwrap();
    let says = |name| sample.root().attribute(name).unwrap().to_owned();
    assert_eq!(request.id.as_str(), says("ID"));
    assert_eq!(request.issuer.as_str(), "https://auth.huaweicloud.com/");
    assert_eq!(request.destination.as_deref(), Some(says("Destination").as_str()));
    let url = says("AssertionConsumerServiceURL");
    assert!(matches!(request.reply_to, ReplyTo::Url { url: found, .. } if found == url));
}

/// The query of the reference request, and the key that verifies it.
fn reference_request() -> (String, VerifyingKey) {
    let url = vector("redirect.url");
    let (_, query) = url.trim().split_once('?').unwrap();
    let certificate = vector("sp.crt");
    let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).unwrap();
    (query.to_owned(), VerifyingKey::from_certificate(&pem.contents).unwrap())
}

fn verify(query: &str, key: &VerifyingKey) -> Result<Option<String>, Error> {
    let received = redirect::authn_request(query)?;
    let verified = received.verify(std::slice::from_ref(key), Unsigned::Refuse)?;
    Ok(verified.into_inner().relay_state.map(String::from))
}

#[test]
fn the_reference_request_verifies_in_any_order_of_its_parameters() {
    let (query, key) = reference_request();
    let relay_state = Some("https://console.sim.invalid/iam/?a=1&b=2".to_owned());
    assert_eq!(verify(&query, &key), Ok(relay_state.clone()));
    let mut parameters: Vec<_> = query.split('&').collect();
    for _ in 0..parameters.len() {
        parameters.rotate_left(1);
        assert_eq!(verify(&parameters.join("&"), &key), Ok(relay_state.clone()));
    }
    parameters.reverse();
    assert_eq!(verify(&parameters.join("&"), &key), Ok(relay_state));
}

#[test]
fn the_reference_request_with_any_octet_changed_is_refused() {
    let (query, key) = reference_request();
    let step = if std::env::var_os("SKYBRIDGE_FULL").is_some() { 1 } else { 3 };
    let mut changed = 0;
    for at in (0..query.len()).step_by(step) {
        for bit in [0x01, 0x02, 0x20] {
            let mut octets = query.clone().into_bytes();
            octets[at] ^= bit;
            let Ok(flipped) = String::from_utf8(octets) else { continue };
            // Another spelling of a digit of Signature's own escapes means the same octets.
            if flipped.to_lowercase() == query.to_lowercase()
                && at > query.find("&Signature").unwrap()
            {
                continue;
            }
            assert!(verify(&flipped, &key).is_err(), "octet {at} with bit {bit:#x}: {flipped}");
            changed += 1;
        }
    }
    assert!(changed > query.len() / step * 2, "only {changed} changes");
}

#[test]
fn the_reference_request_is_refused_when_it_is_encoded_again() {
    let (query, key) = reference_request();
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    for (from, to) in [("%3A", "%3a"), ("%2F", "%2f"), ("%2B", "%2b"), ("%3D", "%3d")] {
        let encoded = signed.replace(from, to);
        assert_ne!(encoded, signed, "{from} is not in the request");
        let result = verify(&format!("{encoded}&Signature={signature}"), &key);
        assert!(result.is_err(), "{from} as {to}");
    }
    // The signature itself is not signed: how it is spelt does not matter.
    let spelt = signature.replace("%2F", "%2f");
    assert!(verify(&format!("{signed}&Signature={spelt}"), &key).is_ok());
}
