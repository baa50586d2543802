//! Layer 3, account: the cloud's partner API as far as links need it, and which tenant has one.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::cloud::api::{
    Availability, Client, Creation, Failure, Filter, Language, Listed, NewCustomer, Page, Rules,
    Subject,
};
use crate::refusal::{Code, Refusal};
use crate::store::record::TenantId;

/// What the cloud is asked for.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One tenant's partner API.
pub trait Remote: Send + Sync {
    /// The cloud's name for the tenant's sales platform (`xAccountType`).
    fn account_type(&self) -> &str;

    /// What the cloud asks of a new customer.
    fn rules(&self) -> &Rules;

    /// Whether a new customer satisfies the cloud's rules. Nothing is called.
    ///
    /// # Errors
    /// The first field that does not.
    fn fits(&self, new: &NewCustomer) -> Result<(), Failure>;

    /// A telephone number or e-mail address as the cloud writes it, however it was typed. Nothing
    /// is called.
    ///
    /// # Errors
    /// What it must be here.
    fn contact(&self, typed: &str) -> Result<String, Failure>;

    /// Whether a name or contact can be used for a new customer.
    fn check<'a>(
        &'a self,
        subject: Subject<'a>,
        language: Language,
    ) -> Asking<'a, Result<Availability, Failure>>;

    /// Sends a verification code to a contact.
    fn send_code<'a>(
        &'a self,
        contact: &'a str,
        language: Language,
    ) -> Asking<'a, Result<(), Failure>>;

    /// Creates a customer: asks once.
    fn create<'a>(&'a self, new: &'a NewCustomer) -> Asking<'a, Creation>;

    /// One page of the partner's customers.
    fn list<'a>(&'a self, filter: &'a Filter, page: Page) -> Asking<'a, Result<Listed, Failure>>;
}

impl Remote for Client {
    fn account_type(&self) -> &str {
        Client::account_type(self)
    }

    fn rules(&self) -> &Rules {
        Client::rules(self)
    }

    fn fits(&self, new: &NewCustomer) -> Result<(), Failure> {
        Client::fits(self, new)
    }

    fn contact(&self, typed: &str) -> Result<String, Failure> {
        Client::contact(self, typed)
    }

    fn check<'a>(
        &'a self,
        subject: Subject<'a>,
        language: Language,
    ) -> Asking<'a, Result<Availability, Failure>> {
        Box::pin(Client::check(self, subject, language))
    }

    fn send_code<'a>(
        &'a self,
        contact: &'a str,
        language: Language,
    ) -> Asking<'a, Result<(), Failure>> {
        Box::pin(Client::send_code(self, contact, language))
    }

    fn create<'a>(&'a self, new: &'a NewCustomer) -> Asking<'a, Creation> {
        Box::pin(Client::create(self, new, Language::En))
    }

    fn list<'a>(&'a self, filter: &'a Filter, page: Page) -> Asking<'a, Result<Listed, Failure>> {
        Box::pin(Client::list(self, filter, page, Language::En))
    }
}

/// The partner APIs of the tenants that have one.
#[derive(Clone, Default)]
pub struct Remotes(HashMap<TenantId, Arc<dyn Remote>>);

impl Remotes {
    /// These.
    #[must_use]
    pub fn new(remotes: impl IntoIterator<Item = (TenantId, Arc<dyn Remote>)>) -> Self {
        Self(remotes.into_iter().collect())
    }

    /// The tenants whose cloud can be asked.
    #[must_use]
    pub fn tenants(&self) -> HashSet<TenantId> {
        self.0.keys().cloned().collect()
    }

    /// A tenant's API.
    ///
    /// # Errors
    /// [`Code::NoPartnerApi`].
    pub fn of(&self, tenant: &TenantId) -> Result<&Arc<dyn Remote>, Refusal> {
        self.0.get(tenant).ok_or_else(|| {
            Refusal::new(Code::NoPartnerApi, "expected a tenant with a partner API, found none")
        })
    }
}
