//! Tenants apart (conformance B-37, C-37): everything that one tenant has is taken to every address
//! of the others, with its cookies and keys. The addresses are read from the program's own tables,
//! so that a new one is tried by itself.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{RSA_SHA256, Request, signature_over};
use crate::support::gateway::material::{self, base64};
use crate::support::gateway::{API_KEY, TestGateway, ticket};

const TABLES: [&str; 2] =
    [include_str!("../../src/http/mod.rs"), include_str!("../../src/http/api/calls.rs")];
const TENANTS: [&str; 4] = ["acme", "bravo", "delta", "generic"];
/// The cookies of a browser that was at acme.
const SESSION: &str = "__Host-skybridge-session-";
const BINDING: &str = "__Host-skybridge-browser";
/// What is known about acme's and delta's customer, and nobody else may see.
const PERSONAL: [&str; 6] =
    ["canary", "13812345678", "d-held", "hw_held", "cust-held", "cust-made"];

/// Every address of the gateway, with names in braces.
fn addresses() -> Vec<&'static str> {
    let texts = TABLES.iter().flat_map(|table| table.split('"'));
    let mut found: Vec<_> = texts
        .filter(|text| text.starts_with("/{tenant}/") || text.starts_with("/api/v1/{tenant}/"))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What a tenant has, and what may stand for it in an address, a form or a header.
struct Held {
    owner: &'static str,
    what: &'static str,
    value: String,
}

/// Everything that acme and delta have, with the browser that has it.
struct Property {
    held: Vec<Held>,
    signed_in: Browser,
    waiting: Browser,
}

fn back_end(gateway: &TestGateway, key: &str) -> Browser {
    let authorised = gateway.browser().saying("authorization", &format!("Bearer {API_KEY}"));
    authorised.saying("idempotency-key", key)
}

