//! `/api/v1/{tenant}/webhooks`: the messages that were made for the partner.

use axum::http::StatusCode;

use super::{back_end, bind, launch, post, told};
use crate::support::gateway::TestGateway;

#[tokio::test]
async fn a_link_makes_a_message_that_waits() {
    let gateway = TestGateway::new().await;
    launch(&gateway, "cust-new").await;
    bind(&gateway, "cust-new", "d-1").await;
    let mut back_end = back_end(&gateway);
    let list = told(&back_end.get("/api/v1/acme/webhooks?state=waiting").await);
    let [message] = list["webhooks"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!(message["type"], "account.linked");
    assert_eq!(message["attempts"], 0);
    assert_eq!(message["event"]["id"], message["id"]);
    assert_eq!(message["event"]["customer"]["user_id"], "cust-new");
    assert_eq!(message["event"]["customer"]["cloud_account"]["domain_id"], "d-1");

    let dead = told(&back_end.get("/api/v1/acme/webhooks").await);
    assert_eq!(dead["webhooks"].as_array().unwrap().len(), 0);
    let other = told(&back_end.get("/api/v1/generic/webhooks?state=waiting").await);
    assert_eq!(other["webhooks"].as_array().unwrap().len(), 0);
    // What still waits is not sent anew.
    let id = message["id"].as_str().unwrap();
    let answer = post(&mut back_end, &format!("/api/v1/acme/webhooks/{id}/replay"), "").await;
    answer.refused("SB-6007");
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_state_that_is_none_is_a_fault_of_the_field() {
    let gateway = TestGateway::new().await;
    let answer = back_end(&gateway).get("/api/v1/acme/webhooks?state=canary").await;
    answer.refused("SB-6003");
    assert!(answer.body.contains("one of waiting, delivered, dead"), "{answer:?}");
    assert!(!answer.body.contains("canary"), "{answer:?}");
}
