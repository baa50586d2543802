//! `AuthnRequest`s by HTTP-POST: from another site, so without cookies, until the browser has
//! followed us to an address of ours (conformance B-27).

use axum::http::StatusCode;

use super::{continuation, handed_off, launch, request_now, ticket_now};
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{CN, Key, Request, SP};
use crate::support::gateway::{TestGateway, enveloped, material};
use crate::support::redis::RedisServer;

/// Posts a request from the cloud's page; gives where the browser is sent.
async fn post(browser: &mut Browser, tenant: &str, request: &Request) -> String {
    let address = format!("/{tenant}/saml/sso");
    let answer = browser.post_from_elsewhere(&address, &request.fields()).await;
    let next = answer.location().to_owned();
    assert!(next.starts_with(&format!("/{tenant}/saml/arrived/")), "{next}");
    assert_eq!(answer.headers.get("set-cookie"), None);
    next
}

async fn refused_at(browser: &mut Browser, address: &str, document: &str) -> Answer {
    let fields = Request::to("acme").fields_of(document);
    browser.post_from_elsewhere(address, &fields).await
}

#[tokio::test]
async fn a_posted_request_finds_the_session_that_its_post_did_not_show() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let request = Request::to("acme").but(|it| it.relay_state = Some("状态 ".repeat(200)));
    let next = post(&mut browser, "acme", &request).await;
    let delivered = browser.get(&next).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.acs, CN.acs);
    assert_eq!(delivered.value("InResponseTo"), request.id);
    assert_eq!(delivered.relay_state, request.relay_state);
}

#[tokio::test]
async fn a_posted_request_without_a_session_waits_for_the_sign_in() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("acme");
    let next = post(&mut browser, "acme", &request).await;
    let target = browser.get(&next).await.target();
    let (handle, ticket) = (continuation(&target), ticket_now(&gateway, "cust-1"));
    // Reloading, or going back, shows the page that still waits.
    assert_eq!(continuation(&browser.get(&next).await.target()), handle);
    let back = browser.get(&format!("/acme/launch?ticket={ticket}&continue={handle}")).await;
    let delivered = browser.get(back.location()).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.value("InResponseTo"), request.id);
}

#[tokio::test]
async fn a_posted_request_is_answered_once_and_in_one_browser() {
    let gateway = TestGateway::new().await;
    let request = Request::to("acme");
    let mut browser = handed_off(&gateway, "cust-1").await;
    let next = post(&mut browser, "acme", &request).await;
    assert!(browser.get(&next).await.delivered().asserts());
    // The address again, here and in somebody else's browser; the post again, here and there.
    browser.get(&next).await.refused("SB-2011");
    let mut other = handed_off(&gateway, "cust-2").await;
    other.get(&next).await.refused("SB-2011");
    for browser in [&mut browser, &mut other] {
        let again = post(browser, "acme", &request).await;
        browser.get(&again).await.refused("SB-2011");
    }
    // And by the other binding.
    browser.get(&request.at("acme")).await.refused("SB-2011");
}

#[tokio::test]
async fn a_journey_that_waits_in_one_browser_cannot_be_taken_over_by_another() {
    let gateway = TestGateway::new().await;
    let request = Request::to("acme");
    let mut browser = gateway.browser();
    let next = post(&mut browser, "acme", &request).await;
    let handle = continuation(&browser.get(&next).await.target());
    let mut other = handed_off(&gateway, "cust-2").await;
    other.get(&next).await.refused("SB-2011");
    other.get(&format!("/acme/continue/{handle}")).await.refused("SB-3011");
    launch(&gateway, &mut browser, "cust-1").await;
    let delivered = browser.get(&format!("/acme/continue/{handle}")).await.delivered();
    assert!(delivered.asserts());
}

#[tokio::test]
async fn posting_a_request_again_before_it_is_answered_is_answered_once() {
    let gateway = TestGateway::new().await;
    let request = Request::to("acme");
    let mut browser = handed_off(&gateway, "cust-1").await;
    let first = post(&mut browser, "acme", &request).await;
    let second = post(&mut browser, "acme", &request).await;
    assert_ne!(first, second);
    assert!(browser.get(&second).await.delivered().asserts());
    browser.get(&first).await.refused("SB-2011");
}

#[tokio::test]
async fn a_posted_request_waits_minutes_for_its_browser_and_no_longer() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    post(&mut browser, "acme", &Request::to("acme")).await;
    let held = redis.contents().into_iter().find(|held| held.key.contains("arrived:")).unwrap();
    assert!((1..=120_000).contains(&held.life), "{held:?}");
    browser.get("/acme/saml/arrived/nobody").await.refused("SB-3010");
}

#[tokio::test]
async fn a_posted_request_belongs_to_its_tenant() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let next = post(&mut browser, "acme", &Request::to("acme")).await;
    let elsewhere = next.replace("/acme/", "/bravo/");
    browser.get(&elsewhere).await.refused("SB-3010");
    browser.get(&next.replace("/acme/", "/closed/")).await.refused("SB-2001");
    assert!(browser.get(&next).await.delivered().asserts());
}

#[tokio::test]
async fn a_post_to_the_address_of_a_key_is_answered_with_that_key() {
    let gateway = TestGateway::new().await;
    let address = format!("/acme/saml/sso/{}", gateway.kids[1]);
    let request = Request::to("acme").but(|it| {
        it.destination = Some(format!("{}{address}", crate::support::gateway::BASE));
    });
    let mut browser = handed_off(&gateway, "cust-1").await;
    let answer = browser.post_from_elsewhere(&address, &request.fields()).await;
    let delivered = browser.get(answer.location()).await.delivered();
    let next: String = material::base64(&material::idp_next().certificate);
    assert!(delivered.response.contains(&next));
    let retired = format!("/acme/saml/sso/{}", gateway.retired_kid());
    browser.post_from_elsewhere(&retired, &request.fields()).await.refused("SB-2012");
}

