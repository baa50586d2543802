//! Config: the page `docs/configuration.md`, made out of the declarations.

use std::fmt::Write as _;

use super::Config;
use super::declare::{Declared, Section, Table as _};
use super::read::join;

/// A small file that loads once the files and variables that it names exist.
pub const EXAMPLE: &str = include_str!("../../examples/skybridge.example.toml");

const INTRODUCTION: &str = "\
<!-- Made from the code: SKYBRIDGE_WRITE_DOCS=1 cargo test --lib config -->

# Configuration

Skybridge reads one TOML file: `--config FILE`, or the environment variable `SKYBRIDGE_CONFIG`, or
`skybridge.toml` in the working directory. `skybridge check` reads the same file, reports everything
that is wrong with it at once, with line and column, and starts nothing. An option that is not
listed here is an error, never ignored.

- **Durations** are texts of one number and one unit: `\"250ms\"`, `\"30s\"`, `\"5m\"`, `\"8h\"`,
  `\"1d\"`.
- **Paths** are relative to the directory of the configuration file.
- **Secrets** do not stand in the file; they are named: `{ file = \"master.key\" }` (a newline at
  the end is cut; on Unix the file must not be accessible to others, `chmod go-rwx`) or
  `{ env = \"SKYBRIDGE_MASTER_KEY\" }`.
- **Lists of tables** such as `[[tenant]]` are repeated, one for each. Tables that belong to a
  tenant follow it.

A small file to begin with, also printed by `skybridge check --example`:

";

/// The whole page, in Markdown.
pub fn document() -> String {
    let mut page = String::from(INTRODUCTION);
    writes(write!(page, "```toml\n{EXAMPLE}```\n"));
    for option in Config::TABLE.options {
        describe_table(&mut page, "", option);
    }
    page
}

fn describe_table(page: &mut String, outer: &str, table: &Declared) {
    let Some(section) = table.section else { return };
    let path = join(outer, table.key);
    let header = if table.many { format!("[[{path}]]") } else { format!("[{path}]") };
    writes(write!(page, "\n## `{header}`\n\n{}\n", prose(section.about)));
    if table.optional {
        writes(writeln!(page, "\nThe table may be left out."));
    }
    if !section.unique.is_empty() {
        let keys: Vec<String> = section.unique.iter().map(|key| format!("`{key}`")).collect();
        writes(writeln!(page, "\nNo two of them have the same {}.", keys.join(" or ")));
    }
    describe_options(page, section);
    for option in section.options {
        describe_table(page, &path, option);
    }
}

fn describe_options(page: &mut String, section: &Section) {
    for option in section.options.iter().filter(|option| option.section.is_none()) {
        let need = match (option.default, option.optional) {
            (Some(default), _) => format!("default `{default}`"),
            (None, true) => "optional".into(),
            (None, false) => "**required**".into(),
        };
        writes(write!(page, "\n### `{}`\n\n{need} · {}\n\n", option.key, (option.kind)()));
        writes(writeln!(page, "{}", prose(option.about)));
        if let Some(example) = option.example {
            writes(write!(page, "\n```toml\n{} = {example}\n```\n", option.key));
        }
    }
}

fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

/// Writing into a `String` cannot fail.
fn writes(result: std::fmt::Result) {
    result.expect("a String takes every text");
}
