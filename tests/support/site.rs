//! A site as in production, for tests that kill its processes: gateways that are processes of the
//! real program, on one `PostgreSQL` and one Redis, and a simulated cloud. Every site has its own
//! database, prefix in Redis and cloud, so that many can be at work at once.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use skybridge::app::system::{SystemClock, SystemRandom};
use skybridge::fakecloud::{Account, Accounts, Credentials, FakeCloud, Options, Provision};
use skybridge::keys::{FileStore, Locksmith, MasterKey};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row as _};
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

use super::gateway::{API_KEY, BASE, material, ticket};
use super::keeper::Running;
use super::postgres;
use super::program;
use super::redis::{RedisServer, free_port};
use super::tap::{Tap, Wire};

/// The tenant of every site.
pub(crate) const TENANT: &str = "acme";
/// What the cloud calls its platform.
pub(crate) const PLATFORM: &str = "acme_IDP";
/// Scheme and host of the cloud's pages.
pub(crate) const CLOUD: &str = "https://cloud.example";
/// Somebody else who has an account at the cloud.
pub(crate) const NEIGHBOUR: &str = "cust-next-door";
/// Within which anything that a test waits for happens, unless it says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// For how long a new gateway's first comparison is waited for.
const FIRST_COMPARISON: Duration = Duration::from_secs(10);
/// What a gateway says that ends before it is ready.
const GIVEN_UP: [&str; 2] = ["cannot listen", "the store is away"];
/// What the nodes of a site share.
const MASTER: [u8; 32] = [7; 32];
const SECRET_KEY: &str = "sk-of-the-partner";
/// What signs messages to the partner's webhook.
pub(crate) const WEBHOOK_KEY: [u8; 32] = [9; 32];

/// The Redis of all sites.
fn redis() -> String {
    static REDIS: LazyLock<Mutex<RedisServer>> = LazyLock::new(|| Mutex::new(RedisServer::start()));
    REDIS.lock().unwrap().url()
}

/// One partner's gateways and their cloud.
pub(crate) struct Site {
    /// The cloud.
    pub(crate) cloud: Arc<FakeCloud>,
    folder: TempDir,
    store: String,
    database: String,
    api: SocketAddr,
    webhook: Option<SocketAddr>,
    number: u32,
}

/// A customer as the ledger has them.
#[derive(Debug)]
pub(crate) struct Kept {
    /// How they stand.
    pub(crate) state: String,
    /// The account at the cloud.
    pub(crate) domain_id: Option<String>,
}

impl Site {
    /// A site without gateways, whose cloud knows nobody but the neighbour.
    pub(crate) async fn new() -> Self {
        Self::on(redis(), postgres::shared().database().await).await
    }

    /// The same on stores at these addresses.
    pub(crate) async fn on(store: String, database: String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let options =
            Options::new(Url::parse(CLOUD).unwrap(), Arc::new(SystemClock), Arc::new(SystemRandom));
        let cloud = FakeCloud::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = listener.local_addr().unwrap();
        let router = cloud.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::Builder::new().prefix("site-").tempdir().unwrap();
        let metadata = write_files(folder.path(), &cloud);
        let provision = Provision {
            metadata_xml: metadata,
            callback_url: Some(format!("{BASE}/{TENANT}/link-result")),
            bp_id: "bp-acme".to_owned(),
            return_url: None,
            wanted_account_type: Some(PLATFORM.to_owned()),
            accounts: Accounts::Bound([NEIGHBOUR.to_owned()].into()),
            credentials: Some(Credentials {
                access_key: "AKPARTNER".to_owned(),
                secret_key: SECRET_KEY.to_owned(),
                user_name: "operator".to_owned(),
                password: "p4ss-word".to_owned(),
                domain_name: "partner_domain".to_owned(),
            }),
        };
        cloud.provision(&provision).unwrap();
        Self { cloud, folder, store, database, api, webhook: None, number }
    }

    /// The same whose partner is told of links there.
    pub(crate) async fn telling(partner: SocketAddr) -> Self {
        Self { webhook: Some(partner), ..Self::new().await }
    }

    /// Starts a gateway and waits until it is ready.
    pub(crate) async fn node(&self) -> Node {
        self.start(&self.database, self.api).await
    }

