//! Layer 2, cloud: registers service providers by upload, beside those of the configuration. What
//! is uploaded stands in the ledger with all its versions; every node takes it up from there.

mod portrait;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::Mutex;

pub use portrait::{Change, Difference, Line, Settings, differences, portrait};

use super::profile::Profile;
use super::registration::{
    Registered, Registration, Registrations, Report, RequestSignatures, Source, Unsolicited,
};
use super::registry::Clouds;
use crate::clock::Clock;
use crate::limits;
use crate::saml::lint::{Finding, Question, Severity, lint};
use crate::saml::sp_metadata::{self, Lifetime, ServiceProvider, Trust};
use crate::saml::{self, EntityId};
use crate::store::StoreError;
use crate::store::record::TenantId;
use crate::store::uploads::{Upload, Uploads};

/// Most times that an upload begins anew because somebody else was faster.
const TRIES: usize = 5;

/// The profiles that a service provider can have.
pub struct Profiles {
    /// By their name.
    pub named: Clouds,
    /// The clouds of tenants, with what differs for each.
    pub of_tenants: HashMap<TenantId, Arc<Profile>>,
}

/// Registers service providers.
pub struct Registrar {
    uploads: Arc<dyn Uploads>,
    registrations: Arc<Registrations>,
    profiles: Profiles,
    lifetime: Lifetime,
    clock: Arc<dyn Clock>,
    /// The version of each service provider that this node has taken up.
    taken: Mutex<HashMap<(TenantId, EntityId), u64>>,
}

/// What somebody wants to register.
#[derive(Clone, Debug)]
pub struct Application<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The service provider that is meant; without it, the only one in the document.
    pub wanted: Option<&'a EntityId>,
    /// Its metadata.
    pub document: &'a [u8],
    /// How it is to be treated.
    pub settings: Settings,
}

/// What an application comes to.
#[derive(Clone, Debug)]
pub struct Review {
    /// The service provider.
    pub entity_id: EntityId,
    /// The version that the application would be, or is.
    pub version: u64,
    /// Whether the service provider was not registered before.
    pub is_new: bool,
    /// What is worth mending.
    pub findings: Vec<Finding>,
    /// What differs from the version before.
    pub differences: Vec<Difference>,
}

/// Why an application is turned down.
#[derive(Debug, thiserror::Error)]
pub enum Declined {
    /// The metadata cannot be used.
    #[error("the metadata cannot be used: {}", first(.0))]
    Metadata(Vec<Finding>),
    /// The configuration declares this service provider.
    #[error("{0} is declared in the configuration file, and is changed there")]
    Declared(EntityId),
    /// There is no such profile.
    #[error("expected the name of a profile, found another")]
    Profile,
    /// A `RelayState` cannot go with an answer that nobody asked for.
    #[error(
        "expected at most {} RelayStates, each one line of 1 to {} bytes",
        limits::RELAY_STATES,
        limits::SENT_RELAY_STATE_BYTES
    )]
    RelayStates,
    /// The ledger does not answer.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Others change the same service provider all the time.
    #[error("somebody else changes this service provider at the same time")]
    Overtaken,
}

fn first(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.fault.severity == Severity::Error);
    let texts: Vec<_> = errors
        .map(|found| format!("{} at line {}: {}", found.fault, found.line, found.what))
        .collect();
    texts.join("; ")
}

impl Registrar {
    /// A registrar over the uploads that all nodes share. Nothing is taken up yet.
    #[must_use]
    pub fn new(
        uploads: Arc<dyn Uploads>,
        registrations: Arc<Registrations>,
        profiles: Profiles,
        lifetime: Lifetime,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let taken = Mutex::default();
        Self { uploads, registrations, profiles, lifetime, clock, taken }
    }

    /// What an application would come to. Nothing is registered.
    ///
    /// # Errors
    /// [`Declined`].
    pub async fn review(&self, application: &Application<'_>) -> Result<Review, Declined> {
        Ok(self.judge(application).await?.0)
    }

