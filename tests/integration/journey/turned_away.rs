//! Who gets no assertion because of who they are: the page tells the person what to do, and takes
//! the status back to the service provider that asked (conformance ).

use axum::http::StatusCode;
use serde_json::json;

use super::{continuation, ticket_now};
use crate::support::gateway::browser::{Browser, Delivered};
use crate::support::gateway::cloud::{KEYLESS, Request, SP};
use crate::support::gateway::{API_KEY, PASSWORD, TestGateway, ticket as tickets};

#[track_caller]
fn declined(delivered: &Delivered, request: &Request, detail: &str) {
    assert!(!delivered.asserts(), "{}", delivered.response);
    for status in ["Responder", detail] {
        let uri = format!("\"urn:oasis:names:tc:SAML:2.0:status:{status}\"");
        assert!(delivered.response.contains(&uri), "{uri}: {}", delivered.response);
    }
    assert!(delivered.response.contains("<ds:Signature"), "{}", delivered.response);
    assert_eq!(delivered.value("InResponseTo"), request.id);
    assert_eq!(delivered.relay_state, request.relay_state);
}

/// A ticket of the tenant `generic`'s partner, good now, with what it says about the proof.
fn ticket(gateway: &TestGateway, user: &str, auth_time: Option<i64>) -> String {
    let mut claims = tickets::claims(user);
    claims["aud"] = "https://gateway.example/generic".into();
    claims["exp"] = (gateway.now().unix_timestamp() + 60).into();
    if let Some(auth_time) = auth_time {
        claims["auth_time"] = auth_time.into();
    }
    tickets::keys()[0].sign(&claims)
}

/// Comes back from the partner's page to the journey that waits.
async fn back(browser: &mut Browser, handle: &str, ticket: &str) -> String {
    let path = format!("/generic/launch?ticket={ticket}&continue={handle}");
    browser.get(&path).await.location().to_owned()
}

#[tokio::test]
async fn who_is_switched_off_reads_why_and_can_take_the_status_back_to_the_service() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::by(&SP, "bravo").but(|it| it.relay_state = Some("状态 <&\"".into()));
    let page = browser.get(&request.at("bravo")).await.location().to_owned();
    let refused = browser.sign_in(&page, "gone", PASSWORD).await;
    let delivered = refused.turned_away("SB-3014");
    assert_eq!(delivered.acs, SP.acs);
    declined(&delivered, &request, "RequestDenied");
    assert!(!browser.has_session());
    let policy = refused.header("content-security-policy").unwrap();
    assert!(policy.ends_with("; form-action https://sp.example https:"), "{policy}");
    assert!(!refused.body.contains("<script"), "nothing goes by itself: {}", refused.body);
    // It was answered: nobody else goes on with it.
    browser.sign_alice_in(&page).await;
    let again = page.replace("/bravo/sign-in?continue=", "/bravo/continue/");
    browser.get(&again).await.refused("SB-3010");
}

#[tokio::test]
async fn a_cloud_whose_profile_wants_our_page_alone_is_told_nothing() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("acme");
    let handle = continuation(&browser.get(&request.at("acme")).await.target());
    let ticket = ticket_now(&gateway, "cust-off");
    let path = format!("/acme/launch?ticket={ticket}&continue={handle}");
    browser.get(&path).await.refused("SB-3014");
    // The journey still waits, for somebody who may come in.
    let ticket = ticket_now(&gateway, "cust-1");
    browser.get(&format!("/acme/launch?ticket={ticket}&continue={handle}")).await;
    let delivered = browser.get(&format!("/acme/continue/{handle}")).await.delivered();
    assert_eq!(delivered.value("InResponseTo"), request.id);
    assert!(delivered.asserts());
}

#[tokio::test]
async fn who_is_suspended_while_signed_in_is_turned_away_as_the_services_profile_says() {
    let gateway = TestGateway::new().await;
    let (mut here, mut there) = (gateway.browser(), gateway.browser());
    for browser in [&mut here, &mut there] {
        let first = Request::to("generic");
        let handle = continuation(&browser.get(&first.at("generic")).await.target());
        let next = back(browser, &handle, &ticket(&gateway, "cust-1", None)).await;
        assert!(browser.get(&next).await.delivered().asserts());
    }
    let mut back_end = gateway.browser().saying("authorization", &format!("Bearer {API_KEY}"));
    let body = (Some("application/json"), json!({}).to_string());
    let address = "/api/v1/generic/customers/cust-1/suspend";
    let suspended = back_end.send(axum::http::Method::POST, address, body).await;
    assert_eq!(suspended.status, StatusCode::OK, "{suspended:?}");

    let request = Request::to("generic");
    let refused = here.get(&request.at("generic")).await;
    declined(&refused.turned_away("SB-3014"), &request, "RequestDenied");
    // A profile may have the service told at once.
    let request = Request::by(&KEYLESS, "generic");
    let told = there.get(&request.at("generic")).await.delivered();
    assert_eq!(told.acs, KEYLESS.acs);
    declined(&told, &request, "RequestDenied");
}

