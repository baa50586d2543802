//! Layer 1: persistent name identifiers, in a database.

use time::OffsetDateTime;

use super::link::Access;
use super::value::Statement;
use super::{Sql, StoreError};
use crate::saml::EntityId;
use crate::store::Answer;
use crate::store::name_id::{NameIds, Pair};
use crate::store::record::{PersonId, TenantId};

impl NameIds for Sql {
    fn name_id<'a>(&'a self, pair: Pair<'a>) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let statement = Statement::new(
                "SELECT value FROM name_ids WHERE tenant = $1 AND sp = $2 AND user_id = $3",
            );
            let statement = statement.bind(pair.tenant).bind(pair.sp.as_str()).bind(pair.user);
            self.one("name_id", Access::Read, statement, |mut row| row.text()).await
        })
    }

    fn name_id_or<'a>(
        &'a self,
        pair: Pair<'a>,
        fresh: &'a str,
        now: OffsetDateTime,
    ) -> Answer<'a, String> {
        Box::pin(async move {
            if let Some(value) = self.name_id(pair).await? {
                return Ok(value);
            }
            let statement = Statement::new(
                "INSERT INTO name_ids (tenant, sp, user_id, value, created_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            );
            let statement = statement.bind(pair.tenant).bind(pair.sp.as_str()).bind(pair.user);
            let statement = statement.bind(fresh).bind(now);
            // Another node that was faster has written the one that counts.
            self.link.together("name_id_or", &[statement]).await?;
            let value = self.name_id(pair).await?;
            value.ok_or_else(|| StoreError::Corrupt("a name identifier that is not fresh".into()))
        })
    }

    fn known_by<'a>(
        &'a self,
        tenant: &'a TenantId,
        sp: &'a EntityId,
        value: &'a str,
    ) -> Answer<'a, Option<PersonId>> {
        Box::pin(async move {
            let statement = Statement::new(
                "SELECT user_id FROM name_ids WHERE tenant = $1 AND sp = $2 AND value = $3",
            );
            let statement = statement.bind(tenant).bind(sp.as_str()).bind(value);
            self.one("known_by", Access::Read, statement, |mut row| row.person()).await
        })
    }
}
