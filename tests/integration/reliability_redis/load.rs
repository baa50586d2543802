//! Customers who use three nodes at once in every way in which only one may win, and judge each
//! answer on the spot.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::task::JoinHandle;

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::Request;
use crate::support::gateway::{TestGateway, ticket};
use crate::support::redis::RedisServer;

const NODES: usize = 3;
const LANES: usize = 4;
/// Within which everybody gets an answer, whatever Redis does.
const SOON: Duration = Duration::from_secs(2);
/// Within which anything that a test waits for happens.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something is so.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it is not so in time that {what}");
        beat.tick().await;
    }
}

/// What all customers saw.
#[derive(Default)]
struct Seen {
    /// When each node last turned somebody away because of the store, and last served somebody.
    nodes: Mutex<[(Option<Instant>, Option<Instant>); NODES]>,
    answers: AtomicUsize,
    turned_away: AtomicUsize,
    journeys: AtomicUsize,
    slowest: Mutex<Duration>,
    stop: AtomicBool,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        write!(
            f,
            "{} answers, {} of them that the store is away, {} whole journeys, slowest answer {:?}",
            number(&self.answers),
            number(&self.turned_away),
            number(&self.journeys),
            self.slowest.lock().unwrap(),
        )
    }
}

impl Seen {
    /// An answer of a node; nothing when it is that the store is away, said as it must be.
    fn judge(&self, node: usize, begun: Instant, answer: Answer) -> Option<Answer> {
        let (now, took) = (Instant::now(), begun.elapsed());
        assert!(took < SOON, "an answer took {took:?}");
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = took.max(*slowest);
        self.answers.fetch_add(1, Ordering::Relaxed);
        let (away, served) = &mut self.nodes.lock().unwrap()[node];
        if answer.code().as_deref() == Some("SB-5001") {
            answer.refused("SB-5001");
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            assert!(answer.header("set-cookie").is_none(), "{answer:?}");
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            *away = Some(now);
            return None;
        }
        *served = Some(now);
        Some(answer)
    }
}

/// Three nodes under load.
pub(super) struct Load {
    seen: Arc<Seen>,
    nodes: Arc<Vec<TestGateway>>,
    lanes: Vec<JoinHandle<Lane>>,
}

impl Load {
    pub(super) async fn begin(redis: &RedisServer) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            nodes.push(TestGateway::at(redis).await);
        }
        let (nodes, seen) = (Arc::new(nodes), Arc::new(Seen::default()));
        let lane = |number: usize| {
            let customer = ["cust-1", "cust-2"][number % 2];
            let mut lane = Lane {
                customer,
                nodes: nodes.clone(),
                seen: seen.clone(),
                turn: number,
                ended: Vec::new(),
                used: Vec::new(),
                answered: Vec::new(),
            };
            tokio::spawn(async move {
                // Refusals are quick: they must not become a storm.
                let mut beat = tokio::time::interval(Duration::from_millis(20));
                while !lane.seen.stop.load(Ordering::Relaxed) {
                    beat.tick().await;
                    lane.journey().await;
                }
                lane
            })
        };
        let lanes = (0..LANES).map(lane).collect();
        Self { seen, nodes, lanes }
    }

    /// How many journeys went from a ticket to a logout.
    pub(super) fn journeys(&self) -> usize {
        self.seen.journeys.load(Ordering::Relaxed)
    }

    /// Whether every node turned somebody away since then.
    pub(super) fn all_noticed(&self, since: Instant) -> bool {
        let nodes = self.seen.nodes.lock().unwrap();
        nodes.iter().all(|(away, _)| away.is_some_and(|at| at > since))
    }

    /// Whether every node served somebody since then, and turned nobody away for so long.
    pub(super) fn all_serve(&self, since: Instant, calm: Duration) -> bool {
        let nodes = self.seen.nodes.lock().unwrap();
        since.elapsed() > calm
            && nodes.iter().all(|(away, served)| {
                served.is_some_and(|at| at > since)
                    && away.is_none_or(|at| at.elapsed() > calm && Some(at) < *served)
            })
    }

    /// When somebody was last turned away.
    pub(super) fn last_turned_away(&self) -> Instant {
        let nodes = self.seen.nodes.lock().unwrap();
        nodes.iter().filter_map(|(away, _)| *away).max().expect("Redis was away")
    }

    /// Stops, tries everything once more that may not work twice, and says what was seen.
    pub(super) async fn end(self) -> impl fmt::Display {
        self.seen.stop.store(true, Ordering::Relaxed);
        for lane in self.lanes {
            lane.await.unwrap().try_again().await;
        }
        drop(self.nodes);
        self.seen
    }
}