    /// The same with a tap between it and database and cloud.
    pub(crate) async fn tapped_node(&self) -> (Node, Tap) {
        let (tap, database) = (Tap::default(), Url::parse(&self.database).unwrap());
        let server = SocketAddr::from(([127, 0, 0, 1], database.port().unwrap()));
        let tapped = tap.tap(Wire::Postgres, server).await;
        let mut through = database;
        through.set_port(Some(tapped.port())).unwrap();
        let api = tap.tap(Wire::Http, self.api).await;
        let node = self.start(through.as_str(), api).await;
        // The first thing that it does is to compare its links with the list, which is not counted.
        // On a busy machine that may be late; then it is only in nobody's way.
        let begun = Instant::now();
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while begun.elapsed() < FIRST_COMPARISON && !node.log().contains("compared") {
            beat.tick().await;
        }
        (node, tap)
    }

    async fn start(&self, database: &str, api: SocketAddr) -> Node {
        // Another process may take the port before the gateway does; then it is another port.
        for _ in 0..20 {
            let node = Node::start(self, database, api);
            if node.is_ready().await {
                return node;
            }
        }
        panic!("the gateway does not start in 20 tries");
    }

    /// Runs the program with other arguments, beside the nodes, to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let file = self.configure(0, self.api);
        let mut command = self.command(&file, &self.database);
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let running = tokio::task::spawn_blocking(move || command.args(arguments).output());
        let output = running.await.unwrap().unwrap();
        let said = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
        (output.status.code(), said)
    }

    /// The accounts that the cloud has for a customer.
    pub(crate) fn accounts_of(&self, customer: &str) -> Vec<Account> {
        let mut accounts = self.cloud.accounts();
        accounts.retain(|account| {
            account.link.as_ref().is_some_and(|link| link.account_id == customer)
        });
        accounts
    }

    /// A customer as the ledger has them, if it does.
    pub(crate) async fn kept(&self, customer: &str) -> Option<Kept> {
        let query = sqlx::query("SELECT state, cloud_domain_id FROM accounts WHERE user_id = $1");
        let row: Option<PgRow> =
            query.bind(customer.to_owned()).fetch_optional(&mut self.admin().await).await.unwrap();
        row.map(|row| Kept { state: row.get(0), domain_id: row.get(1) })
    }

    /// How often the partner is to be told that a customer is linked.
    pub(crate) async fn told(&self, customer: &str) -> i64 {
        let query = "SELECT count(*) FROM messages WHERE kind = 'account.linked' \
                     AND body::json -> 'customer' ->> 'user_id' = $1";
        let query = sqlx::query(query).bind(customer.to_owned());
        query.fetch_one(&mut self.admin().await).await.unwrap().get(0)
    }

    /// A number that a statement gives.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query(query).fetch_one(&mut self.admin().await).await.unwrap().get(0)
    }

    /// Changes the database from outside.
    pub(crate) async fn change(&self, statement: &'static str) {
        sqlx::query(statement).execute(&mut self.admin().await).await.unwrap();
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database).await.unwrap()
    }

    fn configure(&self, port: u16, api: SocketAddr) -> PathBuf {
        let file = self.folder.path().join(format!("node-{port}.toml"));
        let webhook = self.webhook.map(|partner| {
            format!(
                "[tenant.webhook]\nurl = \"http://{partner}/hook\"\n\
                 secrets = [{{ env = \"WEBHOOK\" }}]\n"
            )
        });
        let text = configuration(self.number, port, api) + webhook.as_deref().unwrap_or_default();
        fs::write(&file, text).unwrap();
        file
    }

    fn command(&self, file: &Path, database: &str) -> Command {
        let mut command = Command::new(program());
        command.arg("--config").arg(file);
        command
            .env("STORE", &self.store)
            .env("LEDGER", database)
            .env("MASTER", material::base64(&MASTER))
            .env("SECRET_KEY", SECRET_KEY)
            .env("WEBHOOK", format!("whsec_{}", material::base64(&WEBHOOK_KEY)));
        command
    }
}

/// A gateway: a process of the real program. It ends when dropped, or when we do.
pub(crate) struct Node {
    address: SocketAddr,
    process: Running,
}

