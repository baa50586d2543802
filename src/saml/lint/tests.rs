//! Tests of the linter: each fault has a document with it and nothing else in
//! `tests/corpus/metadata-lint/`, and the linter agrees with the reader about every document.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;
use crate::saml::sp_metadata::End;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/metadata-lint")
}

fn document(name: &str) -> Vec<u8> {
    std::fs::read(corpus().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The document with this fault.
fn with(fault: &Fault) -> Vec<u8> {
    // One of two megabytes is not worth keeping.
    if fault.number == 1 {
        return [document("clean-small.xml"), vec![b' '; limits::METADATA_BYTES]].concat();
    }
    document(&format!("{fault}.xml"))
}

fn plain() -> Question<'static> {
    Question { wanted: None, now: NOW, lifetime: Lifetime::default() }
}

/// How the document with this fault is looked at.
fn question<'a>(fault: &Fault, wanted: &'a EntityId) -> Question<'a> {
    let days = |days: u64| Some(std::time::Duration::from_hours(24 * days));
    match fault.number {
        25 | 26 => Question { wanted: Some(wanted), ..plain() },
        44 => Question { lifetime: Lifetime { longest: days(30), end: End::Optional }, ..plain() },
        45 => Question { lifetime: Lifetime { longest: None, end: End::Required }, ..plain() },
        _ => plain(),
    }
}

fn codes(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| finding.fault.to_string()).collect()
}

fn has_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.fault.severity == Severity::Error)
}

fn reads(octets: &[u8], question: &Question<'_>) -> Result<(), crate::saml::Error> {
    sp_metadata::read(octets, question.wanted, Trust::Origin, question.now)?
        .lives_within(question.lifetime, question.now)
}

