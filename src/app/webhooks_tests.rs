//! Sending over real sockets.

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use axum::http::{HeaderMap as Headers, StatusCode};
use axum::response::Redirect;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::account::webhook::{Hook, Secret};
use crate::app::outgoing::served;
use crate::app::shutdown::Pace;
use crate::app::system::SystemRandom;
use crate::clock::ManualClock;
use crate::saml::EndpointUrl;
use crate::store::account::{MessageId, MessageState};
use crate::store::ledger::{Accounts as _, Change, Ledger, Outbox as _};
use crate::store::memory_ledger::MemoryLedger;

async fn posted(address: SocketAddr, path: &str) -> Result<Reply, String> {
    let url = EndpointUrl::parse(&format!("http://{address}{path}?token=canary")).unwrap();
    let headers = [
        ("webhook-id", "evt_1".to_owned()),
        ("webhook-timestamp", "1767323045".to_owned()),
        ("webhook-signature", "v1,a v1,b".to_owned()),
    ];
    let letter = Letter { url: &url, headers, body: "{\"id\":\"evt_1\"}" };
    HttpPost::new().unwrap().post(&letter).await
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_signed() {
    let got = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&got);
    let take = post(move |headers: Headers, body: String| async move {
        *seen.lock().unwrap() = Some((headers, body));
        StatusCode::NO_CONTENT
    });
    let address = served(Router::new().route("/hook", take)).await;
    let reply = posted(address, "/hook").await;
    assert_eq!(reply, Ok(Reply { status: 204, retry_after: None }));
    let (headers, body) = got.lock().unwrap().take().unwrap();
    assert_eq!(body, "{\"id\":\"evt_1\"}");
    for (name, value) in [
        ("content-type", "application/json"),
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", "1767323045"),
        ("webhook-signature", "v1,a v1,b"),
        ("user-agent", concat!("skybridge/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let elsewhere = Arc::new(Mutex::new(0));
    let count = Arc::clone(&elsewhere);
    let address = served(
        Router::new()
            .route("/hook", post(|| async { Redirect::temporary("/elsewhere") }))
            .route("/elsewhere", post(move || async move { *count.lock().unwrap() += 1 })),
    )
    .await;
    assert_eq!(posted(address, "/hook").await.unwrap().status, 307);
    assert_eq!(*elsewhere.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_receiver_says_in_seconds_when_to_come_again() {
    let busy = |after: &'static str| {
        post(move || async move { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", after)]) })
    };
    let router = Router::new()
        .route("/seconds", busy("120"))
        .route("/date", busy("Fri, 02 Jan 2026 03:04:05 GMT"))
        .route("/less", busy("-1"));
    let address = served(router).await;
    let asked = Some(Duration::from_mins(2));
    assert_eq!(posted(address, "/seconds").await.unwrap().retry_after, asked);
    for path in ["/date", "/less"] {
        assert_eq!(posted(address, path).await.unwrap().retry_after, None, "{path}");
    }
}

#[tokio::test]
async fn without_an_answer_the_problem_does_not_name_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let problem = posted(address, "/hook").await.unwrap_err();
    assert!(problem.starts_with("no answer: "), "{problem}");
    assert!(!problem.contains("canary") && !problem.contains("127.0.0.1"), "{problem}");
}

/// A node whose tenants have these webhooks.
fn node(ledger: &Arc<MemoryLedger>, hooks: &[(&str, SocketAddr)]) -> Arc<Postman> {
    let secret = Secret::parse(&format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
    let hooks = hooks.iter().map(|(tenant, address)| {
        let url = EndpointUrl::parse(&format!("http://{address}/{tenant}")).unwrap();
        (TenantId::parse(tenant).unwrap(), Hook { url, secrets: vec![secret.clone()] })
    });
    let ledger: Arc<dyn Ledger> = ledger.clone();
    let tools = Tools {
        ledger,
        clock: Arc::new(ManualClock::at(OffsetDateTime::UNIX_EPOCH)),
        random: Arc::new(SystemRandom),
        post: Arc::new(HttpPost::new().unwrap()),
    };
    Arc::new(Postman::new(tools, hooks.collect()))
}

async fn put(ledger: &MemoryLedger, tenant: &str, number: usize) {
    let message = Message {
        id: MessageId(format!("evt_{tenant}_{number:02}")),
        tenant: TenantId::parse(tenant).unwrap(),
        kind: "account.linked".to_owned(),
        body: "{}".to_owned(),
        created_at: OffsetDateTime::UNIX_EPOCH,
        state: MessageState::Waiting,
        attempts: 0,
        next_at: OffsetDateTime::UNIX_EPOCH,
        problem: None,
    };
    let change = Change { messages: vec![message], ..Change::default() };
    ledger.commit(&change).await.unwrap();
}

#[tokio::test]
async fn a_site_that_hangs_does_not_hold_up_the_messages_of_others() {
    let (hang, (told, mut heard)) = (Arc::new(Notify::new()), mpsc::unbounded_channel());
    let stuck = Arc::clone(&hang);
    let tell = told.clone();
    let router = Router::new()
        .route(
            "/acme",
            post(move || async move {
                tell.send("acme").unwrap();
                stuck.notified().await;
            }),
        )
        .route("/bravo", post(move || async move { told.send("bravo").unwrap() }));
    let address = served(router).await;
    let ledger = Arc::new(MemoryLedger::default());
    for number in 0..AT_ONCE * 2 {
        put(&ledger, "acme", number).await;
    }
    put(&ledger, "bravo", 0).await;
    let shutdown = Shutdown::new(Pace { readiness_grace: Duration::ZERO, drain: Duration::ZERO });
    let postman = node(&ledger, &[("acme", address), ("bravo", address)]);
    let sending = tokio::spawn(send(postman, shutdown.clone()));

    let mut stuck = 0;
    while heard.recv().await.unwrap() == "acme" {
        stuck += 1;
    }
    assert!(stuck <= FOR_ONE, "{stuck} messages hang at one site");

    shutdown.begin();
    for _ in 0..FOR_ONE {
        hang.notify_one();
    }
    sending.await.unwrap();
    let acme = TenantId::parse("acme").unwrap();

    let delivered = ledger.messages(&acme, MessageState::Delivered, 100).await.unwrap();
    assert_eq!(delivered.len(), FOR_ONE, "what was under way is finished");
    let waiting = ledger.messages(&acme, MessageState::Waiting, 100).await.unwrap();
    assert_eq!(waiting.len(), AT_ONCE * 2 - FOR_ONE, "and nothing is lost");
}
