//! Layer 2, cloud: service providers that come and go while the gateway runs.

use std::sync::Arc;

use super::{Entry, Origin, Registration, Registrations, Report, Source, index};
use crate::saml::EntityId;
use crate::store::record::TenantId;

impl Registrations {
    /// Puts a copy of an uploaded service provider into use, in place of the one before.
    pub(in crate::cloud) async fn install(
        &self,
        registration: Registration,
        octets: Arc<[u8]>,
    ) -> Report {
        let mut entries = self.entries.lock().await;
        let same = |entry: &Entry| {
            entry.registration.tenant == registration.tenant
                && entry.registration.source == registration.source
        };
        let at = entries.iter().position(same).unwrap_or(entries.len());
        if at == entries.len() {
            entries.push(Entry { registration, good: None });
        } else {
            entries[at].registration = registration;
        }
        let report = self.accept(&mut entries, at, Ok(octets), Origin::Upload).await;
        self.index.store(Arc::new(index(&entries)));
        report
    }

    /// Takes an uploaded service provider out of use.
    pub(in crate::cloud) async fn forget(&self, tenant: &TenantId, entity_id: &EntityId) {
        let mut entries = self.entries.lock().await;
        entries.retain(|Entry { registration, .. }| {
            let uploaded =
                matches!(&registration.source, Source::Upload(other) if other == entity_id);
            !(uploaded && registration.tenant == *tenant)
        });
        self.index.store(Arc::new(index(&entries)));
    }

    /// Whether the configuration declares this service provider, as far as is known: its metadata
    /// may not have come yet. Lock-free.
    #[must_use]
    pub fn declares(&self, tenant: &TenantId, entity_id: &EntityId) -> bool {
        self.index.load().get(tenant).is_some_and(|of| of.declared.contains(entity_id))
    }
}
