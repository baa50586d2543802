//! Layer 3, account: lets events happen to customers: reads, decides by [`link::next`], writes
//! everything in one change, and begins again when somebody was faster.

use std::sync::Arc;

use serde_json::json;

use super::link::{self, Event, List, Next};
use crate::clock::Clock;
use crate::random::{self, Random};
use crate::refusal::{Code, Refusal};
use crate::store::account::{Account, Entry, Intent, LinkState, Message, MessageId, MessageState};
use crate::store::ledger::{Change, Commit, Ledger};
use crate::store::mark::Visitor;
use crate::store::record::{Person, PersonId, Session, TenantId};

/// How often an event is decided anew because somebody else changed the same customer.
const TRIES: usize = 32;

/// How we know of an event: JSON for the history. No personal values.
#[derive(Clone, Debug)]
pub struct Evidence(pub serde_json::Value);

/// What came of an event.
#[derive(Clone, Debug)]
pub struct Happened {
    /// The customer as they stand now.
    pub account: Account,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether the cloud's list has to be asked about this customer.
    pub look: bool,
}

/// The book of all customers.
pub struct Book {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Book {
    /// A book over what `ledger` keeps.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { ledger, clock, random }
    }

    /// What is kept.
    #[must_use]
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// The customer, written down at first sight. `standing` is how a customer stands of whom
    /// nothing was known.
    ///
    /// # Errors
    /// [`Code::AccountIdChanged`], [`Code::AccountIdTaken`], or a store's refusal.
    pub async fn meet(
        &self,
        tenant: &TenantId,
        person: &Person,
        standing: LinkState,
    ) -> Result<Account, Refusal> {
        let user = &person.user_id;
        for _ in 0..TRIES {
            if let Some(account) = self.ledger.account(tenant, user).await? {
                return same_id(account, person);
            }
            let account = Account {
                tenant: tenant.clone(),
                user_id: user.clone(),
                account_id: person.account_id.clone(),
                suspended_at: None,
                admitted_at: None,
                state: standing,
                since: self.clock.now(),
                cloud: None,
                former: Vec::new(),
                intent: None,
                version: 1,
            };
            let seen = Evidence(json!({ "source": "first sight" }));
            let entry = self.entry(&account, "met", (standing, standing), &seen);
            let change = Change {
                account: Some(account.clone()),
                history: vec![entry],
                ..Change::default()
            };
            match self.ledger.commit(&change).await? {
                Commit::Done => return Ok(account),
                Commit::AccountIdTaken => {
                    // Of two nodes that meet a customer at once, the database may show the slower
                    // one the other's account_id before it shows the customer.
                    if self.ledger.account(tenant, user).await?.is_some() {
                        continue;
                    }
                    let cause = "expected an account_id of this customer, found another's";
                    return Err(Refusal::new(Code::AccountIdTaken, cause));
                }
                _ => {}
            }
        }
        Err(contended())
    }

    /// The customer as [`meet`](Book::meet) gives them, unless their session has ended: by
    /// itself, or by what happened to them since it began (conformance V7).
    ///
    /// # Errors
    /// Those of [`meet`](Book::meet).
    pub async fn meet_in(
        &self,
        tenant: &TenantId,
        session: &Session,
        standing: LinkState,
    ) -> Result<Option<Account>, Refusal> {
        let person = &session.person;
        let found = self.ledger.visitor(tenant, &person.user_id, &session.index).await?;
        let Some(Visitor { account, session_ended }) = found else {
            // A session is marked only after its customer was met.
            return Ok(Some(self.meet(tenant, person, standing).await?));
        };
        if session_ended || account.admitted_at.is_some_and(|at| session.authn_instant < at) {
            return Ok(None);
        }
        same_id(account, person).map(Some)
    }

    /// The customer, if they were ever seen.
    ///
    /// # Errors
    /// [`Code::CustomerUnknown`], or a store's refusal.
    pub async fn find(&self, tenant: &TenantId, user: &PersonId) -> Result<Account, Refusal> {
        self.ledger.account(tenant, user).await?.ok_or_else(|| {
            Refusal::new(Code::CustomerUnknown, "expected a known customer, found none")
        })
    }

    /// Lets an event happen.
    ///
    /// # Errors
    /// [`Code::CustomerUnknown`]; why the event must not happen, which is then in the history, too;
    /// [`Code::LinkDoubted`] when the cloud's list has to be asked first; a store's refusal.
    pub async fn happen(
        &self,
        key: (&TenantId, &PersonId),
        event: &Event,
        list: List,
        evidence: &Evidence,
    ) -> Result<Happened, Refusal> {
        self.happen_with(key, event, list, (evidence, None)).await
    }