fn json_of(answer: &Answer) -> Value {
    assert!(answer.status.is_success(), "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

async fn post_json(browser: &mut Browser, path: &str, body: &Value) -> Answer {
    browser.send(Method::POST, path, (Some("application/json"), body.to_string())).await
}

fn signed_ticket() -> String {
    ticket::keys()[0].sign(&ticket::claims("cust-held"))
}

impl Property {
    async fn of(gateway: &TestGateway) -> Self {
        let mut signed_in = gateway.browser();
        signed_in.get(&format!("/acme/launch?ticket={}", signed_ticket())).await.target();
        link(gateway).await;
        let mut waiting = gateway.browser();
        let target = waiting.get(&Request::to("acme").at("acme")).await.target();
        let handle = target.query_pairs().find(|(name, _)| name == "continue").unwrap().1;
        let posted = Request::to("acme").fields();
        let arrived = waiting.post_from_elsewhere("/acme/saml/sso", &posted).await;
        let arrived = arrived.location().rsplit('/').next().unwrap().to_owned();
        let given = gateway.browser().ask_ticket("held", r#"{"user_id":"cust-held"}"#).await;
        let url = json_of(&given)["url"].as_str().unwrap().to_owned();
        let messages = back_end(gateway, "1").get("/api/v1/acme/webhooks?state=waiting").await;
        let wish = json!({ "user_id": "cust-made" });
        let path = "/api/v1/delta/customers";
        let creation = json_of(&post_json(&mut back_end(gateway, "held"), path, &wish).await);
        let cookie = |name: &str| signed_in.cookie(name).unwrap().to_owned();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let held = [
            ("acme", "session", cookie(SESSION)),
            ("acme", "journey", handle.into_owned()),
            ("acme", "posted request", arrived),
            ("acme", "ticket", url.split_once("ticket=").unwrap().1.to_owned()),
            ("acme", "signed ticket", signed_ticket()),
            ("acme", "customer", "cust-held".to_owned()),
            ("acme", "message", text(&json_of(&messages)["webhooks"][0]["id"])),
            ("acme", "key", gateway.kids[0].to_string()),
            ("delta", "key", gateway.ec_kid("delta")),
            ("delta", "creation", text(&creation["id"])),
        ];
        let held = held.into_iter().map(|(owner, what, value)| Held { owner, what, value });
        Self { held: held.collect(), signed_in, waiting }
    }

    fn value(&self, what: &str) -> &str {
        &self.held.iter().find(|held| held.what == what).unwrap().value
    }

    /// That all of it is as it was, and works at home.
    async fn must_be_untouched(mut self, gateway: &TestGateway) {
        let home = self.signed_in.get("/acme/cloud").await;
        assert!(home.location().contains("xAccountType=acme_IDP"), "{home:?}");
        let posted = format!("/acme/saml/arrived/{}", self.value("posted request"));
        assert!(self.signed_in.get(&posted).await.delivered().asserts());
        let handle = self.value("journey").to_owned();
        let with = self.value("signed ticket");
        let launch = format!("/acme/launch?ticket={with}&continue={handle}");
        let back = self.waiting.get(&launch).await.location().to_owned();
        assert!(self.waiting.get(&back).await.delivered().asserts());
        let ticket = format!("/acme/launch?ticket={}", self.value("ticket"));
        gateway.browser().get(&ticket).await.target();
        let mut back_end = back_end(gateway, "2");
        let creation = format!("/api/v1/delta/creations/{}", self.value("creation"));
        assert_eq!(json_of(&back_end.get(&creation).await)["state"], "under-way");
        let customer = json_of(&back_end.get("/api/v1/acme/customers/cust-held").await);
        assert_eq!((&customer["state"], &customer["suspended"]), (&json!("linked"), &json!(false)));
        let waiting = json_of(&back_end.get("/api/v1/acme/webhooks?state=waiting").await);
        assert_eq!(waiting["webhooks"].as_array().unwrap().len(), 1);
    }
}

/// The cloud says that acme's customer has an account now.
async fn link(gateway: &TestGateway) {
    let notice = json!({
        "domainName": "hw_held", "domainId": "d-held", "userName": "hw_held", "userId": "u-1",
        "xUserId": "cust-held", "bindAction": 0,
    });
    let text = base64(notice.to_string().as_bytes());
    let signature = base64(&signature_over(material::sp(), text.as_bytes()));
    let fields = [("bindRequest", &*text), ("SigAlg", RSA_SHA256), ("Signature", &signature)];
    gateway.browser().post("/acme/link-result", &fields).await.location();
}

/// What is wrong with an answer of `tenant` to somebody who brought what it does not know.
fn leak(answer: &Answer, tenant: &str, brought: &str, named: bool) -> Option<String> {
    let opened = answer.headers.get_all(header::SET_COOKIE).iter().any(|cookie| {
        let cookie = cookie.to_str().unwrap();
        cookie.starts_with(&format!("{SESSION}{tenant}=")) && !cookie.contains("Max-Age=0")
    });
    // What was brought may be said again.
    let said = format!("{} {}", answer.body, answer.header("location").unwrap_or_default());
    let said = said.replace(brought, "");
    let personal = PERSONAL.into_iter().find(|word| said.contains(word));
    match answer.status {
        _ if opened => Some("a session was opened".to_owned()),
        _ if personal.is_some() => personal.map(|word| format!("it says {word}")),
        _ if answer.body.contains("<saml2:Assertion") => Some("an assertion".to_owned()),
        _ if answer.body.contains("name=\"SAMLResponse\"") => Some("a Response".to_owned()),
        status if named && !status.is_client_error() => Some(format!("it answers {status}")),
        _ => None,
    }
}

#[tokio::test]
async fn nothing_of_one_tenant_is_anything_at_any_address_of_another() {
    let gateway = TestGateway::new().await;
    let property = Property::of(&gateway).await;
    let binding = property.waiting.cookie(BINDING).unwrap().to_owned();
    let addresses = addresses();
    assert!(addresses.len() >= 20, "{addresses:?}");
    let (mut leaks, mut tried) = (Vec::new(), 0);
    for held in &property.held {
        for tenant in TENANTS.into_iter().filter(|tenant| *tenant != held.owner) {
            // At acme the session is at home; there what was brought stands for it.
            let session =
                if tenant == "acme" { held.value.as_str() } else { property.value("session") };
            let cookies = format!("{SESSION}{tenant}={session}; {BINDING}={binding}");
            let thief = back_end(&gateway, "stolen").saying("cookie", &cookies);
            for address in &addresses {
                let at = address.replacen("{tenant}", tenant, 1);
                let named = at.contains('{');
                let path = at
                    .split('/')
                    .map(|part| if part.starts_with('{') { held.value.as_str() } else { part });
                let path = path.collect::<Vec<_>>().join("/");
                let parameters = ["ticket", "continue", "csrf", "handle", "id", "user_id", "token"];
                let form = Serializer::new(String::new())
                    .extend_pairs(parameters.map(|name| (name, held.value.as_str())))
                    .finish();
                let body = json!({ "id": held.value }).to_string();
                for (method, path, kind, body) in [
                    (Method::GET, path.clone(), None, String::new()),
                    (Method::GET, format!("{path}?{form}"), None, String::new()),
                    (Method::POST, path.clone(), Some("application/x-www-form-urlencoded"), form),
                    (Method::POST, path.clone(), Some("application/json"), body),
                ] {
                    let answer = thief.clone().send(method.clone(), &path, (kind, body)).await;
                    tried += 1;
                    if let Some(leak) = leak(&answer, tenant, &held.value, named) {
                        leaks.push(format!(
                            "{}'s {} at {method} {path}: {leak}",
                            held.owner, held.what
                        ));
                    }
                }
            }
        }
    }
    assert!(leaks.is_empty(), "of {tried}:\n{}", leaks.join("\n"));
    assert!(tried > 2_000, "{tried}");
    property.must_be_untouched(&gateway).await;
}

#[tokio::test]
async fn at_home_the_same_things_open_doors() {
    let gateway = TestGateway::new().await;
    let property = Property::of(&gateway).await;
    let mut back_end = back_end(&gateway, "1");
    for (what, address, whose) in [
        ("customer", "/api/v1/acme/customers/", "cust-held"),
        ("creation", "/api/v1/delta/creations/", "cust-made"),
    ] {
        let answer = back_end.get(&format!("{address}{}", property.value(what))).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.body.contains(whose), "{answer:?}");
    }
    property.must_be_untouched(&gateway).await;
}
