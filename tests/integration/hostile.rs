//! Hostile requests, each with a refusal of its own (conformance B and C): a page in both
//! languages, nothing posted anywhere, nothing kept.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use time::macros::datetime;

use crate::support::gateway::TestGateway;
use crate::support::gateway::browser::Browser;
use crate::support::gateway::cloud::{Request, instant};
use crate::support::gateway::hostile::{Hostile, greatest, messages, others, plain_xml};
use crate::support::gateway::{START, ticket};
use crate::support::redis::RedisServer;

/// What is wrong with the answer to a hostile request, if anything.
async fn faults(browser: &Browser, hostile: &Hostile, language: &str) -> Vec<String> {
    let answer = hostile.sent_by(&browser.clone().saying("accept-language", language)).await;
    let mut faults = Vec::new();
    let found = answer.code();
    if found.as_deref() != Some(hostile.code) {
        faults.push(format!("{}: expected {}, found {found:?}", hostile.name, hostile.code));
    }
    if !answer.status.is_client_error() {
        faults.push(format!("{}: status {}", hostile.name, answer.status));
    }
    let is_for_people = !hostile.target.starts_with("/api/");
    if is_for_people && answer.header("content-language") != Some(language) {
        faults.push(format!("{}: not in {language}", hostile.name));
    }
    for part in ["<form", "name=\"SAMLResponse\"", "<script", "evil.example", "etc/passwd"] {
        if answer.body.contains(part) {
            faults.push(format!("{}: {part} on the page", hostile.name));
        }
    }
    if answer.headers.contains_key("location") || answer.headers.contains_key("set-cookie") {
        faults.push(format!("{}: {:?}", hostile.name, answer.headers));
    }
    faults
}

#[tokio::test]
async fn every_hostile_request_has_its_code_and_page_and_leaves_nothing_behind() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let mut signed_in = gateway.browser();
    signed_in.get(&format!("/acme/launch?ticket={}", ticket::ticket("cust-1"))).await.target();
    let keys = || redis.contents().into_iter().map(|held| held.key).collect::<BTreeSet<_>>();
    let before = keys();
    let mut all = Vec::new();
    for hostile in messages(0).into_iter().chain(others(0)) {
        all.extend(faults(&gateway.browser(), &hostile, "en").await);
        all.extend(faults(&signed_in, &hostile, "zh-CN").await);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    assert_eq!(keys(), before);
    // What was refused has hurt nobody.
    assert!(signed_in.get(&Request::to("acme").at("acme")).await.delivered().asserts());
}

#[tokio::test]
async fn the_largest_requests_that_can_be_good_are_taken() {
    let gateway = TestGateway::new().await;
    for good in greatest(0) {
        let answer = good.sent_by(&gateway.browser()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}: {answer:?}", good.name);
    }
}

#[tokio::test]
async fn a_message_that_was_not_compressed_is_refused() {
    let gateway = TestGateway::new().await;
    gateway.browser().get(&format!("/acme/saml/sso?{}", plain_xml())).await.refused("SB-1005");
}

#[tokio::test]
async fn times_are_taken_up_to_their_edges() {
    let gateway = TestGateway::new().await;
    for milliseconds in [-300_000, -299_999, -179_000, 0, 179_000, 180_000] {
        let at = START + time::Duration::milliseconds(milliseconds);
        let request = Request::to("acme").but(|it| it.issue_instant = instant(at));
        let answer = gateway.browser().get(&request.at("acme")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{milliseconds}: {answer:?}");
    }
    for (milliseconds, code) in [(-300_001, "SB-2009"), (180_001, "SB-2010")] {
        let at = START + time::Duration::milliseconds(milliseconds);
        let request = Request::to("acme").but(|it| it.issue_instant = instant(at));
        gateway.browser().get(&request.at("acme")).await.refused(code);
    }
}

#[tokio::test]
async fn the_order_of_parameters_and_foreign_ones_change_nothing() {
    let gateway = TestGateway::new().await;
    let query = Request::to("acme").query();
    let mut parts: Vec<&str> = query.split('&').collect();
    parts.reverse();
    let turned = format!("/acme/saml/sso?{}&utm=x&lang=zh-CN", parts.join("&"));
    let answer = gateway.browser().get(&turned).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

#[tokio::test]
async fn a_refused_request_has_not_used_its_id_up() {
    let gateway = TestGateway::new().await;
    let request = Request::to("acme");
    let tampered = request.at("acme").replace("=relay", "=other");
    gateway.browser().get(&tampered).await.refused("SB-2006");
    let answer = gateway.browser().get(&request.at("acme")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
}

// C-48: here a clock at the end of all times is what makes a handler panic.
#[tokio::test]
async fn a_panic_is_answered_by_a_page_and_the_next_request_is_served() {
    let gateway = TestGateway::new().await;
    let to_the_end = (datetime!(9999-12-31 23:59:59 UTC) - START).whole_seconds();
    gateway.wait(to_the_end);
    let answer = gateway.browser().get("/acme/saml/metadata?signed").await;
    answer.refused("SB-5003");
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    gateway.wait(-to_the_end);
    let answer = gateway.browser().get("/acme/saml/metadata?signed").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}
