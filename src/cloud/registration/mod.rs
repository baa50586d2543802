//! Layer 2, cloud: the service providers that are registered with a tenant, kept alive. Their
//! metadata is read from a file, or fetched from an address again and again (saml-metadata-2.0-os
//! §2; conformance, D-19).
//!
//! What was good stays: a refresh that fails in any way leaves the good copy in use, in memory and
//! on disk, until the copy itself says that its time is over. Looking a service provider up takes
//! no lock.

mod cache;
mod fault;
mod fetch;
mod history;
mod index;
mod judge;
mod mdq;
mod reach;
mod report;
mod schedule;
#[cfg(test)]
mod tests;
mod uploaded;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use time::OffsetDateTime;
use tokio::sync::Mutex;

pub use fault::{Failure, Fallback, FetchError, RefreshError};
pub use fetch::{Fetch, Fetching};
pub use mdq::{MdqForm, mdq_address};
pub use reach::Reach;
pub use report::{Change, Loaded, Report};

use self::cache::Cache;
use self::history::History;
use self::index::{OfTenant, index};
use self::judge::{Good, judge};
use super::profile::Profile;
use super::skew::Skew;
use crate::clock::Clock;
use crate::saml::sp_metadata::{Lifetime, ServiceProvider};
use crate::saml::{EndpointUrl, EntityId, VerifyingKey};
use crate::store::record::TenantId;
use crate::store::tenancy::Copies;

/// One service provider that may ask a tenant to sign people in. One that is switched off is not
/// registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The tenant.
    pub tenant: TenantId,
    /// Where the metadata comes from.
    pub source: Source,
    /// The service provider in it that is meant; without it, the only one.
    pub wanted: Option<EntityId>,
    /// The keys of which one must have signed the metadata. Without any, the way it came is
    /// trusted: a file of the operator's, or TLS (conformance A-098).
    pub trust: Vec<VerifyingKey>,
    /// Whether its requests must be signed.
    pub request_signatures: RequestSignatures,
    /// What it asks for and gets: the tenant's cloud, or another profile.
    pub profile: Arc<Profile>,
    /// Whether it takes answers that it did not ask for.
    pub unsolicited: Unsolicited,
}

/// Where metadata comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file on this machine.
    File(PathBuf),
    /// An address.
    Url(EndpointUrl),
    /// An upload of this service provider, in the ledger.
    Upload(EntityId),
}

/// Whether a service provider's requests must be signed, if its metadata does not say that it signs
/// them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSignatures {
    /// As the cloud's profile says.
    AsProfile,
    /// They must.
    Required,
    /// They need not. A signature that is there must be right all the same (conformance A-056).
    Optional,
}

/// Whether a service provider takes answers that it did not ask for (saml-profiles-2.0-os §4.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsolicited {
    /// It does not.
    Refused,
    /// It does.
    Allowed {
        /// The `RelayState`s that may go with them, besides none.
        relay_states: Vec<String>,
    },
}

/// A registered service provider whose metadata is good.
#[derive(Clone, Debug)]
pub struct Registered {
    /// What the metadata says.
    pub service_provider: ServiceProvider,
    /// Whether its requests must be signed; ask [`Registered::requires_signature`].
    pub request_signatures: RequestSignatures,
    /// What it asks for and gets.
    pub profile: Arc<Profile>,
    /// Whether it takes answers that it did not ask for.
    pub unsolicited: Unsolicited,
    /// How far the addresses in its metadata are called.
    pub reach: Reach,
    /// How far its clock is from ours.
    pub skew: Arc<Skew>,
    /// When this copy was read.
    pub loaded_at: OffsetDateTime,
}

/// The service providers of all tenants.
pub struct Registrations {
    clock: Arc<dyn Clock>,
    cache: Option<Cache>,
    history: Option<History>,
    lifetime: Lifetime,
    /// Who changes what is good holds this; who looks up reads `index`, which follows.
    entries: Mutex<Vec<Entry>>,
    /// Who refreshes holds this.
    refreshing: Mutex<()>,
    index: ArcSwap<HashMap<TenantId, OfTenant>>,
}

struct Entry {
    registration: Registration,
    good: Option<Good>,
}

impl Registered {
    /// Whether its requests must be signed: if its metadata says that it signs them all
    /// (conformance A-057), or if the registration or else the profile asks for it.
    #[must_use]
    pub fn requires_signature(&self) -> bool {
        let asked = match self.request_signatures {
            RequestSignatures::AsProfile => self.profile.request.require_signature,
            RequestSignatures::Required => true,
            RequestSignatures::Optional => false,
        };
        asked || self.service_provider.authn_requests_signed
    }

    fn is_over(&self, now: OffsetDateTime) -> bool {
        self.service_provider.valid_until.is_some_and(|until| until <= now)
    }
}

