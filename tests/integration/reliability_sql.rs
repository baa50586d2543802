//! `PostgreSQL` killed, and frozen, under load: two nodes that share it keep handing customers off
//! and taking the cloud's link notifications. Nothing that was confirmed is lost, whoever comes
//! meanwhile is told so on a page, and it goes on by itself (D-01, D-04, V4).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
use crate::support::postgres::{Disk, PostgresServer};
use crate::support::redis::RedisServer;

/// How many customers go their way at the same time.
const CROWD: usize = 12;
/// What happens to the server, one after the other.
const BLOWS: [Blow; 4] = [Blow::Kill, Blow::Freeze, Blow::Kill, Blow::Kill];
/// Within which everybody has an answer, whatever it is. Two calls to the database may wait.
const SOON: Duration = Duration::from_secs(5);
/// Within which both nodes must work again after the server does (D-01).
const RECOVERY: Duration = Duration::from_secs(10);
const BEAT: Duration = Duration::from_millis(20);

const BIND: u8 = 0;
const UNBIND: u8 = 1;

enum Blow {
    /// It is gone, and its connections break.
    Kill,
    /// Its connections stay, and nothing answers. What was asked is done when it goes on, after
    /// everybody has been told that it was not.
    Freeze,
}

/// Two nodes, and what their users met.
struct House {
    nodes: [TestGateway; 2],
    /// For each node, how many were served, and how many were told to come again.
    served: [AtomicUsize; 2],
    put_off: [AtomicUsize; 2],
    ends: AtomicBool,
}

impl House {
    async fn at(redis: &RedisServer, database: &Options) -> Arc<Self> {
        let node = async || {
            let ledger = Arc::new(Sql::open(database).await.unwrap());
            TestGateway::on(redis, ledger).await
        };
        let nodes = [node().await, node().await];
        let (served, put_off) = (Default::default(), Default::default());
        Arc::new(Self { nodes, served, put_off, ends: AtomicBool::new(false) })
    }

    /// Lets somebody do something at a node until it is done. Meanwhile the only other answer is
    /// the page that says why not and when to come again.
    async fn persist<F: Future<Output = Answer>>(
        &self,
        node: usize,
        attempt: impl Fn(TestNode) -> F,
    ) -> Answer {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            beat.tick().await;
            let begun = Instant::now();
            let answer = attempt(TestNode::of(&self.nodes[node])).await;
            assert!(begun.elapsed() < SOON, "an answer took {:?}", begun.elapsed());
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                self.served[node].fetch_add(1, Ordering::Relaxed);
                return answer;
            }
            answer.refused("SB-5001");
            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{answer:?}");
            assert!(answer.body.contains("<html lang="), "{answer:?}");
            self.put_off[node].fetch_add(1, Ordering::Relaxed);
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
            let (here, there) = ((lane + number) % 2, (lane + number + 1) % 2);
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

    fn counts(counters: &[AtomicUsize; 2]) -> [usize; 2] {
        [0, 1].map(|node| counters[node].load(Ordering::Relaxed))
    }

    /// Waits until each node has done so `more` times, and says how long that took.
    async fn each_more(&self, counters: &[AtomicUsize; 2], more: usize) -> Duration {
        let (begun, before) = (Instant::now(), Self::counts(counters));
        let mut beat = tokio::time::interval(BEAT);
        while Self::counts(counters).iter().zip(before).any(|(now, before)| *now < before + more) {
            assert!(begun.elapsed() < Duration::from_mins(1), "the nodes stand still");
            beat.tick().await;
        }
        begun.elapsed()
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
    let redis = RedisServer::start();
    let mut server = PostgresServer::start(Disk::Keeps);
    let database = Options { url: server.database().await.into(), ca_file: None };
    let house = House::at(&redis, &database).await;
    let mut crowd = JoinSet::new();
    for lane in 0..CROWD {
        crowd.spawn(Arc::clone(&house).customers(lane));
    }
    for blow in BLOWS {
        house.each_more(&house.served, 20).await;
        match blow {
            Blow::Kill => server.kill(),
            Blow::Freeze => server.freeze(),
        }
        house.each_more(&house.put_off, 10).await;
        match blow {
            Blow::Kill => server.start_again(),
            Blow::Freeze => server.thaw(),
        }
        let recovery = house.each_more(&house.served, 1).await;
        assert!(recovery < RECOVERY, "it took {recovery:?}");
        println!("both nodes served again {recovery:?} after the server");
    }
    house.each_more(&house.served, 20).await;
    house.ends.store(true, Ordering::Relaxed);
    let mut confirmed = HashMap::new();
    while let Some(lane) = crowd.join_next().await {
        confirmed.extend(lane.unwrap());
    }
    all_are_there(&database, &confirmed).await;
    let [done, put_off] = [&house.served, &house.put_off].map(House::counts);
    println!("{} customers, {done:?} served, {put_off:?} put off", confirmed.len());
}

/// Every customer stands as was confirmed last, with the one cloud account they have.
async fn all_are_there(database: &Options, confirmed: &HashMap<String, LinkState>) {
    let ledger = Sql::open(database).await.unwrap();
    let acme = TenantId::parse("acme").unwrap();
    for (user, state) in confirmed {
        let id = PersonId::parse(user).unwrap();
        let account = ledger.account(&acme, &id).await.unwrap().unwrap();
        assert_eq!(account.state, *state, "{user}");
        if *state == LinkState::Linked {
            assert_eq!(account.cloud.unwrap().domain_id, domain_of(user));
        }
        let history = ledger.history(&acme, &id).await.unwrap();
        let became =
            |state| history.iter().filter(|line| line.to == state && line.from != state).count();
        assert_eq!(became(LinkState::Linked), 1, "{user}: {history:?}");
        let ended = usize::from(*state == LinkState::Unlinked);
        assert_eq!(became(LinkState::Unlinked), ended, "{user}: {history:?}");
    }
}
