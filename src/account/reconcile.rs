//! Layer 3, account: compares our links with the cloud's list of customers, and repairs what has
//! drifted apart (conformance V5, D-10, D-21): a notification that was lost, a link that ended
//! where nobody told us, a ledger that came from a backup.
//!
//! The list is the judge, but only a whole list: one that fails, ends early or changes while it is
//! read says nothing about who is missing. Whoever is missing on one list is in doubt; a second
//! one, asked for later, ends the link ([`super::link`]). A list that lacks suspiciously many is
//! not believed at all. Nothing is ever deleted, here or at the cloud.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;

use super::book::{Book, Evidence, rfc3339};
use super::finding::{Done, Finding, Report, What};
use super::lease::Held;
use super::link::{self, Event, List, Next};
use super::listing::{Extent, Listing, Reading, Says, Until, Watching};
use super::remote::{Remote, Remotes};
use crate::clock::Clock;
use crate::cloud::api::{Failure, Filter};
use crate::limits;
use crate::random::Random;
use crate::refusal::{Code, Refusal};
use crate::store::account::{Account, LinkState};
use crate::store::record::{PersonId, TenantId};
use crate::store::{Claim, Ephemeral, Key, Kind, StoreError};

/// The states of links that are not settled.
pub const UNRESOLVED: &[LinkState] =
    &[LinkState::FirstLogin, LinkState::Creating, LinkState::Unlinking, LinkState::Conflict];

/// Compares and repairs.
pub struct Reconciler {
    book: Arc<Book>,
    remotes: Remotes,
    store: Arc<dyn Ephemeral>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What a comparison may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: it says what it would do.
    DryRun,
    /// What has drifted apart, unless suspiciously many links are missing at the cloud.
    Repair,
    /// The same, and a person has looked at what is missing.
    RepairAll,
}

