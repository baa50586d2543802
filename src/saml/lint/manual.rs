//! Layer 0, saml: the page `docs/metadata-faults.md`, written from the catalogue.

use std::fmt::Write as _;

use super::catalogue;

const INTRODUCTION: &str = "\
# Faults in a service provider's metadata

`skybridge metadata lint FILE` and every upload tell all of these that are in a document, each with
the line on which the element begins that has it. A code is never re-used and never changes its
meaning.

- **error**: the metadata cannot be used; it is refused.
- **warning**: a part of it is not used, or is risky.
- **advice**: it works, and could be better.

This file is written from `src/saml/lint/`. A test compares it with them;
`SKYBRIDGE_WRITE_DOCS=1 cargo test --lib saml::lint` writes it anew. A document with each of the
faults, and only that, is in `tests/corpus/metadata-lint/`.

| code | severity | what is wrong | what comes of it | what to do |
|---|---|---|---|---|
";

/// The whole page, in Markdown.
#[must_use]
pub fn faults_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for fault in catalogue() {
        let severity = fault.severity.name();
        let cells = [fault.meaning, fault.consequence, fault.fix];
        let [meaning, consequence, fix] =
            cells.map(|text| text.replace('|', "\\|").replace('<', "&lt;"));
        let _ = writeln!(page, "| **{fault}** | {severity} | {meaning} | {consequence} | {fix} |");
    }
    page
}
