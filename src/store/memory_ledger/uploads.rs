//! Layer 1: uploaded service providers, in a list of this process: of one node.

use std::collections::BTreeMap;

use super::MemoryLedger;
use crate::saml::EntityId;
use crate::store::Answer;
use crate::store::record::TenantId;
use crate::store::uploads::{Mark, Upload, Uploads};

/// Each service provider's versions, oldest first.
pub(super) type History = BTreeMap<(TenantId, String), Vec<Upload>>;

impl Uploads for MemoryLedger {
    fn add_upload<'a>(&'a self, upload: &'a Upload) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut tables = self.lock();
            let versions = tables.uploads.entry(key(&upload.tenant, &upload.entity_id));
            let versions = versions.or_default();
            let is_next = versions.iter().all(|other| other.version < upload.version);
            if is_next {
                versions.push(upload.clone());
            }
            Ok(is_next)
        })
    }

    fn upload_marks(&self) -> Answer<'_, Vec<Mark>> {
        Box::pin(async move {
            let tables = self.lock();
            let last = tables.uploads.values().filter_map(|versions| versions.last());
            let mark = |upload: &Upload| Mark {
                tenant: upload.tenant.clone(),
                entity_id: upload.entity_id.clone(),
                version: upload.version,
            };
            Ok(last.map(mark).collect())
        })
    }

    fn last_upload<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Option<Upload>> {
        Box::pin(async move {
            let tables = self.lock();
            let versions = tables.uploads.get(&key(tenant, entity_id));
            Ok(versions.and_then(|versions| versions.last()).cloned())
        })
    }

    fn uploads<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Vec<Upload>> {
        Box::pin(async move {
            Ok(self.lock().uploads.get(&key(tenant, entity_id)).cloned().unwrap_or_default())
        })
    }
}

fn key(tenant: &TenantId, entity_id: &EntityId) -> (TenantId, String) {
    (tenant.clone(), entity_id.to_string())
}
