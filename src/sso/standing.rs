//! Layer 3, sso: how a customer stands with the cloud, as far as the journey asks: the book's word,
//! begun with what the configuration declares.

use serde_json::json;

use super::Sso;
use super::session::Remembered;
use crate::account::Evidence;
use crate::account::link::{Event, List};
use crate::refusal::{Code, Refusal};
use crate::store::account::{Account, LinkState};
use crate::store::record::{Customer, Link, Person, Session, Tenant, TenantId};

impl Sso {
    /// The customer, who is written down at first sight.
    pub(super) async fn customer(
        &self,
        tenant: &Tenant,
        person: &Person,
    ) -> Result<Customer, Refusal> {
        let declared = self.directory.customer(tenant, &person.user_id).await?;
        let account = self.book.meet(&tenant.id, person, begin(declared)).await?;
        self.stands(tenant, declared, account).await
    }

    /// Who is signed in by a session that the store remembers, and how they stand; nobody where
    /// the session has ended, though the store may still remember it.
    pub(super) async fn present(
        &self,
        tenant: &Tenant,
        found: Option<Remembered>,
    ) -> Result<Option<(Session, Customer)>, Refusal> {
        let Some(Remembered(session)) = found else { return Ok(None) };
        let declared = self.directory.customer(tenant, &session.person.user_id).await?;
        let met = self.book.meet_in(&tenant.id, &session, begin(declared)).await?;
        let Some(account) = met else {
            tracing::warn!(tenant = tenant.id.as_str(), "a session that was ended is not let in");
            return Ok(None);
        };
        let customer = self.stands(tenant, declared, account).await?;
        if !customer.enabled {
            // They may be let in again, but not by this session.
            self.end(tenant, &session).await?;
        }
        Ok(Some((session, customer)))
    }

    async fn stands(
        &self,
        tenant: &Tenant,
        declared: Customer,
        mut account: Account,
    ) -> Result<Customer, Refusal> {
        if account.state == LinkState::None && declared.link == Link::Linked {
            let evidence = Evidence(json!({ "source": "configuration" }));
            let user = account.user_id.clone();
            let key = (&tenant.id, &user);
            let list = self.list(&tenant.id);
            account = self.book.happen(key, &Event::Declared, list, &evidence).await?.account;
        }
        let link = match account.state {
            LinkState::Linked => Link::Linked,
            LinkState::None
            | LinkState::FirstLogin
            | LinkState::Creating
            | LinkState::Unlinking
            | LinkState::Unlinked => Link::Unlinked,
            LinkState::Conflict => return Err(conflict()),
        };
        Ok(Customer { enabled: declared.enabled && account.suspended_at.is_none(), link })
    }

    /// The customer goes to the cloud's page that creates or binds an account.
    pub(super) async fn first_login_begins(
        &self,
        tenant: &TenantId,
        person: &Person,
    ) -> Result<(), Refusal> {
        let evidence = Evidence(json!({ "source": "launch" }));
        let key = (tenant, &person.user_id);
        self.book.happen(key, &Event::FirstLoginSent, self.list(tenant), &evidence).await?;
        Ok(())
    }

    /// Whether the tenant's cloud can be asked for its list.
    pub(super) fn list(&self, tenant: &TenantId) -> List {
        if self.creations.remotes().of(tenant).is_ok() { List::CanBeAsked } else { List::Unknown }
    }
}

/// How a customer stands of whom only the configuration knows.
fn begin(declared: Customer) -> LinkState {
    match declared.link {
        Link::Linked => LinkState::Linked,
        Link::Unlinked => LinkState::None,
    }
}

/// What the cloud said contradicts what we know.
pub(super) fn conflict() -> Refusal {
    Refusal::new(Code::LinkConflict, "expected a link without contradiction, found a conflict")
}
