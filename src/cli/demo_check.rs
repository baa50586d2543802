//! `skybridge demo --check`: all journeys without a browser, for a partner's CI.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use secrecy::SecretString;

use super::Outcome;
use crate::app::parts::System;
use crate::demo::check::{self, Colour, Hop, Report, Target};

/// What `--check` does, and with whom.
#[derive(Args, Debug)]
#[command(next_help_heading = "Checking")]
pub(super) struct CheckArguments {
    /// Walk all journeys without a browser and end: 0 when everything went as it should, else 1
    #[arg(long)]
    check: bool,
    /// Write the report here: JSON, or `JUnit` where the name ends in .xml
    #[arg(long, value_name = "FILE", requires = "check")]
    report: Option<PathBuf>,
    /// Keep every message here, with the certificates that verify it
    #[arg(long, value_name = "DIR", requires = "check")]
    keep: Option<PathBuf>,
    /// Print the report as JSON instead of lines
    #[arg(long, requires = "check")]
    json: bool,
    /// Check the gateway at this address instead of the demo's own
    #[arg(long, value_name = "URL", requires_all = ["check", "cloud", "tenant"])]
    base_url: Option<String>,
    /// The simulated cloud that this gateway sends people to
    #[arg(long, value_name = "URL", requires = "base_url")]
    cloud: Option<String>,
    /// The tenant to check
    #[arg(long, value_name = "ID", requires = "base_url")]
    tenant: Option<String>,
    /// The tenant's API key
    // A key is random text, and may begin with a hyphen.
    #[arg(
        long,
        value_name = "KEY",
        env = "SKYBRIDGE_API_KEY",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    api_key: Option<String>,
    /// The partner's id of a customer with a cloud account
    #[arg(long, value_name = "ID", default_value = "cust-1001")]
    user: String,
    /// The partner's id of a customer without a cloud account
    #[arg(long, value_name = "ID", requires = "base_url")]
    new_user: Option<String>,
}

impl CheckArguments {
    /// Whether to check at all.
    pub(super) fn wanted(&self) -> bool {
        self.check
    }

    /// The deployed gateway, where one is named.
    pub(super) fn deployed(&self) -> Result<Option<Target>, String> {
        let (Some(base), Some(cloud), Some(tenant)) = (&self.base_url, &self.cloud, &self.tenant)
        else {
            return Ok(None);
        };
        let key = self.api_key.clone().map(SecretString::from);
        let key = key.ok_or("the API key is missing: --api-key or SKYBRIDGE_API_KEY")?;
        let new_user = self.new_user.as_deref();
        let both = (base.as_str(), cloud.as_str());
        Ok(Some(Target::deployed(both, tenant, Some(key), &self.user, new_user)))
    }

    /// Checks in a runtime of its own.
    pub(super) fn run(&self, target: Target, system: System, out: &mut dyn Write) -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.walk(target, system, out))
    }

    /// Checks, prints, writes what is asked for.
    pub(super) async fn walk(
        &self,
        target: Target,
        system: System,
        out: &mut dyn Write,
    ) -> Outcome {
        let report = check::run(target, system, self.watch()).await?;
        if self.json {
            write!(out, "{}", report.json())?;
        } else {
            writeln!(out, "\n{}", report.summary())?;
        }
        if let Some(file) = &self.report {
            write_report(&report, file)?;
        }
        if let Some(directory) = &self.keep {
            check::keep(&report, directory)
                .map_err(|error| format!("{}: {error}", directory.display()))?;
        }
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Prints each hop as it ends.
    fn watch(&self) -> Box<dyn FnMut(&Hop)> {
        if self.json {
            return Box::new(|_| {});
        }
        let colour = if io::stdout().is_terminal() { Colour::Always } else { Colour::Never };
        let mut case = String::new();
        Box::new(move |hop| {
            let mut out = io::stdout();
            let title = if hop.case == case { String::new() } else { format!("\n{}\n", hop.case) };
            case.clone_from(&hop.case);
            // A reader who went away learns the result from the exit code.
            _ = writeln!(out, "{title}{}", hop.line(colour));
        })
    }
}

fn write_report(report: &Report, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let xml = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
    let text = if xml { report.junit()? } else { report.json() };
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
}