#[test]
fn every_fault_has_a_document_that_has_it_and_no_other() {
    let wanted = EntityId::parse("https://wanted.example/saml/metadata").unwrap();
    let known: Vec<_> = catalogue().into_iter().filter(|fault| *fault != UNNAMED).collect();
    assert!(known.len() >= 60);
    let mut wrong = Vec::new();
    for fault in known {
        let octets = with(fault);
        let question = question(fault, &wanted);
        let findings = lint(&octets, &question);
        let is_error = fault.severity == Severity::Error;
        let refused = reads(&octets, &question).is_err();
        if codes(&findings) != [fault.to_string()] || refused != is_error {
            let what: Vec<_> = findings.iter().map(|finding| &finding.what).collect();
            wrong.push(format!("{fault}: {:?}, refused: {refused}, {what:?}", codes(&findings)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_document_like_those_of_the_real_world_has_no_fault() {
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("clean-") {
            let findings = lint(&document(&name), &plain());
            assert_eq!(findings, [], "{name}");
            seen += 1;
        } else {
            let named = |fault: &&Fault| format!("{fault}.xml") == name;
            assert!(catalogue().into_iter().any(|fault| named(&fault)), "{name}: whose?");
        }
    }
    assert!(seen >= 5);
}

#[test]
fn numbers_are_given_once_and_every_fault_says_what_to_do() {
    let numbers: Vec<_> = catalogue().iter().map(|fault| fault.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    for fault in catalogue() {
        for text in [fault.meaning, fault.consequence, fault.fix] {
            assert!(text.ends_with(['.', '?']) && !text.contains("  "), "{fault}: {text}");
        }
    }
}

#[test]
fn all_faults_are_told_at_once_each_with_its_line() {
    let text = String::from_utf8(document("clean-small.xml")).unwrap();
    let text = text
        .replace("entityID=\"https", "entityID=\" https")
        .replace("use=\"signing\"", "use=\"both\"")
        .replace("https://sp.example/saml/acs", "http://sp.example/saml/acs")
        .replace(" index=\"0\"", "");
    let findings = lint(text.as_bytes(), &plain());
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let found: Vec<_> =
        findings.iter().map(|finding| (finding.fault.number, finding.line)).collect();
    let acs = line("<md:AssertionConsumerService");
    let expected = [(33, 2), (53, line("<md:KeyDescriptor")), (76, acs), (86, acs)];
    assert_eq!(found, expected, "{findings:#?}");
}

#[test]
fn a_flood_of_faults_is_cut_and_keeps_its_errors() {
    let text = String::from_utf8(document("clean-small.xml")).unwrap();
    let end = text.find("  </md:SPSSODescriptor>").unwrap();
    let flood = "<md:NameIDFormat>x</md:NameIDFormat>".repeat(20_000);
    let bad = "<md:SingleLogoutService Location='https://sp.example/out'/>";
    let text = format!("{}{flood}{bad}{}", &text[..end], &text[end..]);
    let findings = lint(text.as_bytes(), &plain());
    assert!(findings.len() <= 2 * limits::FINDINGS);
    assert!(has_error(&findings));
}

#[test]
fn the_largest_documents_are_looked_at_in_bounded_time() {
    let text = String::from_utf8(document("clean-small.xml")).unwrap();
    let end = text.find("  </md:SPSSODescriptor>").unwrap();
    let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    let formats = |n: usize| format!("<md:NameIDFormat>{n}</md:NameIDFormat>");
    let consumers = |n: usize| {
        format!(
            "<md:AssertionConsumerService index='{n}' Binding='{binding}' \
             Location='https://a/{n}'/>"
        )
    };
    let floods: [Vec<_>; 2] =
        [(0..48_000).map(formats).collect(), (1..13_000).map(consumers).collect()];
    for flood in floods.map(|flood| flood.concat()) {
        let large = format!("{}{flood}{}", &text[..end], &text[end..]);
        assert!(large.len() < limits::METADATA_BYTES, "{}", large.len());
        let begun = std::time::Instant::now();
        assert!(!has_error(&lint(large.as_bytes(), &plain())));
        // Without optimisation; what grows with the square takes minutes.
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}

#[test]
fn the_page_in_docs_is_the_one_the_code_gives() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metadata-faults.md");
    if std::env::var_os("SKYBRIDGE_WRITE_DOCS").is_some() {
        std::fs::write(path, faults_markdown()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == faults_markdown(),
        "docs/metadata-faults.md is out of date. Write it anew:\n    \
         SKYBRIDGE_WRITE_DOCS=1 cargo test --lib saml::lint"
    );
}

#[test]
fn a_finding_shows_its_six_fields() {
    let findings = lint(&document("SBM-86.xml"), &plain());
    let shown = serde_json::to_value(&findings).unwrap();
    assert_eq!(shown[0]["code"], "SBM-86");
    assert_eq!(shown[0]["severity"], "error");
    assert_eq!(shown[0]["what"], findings[0].what);
    assert!(findings[0].what.contains("http://sp.example/saml/acs"));
    assert_eq!(shown[0].as_object().unwrap().len(), 6);
}

/// A document of the corpus that can be read as text.
fn some_document() -> impl Strategy<Value = String> {
    let names: Vec<_> = catalogue()
        .into_iter()
        .filter(|fault| !matches!(fault.number, 0 | 1))
        .map(|fault| format!("{fault}.xml"))
        .chain(["clean-full.xml", "clean-group.xml"].map(str::to_owned))
        .collect();
    prop::sample::select(names)
        .prop_map(|name| String::from_utf8_lossy(&document(&name)).into_owned())
}

/// A change that a careless hand might make: a part taken out, doubled or replaced.
fn change() -> impl Strategy<Value = (usize, usize, &'static str)> {
    const PUT: &[&str] = &[
        "",
        " ",
        "\"",
        "<",
        "&",
        "true",
        "yes",
        "index=\"0\"",
        "isDefault=\"x\"",
        "http://",
        "md:",
        "xmlns=\"\"",
        "use=\"x\"",
        "use=\"encryption\"",
        "validUntil=\"2020-01-01T00:00:00Z\"",
        "cacheDuration=\"PT1S\"",
        "<md:KeyDescriptor/>",
        "<md:SingleLogoutService/>",
        "<md:AssertionConsumerService/>",
        "</md:SPSSODescriptor>",
        "<md:NameIDFormat/>",
        "#",
        "é",
        "AuthnRequestsSigned=\"true\"",
        "\u{0}",
        "<!DOCTYPE x>",
    ];
    (any::<usize>(), 0..60_usize, prop::sample::select(PUT))
}

/// Where a change is likely to matter: at the beginning of a name, a value or a tag.
fn changed(text: &str, (place, cut, put): (usize, usize, &str)) -> String {
    let joints: Vec<_> =
        text.char_indices().filter(|(_, c)| " \"<>=/".contains(*c)).map(|(at, _)| at).collect();
    let Some(&from) = joints.get(place % joints.len().max(1)) else { return put.to_owned() };
    let to = joints.iter().copied().find(|at| *at >= from + cut).unwrap_or(text.len());
    format!("{}{put}{}", &text[..from], &text[to..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn it_finds_an_error_if_and_only_if_the_reader_refuses(
        text in some_document(),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let text = changes.into_iter().fold(text, |text, change| changed(&text, change));
        let findings = lint(text.as_bytes(), &plain());
        let read = reads(text.as_bytes(), &plain());
        let agree = has_error(&findings) == read.is_err();
        prop_assert!(agree, "{:?} {:#?}\n{}", read, findings, text);
        prop_assert!(!findings.iter().any(|f| f.fault == UNNAMED), "{:?}\n{}", read, text);
    }

    #[test]
    fn it_survives_any_octets(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(has_error(&lint(&octets, &plain())));
    }
}
