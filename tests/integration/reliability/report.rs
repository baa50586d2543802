//! The document of the numbers: every run writes its own section, and nothing else does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs};

use skybridge::app::system::SystemClock;
use skybridge::clock::Clock as _;

use super::Size;
use super::matrix::Tally;

/// The sections, in the document's order.
const SECTIONS: [&str; 5] = ["first-login", "creation", "creation-unanswered", "at-once", "lossy"];
const HEAD: &str = "\
<!-- Made by a run: SKYBRIDGE_FULL=1 SKYBRIDGE_WRITE_DOCS=1 cargo test --test integration reliability:: -->

# Reliability

What the full runs of `tests/integration/reliability` measured. Each section was written by the run
itself, after it had found no failure; where it finds one it writes nothing. Every gateway is a
process of the program (debug build), killed by SIGKILL when a relay between it and PostgreSQL or
the cloud's API sees the action of that number: before it is sent on, or after it was answered and
before the answer comes back. PostgreSQL, Redis and the simulated cloud run on the same machine.
PostgreSQL runs without fsync here, because it is the gateway that dies.

The three recoveries: the gateway is started again and whoever waited tries again at once; another
node, which ran all the time, takes over; nobody is there for a while, the browser is closed, then a
gateway is started and the links are compared with the cloud's list, and only later somebody comes.
The deadline after which an account at the cloud must not be unknown to the gateway, or a creation
not be over: 150 s after the recovery for creations, the next comparison for links. Where
another node takes over a creation, the dead node's lease of two minutes is waited for; in the two
other recoveries it is ended in the database.
";

/// Writes a matrix.
pub(super) fn matrix(name: &str, title: &str, size: Size, tally: &Tally) {
    let mut text = String::from("| | |\n|---|---|\n");
    let faults = &tally.faults;
    for (what, number) in [
        ("durable actions of a clean run", tally.actions.len()),
        ("cells: actions × before, after × three recoveries", tally.cells),
        ("cells covered", tally.covered),
        ("failures: links lost", faults.lost),
        ("failures: accounts, links or messages doubled", faults.doubled),
        ("failures: assertions for a wrong account", faults.wrong),
        ("failures: orphans after the deadline", faults.orphans),
    ] {
        _ = writeln!(text, "| {what} | {number} |");
    }
    _ = writeln!(text, "| took | {} s |\n\nThe actions:\n", tally.took.as_secs());
    for (number, action) in tally.actions.iter().enumerate() {
        _ = writeln!(text, "{}. `{action}`", number + 1);
    }
    section(name, title, size, &text);
}

/// Writes a section, if it is the time for it.
pub(super) fn section(name: &str, title: &str, size: Size, text: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    if size != Size::Full || env::var_os("SKYBRIDGE_WRITE_DOCS").is_none() {
        return;
    }
    let _writing = WRITING.lock().unwrap();
    let written = fs::read_to_string(path()).unwrap_or_default();
    let mut document = HEAD.to_owned();
    for section in SECTIONS {
        let (begin, end) = marks(section);
        let text = if section == name {
            format!("\n## {title}\n\n{}\n{text}", circumstances())
        } else {
            between(&written, section).map(|text| format!("\n{text}")).unwrap_or_default()
        };
        _ = write!(document, "\n{begin}\n{text}\n{end}\n");
    }
    fs::write(path(), document).unwrap();
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md")
}

fn marks(section: &str) -> (String, String) {
    (format!("<!-- begin {section} -->"), format!("<!-- end {section} -->"))
}

fn between<'a>(document: &'a str, section: &str) -> Option<&'a str> {
    let (begin, end) = marks(section);
    let (_, rest) = document.split_once(&begin)?;
    let (text, _) = rest.split_once(&end)?;
    Some(text.trim_matches('\n')).filter(|text| !text.is_empty())
}

/// When, where and with what.
fn circumstances() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, it)| it.trim().to_owned())
    };
    let says = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let said = output.and_then(|output| String::from_utf8(output.stdout).ok());
        said.map(|said| said.lines().next().unwrap_or_default().trim().to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processor = line(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown);
    let memory = line(&read("/proc/meminfo"), "MemTotal").unwrap_or_else(unknown);
    let redis = says("redis-server", &["--version"]).unwrap_or_else(unknown);
    let redis = redis.split(' ').find_map(|word| word.strip_prefix("v=")).unwrap_or("unknown");
    let postgres = says("psql", &["--version"]).unwrap_or_else(unknown);
    let postgres = postgres.split(' ').nth(2).unwrap_or("unknown");
    let now = SystemClock.now();
    format!(
        "Full run of {date} {hour:02}:{minute:02} UTC: Skybridge {version}, PostgreSQL {postgres}, Redis {redis},\n\
         {cores} cores ({processor}), {memory} of memory.\n",
        date = now.date(),
        hour = now.hour(),
        minute = now.minute(),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// That the document is one of full runs in which nothing failed.
#[test]
fn the_document_holds_the_numbers_of_full_runs_without_a_failure() {
    let document = fs::read_to_string(path()).unwrap();
    assert!(document.starts_with(HEAD), "the document was written by something else");
    for section in SECTIONS {
        let text = between(&document, section).unwrap_or_else(|| panic!("{section} is missing"));
        assert!(text.contains("Full run of "), "{section} was not written by a full run");
        let failures = text.lines().filter(|line| line.starts_with("| failures: "));
        let failures: Vec<&str> = failures.collect();
        assert!(failures.len() >= 4, "{section} does not say what failed");
        for line in failures {
            assert!(line.ends_with("| 0 |"), "{section}: {line}");
        }
        let number = |what: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("| {what}")))?;
            line.trim_end_matches(" |").rsplit("| ").next()?.parse::<u64>().ok()
        };
        assert_eq!(number("cells covered"), number("cells: "), "{section}");
    }
}