#[tokio::test]
async fn only_an_sp_that_need_not_sign_may_post_unsigned() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let unsigned = |tenant| Request::to(tenant).but(|it| it.key = Key::None);
    let answer = browser.post("/acme/saml/sso", &unsigned("acme").fields()).await;
    answer.refused("SB-2004");
    let sp = unsigned("generic");
    assert_eq!(sp.issuer, SP.entity_id);
    let next = post(&mut browser, "generic", &sp).await;
    assert_eq!(browser.get(&next).await.status, StatusCode::SEE_OTHER);
    // Signed by somebody else is not unsigned.
    let stranger = Request::to("generic").but(|it| it.key = Key::Stranger);
    browser.post("/generic/saml/sso", &stranger.fields()).await.refused("SB-2006");
}

#[tokio::test]
async fn a_hostile_post_is_refused_by_its_code_and_leaves_nothing_behind() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let before = redis.contents().len();
    let good = Request::to("acme");
    let encoded = |document: &str| material::base64(document.as_bytes());
    let signed = good.enveloped();
    let stripped = good.xml();
    let changed = signed.replace("IsPassive=\"false\"", "IsPassive=\"true\"");
    let no_destination = Request::to("acme").but(|it| it.destination = None).enveloped();
    let elsewhere = Request::to("acme")
        .but(|it| {
            it.destination = Some(format!("{}/bravo/saml/sso", crate::support::gateway::BASE));
        })
        .enveloped();
    let stranger = Request::to("acme").but(|it| it.key = Key::Stranger).enveloped();
    let old = Request::to("acme").issued(-100_000).enveloped();
    let large = " ".repeat(128 * 1024 + 1);
    for (code, document) in [
        ("SB-2004", stripped.as_str()),
        ("SB-2006", &changed),
        ("SB-2006", &stranger),
        ("SB-2007", &no_destination),
        ("SB-2007", &elsewhere),
        ("SB-2009", &old),
        ("SB-1006", &large),
        ("SB-1008", "<!DOCTYPE a><a/>"),
        ("SB-1009", "<a>"),
        ("SB-1011", "<a/>"),
    ] {
        refused_at(&mut browser, "/acme/saml/sso", document).await.refused(code);
    }
    let message = encoded(&signed);
    let one = ("SAMLRequest", message.as_str());
    for (code, address, fields) in [
        ("SB-1001", "/acme/saml/sso", vec![("RelayState", "x")]),
        ("SB-1002", "/acme/saml/sso", vec![one, one]),
        ("SB-1002", "/acme/saml/sso", vec![one, ("SAMLResponse", "x")]),
        ("SB-1002", "/acme/saml/sso", vec![one, ("RelayState", "x"), ("RelayState", "x")]),
        ("SB-1002", "/acme/saml/sso?SAMLRequest=x", vec![one]),
        ("SB-1002", "/acme/saml/sso?RelayState=x", vec![one]),
        ("SB-1002", "/acme/saml/sso?Signature=x&SigAlg=y", vec![one]),
        ("SB-2006", "/acme/saml/sso", vec![one, ("Signature", "x"), ("SigAlg", "y")]),
        ("SB-1004", "/acme/saml/sso", vec![("SAMLRequest", "****")]),
    ] {
        browser.post_from_elsewhere(address, &fields).await.refused(code);
    }
    let body = "x".repeat(skybridge::limits::BODY_BYTES + 1);
    browser.post("/acme/saml/sso", &[("SAMLRequest", body.as_str())]).await.refused("SB-5007");
    assert_eq!(redis.contents().len(), before);
    // What was refused has used nothing up.
    let next = post(&mut browser, "acme", &good).await;
    assert!(browser.get(&next).await.delivered().asserts());
}

#[tokio::test]
async fn odd_but_legal_documents_are_taken_by_post() {
    let gateway = TestGateway::new().await;
    let base = request_now(&gateway, "acme");
    let fresh = || Request::to("acme");
    let default_prefix = |document: &str| {
        document.replace("<p:", "<").replace("</p:", "</").replace("xmlns:p=", "xmlns=")
    };
    let documents = [
        default_prefix(&fresh().xml()),
        fresh().xml().replace("><", ">\n  <"),
        fresh().xml().replace(
            "https://auth.huaweicloud.com/</",
            "<![CDATA[https://auth.huaweicloud.com/]]></",
        ),
        fresh()
            .but(|it| {
                it.before_policy = "<p:Extensions><x:a xmlns:x=\"urn:x\" x:y=\"1\"><x:b/></x:a>\
                                    <q xmlns=\"urn:q\">t</q></p:Extensions>"
                    .to_owned();
            })
            .xml(),
        fresh()
            .but(|it| it.attributes = "Consent=\"urn:x\" ProviderName=\"春 &amp; co\"".into())
            .xml(),
    ];
    for document in documents {
        let mut browser = handed_off(&gateway, "cust-1").await;
        let signed = enveloped::signed(&document, material::sp());
        let answer = browser.post_from_elsewhere("/acme/saml/sso", &base.fields_of(&signed)).await;
        let delivered = browser.get(answer.location()).await.delivered();
        assert!(delivered.asserts(), "{document}");
    }
}
