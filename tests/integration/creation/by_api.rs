//! An account with a verified telephone number, made by the partner's back end alone: whether name
//! and number are free, a code, the account. The simulated cloud answers over a socket.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use skybridge::fakecloud::{Api, Script};

use super::opening::{House, MOBILE};
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::{API_KEY, TICKETS_API_KEY};
use crate::support::openapi;

const CHECKS: &str = "identity-checks";
const CODES: &str = "verification-codes";
/// The same number as people write it.
const WITH_COUNTRY: &str = "0086-13800000000";

/// The partner's back end.
struct BackEnd(Browser);

impl BackEnd {
    fn of(house: &House) -> Self {
        Self::with(house, API_KEY)
    }

    fn with(house: &House, key: &str) -> Self {
        Self(house.gateway.browser().saying("authorization", &format!("Bearer {key}")))
    }

    /// A call of delta's that needs no idempotency key.
    async fn asks(&mut self, call: &str, body: &Value) -> Answer {
        let kind = Some("application/json");
        self.0.send(Method::POST, &format!("/api/v1/delta/{call}"), (kind, body.to_string())).await
    }

    /// A call of delta's under an idempotency key.
    async fn calls(&mut self, call: &str, key: &str, body: &Value) -> Answer {
        Self(self.0.clone().saying("idempotency-key", key)).asks(call, body).await
    }

    /// A call for a code.
    async fn wants_code(&mut self, key: &str) -> Answer {
        self.calls(CODES, key, &json!({ "mobile_phone": MOBILE })).await
    }

