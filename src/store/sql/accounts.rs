//! Layer 1: customers, their links and their history, in a database.

use time::OffsetDateTime;

use super::Sql;
use super::link::{Access, Ending};
use super::value::{Row, Statement, Value, corrupt, limit, number};
use super::{StoreError, intents, outbox};
use crate::store::Answer;
use crate::store::account::{Account, CloudAccount, Entry, IntentId, LinkState};
use crate::store::ledger::{Accounts, Change, Commit};
use crate::store::record::{PersonId, TenantId};

/// What [`account`] reads, in its order.
macro_rules! account_columns {
    () => {
        "tenant, user_id, account_id, suspended_at, admitted_at, state, since, cloud_domain_id, \
         cloud_domain_name, cloud_user_id, cloud_user_name, former, intent, version"
    };
}
pub(super) use account_columns;

macro_rules! account {
    ($rest:literal) => {
        concat!("SELECT ", account_columns!(), " FROM accounts ", $rest)
    };
}

/// What breaks when somebody else was faster: on `PostgreSQL` the name of a constraint, on `SQLite`
/// its columns. Any other one means that a row was written by somebody else meanwhile.
const JUDGES: &[(&str, &str, Commit)] = &[
    ("accounts_account_id", "accounts.tenant, accounts.account_id", Commit::AccountIdTaken),
    ("accounts_cloud", "accounts.tenant, accounts.cloud_domain_id", Commit::CloudAccountTaken),
    (
        "intents_idempotency_key",
        "intents.tenant, intents.idempotency_key",
        Commit::IdempotencyKeyTaken,
    ),
];

impl Accounts for Sql {
    fn account<'a>(
        &'a self,
        tenant: &'a TenantId,
        user: &'a PersonId,
    ) -> Answer<'a, Option<Account>> {
        Box::pin(async move {
            let statement = Statement::new(account!("WHERE tenant = $1 AND user_id = $2"));
            self.one("account", Access::Read, statement.bind(tenant).bind(user), account).await
        })
    }

    fn account_known_as<'a>(
        &'a self,
        tenant: &'a TenantId,
        account_id: &'a PersonId,
    ) -> Answer<'a, Option<Account>> {
        Box::pin(async move {
            let statement = Statement::new(account!("WHERE tenant = $1 AND account_id = $2"));
            let statement = statement.bind(tenant).bind(account_id);
            self.one("account_known_as", Access::Read, statement, account).await
        })
    }

    fn linked_elsewhere<'a>(
        &'a self,
        tenant: &'a TenantId,
        domain_id: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let statement = Statement::new(account!(
                "WHERE cloud_domain_id = $1 AND tenant <> $2 \
                 AND state IN ('linked', 'unlinking') LIMIT 1"
            ));
            let statement = statement.bind(domain_id).bind(tenant);
            let found = self.one("linked_elsewhere", Access::Read, statement, account).await?;
            Ok(found.is_some())
        })
    }

    fn standing<'a>(
        &'a self,
        tenant: &'a TenantId,
        states: &'a [LinkState],
        before: OffsetDateTime,
        at_most: usize,
    ) -> Answer<'a, Vec<Account>> {
        Box::pin(async move {
            let mut statement = Statement::new(account!(
                "WHERE tenant = $1 AND since < $2 AND state IN ($4, $5, $6, $7, $8, $9, $10) \
                 ORDER BY since, user_id LIMIT $3"
            ));
            statement = statement.bind(tenant).bind(before).bind(limit(at_most));
            // As many places as there are states; those that are not wanted stay empty.
            for state in LinkState::ALL {
                let wanted = states.contains(state).then(|| state.name());
                statement = statement.bind(wanted);
            }
            self.many("standing", Access::Read, statement, account).await
        })
    }

    fn page<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<&'a PersonId>,
        at_most: usize,
    ) -> Answer<'a, Vec<Account>> {
        Box::pin(async move {
            let statement = Statement::new(account!(
                "WHERE tenant = $1 AND user_id > $2 ORDER BY user_id LIMIT $3"
            ));
            // No id is empty, so all of them stand behind the empty one.
            let after = after.map_or("", PersonId::as_str);
            let statement = statement.bind(tenant).bind(after).bind(limit(at_most));
            self.many("page", Access::Read, statement, account).await
        })
    }

    fn history<'a>(&'a self, tenant: &'a TenantId, user: &'a PersonId) -> Answer<'a, Vec<Entry>> {
        Box::pin(async move {
            let statement = Statement::new(
                "SELECT tenant, user_id, at, event, was, became, evidence, refused FROM history \
                 WHERE tenant = $1 AND user_id = $2 ORDER BY number",
            );
            let statement = statement.bind(tenant).bind(user);
            self.many("history", Access::Read, statement, entry).await
        })
    }

    fn commit<'a>(&'a self, change: &'a Change) -> Answer<'a, Commit> {
        Box::pin(async move {
            // In the same order everywhere, so that two changes never wait for each other.
            let mut statements = Vec::new();
            statements.extend(change.account.as_ref().map(write).transpose()?);
            statements.extend(change.intent.as_ref().map(intents::write));
            statements.extend(change.history.iter().map(add));
            statements.extend(change.messages.iter().map(outbox::add));
            Ok(match self.link.together("commit", &statements).await? {
                Ending::Done => Commit::Done,
                Ending::Missed => Commit::Stale,
                Ending::Taken(what) => JUDGES
                    .iter()
                    .find(|(name, columns, _)| what == *name || what == *columns)
                    .map_or(Commit::Stale, |(_, _, commit)| *commit),
            })
        })
    }

    fn reachable(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let statement = Statement::new("SELECT CAST(1 AS BIGINT)");
            self.link.rows("reachable", Access::Read, statement).await.map(drop)
        })
    }
}

