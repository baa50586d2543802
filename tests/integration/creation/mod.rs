//! Creating accounts, and comparing links with the list, with the real client at the simulated
//! cloud's partner API, whose fault script breaks every call, on several nodes. No sockets; time is
//! the runtime's, which jumps.

mod by_api;
mod confirmed;
mod faults;
mod opening;
mod reconcile;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use skybridge::account::{Book, Creations, Evidence, Remote, Remotes, Wanted, is_over};
use skybridge::app::creations;
use skybridge::app::shutdown::{Pace, Shutdown};
use skybridge::clock::Clock;
use skybridge::cloud::Clouds;
use skybridge::cloud::api::{
    self, AccessKey, Client, Reply, Sending, Settings, Site, Tools, Transport, TransportError,
};
use skybridge::fakecloud::{
    self, Accounts, Credentials, FakeCloud, Knobs, Options, Provision, Script,
};
use skybridge::random::{Random, SequenceRandom};
use skybridge::saml::EndpointUrl;
use skybridge::store::account::{Account, Intent, LinkState};
use skybridge::store::ledger::Ledger;
use skybridge::store::memory::Memory;
use skybridge::store::memory_ledger::MemoryLedger;
use skybridge::store::record::{Person, PersonId, TenantId};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use tower::ServiceExt as _;
use url::Url;

use crate::support::gateway::material;

const CLOUD: &str = "https://cloud.example";
const IDP: &str = "https://idp.example";
const PLATFORM: &str = "ZXT";

/// A clock that follows the runtime's time: what the runtime sleeps is what it moves.
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-01-02 03:04:05 UTC) + self.0.elapsed()
    }
}

/// The way to a router in this process.
struct Direct(Router);

impl Transport for Direct {
    fn post(&self, request: api::Request) -> Sending<'_> {
        let path = request.url.strip_prefix(CLOUD).unwrap();
        let mut sent = Request::post(path);
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        // The signature covers the host.
        let sent = sent.header("host", "cloud.example").body(Body::from(request.body)).unwrap();
        let router = self.0.clone();
        Box::pin(async move {
            let answered = router.oneshot(sent).await.unwrap();
            let status = answered.status().as_u16();
            let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
            let headers = answered.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
            let body = to_bytes(answered.into_body(), usize::MAX).await;
            let body = body.map_err(|error| TransportError::Lost(error.to_string()))?.to_vec();
            Ok(Reply { status, headers, body })
        })
    }
}

/// What several nodes share, and the cloud.
struct Stage {
    cloud: Arc<FakeCloud>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    store: Arc<Memory>,
    ledger: Arc<dyn Ledger>,
}

/// One node of the gateway.
struct Node {
    creations: Arc<Creations>,
    book: Arc<Book>,
    worker: JoinHandle<()>,
    shutdown: Shutdown,
}

fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn person(id: &str) -> Person {
    let user_id = PersonId::parse(id).unwrap();
    let account_id = PersonId::parse(&format!("x-{id}")).unwrap();
    Person::of(user_id, account_id)
}

fn named(name: &str) -> Wanted {
    Wanted { domain_name: Some(name.to_owned()), ..Wanted::default() }
}