impl Registrations {
    /// Takes the registrations; nothing is loaded yet. `cache` is the directory in which good
    /// copies of fetched metadata outlive a restart.
    #[must_use]
    pub fn new(
        registrations: Vec<Registration>,
        cache: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let entries: Vec<_> = registrations
            .into_iter()
            .map(|registration| Entry { registration, good: None })
            .collect();
        let index = ArcSwap::from_pointee(index(&entries));
        let cache = cache.map(Cache::new);
        let lifetime = Lifetime::default();
        let (entries, refreshing) = (Mutex::new(entries), Mutex::new(()));
        Self { clock, cache, history: None, lifetime, entries, refreshing, index }
    }

    /// The same, for metadata that keeps to `lifetime`.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The same with a history that all nodes share: each new copy is added to it, and a node whose
    /// source does not answer takes what another node has fetched.
    #[must_use]
    pub fn with_history(mut self, copies: Arc<dyn Copies>) -> Self {
        self.history = Some(History::new(copies));
        self
    }

    /// The tenant's service provider of that entityID, unless its metadata was never loaded or is
    /// over. Lock-free.
    #[must_use]
    pub fn get(&self, tenant: &TenantId, entity_id: &EntityId) -> Option<Arc<Registered>> {
        let index = self.index.load();
        let registered = index.get(tenant)?.known.get(entity_id)?;
        (!registered.is_over(self.clock.now())).then(|| Arc::clone(registered))
    }

