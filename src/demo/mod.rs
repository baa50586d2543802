//! Room demo (layer 6): gateway, simulated cloud and a small partner site on this machine, each at
//! an origin of its own, so that browsers treat them as three sites. `check` walks
//! through all journeys without a browser.

pub mod check;
mod home;
mod partner;
pub mod people;
mod settings;
mod ticket;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;
use url::Url;

pub use settings::StoreChoice;

use crate::app::fetch::HttpFetch;
use crate::app::gateway::Gateway;
use crate::app::parts::{self, StartError, System};
use crate::app::serve::{self, Listener};
use crate::app::shutdown::{Shutdown, on_signals};
use crate::cloud::registration::{Fetch, Registrations};
use crate::config::{self, Config};
use crate::fakecloud::{self, Accounts, Credentials, FakeCloud, Knobs, Provision};
use crate::random;
use crate::sso::Shape;
use home::{Home, Secrets};
use people::{CUSTOMERS, LOCAL_USERS};

/// The tenant whose customers come with a ticket.
pub const TENANT: &str = "acme";
/// The same store, for customers who open their cloud accounts on our page.
pub const DIRECT: &str = "acme-direct";
/// The tenant whose users sign in at the gateway.
pub const BRAVO: &str = "bravo";
/// The `kid` of the key that signs tickets.
const TICKET_KID: &str = "demo";
/// Ports of partner, gateway and cloud begin here unless told otherwise.
pub const PORT_BASE: u16 = 8080;
/// How often a free port for the gateway is looked for: another process may take it in between.
const TRIES: usize = 8;

/// How the demo is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Partner, gateway and cloud take this port and the two behind it; 0 takes free ones.
    pub port_base: u16,
    /// Where keys and configuration are kept; without it in a temporary directory.
    pub directory: Option<PathBuf>,
    /// Where short-lived state is kept.
    pub store: StoreChoice,
    /// How the cloud misbehaves from the start.
    pub knobs: Knobs,
}

/// The three origins.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The partner's site.
    pub partner: String,
    /// The gateway.
    pub gateway: String,
    /// The simulated cloud.
    pub cloud: String,
}

/// Why the demo does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken.
    #[error(
        "port {0} is taken on this machine. Choose others with --port-base (0 takes any that are \
         free)"
    )]
    PortTaken(u16),
    /// Something else could not be listened on.
    #[error(transparent)]
    Bind(serve::BindError),
    /// A file could not be written or read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("{0}")]
    Part(String),
}

impl Error {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

impl From<serve::BindError> for Error {
    fn from(error: serve::BindError) -> Self {
        if error.source.kind() == io::ErrorKind::AddrInUse {
            return Self::PortTaken(error.address.port());
        }
        Self::Bind(error)
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Bind(error) => error.into(),
            other => Self::Part(other.to_string()),
        }
    }
}

/// The running demo.
pub struct Demo {
    addresses: Addresses,
    home: Home,
    secrets: Secrets,
    registrations: Arc<Registrations>,
    shutdown: Shutdown,
    tasks: JoinSet<()>,
}

impl Demo {
    /// Starts all three. When it returns, a journey works from its first click to the console.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start(options: Options, system: System) -> Result<Self, Error> {
        let home = Home::open(options.directory.as_deref(), &system)?;
        let port = |offset: u16| match options.port_base {
            0 => 0,
            base => base.saturating_add(offset),
        };
        let partner = listen("partner", port(0)).await?;
        let cloud_listener = listen("fake-cloud", port(2)).await?;
        let origin = |name: &str, port: u16| format!("http://{name}.localhost:{port}");
        let mut addresses = Addresses {
            partner: origin("partner", partner.address().port()),
            gateway: String::new(),
            cloud: origin("cloud", cloud_listener.address().port()),
        };
        let secrets = home.furnish("gateway.localhost", &system)?;
        let cloud = cloud(&addresses.cloud, options.knobs, &system)?;

        let mut tries = 0;
        let (config, gateway) = loop {
            let port = free_or(port(1)).await?;
            addresses.gateway = origin("gateway", port);
            let text = settings::text(&addresses, port, options.store, &secrets.api_key, &system)?;
            let config = read(&home, &text)?;
            match Gateway::build(&config, system.clone(), None).await {
                Ok(gateway) => break (config, gateway),
                Err(StartError::Bind(_)) if options.port_base == 0 && tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        };
        let at_cloud = AtCloud { cloud: &cloud, addresses: &addresses, secrets: &secrets };
        at_cloud.provision(&config, &system).await?;

        let (shutdown, registrations) = (gateway.shutdown(), gateway.registrations());
        let mut tasks = JoinSet::new();
        let site = partner::Site::new(&addresses, &secrets, &system)?;
        for (listener, app) in [(partner, site.router()), (cloud_listener, cloud.router())] {
            let shutdown = shutdown.clone();
            tasks.spawn(async move {
                listener.serve(app, shutdown).await;
            });
        }
        refresh(&registrations).await?;
        tasks.spawn(async move {
            if let Err(error) = gateway.run().await {
                tracing::error!(%error, "the gateway ended");
            }
        });
        Ok(Self { addresses, home, secrets, registrations, shutdown, tasks })
    }

    /// The three origins.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Where keys and configuration are, and whether they go with the demo.
    #[must_use]
    pub fn directory(&self) -> (&Path, bool) {
        (self.home.path(), self.home.is_temporary())
    }