    /// Looks at a creation until it is over.
    async fn settled(&mut self, begun: &Answer) -> Value {
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
        let place = begun.header("location").unwrap().to_owned();
        for _ in 0..200 {
            let stands = read(&self.0.get(&place).await);
            if stands["state"] != "under-way" {
                return stands;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the creation never ended");
    }
}

fn read(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

/// How often the cloud was asked for codes and for checks.
fn calls(house: &House) -> [u64; 2] {
    let calls = serde_json::to_value(house.cloud.calls()).unwrap();
    ["send_code", "check_identity"].map(|api| calls[api]["calls"].as_u64().unwrap_or(0))
}

/// What fails from now on.
fn fails(house: &House, api: Api, effect: &Value) {
    let rule = json!({ "api": api, "when": { "call": 1 }, "effect": effect });
    let script: Script = serde_json::from_value(json!({ "rules": [rule] })).unwrap();
    house.cloud.set_faults(script).unwrap();
}

#[tokio::test]
async fn an_account_with_a_verified_number_is_made_by_the_api_alone() {
    let house = House::at_work().await;
    let mut back_end = BackEnd::of(&house);
    let free = back_end.asks(CHECKS, &json!({ "domain_name": "li-shop" })).await;
    assert_eq!(free.status, StatusCode::OK, "{free:?}");
    assert_eq!(read(&free), json!({ "available": true, "remaining": null }));
    let free = back_end.asks(CHECKS, &json!({ "mobile_phone": WITH_COUNTRY })).await;
    assert_eq!(read(&free), json!({ "available": true, "remaining": 5 }));
    let availability = ("Availability", read(&free));

    let sent = back_end.wants_code("code-1").await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
    assert_eq!(read(&sent), json!({ "expires_in": 600 }));
    let document = read(&house.gateway.browser().get("/api/v1/openapi.json").await);
    let answers = [availability, ("CodeSent", read(&sent))];
    assert_eq!(openapi::faults(&document, &answers), "");
    let wish = |code: &str| {
        json!({
            "user_id": "cust-a", "domain_name": "li-shop", "mobile_phone": WITH_COUNTRY,
            "verification_code": code,
        })
    };
    let code = house.code();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let begun = back_end.calls("customers", "order-1", &wish(wrong)).await;
    let failed = back_end.settled(&begun).await;
    assert_eq!(
        (&failed["state"], &failed["problem"]["code"]),
        (&json!("failed"), &json!("SB-6107"))
    );
    assert_eq!(house.accounts("cust-a"), 0);
    let begun = back_end.calls("customers", "order-2", &wish(&code)).await;
    let done = back_end.settled(&begun).await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(house.accounts("cust-a"), 1);
    assert_eq!(house.customer("cust-a").await["state"], "linked");

    let taken = back_end.asks(CHECKS, &json!({ "domain_name": "li-shop" })).await;
    assert_eq!(read(&taken), json!({ "available": false, "remaining": null }));
    let taken = back_end.asks(CHECKS, &json!({ "mobile_phone": MOBILE })).await;
    assert_eq!(read(&taken)["available"], false, "{taken:?}");
}

#[tokio::test]
async fn a_code_is_sent_once_for_a_key_and_once_a_minute_and_five_times_an_hour() {
    let house = House::new().await;
    let mut back_end = BackEnd::of(&house);
    back_end.wants_code("").await.refused("SB-6005");
    for _ in 0..3 {
        let sent = back_end.wants_code("code-1").await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
    }
    let with_country = json!({ "mobile_phone": WITH_COUNTRY });
    let same = back_end.calls(CODES, "code-1", &with_country).await;
    assert_eq!(same.status, StatusCode::ACCEPTED, "the number is the same: {same:?}");
    assert_eq!(calls(&house), [1, 0]);
    let other = json!({ "mobile_phone": "13800000001" });
    back_end.calls(CODES, "code-1", &other).await.refused("SB-6004");
    let in_chinese = json!({ "mobile_phone": MOBILE, "language": "zh-CN" });
    back_end.calls(CODES, "code-1", &in_chinese).await.refused("SB-6004");

    let soon = back_end.calls(CODES, "code-2", &with_country).await;
    soon.refused("SB-6109");
    assert_eq!(soon.header("retry-after"), Some("60"));
    for number in 2..6 {
        house.gateway.wait(61);
        let sent = back_end.wants_code(&format!("code-{number}")).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
    }
    house.gateway.wait(61);
    let late = back_end.wants_code("code-6").await;
    late.refused("SB-6109");
    assert_eq!(late.header("retry-after"), Some("3600"));
    // Our own page counts the same number.
    let mut browser = house.newcomer("cust-b").await;
    let answer = house.ask_code(&mut browser, WITH_COUNTRY).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    assert_eq!(calls(&house)[0], 5);
}

#[tokio::test]
async fn what_the_cloud_cannot_do_is_told_by_our_code_and_the_same_key_goes_on_later() {
    let house = House::new().await;
    let mut back_end = BackEnd::of(&house);
    let (throttled, broken) =
        (json!({ "throttle": { "seconds": 50 } }), json!({ "error": { "code": "CBC.0151" } }));
    let name = json!({ "domain_name": "li-shop" });
    for (effect, status, code, wait) in
        [(&throttled, 503, "SB-6117", Some("50")), (&broken, 502, "SB-6114", None)]
    {
        fails(&house, Api::SendCode, effect);
        let failed = back_end.wants_code("code-1").await;
        fails(&house, Api::CheckIdentity, effect);
        let unchecked = back_end.asks(CHECKS, &name).await;
        for answer in [failed, unchecked] {
            answer.refused(code);
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (status, wait));
            assert!(!answer.body.contains(MOBILE) && !answer.body.contains("li-shop"));
        }
    }
    let sent = back_end.wants_code("code-1").await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
    assert_eq!(back_end.asks(CHECKS, &name).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_and_the_cloud_is_not_asked() {
    let house = House::new().await;
    let mut back_end = BackEnd::of(&house);
    for (call, body, code, field, expected) in [
        (CHECKS, json!({}), "SB-6003", "domain_name", "a text here, or in mobile_phone"),
        (
            CHECKS,
            json!({ "domain_name": "li-shop", "mobile_phone": MOBILE }),
            "SB-6003",
            "mobile_phone",
            "nothing beside domain_name: one at a time",
        ),
        (CHECKS, json!({ "domain_name": "li" }), "SB-6102", "domain_name", "5 to 32 letters"),
        (CHECKS, json!({ "mobile_phone": "138" }), "SB-6104", "mobile_phone", "11 digits"),
        (CHECKS, json!({ "email": "li@shop.example" }), "SB-6003", "email", "nothing, because"),
        (CHECKS, json!({ "mobile_phone": MOBILE, "x": 1 }), "SB-6003", "x", "no fields other"),
        (CODES, json!({}), "SB-6003", "mobile_phone", "where the code goes"),
        (CODES, json!({ "mobile_phone": 7 }), "SB-6003", "mobile_phone", "a text of at most"),
        (CODES, json!({ "mobile_phone": "138" }), "SB-6104", "mobile_phone", "11 digits"),
        (CODES, json!({ "email": "li@shop.example" }), "SB-6003", "email", "nothing, because"),
        (
            CODES,
            json!({ "mobile_phone": MOBILE, "language": "fr" }),
            "SB-6003",
            "language",
            "en or zh-CN",
        ),
    ] {
        let answer = back_end.calls(call, "key-1", &body).await;
        answer.refused(code);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem = read(&answer);
        let errors = problem["errors"].as_array().unwrap();
        let named = errors.iter().any(|fault| {
            fault["field"] == field && fault["expected"].as_str().unwrap().starts_with(expected)
        });
        assert!(named, "{body}: {problem}");
        assert!(!answer.body.contains(MOBILE) && !answer.body.contains("li@"), "{answer:?}");
    }
    assert_eq!(calls(&house), [0, 0]);
}

#[tokio::test]
async fn a_key_without_the_scope_and_a_tenant_without_a_partner_api_ask_nothing() {
    let house = House::new().await;
    let mut weak = BackEnd::with(&house, TICKETS_API_KEY);
    for call in [CHECKS, CODES] {
        let body = json!({ "mobile_phone": MOBILE });
        weak.calls(call, "key-1", &body).await.refused("SB-6006");
        BackEnd(house.gateway.browser()).calls(call, "key-1", &body).await.refused("SB-6001");
        let mut acme = BackEnd::of(&house).0.saying("idempotency-key", "key-1");
        let path = format!("/api/v1/acme/{call}");
        let body = (Some("application/json"), body.to_string());
        acme.send(Method::POST, &path, body).await.refused("SB-6121");
    }
    assert_eq!(calls(&house), [0, 0]);
}