    /// Registers a service provider, or changes it. What is the same already is not written again.
    /// This node uses it at once, the others within [`crate::limits::UPLOAD_POLL`].
    ///
    /// # Errors
    /// [`Declined`].
    pub async fn register(
        &self,
        application: &Application<'_>,
        author: &str,
    ) -> Result<Review, Declined> {
        for _ in 0..TRIES {
            let (review, is_known) = self.judge(application).await?;
            if is_known {
                return Ok(review);
            }
            let upload = Upload {
                tenant: application.tenant.clone(),
                entity_id: review.entity_id.clone(),
                version: review.version,
                // What is not UTF-8 was turned down.
                metadata: Some(String::from_utf8_lossy(application.document).into_owned()),
                profile: application.settings.profile.clone(),
                signed_requests: application.settings.signed_requests,
                unsolicited: application.settings.unsolicited.clone(),
                author: author.to_owned(),
                at: self.clock.now(),
            };
            if self.uploads.add_upload(&upload).await? {
                self.take_up().await?;
                return Ok(review);
            }
        }
        Err(Declined::Overtaken)
    }

    /// Removes an uploaded service provider; its history stays. Whether there was one.
    ///
    /// # Errors
    /// [`Declined`].
    pub async fn remove(
        &self,
        tenant: &TenantId,
        entity_id: &EntityId,
        author: &str,
    ) -> Result<bool, Declined> {
        for _ in 0..TRIES {
            let last = self.uploads.last_upload(tenant, entity_id).await?;
            let Some(last) = last.filter(|last| last.metadata.is_some()) else { return Ok(false) };
            let removal = Upload {
                version: last.version + 1,
                metadata: None,
                author: author.to_owned(),
                at: self.clock.now(),
                ..last
            };
            if self.uploads.add_upload(&removal).await? {
                self.take_up().await?;
                return Ok(true);
            }
        }
        Err(Declined::Overtaken)
    }

    /// How long metadata may say that it is valid.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// A service provider of either origin whose metadata is good.
    #[must_use]
    pub fn known(&self, tenant: &TenantId, entity_id: &EntityId) -> Option<Arc<Registered>> {
        self.registrations.get(tenant, entity_id)
    }

    /// The service providers of the configuration whose metadata is good.
    #[must_use]
    pub fn declared(&self, tenant: &TenantId) -> Vec<Arc<Registered>> {
        let mut all = self.registrations.of(tenant);
        all.retain(|one| self.registrations.declares(tenant, &one.service_provider.entity_id));
        all
    }

