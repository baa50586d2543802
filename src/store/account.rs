//! Layer 1, store: what is kept for good about a customer's link with a cloud account, and about
//! plans and messages that belong to it. What may become of a link is decided in `account`; here
//! are only the rows (contract §11).

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::record::{PersonId, TenantId};

/// One customer of one tenant, and how they stand with the cloud. The key is (tenant, user id).
/// Rows are never deleted: an `account_id` is never given to anybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The tenant.
    pub tenant: TenantId,
    /// The partner's id of the customer.
    pub user_id: PersonId,
    /// What the cloud knows the customer by (`xAccountId`). Fixed when the customer is first seen.
    pub account_id: PersonId,
    /// Since when the partner has switched the customer off, if so. The link below stays as it is.
    pub suspended_at: Option<OffsetDateTime>,
    /// When the partner last let the customer in again. Sessions from before it ended with the
    /// switching off (conformance V7).
    pub admitted_at: Option<OffsetDateTime>,
    /// How the link stands.
    pub state: LinkState,
    /// Since when it stands so.
    pub since: OffsetDateTime,
    /// The account at the cloud: that of the link, or the last one that was heard of.
    pub cloud: Option<CloudAccount>,
    /// Ids (`domainId`) of cloud accounts whose link with this customer has ended.
    pub former: Vec<String>,
    /// The creation under way, while `state` is [`LinkState::Creating`].
    pub intent: Option<IntentId>,
    /// Counts the changes of this row, from 1. A change names the version that it was made from.
    pub version: u64,
}

macro_rules! names {
    ($(#[doc = $top:literal])+ $type:ident {
        $($(#[doc = $doc:literal])+ $name:ident = $text:literal;)+
    }) => {
        $(#[doc = $top])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $type { $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)+ }

        impl $type {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in the store, the API and the log. Never changed.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The one of that name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

names! {
    /// How a link stands.
    LinkState {
        /// The customer is known; there is no link.
        None = "none";
        /// The customer was sent to the cloud's page that creates or binds an account.
        FirstLogin = "first-login";
        /// We are creating an account through the cloud's API.
        Creating = "creating";
        /// The customer has an account at the cloud.
        Linked = "linked";
        /// The cloud says that the link has ended, and we are making sure.
        Unlinking = "unlinking";
        /// The link has ended.
        Unlinked = "unlinked";
        /// What the cloud says contradicts what we know; a person must look.
        Conflict = "conflict";
    }
}

names! {
    /// How far an intent is. Each step is written before what it names begins.
    IntentStep {
        /// Written down; nothing was asked of the cloud.
        Planned = "planned";
        /// The cloud is being asked to create the account, or was: look before asking again.
        Asking = "asking";
        /// The account exists; that it belongs to the partner is not confirmed yet.
        Created = "created";
        /// Done: the link stands.
        Done = "done";
        /// Refused by the cloud for good.
        Failed = "failed";
    }
}

names! {
    /// How far a message to the partner is.
    MessageState {
        /// To be sent.
        Waiting = "waiting";
        /// The partner's site took it.
        Delivered = "delivered";
        /// Given up after the last attempt; can be sent anew.
        Dead = "dead";
    }
}

/// An account at the cloud, as the cloud names it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudAccount {
    /// Its id: `domainId`, `customer_id`.
    pub domain_id: String,
    /// Its name: `domainName`, `account_name`.
    pub domain_name: String,
    /// The user in it, where the cloud said so: `userId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// That user's name: `userName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

impl fmt::Debug for CloudAccount {
    /// Says only the id: names may be people's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudAccount({})", self.domain_id)
    }
}

/// The id of an intent: opaque, unpredictable, safe in an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IntentId(pub String);

/// The id of a message to the partner: opaque, the partner's key against duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub String);

/// A durable plan to create an account at the cloud. Written before the first call; any node can
/// go on with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// The tenant.
    pub tenant: TenantId,
    /// Whose account.
    pub user_id: PersonId,
    /// The key under which the partner's back end asked, unique per tenant.
    pub idempotency_key: Option<String>,
    /// The fingerprint of what was asked under that key.
    pub asked: String,
    /// What to ask the cloud for, JSON of `account`. Emptied of personal values at the end.
    pub plan: String,
    /// How far it is.
    pub step: IntentStep,
    /// How often the present step was tried.
    pub attempts: u32,
    /// When to go on.
    pub next_at: OffsetDateTime,
    /// What came of it or went wrong last, JSON of `account`; no personal values.
    pub outcome: Option<String>,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// Counts the changes, from 1. Taking a lease is a change, so that who lost the lease cannot
    /// write any more.
    pub version: u64,
}

impl fmt::Debug for Intent {
    /// Says nothing of the plan (B-34).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intent({}, {}, v{})", self.id.0, self.step.name(), self.version)
    }
}

/// A message to the partner's webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The tenant.
    pub tenant: TenantId,
    /// What happened, such as `account.linked`.
    pub kind: String,
    /// The body as it is signed and sent.
    pub body: String,
    /// When it happened.
    pub created_at: OffsetDateTime,
    /// How far it is.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When to try next.
    pub next_at: OffsetDateTime,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({}, {}, {})", self.id.0, self.kind, self.state.name())
    }
}

/// One line of a customer's history. Lines are only ever added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tenant.
    pub tenant: TenantId,
    /// The customer.
    pub user_id: PersonId,
    /// When.
    pub at: OffsetDateTime,
    /// What happened: the name of an event of `account`.
    pub event: String,
    /// How the link stood before.
    pub from: LinkState,
    /// How it stands now.
    pub to: LinkState,
    /// How we know: JSON, no personal values.
    pub evidence: String,
    /// The code with which the event was refused, if it was.
    pub refused: Option<String>,
}
