//! Attributes that the partner gives by names of its own: several values, to those service
//! providers that the profile means (conformance ).

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::gateway::browser::Delivered;
use crate::support::gateway::cloud::{Request, SP};
use crate::support::gateway::{BASE, SP_API_KEY, TestGateway, ticket};

const GROUPS: &str = "urn:oid:1.3.6.1.4.1.5923.1.5.1.1";
const UNIT: &str = "urn:oid:2.5.4.11";
const CATEGORY: &str = "http://macedir.org/entity-category";
const RESEARCH: &str = "http://refeds.org/category/research-and-scholarship";

/// Puts a service provider of this name, which the profile `federated` is for, into acme. Its
/// metadata says that it is of the category, and requests `UNIT` with these values.
async fn register(gateway: &TestGateway, name: &str, (category, units): (&str, &[&str])) {
    let value = |value: &&str| format!("<s:AttributeValue>{value}</s:AttributeValue>");
    let units = units.iter().map(value).collect::<Vec<_>>().concat();
    let saml = "urn:oasis:names:tc:SAML:2.0:assertion";
    let extensions = format!(
        "<md:Extensions><a:EntityAttributes xmlns:a=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
         <s:Attribute xmlns:s=\"{saml}\" Name=\"{CATEGORY}\">{}</s:Attribute>\
         </a:EntityAttributes></md:Extensions><md:SPSSODescriptor",
        value(&category),
    );
    let group = format!(
        "<md:AttributeConsumingService xmlns:s=\"{saml}\" index=\"0\"><md:ServiceName \
         xml:lang=\"en\">x</md:ServiceName><md:RequestedAttribute Name=\"{GROUPS}\"/>\
         <md:RequestedAttribute Name=\"{UNIT}\">{units}</md:RequestedAttribute>\
         </md:AttributeConsumingService></md:SPSSODescriptor>"
    );
    let metadata = SP
        .metadata()
        .replace(SP.entity_id, &entity_id(name))
        .replacen("<md:SPSSODescriptor", &extensions, 1)
        .replacen("</md:SPSSODescriptor>", &group, 1);
    let mut operator = gateway.browser().saying("authorization", &format!("Bearer {SP_API_KEY}"));
    let path = format!("/api/v1/acme/sp/https%3A%2F%2F{name}.example?profile=federated");
    let put = operator.send(Method::PUT, &path, (None, metadata)).await;
    assert!(put.status.is_success(), "{put:?}");
}

fn entity_id(name: &str) -> String {
    format!("https://{name}.example")
}

/// What the service provider gets about a customer who comes with this address of a ticket.
async fn told(gateway: &TestGateway, name: &str, address: &str) -> Delivered {
    let mut browser = gateway.browser();
    browser.get(address).await.target();
    browser.get(&request(name).at("acme")).await.delivered()
}

/// What that service provider asks.
fn request(name: &str) -> Request {
    Request::by(&SP, "acme").but(|it| {
        it.issuer = entity_id(name);
        it.policy = String::new();
    })
}

/// The values of an attribute in an answer; none where it is not there.
fn values(delivered: &Delivered, name: &str) -> Option<Vec<String>> {
    let (_, rest) = delivered.response.split_once(&format!(" Name=\"{name}\""))?;
    let (attribute, _) = rest.split_once("</saml2:Attribute>").unwrap();
    let value = |piece: &str| {
        let (value, _) = piece.split_once("</saml2:AttributeValue>").unwrap();
        value.rsplit_once('>').unwrap().1.to_owned()
    };
    Some(attribute.split("<saml2:AttributeValue").skip(1).map(value).collect())
}

/// The address of a ticket that acme's back end signs.
fn signed(attributes: Value) -> String {
    let mut claims = ticket::claims("cust-1");
    claims["attributes"] = attributes;
    format!("/acme/launch?ticket={}", ticket::keys()[0].sign(&claims))
}

