//! A whole gateway in this process, without sockets: configuration text in, router out. Its clock
//! stands still until a test moves it; keys, service providers, partners and people are the test's
//! own.

pub(crate) mod browser;
pub(crate) mod callee;
pub(crate) mod cloud;
pub(crate) mod enveloped;
pub(crate) mod hostile;
pub(crate) mod leaver;
pub(crate) mod material;
pub(crate) mod process;
pub(crate) mod ticket;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use skybridge::account::Creations;
use skybridge::app::log::log_request;
use skybridge::app::parts::{Assembly, System};
use skybridge::app::proxy::{Proxies, see_client};
use skybridge::app::serve::Peer;
use skybridge::app::system::SystemRandom;
use skybridge::clock::{Clock as _, ManualClock};
use skybridge::cloud::registration::Registrations;
use skybridge::config;
use skybridge::http;
use skybridge::journey::Transport;
use skybridge::keys::{FileStore, Kid, Locksmith, MasterKey};
use skybridge::sso::Sso;
use skybridge::sso::explain::{Explanation, Question, Unexplained};
use skybridge::store::Ephemeral;
use skybridge::store::ledger::Ledger;
use skybridge::store::memory_ledger::MemoryLedger;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

use self::browser::Browser;
use self::cloud::{CN, KEYLESS, SEALED, SP};
use super::redis::{PREFIX, RedisServer};
use super::redis_groups::SentinelGroup;

/// Where the gateway's clock stands first.
pub(crate) const START: OffsetDateTime = datetime!(2026-01-02 03:04:05.678 UTC);
/// Scheme, host and port of the gateway, from its configuration.
pub(crate) const BASE: &str = "https://gateway.example";
/// Acme's API key.
pub(crate) const API_KEY: &str = "sk-acme-0123456789abcdef0123456789abcdef";
/// Acme's key for the time after.
pub(crate) const NEXT_API_KEY: &str = "sk-acme-fedcba9876543210fedcba9876543210";
/// A key of acme's that can only ask for tickets.
pub(crate) const TICKETS_API_KEY: &str = "sk-acme-tickets-0123456789abcdef01234567";
/// A key of acme's that registers service providers.
pub(crate) const SP_API_KEY: &str = "sk-acme-providers-0123456789abcdef012345";
/// The password of every local user.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// What the nodes of one gateway share.
const MASTER: [u8; 32] = [7; 32];

/// A gateway under test.
pub(crate) struct TestGateway {
    /// Its time.
    pub(crate) clock: Arc<ManualClock>,
    /// What it remembers for minutes to hours.
    pub(crate) store: Arc<dyn Ephemeral>,
    /// Acme's keys: the active one and the next.
    pub(crate) kids: [Kid; 2],
    /// What creates accounts at the cloud. Nobody works with it unless a test does.
    pub(crate) creations: Arc<Creations>,
    /// The service providers that it knows.
    pub(crate) registrations: Arc<Registrations>,
    sso: Arc<Sso>,
    router: Router,
    folder: TempDir,
}

impl TestGateway {
    /// A gateway that remembers in memory.
    pub(crate) async fn new() -> Self {
        Self::with("memory", Arc::new(MemoryLedger::default()), (NO_CLOUD, &[]), at_start()).await
    }

    /// A gateway that calls a cloud's partner API.
    #[cfg(feature = "fake-cloud")]
    pub(crate) async fn calling(cloud: &str, clock: Arc<ManualClock>) -> Self {
        Self::with("memory", Arc::new(MemoryLedger::default()), (cloud, &[]), clock).await
    }

    /// A gateway that knows more services of bravo's, by their metadata.
    pub(crate) async fn knowing(more: &[String]) -> Self {
        let ledger = Arc::new(MemoryLedger::default());
        Self::with("memory", ledger, (NO_CLOUD, more), at_start()).await
    }

    /// A gateway, or one more node of one, that remembers in that Redis.
    pub(crate) async fn at(redis: &RedisServer) -> Self {
        Self::on(redis, Arc::new(MemoryLedger::default())).await
    }

    /// The same whose links are in that ledger.
    pub(crate) async fn on(redis: &RedisServer, ledger: Arc<dyn Ledger>) -> Self {
        Self::with(&redis.url(), ledger, (NO_CLOUD, &[]), at_start()).await
    }

    /// A gateway, or one more node of one, whose store is whatever the Sentinels say.
    pub(crate) async fn watching(group: &SentinelGroup, ledger: Arc<dyn Ledger>) -> Self {
        Self::with(&group.url(), ledger, (NO_CLOUD, &[]), at_start()).await
    }