    /// The uploaded service providers of a tenant, by entityID.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<Upload>, StoreError> {
        let mut found = Vec::new();
        for mark in self.uploads.upload_marks().await? {
            if mark.tenant == *tenant {
                let last = self.uploads.last_upload(tenant, &mark.entity_id).await?;
                found.extend(last.filter(|last| last.metadata.is_some()));
            }
        }
        Ok(found)
    }

    /// Every version of a service provider, oldest first; none if it was never uploaded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history(
        &self,
        tenant: &TenantId,
        entity_id: &EntityId,
    ) -> Result<Vec<Upload>, StoreError> {
        self.uploads.uploads(tenant, entity_id).await
    }

    /// The portrait of a version; the reason where it cannot be used any more.
    ///
    /// # Errors
    /// [`saml::Error`].
    pub fn portrait(&self, upload: &Upload) -> Result<Vec<Line>, saml::Error> {
        let document = upload.metadata.as_deref().unwrap_or_default().as_bytes();
        let now = self.clock.now();
        let provider = sp_metadata::read(document, Some(&upload.entity_id), Trust::Origin, now)?;
        Ok(portrait(&provider, &settings(upload)))
    }

    /// Takes up what was uploaded or removed, here or at another node, since the last time.
    ///
    /// # Errors
    /// [`StoreError`]: what is in use stays.
    pub async fn take_up(&self) -> Result<Vec<Report>, StoreError> {
        let mut taken = self.taken.lock().await;
        let mut reports = Vec::new();
        for mark in self.uploads.upload_marks().await? {
            let key = (mark.tenant, mark.entity_id);
            if taken.get(&key) == Some(&mark.version) {
                continue;
            }
            let Some(upload) = self.uploads.last_upload(&key.0, &key.1).await? else { continue };
            let version = upload.version;
            reports.extend(self.take(upload).await);
            taken.insert(key, version);
        }
        Ok(reports)
    }

    async fn take(&self, upload: Upload) -> Option<Report> {
        let Upload { tenant, entity_id, metadata, .. } = &upload;
        let profile = self.profile(tenant, upload.profile.as_deref());
        let (Some(document), Some(profile)) = (metadata, profile) else {
            if metadata.is_some() {
                let (tenant, sp) = (tenant.as_str(), entity_id.as_str());
                tracing::error!(tenant, sp, "an uploaded service provider's profile is gone");
            }
            self.registrations.forget(tenant, entity_id).await;
            return None;
        };
        let registration = Registration {
            tenant: tenant.clone(),
            source: Source::Upload(entity_id.clone()),
            wanted: Some(entity_id.clone()),
            trust: Vec::new(),
            request_signatures: match upload.signed_requests {
                None => RequestSignatures::AsProfile,
                Some(true) => RequestSignatures::Required,
                Some(false) => RequestSignatures::Optional,
            },
            profile,
            unsolicited: match upload.unsolicited.clone() {
                None => Unsolicited::Refused,
                Some(relay_states) => Unsolicited::Allowed { relay_states },
            },
        };
        Some(self.registrations.install(registration, Arc::from(document.as_bytes())).await)
    }

    fn profile(&self, tenant: &TenantId, name: Option<&str>) -> Option<Arc<Profile>> {
        let own = self.profiles.of_tenants.get(tenant)?;
        name.map_or_else(|| Some(Arc::clone(own)), |name| self.profiles.named.get(name))
    }

    /// What an application comes to, and whether it is the last version already.
    async fn judge(&self, application: &Application<'_>) -> Result<(Review, bool), Declined> {
        let Application { tenant, wanted, document, settings: asked } = application;
        if self.profile(tenant, asked.profile.as_deref()).is_none() {
            return Err(Declined::Profile);
        }
        if !asked.unsolicited.as_deref().is_none_or(can_be_sent) {
            return Err(Declined::RelayStates);
        }
        let now = self.clock.now();
        let findings = lint(document, &Question { wanted: *wanted, now, lifetime: self.lifetime });
        let refused = findings.iter().any(|found| found.fault.severity == Severity::Error);
        let provider = self.read(document, *wanted, now);
        let (false, Ok(provider)) = (refused, provider) else {
            return Err(Declined::Metadata(findings));
        };
        let entity_id = provider.entity_id.clone();
        if self.registrations.declares(tenant, &entity_id) {
            return Err(Declined::Declared(entity_id));
        }
        let last = self.uploads.last_upload(tenant, &entity_id).await?;
        let version = last.as_ref().map_or(0, |last| last.version);
        let old = last.filter(|last| last.metadata.is_some());
        let is_known = old.as_ref().is_some_and(|old| {
            old.metadata.as_deref().map(str::as_bytes) == Some(*document) && settings(old) == *asked
        });
        let before = old.as_ref().map(|old| self.portrait(old).unwrap_or_default());
        let after = portrait(&provider, asked);
        let review = Review {
            entity_id,
            version: if is_known { version } else { version + 1 },
            is_new: old.is_none(),
            findings,
            differences: before.map(|before| differences(&before, &after)).unwrap_or_default(),
        };
        Ok((review, is_known))
    }

    fn read(
        &self,
        document: &[u8],
        wanted: Option<&EntityId>,
        now: OffsetDateTime,
    ) -> Result<ServiceProvider, saml::Error> {
        let provider = sp_metadata::read(document, wanted, Trust::Origin, now)?;
        provider.lives_within(self.lifetime, now)?;
        Ok(provider)
    }
}

/// How that version is treated.
#[must_use]
pub fn settings(upload: &Upload) -> Settings {
    let Upload { profile, signed_requests, unsolicited, .. } = upload.clone();
    Settings { profile, signed_requests, unsolicited }
}

/// Whether these can go with an answer that nobody asked for (saml-bindings-2.0-os §3.4.3).
fn can_be_sent(relay_states: &[String]) -> bool {
    let lengths = 1..=limits::SENT_RELAY_STATE_BYTES;
    let fits = |state: &String| lengths.contains(&state.len()) && !state.contains(char::is_control);
    relay_states.len() <= limits::RELAY_STATES && relay_states.iter().all(fits)
}
