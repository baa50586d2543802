//! The tables of promises: docs/saml-conformance.md and docs/threats.md. Each line of what the
//! standards, guides and published advisories ask has a row, each row says how it stands, and each
//! test that a row names exists.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{File, files, rust_files};

/// How a line can stand.
const STATES: [&str; 5] = ["done", "done, except", "refused", "not offered", "in part"];

/// Every table that is kept: the page, the letter of its ids, their digits, and the last of them.
const TABLES: [(&str, char, usize, usize); 3] = [
    ("docs/saml-conformance.md", 'A', 3, 120),
    ("docs/threats.md", 'B', 2, 44),
    ("docs/threats.md", 'C', 2, 54),
];

/// What is wrong with the pages.
pub(crate) fn complaints() -> Vec<String> {
    let sources = rust_files(&["src", "tests"]);
    let known = tests(&sources);
    let mut found = Vec::new();
    for (page, letter, digits, last) in TABLES {
        let ids: Vec<_> = (1..=last).map(|n| format!("{letter}-{n:0digits$}")).collect();
        let text = files(page).pop().expect("a page").text;
        let faults = in_page(&text, &ids, &known);
        found.extend(faults.into_iter().map(|fault| format!("{page}: {fault}")));
    }
    found
}

/// What is wrong with the rows that a page has for `ids`.
fn in_page(page: &str, ids: &[String], known: &BTreeSet<&str>) -> Vec<String> {
    let mut rows = BTreeMap::<&str, Vec<[&str; 4]>>::new();
    for row in page.lines().filter_map(cells) {
        rows.entry(row[0]).or_default().push(row);
    }
    let mut found = Vec::new();
    for id in ids {
        match rows.get(id.as_str()).map_or(&[][..], Vec::as_slice) {
            [row] => found.extend(in_row(*row, known)),
            rows => found.push(format!("{id} has {} rows, one is expected.", rows.len())),
        }
    }
    found
}

/// The cells of `| id | what is asked | state | reason and tests |`.
fn cells(line: &str) -> Option<[&str; 4]> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<_> = inner.split(" | ").map(str::trim).collect();
    cells.try_into().ok()
}

fn in_row([id, asked, state, evidence]: [&str; 4], known: &BTreeSet<&str>) -> Vec<String> {
    let mut found = Vec::new();
    if asked.is_empty() || !STATES.contains(&state) {
        found.push(format!("{id} stands as {state:?}, expected one of {}.", STATES.join(", ")));
    }
    let named: Vec<_> = named(evidence).collect();
    if state.starts_with("done") && named.is_empty() {
        found.push(format!("{id} is {state}, but names no test that proves it."));
    }
    if (state == "done, except") != evidence.contains("Except: ") {
        found.push(format!("{id} is {state}: what stands behind \"Except: \" has that state."));
    }
    if state != "done" && evidence.len() < 10 {
        found.push(format!("{id} is {state}, but does not say why."));
    }
    let unknown = named.into_iter().filter(|test| !known.contains(test));
    found.extend(unknown.map(|test| format!("{id} names the test {test}, which does not exist.")));
    found
}

/// The names in backticks that look like tests: sentences of several words.
fn named(evidence: &str) -> impl Iterator<Item = &str> {
    let is_sentence = |name: &&str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        name.matches('_').count() >= 2 && name.bytes().all(plain)
    };
    evidence.split('`').skip(1).step_by(2).filter(is_sentence)
}

/// Every test: a function below `#[test]` or its like, or one that a macro makes a test of, by a
/// list with a name on each line.
fn tests(sources: &[File]) -> BTreeSet<&str> {
    let name =
        |line| str::split_once(line, "fn ").and_then(|(_, rest)| rest.split(['(', '<']).next());
    let mut names = BTreeSet::new();
    for file in sources {
        let lines: Vec<_> = file.code.lines().map(str::trim).collect();
        let functions: BTreeSet<_> = lines.iter().filter_map(|line| name(line)).collect();
        let listed = lines.iter().filter_map(|line| line.strip_suffix(','));
        names.extend(listed.filter(|listed| functions.contains(listed)));
        for (at, line) in lines.iter().enumerate() {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                names.extend(lines[at..].iter().find_map(|line| name(line)));
            }
        }
    }
    names
}

#[test]
fn a_row_without_state_reason_or_test_is_found() {
    let page = "| A-1 | x | done | `a_test_that_is` |\n| A-2 | x | done | `no_such_test_is` |\n\
                | A-3 | x | done | well |\n| A-4 | x | perhaps | because of the weather |\n\
                | A-6 | x | refused | why |\n| A-7 | x | refused | `a_plain_function_is` why |\n\
                | A-8 | x | done | `one_of_a_list` |\n| A-1 | y | z |\n\
                | A-9 | x | done, except | `one_of_a_list`. Except: why |\n\
                | A-10 | x | done, except | `one_of_a_list`, and why |\n\
                | A-11 | x | done | `one_of_a_list`. Except: why |\n";
    let ids: Vec<_> = (1..=11).map(|n| format!("A-{n}")).collect();
    let code = "#[test]\nfn a_test_that_is() {}\nfn a_plain_function_is() {}\n\
                list!(\n    one_of_a_list,\n);\nasync fn one_of_a_list(it: T) {}\n";
    let sources = [File::new("tests/t.rs", code)];
    assert_eq!(
        in_page(page, &ids, &tests(&sources)),
        [
            "A-2 names the test no_such_test_is, which does not exist.",
            "A-3 is done, but names no test that proves it.",
            "A-4 stands as \"perhaps\", expected one of done, done, except, refused, not \
             offered, in part.",
            "A-5 has 0 rows, one is expected.",
            "A-6 is refused, but does not say why.",
            "A-7 names the test a_plain_function_is, which does not exist.",
            "A-10 is done, except: what stands behind \"Except: \" has that state.",
            "A-11 is done: what stands behind \"Except: \" has that state.",
        ]
    );
}
