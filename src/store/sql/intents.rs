//! Layer 1: plans under way, in a database, and who works on them.

use super::link::Access;
use super::value::{Row, Statement, limit, number};
use super::{Sql, StoreError};
use crate::store::Answer;
use crate::store::account::{Intent, IntentId, IntentStep};
use crate::store::ledger::{Intents, Lease};
use crate::store::record::TenantId;

macro_rules! columns {
    () => {
        "id, tenant, user_id, idempotency_key, asked, plan, step, attempts, next_at, outcome, \
         created_at, version"
    };
}

macro_rules! lease_due {
    ($lock:literal) => {
        // Rows that another node is taking at this moment are passed over, not waited for. The
        // choice is made once, whatever plan the database has for the rest.
        concat!(
            "WITH due AS MATERIALIZED (SELECT id FROM intents WHERE step NOT IN ('done', 'failed') \
             AND next_at <= $1 AND leased_until <= $1 ORDER BY next_at, id LIMIT $3",
            $lock,
            ") UPDATE intents SET leased_until = $2, version = version + 1 \
             WHERE id IN (SELECT id FROM due) RETURNING ",
            columns!()
        )
    };
}

impl Intents for Sql {
    fn intent<'a>(&'a self, tenant: &'a TenantId, id: &'a IntentId) -> Answer<'a, Option<Intent>> {
        Box::pin(async move {
            let text =
                concat!("SELECT ", columns!(), " FROM intents WHERE tenant = $1 AND id = $2");
            let statement = Statement::new(text).bind(tenant).bind(id.0.as_str());
            self.one("intent", Access::Read, statement, intent).await
        })
    }

    fn intent_asked<'a>(
        &'a self,
        tenant: &'a TenantId,
        idempotency_key: &'a str,
    ) -> Answer<'a, Option<Intent>> {
        Box::pin(async move {
            let text = concat!(
                "SELECT ",
                columns!(),
                " FROM intents WHERE tenant = $1 AND idempotency_key = $2"
            );
            let statement = Statement::new(text).bind(tenant).bind(idempotency_key);
            self.one("intent_asked", Access::Read, statement, intent).await
        })
    }

    fn lease<'a>(&'a self, id: &'a IntentId, lease: Lease) -> Answer<'a, Option<Intent>> {
        Box::pin(async move {
            let text = concat!(
                "UPDATE intents SET leased_until = $2, version = version + 1 WHERE id = $3 \
                 AND step NOT IN ('done', 'failed') AND leased_until <= $1 RETURNING ",
                columns!()
            );
            let statement = Statement::new(text).bind(lease.now).bind(lease.until);
            let statement = statement.bind(id.0.as_str());
            self.one("lease", Access::Write, statement, intent).await
        })
    }

    fn lease_due(&self, lease: Lease, at_most: usize) -> Answer<'_, Vec<Intent>> {
        Box::pin(async move {
            let statement = Statement {
                sqlite: lease_due!(""),
                postgres: lease_due!(" FOR UPDATE SKIP LOCKED"),
                values: vec![lease.now.into(), lease.until.into(), limit(at_most).into()],
            };
            let mut due = self.many("lease_due", Access::Write, statement, intent).await?;
            due.sort_by(|a, b| (a.next_at, &a.id.0).cmp(&(b.next_at, &b.id.0)));
            Ok(due)
        })
    }
}

/// Adds version 1, or replaces the version before.
pub(super) fn write(intent: &Intent) -> Statement {
    let text = if intent.version == 1 {
        "INSERT INTO intents (id, tenant, user_id, idempotency_key, asked, plan, step, attempts, \
         next_at, outcome, created_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING"
    } else {
        // Another time to go on gives up the lease.
        "UPDATE intents SET idempotency_key = $4, asked = $5, plan = $6, step = $7, attempts = $8, \
         next_at = $9, outcome = $10, created_at = $11, version = $12, \
         leased_until = CASE WHEN next_at = $9 THEN leased_until ELSE 0 END \
         WHERE id = $1 AND tenant = $2 AND user_id = $3 AND version = $12 - 1"
    };
    Statement::new(text)
        .bind(intent.id.0.as_str())
        .bind(&intent.tenant)
        .bind(&intent.user_id)
        .bind(intent.idempotency_key.as_deref())
        .bind(intent.asked.as_str())
        .bind(intent.plan.as_str())
        .bind(intent.step.name())
        .bind(i64::from(intent.attempts))
        .bind(intent.next_at)
        .bind(intent.outcome.as_deref())
        .bind(intent.created_at)
        .bind(number(intent.version))
}

fn intent(mut row: Row) -> Result<Intent, StoreError> {
    Ok(Intent {
        id: IntentId(row.text()?),
        tenant: row.tenant()?,
        user_id: row.person()?,
        idempotency_key: row.maybe_text()?,
        asked: row.text()?,
        plan: row.text()?,
        step: row.named(IntentStep::named)?,
        attempts: row.number()?,
        next_at: row.time()?,
        outcome: row.maybe_text()?,
        created_at: row.time()?,
        version: row.number()?,
    })
}
