//! Room `page` (layer 4): the table of error codes in `docs/errors.md`, written from the catalogue
//! and the words.

use std::fmt::Write as _;

use super::{Language, explain};
use crate::refusal::Code;

/// The whole of `docs/errors.md`.
#[must_use]
pub fn errors_markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut group = 0;
    for code in Code::ALL {
        let entry = code.entry();
        if entry.number / 1000 != group {
            group = entry.number / 1000;
            write!(out, "\n## {}\n\n{HEAD}", heading(group)).expect(A_STRING);
        }
        let (en, zh) = (explain(*code, Language::En), explain(*code, Language::Zh));
        writeln!(
            out,
            "| **{code}** | {} | {} | {} | **{}**<br>{} | **{}**<br>{} |",
            entry.status,
            entry.owner.key(),
            cell(entry.meaning),
            cell(&en.title),
            cell(&en.advice),
            cell(&zh.title),
            cell(&zh.advice),
        )
        .expect(A_STRING);
    }
    out
}

const A_STRING: &str = "a String takes every write";

const INTRODUCTION: &str = "\
# Error codes

Every journey that ends early ends with one of these codes. The page shows it with the time, the
service provider and a short id; the log holds the same id with the cause. A code is never re-used
and never changes its meaning.

*Whose move* says who can end the trouble: **you** (the person in front of the browser), the
**partner** (whose site the person came from), the **operator** (who runs Skybridge) or the
**cloud** (which sent the request).

This file is written from `src/refusal.rs` and `templates/words/`. A test compares it with them;
`SKYBRIDGE_WRITE_DOCS=1 cargo test --lib page::manual` writes it anew.
";

const HEAD: &str =
    "| code | HTTP | whose move | meaning | English | 中文 |\n|---|---|---|---|---|---|\n";

fn heading(group: u16) -> &'static str {
    match group {
        1 => "SB-1…: the message cannot be read",
        2 => "SB-2…: the request is not accepted",
        3 => "SB-3…: who the person is",
        4 => "SB-4…: the way into the cloud",
        5 => "SB-5…: this gateway",
        6 => "SB-6…: the partner's API",
        _ => "Others",
    }
}

/// A text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_table_in_docs_is_the_one_the_code_gives() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
        if std::env::var_os("SKYBRIDGE_WRITE_DOCS").is_some() {
            std::fs::write(path, errors_markdown()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == errors_markdown(),
            "docs/errors.md is out of date. Write it anew:\n    \
             SKYBRIDGE_WRITE_DOCS=1 cargo test --lib page::manual"
        );
    }

    #[test]
    fn every_code_has_one_row_under_a_heading_of_its_own() {
        let table = errors_markdown();
        for code in Code::ALL {
            assert_eq!(table.matches(&format!("| **{code}** |")).count(), 1, "{code}");
        }
        assert!(!table.contains("## Others"));
    }
}
