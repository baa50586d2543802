//! `PostgreSQL` killed, and frozen, under load: three nodes that share it keep handing customers
//! off and taking the cloud's link notifications. Nothing that was confirmed is lost, whoever comes
//! meanwhile is told so on a page, and it goes on by itself (D-01, D-04, V4).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;
use skybridge::store::account::LinkState;
use skybridge::store::ledger::Accounts as _;
use skybridge::store::record::{PersonId, TenantId};
use skybridge::store::sql::{Options, Sql};
use tokio::task::JoinSet;

use crate::support::gateway::browser::Answer;
use crate::support::gateway::cloud::{RSA_SHA256, signature_over};
use crate::support::gateway::material::{self, base64};
use crate::support::gateway::{TestGateway, ticket as tickets};
use crate::support::outage::{Outages, Seen, until};
use crate::support::postgres::{Disk, PostgresServer};
use crate::support::redis::RedisServer;
use crate::support::report::Size;

const NODES: usize = 3;
/// How many customers go their way at the same time.
const CROWD: usize = 12;
/// What happens to the server, one after the other.
const BLOWS: [Blow; 4] = [Blow::Kill, Blow::Freeze, Blow::Kill, Blow::Kill];
/// How often all of it is done in a full run.
const ROUNDS: usize = 5;
/// Within which everybody has an answer, whatever it is. Two calls to the database may wait.
const SOON: Duration = Duration::from_secs(5);
/// How many people are served between two blows, at least.
const SERVED: usize = 60;
/// For how long the server is away, from when the last node noticed.
const AWAY: Duration = Duration::from_secs(1);
const BEAT: Duration = Duration::from_millis(20);

const BIND: u8 = 0;
const UNBIND: u8 = 1;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// It is gone, and its connections break.
    Kill,
    /// Its connections stay, and nothing answers. What was asked is done when it goes on, after
    /// everybody has been told that it was not.
    Freeze,
}

/// Nodes, and what their users met.
struct House {
    nodes: Vec<TestGateway>,
    seen: Seen,
    ends: AtomicBool,
}

impl House {
    async fn at(redis: &RedisServer, database: &Options) -> Arc<Self> {
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            let ledger = Arc::new(Sql::open(database).await.unwrap());
            nodes.push(TestGateway::on(redis, ledger).await);
        }
        Arc::new(Self { nodes, seen: Seen::of(NODES), ends: AtomicBool::new(false) })
    }

    /// Lets somebody do something until it is done, the next time at the next node. Meanwhile the
    /// only other answer is the page that says why not and when to come again.
    async fn persist<F: Future<Output = Answer>>(
        &self,
        mut node: usize,
        attempt: impl Fn(TestNode) -> F,
    ) -> Answer {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            beat.tick().await;
            let begun = Instant::now();
            let answer = attempt(TestNode::of(&self.nodes[node])).await;
            assert!(begun.elapsed() < SOON, "an answer took {:?}", begun.elapsed());
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                self.seen.served(node, begun);
                return answer;
            }
            answer.refused("SB-5001");
            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{answer:?}");
            assert!(answer.body.contains("<html lang="), "{answer:?}");
            self.seen.turned_away(node, begun);
            node = (node + 1) % NODES;
        }
    }

    /// Whether a customer's next click leads into a first login.
    async fn launched(&self, node: usize, user: &str) -> bool {
        let answer = self.persist(node, |node| node.launch(user.to_owned())).await;
        let target = answer.target();
        assert_eq!(target.host_str(), Some("auth.huaweicloud.com"), "{answer:?}");
        target.query_pairs().any(|pair| pair == ("isFirstLogin".into(), "true".into()))
    }

    async fn notified(&self, node: usize, user: &str, action: u8) {
        let answer = self.persist(node, |node| node.notify(user.to_owned(), action)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }

    /// One customer after the other, each from the first click to the link, every third one to its
    /// end; and with what state each of them must be found.
    async fn customers(self: Arc<Self>, lane: usize) -> HashMap<String, LinkState> {
        let mut confirmed = HashMap::new();
        for number in 0.. {
            if self.ends.load(Ordering::Relaxed) {
                break;
            }
            let user = format!("c-{lane}-{number}");
            let (here, there) = ((lane + number) % NODES, (lane + number + 1) % NODES);
            assert!(self.launched(here, &user).await, "{user} was never linked");
            self.notified(there, &user, BIND).await;
            assert!(!self.launched(here, &user).await, "the link of {user} is lost");
            confirmed.insert(user.clone(), LinkState::Linked);
            if number % 3 == 0 {
                self.notified(here, &user, UNBIND).await;
                confirmed.insert(user, LinkState::Unlinked);
            }
        }
        confirmed
    }
}

/// What people do at one node, each time with a browser that has never been there.
struct TestNode {
    browser: crate::support::gateway::browser::Browser,
    now: i64,
}

impl TestNode {
    fn of(gateway: &TestGateway) -> Self {
        Self { browser: gateway.browser(), now: gateway.now().unix_timestamp() }
    }

