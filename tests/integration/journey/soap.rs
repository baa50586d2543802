//! Single logout without a browser between: service providers that are called, and those who call
//! (saml-bindings-2.0-os §3.2; conformance ).

use axum::http::{Method, StatusCode};
use skybridge::saml::logout::LogoutResponse;
use skybridge::saml::{Unsigned, VerifyingKey, soap};

use super::logout::{
    PARTIAL, SUCCESS, UNKNOWN, answered, ask, follow, is_signed_in, told, with_alice,
};
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::callee::{Callee, Manner, around};
use crate::support::gateway::leaver::{CALLED, Known, ONE};
use crate::support::gateway::{TestGateway, enveloped, material};
use crate::support::xmlsec;

/// A gateway that knows a service provider which can be called only by SOAP.
async fn without_browser(manner: Manner) -> (TestGateway, Callee) {
    let callee = Callee::start(manner).await;
    (TestGateway::knowing(&[callee.metadata_without_browser()]).await, callee)
}

/// That the call names the session that the service provider knows, signed, as xmlsec1 finds.
fn is_told_of(gateway: &TestGateway, callee: &Callee, known: &Known) {
    let heard = callee.heard();
    let [envelope] = &heard[..] else { panic!("{heard:?}") };
    let element = "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest";
    xmlsec::verify(&[envelope], &gateway.certificate_file(), element).unwrap();
    let (_, name) = known.name_id.split_once('>').unwrap();
    for part in [
        format!("Destination=\"{}\"", callee.url()),
        "NotOnOrAfter=\"2026-01-02T03:09:05.678Z\"".to_owned(),
        format!(">{name}"),
        format!("<saml2p:SessionIndex>{}<", known.index),
    ] {
        assert!(envelope.contains(&part), "{part} in {envelope}");
    }
}

