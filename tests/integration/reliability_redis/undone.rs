//! A replica takes over that lacks the last writes (D-03): who logged out stays logged out, and no
//! ticket is used twice. Here the primary had been alone for so long that it was believed alone;
//! that what it still had to copy is not acknowledged is shown in `store::failover`.

use std::sync::Arc;
use std::time::Instant;

use skybridge::secret::fingerprint;
use skybridge::store::ledger::Ledger;
use skybridge::store::sql::Sql;
use skybridge::store::{Key, Kind};

use crate::ledger::sqlite;
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::Request;
use crate::support::gateway::{TestGateway, ticket};
use crate::support::outage::RECOVERY;
use crate::support::redis::Wire;
use crate::support::redis_groups::SentinelGroup;

const SESSION: &str = "__Host-skybridge-session-acme";

fn signed_ticket(user: &str) -> String {
    format!("/acme/launch?ticket={}", ticket::keys()[0].sign(&ticket::claims(user)))
}

async fn ticket_of_ours(gateway: &TestGateway, id: &str) -> String {
    let given = gateway.browser().ask_ticket(id, "{\"user_id\":\"cust-1\"}").await;
    let given: serde_json::Value = serde_json::from_str(&given.body).unwrap();
    given["url"].as_str().unwrap().to_owned()
}

/// Asks until the store is not away any more.
async fn answered(browser: &mut Browser, address: &str) -> Answer {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        beat.tick().await;
        let answer = browser.get(address).await;
        if answer.code().as_deref() != Some("SB-5001") {
            return answer;
        }
        assert!(begun.elapsed() < RECOVERY, "the store is still away");
    }
}

fn asked() -> String {
    Request::to("acme").at("acme")
}

/// What the store remembers of the browser's session.
async fn remembered(gateway: &TestGateway, browser: &Browser) -> bool {
    let token = browser.cookie(SESSION).unwrap();
    let key = Key::new(Kind::Session, "acme", &fingerprint(token));
    gateway.store.get(&key).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failover_brings_back_lets_nobody_in() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let folder = tempfile::tempdir().unwrap();
    let ledger: Arc<dyn Ledger> =
        Arc::new(Sql::open(&sqlite::options(folder.path())).await.unwrap());
    let first = TestGateway::watching(&group, Arc::clone(&ledger)).await;
    let second = TestGateway::watching(&group, ledger).await;
    let enter = async || {
        let mut browser = first.browser();
        browser.get(&signed_ticket("cust-1")).await.target();
        browser
    };
    let [mut leaves, mut changes, mut stays] = [enter().await, enter().await, enter().await];
    let ours = ticket_of_ours(&first, "1").await;
    // A logout counts once a replica has it, and so has all that was written before.
    let mut last = enter().await;
    last.get("/acme/saml/logout").await;

    group.cut_off_the_primary();
    let begun = Instant::now();
    let nothing = Key::new(Kind::Session, "acme", "nothing");
    while let Err(error) = first.store.remove(&nothing).await {
        assert!(begun.elapsed() < RECOVERY, "it is not believed alone: {error}");
    }
    let left = leaves.clone();
    let gone = leaves.get("/acme/saml/logout").await;
    assert!(gone.body.contains("https://acme.example/"), "{gone:?}");
    let before = changes.clone();
    changes.get(&signed_ticket("cust-1")).await.target();
    let signed = signed_ticket("cust-1");
    for ticket in [&signed, &ours] {
        first.browser().get(ticket).await.target();
    }
    for over in [&left, &before] {
        assert!(!remembered(&first, over).await);
    }
    group.kill_the_lonely_primary();

    let alive = answered(&mut stays.moved_to(&second), &asked()).await;
    assert!(alive.delivered().asserts(), "a replica took over: {alive:?}");
    for over in [left, before] {
        assert!(remembered(&second, &over).await, "the replica knows nothing of its end");
        for node in [&first, &second] {
            let answer = answered(&mut over.moved_to(node), &asked()).await;
            assert!(answer.location().starts_with("https://acme.example/login"), "{answer:?}");
        }
    }
    for used in [signed, ours] {
        for node in [&first, &second] {
            answered(&mut node.browser(), &used).await.refused("SB-3003");
        }
    }
    answered(&mut stays, "/acme/cloud").await.target();
}
