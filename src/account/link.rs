//! Layer 3, account: what becomes of a customer's link. One pure function of what is known and what
//! happened; the tests below are its specification (contract §1.3 to §1.7, §1.6.6; conformance V1,
//! V5).
//!
//! Notifications come through the customer's browser, without nonce or time: they can be lost,
//! repeated and held back for months. So they only ever move a link in the direction that we wait
//! for; everything else is left to the cloud's list, which is the judge.

use time::{Duration, OffsetDateTime};

use crate::limits;
use crate::refusal::Code;
use crate::store::account::{Account, CloudAccount, IntentId, LinkState};

/// Something that happened to a customer's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The configuration says that the customer has had a cloud account all along.
    Declared,
    /// We sent the customer to the cloud's page that creates or binds an account.
    FirstLoginSent,
    /// We began to create an account through the API.
    CreationBegun(IntentId),
    /// The cloud's API says that it created this account for the customer, or that it had.
    CreationMade(IntentId, CloudAccount),
    /// The cloud's API will not create the account.
    CreationRefused(IntentId, Retry),
    /// A notification: bound.
    BindNotified(CloudAccount),
    /// A notification: the link with this account (`domainId`) has ended.
    UnbindNotified(String),
    /// The cloud's list, asked for at that time, has the customer with this account.
    Listed(CloudAccount, OffsetDateTime),
    /// The whole list, asked for at that time, does not have the customer.
    NotListed(OffsetDateTime),
    /// This cloud account is linked with another customer of the tenant.
    AccountTaken(CloudAccount),
    /// The partner switched the customer off.
    Suspended,
    /// The partner switched the customer on.
    Resumed,
}

impl Event {
    /// Its name in history and log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::FirstLoginSent => "first-login-sent",
            Self::CreationBegun(_) => "creation-begun",
            Self::CreationMade(..) => "creation-made",
            Self::CreationRefused(..) => "creation-refused",
            Self::BindNotified(_) => "bind-notified",
            Self::UnbindNotified(_) => "unbind-notified",
            Self::Listed(..) => "listed",
            Self::NotListed(_) => "not-listed",
            Self::AccountTaken(_) => "account-taken",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
        }
    }
}

/// Whose move it is once the cloud refused to create an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The customer's, who is asked on our page to mend what they typed. That is no news.
    OfCustomer,
    /// The partner's, who has to be told.
    OfPartner,
}

/// Whether the cloud can be asked for its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The tenant has access to the cloud's API: what a notification says counts when the list says
    /// it, too.
    CanBeAsked,
    /// It was asked about this event, and says the same.
    Agrees,
    /// It has not: what notifications say is all there is.
    Unknown,
}

/// What an event leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The customer's record becomes this, `version` included.
    Becomes {
        /// The record.
        account: Box<Account>,
        /// What to tell the partner: the kind of the message.
        tell: Option<&'static str>,
        /// Whether to ask the cloud's list about this customer.
        look: bool,
    },
    /// It is known already; nothing changes.
    Same,
    /// It cannot be believed without the list; nothing changes until that was asked.
    Doubted,
    /// It must not happen; nothing changes.
    Refused(Code),
}

/// The kind of the message that says that a link stands.
pub const LINKED: &str = "account.linked";
/// The kind of the message that says that a link has ended.
pub const UNLINKED: &str = "account.unlinked";
/// The kind of the message that says that a person must look.
pub const CONFLICT: &str = "account.conflict";
/// The kind of the message that says that an account was not created.
pub const NOT_CREATED: &str = "account.creation-failed";

/// Decides what becomes of `account` when `event` happens at `at`.
#[must_use]
pub fn next(account: &Account, event: &Event, list: List, at: OffsetDateTime) -> Next {
    let turn = Turn { account, list, at };
    match event {
        Event::Declared => turn.declared(),
        Event::FirstLoginSent => turn.first_login_sent(),
        Event::CreationBegun(intent) => turn.creation_begun(intent),
        Event::CreationMade(intent, cloud) => turn.creation_made(intent, cloud),
        Event::CreationRefused(intent, retry) => turn.creation_refused(intent, *retry),
        Event::BindNotified(cloud) => turn.bind_notified(cloud),
        Event::UnbindNotified(domain_id) => turn.unbind_notified(domain_id),
        Event::Listed(cloud, asked) => turn.listed(cloud, *asked),
        Event::NotListed(asked) => turn.not_listed(*asked),
        Event::AccountTaken(cloud) => turn.account_taken(cloud),
        Event::Suspended => turn.suspended(Some(at)),
        Event::Resumed => turn.suspended(None),
    }
}