    async fn with(
        store: &str,
        ledger: Arc<dyn Ledger>,
        (cloud, more): (&str, &[String]),
        clock: Arc<ManualClock>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kids = write_files(folder.path(), &clock);
        let mut text = configuration().replace(NO_CLOUD, cloud);
        for (number, metadata) in more.iter().enumerate() {
            let file = format!("more-{number}.xml");
            fs::write(folder.path().join(&file), metadata).unwrap();
            text = text.replace(&leavers(), &[leavers(), leaves_by_messages(&file)].concat());
        }
        if store.contains("+sentinel") {
            text = text.replace("[store]\n", &format!("[store]\n{SENTINELS}"));
        }
        let hash = material::password_hash();
        let master = material::base64(&MASTER);
        let env = |name: &str| match name {
            "STORE" => Some(store.to_owned()),
            "SENTINELS" => Some(super::redis::PASSWORD.to_owned()),
            "HASH" => Some(hash.clone()),
            "MASTER" => Some(master.clone()),
            "PARTNER_SECRET" => Some("sk-of-the-partner".to_owned()),
            _ => None,
        };
        let config = config::parse(&text, &folder.path().join("gateway.toml"), &env)
            .unwrap_or_else(|faults| panic!("{faults}"));
        let system = System { clock: clock.clone(), random: Arc::new(SystemRandom) };
        let built =
            Assembly::of(&config, &system, ledger).unwrap_or_else(|error| panic!("{error}"));
        let Assembly { sso, book, store, registrations, registrar, .. } = built;
        for report in registrations.restore().await {
            assert!(report.outcome.is_ok(), "{report:?}");
        }
        let creations = Arc::clone(sso.creations());
        let journey = Arc::clone(&sso);
        let addresses = http::router(http::Gateway {
            sso,
            book,
            registrar,
            upload_bytes: config.clouds.metadata_upload_bytes,
            clock: clock.clone(),
            request_timeout: config.server.request_timeout,
            strict_transport: config.server.base_url.is_https(),
        });
        let proxies = Proxies::new(&config.server.trusted_proxies);
        let router = addresses
            .layer(from_fn_with_state(system.random, log_request))
            .layer(from_fn_with_state(proxies, see_client));
        Self { clock, store, kids, creations, registrations, sso: journey, router, folder }
    }

    /// What would become of a message, by its address where it does not name one.
    pub(crate) async fn explain(&self, text: &str, address: &str) -> Explanation {
        let asked = self.ask(text.as_bytes(), Some(&format!("{BASE}{address}"))).await;
        asked.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The same for a tenant whom no address names.
    pub(crate) async fn ask_for(
        &self,
        tenant: &str,
        text: &[u8],
    ) -> Result<Explanation, Unexplained> {
        let tenant = Some(tenant);
        self.sso.explain(Question { text, address: None, tenant, otherwise: None }).await
    }

    /// The same, or why there is nothing to explain.
    pub(crate) async fn ask(
        &self,
        text: &[u8],
        address: Option<&str>,
    ) -> Result<Explanation, Unexplained> {
        let question = Question { text, address, tenant: None, otherwise: None };
        self.sso.explain(question).await
    }

    /// A browser that has never been here.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone(), SocketAddr::from(([203, 0, 113, 9], 50_000)))
    }

    /// A browser at another address.
    pub(crate) fn browser_at(&self, address: &str) -> Browser {
        Browser::new(self.router.clone(), address.parse().unwrap())
    }

