//! API keys: hashed in the configuration, several at one time, each for a part of the API.

use axum::http::StatusCode;

use super::{back_end, launch, told, with_key};
use crate::support::gateway::{NEXT_API_KEY, TICKETS_API_KEY, TestGateway};

const CUSTOMER: &str = "/api/v1/acme/customers/cust-new";

#[tokio::test]
async fn the_old_and_the_new_key_are_good_while_keys_are_changed() {
    let gateway = TestGateway::new().await;
    launch(&gateway, "cust-new").await;
    for mut back_end in [back_end(&gateway), with_key(&gateway, NEXT_API_KEY)] {
        told(&back_end.get(CUSTOMER).await);
    }
}

#[tokio::test]
async fn a_key_opens_only_what_its_scopes_name() {
    let gateway = TestGateway::new().await;
    launch(&gateway, "cust-new").await;
    let mut back_end = with_key(&gateway, TICKETS_API_KEY);
    for path in [CUSTOMER, "/api/v1/acme/webhooks"] {
        let answer = back_end.get(path).await;
        answer.refused("SB-6006");
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("tickets-only"), "{answer:?}");
    }
    let answer =
        back_end.saying("idempotency-key", "1").api("acme", r#"{"user_id":"cust-1"}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let gateway = TestGateway::new().await;
    launch(&gateway, "cust-new").await;
    for path in [CUSTOMER, "/api/v1/acme/webhooks", "/api/v1/bravo/customers/cust-new"] {
        gateway.browser().get(path).await.refused("SB-6001");
        with_key(&gateway, "sk-wrong").get(path).await.refused("SB-6001");
    }
}
