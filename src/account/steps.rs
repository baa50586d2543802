//! Layer 3, account: how an account comes to be created, as one pure function of what is written
//! down and what the cloud answered (contract §1.5, §7.6). The numbered steps, each of which ends
//! in one durable write:
//!
//! 1. *Written*: the intent is planned and the customer stands as `creating`; nothing was asked.
//! 2. *Asking*: it is written that the cloud is about to be asked.
//! 3. *Answered*: the cloud was asked once, and its answer is written.
//! 4. *Looked*: the cloud's list was read, and what it says is written.
//! 5. *Linked*, or *refused*: the intent ends together with the customer's link, its line of
//!    history and the message to the partner.
//!
//! Whoever finds an intent in step 2 does not know whether the call was made: that is an open call,
//! like one that was never answered. After an open call the list is looked at before the cloud is
//! asked again; the cloud's own judge of the race is that it takes each `xAccountId` once
//! (CBC.99000039). Because an open call may still come to something, a refusal that follows one is
//! believed only when a list that was read [`limits::ASSOCIATION_WAIT`] later lacks the customer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::plan::Outcome;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::store::account::{CloudAccount, IntentStep};

/// How far a creation is, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The step, kept beside the plan.
    #[serde(skip, default = "planned")]
    pub(super) step: IntentStep,
    /// How often the cloud was asked.
    #[serde(default)]
    pub(super) asked: u32,
    /// When it was asked, as long as the answer is not written.
    #[serde(default, with = "time::serde::timestamp::option")]
    asked_at: Option<OffsetDateTime>,
    /// When it was asked first, and last, without telling what came of it.
    #[serde(default)]
    open: Option<Open>,
    /// Since when the cloud says that it knows the `xAccountId`.
    #[serde(default, with = "time::serde::timestamp::option")]
    known_since: Option<OffsetDateTime>,
    /// A refusal that an open call still casts doubt on.
    #[serde(default)]
    doubted: Option<Outcome>,
    /// The account, once it exists.
    #[serde(default)]
    pub(super) cloud: Option<CloudAccount>,
    /// Whether the account is known to be the partner's customer.
    #[serde(default)]
    is_confirmed: bool,
}

/// Calls of which nobody knows what came of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    #[serde(with = "time::serde::timestamp")]
    first: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    last: OffsetDateTime,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Write that the cloud is asked, and ask it to create the account.
    Ask,
    /// Look on the cloud's list for the customer.
    Look(Where),
    /// The link stands: write it.
    Link(CloudAccount),
}

/// Where on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Everywhere: the account may be older than the intent.
    Everywhere,
    /// Among those who came since this time.
    Since(OffsetDateTime),
    /// At the account with this id.
    Account(String),
}

/// What the cloud said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The account is created and the partner's customer.
    Created(CloudAccount),
    /// The account is created; the association was not waited for.
    Unconfirmed(CloudAccount),
    /// The `xAccountId` is known: maybe ours.
    Known(Outcome),
    /// Nobody knows whether there is an account.
    Open(Outcome),
    /// This call created nothing, and the same may succeed later.
    NotYet(Outcome, Option<Duration>),
    /// This call created nothing, and repeating it cannot help.
    Refused(Outcome),
    /// The list has the customer with this account.
    Has(CloudAccount),
    /// The list, whose reading began at that time, lacks the customer.
    Lacks(OffsetDateTime),
    /// The list said nothing certain.
    Blind(Outcome, Option<Duration>),
}

/// How to go on after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// At once.
    GoOn,
    /// After a pause, not shorter than this where it is given. Why, if something is wrong.
    Pause(Option<Outcome>, Option<Duration>),
    /// Not at all: the account was not created.
    End(Outcome),
}

impl Progress {
    /// Step 1.
    pub(super) fn new() -> Self {
        Self {
            step: IntentStep::Planned,
            asked: 0,
            asked_at: None,
            open: None,
            known_since: None,
            doubted: None,
            cloud: None,
            is_confirmed: false,
        }
    }

