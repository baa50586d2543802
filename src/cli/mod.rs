//! Main room: the command line. One file for each command; a new command is a file, a variant of
//! [`Command`] and a line in [`Command::run`].
//!
//! Results go to standard output, complaints to standard error. Exit codes: 0 done, 1 not done, 2
//! wrong usage; `reconcile` also 3, compared and something left; `metadata lint` also 3 and 4.
//! `explain` takes 1 for a message that would be refused, and 2 for what is none.

mod check;
#[cfg(feature = "fake-cloud")]
mod demo;
#[cfg(feature = "fake-cloud")]
mod demo_check;
mod explain;
#[cfg(feature = "fake-cloud")]
mod fake_cloud;
mod keys;
mod metadata;
mod reconcile;
mod serve;
mod sp;
mod user;
mod webhooks;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Faults};

const EXAMPLES: &str = "\
Examples:
  skybridge check --example > skybridge.toml        a file to begin with
  skybridge check                                   everything that is wrong with ./skybridge.toml
  skybridge check --config /etc/skybridge.toml --json
  skybridge keys new --tenant acme                  a signing key for a tenant
  skybridge metadata --tenant acme                  the file for the cloud's upload page
  skybridge metadata lint sp-metadata.xml           everything that is wrong with a file
  skybridge serve                                   the gateway
  skybridge sp add --tenant acme sp-metadata.xml    register a service provider
  skybridge explain 'https://…?SAMLRequest=…'       what becomes of a message, and why
  skybridge reconcile --tenant acme --dry-run       links here against the cloud's list
  skybridge user hash-password                      the hash of a local user's password

Every option of the file is explained in docs/configuration.md.";

/// From a partner's sales platform into the cloud console, over SAML 2.0.
#[derive(Debug, Parser)]
#[command(name = "skybridge", version, after_help = EXAMPLES, max_term_width = 100)]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Args, Debug)]
struct Common {
    /// The configuration file
    #[arg(
        long,
        global = true,
        env = "SKYBRIDGE_CONFIG",
        value_name = "FILE",
        default_value = "skybridge.toml"
    )]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    #[cfg(feature = "fake-cloud")]
    Demo(demo::Demo),
    Explain(explain::Explain),
    #[cfg(feature = "fake-cloud")]
    FakeCloud(fake_cloud::FakeCloudCommand),
    Keys(keys::Keys),
    Metadata(metadata::Metadata),
    Reconcile(reconcile::Reconcile),
    Serve(serve::Serve),
    Sp(sp::Sp),
    User(user::User),
    Webhooks(webhooks::Webhooks),
}

/// What a command comes to. An error is printed as it is, one line or more.
type Outcome = Result<ExitCode, Box<dyn Error>>;

/// Runs the command that the arguments of this process name.
pub fn run() -> ExitCode {
    let line = Line::parse();
    match line.command.run(&line.common, &mut io::stdout().lock()) {
        Ok(code) => code,
        // The reader of our output went away: `skybridge check | head`.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        match self {
            Self::Check(command) => command.run(common, out),
            #[cfg(feature = "fake-cloud")]
            Self::Demo(command) => command.run(out),
            Self::Explain(command) => command.run(common, out),
            #[cfg(feature = "fake-cloud")]
            Self::FakeCloud(command) => command.run(out),
            Self::Keys(command) => command.run(common, out),
            Self::Metadata(command) => command.run(common, out),
            Self::Reconcile(command) => command.run(common, out),
            Self::Serve(_) => serve::Serve::run(common),
            Self::Sp(command) => command.run(common, out),
            Self::User(command) => command.run(out),
            Self::Webhooks(command) => command.run(common, out),
        }
    }
}

impl Common {
    /// The configuration, or all of its faults.
    fn load(&self) -> Result<Config, Faults> {
        config::load(&self.config, &|name| std::env::var(name).ok())
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} is not explained", command.get_name());
            for argument in command.get_arguments() {
                let named = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{named:?} is not explained");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Line::command());
    }

    #[test]
    fn the_configuration_file_may_be_named_before_and_behind_the_command() {
        for line in
            [["skybridge", "--config", "x", "check"], ["skybridge", "check", "--config", "x"]]
        {
            let line = Line::try_parse_from(line).unwrap();
            assert_eq!(line.common.config, PathBuf::from("x"));
        }
    }
}
