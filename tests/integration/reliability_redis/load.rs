//! Customers who use three nodes at once in every way in which only one may win, and judge each
//! answer on the spot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use skybridge::store::memory_ledger::MemoryLedger;
use tokio::task::JoinHandle;

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::Request;
use crate::support::gateway::{TestGateway, ticket};
use crate::support::outage::Seen;
use crate::support::redis::RedisServer;

/// How many nodes there are.
pub(super) const NODES: usize = 3;
const LANES: usize = 4;
/// Within which everybody gets an answer, whatever Redis does.
const SOON: Duration = Duration::from_secs(2);
/// How it went for all customers.
struct Crowd {
    seen: Seen,
    journeys: AtomicUsize,
    stop: AtomicBool,
}

impl Crowd {
    /// An answer of a node; nothing when it is that the store is away, said as it must be.
    fn judge(&self, node: usize, begun: Instant, answer: Answer) -> Option<Answer> {
        let took = begun.elapsed();
        assert!(took < SOON, "an answer took {took:?}");
        if answer.code().as_deref() == Some("SB-5001") {
            answer.refused("SB-5001");
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            assert!(answer.header("set-cookie").is_none(), "{answer:?}");
            self.seen.turned_away(node, begun);
            return None;
        }
        self.seen.served(node, begun);
        Some(answer)
    }
}

/// How it was in the end.
pub(super) struct Ended {
    /// Journeys that went from a ticket to a logout.
    pub(super) journeys: usize,
    /// Requests, those of them that were turned away, and the slowest answer.
    pub(super) requests: (usize, usize, Duration),
    /// Answers that were wrong; each ends the customer's journeys.
    pub(super) wrong: usize,
    /// Customers who did something again that may not work twice, and it worked.
    pub(super) twice: usize,
}

/// Three nodes under load.
pub(super) struct Load {
    crowd: Arc<Crowd>,
    nodes: Arc<Vec<TestGateway>>,
    lanes: Vec<JoinHandle<Lane>>,
}

impl Load {
    pub(super) async fn begin(redis: &RedisServer) -> Self {
        let (mut nodes, ledger) = (Vec::new(), Arc::new(MemoryLedger::default()));
        for _ in 0..NODES {
            nodes.push(TestGateway::on(redis, Arc::<MemoryLedger>::clone(&ledger)).await);
        }
        let (seen, journeys, stop) = (Seen::of(NODES), AtomicUsize::default(), false.into());
        let (nodes, crowd) = (Arc::new(nodes), Arc::new(Crowd { seen, journeys, stop }));
        let lane = |number: usize| {
            let customer = ["cust-1", "cust-2"][number % 2];
            let mut lane = Lane {
                customer,
                nodes: nodes.clone(),
                crowd: crowd.clone(),
                turn: number,
                ended: Vec::new(),
                used: Vec::new(),
                answered: Vec::new(),
            };
            tokio::spawn(async move {
                // Refusals are quick: they must not become a storm.
                let mut beat = tokio::time::interval(Duration::from_millis(20));
                while !lane.crowd.stop.load(Ordering::Relaxed) {
                    beat.tick().await;
                    lane.journey().await;
                }
                lane
            })
        };
        let lanes = (0..LANES).map(lane).collect();
        Self { crowd, nodes, lanes }
    }

    /// What everybody saw.
    pub(super) fn seen(&self) -> &Seen {
        &self.crowd.seen
    }

    /// How many journeys went from a ticket to a logout.
    pub(super) fn journeys(&self) -> usize {
        self.crowd.journeys.load(Ordering::Relaxed)
    }

    /// Stops, tries everything once more that may not work twice, and says how it was.
    pub(super) async fn end(self) -> Ended {
        self.crowd.stop.store(true, Ordering::Relaxed);
        let (mut wrong, mut twice) = (0, 0);
        for lane in self.lanes {
            match lane.await {
                Ok(lane) => twice += usize::from(tokio::spawn(lane.try_again()).await.is_err()),
                Err(_) => wrong += 1,
            }
        }
        drop(self.nodes);
        let journeys = self.crowd.journeys.load(Ordering::Relaxed);
        Ended { journeys, requests: self.crowd.seen.sum(), wrong, twice }
    }
}

/// A customer, and everything of theirs that must be over.
struct Lane {
    customer: &'static str,
    nodes: Arc<Vec<TestGateway>>,
    crowd: Arc<Crowd>,
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
        self.crowd.judge(node, begun, answer).map(|answer| (browser, answer))
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
            self.crowd.journeys.fetch_add(1, Ordering::Relaxed);
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
