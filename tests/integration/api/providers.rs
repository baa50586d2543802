//! `/api/v1/{tenant}/sp`: service providers registered by upload.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{back_end, told, with_key};
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{Request, SP};
use crate::support::gateway::{SP_API_KEY, TestGateway};
use crate::support::openapi;

const CLEAN: &str = include_str!("../../corpus/metadata-lint/clean-small.xml");
const PATH: &str = "/api/v1/acme/sp/https%3A%2F%2Fsp.example%2Fsaml%2Fmetadata";

async fn put(back_end: &mut Browser, path: &str, document: &str) -> Answer {
    let body = (Some("application/samlmetadata+xml"), document.to_owned());
    back_end.send(Method::PUT, path, body).await
}

fn difference(change: &str, what: &str, value: &str) -> Value {
    json!({ "change": change, "what": what, "value": value })
}

fn operator(gateway: &TestGateway) -> Browser {
    with_key(gateway, SP_API_KEY)
}

#[tokio::test]
async fn a_service_provider_is_registered_changed_seen_and_removed() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let before = told(&operator.get("/api/v1/acme/sp").await);
    let dry = told(&put(&mut operator, &format!("{PATH}?dry_run=true"), CLEAN).await);
    assert_eq!((&dry["dry_run"], &dry["new"]), (&json!(true), &json!(true)), "{dry}");
    operator.get(PATH).await.refused("SB-6010");
    let first = told(&put(&mut operator, &format!("{PATH}?profile=generic"), CLEAN).await);
    assert_eq!((&first["version"], &first["findings"]), (&json!(1), &json!([])));
    let changed = CLEAN
        .replace("/saml/acs", "/saml/in")
        .replace("</md:SPSSO", "<md:NameIDFormat>urn:x</md:NameIDFormat></md:SPSSO");
    let second = told(&put(&mut operator, &format!("{PATH}?profile=generic"), &changed).await);
    assert_eq!((&second["version"], &second["new"]), (&json!(2), &json!(false)));
    let codes: Vec<_> = second["findings"].as_array().unwrap().iter().collect();
    assert_eq!(
        (codes[0]["code"].as_str(), codes[1]["code"].as_str()),
        (Some("SBM-98"), Some("SBM-116"))
    );
    assert_eq!(
        second["differences"],
        json!([
            difference("removed", "assertion consumer", "0 https://sp.example/saml/acs"),
            difference("added", "assertion consumer", "0 https://sp.example/saml/in"),
            difference("added", "name identifier", "urn:x"),
        ])
    );
    let seen = told(&operator.get(PATH).await);
    assert_eq!(seen["metadata"].as_str(), Some(changed.as_str()));
    assert_eq!(
        (&seen["profile"], &seen["history"][1]["author"]),
        (&json!("generic"), &json!("sp"))
    );
    let list = told(&operator.get("/api/v1/acme/sp").await);
    let count = |list: &Value| list["service_providers"].as_array().unwrap().len();
    assert_eq!(count(&list), count(&before) + 1);
    let removed = operator.send(Method::DELETE, PATH, (None, String::new())).await;
    let removed = told(&removed);
    operator.get(PATH).await.refused("SB-6010");
    operator.send(Method::DELETE, PATH, (None, String::new())).await.refused("SB-6010");
    assert_eq!(told(&operator.get("/api/v1/acme/sp").await), before);

    let document = told(&operator.get("/api/v1/openapi.json").await);
    let refused = put(&mut operator, PATH, "<html>").await;
    let answers = [
        ("Registered", second),
        ("Registered", dry),
        ("ServiceProvider", seen),
        ("ServiceProviders", list),
        ("Removed", removed),
        ("Problem", serde_json::from_str(&refused.body).unwrap()),
    ];
    assert_eq!(openapi::faults(&document, &answers), "");
}

#[tokio::test]
async fn what_the_configuration_declares_is_seen_here_and_changed_there() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let of_cloud = told(&operator.get("/api/v1/acme/sp").await);
    let entity_id = of_cloud["service_providers"][0]["entity_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/acme/sp/{}", entity_id.replace(':', "%3A").replace('/', "%2F"));
    let seen = told(&operator.get(&path).await);
    assert_eq!(seen["origin"], "configuration");
    let other = CLEAN.replace("https://sp.example/saml/metadata", &entity_id);
    put(&mut operator, &path, &other).await.refused("SB-6009");
    operator.send(Method::DELETE, &path, (None, String::new())).await.refused("SB-6009");
}

#[tokio::test]
async fn a_request_of_an_uploaded_service_provider_is_answered_until_it_is_removed() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let path = "/api/v1/acme/sp/https%3A%2F%2Fsp.example%2Fsaml?profile=generic";
    let request = || Request::by(&SP, "acme").at("acme");
    gateway.browser().get(&request()).await.refused("SB-2003");
    told(&put(&mut operator, path, &SP.metadata()).await);
    let asked = gateway.browser().get(&request()).await;
    assert!(asked.location().starts_with("https://acme.example/login"), "{asked:?}");
    told(&operator.send(Method::DELETE, path, (None, String::new())).await);
    gateway.browser().get(&request()).await.refused("SB-2003");
}

#[tokio::test]
async fn metadata_that_cannot_be_used_is_refused_with_every_finding() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let bad = CLEAN
        .replace("https://sp.example/saml/acs", "javascript:alert(1)")
        .replace("use=\"signing\"", "use=\"both\"");
    let answer = put(&mut operator, PATH, &bad).await;
    answer.refused("SB-6008");
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let codes: Vec<_> =
        problem["findings"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, [json!("SBM-53"), json!("SBM-87")], "{problem}");
    let flag = put(&mut operator, &format!("{PATH}?require_signed_requests=yes"), CLEAN).await;
    flag.refused("SB-6003");
    put(&mut operator, &format!("{PATH}?profile=nope"), CLEAN).await.refused("SB-6003");
    operator.get(PATH).await.refused("SB-6010");
}

#[tokio::test]
async fn two_megabytes_are_read_and_more_is_not() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let padded = |bytes: usize| format!("{CLEAN}{}", " ".repeat(bytes - CLEAN.len()));
    told(&put(&mut operator, PATH, &padded(2 * 1024 * 1024)).await);
    put(&mut operator, PATH, &padded(2 * 1024 * 1024 + 1)).await.refused("SB-5007");
}

#[tokio::test]
async fn a_key_without_the_scope_can_neither_see_nor_change_service_providers() {
    let gateway = TestGateway::new().await;
    // The default scopes do not include it.
    let mut back_end = back_end(&gateway);
    back_end.get("/api/v1/acme/sp").await.refused("SB-6006");
    back_end.get(PATH).await.refused("SB-6006");
    put(&mut back_end, PATH, CLEAN).await.refused("SB-6006");
    back_end.send(Method::DELETE, PATH, (None, String::new())).await.refused("SB-6006");
    // Nor does the key of one tenant open another.
    put(&mut operator(&gateway), &PATH.replace("acme", "bravo"), CLEAN).await.refused("SB-6001");
}
