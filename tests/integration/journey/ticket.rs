//! Tickets that the partner signs itself, and how tickets end.

use serde_json::{Value, json};

use super::ticket_now;
use crate::support::gateway::{TestGateway, ticket};

async fn refused(gateway: &TestGateway, ticket: &str, code: &str) {
    let mut browser = gateway.browser();
    browser.get(&format!("/acme/launch?ticket={ticket}")).await.refused(code);
    assert!(!browser.has_session(), "{code}");
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = ticket::claims("cust-1");
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = ticket::claims("cust-1");
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[tokio::test]
async fn every_algorithm_of_tickets_opens_the_door() {
    let gateway = TestGateway::new().await;
    for key in ticket::keys() {
        let ticket = key.sign(&ticket::claims("cust-1"));
        let mut browser = gateway.browser();
        browser.get(&format!("/acme/launch?ticket={ticket}")).await.target();
        assert!(browser.has_session(), "{}", key.algorithm);
    }
}

#[tokio::test]
async fn a_signed_ticket_works_once_also_under_another_signature() {
    let gateway = TestGateway::new().await;
    let claims = ticket::claims("cust-1");
    let ticket = ticket::keys()[0].sign(&claims);
    gateway.browser().get(&format!("/acme/launch?ticket={ticket}")).await.target();
    refused(&gateway, &ticket, "SB-3003").await;
    refused(&gateway, &ticket::keys()[1].sign(&claims), "SB-3003").await;
    let mut later = with("jti", claims["jti"].clone());
    later["sub"] = "cust-2".into();
    refused(&gateway, &ticket::keys()[0].sign(&later), "SB-3003").await;
}

#[tokio::test]
async fn each_claim_that_is_wrong_has_its_refusal() {
    let gateway = TestGateway::new().await;
    let now = gateway.now().unix_timestamp();
    for (claims, code) in [
        (with("aud", "https://gateway.example/bravo"), "SB-3005"),
        (with("aud", "https://GATEWAY.example/acme"), "SB-3005"),
        (with("aud", json!([])), "SB-3005"),
        (with("exp", now), "SB-3002"),
        (with("exp", now - 3600), "SB-3002"),
        (with("exp", now + 66), "SB-3006"),
        (with("exp", now + 3600), "SB-3006"),
        (with("exp", "soon"), "SB-3006"),
        (with("nbf", now + 30), "SB-3006"),
        (with("jti", ""), "SB-3006"),
        (with("sub", "person@mail.example"), "SB-3006"),
        (with("sub", "+8613800000000"), "SB-3006"),
        (with("account_id", "person@mail.example"), "SB-3006"),
        (with("name", "n".repeat(257)), "SB-3006"),
        (with("service", "https://evil.example/"), "SB-4001"),
        (without("aud"), "SB-3006"),
        (without("exp"), "SB-3006"),
        (without("jti"), "SB-3006"),
        (without("sub"), "SB-3006"),
    ] {
        refused(&gateway, &ticket::keys()[0].sign(&claims), code).await;
    }
}

#[tokio::test]
async fn a_ticket_that_the_partner_did_not_sign_opens_nothing() {
    let gateway = TestGateway::new().await;
    let claims = ticket::claims("cust-1");
    for key in ticket::keys() {
        refused(&gateway, &key.confuse(&claims), "SB-3004").await;
    }
    refused(&gateway, &ticket::foreign().sign(&claims), "SB-3004").await;
    let good = ticket::keys()[0].sign(&claims);
    let (rest, _) = good.rsplit_once('.').unwrap();
    refused(&gateway, &format!("{rest}."), "SB-3004").await;
    let (_, other) = ticket::keys()[1]
        .sign(&claims)
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    refused(&gateway, &format!("{rest}.{other}"), "SB-3004").await;
    // "none" is no algorithm that the header's reader knows.
    refused(&gateway, &ticket::unsigned(&claims), "SB-3001").await;
    // What was refused has used nothing up.
    gateway.browser().get(&format!("/acme/launch?ticket={good}")).await.target();
}

#[tokio::test]
async fn what_is_no_ticket_says_so() {
    let gateway = TestGateway::new().await;
    for junk in ["", "a.b", "a.b.c", "....", &"x".repeat(5000)] {
        refused(&gateway, junk, "SB-3001").await;
    }
    gateway.browser().get("/acme/launch").await.refused("SB-3001");
    refused(&gateway, "never-given-out", "SB-3003").await;
    let ticket = ticket_now(&gateway, "cust-1");
    let twice = format!("/acme/launch?ticket={ticket}&tick%65t={ticket}");
    gateway.browser().get(&twice).await.refused("SB-1002");
}

#[tokio::test]
async fn a_ticket_of_the_api_lasts_a_minute_and_works_at_its_tenant_only() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let given = browser.ask_ticket("1", r#"{"user_id":"cust-1"}"#).await;
    let given: Value = serde_json::from_str(&given.body).unwrap();
    let url = given["url"].as_str().unwrap();
    let elsewhere = url.replace("/acme/", "/bravo/");
    browser.get(&elsewhere).await.refused("SB-3003");
    gateway.wait(59);
    browser.clone().get(url).await.target();

    let given = browser.ask_ticket("2", r#"{"user_id":"cust-1"}"#).await;
    let given: Value = serde_json::from_str(&given.body).unwrap();
    gateway.wait(60);
    browser.get(given["url"].as_str().unwrap()).await.refused("SB-3003");
}

#[tokio::test]
async fn a_customer_who_is_switched_off_is_not_let_in() {
    let gateway = TestGateway::new().await;
    refused(&gateway, &ticket::ticket("cust-off"), "SB-3014").await;
}

#[tokio::test]
async fn a_disabled_tenant_and_an_unknown_one_look_the_same_everywhere() {
    let gateway = TestGateway::new().await;
    let ticket = ticket::ticket("cust-1");
    for path in [
        format!("launch?ticket={ticket}"),
        "cloud".to_owned(),
        "continue/abc".to_owned(),
        "sign-in".to_owned(),
        "saml/sso?SAMLRequest=x".to_owned(),
        "saml/sso/some-kid?SAMLRequest=x".to_owned(),
        "saml/logout".to_owned(),
        "saml/metadata".to_owned(),
    ] {
        let closed = gateway.browser().get(&format!("/closed/{path}")).await;
        let unknown = gateway.browser().get(&format!("/nobody/{path}")).await;
        closed.refused("SB-2001");
        let page = |body: &str, tenant: &str| {
            let id = body.split("<dd>").nth(2).unwrap().split('<').next().unwrap().to_owned();
            body.replace(&id, "ID").replace(&format!("/{tenant}/"), "/TENANT/")
        };
        assert_eq!(page(&closed.body, "closed"), page(&unknown.body, "nobody"), "{path}");
        assert_eq!(closed.headers, unknown.headers, "{path}");
    }
}
