//! Layer 1: what nodes share about tenants, in a database.

use time::OffsetDateTime;

use super::Sql;
use super::StoreError;
use super::link::{Access, Ending};
use super::value::{Row, Statement, number};
use crate::saml::EntityId;
use crate::store::Answer;
use crate::store::record::TenantId;
use crate::store::tenancy::{Copies, Declaration, Declarations, Kept, MetadataCopy, SealedKeys};

macro_rules! copy {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, entity_id, metadata, digest, source, registered_at \
             FROM registrations ",
            $rest
        )
    };
}

/// All tenants in one statement, which is one write to the disk. In the order of their names, so
/// that two nodes never wait for each other.
macro_rules! declare {
    ($name:literal, $digest:literal, $list:literal) => {
        concat!(
            "INSERT INTO tenants (tenant, digest, applied_at) SELECT ",
            $name,
            ", ",
            $digest,
            ", $2 FROM ",
            $list,
            " AS list WHERE true ORDER BY 1 ON CONFLICT (tenant) DO UPDATE \
             SET digest = excluded.digest, applied_at = excluded.applied_at \
             WHERE tenants.digest <> excluded.digest RETURNING tenant"
        )
    };
}

impl Declarations for Sql {
    fn declare<'a>(
        &'a self,
        declared: &'a [Declaration],
        now: OffsetDateTime,
    ) -> Answer<'a, Vec<TenantId>> {
        Box::pin(async move {
            let list: Vec<_> =
                declared.iter().map(|one| (one.tenant.as_str(), one.digest.as_str())).collect();
            let list = serde_json::to_string(&list).expect("pairs of texts are JSON");
            let statement = Statement {
                sqlite: declare!("value ->> 0", "value ->> 1", "json_each($1)"),
                postgres: declare!("value ->> 0", "value ->> 1", "json_array_elements($1::json)"),
                values: Vec::new(),
            };
            let statement = statement.bind(list.as_str()).bind(now);
            let mut new =
                self.many("declare", Access::Write, statement, |mut row| row.tenant()).await?;
            new.sort_unstable();
            Ok(new)
        })
    }
}

impl Copies for Sql {
    fn keep<'a>(&'a self, copy: &'a MetadataCopy) -> Answer<'a, Kept> {
        Box::pin(async move {
            loop {
                let last = self.last(&copy.tenant, &copy.entity_id).await?;
                if last.as_ref().is_some_and(|(_, digest)| *digest == copy.digest) {
                    return Ok(Kept::Known);
                }
                let version = last.map_or(0, |(version, _)| version) + 1;
                // Another node that was faster has most likely kept the same copy: look again.
                if self.link.together("keep", &[add(copy, version)]).await? == Ending::Done {
                    return Ok(Kept::New);
                }
            }
        })
    }

    fn last_from<'a>(
        &'a self,
        tenant: &'a TenantId,
        source: &'a str,
    ) -> Answer<'a, Option<MetadataCopy>> {
        Box::pin(async move {
            let statement = Statement::new(copy!(
                "WHERE tenant = $1 AND source = $2 \
                 ORDER BY registered_at DESC, version DESC LIMIT 1"
            ));
            let statement = statement.bind(tenant).bind(source);
            self.one("last_from", Access::Read, statement, copy).await
        })
    }

    fn copies<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Vec<MetadataCopy>> {
        Box::pin(async move {
            let statement =
                Statement::new(copy!("WHERE tenant = $1 AND entity_id = $2 ORDER BY version"));
            let statement = statement.bind(tenant).bind(entity_id.as_str());
            self.many("copies", Access::Read, statement, copy).await
        })
    }
}

impl Sql {
    /// Version and fingerprint of a service provider's last copy.
    async fn last(
        &self,
        tenant: &TenantId,
        entity_id: &EntityId,
    ) -> Result<Option<(u64, String)>, StoreError> {
        let statement = Statement::new(
            "SELECT version, digest FROM registrations WHERE tenant = $1 AND entity_id = $2 \
             ORDER BY version DESC LIMIT 1",
        );
        let statement = statement.bind(tenant).bind(entity_id.as_str());
        let read = |mut row: Row| Ok((row.number()?, row.text()?));
        self.one("last", Access::Read, statement, read).await
    }
}

impl SealedKeys for Sql {
    fn all_keys(&self) -> Answer<'_, Vec<(TenantId, u64, String)>> {
        Box::pin(async move {
            let text = "SELECT tenant, version, keys FROM key_sets ORDER BY tenant";
            let read = |mut row: Row| Ok((row.tenant()?, row.number()?, row.text()?));
            self.many("all_keys", Access::Read, Statement::new(text), read).await
        })
    }

    fn keys<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, Option<(u64, String)>> {
        Box::pin(async move {
            let statement = Statement::new("SELECT version, keys FROM key_sets WHERE tenant = $1");
            let read = |mut row: Row| Ok((row.number()?, row.text()?));
            self.one("keys", Access::Read, statement.bind(tenant), read).await
        })
    }

    fn replace_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        keys: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let text = if from == 0 {
                "INSERT INTO key_sets (tenant, version, keys) VALUES ($1, $2 + 1, $3) \
                 ON CONFLICT (tenant) DO NOTHING"
            } else {
                "UPDATE key_sets SET version = $2 + 1, keys = $3 WHERE tenant = $1 AND version = $2"
            };
            let statement = Statement::new(text).bind(tenant).bind(number(from)).bind(keys);
            Ok(self.link.together("replace_keys", &[statement]).await? == Ending::Done)
        })
    }
}

fn add(copy: &MetadataCopy, version: u64) -> Statement {
    Statement::new(
        "INSERT INTO registrations (tenant, entity_id, version, metadata, digest, source, \
         registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&copy.tenant)
    .bind(copy.entity_id.as_str())
    .bind(number(version))
    .bind(copy.metadata.as_str())
    .bind(copy.digest.as_str())
    .bind(copy.source.as_str())
    .bind(copy.registered_at)
}

fn copy(mut row: Row) -> Result<MetadataCopy, StoreError> {
    Ok(MetadataCopy {
        tenant: row.tenant()?,
        entity_id: row.entity_id()?,
        metadata: row.text()?,
        digest: row.text()?,
        source: row.text()?,
        registered_at: row.time()?,
    })
}
