//! The document of the numbers, `docs/reliability.md`: every full run writes its own section, and
//! nothing else does.

use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use std::{env, fs};

use skybridge::app::system::SystemClock;
use skybridge::clock::Clock as _;

/// The sections, in the document's order.
const SECTIONS: [&str; 13] = [
    "first-login",
    "creation",
    "creation-unanswered",
    "at-once",
    "lossy",
    "redis-killed",
    "redis-frozen",
    "sentinel",
    "cluster",
    "postgres",
    "redis-of-both",
    "postgres-of-both",
    "malformed",
];
const HEAD: &str = "\
<!-- Made by runs: SKYBRIDGE_FULL=1 SKYBRIDGE_WRITE_DOCS=1 cargo test --test integration -- \
reliability store::failover -->

# Reliability

What full runs of the tests measured. Each section was written by the run itself, after it had found
no failure; where it finds one it writes nothing. All servers run on the machine that the section
names, and so do the gateways, the simulated cloud and the load; the load average says what else the
machine did.

**Crash matrices** (`tests/integration/reliability`). Every gateway is a process of the program
(debug build), killed by SIGKILL when a relay between it and PostgreSQL or the cloud's API sees the
action of that number: before it is sent on, or after it was answered and before the answer comes
back. PostgreSQL runs without fsync here, because it is the gateway that dies.

The three recoveries: the gateway is started again and whoever waited tries again at once; another
node, which ran all the time, takes over; nobody is there for a while, the browser is closed, then a
gateway is started and the links are compared with the cloud's list, and only later somebody comes.
The deadline after which an account at the cloud must not be unknown to the gateway, or a creation
not be over: 150 s after the recovery for creations, the next comparison for links. Where
another node takes over a creation, the dead node's lease of two minutes is waited for; in the two
other recoveries it is ended in the database.

**Servers that are killed** (`tests/integration/reliability_redis`, `reliability_sql.rs`,
`store/failover.rs`, `reliability/stores.rs`). Redis or PostgreSQL is killed by SIGKILL, or stopped
in its tracks by SIGSTOP, while people use the nodes; the nodes are not touched. Recovery is the time
from the moment named until every node has served somebody and nobody is told any more that the
store is away. It has to be below 10 s. Redis standalone writes every command to its disk before it answers, PostgreSQL every commit;
in a Sentinel group and a Cluster a replica has it.

**Malformed requests** (`tests/integration/shipped`). The gateway is the release build, with a real
Redis and PostgreSQL; it is sent what must be refused, over kept and over new connections, well-formed
and broken HTTP, by eight clients at once. In between all clients leave, and when the last of their
connections is gone it is measured: memory is what the process wrote itself (`RssAnon`), without the
pages of the program; tasks are those of the runtime. What counts is the least of the last three
measurements, beside the one after the warm-up; the allowance is 8 MiB of memory, and 8 descriptors,
threads or tasks; for the lines of `/metrics`, which grow with the first refusal of each kind and no
further, 200. This section is written by
`SKYBRIDGE_BINARY=target/release/skybridge SKYBRIDGE_FULL=1 SKYBRIDGE_WRITE_DOCS=1 cargo test --test integration -- shipped`.
";

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// A few of everything, chosen by a fixed seed.
    Sample,
    /// All of it.
    Full,
}

impl Size {
    /// What the environment asks for.
    pub(crate) fn wanted() -> Self {
        if env::var_os("SKYBRIDGE_FULL").is_some() { Self::Full } else { Self::Sample }
    }

    /// One of two.
    pub(crate) fn choose<T>(self, sample: T, full: T) -> T {
        match self {
            Self::Sample => sample,
            Self::Full => full,
        }
    }
}

/// What a section says: numbers in lines, and perhaps more below.
pub(crate) struct Section(String);

impl Section {
    /// One that says these numbers.
    pub(crate) fn of<'a>(lines: impl IntoIterator<Item = (&'a str, usize)>) -> Self {
        let mut section = Self("| | |\n|---|---|\n".to_owned());
        for (what, number) in lines {
            section.line(what, number);
        }
        section
    }

    /// Says one more thing.
    pub(crate) fn line(&mut self, what: &str, value: impl Display) {
        _ = writeln!(self.0, "| {what} | {value} |");
    }

    /// Says for how long it went on.
    pub(crate) fn took(mut self, time: Duration) -> Self {
        self.line("took", format_args!("{} s", time.as_secs()));
        self
    }

    /// Says what was done, one after the other.
    pub(crate) fn steps(mut self, title: &str, steps: &[String]) -> Self {
        _ = writeln!(self.0, "\n{title}:\n");
        for (number, step) in steps.iter().enumerate() {
            _ = writeln!(self.0, "{}. `{step}`", number + 1);
        }
        self
    }

    /// Writes it into the document, if it is the time for it.
    pub(crate) fn write(&self, name: &str, title: &str, size: Size) {
        static WRITING: Mutex<()> = Mutex::new(());
        assert!(SECTIONS.contains(&name), "{name} has no place in the document");
        if size != Size::Full || env::var_os("SKYBRIDGE_WRITE_DOCS").is_none() {
            return;
        }
        let _writing = WRITING.lock().unwrap();
        let written = fs::read_to_string(path()).unwrap_or_default();
        let mut document = HEAD.to_owned();
        for section in SECTIONS {
            let (begin, end) = marks(section);
            let text = if section == name {
                format!("## {title}\n\n{}\n{}", circumstances(), self.0)
            } else {
                between(&written, section).map(|text| format!("{text}\n")).unwrap_or_default()
            };
            _ = write!(document, "\n{begin}\n\n{text}\n{end}\n");
        }
        fs::write(path(), document).unwrap();
    }
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
    let load = read("/proc/loadavg");
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(", ");
    let now = SystemClock.now();
    format!(
        "Full run of {date} {hour:02}:{minute:02} UTC: Skybridge {version}, PostgreSQL {postgres}, Redis {redis},\n\
         {cores} cores ({processor}), {memory} of memory; load average in the end, over 1, 5 and 15\n\
         minutes: {load}.\n",
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
        let value = |what: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("| {what}")))?;
            line.trim_end_matches(" |").rsplit("| ").next()
        };
        let failures = text.lines().filter(|line| line.starts_with("| failures: "));
        let failures: Vec<&str> = failures.collect();
        assert!(failures.len() >= 2, "{section} does not say what failed");
        for line in failures {
            assert!(line.ends_with("| 0 |"), "{section}: {line}");
        }
        let number = |what| value(what)?.parse::<u64>().ok();
        assert_eq!(number("cells covered"), number("cells: "), "{section}");
        if let Some(longest) = value("longest recovery") {
            let seconds: f64 = longest.trim_end_matches(" s").parse().unwrap();
            assert!(seconds < 10.0, "{section}: {longest}");
        }
    }
}
