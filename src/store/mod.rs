//! Layer 1: what must be remembered for minutes to hours, and shared by all nodes: sessions,
//! pending journeys, used ids, attempt counters. One small trait over bytes; its backends are in
//! the files beside this one.
//!
//! Every key carries its kind and its tenant (B-37). Whatever decides a race is one atomic
//! operation (C-35). A store that does not answer is an error, never "not found": the caller
//! refuses (D-01).

pub mod account;
pub mod directory;
pub mod given;
pub mod leaving;
pub mod ledger;
pub mod mark;
pub mod memory;
pub mod memory_ledger;
pub mod name_id;
pub mod record;
pub mod redis;
pub mod sql;
pub mod tenancy;
pub mod uploads;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use time::OffsetDateTime;

use crate::refusal::{Code, Refusal};

/// What a call to a store gives: boxed, so that a backend can be chosen at start-up.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store could not do what it was asked. The texts name causes, never keys, values or
/// credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, did not answer in time, or refused us. Whether the call took
    /// effect is unknown.
    #[error("the store is away: {0}")]
    Away(String),
    /// The store takes no new entries. It never makes room by forgetting early: a forgotten used id
    /// is a replay.
    #[error("the store is full")]
    Full,
    /// What is stored under the key is not what this program writes.
    #[error("the store holds a record that cannot be read: {0}")]
    Corrupt(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Away(_) => Code::StoreAway,
            StoreError::Full => Code::Overloaded,
            StoreError::Corrupt(_) => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

/// Bytes under keys that expire, shared by all nodes.
///
/// A life is counted in whole milliseconds; less than one counts as one. Writing gives a key a new
/// life; reading does not. Dropping the answer before it is ready leaves open whether the call took
/// effect.
pub trait Ephemeral: Send + Sync {
    /// Stores `value` for the time `life`, over whatever was there.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Full`].
    fn put<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, ()>;

    /// What is stored, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Corrupt`].
    fn get<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>>;

    /// Reads and removes in one step: among any number of concurrent takers exactly one gets the
    /// value (C-35).
    ///
    /// When the answer is lost the value may be gone: the caller refuses and the journey starts
    /// anew. No backend repeats a take whose answer it did not see.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Corrupt`].
    fn take<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>>;

    /// Stores `value` unless something is there already, in one step: among any number of
    /// concurrent callers exactly one wins (B-18). An existing value keeps its life.
    ///
    /// # Errors
    /// [`StoreError::Away`]: the claim may have been won without us knowing; the caller refuses.
    /// [`StoreError::Full`], [`StoreError::Corrupt`].
    fn claim<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, Claim>;

    /// Reads and gives what is there a new life; makes nothing where nothing is. A session is read
    /// this way: reading it keeps it alive, and no reader can bring back what a logout removed
    /// meanwhile (conformance V7).
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Corrupt`].
    fn renew<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, Option<Vec<u8>>>;

    /// A `renew` and a `claim` of another key, in one round trip where the backend can: the whole
    /// storage work of one SSO answer. The claim is made whatever is found, and the two are not one
    /// transaction.
    ///
    /// # Errors
    /// Those of [`renew`](Ephemeral::renew) and [`claim`](Ephemeral::claim); the claim may have
    /// been made.
    fn renew_and_claim<'a>(
        &'a self,
        renewal: (&'a Key, Duration),
        claim: &'a Key,
        value: &'a [u8],
        life: Duration,
    ) -> Answer<'a, (Option<Vec<u8>>, Claim)> {
        Box::pin(async move {
            let found = self.renew(renewal.0, renewal.1).await?;
            Ok((found, self.claim(claim, value, life).await?))
        })
    }

    /// Counts one event and gives the number of events, this one included, since the first of them.
    /// The count ends
    /// `life` after its first event; later events do not prolong it. Counters have keys of their
    /// own.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Full`], [`StoreError::Corrupt`] when the key holds no
    /// counter.
    fn count<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, u64>;

    /// Removes what is there, if anything.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    fn remove<'a>(&'a self, key: &'a Key) -> Answer<'a, ()>;

    /// Adds a member to the list under the key; a member that is there already gets a new life.
    /// Each member has a life of its own, counted from `now` by the caller's clock; those whose
    /// life is over are dropped on the way, so a list does not grow for ever. Lists have keys of
    /// their own.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Full`], [`StoreError::Corrupt`] when the key holds no
    /// list.
    fn enlist<'a>(
        &'a self,
        key: &'a Key,
        member: &'a [u8],
        now: OffsetDateTime,
        life: Duration,
    ) -> Answer<'a, ()>;

    /// The members of a list whose life is not over at `now`, in no order.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Corrupt`] when the key holds no list.
    fn members<'a>(&'a self, key: &'a Key, now: OffsetDateTime) -> Answer<'a, Vec<Vec<u8>>>;

    /// Takes a member off a list, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Corrupt`] when the key holds no list.
    fn strike<'a>(&'a self, key: &'a Key, member: &'a [u8]) -> Answer<'a, ()>;

    /// Whether the store answers: for readiness.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    fn ping(&self) -> Answer<'_, ()>;
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing was there; the caller's value is there now.
    Won,
    /// Somebody was first, with this value.
    Lost(Vec<u8>),
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $tag:literal;)+) => {
        /// What a key is about. Keys of different kinds never meet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)+];

            /// The name under which this kind stands in keys.
            #[must_use]
            pub fn tag(self) -> &'static str {
                match self { $(Self::$name => $tag,)+ }
            }
        }
    };
}

