//! Room demo (layer 6): what a check found: lines for people, JSON and `JUnit` for machines.

use askama::Template;
use serde::Serialize;
use serde_json::json;

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// Every hop, in order.
    pub hops: Vec<Hop>,
    /// Every message, in order.
    pub(super) messages: Vec<Message>,
    /// File names and texts of the certificates that verify the messages.
    pub(super) certificates: Vec<(String, String)>,
}

/// One hop of a journey.
#[derive(Clone, Debug, Serialize)]
pub struct Hop {
    /// The journey.
    pub case: String,
    /// What was done.
    pub hop: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What came, or what was expected and what was found instead.
    pub detail: String,
    /// How long it took.
    pub milliseconds: u64,
}

/// How a hop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// It could not be tried here.
    NotRun,
}

/// A SAML message that went over the wire.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// `AuthnRequest` or `Response`.
    pub(super) kind: &'static str,
    /// The journey.
    pub(super) case: String,
    /// The hop.
    pub(super) hop: String,
    /// The tenant.
    pub(super) tenant: String,
    /// Of a Response, what the cloud said: `accepted`, or its code; `sent` before it said anything.
    pub(super) verdict: String,
    /// The decoded text.
    pub(super) xml: String,
}

impl Message {
    /// A message that is on its way.
    pub(super) fn new(
        kind: &'static str,
        (case, hop): (&str, &str),
        tenant: &str,
        xml: String,
    ) -> Self {
        let (case, hop) = (case.to_owned(), hop.to_owned());
        Self { kind, case, hop, tenant: tenant.to_owned(), verdict: "sent".to_owned(), xml }
    }
}

#[derive(Template)]
#[template(path = "demo/report.xml", escape = "html")]
struct JUnit<'a> {
    report: &'a Report,
}

impl Report {
    /// How many hops ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.hops.iter().filter(|hop| hop.verdict == verdict).count()
    }

    /// Whether something was tried and nothing failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.count(Verdict::Failed) == 0 && self.count(Verdict::Passed) > 0
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let report = json!({
            "verdict": if self.passed() { Verdict::Passed } else { Verdict::Failed },
            "passed": self.count(Verdict::Passed),
            "failed": self.count(Verdict::Failed),
            "not_run": self.count(Verdict::NotRun),
            "hops": self.hops,
        });
        format!("{report:#}\n")
    }

    /// The report as `JUnit` XML: a test case for each hop.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn junit(&self) -> Result<String, askama::Error> {
        JUnit { report: self }.render()
    }

    /// The last line: how much of what.
    #[must_use]
    pub fn summary(&self) -> String {
        let [passed, failed, not_run] =
            [Verdict::Passed, Verdict::Failed, Verdict::NotRun].map(|verdict| self.count(verdict));
        format!("{passed} passed, {failed} failed, {not_run} not run")
    }
}

impl Hop {
    /// The hop as a line, aligned with the others.
    #[must_use]
    pub fn line(&self, colour: Colour) -> String {
        let (mark, code) = match self.verdict {
            Verdict::Passed => ("ok", "32"),
            Verdict::Failed => ("FAILED", "31;1"),
            Verdict::NotRun => ("not run", "33"),
        };
        let (begin, end) = match colour {
            Colour::Never => (String::new(), ""),
            Colour::Always => (format!("\u{1b}[{code}m"), "\u{1b}[0m"),
        };
        let Self { hop, detail, milliseconds, .. } = self;
        format!("  {begin}{mark:<8}{end}{hop:<52}{milliseconds:>5} ms  {detail}")
    }

    fn seconds(&self) -> String {
        format!("{}.{:03}", self.milliseconds / 1000, self.milliseconds % 1000)
    }
}

/// Whether lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For a terminal.
    Always,
    /// For everything else.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let hop = |verdict, detail: &str| Hop {
            case: "a & b".to_owned(),
            hop: "hop".to_owned(),
            verdict,
            detail: detail.to_owned(),
            milliseconds: 1234,
        };
        Report {
            hops: vec![
                hop(Verdict::Passed, "fine"),
                hop(Verdict::Failed, "expected <a>, found \"b\""),
                hop(Verdict::NotRun, "no key"),
            ],
            messages: Vec::new(),
            certificates: Vec::new(),
        }
    }

    #[test]
    fn what_was_not_run_is_never_counted_as_passed() {
        let mut report = report();
        assert_eq!(report.summary(), "1 passed, 1 failed, 1 not run");
        assert!(!report.passed());
        report.hops.retain(|hop| hop.verdict == Verdict::NotRun);
        assert!(!report.passed());
    }

    #[test]
    fn the_junit_report_is_well_formed_and_says_why() {
        let xml = report().junit().unwrap();
        let limits = crate::saml::xml::Limits::METADATA;
        let document = crate::saml::xml::parse(xml.as_bytes(), limits).unwrap();
        let root = document.root();
        assert_eq!(root.attribute("failures"), Some("1"));
        assert_eq!(root.attribute("skipped"), Some("1"));
        let failure = document.all().find(|e| e.local() == "failure").unwrap();
        assert_eq!(failure.attribute("message"), Some("expected <a>, found \"b\""));
    }

    #[test]
    fn lines_are_aligned_and_coloured_on_wish_only() {
        let lines: Vec<_> = report().hops.iter().map(|hop| hop.line(Colour::Never)).collect();
        assert!(lines.iter().all(|line| line.find(" ms ") == lines[0].find(" ms ")), "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
        assert!(report().hops[0].line(Colour::Always).contains("\u{1b}[32m"));
    }
}
