//! Layer 1: messages to partners, in a database, and who sends them.

use time::OffsetDateTime;

use super::link::Access;
use super::value::{Row, Statement, limit};
use super::{Sql, StoreError};
use crate::store::Answer;
use crate::store::account::{Message, MessageId, MessageState};
use crate::store::ledger::{Lease, Outbox};
use crate::store::record::TenantId;

macro_rules! columns {
    () => {
        "id, tenant, kind, body, created_at, state, attempts, next_at, problem"
    };
}

macro_rules! take_due {
    ($lock:literal) => {
        concat!(
            "WITH due AS MATERIALIZED (SELECT id FROM messages WHERE state = 'waiting' \
             AND next_at <= $1 AND leased_until <= $1 ORDER BY next_at, id LIMIT $3",
            $lock,
            ") UPDATE messages SET leased_until = $2 \
             WHERE id IN (SELECT id FROM due) RETURNING ",
            columns!()
        )
    };
}

impl Outbox for Sql {
    fn take_due(&self, lease: Lease, at_most: usize) -> Answer<'_, Vec<Message>> {
        Box::pin(async move {
            let statement = Statement {
                sqlite: take_due!(""),
                postgres: take_due!(" FOR UPDATE SKIP LOCKED"),
                values: vec![lease.now.into(), lease.until.into(), limit(at_most).into()],
            };
            let mut due = self.many("take_due", Access::Write, statement, message).await?;
            due.sort_by(|a, b| (a.next_at, &a.id.0).cmp(&(b.next_at, &b.id.0)));
            Ok(due)
        })
    }

    fn settle<'a>(&'a self, message: &'a Message) -> Answer<'a, ()> {
        Box::pin(async move {
            // A message that somebody else brought to an end meanwhile stays at its end.
            let statement = Statement::new(
                "UPDATE messages SET state = $2, attempts = $3, next_at = $4, problem = $5, \
                 leased_until = 0 WHERE id = $1 AND state = 'waiting' RETURNING id",
            );
            let statement = statement
                .bind(message.id.0.as_str())
                .bind(message.state.name())
                .bind(i64::from(message.attempts))
                .bind(message.next_at)
                .bind(message.problem.as_deref());
            self.link.rows("settle", Access::Write, statement).await.map(drop)
        })
    }

    fn messages<'a>(
        &'a self,
        tenant: &'a TenantId,
        state: MessageState,
        at_most: usize,
    ) -> Answer<'a, Vec<Message>> {
        Box::pin(async move {
            let text = concat!(
                "SELECT ",
                columns!(),
                " FROM messages WHERE tenant = $1 AND state = $2 ORDER BY created_at, id LIMIT $3"
            );
            let statement = Statement::new(text).bind(tenant).bind(state.name());
            self.many("messages", Access::Read, statement.bind(limit(at_most)), message).await
        })
    }

    fn revive<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a MessageId,
        now: OffsetDateTime,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let statement = Statement::new(
                "UPDATE messages SET state = 'waiting', attempts = 0, next_at = $3, \
                 leased_until = 0 WHERE tenant = $1 AND id = $2 AND state = 'dead' RETURNING id",
            );
            let statement = statement.bind(tenant).bind(id.0.as_str()).bind(now);
            Ok(!self.link.rows("revive", Access::Write, statement).await?.is_empty())
        })
    }
}

/// Adds a message.
pub(super) fn add(message: &Message) -> Statement {
    Statement::new(
        "INSERT INTO messages (id, tenant, kind, body, created_at, state, attempts, next_at, \
         problem) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(message.id.0.as_str())
    .bind(&message.tenant)
    .bind(message.kind.as_str())
    .bind(message.body.as_str())
    .bind(message.created_at)
    .bind(message.state.name())
    .bind(i64::from(message.attempts))
    .bind(message.next_at)
    .bind(message.problem.as_deref())
}

fn message(mut row: Row) -> Result<Message, StoreError> {
    Ok(Message {
        id: MessageId(row.text()?),
        tenant: row.tenant()?,
        kind: row.text()?,
        body: row.text()?,
        created_at: row.time()?,
        state: row.named(MessageState::named)?,
        attempts: row.number()?,
        next_at: row.time()?,
        problem: row.maybe_text()?,
    })
}
