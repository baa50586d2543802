//! Layer 3, account: the work on one creation: does what [`super::steps`] decides, and writes down
//! every step before and after it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::book::{Book, Evidence};
use super::link::{Event, List};
use super::listing::{Listing, Reading, Says, Until};
use super::plan::{Outcome, Plan};
use super::remote::{Remote, Remotes};
use super::steps::{Act, Answer, Then, Where};
use crate::clock::Clock;
use crate::cloud::api::{self, Creation, Failure, Filter, Lasting, Page};
use crate::limits;
use crate::random::Random;
use crate::refusal::{Code, Refusal};
use crate::store::account::{Account, CloudAccount, Intent, IntentStep, LinkState};
use crate::store::ledger::{Change, Commit};

/// Shortest pause before a step is tried again; it doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What work is done with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) book: &'a Book,
    pub(super) remotes: &'a Remotes,
    pub(super) clock: &'a dyn Clock,
}

/// One creation in the hands of this node.
pub(super) struct Work<'a> {
    tools: Tools<'a>,
    random: &'a dyn Random,
    intent: Intent,
    plan: Plan,
}

impl<'a> Work<'a> {
    /// The work on an intent that was leased.
    ///
    /// # Errors
    /// [`Code::Internal`]: somebody else wrote it.
    pub(super) fn of(
        intent: Intent,
        tools: Tools<'a>,
        random: &'a dyn Random,
    ) -> Result<Self, Refusal> {
        let plan = Plan::of(&intent)?;
        Ok(Self { tools, random, intent, plan })
    }

    /// Goes as far as it goes without waiting.
    ///
    /// # Errors
    /// [`Code::CreationUnderWay`] when somebody else has taken over; a store's refusal.
    pub(super) async fn run(mut self) -> Result<Intent, Refusal> {
        let remote = self.tools.remotes.of(&self.intent.tenant).map(Arc::clone);
        loop {
            let account = self.account().await?;
            if account.intent.as_ref() != Some(&self.intent.id) {
                return self.overtaken(&account).await;
            }
            let remote = match &remote {
                Ok(remote) => &**remote,
                Err(refused) => return self.rest(Some(Outcome::wrong(refused)), None).await,
            };
            let answer = match self.plan.progress.next() {
                Some(Act::Ask) => self.ask(remote).await?,
                Some(Act::Look(place)) => self.look(remote, place).await,
                Some(Act::Link(cloud)) => return self.link(cloud).await,
                None => {
                    let cause = "expected a step that follows, found none";
                    return Err(Refusal::new(Code::Internal, cause));
                }
            };
            match self.plan.progress.learn(answer, self.now()) {
                Then::GoOn => {
                    self.intent.attempts = 0;
                    self.write().await?;
                }
                Then::Pause(why, at_least) => return self.rest(why, at_least).await,
                Then::End(why) => return self.refuse(&why).await,
            }
        }
    }

    /// Steps 2 and 3.
    async fn ask(&mut self, remote: &dyn Remote) -> Result<Answer, Refusal> {
        let Some(wanted) = self.plan.wanted.clone() else {
            let cause = "expected what to ask for, found a plan without";
            return Err(Refusal::new(Code::Internal, cause));
        };
        self.plan.progress.ask(self.now());
        self.write().await?;
        let new = wanted.customer(&self.plan.account_id);
        Ok(answered(remote.create(&new).await))
    }

