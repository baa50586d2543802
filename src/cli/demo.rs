//! `skybridge demo`: gateway, simulated cloud and a partner's site on this machine, with one
//! command.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::Outcome;
use super::demo_check::CheckArguments;
use super::fake_cloud::KnobArguments;
use crate::app::log::Log;
use crate::app::parts::System;
use crate::app::system::{SystemClock, SystemRandom};
use crate::config::LogFormat;
use crate::demo::people::LOCAL_USERS;
use crate::demo::{self, Options, StoreChoice};

/// Try everything on this machine: gateway, simulated cloud, a partner's site
///
/// Needs nothing else. With `SKYBRIDGE_REDIS_URL` in the environment, sessions are kept in that
/// Redis.
#[derive(Args, Debug)]
pub(super) struct Demo {
    /// Partner, gateway and cloud take this port and the next two; 0 takes any that are free
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = demo::PORT_BASE,
        value_parser = clap::value_parser!(u16).range(..=65_533)
    )]
    port_base: u16,
    /// Keep keys and configuration here, and use what is there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print the gateway's configuration and end
    #[arg(long)]
    print_config: bool,
    /// What is logged to standard error
    #[arg(long, value_name = "LEVELS", default_value = "warn")]
    log: String,
    #[command(flatten)]
    check: CheckArguments,
    #[command(flatten)]
    knobs: KnobArguments,
}

impl Demo {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let _log = Log::start(LogFormat::Human, &self.log)?;
        let system = System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let options = Options {
            port_base: self.port_base,
            directory: self.dir.clone(),
            store: match std::env::var_os("SKYBRIDGE_REDIS_URL") {
                Some(_) => StoreChoice::Redis,
                None => StoreChoice::Memory,
            },
            knobs: self.knobs.knobs(),
        };
        if self.print_config {
            write!(out, "{}", demo::configuration(&options, &system)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(target) = self.check.deployed()? {
            return self.check.run(target, system, out);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = options.store;
            let demo = demo::Demo::start(options, system.clone()).await?;
            if self.check.wanted() {
                let target = demo.target()?;
                let checked = self.check.walk(target, system, out).await;
                demo.stop().await;
                return checked;
            }
            writeln!(out, "{}", welcome(&demo, store))?;
            out.flush()?;
            demo.run().await?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn welcome(demo: &demo::Demo, store: StoreChoice) -> String {
    let at = demo.addresses();
    let (directory, temporary) = demo.directory();
    let kept = if temporary { " (removed at the end; keep it with --dir)" } else { "" };
    let store = match store {
        StoreChoice::Memory => "in this process",
        StoreChoice::Redis => "in the Redis of SKYBRIDGE_REDIS_URL",
    };
    let users: Vec<String> = LOCAL_USERS
        .iter()
        .map(|user| format!("            {:<8}{}", user.login, user.password))
        .collect();
    format!(
        "\
Skybridge demo: everything is ready.

  partner   {partner}   a store with three customers: Alice, Bob and Erin
  gateway   {gateway}
  cloud     {cloud}   a simulator, with knobs and the last logins

  Try
    {partner}/
        click “Cloud console”: Alice has a cloud account; Bob gets or binds one at the cloud;
        Erin opens one on the gateway’s page, with a code from the cloud’s front page
    {cloud}/authui/saml/login?xAccountType=acme_IDP
        begin at the cloud, sign in at the store
    {gateway}/bravo/cloud
        another partner, whose users sign in here:
{users}

  Sessions are kept {store}.
  Keys and configuration: {directory}{kept}
  End it with Ctrl-C.",
        partner = at.partner,
        gateway = at.gateway,
        cloud = at.cloud,
        users = users.join("\n"),
        directory = directory.display(),
    )
}
