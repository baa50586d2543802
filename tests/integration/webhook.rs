//! Messages to a partner's webhook, from the real program to a receiver that verifies them as
//! `docs/webhooks.md` says, with nothing of ours; and dead ones, which the program's own command
//! sends anew.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use skybridge::app::system::SystemClock;
use skybridge::clock::Clock as _;
use tokio::net::TcpListener;
use tokio::time::interval;

use crate::support::gateway::API_KEY;
use crate::support::gateway::material::unbase64;
use crate::support::site::{self, Node, PATIENCE, Site, TENANT, WEBHOOK_KEY};
use crate::support::visitor::{Landed, Visitor};

const CUSTOMER: &str = "cust-new";

/// A message as it came.
#[derive(Clone, Debug)]
struct Letter {
    headers: HeaderMap,
    body: String,
}

/// The partner's site.
#[derive(Clone)]
struct Shop {
    address: SocketAddr,
    known: Arc<Mutex<Known>>,
}

struct Known {
    answer: StatusCode,
    letters: Vec<Letter>,
}

impl Shop {
    async fn answering(answer: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let known = Arc::new(Mutex::new(Known { answer, letters: Vec::new() }));
        let shop = Self { address: listener.local_addr().unwrap(), known: Arc::clone(&known) };
        let router = Router::new().route("/hook", post(take)).with_state(known);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        shop
    }

    /// What it answers from now on.
    fn answers(&self, answer: StatusCode) {
        self.known.lock().unwrap().answer = answer;
    }

    fn count(&self) -> usize {
        self.known.lock().unwrap().letters.len()
    }

    /// The letter of that number, from 0, once it is there.
    async fn letter(&self, number: usize) -> Letter {
        until("a message comes", async || self.count() > number).await;
        self.known.lock().unwrap().letters[number].clone()
    }
}

async fn take(
    State(known): State<Arc<Mutex<Known>>>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let mut known = known.lock().unwrap();
    known.letters.push(Letter { headers, body });
    known.answer
}

impl Letter {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Whether it is the gateway's, and of now.
    fn is_genuine(&self) -> bool {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let age = SystemClock.now().unix_timestamp() - at.parse::<i64>().unwrap();
        let signed = format!("{id}.{at}.{}", self.body);
        let signature = self.header("webhook-signature").strip_prefix("v1,").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &WEBHOOK_KEY);
        let genuine = hmac::verify(&key, signed.as_bytes(), &unbase64(signature)).is_ok();
        genuine && age.abs() <= 300
    }

    /// What it says, once it is verified.
    fn told(&self) -> Value {
        assert!(self.is_genuine(), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        let told: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(told["id"], self.header("webhook-id"));
        told
    }
}

/// Waits until something is so.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let (begun, mut beat) = (Instant::now(), interval(Duration::from_millis(50)));
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not in time");
        beat.tick().await;
    }
}

/// A customer creates an account on the cloud's page, and the browser brings the notification.
/// Gives the account's id.
async fn links(site: &Site, node: &Node) -> String {
    let mut visitor = Visitor::new(CUSTOMER, site, node);
    let landed = visitor.arrives().await.unwrap();
    let Landed::Newcomer(page) = landed else { panic!("{landed:?}") };
    let notification = visitor.creates(&page).await.unwrap();
    let answer = visitor.carries(&notification).await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
    site.accounts_of(CUSTOMER)[0].domain_id.clone()
}

/// The messages in a state, as the node's API tells.
async fn messages(node: &Node, state: &str) -> Value {
    let url = format!("{}/api/v1/{TENANT}/webhooks?state={state}", node.origin());
    let answer = site::client().get(url).bearer_auth(API_KEY).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut told: Value = answer.json().await.unwrap();
    told["webhooks"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_told_by_a_signed_message_again_and_again_until_the_partner_takes_it() {
    let shop = Shop::answering(StatusCode::INTERNAL_SERVER_ERROR).await;
    let site = Site::telling(shop.address).await;
    let node = site.node().await;
    let domain_id = links(&site, &node).await;
    let first = shop.letter(0).await;
    let told = first.told();
    assert_eq!((&told["type"], &told["tenant"]), (&json!("account.linked"), &json!(TENANT)));
    let customer = &told["customer"];
    assert_eq!((&customer["user_id"], &customer["state"]), (&json!(CUSTOMER), &json!("linked")));
    assert_eq!(customer["cloud_account"]["domain_id"], *domain_id);

    shop.answers(StatusCode::NO_CONTENT);
    let second = shop.letter(1).await;
    assert_eq!((second.told(), &second.body), (told.clone(), &first.body));
    until("the message is delivered", async || {
        messages(&node, "delivered").await.as_array().is_some_and(|all| all.len() == 1)
    })
    .await;
    let delivered = messages(&node, "delivered").await[0].take();
    assert_eq!((&delivered["id"], &delivered["attempts"]), (&told["id"], &json!(2)));
    assert_eq!(messages(&node, "waiting").await, json!([]));
    // And whoever changes a letter is found out.
    let changed = first.body.replace(CUSTOMER, "cust-old");
    assert!(!Letter { body: changed, ..first }.is_genuine());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_given_up_is_listed_and_sent_anew_by_the_command() {
    const SETTLED: &str = "SELECT count(*) FROM messages WHERE attempts > 0 AND leased_until = 0";
    const DEAD: &str = "SELECT count(*) FROM messages WHERE state = 'dead'";
    const DELIVERED: &str = "SELECT count(*) FROM messages WHERE state = 'delivered'";
    let shop = Shop::answering(StatusCode::SERVICE_UNAVAILABLE).await;
    let site = Site::telling(shop.address).await;
    let node = site.node().await;
    links(&site, &node).await;
    let told = shop.letter(0).await.told();
    until("an attempt is over", async || site.count(SETTLED).await == 1).await;
    // The twentieth attempt is the last one: two days later, and at once here.
    site.change("UPDATE messages SET attempts = 19, next_at = 0").await;
    until("the message is dead", async || site.count(DEAD).await == 1).await;

    let id = told["id"].as_str().unwrap();
    let (code, said) = site.run(&["webhooks", "list", "--tenant", TENANT]).await;
    assert_eq!(code, Some(0), "{said}");
    let line = said.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{said}"));
    let parts: Vec<&str> = line.split('\t').collect();
    assert_eq!((parts[1], parts[3], parts[4]), ("account.linked", "20", "status 503"));

    shop.answers(StatusCode::OK);
    let before = shop.count();
    let (code, said) = site.run(&["webhooks", "replay", "--tenant", TENANT, "--all"]).await;
    assert_eq!((code, said.contains(&format!("{id} will be sent"))), (Some(0), true), "{said}");
    assert_eq!(shop.letter(before).await.told(), told);
    until("the message is delivered", async || site.count(DELIVERED).await == 1).await;

    let (code, said) = site.run(&["webhooks", "list", "--tenant", TENANT]).await;
    assert_eq!((code, said.contains(id)), (Some(0), false), "{said}");
    let (code, said) = site.run(&["webhooks", "replay", "--tenant", TENANT, id]).await;
    assert_eq!((code, said.contains("is not dead")), (Some(1), true), "{said}");
    let (code, said) = site.run(&["webhooks", "replay", "--tenant", TENANT]).await;
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = site.run(&["webhooks", "list", "--tenant", "nobody"]).await;
    assert_eq!((code, said.contains("expected a tenant")), (Some(1), true), "{said}");
    assert_eq!(shop.count(), before + 1);
}