kinds! {
    /// A signed-in customer's session, by the fingerprint of its cookie.
    Session = "session";
    /// Who was told about a customer's sessions, by the fingerprint of the customer's id.
    Participants = "participants";
    /// A journey that waits for the browser to come back, by the fingerprint of its token.
    Pending = "pending";
    /// A request that was posted and waits for the browser's next step, by the fingerprint of its
    /// token.
    Arrived = "arrived";
    /// A logout message that was posted and waits for the browser's next step, by the fingerprint
    /// of its token.
    Heard = "heard";
    /// A logout on its way from one service provider to the next, by the fingerprint of its handle.
    Leaving = "leaving";
    /// Whose session it is, by the fingerprint of its index.
    SessionOwner = "session-owner";
    /// A hand-off ticket that was given out, by its fingerprint.
    Ticket = "ticket";
    /// The `ID` of an `AuthnRequest` that was answered (B-18).
    UsedRequest = "used-request";
    /// The answer to a partner's call, by its idempotency key.
    Idempotency = "idempotency";
    /// Attempts to sign in.
    Attempts = "attempts";
    /// What somebody typed on the page that opens an account, by the fingerprint of their id.
    Draft = "draft";
    /// Codes that the cloud was asked to send.
    Codes = "codes";
    /// A moment in which one node may call one API of the cloud (D-07).
    ApiSlot = "api-slot";
    /// A partner's token at the cloud's identity API, sealed.
    CloudToken = "cloud-token";
    /// That a node compares a tenant's links with the cloud's list.
    Reconciling = "reconciling";
    /// That a tenant's links were compared, and need not be before the entry ends.
    Reconciled = "reconciled";
    /// The same, while some of them are unresolved.
    ReconcileSoon = "reconcile-soon";
}

/// The name of an entry: kind, tenant and id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The key of `id` of this kind at `tenant`. Any two different triples have different keys,
    /// whatever characters they contain. An id that is a bearer token must be given as its
    /// [`crate::secret::fingerprint`] (C-24).
    #[must_use]
    pub fn new(kind: Kind, tenant: &str, id: &str) -> Self {
        let mut key = String::with_capacity(kind.tag().len() + tenant.len() + id.len() + 2);
        key.push_str(kind.tag());
        key.push(':');
        // Kinds have no colon and the tenant's are escaped, so the second colon ends the tenant;
        // the id is the rest.
        for character in tenant.chars() {
            match character {
                ':' => key.push_str("%3A"),
                '%' => key.push_str("%25"),
                _ => key.push(character),
            }
        }
        key.push(':');
        key.push_str(id);
        Self(key)
    }

    /// The key as backends store it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Kind and tenant only: an id may be a person's.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.match_indices(':').nth(1).map_or(self.0.len(), |(at, _)| at);
        write!(f, "Key({}:…)", &self.0[..id])
    }
}

/// A time as backends count it: whole milliseconds since 1970.
fn instant(time: OffsetDateTime) -> i128 {
    time.unix_timestamp_nanos() / 1_000_000
}

/// A life as backends count it: whole milliseconds, at least one.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_reads_kind_tenant_and_id() {
        assert_eq!(Key::new(Kind::Session, "acme", "x:y").as_str(), "session:acme:x:y");
    }

    #[test]
    fn debugging_a_key_does_not_show_its_id() {
        let key = Key::new(Kind::Attempts, "acme", "alice@example.com");
        assert_eq!(format!("{key:?}"), "Key(attempts:acme:…)");
    }

    #[test]
    fn tags_differ_and_hold_no_separator() {
        let mut tags: Vec<_> = Kind::ALL.iter().map(|kind| kind.tag()).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), Kind::ALL.len());
        assert!(tags.iter().all(|tag| !tag.contains(':')));
    }

    proptest! {
        #[test]
        fn different_triples_have_different_keys(
            left in ("[a:%3A]{0,4}", "[a:%3A]{0,4}"),
            right in ("[a:%3A]{0,4}", "[a:%3A]{0,4}"),
        ) {
            let same = Key::new(Kind::Pending, &left.0, &left.1)
                == Key::new(Kind::Pending, &right.0, &right.1);
            prop_assert_eq!(same, left == right);
        }
    }
}