    /// The tenant's service providers whose metadata is good. Lock-free.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Vec<Arc<Registered>> {
        let now = self.clock.now();
        let index = self.index.load();
        let known = index.get(tenant).map(|of_tenant| of_tenant.known.values());
        known.into_iter().flatten().filter(|known| !known.is_over(now)).map(Arc::clone).collect()
    }

    /// Whether a registration of the tenant has no usable metadata: then an issuer that is not
    /// found may be registered all the same.
    #[must_use]
    pub fn is_waiting(&self, tenant: &TenantId) -> bool {
        let now = self.clock.now();
        self.index.load().get(tenant).is_some_and(|of_tenant| {
            of_tenant.waiting > 0 || of_tenant.known.values().any(|known| known.is_over(now))
        })
    }

    /// Loads what is on this machine: files, and the copies of earlier runs. Call it once, at
    /// start, before the first request; it waits for no network. A copy that was never made is not
    /// reported.
    pub async fn restore(&self) -> Vec<Report> {
        self.restore_from(Origin::History).await
    }

    /// The same for somebody who only looks: what another node has fetched is used, and no copy of
    /// it is kept on this machine.
    pub async fn look(&self) -> Vec<Report> {
        self.restore_from(Origin::Glance).await
    }

    async fn restore_from(&self, others: Origin) -> Vec<Report> {
        let mut entries = self.entries.lock().await;
        let mut reports = Vec::new();
        for at in 0..entries.len() {
            let Registration { tenant, source, .. } = &entries[at].registration;
            let found = match (source, &self.cache) {
                (Source::File(path), _) => Some(cache::read(path.clone()).await),
                (Source::Url(url), Some(cache)) => cache.get(tenant, url).await,
                (Source::Url(_), None) => None,
                (Source::Upload(_), _) => continue,
            };
            match found {
                Some(octets) => {
                    let octets = octets.map_err(RefreshError::File);
                    reports.push(self.accept(&mut entries, at, octets, Origin::Disk).await);
                }
                None => reports.extend(self.adopt(&mut entries, at, others).await),
            }
        }
        self.index.store(Arc::new(index(&entries)));
        reports
    }

    /// Loads everything anew: reads the files and fetches each address once, however many tenants
    /// it serves. Call it again and again; calls wait for each other. It takes as long as the
    /// slowest fetch. What fails gives a report of that, and one more if another node was luckier.
    pub async fn refresh(&self, fetch: &Arc<dyn Fetch>) -> Vec<Report> {
        self.refresh_those(fetch, |_| true).await
    }

    /// The same for those that are due only.
    async fn refresh_those(
        &self,
        fetch: &Arc<dyn Fetch>,
        is_due: impl Fn(&Entry) -> bool,
    ) -> Vec<Report> {
        let _turn = self.refreshing.lock().await;
        let (due, urls) = self.due(is_due).await;
        // Uploads do not wait for anybody's server: they come and go behind the other entries,
        // whose places stay.
        let fetched = fetch::all(fetch, urls).await;
        let mut entries = self.entries.lock().await;
        let mut reports = Vec::with_capacity(due.len());
        for at in due {
            let (octets, origin) = match &entries[at].registration.source {
                Source::File(path) => {
                    let octets = cache::read(path.clone()).await;
                    (octets.map_err(RefreshError::File), Origin::File)
                }
                Source::Url(url) => {
                    let octets = fetched.get(url).cloned().unwrap_or(Err(FetchError::Stopped));
                    (octets.map_err(RefreshError::Fetch), Origin::Network)
                }
                Source::Upload(_) => continue,
            };
            let report = self.accept(&mut entries, at, octets, origin).await;
            let failed = report.outcome.is_err();
            reports.push(report);
            if failed {
                reports.extend(self.adopt(&mut entries, at, Origin::History).await);
            }
        }
        self.index.store(Arc::new(index(&entries)));
        self.record(&mut entries).await;
        reports
    }

    /// The places of the entries that are due, and the addresses to fetch for them.
    async fn due(&self, is_due: impl Fn(&Entry) -> bool) -> (Vec<usize>, HashSet<EndpointUrl>) {
        let entries = self.entries.lock().await;
        let is_upload = |entry: &Entry| matches!(entry.registration.source, Source::Upload(_));
        let due = entries.iter().enumerate();
        let due = due.filter(|(_, entry)| !is_upload(entry) && is_due(entry));
        let url = |entry: &Entry| match &entry.registration.source {
            Source::Url(url) => Some(url.clone()),
            Source::File(_) | Source::Upload(_) => None,
        };
        let urls = due.clone().filter_map(|(_, entry)| url(entry)).collect();
        (due.map(|(at, _)| at).collect(), urls)
    }

    /// Takes over what another node has fetched from the same address, if it is newer than what is
    /// in use here.
    async fn adopt(&self, entries: &mut [Entry], at: usize, origin: Origin) -> Option<Report> {
        let Entry { registration, good } = &entries[at];
        let history = self.history.as_ref()?;
        let Source::Url(_) = &registration.source else { return None };
        let fresh = good.as_ref().filter(|good| good.is_fresh);
        let than = fresh.map(|good| good.registered.loaded_at);
        let octets = match history.younger(registration, than).await {
            Ok(octets) => octets?,
            Err(error) => {
                let tenant = registration.tenant.as_str();
                tracing::warn!(tenant, %error, "what other nodes have fetched cannot be read");
                return None;
            }
        };
        if good.as_ref().is_some_and(|good| good.octets == octets) {
            return None;
        }
        Some(self.accept(entries, at, Ok(octets), origin).await)
    }

    /// Adds to the history what this run has loaded. What cannot be added now is added after the
    /// next refresh.
    async fn record(&self, entries: &mut [Entry]) {
        let Some(history) = &self.history else { return };
        for Entry { registration, good } in entries {
            let Some(good) = good.as_mut().filter(|good| good.is_fresh && !good.is_in_history)
            else {
                continue;
            };
            if let Err(error) = history.keep(registration, good).await {
                let tenant = registration.tenant.as_str();
                tracing::warn!(tenant, %error, "metadata is not in the history yet");
                return;
            }
            good.is_in_history = true;
        }
    }

    /// Puts a copy into use if it is good. Everything else changes nothing.
    async fn accept(
        &self,
        entries: &mut [Entry],
        at: usize,
        octets: Result<Arc<[u8]>, RefreshError>,
        origin: Origin,
    ) -> Report {
        let now = self.clock.now();
        let Registration { tenant, source, .. } = entries[at].registration.clone();
        let judged = octets.and_then(|octets| judge(entries, at, octets, (now, self.lifetime)));
        let outcome = match judged {
            Ok(mut good) => {
                good.is_fresh = origin != Origin::Disk;
                let provider = &good.registered.service_provider;
                let change = match &entries[at].good {
                    None => Change::First,
                    Some(old) if old.octets == good.octets => {
                        good.is_in_history = old.is_in_history;
                        Change::None
                    }
                    Some(_) => Change::Changed,
                };
                // Uploads have a history of their own.
                good.is_in_history |=
                    matches!(origin, Origin::History | Origin::Glance | Origin::Upload);
                let (entity_id, warnings) = (provider.entity_id.clone(), provider.warnings.clone());
                let cache_fault = match (&self.cache, &source, origin) {
                    (Some(cache), Source::Url(url), Origin::Network | Origin::History)
                        if change != Change::None =>
                    {
                        cache.put(&tenant, url, Arc::clone(&good.octets)).await.err()
                    }
                    _ => None,
                };
                entries[at].good = Some(good);
                Ok(Loaded { entity_id, change, warnings, cache_fault })
            }
            Err(cause) => {
                let fallback = match &entries[at].good {
                    None => Fallback::Nothing,
                    Some(good) if good.registered.is_over(now) => Fallback::Nothing,
                    Some(_) => Fallback::GoodCopy,
                };
                Err(Failure { cause, fallback })
            }
        };
        Report { tenant, source, outcome }
    }
}

/// Where octets were read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// At start: the operator's file, or the copy of an earlier run.
    Disk,
    /// The operator's file.
    File,
    /// The address.
    Network,
    /// What another node has fetched from the address.
    History,
    /// The same, at which somebody only looks.
    Glance,
    /// The ledger.
    Upload,
}
