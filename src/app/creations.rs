//! App (layer 6): the node's hands that create accounts: woken by intents that begin here, looking
//! now and then for those that others left, and finishing what is in hand when the process leaves.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::shutdown::Shutdown;
use crate::account::Creations;
use crate::random::Random;
use crate::refusal::{Code, Refusal};
use crate::store::account::{Intent, IntentStep};
use crate::{limits, measure};

/// Works on creations until the process leaves. What is not finished by the end of the drain is
/// left to whoever takes it next.
pub async fn run(creations: Arc<Creations>, random: Arc<dyn Random>, shutdown: Shutdown) {
    let mut hands = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.beginning() => break,
            Some(_) = hands.join_next() => {}
            () = creations.wanted(pause(&*random)) => {}
        }
        let free = limits::INTENTS_AT_ONCE.saturating_sub(hands.len());
        if free == 0 {
            continue;
        }
        match creations.due(free).await {
            Ok(due) => {
                for intent in due {
                    hands.spawn(work(Arc::clone(&creations), intent));
                }
            }
            Err(refused) => tracing::warn!(cause = %refused.cause, "creations cannot be read"),
        }
        measure::creations_in_hand(hands.len());
    }
    let finished = async { while hands.join_next().await.is_some() {} };
    tokio::select! {
        () = finished => {}
        () = shutdown.drained() => tracing::info!("creations are left to other nodes"),
    }
}

async fn work(creations: Arc<Creations>, intent: Intent) {
    let (tenant, id) = (intent.tenant.clone(), intent.id.clone());
    let (tenant, creation) = (tenant.as_str(), id.0.as_str());
    match creations.work(intent).await {
        Ok(intent) => {
            let step = intent.step.name();
            let what = crate::account::Outcome::of(&intent);
            let (code, cause) = (what.code.as_deref(), what.cause.as_deref());
            let attempts = intent.attempts;
            tracing::info!(tenant, creation, step, attempts, code, cause, "creation moved");
            measure::creation(match intent.step {
                IntentStep::Done => "done",
                IntentStep::Failed => "failed",
                _ => "waiting",
            });
        }
        Err(Refusal { code: Code::CreationUnderWay, .. }) => {
            tracing::info!(tenant, creation, "creation was taken over by another node");
            measure::creation("taken_over");
        }
        Err(refused) => {
            let Refusal { code, cause, .. } = refused;
            tracing::warn!(tenant, creation, %code, cause, "creation stopped; it is tried again");
            measure::creation("stopped");
        }
    }
}

/// Nodes that look at different times share the work, and ask the store no more than they must.
fn pause(random: &dyn Random) -> Duration {
    let mut byte = [0];
    random.fill(&mut byte);
    limits::INTENT_POLL.mul_f64(0.5 + f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::time::macros::datetime;
    use tokio::time::{self, Instant};

    use super::super::shutdown::Pace;
    use super::*;
    use crate::account::fixtures::Played;
    use crate::account::{Asking, Book, Evidence, Remote, Remotes, Request, Wanted, Wisher};
    use crate::clock::{Clock, ManualClock};
    use crate::cloud::api::{Account, Creation, Failure, NewCustomer};
    use crate::random::SequenceRandom;
    use crate::store::memory_ledger::MemoryLedger;
    use crate::store::record::{Person, PersonId, TenantId};

    /// A cloud that creates, and takes its time.
    struct Slow(Duration);

    impl Played for Slow {
        fn fits(&self, _: &NewCustomer) -> Result<(), Failure> {
            Ok(())
        }

        fn create<'a>(&'a self, new: &'a NewCustomer) -> Asking<'a, Creation> {
            Box::pin(async {
                time::sleep(self.0).await;
                let id = new.x_account_id.clone();
                Creation::Created(Account { id: format!("d-{id}"), name: id })
            })
        }
    }

    struct House {
        creations: Arc<Creations>,
        random: Arc<dyn Random>,
        shutdown: Shutdown,
    }

    fn tenant() -> TenantId {
        TenantId::parse("acme").unwrap()
    }

    impl House {
        fn new(takes: Duration) -> Self {
            let clock: Arc<dyn Clock> =
                Arc::new(ManualClock::at(datetime!(2026-01-02 03:04:05 UTC)));
            let random: Arc<dyn Random> = Arc::new(SequenceRandom::new(1));
            let ledger = Arc::new(MemoryLedger::default());
            let book = Arc::new(Book::new(ledger, Arc::clone(&clock), Arc::clone(&random)));
            let remote: Arc<dyn Remote> = Arc::new(Slow(takes));
            let remotes = Remotes::new([(tenant(), remote)]);
            let creations = Creations::new(book, remotes, clock, Arc::clone(&random));
            let pace = Pace { readiness_grace: Duration::ZERO, drain: Duration::from_secs(30) };
            Self { creations: Arc::new(creations), random, shutdown: Shutdown::new(pace) }
        }

        async fn begin(&self, who: &str) -> Intent {
            let id = PersonId::parse(who).unwrap();
            let person = Person::of(id.clone(), id);
            let evidence = Evidence(serde_json::json!({}));
            let wish = Request {
                person: &person,
                wished_by: Wisher::Partner,
                wanted: &Wanted::default(),
                idempotency_key: None,
                evidence: &evidence,
            };
            self.creations.begin(&tenant(), wish).await.unwrap()
        }

        fn run(&self) -> tokio::task::JoinHandle<()> {
            let (creations, random) = (Arc::clone(&self.creations), Arc::clone(&self.random));
            tokio::spawn(run(creations, random, self.shutdown.clone()))
        }

        async fn step(&self, intent: &Intent) -> IntentStep {
            self.creations.find(&tenant(), &intent.id).await.unwrap().step
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_creation_is_begun_at_once_and_many_are_made_side_by_side() {
        let house = House::new(Duration::from_secs(3));
        let worker = house.run();
        time::sleep(Duration::from_millis(1)).await;
        let begun = Instant::now();
        let mut intents = Vec::new();
        for number in 0..limits::INTENTS_AT_ONCE {
            intents.push(house.begin(&format!("cust-{number}")).await);
        }
        for intent in &intents {
            let patience = Duration::from_secs(9);
            house.creations.settled(&tenant(), &intent.id, patience).await.unwrap();
            assert_eq!(house.step(intent).await, IntentStep::Done);
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        house.shutdown.begin();
        worker.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_hand_is_finished_when_the_process_leaves_and_nothing_new_is_begun() {
        let house = House::new(Duration::from_secs(3));
        let first = house.begin("cust-1").await;
        let worker = house.run();
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(house.step(&first).await, IntentStep::Asking);
        house.shutdown.begin();
        let late = house.begin("cust-2").await;
        worker.await.unwrap();
        assert_eq!(house.step(&first).await, IntentStep::Done);
        assert_eq!(house.step(&late).await, IntentStep::Planned);
    }
}
