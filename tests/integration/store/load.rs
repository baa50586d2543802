//! Two gateways' work on a store, all of what they were told written down, and whether it agrees
//! when all is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use skybridge::store::redis::{Options, Redis};
use skybridge::store::{Claim, Ephemeral as _, Key, Kind, StoreError};

use crate::support::outage::{Outages, RECOVERY};

/// Within which any call must end.
const SOON: Duration = Duration::from_secs(2);
/// For how long all must be well before the blow.
const WARM_UP: Duration = Duration::from_secs(1);
/// How many times that is tried.
const WARM_UPS: usize = 20;
/// When calls succeed for so long, the failover is over.
const CALM: Duration = Duration::from_millis(700);
pub(crate) const LIFE: Duration = Duration::from_hours(1);
const LANES: usize = 4;

pub(crate) fn key(kind: Kind, id: &str) -> Key {
    Key::new(kind, "acme", id)
}

/// What two gateways did and were told.
#[derive(Default)]
struct Seen {
    /// When each claim was acknowledged as won, each value as taken and each session as removed.
    acknowledged: Mutex<HashMap<(Deed, String), Vec<Instant>>>,
    /// When calls ended with the store away, and why.
    away: Mutex<Vec<(Instant, String)>>,
    calls: AtomicUsize,
    slowest: Mutex<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Deed {
    Won,
    Taken,
    Removed,
}

impl Seen {
    fn note(&self, deed: Deed, id: &str) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.entry((deed, id.to_owned())).or_default().push(Instant::now());
    }

