//! Redis away in mid-journey (D-01, D-04): a clear page soon, nothing invented, and on it goes by
//! itself; and what only one may get, with many who ask at once.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::task::JoinSet;

use super::{continuation, handed_off, ticket_now};
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::Request;
use crate::support::gateway::{PASSWORD, TestGateway};
use crate::support::redis::{Access, Disk, RedisServer, Wire};

/// Within which people see the page (D-01).
const SOON: Duration = Duration::from_secs(2);
/// Within which the gateway must work again after Redis does (D-01).
const RECOVERY: Duration = Duration::from_secs(10);

/// One journey of each kind, stopped before its next hop.
struct Journeys {
    gateway: TestGateway,
    signed_in: Browser,
    waiting: Browser,
    handle: String,
    form: Browser,
    csrf: String,
    api_ticket: String,
}

impl Journeys {
    async fn begin(redis: &RedisServer) -> Self {
        let gateway = TestGateway::at(redis).await;
        let signed_in = handed_off(&gateway, "cust-1").await;
        let mut waiting = handed_off(&gateway, "cust-1").await;
        gateway.wait(1);
        let fresh = Request::to("acme").but(|it| it.attributes = "ForceAuthn=\"true\"".into());
        let handle = continuation(&waiting.get(&fresh.at("acme")).await.target());
        gateway.wait(1);
        let ticket = super::proved_now(&gateway, "cust-1");
        waiting.get(&format!("/acme/launch?ticket={ticket}")).await.target();
        let mut form = gateway.browser();
        let csrf = form.get("/bravo/sign-in").await.field("csrf").unwrap();
        let given = gateway.browser().ask_ticket("kept", "{\"user_id\":\"cust-1\"}").await;
        let given: serde_json::Value = serde_json::from_str(&given.body).unwrap();
        let api_ticket = given["url"].as_str().unwrap().to_owned();
        Self { gateway, signed_in, waiting, handle, form, csrf, api_ticket }
    }

