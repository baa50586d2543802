//! Layer 1: persistent name identifiers, in a map of this process.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::MemoryLedger;
use crate::saml::EntityId;
use crate::store::name_id::{NameIds, Pair};
use crate::store::record::{PersonId, TenantId};
use crate::store::{Answer, StoreError};

/// Values by tenant, service provider and customer.
pub(super) type Values = HashMap<(TenantId, EntityId, PersonId), String>;

fn key(pair: Pair<'_>) -> (TenantId, EntityId, PersonId) {
    (pair.tenant.clone(), pair.sp.clone(), pair.user.clone())
}

impl NameIds for MemoryLedger {
    fn name_id<'a>(&'a self, pair: Pair<'a>) -> Answer<'a, Option<String>> {
        Box::pin(async move { Ok(self.lock().name_ids.get(&key(pair)).cloned()) })
    }

    fn name_id_or<'a>(
        &'a self,
        pair: Pair<'a>,
        fresh: &'a str,
        _: OffsetDateTime,
    ) -> Answer<'a, String> {
        Box::pin(async move {
            let mut tables = self.lock();
            if let Some(value) = tables.name_ids.get(&key(pair)) {
                return Ok(value.clone());
            }
            let is_taken =
                |((tenant, sp, _), value): (&(TenantId, EntityId, PersonId), &String)| {
                    tenant == pair.tenant && sp == pair.sp && value == fresh
                };
            if tables.name_ids.iter().any(is_taken) {
                return Err(StoreError::Corrupt("a name identifier that is not fresh".into()));
            }
            tables.name_ids.insert(key(pair), fresh.to_owned());
            Ok(fresh.to_owned())
        })
    }

    fn known_by<'a>(
        &'a self,
        tenant: &'a TenantId,
        sp: &'a EntityId,
        value: &'a str,
    ) -> Answer<'a, Option<PersonId>> {
        Box::pin(async move {
            let tables = self.lock();
            let mut all = tables.name_ids.iter();
            let found = all.find(|((t, s, _), v)| t == tenant && s == sp && *v == value);
            Ok(found.map(|((_, _, user), _)| user.clone()))
        })
    }
}
