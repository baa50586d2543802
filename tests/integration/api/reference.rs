//! The `OpenAPI` document and the page: judged by a foreign validator, and held against what the
//! gateway answers.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{back_end, bind, launch, post, told};
use crate::support::gateway::TestGateway;
use crate::support::openapi;

async fn document(gateway: &TestGateway) -> Value {
    told(&gateway.browser().get("/api/v1/openapi.json").await)
}

#[tokio::test]
async fn a_foreign_validator_has_no_complaint_about_the_document_and_real_answers() {
    let gateway = TestGateway::new().await;
    let document = document(&gateway).await;
    let mut back_end = back_end(&gateway);
    launch(&gateway, "cust-new").await;
    let fresh = told(&back_end.get("/api/v1/acme/customers/cust-new").await);
    bind(&gateway, "cust-new", "d-1").await;
    let off = told(&post(&mut back_end, "/api/v1/acme/customers/cust-new/suspend", "").await);
    let messages = told(&back_end.get("/api/v1/acme/webhooks?state=waiting").await);
    let event = messages["webhooks"][0]["event"].clone();
    assert_eq!(event["type"], "account.linked");
    let json = |body: &str| serde_json::from_str::<Value>(body).unwrap();
    let ticket = back_end.ask_ticket("order-1", r#"{"user_id":"cust-1"}"#).await;
    let unknown = back_end.get("/api/v1/acme/customers/nobody").await;
    let wrong = back_end.ask_ticket("order-2", r#"{"user_id":7,"canary":1}"#).await;
    let answers = [
        ("Customer", fresh),
        ("Customer", off),
        ("Messages", messages),
        ("Event", event),
        ("Ticket", json(&ticket.body)),
        ("Problem", json(&unknown.body)),
        ("Problem", json(&wrong.body)),
    ];
    assert_eq!(openapi::faults(&document, &answers), "");
    // And the judge is awake.
    let wrong = [("Ticket", json!({ "url": 7 })), ("Customer", json!({}))];
    let mut broken = document;
    broken["info"]["title"] = 7.into();
    let found = openapi::faults(&broken, &wrong);
    for word in ["document: ", "Ticket: url", "'expires_in' is a required", "Customer: "] {
        assert!(found.contains(word), "{word} is not in {found}");
    }
}

#[tokio::test]
async fn every_documented_call_is_there_and_wants_a_key() {
    let gateway = TestGateway::new().await;
    let document = document(&gateway).await;
    let mut calls = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{tenant}", "acme").replace("{id}", "x");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = gateway.browser().send(method, &path, (None, String::new())).await;
            answer.refused("SB-6001");
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            calls += 1;
        }
    }
    assert_eq!(calls, 14);
}

#[tokio::test]
async fn the_page_shows_every_call_in_both_languages_under_the_strict_policy() {
    let gateway = TestGateway::new().await;
    let document = document(&gateway).await;
    for (language, word) in [("en", "one-time address"), ("zh-CN", "一次性地址")] {
        let page = gateway.browser().get(&format!("/api/v1?lang={language}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(page.body.contains(word), "{page:?}");
        for path in document["paths"].as_object().unwrap().keys() {
            assert!(page.body.contains(path.as_str()), "{path} is not in {language}");
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(!page.body.contains("<script") && !page.body.contains("://"), "{page:?}");
    }
}
