//! Layer 1: what must not be undone or repeated, in maps of this process: of one node.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use time::OffsetDateTime;

use super::{MemoryLedger, who};
use crate::store::Answer;
use crate::store::mark::{Mark, MarkKind, Marked, Marks, Visitor};
use crate::store::record::{PersonId, TenantId};

/// Until when each is marked.
pub(super) type Table = HashMap<(TenantId, MarkKind, String), OffsetDateTime>;

impl Marks for MemoryLedger {
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked> {
        Box::pin(async move {
            let key = (mark.tenant.clone(), mark.kind, mark.id.clone());
            match self.lock().marks.entry(key) {
                Entry::Occupied(_) => Ok(Marked::Before),
                Entry::Vacant(place) => {
                    place.insert(mark.until);
                    Ok(Marked::Now)
                }
            }
        })
    }

    fn visitor<'a>(
        &'a self,
        tenant: &'a TenantId,
        user: &'a PersonId,
        session: &'a str,
    ) -> Answer<'a, Option<Visitor>> {
        Box::pin(async move {
            let tables = self.lock();
            let key = (tenant.clone(), MarkKind::EndedSession, session.to_owned());
            let session_ended = tables.marks.contains_key(&key);
            let account = tables.accounts.get(&who(tenant, user)).cloned();
            Ok(account.map(|account| Visitor { account, session_ended }))
        })
    }

    fn forget_marks(&self, now: OffsetDateTime, at_most: usize) -> Answer<'_, usize> {
        Box::pin(async move {
            let mut forgotten = 0;
            self.lock().marks.retain(|_, until| {
                let goes = *until <= now && forgotten < at_most;
                forgotten += usize::from(goes);
                !goes
            });
            Ok(forgotten)
        })
    }
}