    /// What a call gave; nothing where the store was away. Any other error fails the test.
    async fn told<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        let begun = Instant::now();
        let outcome = call.await;
        self.calls.fetch_add(1, Ordering::Relaxed);
        {
            let mut slowest = self.slowest.lock().unwrap();
            *slowest = begun.elapsed().max(*slowest);
        }
        match outcome {
            Ok(answer) => Some(answer),
            Err(StoreError::Away(cause)) => {
                self.away.lock().unwrap().push((Instant::now(), cause));
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn claim(&self, store: &Redis, id: &str) {
        let used = key(Kind::UsedRequest, id);
        if self.told(store.claim(&used, b"flow", LIFE)).await == Some(Claim::Won) {
            self.note(Deed::Won, id);
        }
    }

    async fn take(&self, store: &Redis, id: &str) {
        let pending = key(Kind::Pending, id);
        if self.told(store.take(&pending)).await.flatten().is_some() {
            self.note(Deed::Taken, id);
        }
    }

    /// A sign-in, an SSO answer and a logout.
    async fn session(&self, store: &Redis, id: &str) {
        let session = key(Kind::Session, id);
        let (used, own) = (key(Kind::Idempotency, id), format!("both-{id}"));
        self.told(store.put(&session, b"alice", LIFE)).await;
        let both = store.renew_and_claim((&session, LIFE), &used, b"flow", LIFE);
        if let Some((_, Claim::Won)) = self.told(both).await {
            self.note(Deed::Won, &own);
        }
        if self.told(store.remove(&session)).await.is_some() {
            self.note(Deed::Removed, id);
        }
    }

    /// When the store was last away after that time, if it was.
    fn last_away(&self, since: Instant) -> Option<(Instant, String)> {
        self.away.lock().unwrap().iter().filter(|(at, _)| *at > since).max().cloned()
    }

    /// Whether the store was away and then worked again for a while.
    fn is_calm(&self, since: Instant) -> bool {
        self.last_away(since).is_some_and(|(last, _)| last.elapsed() > CALM)
    }
}

/// Two gateways that do the same things at the same time until they are told to stop.
pub(crate) struct Load {
    pub(crate) stores: [Arc<Redis>; 2],
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    lanes: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    pub(crate) fn begin(options: &Options) -> Self {
        let stores = [0, 1].map(|_| Arc::new(Redis::new(options).unwrap()));
        let (seen, stop) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
        let lane = |lane| {
            let (stores, seen, stop) = (stores.clone(), seen.clone(), stop.clone());
            tokio::spawn(async move {
                // Calls that fail at once must not turn the wait into a storm.
                let mut beat = tokio::time::interval(Duration::from_millis(2));
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    beat.tick().await;
                    number += 1;
                    round(&stores, &seen, &format!("{lane}-{number}")).await;
                }
            })
        };
        let lanes = (0..LANES).map(lane).collect();
        Self { stores, seen, stop, lanes }
    }

    /// Goes on until all was well for a while.
    pub(crate) async fn warm_up(&self) {
        let mut since = Instant::now();
        let mut beat = tokio::time::interval(Duration::from_millis(10));
        for _ in 0..WARM_UPS {
            while since.elapsed() < WARM_UP {
                beat.tick().await;
            }
            match self.seen.last_away(since) {
                None => return,
                // A machine that does other things too has its moments.
                Some(_) => since = Instant::now(),
            }
        }
        panic!("it is not well even before the blow: {:?}", self.seen.last_away(since));
    }

    /// Waits until the store works again after a blow at `since`, and says how long it did not.
    pub(crate) async fn recovered(&self, since: Instant) -> Duration {
        let mut beat = tokio::time::interval(Duration::from_millis(10));
        while !self.seen.is_calm(since) {
            assert!(since.elapsed() < RECOVERY + CALM, "the store does not recover");
            beat.tick().await;
        }
        self.seen.last_away(since).unwrap().0 - since
    }

    /// Stops, does everything once more, and sees that nothing that was acknowledged was undone.
    pub(crate) async fn verify(self, blow: Instant, recovery: Duration) -> Survived {
        self.stop.store(true, Ordering::Relaxed);
        for lane in self.lanes {
            lane.await.unwrap();
        }
        let (store, seen) = (&self.stores[0], &self.seen);
        let deeds: Vec<_> = seen.acknowledged.lock().unwrap().keys().cloned().collect();
        let mut back = Vec::new();
        for (deed, id) in &deeds {
            match deed {
                Deed::Won if id.starts_with("both-") => {
                    let used = key(Kind::Idempotency, id.trim_start_matches("both-"));
                    if store.claim(&used, b"again", LIFE).await == Ok(Claim::Won) {
                        seen.note(Deed::Won, id);
                    }
                }
                Deed::Won => seen.claim(store, id).await,
                Deed::Taken => seen.take(store, id).await,
                Deed::Removed => {
                    let found = store.renew(&key(Kind::Session, id), LIFE).await.unwrap();
                    back.extend(found.map(|_| (*deed, id.clone())));
                }
            }
        }
        let acknowledged = seen.acknowledged.lock().unwrap();
        let twice = acknowledged.iter().filter(|(_, times)| times.len() > 1);
        let given_twice = twice.clone().count();
        let undone = twice.map(|(deed, times)| (deed, times[0]));
        let undone = undone.chain(back.iter().map(|deed| (deed, acknowledged[deed][0])));
        let when = |(deed, at): (&(Deed, String), Instant)| {
            format!("{deed:?} acknowledged {:?} after the blow", at.saturating_duration_since(blow))
        };
        let undone: Vec<_> = undone.map(when).collect();
        let slowest = *seen.slowest.lock().unwrap();
        println!(
            "recovered in {recovery:?}; {} deeds acknowledged, {} of them undone; \
             slowest call {slowest:?}",
            acknowledged.len(),
            undone.len()
        );
        assert!(acknowledged.len() > 100, "{} deeds are no load", acknowledged.len());
        assert!(undone.is_empty(), "such as {:?}", &undone[..undone.len().min(3)]);
        assert!(slowest < SOON, "a call took {slowest:?}");
        assert!(recovery < RECOVERY, "it took {recovery:?}");
        let away = seen.away.lock().unwrap().len();
        Survived {
            recovery,
            requests: (seen.calls.load(Ordering::Relaxed), away, slowest),
            acknowledged: acknowledged.len(),
            given_twice,
            came_back: back.len(),
        }
    }
}

/// What came of one blow.
pub(crate) struct Survived {
    recovery: Duration,
    /// Calls, those of them that failed because the store was away, and the slowest.
    requests: (usize, usize, Duration),
    acknowledged: usize,
    given_twice: usize,
    came_back: usize,
}

impl Survived {
    /// What came of many such blows.
    pub(crate) fn outages(all: &[Self], blow: &'static str, took: Duration) -> Outages {
        let sum = |number: fn(&Self) -> usize| all.iter().map(number).sum::<usize>();
        let slowest = all.iter().map(|one| one.requests.2).max().unwrap();
        Outages {
            done: vec![
                ("gateways' connections to the store", 2),
                (blow, all.len()),
                ("claims, takes and removals that were acknowledged", sum(|one| one.acknowledged)),
            ],
            load: "calls under load",
            requests: (sum(|one| one.requests.0), sum(|one| one.requests.1), slowest),
            failures: vec![
                ("claimed or taken twice", sum(|one| one.given_twice)),
                ("sessions that were removed and came back", sum(|one| one.came_back)),
            ],
            since: "the kill",
            recoveries: all.iter().map(|one| one.recovery).collect(),
            starts: Vec::new(),
            took,
        }
    }
}

async fn round(stores: &[Arc<Redis>; 2], seen: &Seen, id: &str) {
    let [one, other] = stores;
    seen.told(one.put(&key(Kind::Pending, id), b"journey", LIFE)).await;
    tokio::join!(seen.take(one, id), seen.take(other, id));
    tokio::join!(seen.claim(one, id), seen.claim(other, id));
    seen.session(other, id).await;
}

/// Strikes a group under load and sees that all goes on.
pub(crate) async fn survives(options: &Options, blow: impl FnOnce()) -> Survived {
    let load = Load::begin(options);
    load.warm_up().await;
    let at = Instant::now();
    blow();
    let recovery = load.recovered(at).await;
    load.verify(at, recovery).await
}
