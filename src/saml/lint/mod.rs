//! Layer 0, saml: explains a service provider's metadata (saml-metadata-2.0-os §2): every fault
//! that is in it, each with a stable code, its line, its consequence and what to do. It decides
//! nothing: [`sp_metadata::read`] does. There is an error among the findings if and only if that
//! refuses.
//!
//! One file for each part of a document; the faults that it can find stand at its end.

mod attributes;
mod certificates;
mod document;
mod endpoints;
mod entity;
mod keys;
mod location;
mod manual;
mod structure;
#[cfg(test)]
mod tests;
mod validity;

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::EntityId;
use super::error::shortened;
use super::sp_metadata::{self, Lifetime, Trust};
use super::xml::{Element, Limits, parse};
use crate::limits;

pub use manual::faults_markdown;

/// What a fault comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The metadata cannot be used.
    Error,
    /// A part of it is not used, or is risky.
    Warning,
    /// It works, and could be better.
    Advice,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Advice => "advice",
        }
    }
}

/// A kind of fault.
#[derive(Debug)]
pub struct Fault {
    /// The number behind `SBM-`. Never re-used, never changed.
    pub number: u8,
    /// What it comes to.
    pub severity: Severity,
    /// What is wrong, in general.
    pub meaning: &'static str,
    /// What comes of it.
    pub consequence: &'static str,
    /// What to do.
    pub fix: &'static str,
}

impl fmt::Display for Fault {
    /// Its code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SBM-{:02}", self.number)
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// A fault that was found in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which.
    pub fault: &'static Fault,
    /// The line on which the element begins that has it, from 1.
    pub line: usize,
    /// What is wrong here, values of the document shortened.
    pub what: String,
}

impl Serialize for Finding {
    /// As people and programs see it: `code`, `severity`, `line`, `what`, `consequence`, `fix`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut shown = serializer.serialize_struct("Finding", 6)?;
        shown.serialize_field("code", &self.fault.to_string())?;
        shown.serialize_field("severity", self.fault.severity.name())?;
        shown.serialize_field("line", &self.line)?;
        shown.serialize_field("what", &self.what)?;
        shown.serialize_field("consequence", self.fault.consequence)?;
        shown.serialize_field("fix", self.fault.fix)?;
        shown.end()
    }
}

/// How a document is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The service provider in it that is meant; without it, the only one.
    pub wanted: Option<&'a EntityId>,
    /// The time.
    pub now: OffsetDateTime,
    /// How long metadata may say that it is valid.
    pub lifetime: Lifetime,
}

/// Every kind of fault, by number.
pub fn catalogue() -> Vec<&'static Fault> {
    let parts = [
        document::ALL,
        entity::ALL,
        validity::ALL,
        keys::ALL,
        certificates::ALL,
        endpoints::ALL,
        location::ALL,
        attributes::ALL,
        structure::ALL,
        &[UNNAMED],
    ];
    let mut all = parts.concat();
    all.sort_by_key(|fault| fault.number);
    all
}

/// Everything that is wrong with a document, by line; nothing when all is well. At most
/// [`limits::FINDINGS`] errors and as many others are told.
#[must_use]
pub fn lint(octets: &[u8], question: &Question<'_>) -> Vec<Finding> {
    let mut lint = Lint::new(octets, *question);
    document::look(octets, &mut lint);
    match parse(octets, Limits::METADATA) {
        Err(error) => document::unreadable(octets, &error, &mut lint),
        Ok(document) => entity::look(&document, &mut lint),
    }
    let refused = sp_metadata::read(octets, question.wanted, Trust::Origin, question.now)
        .and_then(|provider| provider.lives_within(question.lifetime, question.now));
    let named = lint.found.iter().any(|finding| finding.fault.severity == Severity::Error);
    if let (Err(error), false) = (refused, named) {
        lint.note_at(0, UNNAMED, error.to_string());
    }
    lint.found.sort_by_key(|finding| (finding.line, finding.fault.number));
    lint.found
}

/// A look at a document, and what it has found.
struct Lint<'q> {
    question: Question<'q>,
    /// Where each line ends, in bytes behind a byte order mark.
    ends: Vec<usize>,
    found: Vec<Finding>,
}

impl<'q> Lint<'q> {
    fn new(octets: &[u8], question: Question<'q>) -> Self {
        let octets = document::without_mark(octets);
        let ends = octets.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at);
        Self { question, ends: ends.collect(), found: Vec::new() }
    }

    fn note(&mut self, element: Element<'_>, fault: &'static Fault, what: impl Into<String>) {
        self.note_at(element.offset(), fault, what.into());
    }

    fn note_at(&mut self, offset: usize, fault: &'static Fault, what: String) {
        let is_error = |fault: &Fault| fault.severity == Severity::Error;
        let alike = |finding: &&Finding| is_error(finding.fault) == is_error(fault);
        if self.found.iter().filter(alike).count() < limits::FINDINGS {
            let line = self.ends.partition_point(|end| *end < offset) + 1;
            self.found.push(Finding { fault, line, what });
        }
    }
}

/// A value of the document as it may stand in a finding.
fn quoted(value: &str) -> String {
    format!("{:?}", shortened(value))
}

/// Declares the faults that a file finds, and `ALL` of them: name, number, severity, meaning,
/// consequence, fix.
macro_rules! faults {
    ($($name:ident = $number:literal, $severity:ident,
       $meaning:literal, $consequence:literal, $fix:literal;)+) => {
        $(const $name: &$crate::saml::lint::Fault = &$crate::saml::lint::Fault {
            number: $number,
            severity: $crate::saml::lint::Severity::$severity,
            meaning: $meaning,
            consequence: $consequence,
            fix: $fix,
        };)+
        /// Every fault that is found here.
        pub(super) const ALL: &[&$crate::saml::lint::Fault] = &[$($name,)+];
    };
}
use faults;

/// Nothing that is known to happen: what the reader refuses is refused, with or without a name.
const UNNAMED: &Fault = &Fault {
    number: 0,
    severity: Severity::Error,
    meaning: "The reader refuses the document for a reason that has no code of its own.",
    consequence: "The metadata is not taken.",
    fix: "See what is said here; please report it, so that it gets a code.",
};
