//! Layer 3, account: creating accounts at the cloud, each as a durable intent that any node can go
//! on with. Here a creation begins and is looked at; what is to be done is decided in
//! [`super::steps`] and done in [`super::work`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::book::{Book, Evidence};
use super::link::{Event, List};
use super::plan::{Plan, Wanted, Wisher};
use super::remote::Remotes;
use super::work::{Tools, Work};
use crate::clock::Clock;
use crate::cloud::api::{Effect, Failure, Lasting};
use crate::limits;
use crate::random::{self, Random};
use crate::refusal::{Code, Refusal};
use crate::store::account::{Intent, IntentId, IntentStep, LinkState};
use crate::store::ledger::Lease;
use crate::store::record::{Person, TenantId};

/// How often somebody who waits looks at what another node may have written.
const GLANCE: Duration = Duration::from_millis(500);

/// A wish for an account.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who gets it.
    pub person: &'a Person,
    /// Who wishes it.
    pub wished_by: Wisher,
    /// What it shall be like.
    pub wanted: &'a Wanted,
    /// The key under which the same wish is the same creation. Without one, a creation for this
    /// customer that is under way is taken for the one that is wished for.
    pub idempotency_key: Option<&'a str>,
    /// Where it was wished and, where it was given, the consent: for the history.
    pub evidence: &'a Evidence,
}

/// Everything that creates accounts.
pub struct Creations {
    book: Arc<Book>,
    remotes: Remotes,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// There is something to do.
    wake: Notify,
    /// Something was written.
    moved: Notify,
}

impl Creations {
    /// Creations that are kept in `book` and made by `remotes`.
    #[must_use]
    pub fn new(
        book: Arc<Book>,
        remotes: Remotes,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { book, remotes, clock, random, wake: Notify::new(), moved: Notify::new() }
    }

    /// The tenants' partner APIs.
    #[must_use]
    pub fn remotes(&self) -> &Remotes {
        &self.remotes
    }

    /// Whether the cloud's rules allow what a customer shall get, as far as they can be told
    /// without asking.
    ///
    /// # Errors
    /// [`Code::NoPartnerApi`], or the first field that breaks a rule.
    pub fn fits(&self, tenant: &TenantId, person: &Person, wanted: &Wanted) -> Result<(), Failure> {
        let remote = self.remotes.of(tenant).map_err(|refused| Failure {
            code: refused.code,
            lasting: Lasting::Final,
            effect: Effect::Nothing,
            answer: None,
            field: None,
            cause: refused.cause,
        })?;
        remote.fits(&wanted.customer(&person.account_id))
    }

    /// What was begun under the key of a wish.
    ///
    /// # Errors
    /// [`Code::IdempotencyConflict`] if it was another wish; a store's refusal.
    pub async fn begun_before(
        &self,
        tenant: &TenantId,
        wish: &Request<'_>,
    ) -> Result<Option<Intent>, Refusal> {
        let Some(key) = wish.idempotency_key else { return Ok(None) };
        let found = self.book.ledger().intent_asked(tenant, key).await?;
        match found {
            Some(intent) if intent.asked != wish.wanted.fingerprint(wish.person) => {
                let cause = "expected the body that was sent under this key, found another";
                Err(Refusal::new(Code::IdempotencyConflict, cause))
            }
            found => Ok(found),
        }
    }

    /// Step 1: writes the intent. From here on it comes to its end whatever happens to this
    /// process.
    ///
    /// # Errors
    /// [`Code::NoPartnerApi`]; the rule of the cloud that a wish breaks;
    /// [`Code::IdempotencyConflict`]; [`Code::CustomerDisabled`]; [`Code::AlreadyLinked`],
    /// [`Code::CreationUnderWay`] and whatever else refuses the event; a store's refusal.
    pub async fn begin(&self, tenant: &TenantId, wish: Request<'_>) -> Result<Intent, Refusal> {
        if let Some(same) = self.begun_before(tenant, &wish).await? {
            return Ok(same);
        }
        self.fits(tenant, wish.person, wish.wanted).map_err(|failure| failure.refusal())?;
        let account = self.book.meet(tenant, wish.person, LinkState::None).await?;
        if account.suspended_at.is_some() {
            let cause = "expected a customer who is switched on, found one switched off";
            return Err(Refusal::new(Code::CustomerDisabled, cause));
        }
        if let (None, Some(open)) = (wish.idempotency_key, &account.intent)
            && let Some(open) = self.book.ledger().intent(tenant, open).await?
        {
            return Ok(open);
        }
        let intent = self.planned(tenant, &wish);
        let event = Event::CreationBegun(intent.id.clone());
        let key = (tenant, &account.user_id);
        let written = (wish.evidence, Some(&intent));
        match self.book.happen_with(key, &event, List::CanBeAsked, written).await {
            Ok(_) => {
                self.wake.notify_one();
                Ok(intent)
            }
            // Somebody was faster; perhaps with the same wish.
            Err(refused)
                if matches!(refused.code, Code::CreationUnderWay | Code::AlreadyLinked) =>
            {
                match self.same_under_way(tenant, &wish).await? {
                    Some(same) => Ok(same),
                    None => Err(refused),
                }
            }
            Err(refused) => Err(refused),
        }
    }

