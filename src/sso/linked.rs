//! Layer 3, sso: the cloud's link notification (contract §1.6): the browser brings it from the
//! cloud's page, and goes on to the console. It needs no cookie: a form that another site posts
//! carries none (§11).

use super::standing::conflict;
use super::{Sso, Step, Turn, Visit};
use crate::account::link::{self, Event, List, Next};
use crate::account::{Form, Notice, confirmed};
use crate::refusal::{Code, Refusal};
use crate::saml::VerifyingKey;
use crate::store::account::{Account, LinkState};
use crate::store::record::TenantId;

impl Sso {
    /// Takes a notification. Taking it once more is harmless.
    ///
    /// # Errors
    /// What [`Notice::read`] refuses; [`Code::LinkElsewhere`], [`Code::LinkUnexpected`],
    /// [`Code::LinkDoubted`] and whatever else the event is refused with; a store's refusal.
    pub async fn link_result(&self, visit: &Visit, form: Form<'_>) -> Result<Turn, Refusal> {
        let tenant = &visit.tenant.id;
        let notice = Notice::read(form, &self.notice_keys(tenant))?;
        let ledger = self.book.ledger();
        let known = ledger.account_known_as(tenant, &notice.account_id).await?;
        let account = known.ok_or_else(|| {
            let cause = "expected a customer who was sent to the cloud, found an unknown one";
            Refusal::new(Code::LinkUnexpected, cause)
        })?;
        let customer = self.pseudonyms.name(tenant.as_str(), account.user_id.as_str());
        let key = (tenant, &account.user_id);
        let list = self.believes(&account, &notice).await?;
        let happened = self.book.happen(key, &notice.event, list, &notice.evidence).await?;
        let step = match (happened.account.state, notice.event) {
            (LinkState::Conflict, _) => return Err(conflict()),
            (_, Event::UnbindNotified(_)) => Step::LinkEnded,
            _ => Step::Linked,
        };
        Ok(Turn::of(step).for_customer(customer))
    }

    /// The keys that a tenant's notifications are signed with.
    pub(super) fn notice_keys(&self, tenant: &TenantId) -> Vec<VerifyingKey> {
        let known = self.registrations.of(tenant);
        known.iter().flat_map(|it| it.service_provider.signing_keys.clone()).collect()
    }

    /// What stands behind a notification beside its signature, which does not say for which tenant
    /// it was made: the cloud's list, or else that no other tenant has the account.
    async fn believes(&self, account: &Account, notice: &Notice) -> Result<List, Refusal> {
        let (tenant, list) = (&account.tenant, self.list(&account.tenant));
        let Event::BindNotified(cloud) = &notice.event else { return Ok(list) };
        match (link::next(account, &notice.event, list, self.clock.now()), list) {
            (Next::Doubted, List::CanBeAsked) => {
                let remote = self.creations.remotes().of(tenant)?;
                match confirmed(&**remote, &account.account_id, &cloud.domain_id).await {
                    Ok(true) => return Ok(List::Agrees),
                    Ok(false) => {}
                    Err(failure) => {
                        let tenant = tenant.as_str();
                        tracing::warn!(tenant, %failure, "a link notification is not confirmed");
                    }
                }
            }
            (Next::Becomes { .. }, List::Unknown) => {
                let ledger = self.book.ledger();
                if ledger.linked_elsewhere(tenant, &cloud.domain_id).await? {
                    let cause = "expected an account of this tenant, found another tenant's";
                    let refusal = Refusal::new(Code::LinkElsewhere, cause);
                    let evidence = &notice.evidence;
                    self.book.refuse(account, &notice.event, refusal, evidence).await?;
                }
            }
            _ => {}
        }
        Ok(list)
    }
}