#[tokio::test]
async fn force_authn_is_told_to_the_partners_page_and_its_ticket_must_say_when() {
    let gateway = TestGateway::new().await;
    for (seconds, fresh) in
        [(None, false), (Some(-6), false), (Some(-3600), false), (Some(0), true), (Some(20), true)]
    {
        let mut browser = gateway.browser();
        let now = gateway.now();
        let request = Request::to("generic")
            .issued((now - crate::support::gateway::START).whole_seconds())
            .but(|it| it.attributes = "ForceAuthn=\"true\"".into());
        let target = browser.get(&request.at("generic")).await.target();
        let force: Vec<_> = target.query_pairs().filter(|(name, _)| name == "force").collect();
        assert_eq!(force.len(), 1, "{target}");
        assert_eq!(force[0].1, "true");
        gateway.wait(30);
        let said = seconds.map(|seconds| now.unix_timestamp() + seconds);
        let ticket = ticket(&gateway, "cust-1", said);
        let next = back(&mut browser, &continuation(&target), &ticket).await;
        let answer = browser.get(&next).await;
        if fresh {
            let delivered = answer.delivered();
            assert!(delivered.asserts(), "{seconds:?}");
            let instant = delivered.value("AuthnInstant");
            let said = time::OffsetDateTime::from_unix_timestamp(said.unwrap()).unwrap();
            let (hour, minute, second) = said.to_hms();
            let time = format!("T{hour:02}:{minute:02}:{second:02}.000Z");
            assert!(instant.ends_with(&time), "{instant} {time}");
        } else {
            declined(&answer.turned_away("SB-3020"), &request, "AuthnFailed");
        }
    }
    // Nobody is asked for it otherwise, and without a word the old proof is as good as ever.
    let mut browser = gateway.browser();
    let seconds = (gateway.now() - crate::support::gateway::START).whole_seconds();
    let request = Request::to("generic").issued(seconds);
    let target = browser.get(&request.at("generic")).await.target();
    assert!(target.query_pairs().all(|(name, _)| name != "force"), "{target}");
    let old = gateway.now().unix_timestamp() - 7200;
    let ticket = ticket(&gateway, "cust-1", Some(old));
    let next = back(&mut browser, &continuation(&target), &ticket).await;
    let delivered = browser.get(&next).await.delivered();
    assert!(delivered.asserts());
    // What is asserted is when they really signed in.
    assert_ne!(delivered.value("AuthnInstant"), delivered.value("IssueInstant"));
}

#[tokio::test]
async fn a_ticket_of_the_api_says_when_the_customer_signed_in() {
    let gateway = TestGateway::new().await;
    let request = Request::to("acme").but(|it| it.attributes = "ForceAuthn=\"1\"".into());
    let mut browser = gateway.browser();
    let handle = continuation(&browser.get(&request.at("acme")).await.target());
    let ask = |at: &str| json!({ "user_id": "cust-1", "authenticated_at": at }).to_string();
    for bad in ["yesterday", "2026-01-02T03:04:05+01:00", "1767323045", ""] {
        let answer = browser.ask_ticket("bad", &ask(bad)).await;
        assert_eq!(answer.code().as_deref(), Some("SB-6003"), "{bad}: {answer:?}");
    }
    let ahead = browser.ask_ticket("ahead", &ask("2026-01-02T03:05:05Z")).await;
    assert_eq!(ahead.code().as_deref(), Some("SB-3006"), "{ahead:?}");
    gateway.wait(10);
    let given = browser.ask_ticket("good", &ask("2026-01-02T03:04:12Z")).await;
    let given: serde_json::Value = serde_json::from_str(&given.body).unwrap();
    let url = format!("{}&continue={handle}", given["url"].as_str().unwrap());
    let next = browser.get(&url).await.location().to_owned();
    let delivered = browser.get(&next).await.delivered();
    assert_eq!(delivered.value("AuthnInstant"), "2026-01-02T03:04:12.000Z");
}
