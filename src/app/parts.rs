//! Room app (layer 6): puts the rooms below together from a configuration: stores, keys, clouds,
//! journey. No sockets.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};

use super::ledger;
use super::partner_api::{self, Clients};
use super::records::Records;
use super::serve;
use super::shared_keys::SharedKeys;
use super::soap_calls::SoapCalls;
use crate::account::webhook::Hooks;
use crate::account::{Book, Creations, Remote, Remotes};
use crate::clock::Clock;
use crate::cloud::api::Client;
use crate::cloud::registrar::{Profiles, Registrar};
use crate::cloud::registration::{Registration, Registrations};
use crate::config::{self, Complaint, Config, KeyPlace, StoreUrl};
use crate::keys::{FileStore, KeyError, KeyStore, MasterKey, Rings};
use crate::limits;
use crate::random::Random;
use crate::saml::sp_metadata::{End, Lifetime};
use crate::sso::{Parts, SessionLife, Shape, SigningPool, Sso};
use crate::store::Ephemeral;
use crate::store::ledger::Ledger;
use crate::store::memory::Memory;
use crate::store::memory_ledger::MemoryLedger;
use crate::store::name_id::NameIds;
use crate::store::record::Tenant;
use crate::store::redis::{self, Redis};
use crate::store::tenancy::{Copies, Declaration};
use crate::store::uploads::Uploads;