    /// Every hop that needs the store.
    async fn hops(&self) -> Vec<(&'static str, bool, Answer)> {
        let mut answers = Vec::new();
        let mut note = |name, browser: &Browser, had: bool, begun: Instant, answer: Answer| {
            assert!(begun.elapsed() < SOON, "{name} took {:?}", begun.elapsed());
            answers.push((name, browser.has_session() == had, answer));
        };
        macro_rules! hop {
            ($name:literal, $browser:expr, $call:ident($($argument:expr),*)) => {{
                let mut browser = $browser;
                let (had, begun) = (browser.has_session(), Instant::now());
                let answer = browser.$call($($argument),*).await;
                note($name, &browser, had, begun, answer);
            }};
        }
        let ticket = ticket_now(&self.gateway, "cust-1");
        let fields = [("csrf", self.csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
        let sso = Request::to("acme").at("acme");
        hop!("launch", self.gateway.browser(), get(&format!("/acme/launch?ticket={ticket}")));
        hop!("launch by API ticket", self.gateway.browser(), get(&self.api_ticket));
        hop!("cloud", self.signed_in.clone(), get("/acme/cloud"));
        hop!("sso with a session", self.signed_in.clone(), get(&sso));
        hop!("sso without", self.gateway.browser(), get(&Request::to("acme").at("acme")));
        hop!("continue", self.waiting.clone(), get(&format!("/acme/continue/{}", self.handle)));
        hop!("sign-in", self.form.clone(), post("/bravo/sign-in", &fields));
        hop!("ticket", self.gateway.browser(), ask_ticket("new", "{\"user_id\":\"cust-1\"}"));
        hop!("logout", self.signed_in.clone(), get("/acme/saml/logout"));
        answers
    }

    async fn all_away(&self) {
        for (name, kept, answer) in self.hops().await {
            answer.refused("SB-5001");
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{name}");
            assert!(kept, "{name} changed the session cookie: {answer:?}");
        }
    }

    /// Every journey goes on where it was.
    async fn all_go_on(mut self) {
        let continued = self.waiting.get(&format!("/acme/continue/{}", self.handle)).await;
        assert!(continued.delivered().asserts());
        let answer = self.signed_in.get(&Request::to("acme").at("acme")).await;
        assert!(answer.delivered().asserts());
        self.gateway.browser().get(&self.api_ticket).await.target();
        let fields = [("csrf", self.csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
        self.form.post("/bravo/sign-in", &fields).await.target();
        self.signed_in.get("/acme/saml/logout").await;
        assert!(!self.signed_in.has_session());
    }

    async fn recovered(&self) {
        let begun = Instant::now();
        let mut beat = tokio::time::interval(Duration::from_millis(10));
        while let Err(error) = self.gateway.store.ping().await {
            assert!(begun.elapsed() < RECOVERY, "still {error}");
            beat.tick().await;
        }
    }
}

#[tokio::test]
async fn every_hop_says_so_soon_when_redis_is_killed_and_goes_on_when_it_is_back() {
    let mut redis = RedisServer::with(Access::Open, Wire::Plain, Disk::Keeps);
    let journeys = Journeys::begin(&redis).await;
    redis.kill();
    journeys.all_away().await;
    redis.start_again();
    journeys.recovered().await;
    journeys.all_go_on().await;
}

#[tokio::test]
async fn every_hop_says_so_soon_when_redis_is_frozen_and_serves_again_when_it_goes_on() {
    let mut redis = RedisServer::with(Access::Open, Wire::Plain, Disk::Keeps);
    let journeys = Journeys::begin(&redis).await;
    redis.freeze();
    journeys.all_away().await;
    redis.thaw();
    journeys.recovered().await;
    // Commands that were on their way when it froze may have been carried out: new journeys end
    // well all the same.
    let mut browser = handed_off(&journeys.gateway, "cust-1").await;
    let answer = browser.get(&Request::to("acme").at("acme")).await;
    assert!(answer.delivered().asserts());
}

#[tokio::test]
async fn a_redis_that_lost_everything_makes_people_sign_in_again_and_no_more() {
    let mut redis = RedisServer::start();
    let journeys = Journeys::begin(&redis).await;
    redis.kill();
    redis.start_again();
    journeys.recovered().await;
    let Journeys { gateway, mut signed_in, mut waiting, handle, api_ticket, .. } = journeys;
    waiting.get(&format!("/acme/continue/{handle}")).await.refused("SB-3010");
    gateway.browser().get(&api_ticket).await.refused("SB-3003");
    signed_in.get(&Request::to("acme").at("acme")).await.target();
}

/// Sends the same from so many copies of two browsers at once, which are two nodes' views of one.
async fn at_once(many: usize, path: &str, browsers: [Browser; 2]) -> (usize, Vec<String>) {
    let mut tasks = JoinSet::new();
    for number in 0..many {
        let (mut browser, path) = (browsers[number % 2].clone(), path.to_owned());
        tasks.spawn(async move { browser.get(&path).await });
    }
    let (mut delivered, mut refused) = (0, Vec::new());
    while let Some(answer) = tasks.join_next().await {
        let answer = answer.unwrap();
        match answer.code() {
            None => {
                assert!(answer.delivered().asserts());
                delivered += 1;
            }
            Some(code) => {
                answer.refused(&code);
                refused.push(code);
            }
        }
    }
    (delivered, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_takers_of_one_journey_on_two_nodes_get_one_delivery() {
    let redis = RedisServer::start();
    let journeys = Journeys::begin(&redis).await;
    let node = TestGateway::at(&redis).await;
    node.wait(2);
    let path = format!("/acme/continue/{}", journeys.handle);
    let browsers = [journeys.waiting.clone(), journeys.waiting.moved_to(&node)];
    let (delivered, refused) = at_once(100, &path, browsers).await;
    assert_eq!(delivered, 1);
    assert!(refused.iter().all(|code| code == "SB-3010"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_copies_of_one_request_on_two_nodes_get_one_answer() {
    let redis = RedisServer::start();
    let journeys = Journeys::begin(&redis).await;
    let node = TestGateway::at(&redis).await;
    let path = Request::to("acme").at("acme");
    let browsers = [journeys.signed_in.clone(), journeys.signed_in.moved_to(&node)];
    let (delivered, refused) = at_once(50, &path, browsers).await;
    assert_eq!(delivered, 1);
    assert_eq!(refused.len(), 49);
    assert!(refused.iter().all(|code| code == "SB-2011"), "{refused:?}");
}
