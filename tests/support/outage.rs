//! What people at several nodes see of a store that goes away and comes back (D-01), and how that
//! is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::report::{Section, Size};

/// Within which all must be well again after the store is (D-01).
pub(crate) const RECOVERY: Duration = Duration::from_secs(10);
/// When nobody was turned away for so long, it is over.
const CALM: Duration = Duration::from_millis(700);

/// Within which anything that a test waits for happens.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something is so.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it is not so in time that {what}");
        beat.tick().await;
    }
}

/// What all people saw.
pub(crate) struct Seen {
    nodes: Mutex<Vec<Node>>,
    answers: AtomicUsize,
    turned_away: AtomicUsize,
    slowest: Mutex<Duration>,
}

/// What people saw of one node.
#[derive(Clone, Copy, Default)]
struct Node {
    /// When it last turned somebody away because of the store.
    away: Option<Instant>,
    /// When it last served somebody.
    served: Option<Instant>,
    /// When it served the first one after the store came back.
    returned: Option<Instant>,
}

impl Seen {
    /// Nothing yet, of so many nodes.
    pub(crate) fn of(nodes: usize) -> Self {
        Self {
            nodes: Mutex::new(vec![Node::default(); nodes]),
            answers: AtomicUsize::new(0),
            turned_away: AtomicUsize::new(0),
            slowest: Mutex::default(),
        }
    }

    /// A node served somebody, with an answer to a request of `begun`.
    pub(crate) fn served(&self, node: usize, begun: Instant) {
        self.answered(begun);
        let (now, node) = (Instant::now(), &mut self.nodes.lock().unwrap()[node]);
        node.served = Some(now);
        node.returned.get_or_insert(now);
    }

    /// A node turned somebody away because of the store.
    pub(crate) fn turned_away(&self, node: usize, begun: Instant) {
        self.answered(begun);
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        self.nodes.lock().unwrap()[node].away = Some(Instant::now());
    }

    fn answered(&self, begun: Instant) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = begun.elapsed().max(*slowest);
    }

    /// Whether every node turned somebody away since then.
    pub(crate) fn all_noticed(&self, since: Instant) -> bool {
        self.nodes.lock().unwrap().iter().all(|node| node.away.is_some_and(|at| at > since))
    }

    /// The store comes back, now.
    pub(crate) fn is_back(&self) -> Instant {
        let mut nodes = self.nodes.lock().unwrap();
        nodes.iter_mut().for_each(|node| node.returned = None);
        Instant::now()
    }

    /// How long after its return the last node served somebody, and the last one was turned away;
    /// known when nobody was for a while.
    fn recovery(&self, back: Instant) -> Option<Duration> {
        let nodes = self.nodes.lock().unwrap();
        let mut last = back;
        for node in nodes.iter() {
            let (returned, away) = (node.returned?, node.away.unwrap_or(back));
            if back.elapsed() < CALM || away.elapsed() < CALM || node.served < node.away {
                return None;
            }
            last = last.max(returned).max(away);
        }
        Some(last - back)
    }

    /// Waits until all nodes serve again, and says how long after the store's return they did.
    pub(crate) async fn recovered(&self, back: Instant) -> Duration {
        let mut beat = tokio::time::interval(Duration::from_millis(10));
        loop {
            if let Some(recovery) = self.recovery(back) {
                return recovery;
            }
            assert!(back.elapsed() < PATIENCE, "the nodes do not all serve again");
            beat.tick().await;
        }
    }

    /// How many answers were not that the store is away.
    pub(crate) fn good(&self) -> usize {
        let (answers, away, _) = self.sum();
        answers - away
    }

    /// Requests, those of them that were turned away, and the slowest answer.
    pub(crate) fn sum(&self) -> (usize, usize, Duration) {
        let [answers, away] =
            [&self.answers, &self.turned_away].map(|count| count.load(Ordering::Relaxed));
        (answers, away, *self.slowest.lock().unwrap())
    }
}

/// A run in which a store went away again and again.
pub(crate) struct Outages {
    /// What was done to whom, and how often; what the load was beside the requests.
    pub(crate) done: Vec<(&'static str, usize)>,
    /// What people did all the time.
    pub(crate) load: &'static str,
    /// How often they did, how often they were turned away, and what took longest.
    pub(crate) requests: (usize, usize, Duration),
    /// What must not happen, and how often it did.
    pub(crate) failures: Vec<(&'static str, usize)>,
    /// From which moment on recovery is counted.
    pub(crate) since: &'static str,
    /// How long each recovery took.
    pub(crate) recoveries: Vec<Duration>,
    /// How much of it the server itself took, where it was started again.
    pub(crate) starts: Vec<Duration>,
    /// How long all of it took.
    pub(crate) took: Duration,
}

impl Outages {
    /// Fails if anything was wrong, else writes the section of that name.
    pub(crate) fn told(mut self, name: &str, title: &str, size: Size) {
        self.recoveries.sort_unstable();
        self.starts.sort_unstable();
        let (load, (all, away, slowest)) = (self.load, self.requests);
        println!(
            "{name}: {:?}; {all} {load}, {away} of them turned away, slowest {slowest:?}; {:?}; \
             recovered in {:?} from {}; the server's part {:?}",
            self.done, self.failures, self.recoveries, self.since, self.starts
        );
        for (what, number) in &self.failures {
            assert_eq!(*number, 0, "{what}");
        }
        let longest = *self.recoveries.last().expect("the store was away");
        assert!(longest < RECOVERY, "it took {:?}", self.recoveries);

        let failures = self.failures.iter().map(|(what, n)| (format!("failures: {what}"), *n));
        let mut section = Section::of(self.done.iter().copied());
        section.line(load, all);
        section.line("of them, turned away because the store was", away);
        section.line("the slowest of them", seconds(slowest));
        for (what, number) in failures {
            section.line(&what, number);
        }
        section.line(
            &format!("median recovery, from {}", self.since),
            seconds(median(&self.recoveries)),
        );
        if !self.starts.is_empty() {
            let own = "median of that in which the server itself started";
            section.line(own, seconds(median(&self.starts)));
        }
        section.line("longest recovery, which has to be below 10 s", seconds(longest));
        section.took(self.took).write(name, title, size);
    }
}

/// The middle one of some, in order.
fn median(times: &[Duration]) -> Duration {
    times[times.len() / 2]
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