    /// What somebody else wrote and did not go on with: a call that they may have made is open.
    pub(super) fn taken_over(mut self) -> Self {
        self.open_call();
        self
    }

    /// What to do next. `None` once it is over.
    pub(super) fn next(&self) -> Option<Act> {
        match (self.step, &self.cloud) {
            (IntentStep::Planned, _) => Some(Act::Ask),
            (IntentStep::Asking, _) => Some(Act::Look(match (self.known_since, self.open) {
                (None, Some(Open { first, .. })) => Where::Since(first - limits::CLOUD_CLOCK),
                _ => Where::Everywhere,
            })),
            (IntentStep::Created, Some(cloud)) if self.is_confirmed => {
                Some(Act::Link(cloud.clone()))
            }
            (IntentStep::Created, Some(cloud)) => {
                Some(Act::Look(Where::Account(cloud.domain_id.clone())))
            }
            (IntentStep::Created | IntentStep::Done | IntentStep::Failed, _) => None,
        }
    }

    /// Step 2, to be written before the cloud is asked.
    pub(super) fn ask(&mut self, at: OffsetDateTime) {
        self.step = IntentStep::Asking;
        self.asked += 1;
        self.asked_at = Some(at);
    }

    /// Steps 3 and 4: takes an answer, and says how to go on.
    pub(super) fn learn(&mut self, answer: Answer, at: OffsetDateTime) -> Then {
        match answer {
            Answer::Created(cloud) | Answer::Has(cloud) => self.created(cloud, true),
            Answer::Unconfirmed(cloud) => {
                self.created(cloud, false);
                // The association takes the cloud a moment.
                Then::Pause(None, None)
            }
            Answer::Known(why) => {
                self.asked_at = None;
                self.known_since.get_or_insert(at);
                self.doubted.get_or_insert(why);
                Then::GoOn
            }
            Answer::Open(why) => {
                self.open_call();
                Then::Pause(Some(why), None)
            }
            Answer::NotYet(why, retry_after) => {
                self.closed_call();
                Then::Pause(Some(why), retry_after)
            }
            Answer::Refused(why) => {
                self.asked_at = None;
                if self.open.is_none() && self.known_since.is_none() {
                    return Then::End(why);
                }
                self.doubted.get_or_insert(why);
                Then::GoOn
            }
            Answer::Lacks(began) => self.lacks(began),
            Answer::Blind(why, retry_after) => Then::Pause(Some(why), retry_after),
        }
    }

    fn created(&mut self, cloud: CloudAccount, is_confirmed: bool) -> Then {
        self.step = IntentStep::Created;
        self.asked_at = None;
        self.cloud = Some(cloud);
        self.is_confirmed = is_confirmed;
        Then::GoOn
    }

    /// The list lacks the customer.
    fn lacks(&mut self, began: OffsetDateTime) -> Then {
        if self.step == IntentStep::Created {
            // The account exists. However long the association takes, it is never given up.
            let why = Refusal::new(Code::CreationUnknown, "expected the account on the list");
            return Then::Pause(Some(Outcome::wrong(&why)), None);
        }
        let last = self.open.map(|open| open.last).max(self.known_since);
        let settled = last.is_none_or(|last| began >= last + limits::ASSOCIATION_WAIT);
        match (&self.doubted, settled) {
            (Some(why), true) => Then::End(why.clone()),
            (Some(why), false) => Then::Pause(Some(why.clone()), None),
            (None, _) => {
                self.step = IntentStep::Planned;
                if settled {
                    self.open = None;
                }
                Then::GoOn
            }
        }
    }

    /// The call came to nothing that can be known.
    fn open_call(&mut self) {
        let Some(at) = self.asked_at.take() else { return };
        let first = self.open.map_or(at, |open| open.first);
        self.open = Some(Open { first, last: at });
    }

    /// The call certainly did nothing. Earlier ones may have: then look again.
    fn closed_call(&mut self) {
        self.asked_at = None;
        if self.open.is_none() {
            self.step = IntentStep::Planned;
        }
    }
}

fn planned() -> IntentStep {
    IntentStep::Planned
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
