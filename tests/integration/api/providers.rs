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
async fn the_clock_of_a_service_provider_is_told_as_its_requests_tell_it() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let path = "/api/v1/acme/sp/https%3A%2F%2Fsp.example%2Fsaml";
    told(&put(&mut operator, &format!("{path}?profile=generic"), &SP.metadata()).await);
    assert_eq!(told(&operator.get(path).await)["clock"], Value::Null);
    let request = Request::by(&SP, "acme").issued(100);
    gateway.browser().get(&request.at("acme")).await.target();
    let seen = told(&operator.get(path).await);
    let behind = seen["clock"]["behind_seconds"].as_f64().unwrap();
    assert!((-101.0..-99.0).contains(&behind), "{seen}");
    assert_eq!(seen["clock"]["allowed_seconds"], 180);
    let advice = seen["clock"]["advice"].as_str().unwrap();
    assert!(advice.contains("s ahead of ours") && advice.contains("NTP"), "{advice}");
    let document = told(&operator.get("/api/v1/openapi.json").await);
    assert_eq!(openapi::faults(&document, &[("ServiceProvider", seen)]), "");
}

/// The subject identifiers of a customer at a service provider that needs `req`.
async fn subject_ids(gateway: &TestGateway, user: &str, name: &str, req: &str) -> Vec<String> {
    let entity_id = format!("https://{name}.example/saml");
    let extensions = format!(
        "<md:Extensions><a:EntityAttributes xmlns:a=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
         <s:Attribute xmlns:s=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         Name=\"urn:oasis:names:tc:SAML:profiles:subject-id:req\">\
         <s:AttributeValue>{req}</s:AttributeValue></s:Attribute></a:EntityAttributes>\
         </md:Extensions><md:SPSSODescriptor"
    );
    let metadata = SP.metadata().replace(SP.entity_id, &entity_id);
    let metadata = metadata.replacen("<md:SPSSODescriptor", &extensions, 1);
    let path = format!("/api/v1/acme/sp/https%3A%2F%2F{name}.example%2Fsaml?profile=generic");
    told(&put(&mut operator(gateway), &path, &metadata).await);
    let mut browser = gateway.browser();
    let body = json!({ "user_id": user }).to_string();
    let key = format!("{user}-{name}-{req}-{}", gateway.now().unix_timestamp());
    let given = told_ticket(&browser.ask_ticket(&key, &body).await);
    assert_eq!(browser.get(&given).await.status, StatusCode::SEE_OTHER);
    let request = Request::by(&SP, "acme").but(|it| {
        it.issuer.clone_from(&entity_id);
        it.policy = String::new();
    });
    let delivered = browser.get(&request.at("acme")).await.delivered();
    assert!(delivered.asserts(), "{}", delivered.response);
    let mut values = Vec::new();
    for kind in ["subject-id", "pairwise-id"] {
        let begin = format!("Name=\"urn:oasis:names:tc:SAML:attribute:{kind}\"");
        let Some((_, rest)) = delivered.response.split_once(&begin) else { continue };
        let (_, rest) = rest.split_once("<saml2:AttributeValue").unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        values.push(format!("{kind} {}", rest.split_once('<').unwrap().0));
    }
    values
}

// Conformance A-112.
#[tokio::test]
async fn a_subject_identifier_with_a_scope_is_given_to_who_needs_one() {
    let gateway = TestGateway::new().await;
    let first = subject_ids(&gateway, "cust-1", "one", "pairwise-id").await;
    assert_eq!(first.len(), 1, "{first:?}");
    let one = &first[0];
    let (id, scope) = one.strip_prefix("pairwise-id ").unwrap().split_once('@').unwrap();
    assert_eq!(scope, "partner.example");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    assert!((16..=127).contains(&id.len()) && id.chars().all(plain), "{id}");
    // The same person there again; another one; the same person elsewhere.
    assert_eq!(subject_ids(&gateway, "cust-1", "one", "any").await, first);
    assert_ne!(subject_ids(&gateway, "cust-2", "one", "pairwise-id").await, first);
    assert_ne!(subject_ids(&gateway, "cust-1", "two", "pairwise-id").await, first);
    let shared = subject_ids(&gateway, "cust-1", "one", "subject-id").await;
    assert!(shared[0].starts_with("subject-id ") && shared.len() == 1, "{shared:?}");
    assert!(!shared[0].contains(id));
    assert_eq!(subject_ids(&gateway, "cust-1", "two", "subject-id").await, shared);
    assert_ne!(subject_ids(&gateway, "cust-2", "two", "subject-id").await, shared);
    assert!(subject_ids(&gateway, "cust-1", "one", "none").await.is_empty());
}