    /// The creation of that id.
    ///
    /// # Errors
    /// [`Code::CreationNotFound`], or a store's refusal.
    pub async fn find(&self, tenant: &TenantId, id: &IntentId) -> Result<Intent, Refusal> {
        self.book.ledger().intent(tenant, id).await?.ok_or_else(|| {
            Refusal::new(Code::CreationNotFound, "expected a creation's id, found another")
        })
    }

    /// The creation of that id once it is over, or as it stands after `patience`.
    ///
    /// # Errors
    /// As for [`Creations::find`].
    pub async fn settled(
        &self,
        tenant: &TenantId,
        id: &IntentId,
        patience: Duration,
    ) -> Result<Intent, Refusal> {
        let end = Instant::now() + patience;
        loop {
            let moved = self.moved.notified();
            let intent = self.find(tenant, id).await?;
            if is_over(&intent) || Instant::now() >= end {
                return Ok(intent);
            }
            // Another node's moves are only seen by looking.
            let glance = GLANCE.min(end.saturating_duration_since(Instant::now()));
            let _ = timeout(glance, moved).await;
        }
    }

    /// Waits until a creation was begun here, at most for `patience`.
    pub async fn wanted(&self, patience: Duration) {
        let _ = timeout(patience, self.wake.notified()).await;
    }

    /// Takes creations whose time has come, to [`Creations::work`] on.
    ///
    /// # Errors
    /// A store's refusal.
    pub async fn due(&self, at_most: usize) -> Result<Vec<Intent>, Refusal> {
        let now = self.clock.now();
        let lease = Lease { now, until: now + limits::INTENT_LEASE };
        Ok(self.book.ledger().lease_due(lease, at_most).await?)
    }

    /// Goes on with a creation that was taken, as far as it goes without waiting. It may be dropped
    /// at any moment: somebody goes on when the lease is over.
    ///
    /// # Errors
    /// [`Code::CreationUnderWay`] when somebody else has taken over; a store's refusal. What
    /// concerns the creation itself is written there.
    pub async fn work(&self, intent: Intent) -> Result<Intent, Refusal> {
        let tools = Tools { book: &self.book, remotes: &self.remotes, clock: &*self.clock };
        let worked = Work::of(intent, tools, &*self.random)?.run().await;
        self.moved.notify_waiters();
        worked
    }

    fn planned(&self, tenant: &TenantId, wish: &Request<'_>) -> Intent {
        let now = self.clock.now();
        Intent {
            id: IntentId(format!("cre_{}", random::token(&*self.random))),
            tenant: tenant.clone(),
            user_id: wish.person.user_id.clone(),
            idempotency_key: wish.idempotency_key.map(str::to_owned),
            asked: wish.wanted.fingerprint(wish.person),
            plan: Plan::new(wish.person, wish.wished_by, wish.wanted).text(),
            step: IntentStep::Planned,
            attempts: 0,
            next_at: now,
            outcome: None,
            created_at: now,
            version: 1,
        }
    }

    async fn same_under_way(
        &self,
        tenant: &TenantId,
        wish: &Request<'_>,
    ) -> Result<Option<Intent>, Refusal> {
        if wish.idempotency_key.is_some() {
            return self.begun_before(tenant, wish).await;
        }
        let account = self.book.find(tenant, &wish.person.user_id).await?;
        match &account.intent {
            Some(id) => Ok(self.book.ledger().intent(tenant, id).await?),
            None => Ok(None),
        }
    }
}

/// Whether nothing more comes of it.
#[must_use]
pub fn is_over(intent: &Intent) -> bool {
    matches!(intent.step, IntentStep::Done | IntentStep::Failed)
}

#[cfg(test)]
#[path = "creation_tests.rs"]
mod tests;