#[tokio::test]
async fn who_can_be_called_is_told_directly_and_the_others_through_the_browser() {
    let (gateway, callee) = without_browser(Manner::Well).await;
    let (mut browser, known) = with_alice(&gateway, &[CALLED, ONE]).await;
    let begun = browser.get("/bravo/logout").await;
    is_told_of(&gateway, &callee, &known[0]);
    let (names, end) = follow(&mut browser, &begun).await;
    assert_eq!(names, ["one"]);
    assert!(end.body.contains("You are signed out"), "{end:?}");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn where_everybody_can_be_called_the_browser_goes_nowhere() {
    let (gateway, callee) = without_browser(Manner::Well).await;
    let (mut browser, known) = with_alice(&gateway, &[CALLED]).await;
    let end = browser.get("/bravo/logout").await;
    is_told_of(&gateway, &callee, &known[0]);
    assert!(end.body.contains("You are signed out"), "{end:?}");
}

#[tokio::test]
async fn a_call_that_is_not_answered_well_counts_as_a_failure() {
    for manner in Manner::BAD {
        let (gateway, callee) = without_browser(manner).await;
        let (mut browser, _) = with_alice(&gateway, &[CALLED]).await;
        let end = browser.get("/bravo/logout").await;
        assert_eq!(callee.heard().len(), 1, "{manner:?}");
        assert!(end.body.contains("not everywhere"), "{manner:?}: {end:?}");
        assert!(end.body.contains("called.example"), "{manner:?}: {end:?}");
        assert!(!is_signed_in(&mut browser).await, "{manner:?}");
    }
}

#[tokio::test]
async fn who_cannot_be_called_is_told_through_the_browser_where_that_is_possible() {
    let callee = Callee::start(Manner::Fault).await;
    let gateway = TestGateway::knowing(&[callee.metadata()]).await;
    let (mut browser, _) = with_alice(&gateway, &[CALLED]).await;
    let begun = browser.get("/bravo/logout").await;
    assert_eq!(callee.heard().len(), 1);
    let (sp, _) = told(&mut browser, begun.location()).await;
    assert_eq!(sp, CALLED);
    let (_, end) = follow(&mut browser, &begun).await;
    assert!(end.body.contains("You are signed out"), "{end:?}");
    assert_eq!(callee.heard().len(), 1, "it is not called twice");
}

#[tokio::test]
async fn who_asks_through_the_browser_is_answered_about_those_who_were_called() {
    for (manner, detail) in [(Manner::Well, None), (Manner::Failed, Some(PARTIAL))] {
        let (gateway, callee) = without_browser(manner).await;
        let (mut browser, known) = with_alice(&gateway, &[ONE, CALLED]).await;
        let end = ask(&mut browser, &ONE.logout("_r1", &known[0])).await;
        is_told_of(&gateway, &callee, &known[1]);
        answered(&end, ONE, SUCCESS, detail);
    }
}

/// Calls the gateway, as a program without a browser.
async fn calls(gateway: &TestGateway, envelope: String) -> Answer {
    let kind = Some("text/xml; charset=utf-8");
    gateway.browser().send(Method::POST, "/bravo/saml/logout", (kind, envelope)).await
}

fn signed(message: &str) -> String {
    around(&enveloped::signed(message, material::sp()))
}

/// What the gateway answered in an envelope, as a service provider reads it.
#[track_caller]
fn verified(answer: &Answer) -> LogoutResponse {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
    let key = VerifyingKey::from_certificate(&material::idp().certificate).unwrap();
    let read = soap::read::<LogoutResponse>(answer.body.as_bytes()).unwrap();
    read.verify(&[key], Unsigned::Refuse).unwrap().into_inner().message
}

#[tokio::test]
async fn who_calls_ends_the_session_and_is_answered_by_the_same_call() {
    let (gateway, callee) = without_browser(Manner::Well).await;
    let (mut browser, known) = with_alice(&gateway, &[CALLED]).await;
    let answer = calls(&gateway, signed(&CALLED.logout("_r1", &known[0]))).await;
    let element = "urn:oasis:names:tc:SAML:2.0:protocol:LogoutResponse";
    xmlsec::verify(&[&answer.body], &gateway.certificate_file(), element).unwrap();
    let response = verified(&answer);
    assert_eq!((response.status.as_str(), response.detail), (SUCCESS, None));
    assert_eq!(response.in_response_to.unwrap().as_str(), "_r1");
    assert_eq!(response.destination, None);
    assert!(callee.heard().is_empty(), "who asks is not told");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn who_calls_hears_who_could_not_be_told_without_a_browser() {
    let (gateway, callee) = without_browser(Manner::Well).await;
    let (mut browser, known) = with_alice(&gateway, &[CALLED, ONE]).await;
    let answer = calls(&gateway, signed(&CALLED.logout("_r1", &known[0]))).await;
    let response = verified(&answer);
    assert_eq!((response.status.as_str(), response.detail.as_deref()), (SUCCESS, Some(PARTIAL)));
    assert!(!is_signed_in(&mut browser).await);
    // Who can be called is.
    let (mut browser, known) = with_alice(&gateway, &[CALLED, ONE]).await;
    let response = verified(&calls(&gateway, signed(&ONE.logout("_r2", &known[1]))).await);
    assert_eq!((response.status.as_str(), response.detail), (SUCCESS, None));
    is_told_of(&gateway, &callee, &known[0]);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_call_that_names_nobody_here_is_answered_so() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let nowhere = Known { index: "_other".to_owned(), ..known[0].clone() };
    for message in [ONE.logout("_r1", &nowhere), ONE.logout_of("_r2", &known[0].name_id)] {
        let response = verified(&calls(&gateway, signed(&message)).await);
        assert_eq!(response.detail.as_deref(), Some(UNKNOWN));
    }
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_call_need_not_say_where_it_goes() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let destination = " Destination=\"https://gateway.example/bravo/saml/logout\"";
    let message = ONE.logout("_r1", &known[0]);
    assert!(message.contains(destination));
    let answer = calls(&gateway, signed(&message.replace(destination, ""))).await;
    assert_eq!(verified(&answer).status, SUCCESS);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_call_that_is_not_proved_ends_nothing_and_gets_a_fault() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let message = ONE.logout("_r1", &known[0]);
    let changed = |from: &str, to: &str| {
        assert!(message.contains(from), "{from}");
        signed(&message.replace(from, to))
    };
    let good = signed(&message);
    for (code, envelope) in [
        ("SB-2004", around(&message)),
        ("SB-2006", around(&enveloped::signed(&message, material::stranger()))),
        ("SB-2006", good.replace(&known[0].index, "_changed")),
        ("SB-2007", changed("/bravo/saml/logout", "/acme/saml/logout")),
        ("SB-2009", changed("2026-01-02T03:04:05.678Z", "2026-01-02T02:04:05.678Z")),
        ("SB-2003", changed("https://one.example/saml", "https://nobody.example/saml")),
        (
            "SB-1011",
            good.replace("<s:Header/>", "<s:Header><x s:mustUnderstand=\"1\"/></s:Header>"),
        ),
        ("SB-1011", message.clone()),
        ("SB-1008", format!("<!DOCTYPE x>{good}")),
        ("SB-1009", String::new()),
    ] {
        let answer = calls(&gateway, envelope).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{answer:?}");
        assert!(answer.body.contains(&format!("<faultstring>{code}<")), "{code}: {answer:?}");
        assert!(!answer.body.contains("LogoutResponse"), "{answer:?}");
    }
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(verified(&calls(&gateway, good.clone()).await).status, SUCCESS);
    assert!(!is_signed_in(&mut browser).await);
    let again = calls(&gateway, good).await;
    assert!(again.body.contains("<faultstring>SB-2011<"), "{again:?}");
}

#[tokio::test]
async fn cookies_prove_nothing_about_who_calls() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let envelope = signed(&ONE.logout_of("_r1", &known[0].name_id));
    let kind = Some("text/xml");
    let answer = Browser::send(&mut browser, Method::POST, "/bravo/saml/logout", (kind, envelope));
    assert_eq!(verified(&answer.await).detail.as_deref(), Some(UNKNOWN));
    assert!(is_signed_in(&mut browser).await);
}