/// What the gateway takes from the system.
#[derive(Clone)]
pub struct System {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub random: Arc<dyn Random>,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something that the configuration declares cannot be built.
    #[error("{}", list(.0))]
    Declared(Vec<Complaint>),
    /// An address cannot be listened on.
    #[error("{0}")]
    Bind(#[from] serve::BindError),
    /// Anything else that must be there at start.
    #[error("{0}")]
    Part(String),
}

impl StartError {
    /// The same error with lines and columns of the file, where it is about the file.
    #[must_use]
    pub fn located(self, file: &Path) -> String {
        match self {
            Self::Declared(complaints) => config::locate(file, complaints).to_string(),
            other => other.to_string(),
        }
    }
}

fn list(complaints: &[Complaint]) -> String {
    let line = |c: &Complaint| format!("{}: expected {}, found {}", c.path, c.expected, c.found);
    complaints.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The rooms below, put together.
pub struct Assembly {
    /// The journey.
    pub sso: Arc<Sso>,
    /// Customers and their links.
    pub book: Arc<Book>,
    /// The store under it, for readiness.
    pub store: Arc<dyn Ephemeral>,
    /// Where partners want to be told.
    pub hooks: Hooks,
    /// The keys, for reloading.
    pub rings: Arc<Rings>,
    /// The service providers' metadata, for refreshing; nothing is loaded yet.
    pub registrations: Arc<Registrations>,
    /// Who registers further ones; nothing is taken up yet.
    pub registrar: Arc<Registrar>,
    /// The clouds' partner APIs.
    pub partner_apis: Clients,
    /// What the configuration says about each tenant, for the ledger.
    pub declared: Vec<Declaration>,
}

impl Assembly {
    /// Builds everything that the configuration declares.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn of(
        config: &Config,
        system: &System,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Self, StartError> {
        let records = Records::of(config).map_err(StartError::Declared)?;
        warn(&records);
        let store = store(config, system)?;
        let partner_apis = partner_api::clients(records.partner_apis, &store, system)?;
        let rings = Arc::new(rings(config)?);
        let cache = config.clouds.metadata_cache.as_ref().map(|path| path.as_path().to_owned());
        let lifetime = lifetime(config);
        let registrations =
            Registrations::new(records.registrations, cache, Arc::clone(&system.clock))
                .with_lifetime(lifetime)
                .with_history(Arc::clone(&ledger) as Arc<dyn Copies>);
        let registrations = Arc::new(registrations);
        let registrar = Arc::new(Registrar::new(
            Arc::clone(&ledger) as Arc<dyn Uploads>,
            Arc::clone(&registrations),
            Profiles { named: records.profiles, of_tenants: records.clouds.clone() },
            lifetime,
            Arc::clone(&system.clock),
        ));
        let declared = records.directory.tenants().map(|tenant| declaration(tenant)).collect();
        let name_ids: Arc<dyn NameIds> = Arc::<dyn Ledger>::clone(&ledger);
        let book = Book::new(ledger, Arc::clone(&system.clock), Arc::clone(&system.random));
        let book = Arc::new(book);
        let creations = Arc::new(Creations::new(
            Arc::clone(&book),
            remotes(&partner_apis),
            Arc::clone(&system.clock),
            Arc::clone(&system.random),
        ));
        let part = |error: reqwest::Error| StartError::Part(error.to_string());
        let sso = Arc::new(Sso::new(Parts {
            book: Arc::clone(&book),
            name_ids,
            creations,
            own_pages: records.own_pages,
            base_url: config.server.base_url.origin().to_owned(),
            clock: Arc::clone(&system.clock),
            random: Arc::clone(&system.random),
            store: Arc::clone(&store),
            directory: Arc::new(records.directory),
            clouds: records.clouds,
            registrations: Arc::clone(&registrations),
            rings: Arc::clone(&rings),
            pool: pool(),
            partners: records.partners,
            journeys_per_address: config.server.journeys_per_address,
            back_channel: Arc::new(SoapCalls::new().map_err(part)?),
            session_life: SessionLife {
                idle: config.session.idle,
                absolute: config.session.absolute,
            },
            seed: *config.keys.master_key.expose(),
        }));
        let hooks = records.hooks;
        Ok(Self {
            sso,
            book,
            store,
            hooks,
            rings,
            registrations,
            registrar,
            partner_apis,
            declared,
        })
    }
}

/// Says what an operator should know, though it is followed.
fn warn(records: &Records) {
    for Registration { tenant, profile, .. } in &records.registrations {
        if let Some(warning) = profile.response.warning() {
            let profile = &profile.name;
            tracing::warn!(%tenant, %profile, warning, "weak encryption allowed");
        }
    }
    for tenant in records.directory.tenants() {
        let (id, long) = (&tenant.id, tenant.entity_id.as_str().chars().count());
        if long > limits::OWN_ENTITY_ID_CHARS {
            let warning = "service providers need not take more than 256 characters (SDP-G04)";
            tracing::warn!(tenant = %id, characters = long, warning, "long entityID");
        }
    }
}

/// How long metadata may say that it is valid.
pub fn lifetime(config: &Config) -> Lifetime {
    Lifetime {
        longest: config.clouds.metadata_valid_within,
        end: match config.clouds.metadata_valid_until {
            config::MetadataEnd::Optional => End::Optional,
            config::MetadataEnd::Required => End::Required,
        },
    }
}

fn remotes(clients: &Clients) -> Remotes {
    Remotes::new(clients.iter().map(|(tenant, client)| {
        let remote: Arc<dyn Remote> = Arc::<Client>::clone(client);
        (tenant.clone(), remote)
    }))
}

/// A tenant's IDP Metadata.xml, without a running gateway.
///
/// # Errors
/// [`StartError`], or why the tenant has no such metadata.
pub async fn metadata(
    config: &Config,
    system: &System,
    tenant: &str,
    (kid, shape): (Option<&str>, Shape),
) -> Result<String, StartError> {
    let part = |refusal: crate::refusal::Refusal| StartError::Part(refusal.to_string());
    let nobody = Arc::new(MemoryLedger::default());
    let Assembly { sso, .. } = Assembly::of(config, system, nobody)?;
    let visit = sso.visit(tenant).await.map_err(part)?;
    sso.metadata(&visit, kid, shape).await.map_err(part)
}

fn store(config: &Config, system: &System) -> Result<Arc<dyn Ephemeral>, StartError> {
    match &config.store.url {
        StoreUrl::Memory => Ok(Arc::new(Memory::new(Arc::clone(&system.clock)))),
        StoreUrl::Redis(url) => {
            let options = redis::Options {
                url: url.clone(),
                prefix: format!("{}:", config.store.prefix),
                ca_file: config.store.ca_file.as_ref().map(|path| path.as_path().to_owned()),
                sentinel_login: config.store.sentinel_password.as_ref().map(|password| {
                    let user = config.store.sentinel_user.as_ref();
                    redis::Login {
                        user: user.map(|user| user.as_str().to_owned()),
                        password: password.as_secret().clone(),
                    }
                }),
            };
            let store = Redis::new(&options);
            Ok(Arc::new(store.map_err(|error| StartError::Part(error.to_string()))?))
        }
    }
}

/// What a tenant is, in short: another text after every change that the rooms below see.
fn declaration(tenant: &Tenant) -> Declaration {
    let digest = digest::digest(&SHA256, format!("{tenant:?}").as_bytes());
    Declaration { tenant: tenant.id.clone(), digest: hex::encode(digest) }
}

/// Where the configuration keeps the keys.
///
/// # Errors
/// [`KeyError`].
pub fn key_store(config: &Config) -> Result<Arc<dyn KeyStore>, KeyError> {
    match (config.keys.kept_in, ledger::options(&config.ledger)) {
        (KeyPlace::Directory, _) => Ok(Arc::new(FileStore::new(config.keys.directory.as_path()))),
        (KeyPlace::Ledger, Some(options)) => Ok(Arc::new(SharedKeys::open(&options)?)),
        (KeyPlace::Ledger, None) => Err(KeyError::Shared("the ledger is no database".to_owned())),
    }
}

fn rings(config: &Config) -> Result<Rings, StartError> {
    let part = |error: KeyError| StartError::Part(error.to_string());
    let master = MasterKey::from_bytes(config.keys.master_key.expose()).map_err(part)?;
    let (rings, found) = Rings::open(key_store(config).map_err(part)?, master).map_err(part)?;
    for (tenant, problem) in &found.problems {
        tracing::error!(tenant, %problem, "signing keys cannot be used");
    }
    Ok(rings)
}

/// As many signatures at once as there are cores. 64 more may wait: with two cores about 20 ms of
/// work.
fn pool() -> SigningPool {
    SigningPool::new(cores(), 64)
}

/// How many threads shall answer: one more than can be busy with signatures.
#[must_use]
pub fn threads() -> usize {
    cores() + 1
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
