//! `skybridge metadata`: a tenant's IDP Metadata.xml, for the cloud's upload page.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{Common, Outcome};
use crate::app::parts::{self, System};
use crate::app::system::{SystemClock, SystemRandom};

/// Print a tenant's IDP Metadata.xml
///
/// The same document is at /TENANT/saml/metadata of the running gateway. It holds public things
/// only.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  skybridge metadata --tenant acme > \"IDP Metadata.xml\"")]
pub(super) struct Metadata {
    /// The tenant
    #[arg(long, value_name = "ID")]
    tenant: String,
    /// The key whose SSO address and certificate it names; the active one if none is given
    #[arg(long, value_name = "KID")]
    kid: Option<String>,
}

impl Metadata {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let config = common.load()?;
        let system = System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let xml = runtime
            .block_on(parts::metadata(&config, &system, &self.tenant, self.kid.as_deref()))
            .map_err(|error| error.located(&common.config))?;
        out.write_all(xml.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
