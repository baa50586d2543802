//! `skybridge sp`: the service providers that are registered by upload. The running gateway uses
//! what changes here within ten seconds.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use time::format_description::well_known::Rfc3339;

use super::metadata::{print, read};
use super::{Common, Outcome};
use crate::app::ledger;
use crate::app::parts::{Assembly, System};
use crate::app::system::{SystemClock, SystemRandom};
use crate::cloud::Registrar;
use crate::cloud::registrar::{Application, Change, Declined, Review, Settings};
use crate::config::LedgerUrl;
use crate::saml::EntityId;
use crate::store::record::TenantId;

/// Who did it, as the history says.
const AUTHOR: &str = "command line";

/// Register service providers by their metadata, see what would change, and remove them
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  skybridge sp diff --tenant acme sp-metadata.xml\n  \
                        skybridge sp add --tenant acme sp-metadata.xml --profile generic\n\n\
                        Exit code: 0 done, 1 not done, 4 the metadata cannot be used.")]
pub(super) struct Sp {
    /// The tenant
    #[arg(long, global = true, value_name = "ID", default_value = "")]
    tenant: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a service provider, or change it; tells what is wrong and what differs
    Add(Upload),
    /// Tell what `add` would change, and change nothing
    Diff(Upload),
    /// List what was uploaded: entityID, version, when, by whom
    List,
    /// Show an uploaded service provider and every version of it
    Show {
        /// Its entityID
        #[arg(value_name = "ENTITY_ID")]
        entity: String,
    },
    /// Remove an uploaded service provider; its history stays
    Remove {
        /// Its entityID
        #[arg(value_name = "ENTITY_ID")]
        entity: String,
    },
}

#[derive(Args, Debug)]
struct Upload {
    /// Its metadata; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its entityID, where the file has several
    #[arg(long, value_name = "ENTITY_ID")]
    entity: Option<String>,
    /// The profile that says what it may ask and what it gets; without it, the tenant's cloud
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Whether its requests must be signed; without it, the profile decides
    #[arg(long, value_name = "true|false")]
    require_signed_requests: Option<bool>,
    /// Let people be sent to it without it having asked, as `unsolicited` in the configuration
    /// does. Whoever can make a browser open an address can then sign its person in there; an
    /// upload without this turns it off again
    #[arg(long)]
    unsolicited: bool,
    /// What it may then be given as relay state, besides none; once for each text
    #[arg(long = "relay-state", value_name = "TEXT", requires = "unsolicited")]
    relay_states: Vec<String>,
}

impl Sp {
    pub(super) fn run(&self, common: &Common, out: &mut dyn Write) -> Outcome {
        let config = common.load()?;
        if matches!(config.ledger.url, LedgerUrl::Memory) {
            return Err("the ledger is in memory: only the running gateway knows what was \
                        uploaded; ask it at /api/v1/TENANT/sp"
                .into());
        }
        let named = self.tenant.as_str();
        let known = config.tenants.iter().any(|tenant| tenant.id.as_str() == named);
        let tenant = TenantId::parse(named).filter(|_| known);
        let tenant = tenant.ok_or_else(|| {
            format!("expected --tenant with a tenant of the configuration, found {named:?}")
        })?;
        let system = System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let located = |error: crate::app::parts::StartError| error.located(&common.config);
            let ledger = ledger::open(&config.ledger).await.map_err(located)?;
            let built = tokio::task::block_in_place(|| Assembly::of(&config, &system, ledger));
            let Assembly { registrar, registrations, .. } = built.map_err(located)?;
            // What the configuration declares is not uploaded.
            registrations.restore().await;
            self.work(&registrar, &tenant, out).await
        })
    }

    async fn work(&self, registrar: &Registrar, tenant: &TenantId, out: &mut dyn Write) -> Outcome {
        match &self.command {
            Command::Add(upload) => upload.work(registrar, (tenant, Mode::Keep), out).await,
            Command::Diff(upload) => upload.work(registrar, (tenant, Mode::Look), out).await,
            Command::List => {
                for one in registrar.list(tenant).await? {
                    let at = one.at.format(&Rfc3339).unwrap_or_default();
                    writeln!(out, "{}\t{}\t{at}\t{}", one.entity_id, one.version, one.author)?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Show { entity } => show(registrar, (tenant, entity), out).await,
            Command::Remove { entity } => {
                let entity_id = EntityId::parse(entity)?;
                if registrar.remove(tenant, &entity_id, AUTHOR).await? {
                    writeln!(out, "removed {entity_id}")?;
                    return Ok(ExitCode::SUCCESS);
                }
                Err(format!("{entity:?} was not uploaded, or is removed").into())
            }
        }
    }
}

/// Whether an upload is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Keep,
    Look,
}

impl Upload {
    async fn work(
        &self,
        registrar: &Registrar,
        (tenant, mode): (&TenantId, Mode),
        out: &mut dyn Write,
    ) -> Outcome {
        let wanted = self.entity.as_deref().map(EntityId::parse).transpose()?;
        let document = read(&self.file)?;
        let application = Application {
            tenant,
            wanted: wanted.as_ref(),
            document: &document,
            settings: Settings {
                profile: self.profile.clone(),
                signed_requests: self.require_signed_requests,
                unsolicited: self.unsolicited.then(|| self.relay_states.clone()),
            },
        };
        let review = match mode {
            Mode::Keep => registrar.register(&application, AUTHOR).await,
            Mode::Look => registrar.review(&application).await,
        };
        match review {
            Ok(review) => {
                print(&review.findings, out)?;
                tell(&review, mode, out)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(Declined::Metadata(findings)) => {
                print(&findings, out)?;
                Ok(ExitCode::from(4))
            }
            Err(other) => Err(other.into()),
        }
    }
}

fn tell(review: &Review, mode: Mode, out: &mut dyn Write) -> std::io::Result<()> {
    for difference in &review.differences {
        let sign = if difference.change == Change::Added { '+' } else { '-' };
        writeln!(out, "{sign} {}: {}", difference.line.what, difference.line.value)?;
    }
    let is = if mode == Mode::Keep { "is" } else { "would be" };
    let new = if review.is_new { ", new" } else { "" };
    writeln!(out, "{} {is} registered as version {}{new}", review.entity_id, review.version)
}

async fn show(
    registrar: &Registrar,
    (tenant, entity): (&TenantId, &str),
    out: &mut dyn Write,
) -> Outcome {
    let history = registrar.history(tenant, &EntityId::parse(entity)?).await?;
    let Some(last) = history.last() else { return Err("it was never uploaded".into()) };
    if last.metadata.is_some() {
        match registrar.portrait(last) {
            Ok(lines) => {
                for line in lines {
                    writeln!(out, "{}: {}", line.what, line.value)?;
                }
            }
            Err(error) => writeln!(out, "not used: {error}")?,
        }
    }
    for version in &history {
        let at = version.at.format(&Rfc3339).unwrap_or_default();
        let what = if version.metadata.is_some() { "registered" } else { "removed" };
        writeln!(out, "version {}: {what} {at} by {}", version.version, version.author)?;
    }
    Ok(ExitCode::SUCCESS)
}
