//! What must not stand in Redis or in the log after everything has happened once (B-34, C-43).

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::{continuation, ticket_now};
use crate::support::gateway::browser::Browser;
use crate::support::gateway::cloud::{Request, SP, encode};
use crate::support::gateway::material::base64;
use crate::support::gateway::{API_KEY, PASSWORD, TestGateway, ticket};
use crate::support::redis::RedisServer;

/// Collects what is written.
#[derive(Clone, Default)]
pub(super) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    /// What was written so far.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that whoever holds it could act with.
#[derive(Default)]
struct Bearers(Vec<String>);

impl Bearers {
    fn add(&mut self, text: impl Into<String>) {
        let text = text.into();
        assert!(text.len() >= 16, "{text}");
        self.0.push(text);
    }

    fn cookies(&mut self, browser: &Browser) {
        for name in ["__Host-skybridge-session-", "__Host-skybridge-browser"] {
            if let Some(token) = browser.cookie(name) {
                self.add(token);
            }
        }
    }
}

/// Goes through everything once and gives what it used.
async fn everything(gateway: &TestGateway) -> Bearers {
    let mut bearers = Bearers::default();
    bearers.add(API_KEY);
    bearers.add(PASSWORD);
    let mut browser = gateway.browser();
    let person = "{\"user_id\":\"cust-1\",\"name\":\"canary_name\",\"mobile\":\"0086-13812345678\",\
                  \"email\":\"canary@mail.example\",\"attributes\":{\"groups\":[\"canary-group\"]}}";
    let given = browser.ask_ticket("canary-idempotency", person).await;
    let given: serde_json::Value = serde_json::from_str(&given.body).unwrap();
    let url = given["url"].as_str().unwrap();
    bearers.add(url.split_once("ticket=").unwrap().1);
    browser.get(url).await.target();
    bearers.cookies(&browser);
    gateway.browser().get(url).await.refused("SB-3003");
    // Not redeemed: it lies in the store, under its fingerprint.
    let kept = browser.ask_ticket("canary-kept", person).await;
    let kept: serde_json::Value = serde_json::from_str(&kept.body).unwrap();
    bearers.add(kept["url"].as_str().unwrap().split_once("ticket=").unwrap().1);

    let mut waiting = gateway.browser();
    let request = Request::to("acme");
    bearers.add(request.query());
    let target = waiting.get(&request.at("acme")).await.target();
    let ticket = ticket_now(gateway, "cust-2");
    bearers.add(ticket.as_str());
    let path = format!("/acme/launch?ticket={ticket}&continue={}", continuation(&target));
    let back = waiting.get(&path).await.location().to_owned();
    bearers.cookies(&waiting);
    let delivered = waiting.get(&back).await.delivered();
    bearers.add(base64(delivered.response.as_bytes()));
    bearers.add(delivered.response.split_once("SignatureValue>").unwrap().1[..64].to_owned());
    waiting.get(&back).await.refused("SB-3010");
    waiting.get(&request.at("acme")).await.refused("SB-2011");
    // Another journey stays open.
    waiting.get("/acme/saml/logout").await;
    waiting.get(&Request::to("acme").at("acme")).await.target();

    let mut local = gateway.browser();
    local.sign_in("/bravo/sign-in", "canary-login", "canary-typed-password").await;
    bearers.add("canary-typed-password");
    let form = local.get("/bravo/sign-in").await;
    bearers.add(form.field("csrf").unwrap());
    local.sign_alice_in("/bravo/sign-in").await.target();
    bearers.cookies(&local);
    bearers.add(persistent_name(&mut local).await);
    refusals(gateway, &mut bearers).await;
    bearers
}

/// The name by which a service provider knows the person for ever (conformance A-046).
async fn persistent_name(browser: &mut Browser) -> String {
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let request = Request::by(&SP, "bravo").but(|it| {
        it.policy = format!("<p:NameIDPolicy AllowCreate=\"true\" Format=\"{format}\"/>");
    });
    let delivered = browser.get(&request.at("bravo")).await.delivered();
    let (_, rest) = delivered.response.split_once(&format!("Format=\"{format}\">")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// What is refused must not be remembered or logged either.
async fn refusals(gateway: &TestGateway, bearers: &mut Bearers) {
    let mut claims = ticket::claims("canary-customer");
    claims["service"] = "https://evil.example/".into();
    let refused = ticket::keys()[0].sign(&claims);
    bearers.add(refused.as_str());
    gateway.browser().get(&format!("/acme/launch?ticket={refused}")).await.refused("SB-4001");
    claims["email"] = "x".repeat(300).into();
    let refused = ticket::keys()[1].sign(&claims);
    gateway.browser().get(&format!("/acme/launch?ticket={refused}")).await.refused("SB-3006");
    let mut back_end = gateway.browser();
    back_end.ask_ticket("1", "{\"user_id\":\"canary@customer.example\"}").await.refused("SB-6003");
    back_end.ask_ticket("1", "{\"canary_field\":\"canary\"}").await.refused("SB-6003");
    for path in [
        format!("/acme/continue/canary-{}", "x".repeat(30)),
        format!("/acme/launch?ticket=canary&ticket={}", encode("canary")),
        "/canary/saml/sso?SAMLRequest=canary".to_owned(),
        "/acme/saml/sso?SAMLRequest=canary%25&RelayState=canary".to_owned(),
        "/canary-path".to_owned(),
    ] {
        gateway.browser().get(&path).await;
    }
}

#[tokio::test]
async fn neither_the_store_nor_the_log_holds_what_others_could_use() {
    let (redis, sink) = (RedisServer::start(), Sink::default());
    let gateway = TestGateway::at(&redis).await;
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(sink.clone())
        .finish();
    // With one subscriber only, `tracing` asks whichever thread comes first whether anybody
    // listens.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let logging = tracing::subscriber::set_default(subscriber);
    let bearers = everything(&gateway).await;
    drop(logging);

    let log = sink.text();
    assert!(log.lines().count() > 20, "{log}");
    for (message, part) in [("step", "\"deliver\""), ("code", "SB-3003"), ("customer", "acme")] {
        assert!(log.contains(message) && log.contains(part), "{part} in {log}");
    }
    for line in log.lines() {
        for word in ["canary", "13812345678", "cust-1", "cust-2", "alice", "SAMLRequest=", "<saml"]
        {
            assert!(!line.contains(word), "{word} in {line}");
        }
        for bearer in &bearers.0 {
            assert!(!line.contains(bearer.as_str()), "{bearer} in {line}");
        }
    }
    let contents = redis.contents();
    assert!(contents.len() > 8, "{contents:?}");
    for held in &contents {
        let value = String::from_utf8_lossy(&held.value);
        assert!(held.life > 0, "{held:?}");
        for bearer in &bearers.0 {
            let held = (&held.key, &value);
            assert!(!held.0.contains(bearer) && !held.1.contains(bearer.as_str()), "{held:?}");
        }
        // Keys hold fingerprints and tenants, never who somebody is.
        for word in ["canary", "cust-", "alice", "203.0.113.9"] {
            assert!(!held.key.contains(word), "{held:?}");
        }
        assert!(!value.contains("Assertion ") && !value.contains("SignatureValue"), "{value}");
    }
}