#[tokio::test]
async fn several_values_go_out_as_several_elements_by_either_kind_of_ticket() {
    let gateway = TestGateway::new().await;
    register(&gateway, "lab", (RESEARCH, &[])).await;
    let attributes = json!({ "groups": ["b & c", "a"], "unit": "sales", "unknown": "x" });
    let body = json!({ "user_id": "cust-1", "attributes": attributes }).to_string();
    let given = gateway.browser().ask_ticket("one", &body).await;
    let given: Value = serde_json::from_str(&given.body).unwrap();
    let given = given["url"].as_str().unwrap().replace(BASE, "");
    for address in [given, signed(attributes.clone())] {
        let delivered = told(&gateway, "lab", &address).await;
        assert!(delivered.asserts(), "{}", delivered.response);
        assert_eq!(values(&delivered, GROUPS).unwrap(), ["b &amp; c", "a"]);
        assert_eq!(values(&delivered, UNIT).unwrap(), ["sales"]);
    }
    // More than the profile takes is not cut: it is withheld, and the login does not fail.
    let many: Vec<_> = (0..9).map(|n| n.to_string()).collect();
    let delivered = told(&gateway, "lab", &signed(json!({ "groups": many }))).await;
    assert!(delivered.asserts());
    assert_eq!(values(&delivered, GROUPS), None);
}

// Conformance A-009, B-19.
#[tokio::test]
async fn an_assertion_says_that_it_is_for_one_use_where_the_profile_does() {
    let gateway = TestGateway::new().await;
    register(&gateway, "lab", (RESEARCH, &[])).await;
    let response = told(&gateway, "lab", &signed(json!({}))).await.response;
    let one_use =
        "</saml2:AudienceRestriction><saml2:OneTimeUse></saml2:OneTimeUse></saml2:Conditions>";
    assert_eq!(response.matches("OneTimeUse>").count(), 2, "{response}");
    assert!(response.contains(one_use), "{response}");
}

#[tokio::test]
async fn an_attribute_goes_to_service_providers_of_a_category_only() {
    let gateway = TestGateway::new().await;
    register(&gateway, "lab", (RESEARCH, &[])).await;
    register(&gateway, "shop", ("http://example.org/category/shops", &[])).await;
    for (name, expected) in [("lab", Some(vec!["a".to_owned()])), ("shop", None)] {
        let attributes = json!({ "groups": "a", "unit": "sales" });
        let delivered = told(&gateway, name, &signed(attributes)).await;
        assert_eq!(values(&delivered, GROUPS), expected, "{name}");
        assert_eq!(values(&delivered, UNIT).unwrap(), ["sales"], "{name}");
        let explained = gateway.explain(&request(name).at("acme"), "").await;
        let told = explained.reply.unwrap().attributes;
        assert_eq!(told.iter().any(|one| one.name == GROUPS), name == "lab", "{name}");
    }
}

#[tokio::test]
async fn only_the_values_that_metadata_asks_for_go_out() {
    let gateway = TestGateway::new().await;
    register(&gateway, "lab", (RESEARCH, &["sales", "stock"])).await;
    for (units, expected) in
        [(json!(["board", "sales"]), Some(vec!["sales".to_owned()])), (json!(["board"]), None)]
    {
        let delivered = told(&gateway, "lab", &signed(json!({ "unit": units }))).await;
        assert_eq!(values(&delivered, UNIT), expected);
    }
}

#[tokio::test]
async fn attributes_beyond_their_limits_are_refused_without_being_repeated() {
    let gateway = TestGateway::new().await;
    for (bad, found) in [
        (json!({ "canary": ["x", 7] }), "an object"),
        (json!({ "canary": vec!["x"; 65] }), "an object"),
        (json!({ "a canary": "x" }), "an object"),
        (json!(["canary"]), "a list of 1"),
    ] {
        let body = json!({ "user_id": "cust-1", "attributes": bad }).to_string();
        let answer = gateway.browser().ask_ticket("bad", &body).await;
        answer.refused("SB-6003");
        assert!(!answer.body.contains("canary"), "{answer:?}");
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["errors"][0]["field"], "attributes");
        assert_eq!(problem["errors"][0]["found"], found);
        gateway.browser().get(&signed(bad)).await.refused("SB-3006");
    }
}
