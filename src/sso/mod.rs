//! Layer 3, sso: the journey. Decides what happens next and returns it as a [`Step`]; `http` shows
//! it. Only this room can make a [`Delivery`], and only from a verified request (design §3, §6).

mod answer;
mod arrival;
mod beginning;
mod code;
mod creation;
pub mod explain;
mod form;
mod issue;
mod launch;
mod limit;
mod linked;
mod logout;
mod metadata;
mod name;
mod next;
mod opening;
mod participant;
mod pending;
mod pool;
mod refuse;
mod request;
mod scoped_id;
mod session;
pub mod sign_in;
mod standing;
mod step;
mod turn_away;
mod unsolicited;
mod watch;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::hmac;
use tokio::sync::Semaphore;

pub use issue::Delivery;
pub use launch::{Door, Onward};
pub use logout::{Answered, BackChannel, Call, Calling, Telling, Way};
pub use metadata::Shape;
pub use opening::{Button, Consent, Draft, Opening, Sent};
pub use pool::SigningPool;
pub use session::SessionLife;
pub use sign_in::local::Typed;
pub use sign_in::ticket::{Claims, Given};
pub use step::Step;
pub use unsolicited::Destination;

use crate::account::{Book, Creations};
use crate::clock::Clock;
use crate::cloud::Profile;
use crate::cloud::registration::Registrations;
use crate::keys::Rings;
use crate::random::{self, Random};
use crate::refusal::{Code, Refusal};
use crate::saml::Error;
use crate::secret::Pseudonyms;
use crate::store::Ephemeral;
use crate::store::directory::Directory;
use crate::store::name_id::NameIds;
use crate::store::record::{Tenant, TenantId};

/// Everything that the journey needs, put together by `app`.
pub struct Parts {
    /// Scheme, host and port of our own addresses, without a trailing slash. From the
    /// configuration, never from a request (conformance C-34).
    pub base_url: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub random: Arc<dyn Random>,
    /// What is remembered for minutes to hours.
    pub store: Arc<dyn Ephemeral>,
    /// Tenants and customers.
    pub directory: Arc<dyn Directory>,
    /// How customers stand with the cloud.
    pub book: Arc<Book>,
    /// The name identifiers that service providers know customers by for ever.
    pub name_ids: Arc<dyn NameIds>,
    /// What creates accounts at the cloud, with the partner APIs of the tenants that have one.
    pub creations: Arc<Creations>,
    /// The tenants whose customers open accounts on our own page.
    pub own_pages: HashSet<TenantId>,
    /// Each tenant's cloud, with the tenant's changes applied.
    pub clouds: HashMap<TenantId, Arc<Profile>>,
    /// The service providers' metadata.
    pub registrations: Arc<Registrations>,
    /// The tenants' signing keys.
    pub rings: Arc<Rings>,
    /// Where signatures are made.
    pub pool: SigningPool,
    /// What partners' back ends authenticate with.
    pub partners: sign_in::Partners,
    /// How service providers are called without a browser.
    pub back_channel: Arc<dyn BackChannel>,
    /// How long people stay signed in.
    pub session_life: SessionLife,
    /// Most journeys that begin to wait in [`crate::limits::JOURNEY_WINDOW`], of one
    /// address.
    pub journeys_per_address: NonZeroU32,
    /// 32 secret bytes that all nodes share, from which tickets and pseudonyms are derived.
    pub seed: [u8; 32],
}

/// The journey of every tenant.
pub struct Sso {
    base_url: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    store: Arc<dyn Ephemeral>,
    directory: Arc<dyn Directory>,
    book: Arc<Book>,
    name_ids: Arc<dyn NameIds>,
    creations: Arc<Creations>,
    own_pages: HashSet<TenantId>,
    clouds: HashMap<TenantId, Arc<Profile>>,
    registrations: Arc<Registrations>,
    rings: Arc<Rings>,
    pool: SigningPool,
    partners: sign_in::Partners,
    back_channel: Arc<dyn BackChannel>,
    session_life: SessionLife,
    journeys_per_address: NonZeroU32,
    ticket_seed: hmac::Key,
    pseudonyms: Pseudonyms,
    /// What names of one session are made from.
    name_seed: hmac::Key,
    /// A permit for each password that is being checked.
    password_checks: Arc<Semaphore>,
    /// A permit for each that is being checked or waits for it.
    password_queue: Semaphore,
}

/// The browser that makes a request, as far as it says who it is.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The token of its session with this tenant.
    pub session: Option<String>,
    /// The token that binds it to what it began.
    pub binding: Option<String>,
    /// Where it is.
    pub address: Option<IpAddr>,
    /// The journey's id in the log.
    pub journey: String,
}

/// What happens next, and what the browser shall remember.
#[derive(Debug)]
pub struct Turn {
    /// What happens next.
    pub step: Step,
    /// What becomes of the session cookie.
    pub session: SessionChange,
    /// A new binding token, where the browser had none.
    pub binding: Option<String>,
    /// The customer's name in the log, once known.
    pub customer: Option<String>,
    /// The journey that this request continues, where it is another than its own.
    pub journey: Option<String>,
}

/// What becomes of the session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// Nothing.
    Keep,
    /// This token takes its place.
    Open(String),
    /// It goes.
    Close,
}

impl Turn {
    fn of(step: Step) -> Self {
        Self { step, session: SessionChange::Keep, binding: None, customer: None, journey: None }
    }