impl Node {
    fn start(site: &Site, database: &str, api: SocketAddr) -> Self {
        let port = free_port();
        let file = site.configure(port, api);
        let mut command = site.command(&file, database);
        command.arg("serve");
        let process = Running::start(&command, file.with_extension("log"));
        Self { address: SocketAddr::from(([127, 0, 0, 1], port)), process }
    }

    /// Waits until it is ready; false when it gave up: it cannot have the port, or the machine is
    /// so busy that the database did not answer in time.
    async fn is_ready(&self) -> bool {
        let (begun, url) = (Instant::now(), format!("http://{}/health/ready", self.address));
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        loop {
            beat.tick().await;
            match client().get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return true,
                _ if GIVEN_UP.iter().any(|words| self.log().contains(words)) => return false,
                _ => assert!(begun.elapsed() < PATIENCE, "not ready: {}", self.log()),
            }
        }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that it said.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// What kills it, at once and without a chance to tidy up.
    pub(crate) fn killer(&self) -> super::tap::Kill {
        let process = self.process.clone();
        Box::new(move || process.kill())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// Calls gateways. Connections are not kept: what a load balancer does is another test's matter.
pub(crate) fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.pool_max_idle_per_host(0).no_proxy().timeout(PATIENCE);
    client.build().unwrap()
}

/// Writes keys and metadata; gives the gateway's metadata.
fn write_files(folder: &Path, cloud: &FakeCloud) -> String {
    let key = material::idp();
    let store = FileStore::new(folder.join("keys"));
    let master = MasterKey::from_bytes(&MASTER).unwrap();
    let smith =
        Locksmith { store: &store, master: &master, clock: &SystemClock, random: &SystemRandom };
    smith.import(TENANT, &key.private_pem, &key.certificate_pem).unwrap();
    fs::write(folder.join("cloud.xml"), cloud.metadata().unwrap()).unwrap();
    fs::write(folder.join("ticket.pem"), &ticket::keys()[0].public_pem).unwrap();
    let certificate: String =
        key.certificate_pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let keys = ["signing", "encryption"].map(|usage| {
        format!(
            "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\
             {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    });
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{BASE}/{TENANT}\">\
         <md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}\
         <md:SingleLogoutService Binding=\"{redirect}\" Location=\"{BASE}/{TENANT}/saml/logout\"/>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\
         <md:SingleSignOnService Binding=\"{redirect}\" Location=\"{BASE}/{TENANT}/saml/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        keys.concat()
    )
}

fn configuration(site: u32, port: u16, api: SocketAddr) -> String {
    let hash = material::sha256(API_KEY);
    format!(
        "[server]\nbase_url = \"{BASE}\"\nlisten = \"127.0.0.1:{port}\"\n\
         [log]\nlevel = \"info\"\n\
         [store]\nurl = {{ env = \"STORE\" }}\nprefix = \"site-{process}-{site}\"\n\
         [ledger]\nurl = {{ env = \"LEDGER\" }}\n\
         [keys]\ndirectory = \"keys\"\nmaster_key = {{ env = \"MASTER\" }}\n\
         [[tenant]]\nid = \"{TENANT}\"\nname = \"Acme\"\ncloud = \"huawei-cn\"\n\
         x_account_type = \"{PLATFORM}\"\nbp_id = \"bp-acme\"\n\
         portal_url = \"https://acme.example/\"\nsign_in = \"partner\"\n\
         partner_login_url = \"https://acme.example/login\"\n\
         [tenant.cloud_override]\nlogin_url = \"{CLOUD}/authui/saml/login\"\n\
         service_hosts = [\"cloud.example\"]\ndefault_service = \"{CLOUD}/iam/\"\n\
         [[tenant.service_provider]]\nmetadata = \"cloud.xml\"\n\
         [tenant.partner_api]\nurl = \"http://{api}\"\naccess_key = \"AKPARTNER\"\n\
         secret_key = {{ env = \"SECRET_KEY\" }}\n\
         [[tenant.api_key]]\nid = \"all\"\nsha256 = \"{hash}\"\n\
         [[tenant.ticket_key]]\nid = \"ed\"\nfile = \"ticket.pem\"\nalgorithm = \"EdDSA\"\n",
        process = std::process::id(),
    )
}