    /// Step 4.
    async fn look(&self, remote: &dyn Remote, place: Where) -> Answer {
        let began = self.now();
        let looked = async {
            let filter = match place {
                Where::Account(id) => {
                    let listed = remote.list(&Filter::Id(id.clone()), Page::first()).await?;
                    let found = listed.customers.into_iter().map(|found| found.account);
                    let found = found.filter(|account| account.id == id).map(cloud_account).next();
                    return Ok(found.map_or(Answer::Lacks(began), Answer::Has));
                }
                Where::Since(time) => Filter::Since(time),
                Where::Everywhere => Filter::All,
            };
            let account_id = self.plan.account_id.as_str();
            let reading = Reading { filter: &filter, until: Until::Found(account_id) };
            let listing = Listing::read(remote, began, reading, &|_, _| ()).await?;
            Ok(match listing.says(account_id) {
                Says::Has(cloud) => Answer::Has(cloud.clone()),
                Says::Lacks => Answer::Lacks(listing.began),
                Says::Nothing => Answer::Blind(unsure("it to stand still"), None),
            })
        };
        match timeout(limits::INTENT_LOOK, looked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(failure)) => Answer::Blind(wrong(&failure), retry_after(&failure)),
            Err(_) => Answer::Blind(unsure("its end in time"), None),
        }
    }

    /// Step 5.
    async fn link(mut self, cloud: CloudAccount) -> Result<Intent, Refusal> {
        let domain_id = Some(cloud.domain_id.clone());
        let event = Event::CreationMade(self.intent.id.clone(), cloud);
        let evidence = json!({
            "source": "creation", "creation": self.intent.id.0, "domain_id": domain_id,
        });
        self.end(IntentStep::Done, &Outcome { domain_id, ..Outcome::default() });
        self.happen(&event, evidence).await
    }

    /// Step 5, the sad one.
    async fn refuse(mut self, why: &Outcome) -> Result<Intent, Refusal> {
        let event = Event::CreationRefused(self.intent.id.clone(), self.plan.retry(why));
        let evidence = json!({
            "source": "creation", "creation": self.intent.id.0, "code": why.code,
        });
        self.end(IntentStep::Failed, why);
        self.happen(&event, evidence).await
    }

    /// The link came, and perhaps went, by another way.
    async fn overtaken(mut self, account: &Account) -> Result<Intent, Refusal> {
        if account.state == LinkState::Linked {
            let domain_id = account.cloud.as_ref().map(|cloud| cloud.domain_id.clone());
            self.end(IntentStep::Done, &Outcome { domain_id, ..Outcome::default() });
        } else {
            let cause = format!("expected a customer who waits, found {}", account.state.name());
            let why = Outcome::wrong(&Refusal::new(Code::LinkConflict, cause));
            self.end(IntentStep::Failed, &why);
        }
        self.commit().await?;
        Ok(self.intent)
    }

    /// Leaves the rest to whoever comes after a pause.
    async fn rest(
        mut self,
        why: Option<Outcome>,
        at_least: Option<Duration>,
    ) -> Result<Intent, Refusal> {
        let pause = pause(self.intent.attempts, self.random);
        self.intent.attempts = self.intent.attempts.saturating_add(1);
        self.intent.next_at = self.now() + pause.max(at_least.unwrap_or_default());
        self.intent.outcome = why.map(|why| why.text());
        self.write().await?;
        Ok(self.intent)
    }

    async fn happen(self, event: &Event, evidence: serde_json::Value) -> Result<Intent, Refusal> {
        let key = (&self.intent.tenant, &self.intent.user_id);
        let written = (&Evidence(evidence), Some(&self.intent));
        let book = self.tools.book;
        book.happen_with(key, event, List::CanBeAsked, written).await?;
        Ok(self.intent)
    }

    /// The intent as it ends, without personal values.
    fn end(&mut self, step: IntentStep, outcome: &Outcome) {
        self.plan = self.plan.clone().bare();
        self.plan.progress.step = step;
        self.intent.outcome = Some(outcome.text());
        self.intent.plan = self.plan.text();
        self.intent.step = step;
        self.intent.version += 1;
    }

    async fn write(&mut self) -> Result<(), Refusal> {
        self.intent.plan = self.plan.text();
        self.intent.step = self.plan.progress.step;
        self.intent.version += 1;
        self.commit().await
    }

    async fn commit(&self) -> Result<(), Refusal> {
        let change = Change { intent: Some(self.intent.clone()), ..Change::default() };
        if self.tools.book.ledger().commit(&change).await? == Commit::Done {
            return Ok(());
        }
        let cause = "expected to hold the intent, found it taken over";
        Err(Refusal::new(Code::CreationUnderWay, cause))
    }

    async fn account(&self) -> Result<Account, Refusal> {
        self.tools.book.find(&self.intent.tenant, &self.intent.user_id).await
    }

    fn now(&self) -> OffsetDateTime {
        self.tools.clock.now()
    }
}

/// Some time between the half of a bound that doubles with each attempt, and the bound.
fn pause(attempts: u32, random: &dyn Random) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(1 << attempts.min(16)).min(limits::INTENT_PAUSE);
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    bound.mul_f64(0.5 + share / 2.0)
}

/// What the cloud answered to a creation.
fn answered(creation: Creation) -> Answer {
    match creation {
        Creation::Created(account) => Answer::Created(cloud_account(account)),
        Creation::CreatedUnconfirmed(account) => Answer::Unconfirmed(cloud_account(account)),
        Creation::MaybeOurs(failure) => Answer::Known(wrong(&failure)),
        Creation::Unknown(failure) => Answer::Open(wrong(&failure)),
        Creation::Refused(failure) => match failure.lasting {
            Lasting::Transient { retry_after } => Answer::NotYet(wrong(&failure), retry_after),
            Lasting::Final => Answer::Refused(wrong(&failure)),
        },
    }
}

pub(super) fn cloud_account(account: api::Account) -> CloudAccount {
    let api::Account { id, name } = account;
    CloudAccount { domain_id: id, domain_name: name, user_id: None, user_name: None }
}

fn wrong(failure: &Failure) -> Outcome {
    Outcome::wrong(&failure.refusal())
}

fn retry_after(failure: &Failure) -> Option<Duration> {
    match failure.lasting {
        Lasting::Transient { retry_after } => retry_after,
        Lasting::Final => None,
    }
}

fn unsure(expected: &str) -> Outcome {
    let cause = format!("expected of the cloud's list {expected}");
    Outcome::wrong(&Refusal::new(Code::CreationUnknown, cause))
}
