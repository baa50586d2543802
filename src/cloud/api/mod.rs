//! Layer 2, cloud: the client of the cloud's partner API: checking what a customer wants to
//! register with, sending a verification code, creating a customer, listing customers (contract
//! §1.5, §7). One client serves one tenant; the clients of all nodes share budget and token through
//! the store.
//!
//! Read in this order: `customers` and `body` (what is said), `call` (how a call is made),
//! `failure` (what can go wrong), then `sign`, `token`, `budget`, `patience`, `breaker`. What
//! differs between the cloud's sites is data: `rules`.

mod body;
mod breaker;
mod budget;
mod call;
mod customers;
mod failure;
#[cfg(test)]
mod fixtures;
mod patience;
mod rules;
mod sign;
#[cfg(test)]
mod tests;
mod token;
mod transport;

use std::num::NonZeroU32;
use std::sync::Arc;

pub use call::Language;
pub use customers::{
    Account, AssociationKind, Availability, Creation, Filter, Listed, ListedCustomer, NewCustomer,
    Page, Subject, VerifiedContact, WaitFor,
};
pub use failure::{CloudAnswer, Effect, Failure, FieldFault, Lasting};
pub use rules::{Area, ContactKind, LanguageNames, MobileRule, Rules};
pub use sign::AccessKey;
pub use token::Login;
pub use transport::{Reply, Request, Sending, Transport, TransportError};

use breaker::Breaker;
use budget::Budget;
use call::{Api, Auth, Call, Endpoint, Repeat, Wire};
use token::{Keeping, Tokens};

use super::profile::Association;
use crate::clock::Clock;
use crate::random::Random;
use crate::saml::EndpointUrl;
use crate::store::Ephemeral;
use crate::store::record::TenantId;

/// What one tenant's client is told.
#[derive(Debug)]
pub struct Settings {
    /// The tenant.
    pub tenant: TenantId,
    /// How the partner shows who calls.
    pub credentials: Credentials,
    /// Where the partner API is; its path is not looked at.
    pub partner_api: EndpointUrl,
    /// What is particular to the cloud's site and the partner's platform.
    pub site: Site,
    /// How often each API may be called in a second, all nodes together; one less than the cloud
    /// allows keeps every sliding second within its limit.
    pub requests_per_second: NonZeroU32,
}

/// What is particular to a site of the cloud and to a sales platform.
#[derive(Clone, Debug)]
pub struct Site {
    /// The cloud's name for the tenant's sales platform (`xAccountType`).
    pub account_type: String,
    /// How the site's API differs from others.
    pub rules: Rules,
    /// The site's codes for associations.
    pub association: Option<Association>,
}

/// How a partner shows who calls.
#[derive(Debug)]
pub enum Credentials {
    /// By signing each call with an access key.
    AccessKey {
        /// The key.
        key: AccessKey,
        /// The partner's account at the cloud, which calls then name.
        account: Option<String>,
    },
    /// By a token that the identity API gives to a user.
    Token {
        /// The user.
        login: Login,
        /// Where the identity API is; its path is not looked at.
        identity_api: EndpointUrl,
        /// What the key that seals tokens in the store is derived from: 32 unpredictable bytes,
        /// equal on all nodes.
        seed: [u8; 32],
    },
}

/// What a client uses.
#[derive(Clone)]
pub struct Tools {
    /// Where budget and token are shared.
    pub store: Arc<dyn Ephemeral>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For waiting a little differently each time.
    pub random: Arc<dyn Random>,
    /// HTTP.
    pub transport: Arc<dyn Transport>,
}

/// One tenant's client.
pub struct Client {
    site: Site,
    endpoint: Endpoint,
    auth: Auth,
    wire: Wire,
}

impl Client {
    /// A client; nothing is called yet.
    #[must_use]
    pub fn new(settings: Settings, tools: Tools) -> Self {
        let Settings { tenant, credentials, partner_api, site, requests_per_second } = settings;
        let auth = match credentials {
            Credentials::AccessKey { key, account } => Auth::Signed(key, account),
            Credentials::Token { login, identity_api, seed } => {
                let keeping = Keeping { tenant: tenant.clone(), tools: tools.clone(), seed };
                Auth::Token(Box::new(Tokens::new(login, Endpoint::new(&identity_api), keeping)))
            }
        };
        let Tools { store, clock, random, transport } = tools;
        let wire = Wire {
            budget: Budget::new(tenant.clone(), requests_per_second, (store, Arc::clone(&clock))),
            breaker: Breaker::default(),
            languages: site.rules.x_language.clone(),
            tenant,
            transport,
            clock,
            random,
        };
        Self { endpoint: Endpoint::new(&partner_api), site, auth, wire }
    }

