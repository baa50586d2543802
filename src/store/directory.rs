//! Layer 1, store: who the tenants and their people are. Read here, kept by a backend: the
//! configuration file declares them (see [`Declared`]).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
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

    /// Who is meant by that sign-in name.
    ///
    /// # Errors
    /// [`super::StoreError::Away`].
    fn local_user<'a>(&'a self, tenant: &'a Tenant, login: &'a str) -> Answer<'a, Login>;
}

/// Who is meant by a sign-in name.
#[derive(Clone, Debug)]
pub enum Login {
    /// This user, switched off or not.
    Known(Arc<LocalUser>),
    /// Nobody. For the same name it is always the same user of the tenant, if it has any, whose
    /// password is checked for nothing, so that time does not tell which names exist (B-36).
    Unknown(Option<Arc<LocalUser>>),
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
    /// The same users, to choose from by number.
    numbered: Vec<Arc<LocalUser>>,
}

impl Declared {
    /// Adds a tenant with its known customers and local users.
    pub fn add(
        &mut self,
        tenant: Tenant,
        customers: impl IntoIterator<Item = (PersonId, Customer)>,
        users: impl IntoIterator<Item = LocalUser>,
    ) {
        let numbered: Vec<_> = users.into_iter().map(Arc::new).collect();
        let named = numbered.iter().map(|user| (user.login.clone(), Arc::clone(user)));
        let entry = Entry {
            customers: customers.into_iter().collect(),
            users: named.collect(),
            numbered,
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

    fn local_user<'a>(&'a self, tenant: &'a Tenant, login: &'a str) -> Answer<'a, Login> {
        let found = self.tenants.get(&tenant.id).map_or(Login::Unknown(None), |entry| {
            let known = entry.users.get(login).map(|user| Login::Known(Arc::clone(user)));
            known.unwrap_or_else(|| Login::Unknown(entry.stand_in(login)))
        });
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl Entry {
    fn stand_in(&self, login: &str) -> Option<Arc<LocalUser>> {
        let mut hasher = DefaultHasher::new();
        login.hash(&mut hasher);
        let users = u64::try_from(self.numbered.len()).ok()?;
        let number = usize::try_from(hasher.finish().checked_rem(users)?).ok()?;
        self.numbered.get(number).cloned()
    }
}
