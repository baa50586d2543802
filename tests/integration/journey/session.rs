//! How sessions begin and end (B-26 to B-33, V7).

use std::time::Duration;

use skybridge::secret::fingerprint;
use skybridge::store::{Key, Kind};

use super::{handed_off, launch, request_now};
use crate::support::gateway::browser::Browser;
use crate::support::gateway::{API_KEY, TestGateway};

/// Whether the gateway knows the browser's session.
async fn alive(gateway: &TestGateway, browser: &Browser) -> bool {
    let request = request_now(gateway, "acme").but(|it| it.attributes = "IsPassive=\"1\"".into());
    browser.clone().get(&request.at("acme")).await.delivered().asserts()
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let before = browser.clone();
    launch(&gateway, &mut browser, "cust-2").await;
    assert_ne!(before.cookie("__Host-skybridge-s"), browser.cookie("__Host-skybridge-s"));
    assert!(alive(&gateway, &browser).await);
    assert!(!alive(&gateway, &before).await);
}

#[tokio::test]
async fn beginning_a_first_login_changes_the_session_too() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let target = browser.get(&request_now(&gateway, "acme").at("acme")).await.target();
    let ticket = super::ticket_now(&gateway, "cust-new");
    let handle = super::continuation(&target);
    browser.get(&format!("/acme/launch?ticket={ticket}&continue={handle}")).await;
    let before = browser.clone();
    browser.get("/acme/cloud").await.target();
    assert!(alive(&gateway, &browser).await);
    assert!(!alive(&gateway, &before).await);
}

#[tokio::test]
async fn a_session_ends_half_an_hour_after_its_last_visit() {
    let gateway = TestGateway::new().await;
    let browser = handed_off(&gateway, "cust-1").await;
    for _ in 0..3 {
        gateway.wait(30 * 60 - 1);
        assert!(alive(&gateway, &browser).await);
    }
    gateway.wait(30 * 60);
    assert!(!alive(&gateway, &browser).await);
}

#[tokio::test]
async fn a_session_ends_after_eight_hours_however_busy() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    for _ in 0..23 {
        gateway.wait(20 * 60);
        assert!(alive(&gateway, &browser).await);
        browser.get("/acme/cloud").await.target();
    }
    gateway.wait(20 * 60);
    assert!(!alive(&gateway, &browser).await);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_not_only_the_cookie() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let before = browser.clone();
    let page = browser.get("/acme/saml/logout").await;
    assert_eq!(page.status, axum::http::StatusCode::OK);
    assert!(page.body.contains("https://acme.example/"), "{page:?}");
    assert!(!browser.has_session());
    assert!(!alive(&gateway, &before).await);
    // Once more, and by somebody who was never here, it is the same page.
    assert_eq!(browser.get("/acme/saml/logout").await.body, page.body);
    assert_eq!(gateway.browser().get("/acme/saml/logout").await.body, page.body);
}

#[tokio::test]
async fn a_session_of_one_tenant_is_none_of_another() {
    let gateway = TestGateway::new().await;
    let browser = handed_off(&gateway, "cust-1").await;
    let token = browser.cookie("__Host-skybridge-session-acme").unwrap().to_owned();
    let mut other =
        gateway.browser().saying("cookie", &format!("__Host-skybridge-session-bravo={token}"));
    let request = request_now(&gateway, "bravo").but(|it| it.attributes = "IsPassive=\"1\"".into());
    assert!(!other.get(&request.at("bravo")).await.delivered().asserts());
}

#[tokio::test]
async fn a_session_cookie_that_comes_twice_is_nobodys() {
    let gateway = TestGateway::new().await;
    let browser = handed_off(&gateway, "cust-1").await;
    let doubled = browser.saying("cookie", "__Host-skybridge-session-acme=tossed");
    assert!(!alive(&gateway, &doubled).await);
}

/// The record of the browser's session, and where the store keeps it.
async fn record(gateway: &TestGateway, browser: &Browser) -> (Key, Vec<u8>) {
    let token = browser.cookie("__Host-skybridge-session-acme").unwrap();
    let key = Key::new(Kind::Session, "acme", &fingerprint(token));
    let octets = gateway.store.get(&key).await.unwrap().unwrap();
    (key, octets)
}

#[tokio::test]
async fn a_session_that_ended_lets_nobody_in_even_when_the_store_brings_it_back() {
    let gateway = TestGateway::new().await;
    let enter = async || handed_off(&gateway, "cust-1").await;
    for end in ["/acme/saml/logout", "/acme/launch"] {
        let (mut browser, other) = (enter().await, enter().await);
        let (before, (key, octets)) = (browser.clone(), record(&gateway, &browser).await);
        if end == "/acme/launch" {
            launch(&gateway, &mut browser, "cust-2").await;
        } else {
            browser.get(end).await;
        }
        gateway.store.put(&key, &octets, Duration::from_mins(1)).await.unwrap();
        assert!(!alive(&gateway, &before).await, "{end}");
        let target = before.clone().get("/acme/cloud").await.target();
        assert_eq!(target.as_str(), "https://acme.example/", "{end}");
        assert!(alive(&gateway, &other).await, "another session of the same customer");
    }
}

#[tokio::test]
async fn a_session_from_before_its_customer_was_switched_off_stays_over() {
    let gateway = TestGateway::new().await;
    let visited = handed_off(&gateway, "cust-1").await;
    let unvisited = handed_off(&gateway, "cust-1").await;
    let mut back_end = gateway.browser().saying("authorization", &format!("Bearer {API_KEY}"));
    let mut switch = async |how: &str| {
        gateway.wait(1);
        let answer =
            back_end.post::<&str>(&format!("/api/v1/acme/customers/cust-1/{how}"), &[]).await;
        assert_eq!(answer.status, axum::http::StatusCode::OK, "{answer:?}");
    };
    switch("suspend").await;
    let asked = request_now(&gateway, "acme").at("acme");
    visited.clone().get(&asked).await.refused("SB-3014");
    switch("resume").await;
    for before in [&visited, &unvisited] {
        assert!(!alive(&gateway, before).await);
    }
    assert!(alive(&gateway, &handed_off(&gateway, "cust-1").await).await);
}