    /// Answers real browsers, from now on, at this port of this machine. Not its [`BASE`], but its
    /// own addresses are relative.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let peer =
            Peer { address: SocketAddr::from(([127, 0, 0, 1], 50_000)), transport: Transport::Tls };
        let router = self.router.clone().layer(axum::Extension(peer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    /// The time.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Moves the clock on.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.advance(time::Duration::seconds(seconds));
    }

    /// Where the certificate of every tenant's active key lies, as PEM.
    pub(crate) fn certificate_file(&self) -> std::path::PathBuf {
        self.folder.path().join("idp.pem")
    }

    /// Where the certificate of acme's next key lies, as PEM.
    pub(crate) fn next_certificate_file(&self) -> std::path::PathBuf {
        self.folder.path().join("next.pem")
    }
}

fn at_start() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

/// Writes keys and metadata; gives the names of the keys of acme's that may sign.
fn write_files(folder: &Path, clock: &ManualClock) -> [Kid; 2] {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let [active, next] = [material::idp(), material::idp_next()];
    write("idp.pem", &active.certificate_pem);
    write("next.pem", &next.certificate_pem);
    write("cloud.xml", &CN.metadata());
    write("sp.xml", &SP.metadata());
    for leaver in leaver::ALL {
        write(&format!("{}.xml", leaver.name), &leaver.metadata());
    }
    write("sealed.xml", &SEALED.metadata());
    write("keyless.xml", &KEYLESS.metadata());
    let generic = include_str!("../../metadata/generic/profile.toml");
    fs::create_dir_all(folder.join("clouds/sealed-only")).unwrap();
    let sealed = generic
        .replace("\"when-possible\"", "\"always\"\nallow_cbc = true")
        .replace("\"page-then-service\"", "\"service\"");
    write("clouds/sealed-only/profile.toml", &sealed);
    fs::create_dir_all(folder.join("clouds/federated")).unwrap();
    write("clouds/federated/profile.toml", &federated(generic));
    fs::create_dir_all(folder.join("clouds/response-only")).unwrap();
    let outside = generic.replace("sign = \"both\"", "sign = \"response\"");
    write("clouds/response-only/profile.toml", &outside);
    for key in ticket::keys() {
        write(&format!("{}.pem", key.id), &key.public_pem);
    }
    let store = FileStore::new(folder.join("keys"));
    let master = MasterKey::from_bytes(&MASTER).unwrap();
    let smith = Locksmith { store: &store, master: &master, clock, random: &SystemRandom };
    let add = |tenant: &str, key: &material::Pair| {
        smith.import(tenant, &key.private_pem, &key.certificate_pem).unwrap().kid
    };
    for tenant in ["bravo", "closed", "delta", "generic"] {
        add(tenant, active);
    }
    write("idp-ec.pem", &material::idp_ec().certificate_pem);
    for tenant in ["delta", "generic"] {
        write(&format!("{tenant}.ec.kid"), add(tenant, material::idp_ec()).as_str());
    }
    let kids = [add("acme", active), add("acme", next)];
    let retired = add("acme", material::idp_retired());
    smith.retire("acme", &retired).unwrap();
    fs::write(folder.join("retired.kid"), retired.as_str()).unwrap();
    kids
}

/// A profile that gives the partner's own attributes to those who request them, one of them within
/// a category only, in assertions for one use.
fn federated(generic: &str) -> String {
    let attribute = |name: &str, given_as: &str, more: &str| {
        format!(
            "[[attribute]]\nname = \"{name}\"\nsource = \"given\"\ngiven_as = \"{given_as}\"\n\
             presence = \"optional\"\nmax_values = 8\nmax_chars = 64\npattern = \"text\"\n{more}\n"
        )
    };
    let category = "only_for = { \"http://macedir.org/entity-category\" = \
                    [\"http://refeds.org/category/research-and-scholarship\"] }";
    let own = [
        attribute("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "groups", category),
        attribute("urn:oid:2.5.4.11", "unit", ""),
    ];
    generic
        .replace("sign = \"both\"", "sign = \"both\"\nrelease = \"requested\"\nuses = \"one\"")
        .replace("[logout]", &format!("{}[logout]", own.concat()))
}

impl TestGateway {
    /// The name of the EC key of the tenant `generic` or `delta`, which follows the active one.
    pub(crate) fn ec_kid(&self, tenant: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{tenant}.ec.kid"))).unwrap()
    }

    /// Where the certificate of that key lies, as PEM.
    pub(crate) fn ec_certificate_file(&self) -> std::path::PathBuf {
        self.folder.path().join("idp-ec.pem")
    }

    /// The name of a key of acme's that is retired.
    pub(crate) fn retired_kid(&self) -> String {
        fs::read_to_string(self.folder.path().join("retired.kid")).unwrap()
    }
}

fn configuration() -> String {
    let mut text = format!(
        "[server]\nbase_url = \"{BASE}\"\ntrusted_proxies = [\"10.0.0.1\"]\n\
         journeys_per_address = 1000\n\
         [store]\nurl = {{ env = \"STORE\" }}\nprefix = \"{}\"\n\
         [clouds]\ndirectory = \"clouds\"\n\
         [keys]\ndirectory = \"keys\"\nmaster_key = {{ env = \"MASTER\" }}\n\
         [session]\nidle = \"30m\"\nabsolute = \"8h\"\n",
        PREFIX.trim_end_matches(':'),
    );
    for tenant in ["acme", "bravo", "closed", "delta", "generic"] {
        let cloud = if tenant == "generic" { "generic" } else { "huawei-cn" };
        let file = if tenant == "generic" { "sp.xml" } else { "cloud.xml" };
        write!(
            text,
            "[[tenant]]\nid = \"{tenant}\"\nfirst_login = \"{}\"\nname = \"{tenant} Store\"\nname_zh = \"{tenant} 商城\"\n\
             enabled = {}\ncloud = \"{cloud}\"\nx_account_type = \"{tenant}_IDP\"\n\
             bp_id = \"bp-{tenant}\"\nportal_url = \"https://{tenant}.example/\"\n\
             sign_in = \"{}\"\npartner_login_url = \"https://{tenant}.example/login?from=cloud\"\n\
             contact_email = \"sso@partner.example\"\n\
             assume_linked = {}\n[[tenant.service_provider]]\nmetadata = \"{file}\"\n",
            if tenant == "delta" { "here" } else { "cloud" },
            tenant != "closed",
            if tenant == "bravo" { "local" } else { "partner" },
            tenant == "generic",
        )
        .unwrap();
        text.push_str(&match tenant {
            "acme" => [PUBLISHED.to_owned(), partner()].concat(),
            "bravo" => [PLAIN_SP.to_owned(), leavers(), users()].concat(),
            "generic" => [ENCRYPTED_SPS.to_owned(), partner()].concat(),
            "delta" => [PARTNER_API.to_owned(), partner()].concat(),
            _ => partner(),
        });
    }
    text
}

/// Who the gateway is at the Sentinels.
const SENTINELS: &str =
    "sentinel_user = \"watcher\"\nsentinel_password = { env = \"SENTINELS\" }\n";
/// What acme publishes about itself.
const PUBLISHED: &str = "[tenant.metadata]\nscopes = [\"partner.example\"]\n\
                         logo_url = \"https://partner.example/logo.png\"\n";
/// A service of bravo's beside the cloud, with a profile of its own, and one that is switched off.
const PLAIN_SP: &str = "[[tenant.service_provider]]\nmetadata = \"sp.xml\"\nprofile = \"generic\"\n\
     unsolicited = true\n\
     relay_states = [\"https://sp.example/start\"]\n\
     [[tenant.service_provider]]\nmetadata = \"sealed.xml\"\nprofile = \"generic\"\n\
     unsolicited = true\nenabled = false\n";
/// Services of bravo's that log out by messages.
fn leavers() -> String {
    let mut text = String::new();
    for leaver in leaver::ALL {
        text.push_str(&leaves_by_messages(&format!("{}.xml", leaver.name)));
    }
    text
}

fn leaves_by_messages(file: &str) -> String {
    format!("[[tenant.service_provider]]\nmetadata = \"{file}\"\nprofile = \"generic\"\n")
}

/// Services of generic's that are encrypted for: where it is possible, and always.
const ENCRYPTED_SPS: &str = "[[tenant.service_provider]]\nmetadata = \"sealed.xml\"\n\
                             [[tenant.service_provider]]\nmetadata = \"keyless.xml\"\n\
                             profile = \"sealed-only\"\n";
/// A cloud that nobody answers for.
const NO_CLOUD: &str = "https://bss.cloud.example";
/// Delta's access to the partner API.
const PARTNER_API: &str = "[tenant.partner_api]\nurl = \"https://bss.cloud.example\"\n\
                           access_key = \"AKPARTNER\"\nsecret_key = { env = \"PARTNER_SECRET\" }\n";

/// What a partner's back end calls and signs with, and its customers.
fn partner() -> String {
    let mut text = String::new();
    for (id, key, scopes) in [
        ("a", API_KEY, ""),
        ("b", NEXT_API_KEY, ""),
        ("tickets-only", TICKETS_API_KEY, "scopes = [\"tickets\"]\n"),
        ("sp", SP_API_KEY, "scopes = [\"sp\"]\n"),
    ] {
        let hash = material::sha256(key);
        write!(text, "[[tenant.api_key]]\nid = \"{id}\"\nsha256 = \"{hash}\"\n{scopes}").unwrap();
    }
    for key in ticket::keys() {
        let ticket::TicketKey { id, algorithm, .. } = key;
        write!(
            text,
            "[[tenant.ticket_key]]\nid = \"{id}\"\nfile = \"{id}.pem\"\nalgorithm = \"{algorithm}\"\n"
        )
        .unwrap();
    }
    text.push_str(
        "[[tenant.customer]]\nuser_id = \"cust-1\"\nlinked = true\n\
         [[tenant.customer]]\nuser_id = \"cust-2\"\nlinked = true\n\
         [[tenant.customer]]\nuser_id = \"cust-new\"\nlinked = false\n\
         [[tenant.customer]]\nuser_id = \"cust-off\"\nlinked = true\nenabled = false\n",
    );
    text
}

fn users() -> String {
    let user = |login: &str, id: &str, more: &str| {
        format!(
            "[[tenant.user]]\nlogin = \"{login}\"\npassword_hash = {{ env = \"HASH\" }}\n\
             user_id = \"{id}\"\nname = \"{login}_bravo\"\n{more}\n"
        )
    };
    [
        user("alice", "local-1", "linked = true\nemail = \"alice@bravo.example\""),
        user("nobody-yet", "local-2", "linked = false"),
        user("gone", "local-3", "linked = true\nenabled = false"),
    ]
    .concat()
}