    /// What this cloud asks of a new customer, for the page that asks.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.site.rules
    }

    /// The cloud's name for the tenant's sales platform (`xAccountType`).
    #[must_use]
    pub fn account_type(&self) -> &str {
        &self.site.account_type
    }

    /// Whether a new customer satisfies the cloud's rules, as far as they can be told without
    /// asking.
    ///
    /// # Errors
    /// A [`Failure`] that names the first field that does not.
    pub fn fits(&self, new: &NewCustomer) -> Result<(), Failure> {
        body::create_body(&self.site, new).map(drop).map_err(Failure::from)
    }

    /// What a customer is reached by as this cloud writes it: a telephone number without its
    /// country's code, an e-mail address as it is.
    ///
    /// # Errors
    /// A [`Failure`] that names the field and what must stand there.
    pub fn contact(&self, typed: &str) -> Result<String, Failure> {
        let contact = self.site.rules.contact(typed).map_err(Failure::from)?;
        Ok(contact.plain().to_owned())
    }

    /// Whether a name or contact can be used for a new customer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn check(
        &self,
        subject: Subject<'_>,
        language: Language,
    ) -> Result<Availability, Failure> {
        let body = body::check_body(&self.site, subject)?;
        let reply = self.call((body::CHECK, body), Repeat::Safe, language).await?;
        body::availability(&reply)
    }

    /// Sends a verification code to a telephone number or e-mail address. It is valid for ten
    /// minutes.
    ///
    /// # Errors
    /// [`Failure`]. With [`Effect::Unknown`] the code may have been sent.
    pub async fn send_code(&self, contact: &str, language: Language) -> Result<(), Failure> {
        let body = body::code_body(&self.site, contact, language)?;
        // A second message for one click would confuse more than another click costs.
        let repeat = Repeat::OnlyIfNothingHappened;
        self.call((body::SEND_CODE, body), repeat, language).await.map(drop)
    }

    /// Creates a customer. It is never asked for twice: who gets [`Creation::Unknown`] looks by
    /// [`Client::find`] first.
    pub async fn create(&self, new: &NewCustomer, language: Language) -> Creation {
        let body = match body::create_body(&self.site, new) {
            Ok(body) => body,
            Err(fault) => return Creation::Refused(fault.into()),
        };
        let repeat = Repeat::OnlyIfNothingHappened;
        match self.call((body::CREATE, body), repeat, language).await {
            Ok(reply) => match body::account(&reply.body) {
                Some(account) => Creation::Created(account),
                None => Creation::Unknown(Failure::unreadable(&reply, "an account's id and name")),
            },
            Err(failure) => Creation::of(failure),
        }
    }

    /// One page of the partner's customers.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list(
        &self,
        filter: &Filter,
        page: Page,
        language: Language,
    ) -> Result<Listed, Failure> {
        let body = body::list_body(filter, page)?;
        let reply = self.call((body::LIST, body), Repeat::Safe, language).await?;
        body::listed(&self.site, &reply)
    }

    /// The customer who came by this sales platform with `x_account_id`. The cloud cannot search
    /// for it (contract §7.7), so this reads the whole list until it is found.
    ///
    /// # Errors
    /// [`Failure`]: then nothing is known, least of all that there is none.
    pub async fn find(&self, x_account_id: &str) -> Result<Option<ListedCustomer>, Failure> {
        let mut page = Page::first();
        loop {
            let Listed { customers, count } = self.list(&Filter::All, page, Language::En).await?;
            let is_last = customers.is_empty() || !page.has_next(count);
            let found = customers.into_iter().find(|customer| {
                let platform = customer.x_account_type.as_ref();
                customer.x_account_id.as_deref() == Some(x_account_id)
                    && platform.is_none_or(|platform| *platform == self.site.account_type)
            });
            if found.is_some() || is_last {
                return Ok(found);
            }
            page = page.next();
        }
    }

    async fn call(
        &self,
        (api, body): (Api, Vec<u8>),
        repeat: Repeat,
        language: Language,
    ) -> Result<Reply, Failure> {
        let call = Call { api, endpoint: &self.endpoint, body, repeat, language };
        self.wire.call(&call, &self.auth).await
    }
}
