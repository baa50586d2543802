//! Layer 1: what nodes share about tenants, in maps of this process: of one node.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use super::MemoryLedger;
use crate::saml::EntityId;
use crate::store::Answer;
use crate::store::record::TenantId;
use crate::store::tenancy::{Copies, Declaration, Declarations, Kept, MetadataCopy, SealedKeys};

#[derive(Default)]
pub(super) struct Tenancy {
    digests: HashMap<TenantId, String>,
    /// Oldest first.
    copies: Vec<MetadataCopy>,
    /// Version and keys.
    keys: BTreeMap<TenantId, (u64, String)>,
}

impl Declarations for MemoryLedger {
    fn declare<'a>(
        &'a self,
        declared: &'a [Declaration],
        _: OffsetDateTime,
    ) -> Answer<'a, Vec<TenantId>> {
        Box::pin(async move {
            let mut tables = self.lock();
            let digests = &mut tables.tenancy.digests;
            let mut new = Vec::new();
            for Declaration { tenant, digest } in declared {
                if digests.insert(tenant.clone(), digest.clone()).as_ref() != Some(digest) {
                    new.push(tenant.clone());
                }
            }
            new.sort_unstable();
            Ok(new)
        })
    }
}

impl Copies for MemoryLedger {
    fn keep<'a>(&'a self, copy: &'a MetadataCopy) -> Answer<'a, Kept> {
        Box::pin(async move {
            let mut tables = self.lock();
            let copies = &mut tables.tenancy.copies;
            let of_same = |other: &&MetadataCopy| {
                other.tenant == copy.tenant && other.entity_id == copy.entity_id
            };
            let last = copies.iter().rev().find(of_same);
            if last.is_some_and(|last| last.digest == copy.digest) {
                return Ok(Kept::Known);
            }
            copies.push(copy.clone());
            Ok(Kept::New)
        })
    }

    fn last_from<'a>(
        &'a self,
        tenant: &'a TenantId,
        source: &'a str,
    ) -> Answer<'a, Option<MetadataCopy>> {
        Box::pin(async move {
            let tables = self.lock();
            let copies = &tables.tenancy.copies;
            let from = copies.iter().filter(|copy| copy.tenant == *tenant && copy.source == source);
            Ok(from.max_by_key(|copy| copy.registered_at).cloned())
        })
    }

    fn copies<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Vec<MetadataCopy>> {
        Box::pin(async move {
            let tables = self.lock();
            let copies = &tables.tenancy.copies;
            let of =
                copies.iter().filter(|copy| copy.tenant == *tenant && copy.entity_id == *entity_id);
            Ok(of.cloned().collect())
        })
    }
}

impl SealedKeys for MemoryLedger {
    fn all_keys(&self) -> Answer<'_, Vec<(TenantId, u64, String)>> {
        Box::pin(async move {
            let tables = self.lock();
            let all = tables.tenancy.keys.iter();
            Ok(all.map(|(of, (version, keys))| (of.clone(), *version, keys.clone())).collect())
        })
    }

    fn keys<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, Option<(u64, String)>> {
        Box::pin(async move { Ok(self.lock().tenancy.keys.get(tenant).cloned()) })
    }

    fn replace_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        keys: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut tables = self.lock();
            let held = &mut tables.tenancy.keys;
            let there = held.get(tenant).map_or(0, |(version, _)| *version);
            if there == from {
                held.insert(tenant.clone(), (from + 1, keys.to_owned()));
            }
            Ok(there == from)
        })
    }
}
