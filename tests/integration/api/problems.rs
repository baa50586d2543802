//! What is wrong with a call: every fault by field, nothing quoted, nothing done (RFC 9457).

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{back_end, launch, post, told};
use crate::support::gateway::TestGateway;
use crate::support::gateway::browser::Answer;

const CUSTOMER: &str = "/api/v1/acme/customers/cust-new";

/// The problem, whose members every problem has.
fn problem(answer: &Answer, code: &str) -> Value {
    answer.refused(code);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], answer.status.as_u16());
    for member in ["type", "title", "detail", "owner", "advice", "instance"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    problem
}

#[tokio::test]
async fn every_wrong_field_is_named_with_what_was_expected_and_what_came() {
    let gateway = TestGateway::new().await;
    let mut back_end = back_end(&gateway).saying("idempotency-key", "order-1");
    let body = json!({
        "account_id": 7, "name": "x".repeat(257), "mobile": ["canary"], "email": {"canary": 1},
        "service": true, "nmae": "canary", "canary@x": "canary",
    });
    let answer = back_end.api("acme", &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.body.contains("canary"), "{answer:?}");
    let problem = problem(&answer, "SB-6003");
    let fault = |field: &str| {
        let found = problem["errors"].as_array().unwrap().iter();
        let fault = found.clone().find(|fault| fault["field"] == field);
        let fault = fault.unwrap_or_else(|| panic!("{field} is not in {problem}"));
        (fault["expected"].as_str().unwrap(), fault["found"].as_str().unwrap())
    };
    assert_eq!(fault("user_id").1, "nothing");
    assert_eq!(fault("account_id").1, "a number");
    assert_eq!(fault("name").0, "a text of at most 256 characters");
    assert_eq!(fault("name").1, "a text of 257 characters that is not so");
    assert_eq!(fault("mobile").1, "a list of 1");
    assert_eq!(fault("email").1, "an object");
    assert_eq!(fault("service").1, "true or false");
    assert_eq!(fault("nmae").1, "an unknown field");
    assert_eq!(fault("(name not shown)").1, "an unknown field");
    // The refused call has not used its idempotency key up.
    let answer = back_end.api("acme", r#"{"user_id":"cust-1"}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

#[tokio::test]
async fn a_switch_takes_no_fields_and_does_nothing_when_it_gets_some() {
    let gateway = TestGateway::new().await;
    launch(&gateway, "cust-new").await;
    let mut back_end = back_end(&gateway);
    let before = told(&back_end.get(CUSTOMER).await);
    for (body, code) in [
        (r#"{"reason":"canary"}"#, "SB-6003"),
        ("canary", "SB-6002"),
        ("[]", "SB-6002"),
        ("{}{}", "SB-6002"),
        ("\u{feff}{}", "SB-6002"),
    ] {
        let answer = post(&mut back_end, &format!("{CUSTOMER}/suspend"), body).await;
        assert!(!answer.body.contains("canary"), "{answer:?}");
        problem(&answer, code);
    }
    let big = "x".repeat(300 * 1024);
    let answer = post(&mut back_end, &format!("{CUSTOMER}/suspend"), &big).await;
    problem(&answer, "SB-5007");
    assert_eq!(told(&back_end.get(CUSTOMER).await), before);
}

#[tokio::test]
async fn wrong_addresses_and_methods_of_the_api_are_problems_and_not_pages() {
    let gateway = TestGateway::new().await;
    let mut back_end = back_end(&gateway);
    for path in ["/api/v1/acme", "/api/v2/acme/tickets", "/api/v1/acme/customers/a/b/c"] {
        problem(&back_end.get(path).await, "SB-5005");
    }
    let none = (None, String::new());
    problem(&back_end.send(Method::DELETE, CUSTOMER, none).await, "SB-5006");
    problem(&back_end.get("/api/v1/unknown/customers/x").await, "SB-2001");
    problem(&back_end.get("/api/v1/closed/customers/x").await, "SB-2001");
}

#[tokio::test]
async fn a_problem_speaks_the_language_that_was_asked_for() {
    let gateway = TestGateway::new().await;
    let mut back_end = back_end(&gateway).saying("accept-language", "zh-CN");
    let problem = problem(&back_end.get(CUSTOMER).await, "SB-4109");
    assert!(!problem["title"].as_str().unwrap().is_ascii(), "{problem}");
}
