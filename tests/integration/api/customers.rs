//! `/api/v1/{tenant}/customers/{id}`: how a customer stands, and the partner's switch.

use axum::http::StatusCode;
use serde_json::json;

use super::{back_end, bind, launch, post, told};
use crate::support::gateway::TestGateway;

const CUSTOMER: &str = "/api/v1/acme/customers/cust-new";

#[tokio::test]
async fn a_customer_is_told_with_the_link_and_all_of_its_history() {
    let gateway = TestGateway::new().await;
    let mut back_end = back_end(&gateway);
    back_end.get(CUSTOMER).await.refused("SB-4109");

    launch(&gateway, "cust-new").await;
    let first = told(&back_end.get(CUSTOMER).await);
    assert_eq!(first["state"], "first-login");
    assert_eq!(first["cloud_account"], json!(null));

    gateway.wait(60);
    bind(&gateway, "cust-new", "d-1").await;
    let linked = told(&back_end.get(CUSTOMER).await);
    assert_eq!(linked["user_id"], "cust-new");
    assert_eq!(linked["state"], "linked");
    assert_eq!(linked["since"], "2026-01-02T03:05:05.678Z");
    assert_eq!(linked["suspended"], false);
    assert_eq!(linked["cloud_account"]["domain_id"], "d-1");
    assert_eq!(linked["cloud_account"]["domain_name"], "hw_demo01");
    assert!(linked["version"].as_u64() > first["version"].as_u64(), "{linked}");
    let history = linked["history"].as_array().unwrap();
    let events: Vec<_> = history.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["met", "first-login-sent", "bind-notified"]);
    assert_eq!(history[2]["from"], "first-login");
    assert_eq!(history[2]["to"], "linked");
}

#[tokio::test]
async fn a_suspended_customer_is_let_in_no_more_until_they_are_resumed() {
    let gateway = TestGateway::new().await;
    let mut back_end = back_end(&gateway);
    launch(&gateway, "cust-new").await;
    bind(&gateway, "cust-new", "d-1").await;

    for body in ["", "{}"] {
        let off = told(&post(&mut back_end, &format!("{CUSTOMER}/suspend"), body).await);
        assert_eq!(off["suspended"], true);
        assert_eq!(off["suspended_since"], "2026-01-02T03:04:05.678Z");
        assert_eq!(off["state"], "linked", "the link stays");
    }
    launch(&gateway, "cust-new").await.refused("SB-3014");

    let on = told(&post(&mut back_end, &format!("{CUSTOMER}/resume"), "").await);
    assert_eq!((&on["suspended"], &on["suspended_since"]), (&json!(false), &json!(null)));
    let answer = launch(&gateway, "cust-new").await;
    assert!(answer.location().contains("&isFirstLogin=false&"), "{answer:?}");
}

#[tokio::test]
async fn nobody_is_switched_who_was_never_seen() {
    let gateway = TestGateway::new().await;
    let mut back_end = back_end(&gateway);
    for what in ["suspend", "resume"] {
        let answer = post(&mut back_end, &format!("{CUSTOMER}/{what}"), "").await;
        answer.refused("SB-4109");
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    for odd in ["a%20b", "%C3%BC%00", "a%40b.example", &"x".repeat(129)] {
        back_end.get(&format!("/api/v1/acme/customers/{odd}")).await.refused("SB-4109");
    }
    back_end.get("/api/v1/acme/customers/%FF").await.refused("SB-5005");
    back_end.get(CUSTOMER).await.refused("SB-4109");
}

#[tokio::test]
async fn the_customers_of_one_tenant_are_not_those_of_another() {
    let gateway = TestGateway::new().await;
    launch(&gateway, "cust-new").await;
    let mut back_end = back_end(&gateway);
    told(&back_end.get(CUSTOMER).await);
    back_end.get("/api/v1/generic/customers/cust-new").await.refused("SB-4109");
}
