//! Layer 3, account: what an intent to create an account says, and what is kept of how it ended.
//! The plan holds personal values until the account exists; the outcome never does.

use serde::{Deserialize, Serialize};

use super::link::Retry;
use super::steps::Progress;
use crate::cloud::api::{NewCustomer, VerifiedContact, WaitFor};
use crate::refusal::{Code, Owner, Refusal};
use crate::secret;
use crate::store::account::Intent;
use crate::store::record::{Person, PersonId};

/// What the cloud is to be asked for. There is no password: the customer comes by single sign-on.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The account's name; without it the cloud makes one up.
    pub domain_name: Option<String>,
    /// Telephone number or e-mail address, and the code that was sent there.
    pub contact: Option<(String, String)>,
    /// The country, where the cloud asks for one.
    pub area: Option<String>,
    /// The distributor on whose behalf a general distributor creates the customer.
    pub indirect_partner: Option<String>,
}

impl Wanted {
    /// A fingerprint of these wishes of a customer, which tells whether two calls ask for the same.
    pub(super) fn fingerprint(&self, person: &Person) -> String {
        let asked = (&person.user_id, &person.account_id, self);
        secret::fingerprint(&serde_json::to_string(&asked).unwrap_or_default())
    }

    /// The same in the words of the cloud's API.
    pub(super) fn customer(&self, account_id: &PersonId) -> NewCustomer {
        let contact = self.contact.clone();
        NewCustomer {
            x_account_id: account_id.as_str().to_owned(),
            domain_name: self.domain_name.clone(),
            contact: contact.map(|(address, code)| VerifiedContact { address, code }),
            area: self.area.clone(),
            password: None,
            indirect_partner: self.indirect_partner.clone(),
            association: WaitFor::Association,
        }
    }
}

/// Who wishes an account, and hears first of what is wrong with the wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wisher {
    /// The partner's back end, by the API.
    #[default]
    Partner,
    /// The customer, on our page.
    Customer,
}

/// The plan of an intent.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// What the cloud knows the customer by.
    pub(super) account_id: PersonId,
    /// Who wished it.
    #[serde(default)]
    pub(super) wished_by: Wisher,
    /// What to ask for; nothing once it is over.
    pub(super) wanted: Option<Wanted>,
    /// How far it is.
    #[serde(flatten)]
    pub(super) progress: Progress,
}

impl Plan {
    /// A fresh one.
    pub(super) fn new(person: &Person, wished_by: Wisher, wanted: &Wanted) -> Self {
        Self {
            account_id: person.account_id.clone(),
            wished_by,
            wanted: Some(wanted.clone()),
            progress: Progress::new(),
        }
    }

    /// What an unfinished intent says.
    ///
    /// # Errors
    /// [`Code::Internal`]: somebody else wrote it.
    pub(super) fn of(intent: &Intent) -> Result<Self, Refusal> {
        let mut plan: Self = serde_json::from_str(&intent.plan).map_err(|_| {
            Refusal::new(Code::Internal, "expected a plan of ours, found another text")
        })?;
        plan.progress.step = intent.step;
        plan.progress = plan.progress.taken_over();
        Ok(plan)
    }

    /// Whose move it is after that refusal.
    pub(super) fn retry(&self, why: &Outcome) -> Retry {
        let mended_by = why.code().map(|code| code.entry().owner);
        match (self.wished_by, mended_by) {
            (Wisher::Customer, Some(Owner::You)) => Retry::OfCustomer,
            _ => Retry::OfPartner,
        }
    }

    /// The same without personal values: the account exists, or never will.
    pub(super) fn bare(mut self) -> Self {
        self.wanted = None;
        self.progress.cloud = None;
        self
    }

    pub(super) fn text(&self) -> String {
        // Strings, numbers and options: there is nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What came of an intent, or went wrong last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Our code for what went wrong (`SB-nnnn`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Expectation and fact; no personal values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The account's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_id: Option<String>,
}

impl Outcome {
    /// What is kept of an intent's outcome.
    #[must_use]
    pub fn of(intent: &Intent) -> Self {
        let text = intent.outcome.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Our row for what went wrong.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        let text = self.code.as_deref()?;
        Code::ALL.iter().copied().find(|code| code.to_string() == text)
    }

    /// Something went wrong.
    pub(super) fn wrong(refused: &Refusal) -> Self {
        let (code, cause) = (refused.code.to_string(), refused.cause.clone());
        Self { code: Some(code), cause: Some(cause), domain_id: None }
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