impl Stage {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock(Instant::now()));
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::new(1));
        let url = Url::parse(CLOUD).unwrap();
        let options = Options {
            knobs: Knobs { association_delay_ms: 0, ..Knobs::default() },
            ..Options::new(url, Arc::clone(&clock), Arc::clone(&random))
        };
        let cloud = FakeCloud::new(options).unwrap();
        let store = Arc::new(Memory::new(Arc::clone(&clock)));
        let ledger = Arc::new(MemoryLedger::default());
        let stage = Self { cloud, clock, random, store, ledger };
        stage.bound(&[]);
        stage
    }

    /// The cloud has accounts of these customers, and of nobody else who was here from the start.
    fn bound(&self, who: &[String]) {
        let account_id = |who: &String| person(who).account_id.as_str().to_owned();
        let accounts = Accounts::Bound(who.iter().map(account_id).collect());
        let provision = Provision { accounts, ..provision(PLATFORM) };
        self.cloud.provision(&provision).unwrap();
    }

    /// What fails from now on. Calls are counted anew.
    fn faults(&self, rules: &Value) {
        let script: Script = serde_json::from_value(json!({ "rules": rules })).unwrap();
        self.cloud.set_faults(script).unwrap();
    }

    /// A node that works.
    fn node(&self) -> Node {
        let profile = Clouds::load(None).unwrap().get("huawei-cn").unwrap().clone();
        let settings = Settings {
            tenant: tenant(),
            credentials: api::Credentials::AccessKey {
                key: AccessKey { id: "AKPARTNER".into(), secret: "sk-of-the-partner".into() },
                account: None,
            },
            partner_api: EndpointUrl::parse(CLOUD).unwrap(),
            site: Site {
                account_type: PLATFORM.to_owned(),
                rules: profile.partner_api.clone().unwrap(),
                association: profile.association.clone(),
            },
            requests_per_second: 9.try_into().unwrap(),
        };
        let tools = Tools {
            store: Arc::<Memory>::clone(&self.store),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            transport: Arc::new(Direct(self.cloud.router())),
        };
        let remote: Arc<dyn Remote> = Arc::new(Client::new(settings, tools));
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        let book = Book::new(Arc::clone(&self.ledger), clock, random);
        let book = Arc::new(book);
        let creations = Arc::new(Creations::new(
            Arc::clone(&book),
            Remotes::new([(tenant(), remote)]),
            Arc::clone(&self.clock),
            Arc::clone(&self.random),
        ));
        let pace = Pace { readiness_grace: Duration::ZERO, drain: Duration::from_mins(1) };
        let shutdown = Shutdown::new(pace);
        let random = Arc::clone(&self.random);
        let run = creations::run(Arc::clone(&creations), random, shutdown.clone());
        Node { creations, book, worker: tokio::spawn(run), shutdown }
    }

    /// The accounts that the cloud has for a customer.
    fn accounts(&self, who: &str) -> Vec<fakecloud::Account> {
        let account_id = person(who).account_id;
        let mut accounts = self.cloud.accounts();
        accounts.retain(|account| {
            account.link.as_ref().is_some_and(|link| link.account_id == account_id.as_str())
        });
        accounts
    }
}

impl Node {
    async fn begin(&self, who: &str, wanted: &Wanted) -> Intent {
        let evidence = Evidence(json!({ "source": "test" }));
        let person = person(who);
        let wish = skybridge::account::Request {
            wished_by: skybridge::account::Wisher::Partner,
            person: &person,
            wanted,
            idempotency_key: None,
            evidence: &evidence,
        };
        self.creations.begin(&tenant(), wish).await.unwrap()
    }

    /// The creation once it is over, which must be within an hour.
    async fn over(&self, intent: &Intent) -> Intent {
        let hour = Duration::from_hours(1);
        let over = self.creations.settled(&tenant(), &intent.id, hour).await.unwrap();
        assert!(is_over(&over), "{over:?}: {:?}", over.outcome);
        over
    }

    async fn account(&self, who: &str) -> Account {
        self.book.find(&tenant(), &person(who).user_id).await.unwrap()
    }

    /// Leaves as after SIGTERM.
    async fn leave(self) {
        self.shutdown.begin();
        self.worker.await.unwrap();
    }

    /// Dies as after SIGKILL.
    async fn die(self) {
        self.worker.abort();
        assert!(self.worker.await.unwrap_err().is_cancelled());
    }
}

/// Asserts that the customer has the one account that the cloud has for them.
async fn one_account(stage: &Stage, node: &Node, who: &str) {
    let accounts = stage.accounts(who);
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    let account = node.account(who).await;
    assert_eq!(account.state, LinkState::Linked);
    assert_eq!(account.cloud.unwrap().domain_id, accounts[0].domain_id);
}

/// What the partner hands in at the cloud.
fn provision(platform: &str) -> Provision {
    Provision {
        metadata_xml: metadata(),
        callback_url: Some(format!("{IDP}/link-result")),
        bp_id: "bp-0001".to_owned(),
        return_url: None,
        wanted_account_type: Some(platform.to_owned()),
        accounts: Accounts::Bound(std::iter::empty().collect()),
        credentials: Some(Credentials {
            access_key: "AKPARTNER".to_owned(),
            secret_key: "sk-of-the-partner".to_owned(),
            user_name: "operator".to_owned(),
            password: "p4ss-word".to_owned(),
            domain_name: "partner_domain".to_owned(),
        }),
    }
}

fn metadata() -> String {
    let certificate: String =
        material::idp().certificate_pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = |usage: &str| {
        format!(
            "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\
             {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{IDP}\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}{}\
         <md:SingleLogoutService Binding=\"{redirect}\" Location=\"{IDP}/saml/logout\"/>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\
         <md:SingleSignOnService Binding=\"{redirect}\" Location=\"{IDP}/saml/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        key("signing"),
        key("encryption")
    )
}
