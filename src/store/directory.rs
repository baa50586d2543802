//! Layer 1, store: who the tenants and their people are. Read here, kept by a backend: the
//! configuration file declares them (see [`Declared`]).

use std::collections::HashMap;
use std::sync::Arc;

use super::Answer;
use super::record::{Customer, Link, LocalUser, PersonId, Tenant, TenantId};

/// What is known about tenants and customers.
pub trait Directory: Send + Sync {
    /// The tenant, switched off or not; `None` when there is none.
    ///
    /// # Errors
    /// [`super::StoreError::Away`].
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Option<Arc<Tenant>>>;

    /// What is known about a customer of a tenant.
    ///
    /// # Errors
    /// [`super::StoreError::Away`].
    fn customer<'a>(&'a self, tenant: &'a Tenant, user: &'a PersonId) -> Answer<'a, Customer>;

    /// The local user of that sign-in name, switched off or not.
    ///
    /// # Errors
    /// [`super::StoreError::Away`].
    fn local_user<'a>(
        &'a self,
        tenant: &'a Tenant,
        login: &'a str,
    ) -> Answer<'a, Option<Arc<LocalUser>>>;
}

/// Everything that a configuration file declares, in memory.
#[derive(Default)]
pub struct Declared {
    tenants: HashMap<TenantId, Entry>,
}

struct Entry {
    tenant: Arc<Tenant>,
    customers: HashMap<PersonId, Customer>,
    users: HashMap<String, Arc<LocalUser>>,
}

impl Declared {
    /// Adds a tenant with its known customers and local users.
    pub fn add(
        &mut self,
        tenant: Tenant,
        customers: impl IntoIterator<Item = (PersonId, Customer)>,
        users: impl IntoIterator<Item = LocalUser>,
    ) {
        let entry = Entry {
            customers: customers.into_iter().collect(),
            users: users.into_iter().map(|user| (user.login.clone(), Arc::new(user))).collect(),
            tenant: Arc::new(tenant),
        };
        self.tenants.insert(entry.tenant.id.clone(), entry);
    }

    /// The tenants, in no order.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values().map(|entry| &entry.tenant)
    }
}

impl Directory for Declared {
    fn tenant<'a>(&'a self, id: &'a TenantId) -> Answer<'a, Option<Arc<Tenant>>> {
        let found = self.tenants.get(id).map(|entry| Arc::clone(&entry.tenant));
        Box::pin(std::future::ready(Ok(found)))
    }

    fn customer<'a>(&'a self, tenant: &'a Tenant, user: &'a PersonId) -> Answer<'a, Customer> {
        let known = self.tenants.get(&tenant.id).and_then(|entry| entry.customers.get(user));
        let unknown = Customer {
            enabled: true,
            link: if tenant.assume_linked { Link::Linked } else { Link::Unlinked },
        };
        Box::pin(std::future::ready(Ok(known.copied().unwrap_or(unknown))))
    }

    fn local_user<'a>(
        &'a self,
        tenant: &'a Tenant,
        login: &'a str,
    ) -> Answer<'a, Option<Arc<LocalUser>>> {
        let found = self.tenants.get(&tenant.id).and_then(|entry| entry.users.get(login));
        Box::pin(std::future::ready(Ok(found.map(Arc::clone))))
    }
}
