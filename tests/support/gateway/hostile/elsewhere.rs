//! What is hostile at the addresses that take no SAML message: tickets, the API, link
//! notifications, forms, and addresses that do not exist.

use serde_json::{Value, json};

use super::{FORM, Hostile};
use crate::support::gateway::cloud::{RSA_SHA256, encode, signature_over};
use crate::support::gateway::material::{self, base64};
use crate::support::gateway::{API_KEY, SP_API_KEY, START, TICKETS_API_KEY, ticket};

const JSON: &str = "application/json";
const TICKETS: &str = "/api/v1/acme/tickets";

/// All of them, sent so many seconds after the tests' beginning.
pub(super) fn rows(at: i64) -> Vec<Hostile> {
    let mut rows = tickets(at);
    rows.extend(api());
    rows.extend(notifications());
    rows.extend(forms());
    rows
}

fn tickets(at: i64) -> Vec<Hostile> {
    let claims = |name: &str, value: Value| {
        let mut claims = ticket::claims("cust-1");
        claims["exp"] = (START.unix_timestamp() + at + 50).into();
        claims[name] = value;
        claims
    };
    let good = claims("sub", "cust-1".into());
    let signed = |claims: &Value| ticket::keys()[0].sign(claims);
    let row = |name: &str, code, ticket: &str| {
        Hostile::fetched(&format!("ticket: {name}"), code, format!("/acme/launch?ticket={ticket}"))
    };
    let whole = signed(&good);
    vec![
        row("none", "SB-3001", ""),
        row("no ticket", "SB-3001", "a.b.c"),
        row("beyond the limit", "SB-3001", &"x".repeat(5000)),
        row("twice", "SB-1002", &format!("{whole}&tick%65t={whole}")),
        row("never given out", "SB-3003", "never-given-out"),
        row("no algorithm", "SB-3001", &ticket::unsigned(&good)),
        row("HMAC with the public key", "SB-3004", &ticket::keys()[0].confuse(&good)),
        row("another key", "SB-3004", &ticket::foreign().sign(&good)),
        row("another tenant's", "SB-3005", &signed(&claims("aud", "https://x.example/".into()))),
        row("too old", "SB-3002", &signed(&claims("exp", 1.into()))),
        row("for too long", "SB-3006", &signed(&claims("exp", json!(9_999_999_999_u64)))),
        row("an address as id", "SB-3006", &signed(&claims("sub", "p@mail.example".into()))),
    ]
}

fn api() -> Vec<Hostile> {
    let call = |name: &str, code, key: &str, (target, kind, body): (&str, _, &str)| Hostile {
        name: format!("API: {name}"),
        code,
        target: target.to_owned(),
        body: Some((kind, body.to_owned())),
        headers: vec![
            ("authorization", format!("Bearer {key}")),
            ("idempotency-key", "hostile".to_owned()),
        ],
    };
    let json = |name: &str, code, body: &str| call(name, code, API_KEY, (TICKETS, JSON, body));
    let soap =
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>";
    let doctype = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    let (xml, sp) = ("application/samlmetadata+xml", "/api/v1/acme/sp");
    vec![
        call("a wrong key", "SB-6001", "wrong", (TICKETS, JSON, "{\"user_id\":\"cust-1\"}")),
        call("another tenant's key", "SB-6001", API_KEY, ("/api/v1/bravo/tickets", JSON, "{}")),
        call("no such tenant", "SB-2001", API_KEY, ("/api/v1/nobody/tickets", JSON, "{}")),
        call("no right to it", "SB-6006", TICKETS_API_KEY, ("/api/v1/acme/customers", JSON, "{}")),
        json("nothing", "SB-6002", ""),
        json("no JSON", "SB-6002", "canary"),
        json("no object", "SB-6002", "[]"),
        json("nesting without end", "SB-6002", &"[".repeat(200_000)),
        json("a number for a text", "SB-6003", "{\"user_id\":7}"),
        json("a field that is not known", "SB-6003", "{\"user_id\":\"cust-1\",\"x\":1}"),
        json("a field twice", "SB-6003", "{\"user_id\":\"cust-1\",\"user_id\":\"x\"}"),
        json("beyond the limit", "SB-5007", &format!("\"{}\"", "x".repeat(300 * 1024))),
        call("SOAP for JSON", "SB-6002", API_KEY, (TICKETS, "text/xml", soap)),
        call("a method that is not there", "SB-5006", SP_API_KEY, (sp, xml, doctype)),
    ]
}

fn notifications() -> Vec<Hostile> {
    let posted = |name: &str, code, form: String| {
        Hostile::posted(&format!("link: {name}"), code, "/acme/link-result", form)
    };
    let signed = |pair, text: &str| {
        let signature = base64(&signature_over(pair, text.as_bytes()));
        let [text, signature, algorithm] = [text, &signature, RSA_SHA256].map(encode);
        format!("bindRequest={text}&SigAlg={algorithm}&Signature={signature}")
    };
    let json = |json: &str| base64(json.as_bytes());
    let good = json(
        "{\"xUserId\":\"cust-1\",\"domainId\":\"d\",\"domainName\":\"n\",\"userId\":\"u\",\
         \"userName\":\"n\",\"bindAction\":0}",
    );
    let (ours, stranger) = (material::sp(), material::stranger());
    vec![
        posted("nothing", "SB-4101", String::new()),
        posted("no signature", "SB-4101", format!("bindRequest={}&SigAlg=x", encode(&good))),
        posted("twice", "SB-4101", format!("{0}&{0}", signed(ours, &good))),
        posted("no base64", "SB-4101", signed(ours, "!")),
        posted("no JSON", "SB-4101", signed(ours, &json("no json"))),
        posted("no object", "SB-4101", signed(ours, "W10=")),
        posted("an empty customer", "SB-4101", signed(ours, &json("{\"xUserId\":\"\"}"))),
        posted("another key", "SB-4102", signed(stranger, &good)),
        posted("beyond the limit", "SB-5007", "x".repeat(300 * 1024)),
    ]
}

fn forms() -> Vec<Hostile> {
    let posted = |name: &str, code, target: &str, form: &str| Hostile {
        name: format!("form: {name}"),
        code,
        target: target.to_owned(),
        body: Some((FORM, form.to_owned())),
        headers: Vec::new(),
    };
    let fetched = |name: &str, code, target: &str| Hostile::fetched(name, code, target.to_owned());
    let typed = "csrf=made-up&username=alice&password=correct+horse+battery";
    vec![
        posted("sign-in where there is none", "SB-3016", "/acme/sign-in", typed),
        posted("beyond the limit", "SB-5007", "/bravo/sign-in", &"x".repeat(300 * 1024)),
        posted("a logout that nobody began", "SB-3010", "/bravo/logout/nobody", "csrf=x"),
        fetched("a journey that nobody began", "SB-3010", "/acme/continue/nobody"),
        fetched("a message that nobody posted", "SB-3010", "/acme/saml/arrived/nobody"),
        fetched("a key that nobody has", "SB-2012", "/acme/saml/metadata/nobody"),
        fetched("no such tenant", "SB-2001", "/nobody/launch?ticket=x"),
        fetched("a tenant that is closed", "SB-2001", "/closed/launch?ticket=x"),
        fetched("no such address", "SB-5005", "/acme/../../no/such/file"),
        fetched("an address of no text", "SB-5005", "/%00%FF/%2e%2e/x"),
        posted("no such method", "SB-5006", "/acme/cloud", "x=y"),
    ]
}