    fn for_customer(mut self, name: String) -> Self {
        self.customer = Some(name);
        self
    }

    fn on_journey(mut self, journey: &str) -> Self {
        self.journey = Some(journey.to_owned());
        self
    }
}

/// A tenant and its cloud, found by the address of a request.
#[derive(Clone)]
pub struct Visit {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Its cloud.
    pub profile: Arc<Profile>,
}

impl Sso {
    /// Puts the room together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let derive = |purpose: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &parts.seed);
            hmac::sign(&key, purpose)
        };
        Self {
            ticket_seed: hmac::Key::new(hmac::HMAC_SHA256, derive(b"tickets").as_ref()),
            pseudonyms: Pseudonyms::new(derive(b"pseudonyms").as_ref()),
            name_seed: hmac::Key::new(hmac::HMAC_SHA256, derive(b"transient names").as_ref()),
            base_url: parts.base_url,
            clock: parts.clock,
            random: parts.random,
            store: parts.store,
            directory: parts.directory,
            book: parts.book,
            name_ids: parts.name_ids,
            creations: parts.creations,
            own_pages: parts.own_pages,
            clouds: parts.clouds,
            registrations: parts.registrations,
            rings: parts.rings,
            pool: parts.pool,
            partners: parts.partners,
            back_channel: parts.back_channel,
            session_life: parts.session_life,
            journeys_per_address: parts.journeys_per_address,
            password_checks: Arc::new(Semaphore::new(sign_in::local::AT_ONCE)),
            password_queue: Semaphore::new(sign_in::local::AT_ONCE + sign_in::local::WAITING),
        }
    }

    /// The tenant of an address, unless it is unknown or switched off, which look the same
    /// (conformance C-12).
    ///
    /// # Errors
    /// [`Code::TenantUnknown`], or a store's refusal.
    pub async fn visit(&self, tenant: &str) -> Result<Visit, Refusal> {
        let unknown = |cause: &str| Refusal::new(Code::TenantUnknown, cause);
        let id = TenantId::parse(tenant).ok_or_else(|| {
            unknown("expected a tenant's name in the address, found another text")
        })?;
        let found = self.directory.tenant(&id).await?;
        let tenant = found.ok_or_else(|| unknown("expected a known tenant, found none"))?;
        if !tenant.enabled {
            return Err(unknown("expected an enabled tenant, found it switched off"));
        }
        let profile = self.clouds.get(&id).map(Arc::clone).ok_or_else(|| {
            Refusal::new(Code::Internal, format!("expected a cloud for tenant {id}, found none"))
        })?;
        Ok(Visit { tenant, profile })
    }

    /// Whether this is a partner's API key that may call for `scope`.
    ///
    /// # Errors
    /// [`Code::ApiKeyWrong`], [`Code::ApiScopeMissing`].
    pub fn authenticate_partner(
        &self,
        tenant: &Tenant,
        api_key: &str,
        scope: sign_in::Scope,
    ) -> Result<&str, Refusal> {
        use aws_lc_rs::digest::{SHA256, digest};
        let hash = digest(&SHA256, api_key.as_bytes());
        let keys = self.partners.of(&tenant.id).map_or(&[][..], |partner| &partner.api_keys);
        // All are compared: time does not tell which one was near.
        let is_it = |key: &sign_in::ApiKey| crate::secret::same(&key.sha256, hash.as_ref());
        let right = keys.iter().fold(None, |right, key| if is_it(key) { Some(key) } else { right });
        let Some(key) = right else {
            let cause = format!("expected one of {} API keys, found another", keys.len());
            return Err(Refusal::new(Code::ApiKeyWrong, cause));
        };
        if key.scopes.contains(&scope) {
            return Ok(&key.id);
        }
        let (id, scope) = (&key.id, scope.name());
        let cause = format!("expected a key with the scope {scope}, found {id} without it");
        Err(Refusal::new(Code::ApiScopeMissing, cause))
    }

    /// Our metadata for a tenant, naming the SSO address of one key, the active one unless told
    /// otherwise.
    ///
    /// # Errors
    /// [`Code::NoSigningKey`], [`Code::KeyUnknown`]; [`Code::Overloaded`] for a signed one.
    pub async fn metadata(
        &self,
        visit: &Visit,
        kid: Option<&str>,
        shape: Shape,
    ) -> Result<String, Refusal> {
        let ring = self.rings.get(visit.tenant.id.as_str())?;
        let key = issue::key_of(&ring, kid)?;
        let write = || metadata::write(self, visit, &ring, (key, shape));
        match shape {
            Shape::AsProfile | Shape::Rich => write(),
            // Whoever asks: a signature waits for its place as all do.
            Shape::Signed => self.pool.run(write).await,
        }
    }

    /// The browser's binding token, new where it has none.
    fn binding(&self, browser: &Browser) -> (String, Option<String>) {
        if let Some(token) = &browser.binding {
            return (token.clone(), None);
        }
        let token = random::token(&*self.random);
        (token.clone(), Some(token))
    }

    /// The customer's name in the log.
    fn pseudonym(&self, tenant: &Tenant, person: &crate::store::record::Person) -> String {
        self.pseudonyms.name(tenant.id.as_str(), person.user_id.as_str())
    }

    /// An XML id of ours as its type.
    fn message_id(&self) -> Result<crate::saml::MessageId, Error> {
        crate::saml::MessageId::parse(&random::xml_id(&*self.random))
    }
}