/// Why there was no comparison. Nothing was changed, except what the history of the customers says.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Another node is at it.
    #[error("expected to compare alone, found another node at it; try again in a minute")]
    Busy,
    /// The list cannot be read.
    #[error("the cloud's list cannot be read: {0}")]
    List(Failure),
    /// A store, or a tenant without a partner API.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Reconciler {
    /// A reconciler of the tenants in `remotes`; nodes agree through `store`.
    #[must_use]
    pub fn new(
        (book, remotes): (Arc<Book>, Remotes),
        store: Arc<dyn Ephemeral>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { book, remotes, store, clock, random }
    }

    /// Compares one tenant's links with the cloud's list.
    ///
    /// # Errors
    /// [`Stop`].
    pub async fn run(
        &self,
        tenant: &TenantId,
        mode: Mode,
        watching: Watching<'_>,
    ) -> Result<Report, Stop> {
        let remote = Arc::clone(self.remotes.of(tenant)?);
        let work = (Kind::Reconciling, tenant);
        let held = Held::take(&self.store, work, &*self.random).await?.ok_or(Stop::Busy)?;
        let ended = tokio::select! {
            ended = self.compare(tenant, &*remote, mode, watching) => ended,
            () = held.keep() => Err(Stop::Busy),
        };
        held.give_back().await;
        ended
    }

    /// Whether it is this node's turn to compare the tenant's links, all nodes together. A turn is
    /// for [`limits::RECONCILE_LEASE`]: who dies in it, or never hears that it is theirs, holds the
    /// others up no longer. [`Reconciler::ended`] says when the next one is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_due(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        if self.has_turn(Kind::Reconciled, tenant).await? {
            return Ok(true);
        }
        // Whoever is on the way needs no comparison yet.
        let settled = self.clock.now() - limits::RECONCILE_GRACE;
        let unresolved = self.book.ledger().standing(tenant, UNRESOLVED, settled, 1).await?;
        Ok(!unresolved.is_empty() && self.has_turn(Kind::ReconcileSoon, tenant).await?)
    }

    async fn has_turn(&self, kind: Kind, tenant: &TenantId) -> Result<bool, StoreError> {
        let turn = self.store.claim(&due(kind, tenant), b"", limits::RECONCILE_LEASE).await?;
        Ok(turn == Claim::Won)
    }

    /// Notes how a turn ended: the next is in `every`, and sooner while links are unresolved or
    /// when the list was not whole. When it was our own stores that failed, or another node was at
    /// it, the next is when this one's time is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended(
        &self,
        tenant: &TenantId,
        every: Duration,
        ended: &Result<Report, Stop>,
    ) -> Result<(), StoreError> {
        let (usual, soon) = match ended {
            Ok(report) if report.whole => (every, limits::RECONCILE_SOON),
            Err(Stop::Busy | Stop::Refused(Refusal { code: Code::StoreAway, .. })) => return Ok(()),
            Ok(_) | Err(Stop::List(_) | Stop::Refused(_)) => {
                (limits::RECONCILE_RETRY, limits::RECONCILE_RETRY)
            }
        };
        for (kind, pause) in [(Kind::Reconciled, usual), (Kind::ReconcileSoon, soon)] {
            self.store.put(&due(kind, tenant), b"", pause.min(every)).await?;
        }
        Ok(())
    }

    /// Since when the link that is unresolved longest is so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn oldest_unresolved(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        // A link that another node has just written counts, too.
        let later = self.clock.now() + limits::CLOCK_DRIFT;
        let oldest = self.book.ledger().standing(tenant, UNRESOLVED, later, 1).await?;
        Ok(oldest.first().map(|account| account.since))
    }

    async fn compare(
        &self,
        tenant: &TenantId,
        remote: &dyn Remote,
        mode: Mode,
        watching: Watching<'_>,
    ) -> Result<Report, Stop> {
        let reading = Reading { filter: &Filter::All, until: Until::End };
        let began = self.clock.now();
        let listing = Listing::read(remote, began, reading, watching).await.map_err(Stop::List)?;
        let mut report = Report {
            tenant: tenant.as_str().to_owned(),
            listed_at: rfc3339(listing.began),
            whole: listing.extent == Extent::Whole,
            listed: listing.account_ids().count() as u64,
            customers: 0,
            links: 0,
            findings: Vec::new(),
        };
        let known = self.judge_customers(tenant, &listing, &mut report).await?;
        self.judge_strangers(tenant, (&listing, &known), &mut report).await?;
        let holds_back = mode != Mode::RepairAll && report.lacks_too_many();
        for found in &mut report.findings {
            if holds_back && found.what == What::NotListed {
                found.done = Done::HeldBack;
            } else if mode != Mode::DryRun && found.done == Done::Possible {
                self.repair(tenant, found, &listing).await?;
            }
        }
        Ok(report)
    }

    /// Everybody whom we know; gives what the cloud knows them by.
    async fn judge_customers(
        &self,
        tenant: &TenantId,
        listing: &Listing,
        report: &mut Report,
    ) -> Result<HashSet<PersonId>, Stop> {
        let mut known = HashSet::new();
        let mut after = None;
        loop {
            let ledger = self.book.ledger();
            let page = ledger.page(tenant, after.as_ref(), limits::LEDGER_PAGE).await?;
            for account in &page {
                report.customers += 1;
                let linked = matches!(account.state, LinkState::Linked | LinkState::Unlinking);
                report.links += u64::from(linked);
                let found = self.judge(account, listing);
                report.findings.extend(found);
                known.insert(account.account_id.clone());
            }
            if page.len() < limits::LEDGER_PAGE {
                return Ok(known);
            }
            after = page.last().map(|account| account.user_id.clone());
        }
    }

    fn judge(&self, account: &Account, listing: &Listing) -> Option<Finding> {
        let (event, what) = match listing.says(account.account_id.as_str()) {
            Says::Has(cloud) => (Event::Listed(cloud.clone(), listing.began), What::NotLinkedHere),
            Says::Lacks if account.state == LinkState::FirstLogin => {
                (Event::NotListed(listing.began), What::NeverFinished)
            }
            Says::Lacks => (Event::NotListed(listing.began), What::NotListed),
            // A whole list says nothing only where it says too much.
            Says::Nothing if listing.extent == Extent::Whole => {
                return Some(Finding::about(account, What::SeveralAccounts));
            }
            Says::Nothing => return None,
        };
        match link::next(account, &event, List::CanBeAsked, self.clock.now()) {
            Next::Becomes { account: to, .. } => Some(Finding {
                to: Some(to.state),
                done: Done::Possible,
                domain_id: domain_of(&event),
                event: Some(event),
                ..Finding::about(account, what)
            }),
            _ if account.state == LinkState::Conflict => {
                Some(Finding::about(account, What::Conflict))
            }
            _ => None,
        }
    }

    /// Everybody else on the list.
    async fn judge_strangers(
        &self,
        tenant: &TenantId,
        (listing, known): (&Listing, &HashSet<PersonId>),
        report: &mut Report,
    ) -> Result<(), Stop> {
        for account_id in listing.account_ids() {
            let id = PersonId::parse(account_id);
            if let Some(id) = &id
                && (known.contains(id)
                    // Somebody who came while we were reading.
                    || self.book.ledger().account_known_as(tenant, id).await?.is_some())
            {
                continue;
            }
            let domain_id = match listing.says(account_id) {
                Says::Has(cloud) => Some(cloud.domain_id.clone()),
                Says::Lacks | Says::Nothing => None,
            };
            report.findings.push(Finding {
                what: What::Unknown,
                account_id: account_id.to_owned(),
                user_id: None,
                domain_id,
                from: None,
                to: None,
                done: Done::NeedsAPerson,
                event: None,
            });
        }
        Ok(())
    }

    async fn repair(
        &self,
        tenant: &TenantId,
        found: &mut Finding,
        listing: &Listing,
    ) -> Result<(), Stop> {
        let (Some(event), Some(user_id)) = (&found.event, &found.user_id) else { return Ok(()) };
        if let Some(domain_id) = &found.domain_id
            && self.book.ledger().linked_elsewhere(tenant, domain_id).await?
        {
            found.done = Done::LinkedElsewhere;
            return Ok(());
        }
        let evidence = Evidence(json!({
            "source": "list", "listed_at": rfc3339(listing.began), "domain_id": found.domain_id,
        }));
        let happened =
            self.book.happen((tenant, user_id), event, List::CanBeAsked, &evidence).await;
        found.done = match happened {
            Ok(happened) if !happened.changed => Done::Changed,
            Ok(happened) => {
                found.to = Some(happened.account.state);
                match happened.account.state {
                    LinkState::Conflict => Done::NeedsAPerson,
                    _ => Done::Repaired,
                }
            }
            Err(Refusal { code: Code::Overloaded, .. }) => Done::Changed,
            Err(refused) => return Err(refused.into()),
        };
        Ok(())
    }
}

/// Exists as long as a comparison is not due.
fn due(kind: Kind, tenant: &TenantId) -> Key {
    Key::new(kind, tenant.as_str(), "")
}

fn domain_of(event: &Event) -> Option<String> {
    match event {
        Event::Listed(cloud, _) => Some(cloud.domain_id.clone()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
