//! Rows for tests of the ledger, and the subject of a test.

use std::any::Any;
use std::sync::Arc;

use skybridge::store::account::{
    Account, CloudAccount, Entry, Intent, IntentId, IntentStep, LinkState, Message, MessageId,
    MessageState,
};
use skybridge::store::ledger::{Change, Commit, Lease, Ledger};
use skybridge::store::record::{PersonId, TenantId};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// When the tests begin. With microseconds, so that a coarser clock of a backend shows.
pub(crate) const START: OffsetDateTime = datetime!(2026-11-21 12:00:00.123456 UTC);

/// A backend under test, with what must live as long as it.
pub(crate) struct Subject {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

impl Subject {
    pub(crate) async fn commit(&self, change: &Change) -> Commit {
        self.ledger.commit(change).await.unwrap()
    }

    /// Writes rows that must be accepted.
    pub(crate) async fn write(&self, change: &Change) {
        assert_eq!(self.commit(change).await, Commit::Done);
    }
}

pub(crate) fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn bolt() -> TenantId {
    TenantId::parse("bolt").unwrap()
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

/// That many seconds after the start.
pub(crate) fn after(seconds: i64) -> OffsetDateTime {
    START + Duration::seconds(seconds)
}

/// From one second after the start to another.
pub(crate) fn lease(now: i64, until: i64) -> Lease {
    Lease { now: after(now), until: after(until) }
}

/// A customer without a link, version 1, whose `account_id` is made of the id.
pub(crate) fn customer(id: &str) -> Account {
    Account {
        tenant: acme(),
        user_id: person(id),
        account_id: person(&format!("x-{id}")),
        suspended_at: None,
        admitted_at: None,
        state: LinkState::None,
        since: START,
        cloud: None,
        former: Vec::new(),
        intent: None,
        version: 1,
    }
}

/// A customer with a link to that cloud account, version 1.
pub(crate) fn linked(id: &str, domain: &str) -> Account {
    Account { state: LinkState::Linked, cloud: Some(cloud(domain)), ..customer(id) }
}

pub(crate) fn cloud(domain: &str) -> CloudAccount {
    CloudAccount {
        domain_id: domain.to_owned(),
        domain_name: format!("name of {domain}"),
        user_id: None,
        user_name: None,
    }
}

/// The same customer with the next version.
pub(crate) fn next(account: &Account) -> Account {
    Account { version: account.version + 1, ..account.clone() }
}

/// An intent that is due at the start, version 1.
pub(crate) fn intent(id: &str) -> Intent {
    Intent {
        id: IntentId(id.to_owned()),
        tenant: acme(),
        user_id: person("alice"),
        idempotency_key: None,
        asked: "fingerprint".to_owned(),
        plan: r#"{"name":"云"}"#.to_owned(),
        step: IntentStep::Planned,
        attempts: 0,
        next_at: START,
        outcome: None,
        created_at: START,
        version: 1,
    }
}

/// A message that is due at the start.
pub(crate) fn message(id: &str) -> Message {
    Message {
        id: MessageId(id.to_owned()),
        tenant: acme(),
        kind: "account.linked".to_owned(),
        body: r#"{"id":"1"}"#.to_owned(),
        created_at: START,
        state: MessageState::Waiting,
        attempts: 0,
        next_at: START,
        problem: None,
    }
}

/// A line of a customer's history.
pub(crate) fn entry(id: &str, event: &str) -> Entry {
    Entry {
        tenant: acme(),
        user_id: person(id),
        at: START,
        event: event.to_owned(),
        from: LinkState::None,
        to: LinkState::Linked,
        evidence: "{}".to_owned(),
        refused: None,
    }
}

pub(crate) fn of_account(account: Account) -> Change {
    Change { account: Some(account), ..Change::default() }
}

pub(crate) fn of_intent(intent: Intent) -> Change {
    Change { intent: Some(intent), ..Change::default() }
}

pub(crate) fn of_messages(messages: impl IntoIterator<Item = Message>) -> Change {
    Change { messages: messages.into_iter().collect(), ..Change::default() }
}
