//! The rules of the house that rustc, clippy and rustfmt cannot hold: which room may use which,
//! what a file looks like, what must not be in it, and which dependencies are refused. Each
//! complaint says what to do.

#![allow(clippy::unwrap_used)]

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/conformance.rs"]
mod conformance;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/source.rs"]
mod source;

use source::{File, files, has_word, offsets, rust_files};

const FILE_LINES: usize = 400;
const COLUMNS: usize = 100;
/// Files whose job it is to name what others must not.
const JUDGES: &str = "tests/tidy";
/// Where there is Rust.
const RUST: &[&str] = &["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"];

fn report(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<_> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n"));
}

/// The Rust of the repository, without the rules themselves.
fn all_rust() -> Vec<File> {
    let mut found = rust_files(RUST);
    found.retain(|file| !file.path.starts_with(JUDGES));
    found
}

#[test]
fn arrows_run_downward_only() {
    report(rust_files(&["src"]).iter().flat_map(arrows::complaints));
}

#[test]
fn saml_is_pure() {
    const WORLD: &[&str] =
        &["std::env", "std::fs", "std::io", "std::net", "std::process", "tokio", "tracing"];
    let mut saml = rust_files(&["src/saml"]);
    saml.retain(|file| !file.is_test());
    report(saml.iter().flat_map(|file| {
        let body = &file.bare[..file.tests_at()];
        let named = WORLD.iter().filter(|world| offsets(body, world).next().is_some());
        named.map(|world| {
            format!("{} names {world}: saml takes what it needs as arguments.", file.path)
        })
    }));
}

#[test]
fn every_file_opens_with_a_label() {
    let files = rust_files(RUST);
    report(files.iter().filter(|file| !file.text.starts_with("//! ")).map(|file| {
        format!(
            "{}: begin with `//!` and what the file is for, its layer, its standard.",
            file.path
        )
    }));
}

#[test]
fn a_file_can_be_read_in_one_sitting() {
    report(rust_files(&["src"]).iter().filter(|file| !file.is_test()).filter_map(|file| {
        let lines = file.text[..file.tests_at()].lines().count();
        (lines > FILE_LINES).then(|| {
            format!(
                "{} has {lines} lines without tests, {FILE_LINES} is the bound: split it.",
                file.path
            )
        })
    }));
}

// How long a function may be and how many arguments it may take stands in clippy.toml.
#[test]
fn the_lengths_that_clippy_judges_are_not_switched_off() {
    const LINTS: &[&str] = &["too_many_lines", "too_many_arguments", "disallowed_methods"];
    let mut files = rust_files(&["src"]);
    // The one room that reads the system's clock and generator.
    files.retain(|file| file.path != "src/app/system.rs");
    report(files.iter().flat_map(|file| {
        let named = LINTS.iter().filter(|lint| has_word(&file.bare, lint));
        named.map(|lint| format!("{} switches {lint} off: make it hold instead.", file.path))
    }));
}

#[test]
fn lines_fit_into_100_columns() {
    report(rust_files(RUST).iter().flat_map(too_wide));
}

/// Lines over the bound. rustfmt leaves literals alone, and so do we in tests: a document or a URL
/// is one text.
fn too_wide(file: &File) -> Vec<String> {
    let tests_at = if file.is_test() { 0 } else { file.tests_at() };
    let mut at = 0;
    let mut found = Vec::new();
    for line in file.text.split_inclusive('\n') {
        let range = at..at + line.len();
        let literal = at >= tests_at && file.bare[range.clone()] != file.code[range];
        let columns = line.trim_end().chars().count();
        if columns > COLUMNS && !literal {
            found
                .push(format!("{} has {columns} columns, {COLUMNS} is the bound.", file.place(at)));
        }
        at += line.len();
    }
    found
}

#[test]
fn a_file_is_named_for_what_it_does() {
    const SHAPELESS: &[&str] = &["util", "common", "manager", "helper", "misc"];
    report(rust_files(RUST).iter().filter_map(|file| {
        let word = SHAPELESS.iter().find(|word| file.path.contains(**word))?;
        Some(format!("{}: \"{word}\" says nothing; name the file for what it does.", file.path))
    }));
}

#[test]
fn nothing_is_left_for_later() {
    const MARKS: &[&str] = &["todo!", "unimplemented!", "dbg!", "FIXME", "XXX", "TODO", "#[ignore"];
    report(all_rust().iter().flat_map(|file| {
        let text = file.text.as_str();
        let found =
            MARKS.iter().flat_map(move |mark| offsets(text, mark).map(move |at| (at, mark)));
        found.map(|(at, mark)| format!("{} has {mark}: finish it or delete it.", file.place(at)))
    }));
}

// C-46: a check that only debug builds make is missing where it matters.
#[test]
fn no_check_is_for_debug_builds_only() {
    report(rust_files(&["src"]).iter().flat_map(|file| {
        let found = ["debug_assert!", "debug_assert_eq!", "debug_assert_ne!", "debug_assertions"];
        let found = found.into_iter().flat_map(|word| offsets(&file.bare, word));
        found.map(|at| format!("{} is gone in a release: make it a real check.", file.place(at)))
    }));
}