    /// Runs until a signal ends it.
    ///
    /// # Errors
    /// [`Error::Part`] when signals cannot be handled.
    pub async fn run(mut self) -> Result<(), Error> {
        let shutdown = self.shutdown.clone();
        tokio::select! {
            done = on_signals(shutdown) => done.map_err(|error| Error::Part(error.to_string())),
            () = async { while self.tasks.join_next().await.is_some() {} } => Ok(()),
        }
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.shutdown.begin();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The gateway's configuration as the demo would use it.
///
/// # Errors
/// [`Error`].
pub fn configuration(options: &Options, system: &System) -> Result<String, Error> {
    let home = Home::open(options.directory.as_deref(), system)?;
    let base = if options.port_base == 0 { PORT_BASE } else { options.port_base };
    let origin = |name: &str, offset| format!("http://{name}.localhost:{}", base + offset);
    let addresses = Addresses {
        partner: origin("partner", 0),
        gateway: origin("gateway", 1),
        cloud: origin("cloud", 2),
    };
    let secrets = home.furnish("gateway.localhost", system)?;
    let text = settings::text(&addresses, base + 1, options.store, &secrets.api_key, system)?;
    read(&home, &text)?;
    Ok(text)
}

/// What the cloud calls a tenant.
#[must_use]
pub fn account_type(tenant: &str) -> String {
    format!("{}_IDP", tenant.replace('-', "_"))
}

/// The id of a tenant's access key at the cloud.
fn access_key(tenant: &str) -> String {
    format!("DEMO-{}", tenant.to_uppercase())
}

async fn listen(name: &'static str, port: u16) -> Result<Listener, Error> {
    let options = serve::Options {
        name,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        max_connections: NonZeroU32::new(200).expect("200 is not 0"),
    };
    Ok(Listener::bind(options).await?)
}

/// A port that is free now, unless one is wanted.
async fn free_or(wanted: u16) -> Result<u16, Error> {
    if wanted != 0 {
        return Ok(wanted);
    }
    Ok(listen("probe", 0).await?.address().port())
}

/// Writes the configuration into the home and reads it as the gateway does.
fn read(home: &Home, text: &str) -> Result<Config, Error> {
    let path = home.write(home::CONFIG, text.as_bytes())?;
    config::parse(text, &path, &|name| std::env::var(name).ok())
        .map_err(|faults| Error::Part(faults.to_string()))
}

fn cloud(base: &str, knobs: Knobs, system: &System) -> Result<Arc<FakeCloud>, Error> {
    let part = |error: &dyn std::fmt::Display| Error::Part(error.to_string());
    let base = Url::parse(base).map_err(|error| part(&error))?;
    let options =
        fakecloud::Options::new(base, Arc::clone(&system.clock), Arc::clone(&system.random));
    FakeCloud::new(fakecloud::Options { knobs, ..options }).map_err(|error| part(&error))
}

/// What a person does on the cloud's page for partners.
struct AtCloud<'a> {
    cloud: &'a FakeCloud,
    addresses: &'a Addresses,
    secrets: &'a Secrets,
}

impl AtCloud<'_> {
    /// Hands the tenants' metadata and addresses to the cloud.
    async fn provision(&self, config: &Config, system: &System) -> Result<(), Error> {
        for tenant in [TENANT, DIRECT, BRAVO] {
            let people = CUSTOMERS.iter().chain(&LOCAL_USERS);
            let linked = people.filter(|person| person.tenant == tenant && person.linked);
            let accounts = Accounts::Bound(linked.map(|one| one.user_id.to_owned()).collect());
            let has_api = tenant != BRAVO;
            let Addresses { gateway, partner, .. } = self.addresses;
            let provision = Provision {
                metadata_xml: parts::metadata(config, system, tenant, (None, Shape::AsProfile))
                    .await?,
                callback_url: Some(format!("{gateway}/{tenant}/link-result")),
                bp_id: settings::bp_id(tenant),
                return_url: Some(format!("{partner}/")),
                wanted_account_type: Some(account_type(tenant)),
                accounts,
                credentials: has_api.then(|| self.credentials(tenant, system)),
            };
            let done = self.cloud.provision(&provision);
            done.map_err(|finding| Error::Part(finding.to_string()))?;
        }
        Ok(())
    }

    /// What the gateway calls the partner API with. Nobody signs in as the user.
    fn credentials(&self, tenant: &str, system: &System) -> Credentials {
        Credentials {
            access_key: access_key(tenant),
            secret_key: self.secrets.cloud_secret.expose_secret().to_owned(),
            user_name: "operator".to_owned(),
            password: random::token(&*system.random),
            domain_name: settings::bp_id(tenant),
        }
    }
}

/// Fetches the cloud's metadata and says what was wrong with it.
async fn refresh(registrations: &Registrations) -> Result<(), Error> {
    let fetch = HttpFetch::new().map_err(|error| Error::Part(error.to_string()))?;
    let fetch: Arc<dyn Fetch> = Arc::new(fetch);
    for report in registrations.refresh(&fetch).await {
        report.outcome.map_err(|failure| {
            Error::Part(format!("the cloud's metadata for {}: {failure}", report.tenant.as_str()))
        })?;
    }
    Ok(())
}