    /// Lets an event happen, and writes an intent in the same change. Where nothing changes for the
    /// customer, the intent is written all the same.
    ///
    /// # Errors
    /// Those of [`happen`](Book::happen).
    pub async fn happen_with(
        &self,
        key: (&TenantId, &PersonId),
        event: &Event,
        list: List,
        (evidence, intent): (&Evidence, Option<&Intent>),
    ) -> Result<Happened, Refusal> {
        let mut event = event.clone();
        for _ in 0..TRIES {
            let before = self.find(key.0, key.1).await?;
            let (account, tell, look) = match link::next(&before, &event, list, self.clock.now()) {
                Next::Becomes { account, tell, look } => (*account, tell, look),
                Next::Same => match intent {
                    None => return Ok(Happened { account: before, changed: false, look: false }),
                    Some(intent) => {
                        let intent = Some(intent.clone());
                        let alone = Change { intent, ..Change::default() };
                        return match self.ledger.commit(&alone).await? {
                            Commit::Done => {
                                Ok(Happened { account: before, changed: false, look: false })
                            }
                            other => Err(lost(other)),
                        };
                    }
                },
                Next::Doubted => {
                    self.note(&before, &event, Code::LinkDoubted, evidence).await?;
                    let cause = format!("{}: expected what the cloud's list says", event.name());
                    return Err(Refusal::new(Code::LinkDoubted, cause));
                }
                Next::Refused(code) => {
                    self.note(&before, &event, code, evidence).await?;
                    let state = before.state.name();
                    let cause = format!("{} cannot happen while {state}", event.name());
                    return Err(Refusal::new(code, cause));
                }
            };
            let change = Change {
                history: vec![self.entry(
                    &account,
                    event.name(),
                    (before.state, account.state),
                    evidence,
                )],
                messages: tell.map(|kind| self.message(&account, kind)).into_iter().collect(),
                intent: intent.cloned(),
                account: Some(account.clone()),
            };
            match self.ledger.commit(&change).await? {
                Commit::Done => return Ok(Happened { account, changed: true, look }),
                Commit::CloudAccountTaken => {
                    let Some(cloud) = account.cloud else { return Err(contended()) };
                    event = Event::AccountTaken(cloud);
                }
                Commit::Stale if intent.is_none() => {}
                // Either the customer or the intent: only its holder can tell.
                Commit::Stale => {
                    if self.intent_is_stale(intent).await? {
                        return Err(lost(Commit::Stale));
                    }
                }
                other => return Err(lost(other)),
            }
        }
        Err(contended())
    }

    async fn intent_is_stale(&self, intent: Option<&Intent>) -> Result<bool, Refusal> {
        let Some(intent) = intent else { return Ok(false) };
        let kept = self.ledger.intent(&intent.tenant, &intent.id).await?;
        Ok(kept.map_or(0, |kept| kept.version) + 1 != intent.version)
    }

    /// Refuses an event that somebody else than [`link::next`] has judged, and writes that down.
    ///
    /// # Errors
    /// Always: the refusal, or a store's.
    pub async fn refuse(
        &self,
        account: &Account,
        event: &Event,
        refusal: Refusal,
        evidence: &Evidence,
    ) -> Result<(), Refusal> {
        self.note(account, event, refusal.code, evidence).await?;
        Err(refusal)
    }

    /// Writes a refused event into the history, unless the last line says just that: who repeats an
    /// old notification must not fill the store.
    async fn note(
        &self,
        account: &Account,
        event: &Event,
        code: Code,
        evidence: &Evidence,
    ) -> Result<(), Refusal> {
        let mut entry = self.entry(account, event.name(), (account.state, account.state), evidence);
        entry.refused = Some(code.to_string());
        let last = self.ledger.history(&account.tenant, &account.user_id).await?.pop();
        if last.is_some_and(|last| last.event == entry.event && last.refused == entry.refused) {
            return Ok(());
        }
        self.ledger.commit(&Change { history: vec![entry], ..Change::default() }).await?;
        Ok(())
    }

    fn entry(
        &self,
        account: &Account,
        event: &str,
        (from, to): (LinkState, LinkState),
        evidence: &Evidence,
    ) -> Entry {
        Entry {
            tenant: account.tenant.clone(),
            user_id: account.user_id.clone(),
            at: self.clock.now(),
            event: event.to_owned(),
            from,
            to,
            evidence: evidence.0.to_string(),
            refused: None,
        }
    }

    /// What the partner is told: the customer as they stand, and the version by which the partner
    /// puts messages in order.
    fn message(&self, account: &Account, kind: &str) -> Message {
        let now = self.clock.now();
        let id = format!("evt_{}", random::token(&*self.random));
        let body = json!({
            "id": id,
            "type": kind,
            "created_at": rfc3339(now),
            "tenant": account.tenant.as_str(),
            "customer": described(account),
        });
        Message {
            id: MessageId(id),
            tenant: account.tenant.clone(),
            kind: kind.to_owned(),
            body: body.to_string(),
            created_at: now,
            state: MessageState::Waiting,
            attempts: 0,
            next_at: now,
            problem: None,
        }
    }
}

/// A customer whom the partner still gives their first `account_id`.
fn same_id(account: Account, person: &Person) -> Result<Account, Refusal> {
    if account.account_id == person.account_id {
        return Ok(account);
    }
    let cause = "expected the customer's first account_id, found another";
    Err(Refusal::new(Code::AccountIdChanged, cause))
}

/// A customer as the partner sees them, in messages and in the API.
#[must_use]
pub fn described(account: &Account) -> serde_json::Value {
    let cloud = account.cloud.as_ref().filter(|_| account.state == LinkState::Linked);
    json!({
        "user_id": account.user_id.as_str(),
        "account_id": account.account_id.as_str(),
        "state": account.state.name(),
        "version": account.version,
        "suspended": account.suspended_at.is_some(),
        "cloud_account": cloud,
    })
}

/// A time as the API writes it.
pub(crate) fn rfc3339(time: time::OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

fn contended() -> Refusal {
    let cause = "expected a change of the customer to get through, found others always faster";
    Refusal::new(Code::Overloaded, cause)
}

/// An intent that somebody else has written.
fn lost(commit: Commit) -> Refusal {
    match commit {
        Commit::IdempotencyKeyTaken => {
            let cause = "expected a new idempotency key, found it used a moment ago";
            Refusal::new(Code::CreationUnderWay, cause)
        }
        _ => Refusal::new(Code::CreationUnderWay, "expected to hold the intent, found it lost"),
    }
}