/// A customer, and everything of theirs that must be over.
struct Lane {
    customer: &'static str,
    nodes: Arc<Vec<TestGateway>>,
    seen: Arc<Seen>,
    turn: usize,
    /// Browsers with sessions that a logout ended.
    ended: Vec<Browser>,
    /// Tickets that opened a session.
    used: Vec<String>,
    /// Requests that an assertion answered, each with the browser that sent it.
    answered: Vec<(Browser, Request)>,
}

impl Lane {
    /// Another node each time.
    fn node(&mut self) -> usize {
        self.turn += 1;
        self.turn % NODES
    }

    async fn get(&self, node: usize, browser: &Browser, path: &str) -> Option<(Browser, Answer)> {
        let (mut browser, begun) = (browser.moved_to(&self.nodes[node]), Instant::now());
        let answer = browser.get(path).await;
        self.seen.judge(node, begun, answer).map(|answer| (browser, answer))
    }

    /// The same from two copies of a browser, at two nodes at once.
    async fn race(&mut self, browser: &Browser, path: &str) -> Vec<(Browser, Answer)> {
        let (one, other) = (self.node(), self.node());
        let (one, other) =
            tokio::join!(self.get(one, browser, path), self.get(other, browser, path));
        one.into_iter().chain(other).collect()
    }

    /// From a ticket over an assertion to a logout, as far as the store lets it.
    async fn journey(&mut self) {
        let Some(browser) = self.launch().await else { return };
        let answered = self.sso(&browser).await;
        let node = self.node();
        let logged_out = self.get(node, &browser, "/acme/saml/logout").await;
        let Some((after, page)) = logged_out else { return };
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(!after.has_session());
        self.is_nobody(&browser).await;
        self.ended.push(browser);
        if answered {
            self.seen.journeys.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One ticket, redeemed twice at once: at most one session.
    async fn launch(&mut self) -> Option<Browser> {
        let ticket = ticket::ticket(self.customer);
        let path = format!("/acme/launch?ticket={ticket}");
        let mut opened = None;
        for (browser, answer) in self.race(&self.nodes[0].browser(), &path).await {
            if answer.code().is_some() {
                answer.refused("SB-3003");
                continue;
            }
            assert!(answer.location().starts_with("https://auth.huaweicloud.com/"), "{answer:?}");
            assert!(browser.has_session());
            assert!(opened.replace(browser).is_none(), "one ticket opened two sessions");
        }
        if opened.is_some() {
            self.used.push(path);
        }
        opened
    }

    /// One request, sent twice at once: at most one assertion, and for the right person.
    async fn sso(&mut self, browser: &Browser) -> bool {
        let request = Request::to("acme");
        let mut asserted = false;
        for (_, answer) in self.race(browser, &request.at("acme")).await {
            if answer.code().is_some() {
                answer.refused("SB-2011");
                continue;
            }
            let delivered = answer.delivered();
            assert!(delivered.asserts(), "a session was forgotten: {}", delivered.response);
            assert_eq!(delivered.value("InResponseTo"), request.id);
            assert!(delivered.response.contains(&format!(">{}<", self.customer)));
            assert!(!asserted, "one request was answered by two assertions");
            asserted = true;
        }
        if asserted {
            self.answered.push((browser.clone(), request));
        }
        asserted
    }

    /// That no node knows the session any more.
    async fn is_nobody(&mut self, browser: &Browser) {
        let passive = Request::to("acme").but(|it| it.attributes = "IsPassive=\"1\"".into());
        for (_, answer) in self.race(browser, &passive.at("acme")).await {
            if answer.code().is_some() {
                answer.refused("SB-2011");
            } else {
                assert!(!answer.delivered().asserts(), "a session came back after its logout");
            }
        }
    }

    /// Everything once more that must not work again.
    async fn try_again(mut self) {
        for browser in std::mem::take(&mut self.ended) {
            self.is_nobody(&browser).await;
        }
        for path in std::mem::take(&mut self.used) {
            let node = self.node();
            let again = self.get(node, &self.nodes[node].browser(), &path).await;
            again.expect("Redis is there").1.refused("SB-3003");
        }
        for (browser, request) in std::mem::take(&mut self.answered) {
            let node = self.node();
            let again = self.get(node, &browser, &request.at("acme")).await;
            again.expect("Redis is there").1.refused("SB-2011");
        }
    }
}
