//! Layer 2, cloud: what the partner API can be asked about customers, and what it answers (contract
//! §7.4 to §7.7).

use secrecy::SecretString;
use time::OffsetDateTime;

use super::failure::{self, Effect, Failure};

/// What is asked about before a customer is created.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The name of an account.
    Name(&'a str),
    /// What the customer is reached by, which is a telephone number or an e-mail address, as the
    /// cloud's profile says.
    Contact(&'a str),
}

/// What the cloud says about a name or contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    /// Whether it can be used.
    pub is_available: bool,
    /// How many more customers may register with this telephone number.
    pub remaining: Option<u32>,
}

/// A customer to create.
#[derive(Debug, Default)]
pub struct NewCustomer {
    /// The stable, opaque id that the partner's platform signs the customer in by.
    pub x_account_id: String,
    /// The account's name; without it the cloud makes one up.
    pub domain_name: Option<String>,
    /// Telephone number or e-mail address with the code that was sent there.
    pub contact: Option<VerifiedContact>,
    /// The country, two capital letters, where the cloud's profile asks for one.
    pub area: Option<String>,
    /// A password; without it only single sign-on leads into the account.
    pub password: Option<SecretString>,
    /// The distributor on whose behalf a general distributor creates the customer.
    pub indirect_partner: Option<String>,
    /// Whether the answer waits for the association with the partner.
    pub association: WaitFor,
}

/// A contact and what proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedContact {
    /// The telephone number or e-mail address.
    pub address: String,
    /// The code that was sent there.
    pub code: String,
}

impl std::fmt::Debug for VerifiedContact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifiedContact(…)")
    }
}

/// What the answer to a creation waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitFor {
    /// The account only.
    #[default]
    Account,
    /// The account's association with the partner as well.
    Association,
}

/// An account at the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id (`domain_id`, `customer_id`).
    pub id: String,
    /// Its name (`domain_name`, `account_name`).
    pub name: String,
}

/// How a creation ended. Every end asks for something else, so there is no shorter form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// There is a new account.
    Created(Account),
    /// There is a new account; confirm by the list that it is the partner's customer.
    CreatedUnconfirmed(Account),
    /// The cloud knows the `x_account_id` already, perhaps from an earlier try of ours: look.
    MaybeOurs(Failure),
    /// Nobody knows whether there is an account: look before repeating.
    Unknown(Failure),
    /// There is certainly no new account.
    Refused(Failure),
}

impl Creation {
    /// What a call that failed means here.
    pub(super) fn of(mut failure: Failure) -> Self {
        let account = failure.answer.as_mut().and_then(|answer| answer.account.take());
        if let Some(account) = account.filter(|_| failure.is(failure::NOT_YET_ASSOCIATED)) {
            return Self::CreatedUnconfirmed(account);
        }
        match failure.effect {
            _ if failure.is(failure::ACCOUNT_ID_KNOWN) => Self::MaybeOurs(failure),
            Effect::Unknown => Self::Unknown(failure),
            Effect::Nothing => Self::Refused(failure),
        }
    }
}

/// Which customers are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// The one with this account id.
    Id(String),
    /// Those in whose account name this text occurs.
    Name(String),
    /// Those who became the partner's customers at this time or later.
    Since(OffsetDateTime),
}

/// A part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub(crate) offset: u64,
    pub(crate) limit: u64,
}

impl Page {
    /// Most customers on one page.
    pub const MOST: u64 = 100;

    /// The first page, as large as can be.
    #[must_use]
    pub fn first() -> Self {
        Self { offset: 0, limit: Self::MOST }
    }

    /// The page behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self { offset: self.offset.saturating_add(self.limit), ..self }
    }

    /// A page of `limit` customers, 1 to [`Page::MOST`], behind the first `offset`.
    #[must_use]
    pub fn new(offset: u64, limit: u64) -> Self {
        Self { offset, limit: limit.clamp(1, Self::MOST) }
    }

    /// Whether customers follow behind this page when there are `count` in all.
    #[must_use]
    pub fn has_next(self, count: u64) -> bool {
        self.next().offset < count
    }
}

/// One page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The customers on it.
    pub customers: Vec<ListedCustomer>,
    /// How many there are on all pages.
    pub count: u64,
}

/// A customer as the cloud lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCustomer {
    /// The account.
    pub account: Account,
    /// The partner's id of the customer.
    pub x_account_id: Option<String>,
    /// The sales platform that the customer came by.
    pub x_account_type: Option<String>,
    /// Who pays the cloud.
    pub association: AssociationKind,
    /// Since when the account is the partner's customer.
    pub associated_on: Option<OffsetDateTime>,
    /// Whether the cloud froze the account.
    pub is_frozen: bool,
}

/// How a customer is associated with the partner (contract §1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationKind {
    /// The customer pays the cloud.
    Referral,
    /// The partner pays the cloud and bills the customer.
    Resale,
    /// None that the profile knows.
    Other,
}