/// One decision.
struct Turn<'a> {
    account: &'a Account,
    list: List,
    at: OffsetDateTime,
}

impl Turn<'_> {
    fn declared(&self) -> Next {
        match self.account.state {
            LinkState::None => self.to(LinkState::Linked, |_| ()),
            _ => Next::Same,
        }
    }

    fn first_login_sent(&self) -> Next {
        match self.account.state {
            LinkState::None | LinkState::Unlinked | LinkState::FirstLogin => {
                self.to(LinkState::FirstLogin, |_| ())
            }
            // The cloud's page serves both, whether the link has really ended or not. A bind of the
            // same account has to be confirmed from now on.
            LinkState::Unlinking => self.to(LinkState::FirstLogin, leave),
            LinkState::Linked => Next::Same,
            LinkState::Creating => Next::Refused(Code::CreationUnderWay),
            LinkState::Conflict => Next::Refused(Code::LinkConflict),
        }
    }

    fn creation_begun(&self, intent: &IntentId) -> Next {
        match self.account.state {
            // Two ways at once make no second account: the cloud takes each xAccountId once.
            LinkState::None | LinkState::FirstLogin | LinkState::Unlinked => {
                self.to(LinkState::Creating, |account| account.intent = Some(intent.clone()))
            }
            LinkState::Creating if self.account.intent.as_ref() == Some(intent) => Next::Same,
            LinkState::Creating => Next::Refused(Code::CreationUnderWay),
            LinkState::Linked => Next::Refused(Code::AlreadyLinked),
            LinkState::Unlinking | LinkState::Conflict => Next::Refused(Code::LinkConflict),
        }
    }

    fn creation_made(&self, intent: &IntentId, cloud: &CloudAccount) -> Next {
        match self.account.state {
            LinkState::Linked if self.has(&cloud.domain_id) => Next::Same,
            LinkState::Linked => self.to(LinkState::Conflict, |_| ()),
            LinkState::Creating if self.account.intent.as_ref() != Some(intent) => {
                Next::Refused(Code::LinkUnexpected)
            }
            _ => self.link(cloud),
        }
    }

    fn creation_refused(&self, intent: &IntentId, retry: Retry) -> Next {
        if self.account.state != LinkState::Creating || self.account.intent.as_ref() != Some(intent)
        {
            return Next::Same;
        }
        let next = self.to(self.without_link(), |_| ());
        match retry {
            Retry::OfCustomer => next,
            Retry::OfPartner => next.telling(NOT_CREATED),
        }
    }

    fn bind_notified(&self, cloud: &CloudAccount) -> Next {
        let former = self.account.former.contains(&cloud.domain_id);
        match (self.account.state, self.list) {
            (LinkState::None | LinkState::Unlinked, _) => Next::Refused(Code::LinkUnexpected),
            (LinkState::Linked, _) if self.has(&cloud.domain_id) => Next::Same,
            (_, List::Agrees) => self.link(cloud),
            // A notification does not say for which tenant it is: another's would look the same.
            (_, List::CanBeAsked) => Next::Doubted,
            (LinkState::FirstLogin | LinkState::Creating, List::Unknown) if !former => {
                self.link(cloud)
            }
            // The configuration knew that there is a link, but not with which account.
            (LinkState::Linked, List::Unknown) if self.account.cloud.is_none() => self.link(cloud),
            (LinkState::Linked, List::Unknown) if !former => self.to(LinkState::Conflict, |_| ()),
            // An old notification looks exactly like a new one.
            (_, List::Unknown) => Next::Refused(Code::LinkUnexpected),
        }
    }

    fn unbind_notified(&self, domain_id: &str) -> Next {
        let former = self.account.former.iter().any(|one| one == domain_id);
        match self.account.state {
            // An old notification of an earlier end looks exactly like a new one, too.
            LinkState::Linked if self.has(domain_id) => match self.list {
                List::Unknown if !former => self.to(LinkState::Unlinked, leave),
                _ => self.to(LinkState::Unlinking, |_| ()),
            },
            LinkState::Unlinking if self.has(domain_id) => Next::Same,
            LinkState::Conflict => self.doubt(),
            _ if former => Next::Same,
            _ => Next::Refused(Code::LinkUnexpected),
        }
    }

    fn listed(&self, cloud: &CloudAccount, asked: OffsetDateTime) -> Next {
        if asked < self.account.since {
            return Next::Same;
        }
        match self.account.state {
            LinkState::Linked if self.has(&cloud.domain_id) => Next::Same,
            _ => self.link(cloud),
        }
    }

    fn not_listed(&self, asked: OffsetDateTime) -> Next {
        let settled = asked - self.account.since;
        if settled < Duration::ZERO {
            return Next::Same;
        }
        match self.account.state {
            // The cloud associates some time after it creates. One list without the customer is a
            // doubt; the next one, asked for later, is an end.
            LinkState::Linked if settled >= limits::ASSOCIATION_WAIT => {
                self.to(LinkState::Unlinking, |_| ())
            }
            LinkState::Unlinking if settled >= limits::ASSOCIATION_WAIT => {
                self.to(LinkState::Unlinked, leave)
            }
            // Who went to the cloud's page and never came back.
            LinkState::FirstLogin if settled >= limits::FIRST_LOGIN_LIFE => {
                self.to(self.without_link(), |_| ())
            }
            _ => Next::Same,
        }
    }

    fn account_taken(&self, cloud: &CloudAccount) -> Next {
        if self.account.state == LinkState::Conflict {
            return Next::Same;
        }
        self.to(LinkState::Conflict, |account| account.cloud = Some(cloud.clone()))
    }

    fn suspended(&self, since: Option<OffsetDateTime>) -> Next {
        if self.account.suspended_at.is_some() == since.is_some() {
            return Next::Same;
        }
        let mut account = self.account.clone();
        account.suspended_at = since;
        if since.is_none() {
            account.admitted_at = Some(self.at);
        }
        account.version += 1;
        Next::Becomes { account: Box::new(account), tell: None, look: false }
    }

    /// The link stands, with this account.
    fn link(&self, cloud: &CloudAccount) -> Next {
        self.to(LinkState::Linked, |account| {
            if !self.has(&cloud.domain_id) {
                leave(account);
            }
            account.cloud = Some(cloud.clone());
        })
    }

    fn doubt(&self) -> Next {
        match self.list {
            List::CanBeAsked | List::Agrees => Next::Doubted,
            List::Unknown => Next::Refused(Code::LinkUnexpected),
        }
    }

    fn has(&self, domain_id: &str) -> bool {
        self.account.cloud.as_ref().is_some_and(|cloud| cloud.domain_id == domain_id)
    }

    fn without_link(&self) -> LinkState {
        if self.account.former.is_empty() { LinkState::None } else { LinkState::Unlinked }
    }

    /// The record in its new state, and what the partner learns of it.
    fn to(&self, state: LinkState, change: impl FnOnce(&mut Account)) -> Next {
        let mut account = self.account.clone();
        if state != LinkState::Creating {
            account.intent = None;
        }
        change(&mut account);
        account.state = state;
        account.since = self.at;
        account.version += 1;
        let tell = match state {
            LinkState::Linked => Some(LINKED),
            LinkState::Unlinked if self.account.state != LinkState::FirstLogin => Some(UNLINKED),
            LinkState::Conflict => Some(CONFLICT),
            LinkState::FirstLogin if self.account.state == LinkState::Unlinking => Some(UNLINKED),
            _ => None,
        };
        let look = matches!(state, LinkState::Unlinking | LinkState::Conflict);
        Next::Becomes { account: Box::new(account), tell, look }
    }
}

impl Next {
    fn telling(mut self, kind: &'static str) -> Self {
        if let Self::Becomes { tell, .. } = &mut self {
            *tell = Some(kind);
        }
        self
    }
}

/// The account at the cloud, if there was one, becomes a former one. Its names stay for whoever
/// looks.
fn leave(account: &mut Account) {
    let Some(cloud) = &account.cloud else { return };
    if !account.former.contains(&cloud.domain_id) {
        account.former.push(cloud.domain_id.clone());
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