impl Sql {
    /// The row that a statement gives, if it gives one.
    pub(super) async fn one<T>(
        &self,
        operation: &'static str,
        access: Access,
        statement: Statement,
        read: fn(Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = self.many(operation, access, statement, read).await?;
        Ok(found.pop())
    }

    /// The rows that a statement gives.
    pub(super) async fn many<T>(
        &self,
        operation: &'static str,
        access: Access,
        statement: Statement,
        read: fn(Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.link.rows(operation, access, statement).await?.into_iter().map(read).collect()
    }
}

/// Adds version 1, or replaces the version before.
fn write(account: &Account) -> Result<Statement, StoreError> {
    let text = if account.version == 1 {
        "INSERT INTO accounts (tenant, user_id, account_id, suspended_at, state, since, \
         cloud_domain_id, cloud_domain_name, cloud_user_id, cloud_user_name, former, intent, \
         version, admitted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (tenant, user_id) DO NOTHING"
    } else {
        "UPDATE accounts SET suspended_at = $4, state = $5, since = $6, cloud_domain_id = $7, \
         cloud_domain_name = $8, cloud_user_id = $9, cloud_user_name = $10, former = $11, \
         intent = $12, version = $13, admitted_at = $14 \
         WHERE tenant = $1 AND user_id = $2 AND account_id = $3 AND version = $13 - 1"
    };
    let cloud = account.cloud.as_ref();
    let former = serde_json::to_string(&account.former).map_err(|_| corrupt("a list"))?;
    Ok(Statement::new(text)
        .bind(&account.tenant)
        .bind(&account.user_id)
        .bind(&account.account_id)
        .bind(account.suspended_at)
        .bind(account.state.name())
        .bind(account.since)
        .bind(cloud.map(|cloud| cloud.domain_id.as_str()))
        .bind(cloud.map(|cloud| cloud.domain_name.as_str()))
        .bind(cloud.and_then(|cloud| cloud.user_id.as_deref()))
        .bind(cloud.and_then(|cloud| cloud.user_name.as_deref()))
        .bind(Value::Text(Some(former)))
        .bind(account.intent.as_ref().map(|id| id.0.as_str()))
        .bind(number(account.version))
        .bind(account.admitted_at))
}

pub(super) fn account(mut row: Row) -> Result<Account, StoreError> {
    Ok(Account {
        tenant: row.tenant()?,
        user_id: row.person()?,
        account_id: row.person()?,
        suspended_at: row.maybe_time()?,
        admitted_at: row.maybe_time()?,
        state: row.named(LinkState::named)?,
        since: row.time()?,
        cloud: cloud(&mut row)?,
        former: serde_json::from_str(&row.text()?).map_err(|_| corrupt("a list"))?,
        intent: row.maybe_text()?.map(IntentId),
        version: row.number()?,
    })
}

fn cloud(row: &mut Row) -> Result<Option<CloudAccount>, StoreError> {
    let (domain_id, domain_name) = (row.maybe_text()?, row.maybe_text()?);
    let (user_id, user_name) = (row.maybe_text()?, row.maybe_text()?);
    Ok(domain_id.zip(domain_name).map(|(domain_id, domain_name)| CloudAccount {
        domain_id,
        domain_name,
        user_id,
        user_name,
    }))
}

fn add(entry: &Entry) -> Statement {
    Statement::new(
        "INSERT INTO history (tenant, user_id, at, event, was, became, evidence, refused) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&entry.tenant)
    .bind(&entry.user_id)
    .bind(entry.at)
    .bind(entry.event.as_str())
    .bind(entry.from.name())
    .bind(entry.to.name())
    .bind(entry.evidence.as_str())
    .bind(entry.refused.as_deref())
}

fn entry(mut row: Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        tenant: row.tenant()?,
        user_id: row.person()?,
        at: row.time()?,
        event: row.text()?,
        from: row.named(LinkState::named)?,
        to: row.named(LinkState::named)?,
        evidence: row.text()?,
        refused: row.maybe_text()?,
    })
}