    async fn launch(mut self, user: String) -> Answer {
        let mut claims = tickets::claims(&user);
        claims["exp"] = (self.now + 60).into();
        let ticket = tickets::keys()[0].sign(&claims);
        self.browser.get(&format!("/acme/launch?ticket={ticket}")).await
    }

    async fn notify(mut self, user: String, action: u8) -> Answer {
        let json = json!({
            "domainName": format!("hw_{user}"), "domainId": domain_of(&user),
            "userName": "hw", "userId": "u-1", "xUserId": user, "bindAction": action,
        });
        let text = base64(json.to_string().as_bytes());
        let signature = base64(&signature_over(material::sp(), text.as_bytes()));
        let fields = [("bindRequest", &*text), ("SigAlg", RSA_SHA256), ("Signature", &*signature)];
        self.browser.post("/acme/link-result", &fields).await
    }
}

/// Everybody has a cloud account of their own.
fn domain_of(user: &str) -> String {
    format!("d-{user}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_killed_or_frozen_under_load_loses_no_link_and_is_found_again() {
    let (size, begun, redis) = (Size::wanted(), Instant::now(), RedisServer::start());
    let mut server = PostgresServer::start(Disk::Keeps);
    let database = Options { url: server.database().await.into(), ca_file: None };
    let house = House::at(&redis, &database).await;
    let (seen, mut crowd) = (&house.seen, JoinSet::new());
    for lane in 0..CROWD {
        crowd.spawn(Arc::clone(&house).customers(lane));
    }
    let (mut recoveries, mut starts) = (Vec::new(), Vec::new());
    let rounds = size.choose(1, ROUNDS);
    for blow in std::iter::repeat_n(BLOWS, rounds).flatten() {
        let (before, struck) = (seen.good(), Instant::now());
        until("people are served", || seen.good() >= before + SERVED).await;
        match blow {
            Blow::Kill => server.kill(),
            Blow::Freeze => server.freeze(),
        }
        until("every node notices", || seen.all_noticed(struck)).await;
        let noticed = Instant::now();
        until("time passes", || noticed.elapsed() > AWAY).await;
        let back = seen.is_back();
        match blow {
            Blow::Kill => {
                server.start_again();
                starts.push(back.elapsed());
            }
            Blow::Freeze => server.thaw(),
        }
        recoveries.push(seen.recovered(back).await);
    }
    house.ends.store(true, Ordering::Relaxed);
    let (mut confirmed, mut wrong) = (HashMap::new(), 0);
    while let Some(lane) = crowd.join_next().await {
        match lane {
            Ok(customers) => confirmed.extend(customers),
            Err(_) => wrong += 1,
        }
    }
    let (lost, doubled) = not_as_confirmed(&database, &confirmed).await;
    let blows = |kind: Blow| rounds * BLOWS.iter().filter(|blow| **blow == kind).count();
    let outages = Outages {
        done: vec![
            ("nodes", NODES),
            ("times that PostgreSQL was killed, and started again", blows(Blow::Kill)),
            ("times that it was stopped in its tracks, and went on", blows(Blow::Freeze)),
            ("customers who were linked", confirmed.len()),
        ],
        load: "requests under load",
        requests: seen.sum(),
        failures: vec![
            ("wrong answers", wrong),
            ("links or their ends that were confirmed and are lost", lost),
            ("links or their ends that are in the history twice", doubled),
        ],
        since: "the order to start it, or when it went on",
        recoveries,
        starts,
        took: begun.elapsed(),
    };
    outages.told("postgres", "PostgreSQL killed and frozen under load", size);
}

/// How many customers do not stand as was confirmed last, with the one cloud account they have; and
/// of how many the history does not say so once.
async fn not_as_confirmed(
    database: &Options,
    confirmed: &HashMap<String, LinkState>,
) -> (usize, usize) {
    let ledger = Sql::open(database).await.unwrap();
    let acme = TenantId::parse("acme").unwrap();
    let (mut lost, mut doubled) = (0, 0);
    for (user, state) in confirmed {
        let id = PersonId::parse(user).unwrap();
        let account = ledger.account(&acme, &id).await.unwrap();
        let stands = account.as_ref().is_some_and(|account| {
            let domain = account.cloud.as_ref().map(|cloud| cloud.domain_id.clone());
            let right = *state != LinkState::Linked || domain == Some(domain_of(user));
            account.state == *state && right
        });
        let history = ledger.history(&acme, &id).await.unwrap();
        let became =
            |state| history.iter().filter(|line| line.to == state && line.from != state).count();
        let ended = usize::from(*state == LinkState::Unlinked);
        let once = became(LinkState::Linked) == 1 && became(LinkState::Unlinked) == ended;
        if !stands || !once {
            println!("{user} was {state:?}: {account:?}, {history:?}");
        }
        lost += usize::from(!stands);
        doubled += usize::from(!once);
    }
    (lost, doubled)
}
