//! Layer 3, account: what a comparison of our links with the cloud's list finds, as it is shown to
//! operators ([`super::reconcile`]).

use serde::Serialize;

use super::link::Event;
use crate::limits;
use crate::store::account::{Account, LinkState};
use crate::store::record::PersonId;

/// What a comparison found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The tenant.
    pub tenant: String,
    /// When the list was asked for (RFC 3339).
    pub listed_at: String,
    /// Whether the list was read whole. If not, nobody counts as missing.
    pub whole: bool,
    /// How many of this platform are on the list.
    pub listed: u64,
    /// How many customers we know.
    pub customers: u64,
    /// How many of them have a link here, whether it stands or is in doubt.
    pub links: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub what: What,
    /// What the cloud knows the customer by.
    pub account_id: String,
    /// The partner's id of the customer, where we know them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<PersonId>,
    /// The account at the cloud, as it is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_id: Option<String>,
    /// How the link stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<LinkState>,
    /// How it stands afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<LinkState>,
    /// What was done about it.
    pub done: Done,
    #[serde(skip)]
    pub(super) event: Option<Event>,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The cloud lists an account of a customer of ours that is not their link here.
    NotLinkedHere,
    /// A link here is not on the list.
    NotListed,
    /// A first login that nothing was heard of.
    NeverFinished,
    /// The cloud lists somebody whom we do not know.
    Unknown,
    /// The cloud lists several accounts for one customer.
    SeveralAccounts,
    /// What the cloud said contradicts what we know.
    Conflict,
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// A repair is possible, and was not asked for.
    Possible,
    /// Repaired.
    Repaired,
    /// The link changed meanwhile: the next comparison looks anew.
    Changed,
    /// Held back: too many links are missing at once.
    HeldBack,
    /// The account is linked in another tenant: a person must look.
    LinkedElsewhere,
    /// Nothing that a program should decide: a person must look.
    NeedsAPerson,
}

impl Report {
    /// Whether a person has to look, or a repair was not made.
    #[must_use]
    pub fn leaves_work(&self) -> bool {
        !self.whole || self.findings.iter().any(|found| found.done != Done::Repaired)
    }

    /// How many findings ended so.
    #[must_use]
    pub fn count(&self, done: Done) -> usize {
        self.findings.iter().filter(|found| found.done == done).count()
    }

    /// Whether more links are missing than can be believed.
    pub(super) fn lacks_too_many(&self) -> bool {
        let lost = |found: &&Finding| found.what == What::NotListed;
        let lost = self.findings.iter().filter(lost).count() as u64;
        lost > limits::LOSSES && lost * limits::LOSSES_ONE_IN > self.links
    }
}

impl Finding {
    pub(super) fn about(account: &Account, what: What) -> Self {
        Self {
            what,
            account_id: account.account_id.as_str().to_owned(),
            user_id: Some(account.user_id.clone()),
            domain_id: None,
            from: Some(account.state),
            to: None,
            done: Done::NeedsAPerson,
            event: None,
        }
    }
}
