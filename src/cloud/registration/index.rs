//! Layer 2, cloud: what is looked up for every request, made anew after every change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::judge::Good;
use super::{Entry, Registered, Source};
use crate::saml::EntityId;
use crate::store::record::TenantId;

/// A tenant's service providers.
#[derive(Default)]
pub(super) struct OfTenant {
    pub(super) known: HashMap<EntityId, Arc<Registered>>,
    /// How many registrations have no good copy yet.
    pub(super) waiting: usize,
    /// The service providers that are no uploads.
    pub(super) declared: HashSet<EntityId>,
}

/// The service providers of all entries.
pub(super) fn index(entries: &[Entry]) -> HashMap<TenantId, OfTenant> {
    let mut index: HashMap<TenantId, OfTenant> = HashMap::new();
    for entry in entries {
        let of_tenant = index.entry(entry.registration.tenant.clone()).or_default();
        let is_upload = matches!(entry.registration.source, Source::Upload(_));
        if let Some(wanted) = entry.registration.wanted.clone().filter(|_| !is_upload) {
            of_tenant.declared.insert(wanted);
        }
        match &entry.good {
            None => of_tenant.waiting += 1,
            Some(Good { registered, .. }) => {
                let entity_id = registered.service_provider.entity_id.clone();
                if !is_upload {
                    of_tenant.declared.insert(entity_id.clone());
                } else if of_tenant.declared.contains(&entity_id) {
                    // Uploads stand behind what the configuration declares, which wins.
                    continue;
                }
                of_tenant.known.insert(entity_id, Arc::clone(registered));
            }
        }
    }
    index
}
