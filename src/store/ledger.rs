//! Layer 1, store: what must survive, behind small traits: here accounts with their history,
//! intents, and messages to partners; in [`tenancy`](super::tenancy) what nodes share about
//! tenants. Backends: memory, `SQLite`, `PostgreSQL`.
//!
//! One [`Change`] is one transaction: a link never changes without its line of history and its
//! message. Races are judged by versions and by unique constraints, never by reading first
//! (conformance D-12). Times are kept in whole microseconds.

use time::OffsetDateTime;

use super::Answer;
use super::account::{Account, Entry, Intent, IntentId, LinkState, Message, MessageId};
use super::mark::Marks;
use super::name_id::NameIds;
use super::record::{PersonId, TenantId};
use super::tenancy::{Copies, Declarations, SealedKeys};
use super::uploads::Uploads;

/// Everything that belongs to one event, written together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The account as it becomes. Version 1 adds the row; version n replaces version n - 1.
    pub account: Option<Account>,
    /// An intent as it becomes, by the same rule of versions.
    pub intent: Option<Intent>,
    /// Lines of history to add.
    pub history: Vec<Entry>,
    /// Messages to add.
    pub messages: Vec<Message>,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// All of it is durable.
    Done,
    /// Somebody was faster; nothing was written. Read again and decide again.
    Stale,
    /// Another customer of the tenant has this `account_id`, or had it. Nothing was written.
    AccountIdTaken,
    /// Another customer of the tenant is linked with this cloud account (conformance V1). Nothing
    /// was written.
    CloudAccountTaken,
    /// The tenant has another intent under this idempotency key. Nothing was written.
    IdempotencyKeyTaken,
}

/// Customers and their links.
pub trait Accounts: Send + Sync {
    /// The customer with this id at the partner.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn account<'a>(
        &'a self,
        tenant: &'a TenantId,
        user: &'a PersonId,
    ) -> Answer<'a, Option<Account>>;

    /// The customer whom the cloud knows by this `xAccountId`.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn account_known_as<'a>(
        &'a self,
        tenant: &'a TenantId,
        account_id: &'a PersonId,
    ) -> Answer<'a, Option<Account>>;

    /// Whether a customer of another tenant is linked with this cloud account (`domainId`).
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn linked_elsewhere<'a>(&'a self, tenant: &'a TenantId, domain_id: &'a str)
    -> Answer<'a, bool>;

    /// The customers in one of these states since before that time, longest first.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn standing<'a>(
        &'a self,
        tenant: &'a TenantId,
        states: &'a [LinkState],
        before: OffsetDateTime,
        at_most: usize,
    ) -> Answer<'a, Vec<Account>>;

    /// The customers of a tenant in the order of their ids, beginning behind `after`.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn page<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<&'a PersonId>,
        at_most: usize,
    ) -> Answer<'a, Vec<Account>>;

    /// A customer's history, oldest line first.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn history<'a>(&'a self, tenant: &'a TenantId, user: &'a PersonId) -> Answer<'a, Vec<Entry>>;

    /// Writes a change. When the answer is [`super::StoreError::Away`], whether it was written is
    /// unknown: read again.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn commit<'a>(&'a self, change: &'a Change) -> Answer<'a, Commit>;

    /// Whether the store answers: for readiness.
    ///
    /// # Errors
    /// [`super::StoreError::Away`].
    fn reachable(&self) -> Answer<'_, ()>;
}

/// A time during which one node alone works on something.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// Now.
    pub now: OffsetDateTime,
    /// When others may take over.
    pub until: OffsetDateTime,
}

/// Plans under way. They are written by [`Accounts::commit`], which leaves a lease as it is while
/// `next_at` stays the same, and gives it up when the intent is to go on at another time.
pub trait Intents: Send + Sync {
    /// The intent of that id.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn intent<'a>(&'a self, tenant: &'a TenantId, id: &'a IntentId) -> Answer<'a, Option<Intent>>;

    /// The intent that was asked for under that key.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn intent_asked<'a>(
        &'a self,
        tenant: &'a TenantId,
        idempotency_key: &'a str,
    ) -> Answer<'a, Option<Intent>>;

    /// Takes an unfinished intent to work on, whatever its `next_at`, unless somebody else holds
    /// it. The version that is given back is the only one that can be written from then on.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn lease<'a>(&'a self, id: &'a IntentId, lease: Lease) -> Answer<'a, Option<Intent>>;

    /// Takes unfinished intents whose time has come and that nobody holds, longest due first.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn lease_due(&self, lease: Lease, at_most: usize) -> Answer<'_, Vec<Intent>>;
}

/// Messages to partners. They are added by [`Accounts::commit`].
pub trait Outbox: Send + Sync {
    /// Takes waiting messages whose time has come and that nobody holds, oldest first. Order is not
    /// promised: each body carries the version of the account.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn take_due(&self, lease: Lease, at_most: usize) -> Answer<'_, Vec<Message>>;

    /// Writes how an attempt ended: state, attempts, `next_at`, problem. Gives up the lease. Does
    /// nothing to a message that is not waiting any more: somebody else took over and was faster.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn settle<'a>(&'a self, message: &'a Message) -> Answer<'a, ()>;

    /// A tenant's messages in a state, oldest first.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn messages<'a>(
        &'a self,
        tenant: &'a TenantId,
        state: super::account::MessageState,
        at_most: usize,
    ) -> Answer<'a, Vec<Message>>;

    /// A dead message of a tenant waits again, from `now` and from its first attempt. Whether there
    /// was one.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn revive<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a MessageId,
        now: OffsetDateTime,
    ) -> Answer<'a, bool>;
}

/// All that must survive.
pub trait Ledger:
    Accounts + Intents + Outbox + Marks + NameIds + Declarations + Copies + SealedKeys + Uploads
{
}

impl<T> Ledger for T where
    T: Accounts + Intents + Outbox + Marks + NameIds + Declarations + Copies + SealedKeys + Uploads
{
}
