//! `POST /api/v1/{tenant}/customers` and `/api/v1/{tenant}/creations/{id}`: an account for a
//! customer. Nobody works on creations here; what becomes of them is tested in `creation`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{back_end, post, told, with_key};
use crate::support::gateway::browser::Answer;
use crate::support::gateway::{TICKETS_API_KEY, TestGateway};

const CUSTOMERS: &str = "/api/v1/delta/customers";

async fn create(gateway: &TestGateway, key: &str, body: &Value) -> Answer {
    let mut back_end = back_end(gateway).saying("idempotency-key", key);
    post(&mut back_end, CUSTOMERS, &body.to_string()).await
}

fn begun(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let begun: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.header("location"), begun["status_url"].as_str());
    begun
}

/// The faults of a refused body: field and what was expected.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let text = |fault: &Value, key: &str| fault[key].as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|fault| (text(fault, "field"), text(fault, "expected"))).collect()
}

#[tokio::test]
async fn a_creation_is_taken_at_once_and_told_at_its_own_address() {
    let gateway = TestGateway::new().await;
    let wish = json!({ "user_id": "cust-new", "domain_name": "li-shop" });
    let begun = begun(&create(&gateway, "key-1", &wish).await);
    assert_eq!(begun["user_id"], "cust-new");
    let status = begun["status_url"].as_str().unwrap();
    let stands = told(&back_end(&gateway).get(status).await);
    assert_eq!((&stands["id"], &stands["state"]), (&begun["id"], &json!("under-way")));
    assert_eq!(stands["step"], "planned");
    assert_eq!(stands["problem"], json!(null));
    assert_eq!(stands["next_attempt_at"], "2026-01-02T03:04:05.678Z");
    assert_eq!(stands["customer"]["state"], "creating");
    assert!(!stands.to_string().contains("li-shop"), "{stands}");

    let customer = told(&back_end(&gateway).get(&format!("{CUSTOMERS}/cust-new")).await);
    let events = customer["history"].as_array().unwrap();
    let events: Vec<_> = events.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["met", "creation-begun"]);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_body_is_refused() {
    let gateway = TestGateway::new().await;
    let wish = json!({ "user_id": "cust-new" });
    let first = create(&gateway, "key-1", &wish).await;
    begun(&first);
    let again = create(&gateway, "key-1", &wish).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let spelled = json!({ "user_id": "cust-new", "account_id": "cust-new", "email": null });
    assert_eq!(create(&gateway, "key-1", &spelled).await.body, first.body);
    let other = json!({ "user_id": "cust-new", "domain_name": "li-shop" });
    create(&gateway, "key-1", &other).await.refused("SB-6004");
    create(&gateway, "key-2", &wish).await.refused("SB-4105");
    create(&gateway, "", &wish).await.refused("SB-6005");
}

#[tokio::test]
async fn every_rule_that_a_body_breaks_is_named_by_its_field_and_nothing_is_written() {
    let gateway = TestGateway::new().await;
    let mobile = "11 digits, with or without 0086- in front";
    for (wish, field, expected) in [
        (json!({ "domain_name": 7 }), "user_id", "1 to 128"),
        (json!({ "user_id": "li@shop.example" }), "user_id", "1 to 128"),
        (json!({ "user_id": "li", "domain_name": "li" }), "domain_name", "5 to 32"),
        (json!({ "user_id": "li", "domain_area": "CN" }), "domain_area", "nothing"),
        (json!({ "user_id": "li", "email": "li@shop.example" }), "email", "nothing, because"),
        (
            json!({ "user_id": "li", "mobile_phone": "13800000000" }),
            "verification_code",
            "the code",
        ),
        (json!({ "user_id": "li", "verification_code": "123456" }), "mobile_phone", "where"),
        (
            json!({ "user_id": "li", "mobile_phone": "138", "verification_code": "123456" }),
            "mobile_phone",
            mobile,
        ),
        (json!({ "user_id": "li", "password": "secret-1" }), "password", "no fields other than"),
    ] {
        let answer = create(&gateway, "key-1", &wish).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wish}: {answer:?}");
        let found = faults(&answer);
        let named = found.iter().any(|(f, e)| f == field && e.starts_with(expected));
        assert!(named, "{wish}: {found:?}");
        assert!(!answer.body.contains("13800000000") && !answer.body.contains("li@"), "{answer:?}");
    }
    back_end(&gateway).get(&format!("{CUSTOMERS}/li")).await.refused("SB-4109");
}

#[tokio::test]
async fn whoever_has_an_account_or_is_switched_off_gets_none() {
    let gateway = TestGateway::new().await;
    create(&gateway, "key-1", &json!({ "user_id": "cust-1" })).await.refused("SB-4106");
    create(&gateway, "key-2", &json!({ "user_id": "cust-off" })).await.refused("SB-3014");
}

#[tokio::test]
async fn a_tenant_without_a_partner_api_and_a_key_without_the_scope_create_nothing() {
    let gateway = TestGateway::new().await;
    let wish = json!({ "user_id": "cust-new" }).to_string();
    let mut acme = back_end(&gateway).saying("idempotency-key", "key-1");
    post(&mut acme, "/api/v1/acme/customers", &wish).await.refused("SB-6121");
    let mut tickets = with_key(&gateway, TICKETS_API_KEY).saying("idempotency-key", "key-1");
    post(&mut tickets, CUSTOMERS, &wish).await.refused("SB-6006");
    post(&mut gateway.browser(), CUSTOMERS, &wish).await.refused("SB-6001");
}

#[tokio::test]
async fn a_creation_is_told_to_its_own_tenant_only() {
    let gateway = TestGateway::new().await;
    let begun = begun(&create(&gateway, "key-1", &json!({ "user_id": "cust-new" })).await);
    let id = begun["id"].as_str().unwrap();
    let mut back_end = back_end(&gateway);
    back_end.get(&format!("/api/v1/acme/creations/{id}")).await.refused("SB-6122");
    back_end.get("/api/v1/delta/creations/cre_x").await.refused("SB-6122");
}
