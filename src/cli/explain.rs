//! `skybridge explain`: what the gateway would do with a message, and why. Nothing is sent or
//! changed.

mod human;

use std::io::{self, IsTerminal as _, Read as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::human::{Paint, print};
use super::{Common, Outcome};
use crate::app::explain::{ExplainError, explain};
use crate::app::parts::System;
use crate::app::system::{SystemClock, SystemRandom};
use crate::clock::{Clock, ManualClock};
use crate::config::Config;
use crate::limits;
use crate::page::{self, Language};
use crate::refusal::Code;
use crate::sso::explain::{Explanation, Question};

/// Say what the gateway would do with a SAML message, and why; send and change nothing
///
/// Takes whatever you have of it: the whole address, a query, a form, base64 or XML. Decodes it
/// layer by layer, checks it as the gateway does, with its own code and in its order, and prints
/// each check and the answer. What only the running gateway knows (who is signed in, whether the ID
/// was used) is shown as branches.
///
/// Requests, logout messages and the cloud's link notification are checked as at their address; a
/// Response or an Assertion by our published certificates; metadata by the linter.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  skybridge explain 'https://sso.partner.example/acme/saml/sso?SAMLRequest=…&SigAlg=…&Signature=…'
  skybridge explain --tenant acme --file request.xml
  skybridge explain --tenant acme --json - < form.txt

Exit code: 0 if it would be answered with Success or with a page to sign in on, 1 if it would be
refused or declined, 2 if there is nothing to explain.")]
pub(super) struct Explain {
    /// The message, or the address that carries it; - for standard input
    #[arg(value_name = "MESSAGE", required_unless_present = "file", conflicts_with = "file")]
    message: Option<String>,
    /// Read the message from a file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The tenant, where neither an address names one nor the configuration has only one
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// The address at which it arrived, where the message does not say so: a posted form's
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// As if it were this time, such as 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string())
}

/// Exit code where there is nothing to explain.
const USAGE: u8 = 2;

impl Explain {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) => return Ok(complain(&error)),
        };
        let config = common.load()?;
        let clock: Arc<dyn Clock> = match self.at {
            Some(at) => Arc::new(ManualClock::at(at)),
            None => Arc::new(SystemClock),
        };
        let system = System { clock, random: Arc::new(SystemRandom) };
        let only = only_tenant(&config);
        let question = Question {
            text: &text,
            tenant: self.tenant.as_deref(),
            address: self.address.as_deref(),
            otherwise: only,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let explanation = match runtime.block_on(explain(&config, &system, question)) {
            Ok(explanation) => explanation,
            Err(ExplainError::Start(error)) => return Err(error.located(&common.config).into()),
            Err(ExplainError::Unexplained(error)) => return Ok(complain(&error)),
        };
        if self.json {
            writeln!(out, "{:#}", report(&explanation)?)?;
        } else {
            print(&explanation, Paint::for_terminal(colours()), out)?;
        }
        Ok(if explanation.is_welcome() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        // One more than can be taken, at most: what is longer is refused as too long.
        let most = limits::METADATA_BYTES as u64 + 1;
        let mut octets = Vec::new();
        match (&self.message, &self.file) {
            (Some(message), _) if message != "-" => octets.extend(message.as_bytes()),
            (_, Some(file)) => {
                let opened = std::fs::File::open(file).map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
                })?;
                opened.take(most).read_to_end(&mut octets)?;
            }
            _ => {
                io::stdin().lock().take(most).read_to_end(&mut octets)?;
            }
        }
        Ok(octets)
    }
}

/// Whether colours help: a terminal, whose owner does not say otherwise.
fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn complain(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(USAGE)
}

/// The tenant who is meant where there is no other.
fn only_tenant(config: &Config) -> Option<&str> {
    match &config.tenants[..] {
        [only] => Some(only.id.as_str()),
        _ => None,
    }
}

/// The explanation, and what the person in front of the browser reads where that is a refusal.
fn report(explanation: &Explanation) -> Result<Value, serde_json::Error> {
    let mut report = serde_json::to_value(explanation)?;
    report["welcome"] = json!(explanation.is_welcome());
    let branches = report["branches"].as_array_mut().into_iter().flatten();
    for (branch, shown) in branches.zip(&explanation.branches) {
        if let crate::sso::explain::Outcome::Refused { code, .. } = &shown.outcome {
            branch["page"] = read_by_people(*code);
        }
    }
    Ok(report)
}

fn read_by_people(code: Code) -> Value {
    let words = page::explain(code, Language::En);
    json!({ "title": words.title, "advice": words.advice, "owner": code.entry().owner.key() })
}