// Conformance C-09.
#[tokio::test]
async fn what_waits_for_a_service_provider_ends_when_it_is_removed() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let path = "/api/v1/acme/sp/https%3A%2F%2Fsp.example%2Fsaml?profile=generic";
    told(&put(&mut operator, path, &SP.metadata()).await);
    let mut browser = gateway.browser();
    let page = browser.get(&Request::by(&SP, "acme").at("acme")).await.target();
    let (_, handle) = page.query_pairs().find(|(name, _)| name == "continue").unwrap();
    // The same by HTTP-POST, which waits one address before.
    let posted = Request::by(&SP, "acme").fields();
    let arrived = browser.post_from_elsewhere("/acme/saml/sso", &posted).await;
    let arrived = arrived.location().to_owned();
    let body = json!({ "user_id": "cust-1" }).to_string();
    let given = told_ticket(&browser.ask_ticket("one", &body).await);
    assert_eq!(browser.get(&given).await.status, StatusCode::SEE_OTHER);
    assert!(browser.has_session());
    told(&operator.send(Method::DELETE, path, (None, String::new())).await);
    browser.get(&format!("/acme/continue/{handle}")).await.refused("SB-2003");
    browser.get(&arrived).await.refused("SB-2003");
    browser.get(&Request::by(&SP, "acme").at("acme")).await.refused("SB-2003");
}

// Conformance A-083.
#[tokio::test]
async fn an_uploaded_service_provider_gets_what_it_did_not_ask_for_while_its_upload_says_so() {
    let gateway = TestGateway::new().await;
    let mut operator = operator(&gateway);
    let path = "/api/v1/acme/sp/https%3A%2F%2Fsp.example%2Fsaml";
    let off = format!("{path}?profile=generic");
    let on = format!("{off}&unsolicited=true&relay_states=https%3A%2F%2Fsp.example%2Fa%0A%2Fb");
    let way = "/acme/launch?sp=https%3A%2F%2Fsp.example%2Fsaml";
    let mut browser = gateway.browser();
    told(&put(&mut operator, &off, &SP.metadata()).await);
    browser.get(way).await.refused("SB-3017");
    assert_eq!(told(&operator.get(path).await)["unsolicited"], json!(false));

    let changed = told(&put(&mut operator, &on, &SP.metadata()).await);
    assert_eq!(
        changed["differences"],
        json!([
            difference("added", "unsolicited answers", "taken"),
            difference("added", "RelayState", "https://sp.example/a"),
            difference("added", "RelayState", "/b"),
        ])
    );
    let seen = told(&operator.get(path).await);
    assert_eq!(seen["unsolicited"], json!(true));
    assert_eq!(seen["relay_states"], json!(["https://sp.example/a", "/b"]));
    let body = json!({ "user_id": "cust-1" }).to_string();
    let ticket = told_ticket(&browser.ask_ticket("one", &body).await);
    let asked = "&sp=https%3A%2F%2Fsp.example%2Fsaml&RelayState=https%3A%2F%2Fsp.example%2Fa";
    let back = browser.get(&format!("{ticket}{asked}")).await.location().to_owned();
    let delivered = browser.get(&back).await.delivered();
    assert!(delivered.asserts(), "{}", delivered.response);
    assert!(!delivered.response.contains("InResponseTo"), "{}", delivered.response);
    assert_eq!(delivered.acs, SP.acs);
    assert_eq!(delivered.relay_state.as_deref(), Some("https://sp.example/a"));
    browser.get(&format!("{way}&RelayState=%2Fc")).await.refused("SB-3018");
    browser.get(&way.replace("acme", "delta")).await.refused("SB-3017");

    // What is under way ends with it.
    let waiting = browser.get(&format!("{way}&RelayState=%2Fb")).await.location().to_owned();
    let still = browser.get(way).await.location().to_owned();
    told(&put(&mut operator, &on.replace("%0A%2Fb", ""), &SP.metadata()).await);
    browser.get(&waiting).await.refused("SB-3018");
    told(&put(&mut operator, &off, &SP.metadata()).await);
    browser.get(&still).await.refused("SB-3017");
    browser.get(way).await.refused("SB-3017");
    let document = told(&operator.get("/api/v1/openapi.json").await);
    assert_eq!(openapi::faults(&document, &[("ServiceProvider", seen)]), "");
}

/// The address of a ticket that was given out.
fn told_ticket(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["url"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
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
    for wrong in [
        "profile=nope",
        "unsolicited=1",
        "require_signed_request=true",
        "relay_states=%2Fa",
        "unsolicited=false&relay_states=%2Fa",
        "unsolicited=true&relay_states=%2Fa%0A%0A%2Fb",
    ] {
        put(&mut operator, &format!("{PATH}?{wrong}"), CLEAN).await.refused("SB-6003");
    }
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
