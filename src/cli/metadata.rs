//! `skybridge metadata`: a tenant's IDP Metadata.xml, for the cloud's upload page; and what is
//! wrong with a service provider's.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{Common, Outcome};
use crate::app::parts::{self, System};
use crate::app::system::{SystemClock, SystemRandom};
use crate::clock::Clock as _;
use crate::limits;
use crate::saml::EntityId;
use crate::saml::lint::{Finding, Question, Severity, lint};
use crate::saml::sp_metadata::Lifetime;
use crate::sso::Shape;

/// Print a tenant's IDP Metadata.xml, or say what is wrong with a service provider's metadata
///
/// The printed document is also at /TENANT/saml/metadata of the running gateway, with ?rich or
/// ?signed as with the options. It holds public things only.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  skybridge metadata --tenant acme > \"IDP Metadata.xml\"\n  \
                  skybridge metadata lint sp-metadata.xml"
)]
pub(super) struct Metadata {
    #[command(subcommand)]
    command: Option<Command>,
    /// The tenant
    #[arg(long, value_name = "ID", required = true)]
    tenant: Option<String>,
    /// The key whose SSO address and certificate it names; the active one if none is given
    #[arg(long, value_name = "KID")]
    kid: Option<String>,
    /// The rich form, whatever the cloud's profile asks for
    #[arg(long, conflicts_with = "signed")]
    rich: bool,
    /// The rich form, signed and with an end
    #[arg(long)]
    signed: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lint(Lint),
}

/// Say everything that is wrong with a service provider's metadata
///
/// Each fault has a code, a line, a consequence and a fix; docs/metadata-faults.md lists them all.
/// Exit code: 0 if there is no more than advice, 3 if a part is not used or risky, 4 if the
/// metadata cannot be used, 1 if it cannot be looked at.
#[derive(Args, Debug)]
struct Lint {
    /// The file; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The service provider that is meant, where the file has several
    #[arg(long, value_name = "ENTITY_ID")]
    entity: Option<String>,
    /// Take any end of its validity, whatever the configuration's `clouds` say of it
    #[arg(long)]
    any_end: bool,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

impl Metadata {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        match (&self.command, &self.tenant) {
            (Some(Command::Lint(command)), _) => command.run(common, out),
            (None, Some(tenant)) => self.print(tenant, common, out),
            (None, None) => Err("expected --tenant ID".into()),
        }
    }

    fn print(&self, tenant: &str, common: &Common, out: &mut dyn Write) -> Outcome {
        let config = common.load()?;
        let system = System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shape = match (self.signed, self.rich) {
            (true, _) => Shape::Signed,
            (_, true) => Shape::Rich,
            _ => Shape::AsProfile,
        };
        let wanted = (self.kid.as_deref(), shape);
        let xml = runtime
            .block_on(parts::metadata(&config, &system, tenant, wanted))
            .map_err(|error| error.located(&common.config))?;
        out.write_all(xml.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Lint {
    fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let wanted = self.entity.as_deref().map(EntityId::parse).transpose()?;
        let octets = read(&self.file)?;
        let now = SystemClock.now();
        let lifetime = match (self.any_end, common.config.exists()) {
            (false, true) => parts::lifetime(&common.load()?),
            _ => Lifetime::default(),
        };
        let findings = lint(&octets, &Question { wanted: wanted.as_ref(), now, lifetime });
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
        } else {
            print(&findings, out)?;
        }
        Ok(match findings.iter().map(|finding| finding.fault.severity).min() {
            Some(Severity::Error) => ExitCode::from(4),
            Some(Severity::Warning) => ExitCode::from(3),
            Some(Severity::Advice) | None => ExitCode::SUCCESS,
        })
    }
}

/// The octets of a file, or of standard input; one more than can be taken, at most.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let most = limits::METADATA_BYTES as u64 + 1;
    let done = if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut octets)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(most).read_to_end(&mut octets))
    };
    done.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(octets)
}

/// Findings for people: a paragraph each, and a line that sums up.
pub(super) fn print(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        let fault = finding.fault;
        writeln!(out, "{fault} {}, line {}", fault.severity.name(), finding.line)?;
        writeln!(out, "  {}", fault.meaning)?;
        writeln!(out, "  here:     {}", finding.what)?;
        writeln!(out, "  so:       {}", fault.consequence)?;
        writeln!(out, "  to do:    {}\n", fault.fix)?;
    }
    let count = |severity| findings.iter().filter(|found| found.fault.severity == severity).count();
    let errors = count(Severity::Error);
    let can = if errors == 0 { "can be used" } else { "cannot be used" };
    let (warnings, advice) = (count(Severity::Warning), count(Severity::Advice));
    writeln!(out, "The metadata {can}: errors {errors}, warnings {warnings}, advice {advice}.")
}
