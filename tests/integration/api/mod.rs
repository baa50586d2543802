//! The API as a partner's back end calls it: keys, customers, messages, and what is wrong with a
//! call.

mod creations;
mod customers;
mod keys;
mod problems;
mod providers;
mod reference;
mod webhooks;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{RSA_SHA256, signature_over};
use crate::support::gateway::material::{self, base64};
use crate::support::gateway::{API_KEY, TestGateway, ticket};

/// The partner's back end with acme's key.
fn back_end(gateway: &TestGateway) -> Browser {
    with_key(gateway, API_KEY)
}

fn with_key(gateway: &TestGateway, key: &str) -> Browser {
    gateway.browser().saying("authorization", &format!("Bearer {key}"))
}

/// A call with a body, or with none if it is empty.
async fn post(back_end: &mut Browser, path: &str, body: &str) -> Answer {
    back_end.send(Method::POST, path, (Some("application/json"), body.to_owned())).await
}

/// The JSON of a call that was answered with 200.
fn told(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(&answer.body).unwrap()
}

/// Hands a customer of acme's off into a first login.
async fn launch(gateway: &TestGateway, user: &str) -> Answer {
    let mut claims = ticket::claims(user);
    claims["exp"] = (gateway.now().unix_timestamp() + 60).into();
    let ticket = ticket::keys()[0].sign(&claims);
    gateway.browser().get(&format!("/acme/launch?ticket={ticket}")).await
}

/// The cloud says that a customer of acme's has this account now.
async fn bind(gateway: &TestGateway, user: &str, domain: &str) {
    let notice = json!({
        "domainName": "hw_demo01", "domainId": domain, "userName": "hw_demo01", "userId": "u-1",
        "xUserId": user, "bindAction": 0,
    });
    let text = base64(notice.to_string().as_bytes());
    let signature = base64(&signature_over(material::sp(), text.as_bytes()));
    let fields = [("bindRequest", &*text), ("SigAlg", RSA_SHA256), ("Signature", &signature)];
    let answer = gateway.browser().post("/acme/link-result", &fields).await;
    assert_eq!(answer.location(), "/acme/link-result/linked");
}
