//! Other algorithms than RSA signatures over plain assertions: assertions that are encrypted, from
//! the request to the service provider that decrypts them, and keys on an elliptic curve.

use axum::http::{Method, StatusCode};
use skybridge::saml::names::algorithm;

use super::continuation;
use super::secrets::Sink;
use crate::support::gateway::browser::Browser;
use crate::support::gateway::cloud::{Cloud, KEYLESS, Request, SEALED, SP};
use crate::support::gateway::material::base64;
use crate::support::gateway::{SP_API_KEY, TestGateway, material, ticket};
use crate::support::schema::{Schema, assert_valid};
use crate::support::xmlsec;

/// A browser in which a person of the tenant `generic` is signed in.
async fn signed_in(gateway: &TestGateway) -> Browser {
    let mut browser = gateway.browser();
    let target = browser.get(&Request::to("generic").at("generic")).await.target();
    let mut claims = ticket::claims("cust-1");
    claims["aud"] = "https://gateway.example/generic".into();
    let (ticket, handle) = (ticket::keys()[0].sign(&claims), continuation(&target));
    browser.get(&format!("/generic/launch?ticket={ticket}&continue={handle}")).await;
    browser
}

fn asked_by(cloud: &Cloud) -> String {
    Request::by(cloud, "generic").at("generic")
}

// Conformance A-111.
#[tokio::test]
async fn a_service_provider_with_a_key_gets_its_assertion_encrypted_and_another_does_not() {
    let gateway = TestGateway::new().await;
    let mut browser = signed_in(&gateway).await;
    let sealed = browser.get(&asked_by(&SEALED)).await.delivered().response;
    assert_valid(Schema::Protocol, &sealed);
    assert!(sealed.contains("<saml2:EncryptedAssertion "), "{sealed}");
    for secret in ["<saml2:Assertion", "cust-1", "displayName"] {
        assert!(!sealed.contains(secret), "{secret} in {sealed}");
    }
    let certificate = gateway.certificate_file();
    let response = "urn:oasis:names:tc:SAML:2.0:protocol:Response";
    xmlsec::verify(&[&sealed], &certificate, response).unwrap();
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), &material::sp().private_pem).unwrap();
    let decrypted = xmlsec::decrypt(&sealed, key.path()).unwrap();
    assert!(decrypted.contains(">cust-1</saml2:AttributeValue>"), "{decrypted}");
    let assertion = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
    xmlsec::verify(&[&decrypted], &certificate, assertion).unwrap();

    let again = browser.get(&asked_by(&SEALED)).await.delivered().response;
    let value = |text: &str| text.rsplit("<xenc:CipherValue>").next().unwrap()[..16].to_owned();
    assert_ne!(value(&sealed), value(&again), "an IV came twice");
    let plain = browser.get(&asked_by(&SP)).await.delivered().response;
    assert!(plain.contains("<saml2:Assertion "), "{plain}");
}

// Conformance A-118.
#[tokio::test]
async fn weak_encryption_is_warned_of_at_the_start_and_at_each_answer() {
    let sink = Sink::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(sink.clone())
        .finish();
    // Or else the thread that comes first decides whether anybody listens.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _logging = tracing::subscriber::set_default(subscriber);
    let gateway = TestGateway::new().await;
    let start = sink.text();
    assert!(start.contains("weak encryption allowed") && start.contains("sealed-only"), "{start}");

    let entity_id = "https://weak.example/saml";
    let method = format!("<md:EncryptionMethod Algorithm=\"{}\"/>", algorithm::AES256_CBC);
    let metadata = SEALED.metadata().replace(SEALED.entity_id, entity_id);
    let metadata = metadata.replace("</md:KeyDescriptor>", &format!("{method}</md:KeyDescriptor>"));
    let mut operator = gateway.browser().saying("authorization", &format!("Bearer {SP_API_KEY}"));
    let path = "/api/v1/generic/sp/https%3A%2F%2Fweak.example%2Fsaml?profile=sealed-only";
    let body = (Some("application/samlmetadata+xml"), metadata);
    let registered = operator.send(Method::PUT, path, body).await;
    assert_eq!(registered.status, StatusCode::OK, "{registered:?}");
    let mut browser = signed_in(&gateway).await;
    assert_eq!(sink.text().matches("assertion encrypted weakly").count(), 0);
    for number in 1..=2 {
        let request = Request::by(&SEALED, "generic").but(|it| {
            entity_id.clone_into(&mut it.issuer);
            it.policy = String::new();
        });
        let response = browser.get(&request.at("generic")).await.delivered().response;
        assert!(response.contains(algorithm::AES256_CBC), "{response}");
        assert_eq!(sink.text().matches("assertion encrypted weakly").count(), number);
    }
}

#[tokio::test]
async fn without_a_key_there_is_no_assertion_where_it_has_to_be_encrypted() {
    let gateway = TestGateway::new().await;
    let mut browser = signed_in(&gateway).await;
    browser.get(&asked_by(&KEYLESS)).await.refused("SB-2040");
    // A status tells nothing about anybody, so it needs no key.
    let passive = Request::by(&KEYLESS, "generic")
        .but(|it| it.attributes = "ForceAuthn=\"false\" IsPassive=\"true\"".to_owned());
    let declined = gateway.browser().get(&passive.at("generic")).await.delivered().response;
    assert!(declined.contains("status:NoPassive"), "{declined}");
}

#[tokio::test]
async fn who_comes_by_the_address_of_an_ec_key_gets_its_signature() {
    let gateway = TestGateway::new().await;
    let mut browser = signed_in(&gateway).await;
    let address = format!("/generic/saml/sso/{}", gateway.ec_kid("generic"));
    let request = Request::to("generic")
        .but(|it| it.destination = Some(format!("https://gateway.example{address}")));
    let answer = browser.get(&format!("{address}?{}", request.query())).await;
    let response = answer.delivered().response;
    assert_valid(Schema::Protocol, &response);
    assert_eq!(response.matches("xmldsig-more#ecdsa-sha256").count(), 2, "{response}");
    for element in ["protocol:Response", "assertion:Assertion"] {
        let element = format!("urn:oasis:names:tc:SAML:2.0:{element}");
        xmlsec::verify(&[&response], &gateway.ec_certificate_file(), &element).unwrap();
        xmlsec::verify(&[&response], &gateway.certificate_file(), &element).unwrap_err();
    }
}

#[tokio::test]
async fn an_ec_key_has_metadata_in_the_rich_form_only_and_is_not_offered_to_encrypt_for() {
    let gateway = TestGateway::new().await;
    let path = |tenant: &str| format!("/{tenant}/saml/metadata/{}", gateway.ec_kid(tenant));
    let text = gateway.browser().get(&path("generic")).await.body;
    assert_valid(Schema::Metadata, &text);
    let (_, encryption) = text.split_once("use=\"encryption\"").unwrap();
    assert!(text.contains(&base64(&material::idp_ec().certificate)), "{text}");
    assert!(!encryption.contains(&base64(&material::idp_ec().certificate)), "{text}");
    assert!(encryption.contains(&base64(&material::idp().certificate)), "{text}");
    // The contract's form is for a cloud that verifies RSA only.
    gateway.browser().get(&path("delta")).await.refused("SB-5004");
}