#[test]
fn no_code_names_a_cloud() {
    let mut files = rust_files(&["src"]);
    files.retain(|file| !file.path.starts_with("src/fakecloud") && !file.is_test());
    report(files.iter().flat_map(|file| {
        let body = file.code[..file.tests_at()].to_lowercase();
        let mut found: Vec<_> = offsets(&body, "huawei").collect();
        // An example in the text of an option is documentation.
        found.retain(|at| !body[..*at].lines().next_back().unwrap().contains(" eg \""));
        found.into_iter().map(|at| {
            format!(
                "{} names a cloud: what clouds differ in is data, in metadata/.",
                file.place(at)
            )
        })
    }));
}

#[test]
fn no_xpath_is_built_from_text() {
    let mut files = rust_files(&["src"]);
    files.retain(|file| !file.is_test());
    report(files.iter().flat_map(|file| {
        let body = file.code[..file.tests_at()].to_lowercase();
        let found: Vec<_> = offsets(&body, "xpath").collect();
        found.into_iter().map(|at| {
            format!("{}: walk the tree by names; a path made of text can be bent.", file.place(at))
        })
    }));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    const PLACES: &[&str] = &["/root/", "/home/", "/Users/", "/work/", "C:\\Users"];
    let folders = [
        ".ci",
        "assets",
        "benches",
        "certs",
        "docs",
        "examples",
        "fuzz/README.md",
        "fuzz/dictionaries",
        "fuzz/fuzz_targets",
        "fuzz/run",
        "fuzz/src",
        "metadata",
        "src",
        "templates",
        "tests",
        "Cargo.toml",
        "README.md",
        "clippy.toml",
        "deny.toml",
    ];
    let mut files: Vec<_> = folders.into_iter().flat_map(files).collect();
    files.retain(|file| !file.path.starts_with(JUDGES));
    report(files.iter().flat_map(|file| {
        let found = PLACES.iter().flat_map(|place| offsets(&file.text, place));
        found.map(|at| format!("{} has a path of one machine.", file.place(at)))
    }));
}

#[test]
fn every_template_and_asset_is_used() {
    let sources = rust_files(&["src"]);
    let templates = files("templates");
    assert!(!templates.is_empty());
    let users: Vec<_> = sources.iter().chain(&templates).collect();
    report(templates.iter().chain(&files("assets")).filter_map(|file| {
        let (_, path) = file.path.split_once('/').unwrap();
        let used = users.iter().any(|user| user.path != file.path && user.text.contains(path));
        (!used).then(|| format!("{} is used by nothing: delete it.", file.path))
    }));
}

#[test]
fn every_decision_has_a_number_a_date_and_a_status() {
    let decisions = files("docs/decisions");
    assert!(!decisions.is_empty());
    let mut numbers: Vec<_> = decisions.iter().map(|file| file.name()[..4].to_owned()).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), decisions.len(), "two decisions have one number");
    report(decisions.iter().filter(|file| !is_decision(file)).map(|file| {
        let path = &file.path;
        format!("{path}: begin with `# NNNN Title`, an empty line and `2026-11-21 · accepted`.")
    }));
}

/// Whether a decision opens as all do: number and title, then date and proposed, accepted or
/// superseded by NNNN.
fn is_decision(file: &File) -> bool {
    let number = &file.name()[..4];
    let mut lines = file.text.lines().filter(|line| !line.is_empty());
    let titled = lines.next().is_some_and(|line| line.starts_with(&format!("# {number} ")));
    let Some((date, status)) = lines.next().and_then(|line| line.split_once(" · ")) else {
        return false;
    };
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let known = ["proposed", "accepted"].contains(&status) || status.starts_with("superseded by ");
    titled && shape == "9999-99-99" && known && number.bytes().all(|b| b.is_ascii_digit())
}

#[test]
fn every_promise_about_the_standard_names_a_test_that_exists() {
    report(conformance::complaints());
}

#[test]
fn refused_dependencies_are_not_in_the_lock_file() {
    report(dependencies::refused());
}

#[test]
fn every_dependency_has_a_licence_that_we_allow() {
    report(dependencies::licences());
}

#[test]
fn a_wide_line_is_seen_and_a_literal_in_a_test_is_let_be() {
    let wide = format!("// {}\n", "x".repeat(COLUMNS));
    let literal = format!("let url = \"{}\";\n", "x".repeat(COLUMNS));
    assert_eq!(too_wide(&File::new("src/x.rs", &wide)).len(), 1);
    assert_eq!(too_wide(&File::new("tests/x.rs", &wide)).len(), 1);
    assert_eq!(too_wide(&File::new("src/x.rs", &literal)).len(), 1);
    assert_eq!(too_wide(&File::new("src/x_tests.rs", &literal)).len(), 0);
    assert_eq!(too_wide(&File::new("tests/x.rs", &literal)).len(), 0);
}

#[test]
fn a_decision_without_date_or_status_is_seen() {
    let decides = |text: &str| is_decision(&File::new("docs/decisions/0007-x.md", text));
    assert!(decides("# 0007 Title\n\n2026-11-21 · accepted\n"));
    assert!(!decides("# 0007 Title\n\n2026-11-21\n"));
    assert!(!decides("# 0007 Title\n\naccepted\n"));
    assert!(!decides("# 0008 Title\n\n2026-11-21 · accepted\n"));
}
