//! Layer 1, store: what happened once and must not be undone or repeated, though the ephemeral
//! store may lose it when one of its servers takes over from another (conformance D-03, V7). Part
//! of the ledger.

use time::OffsetDateTime;

use super::Answer;
use super::account::Account;
use super::record::{PersonId, TenantId};

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// The session of this index has ended.
    EndedSession,
    /// The ticket of ours with this fingerprint was used.
    UsedTicket,
    /// A ticket that the partner signed was used; this is the fingerprint of its `jti`.
    UsedJti,
}

impl MarkKind {
    /// Its name in the store. Never changed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EndedSession => "ended-session",
            Self::UsedTicket => "used-ticket",
            Self::UsedJti => "used-jti",
        }
    }
}

/// One mark. There is one of each kind, tenant and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose.
    pub tenant: TenantId,
    /// What it says.
    pub kind: MarkKind,
    /// Of what. Never a bearer token itself.
    pub id: String,
    /// When it may be forgotten, because what it speaks of is over by itself.
    pub until: OffsetDateTime,
}

/// What came of setting a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It is set, and durable.
    Now,
    /// It was set before; nothing was written.
    Before,
}

/// A customer, found for one of their sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The customer.
    pub account: Account,
    /// Whether that session is marked as ended.
    pub session_ended: bool,
}

/// Marks.
pub trait Marks: Send + Sync {
    /// Sets a mark, unless it is there: among any number of callers exactly one sets it.
    ///
    /// # Errors
    /// [`super::StoreError::Away`]: it may be set.
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked>;

    /// The customer of that id, and whether their session of that index is marked as ended: one
    /// question, because each SSO answer asks it.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn visitor<'a>(
        &'a self,
        tenant: &'a TenantId,
        user: &'a PersonId,
        session: &'a str,
    ) -> Answer<'a, Option<Visitor>>;

    /// Forgets marks whose time is over. How many they were; as many as `at_most` means that there
    /// may be more.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn forget_marks(&self, now: OffsetDateTime, at_most: usize) -> Answer<'_, usize>;
}
