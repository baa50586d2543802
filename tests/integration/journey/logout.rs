//! Single logout, both ways and by both bindings: whose session ends, who is told, and what who
//! asked is answered (saml-profiles-2.0-os §4.4; conformance ).

use axum::http::StatusCode;
use skybridge::saml::logout::{LogoutRequest, LogoutResponse};
use skybridge::saml::message::{Message, Received};
use skybridge::saml::{Unsigned, Unverified, VerifyingKey, post, redirect};
use skybridge::store::Kind;

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::Request;
use crate::support::gateway::leaver::{
    self, CALLED, Known, Leaver, ONE, THREE, TWO, by_post, by_redirect,
};
use crate::support::gateway::{BASE, TestGateway, enveloped, material};
use crate::support::redis::RedisServer;

const REQUEST: &str = "SAMLRequest";
const RESPONSE: &str = "SAMLResponse";
pub(super) const PARTIAL: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
pub(super) const UNKNOWN: &str = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal";
pub(super) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// Logs alice in at a service provider; gives what it then knows of her.
async fn logged_in(browser: &mut Browser, sp: Leaver) -> Known {
    named(browser, &sp.login()).await
}

/// Answers a service provider's request about alice; gives what it then knows of her.
pub(super) async fn named(browser: &mut Browser, request: &Request) -> Known {
    let mut answer = browser.get(&request.at("bravo")).await;
    if answer.status == StatusCode::SEE_OTHER {
        let page = answer.location().to_owned();
        let back = browser.sign_alice_in(&page).await.location().to_owned();
        answer = browser.get(&back).await;
    }
    let delivered = answer.delivered();
    assert!(delivered.asserts(), "{delivered:?}");
    Known::of(&delivered.response)
}

/// A browser with alice logged in at these service providers.
pub(super) async fn with_alice(gateway: &TestGateway, sps: &[Leaver]) -> (Browser, Vec<Known>) {
    let mut browser = gateway.browser();
    let mut known = Vec::new();
    for sp in sps {
        known.push(logged_in(&mut browser, *sp).await);
    }
    (browser, known)
}

/// Whether alice's session still gives assertions.
pub(super) async fn is_signed_in(browser: &mut Browser) -> bool {
    let answer = browser.get(&ONE.login().at("bravo")).await;
    answer.status == StatusCode::OK && answer.delivered().asserts()
}

fn verified<T: Message>(unverified: Unverified<Received<T>>) -> Received<T> {
    let key = VerifyingKey::from_certificate(&material::idp().certificate).unwrap();
    unverified.verify(&[key], Unsigned::Refuse).unwrap().into_inner()
}

/// What the gateway sends to a service provider through the browser.
pub(super) struct Sent<T> {
    pub(super) address: String,
    pub(super) message: T,
    relay_state: Option<String>,
}

/// Reads a message from a redirect, or from a page with a link or a form.
fn sent<T: Message>(answer: &Answer, parameter: &str) -> Sent<T> {
    let received;
    let address;
    if let Some(message) = answer.field(parameter) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair(parameter, &message);
        if let Some(state) = answer.field("RelayState") {
            form.append_pair("RelayState", &state);
        }
        address = answer.attribute("action");
        received = verified(post::read::<T>("", form.finish().as_bytes()).unwrap());
    } else {
        let url = if answer.status == StatusCode::SEE_OTHER {
            answer.location().to_owned()
        } else {
            answer.attribute("id=\"tell\" href")
        };
        let (before, query) = url.split_once('?').unwrap();
        address = before.to_owned();
        received = verified(redirect::read::<T>(query).unwrap());
    }
    let relay_state = received.relay_state.map(String::from);
    Sent { address, message: received.message, relay_state }
}

/// The gateway's page that tells a service provider: who it is, and the request.
pub(super) async fn told(browser: &mut Browser, page: &str) -> (Leaver, Sent<LogoutRequest>) {
    let answer = browser.get(page).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let sent = sent::<LogoutRequest>(&answer, REQUEST);
    let sp = known_at(&sent.address);
    assert_eq!(sent.message.destination, Some(sp.slo()));
    assert_eq!(sent.message.issuer.as_str(), format!("{BASE}/bravo"));
    assert!(sent.message.not_on_or_after.unwrap() > sent.message.issue_instant);
    (sp, sent)
}

fn known_at(slo: &str) -> Leaver {
    leaver::ALL.into_iter().chain([CALLED]).find(|sp| sp.slo() == slo).unwrap()
}

/// Has a service provider answer; gives where the browser is sent then.
async fn answers(
    browser: &mut Browser,
    (sp, request): (Leaver, &Sent<LogoutRequest>),
    status: &str,
) -> Answer {
    let answer = sp.answer(request.message.id.as_str(), status);
    let state = request.relay_state.as_deref().unwrap();
    if sp == TWO {
        let fields = by_post(RESPONSE, &answer, state);
        let heard = browser.post_from_elsewhere("/bravo/saml/logout", &fields).await;
        browser.get(heard.location()).await
    } else {
        browser.get(&by_redirect(RESPONSE, &answer, state)).await
    }
}

/// Follows a logout to its end, with everybody answering well; gives who was told, and the end.
pub(super) async fn follow(browser: &mut Browser, begun: &Answer) -> (Vec<&'static str>, Answer) {
    let mut page = begun.location().to_owned();
    let mut names = Vec::new();
    loop {
        let answer = browser.get(&page).await;
        if answer.status != StatusCode::OK || !answer.body.contains("id=\"tell\"") {
            return (names, answer);
        }
        if answer.field(RESPONSE).is_some() {
            return (names, answer);
        }
        let sent = sent::<LogoutRequest>(&answer, REQUEST);
        let sp = known_at(&sent.address);
        names.push(sp.name);
        answers(browser, (sp, &sent), "Success").await.location().clone_into(&mut page);
    }
}

/// What a service provider that asked is answered.
#[track_caller]
pub(super) fn answered(
    answer: &Answer,
    sp: Leaver,
    status: &str,
    detail: Option<&str>,
) -> LogoutResponse {
    let sent = sent::<LogoutResponse>(answer, RESPONSE);
    assert_eq!(sent.address, format!("{}/answer", sp.slo()));
    assert_eq!(sent.relay_state.as_deref(), Some("state of 春"));
    assert_eq!(sent.message.status, status);
    assert_eq!(sent.message.detail.as_deref(), detail);
    sent.message
}

pub(super) async fn ask(browser: &mut Browser, message: &str) -> Answer {
    browser.get(&by_redirect(REQUEST, message, "state of 春")).await
}

#[tokio::test]
async fn who_leaves_at_the_gateway_leaves_everywhere() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE, TWO, THREE]).await;
    let begun = browser.get("/bravo/logout").await;
    assert!(!browser.has_session());
    let (sp, request) = told(&mut browser, begun.location()).await;
    let about = known[leaver::ALL.iter().position(|it| *it == sp).unwrap()].clone();
    assert_eq!(request.message.session_indexes, [about.index]);
    let skybridge::saml::logout::Principal::Named(name) = &request.message.principal else {
        panic!("no name")
    };
    assert!(about.name_id.contains(&name.value));
    let (mut names, end) = follow(&mut browser, &begun).await;
    names.sort_unstable();
    assert_eq!(names, ["one", "three", "two"]);
    assert!(end.body.contains("You are signed out"), "{end:?}");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_logout_by_redirect_ends_the_session_tells_the_others_and_answers() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE, TWO, THREE]).await;
    let begun = ask(&mut browser, &ONE.logout("_r1", &known[0])).await;
    assert!(!browser.has_session());
    let (mut names, end) = follow(&mut browser, &begun).await;
    names.sort_unstable();
    assert_eq!(names, ["three", "two"]);
    let response = answered(&end, ONE, SUCCESS, None);
    assert_eq!(response.in_response_to.unwrap().as_str(), "_r1");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_logout_by_post_finds_the_session_and_is_answered_by_post() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE, TWO]).await;
    let fields = by_post(REQUEST, &TWO.logout("_r1", &known[1]), "state of 春");
    let heard = browser.post_from_elsewhere("/bravo/saml/logout", &fields).await;
    assert!(browser.has_session());
    let begun = browser.get(heard.location()).await;
    assert!(!browser.has_session());
    let (names, end) = follow(&mut browser, &begun).await;
    assert_eq!(names, ["one"]);
    answered(&end, TWO, SUCCESS, None);
    assert!(end.header("content-security-policy").unwrap().contains("https://two.example"));
    browser.get(heard.location()).await.refused("SB-3010");
}

#[tokio::test]
async fn a_logout_of_the_only_service_is_answered_at_once() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let end = ask(&mut browser, &ONE.logout("_r1", &known[0])).await;
    answered(&end, ONE, SUCCESS, None);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn without_a_session_index_all_sessions_at_that_service_end() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let end = ask(&mut browser, &ONE.logout_of("_r1", &known[0].name_id)).await;
    answered(&end, ONE, SUCCESS, None);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_session_index_is_found_without_its_browser() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let mut other = gateway.browser();
    let end = ask(&mut other, &ONE.logout("_r1", &known[0])).await;
    answered(&end, ONE, SUCCESS, None);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_service_that_fails_makes_the_logout_partial() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE, THREE]).await;
    let begun = ask(&mut browser, &ONE.logout("_r1", &known[0])).await;
    let (sp, request) = told(&mut browser, begun.location()).await;
    let next = answers(&mut browser, (sp, &request), "Responder").await;
    let end = browser.get(next.location()).await;
    answered(&end, ONE, SUCCESS, Some(PARTIAL));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_left_out_by_choice_or_in_time() {
    let gateway = TestGateway::new().await;
    for waits in [false, true] {
        let (mut browser, _) = with_alice(&gateway, &[ONE]).await;
        let begun = browser.get("/bravo/logout").await.location().to_owned();
        let first = browser.get(&begun).await;
        assert!(first.body.contains("http-equiv=\"refresh\""), "{first:?}");
        // The browser comes back: the same request, but only if the person wants it.
        let back = browser.get(&begun).await;
        assert!(!back.body.contains("http-equiv=\"refresh\""), "{back:?}");
        let id = |answer: &Answer| sent::<LogoutRequest>(answer, REQUEST).message.id;
        assert_eq!(id(&first), id(&back));
        let end = if waits {
            gateway.wait(30);
            browser.get(&begun).await
        } else {
            browser.post(&begun, &[("csrf", "wrong")]).await.refused("SB-3012");
            let csrf = back.field("csrf").unwrap();
            let next = browser.post(&begun, &[("csrf", csrf)]).await;
            browser.get(next.location()).await
        };
        assert!(end.body.contains("not everywhere"), "{end:?}");
        assert!(end.body.contains("one.example"), "{end:?}");
        gateway.wait(-30);
    }
}

#[tokio::test]
async fn a_logout_under_way_belongs_to_its_browser_and_its_requests() {
    let gateway = TestGateway::new().await;
    let (mut browser, _) = with_alice(&gateway, &[ONE]).await;
    let begun = browser.get("/bravo/logout").await.location().to_owned();
    let (sp, request) = told(&mut browser, &begun).await;
    let mut other = gateway.browser();
    other.get(&begun).await.refused("SB-3011");
    answers(&mut other, (sp, &request), "Success").await.refused("SB-3011");
    // Another service's answer, or one to another request, is none.
    answers(&mut browser, (THREE, &request), "Success").await.refused("SB-3010");
    let state = request.relay_state.as_deref().unwrap();
    let stray = by_redirect(RESPONSE, &ONE.answer("_other", "Success"), state);
    browser.get(&stray).await.refused("SB-3010");
    let good = by_redirect(RESPONSE, &ONE.answer(request.message.id.as_str(), "Success"), state);
    let next = browser.get(&good).await;
    browser.get(&good).await.refused("SB-3010");
    let end = browser.get(next.location()).await;
    assert!(end.body.contains("You are signed out"), "{end:?}");
}

#[tokio::test]
async fn only_who_took_part_can_end_a_session_and_only_the_one_meant() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE, THREE]).await;
    let alice = &known[0];
    let theirs = alice.name_id.replace("</saml2:NameID>", "x</saml2:NameID>");
    let qualified = alice
        .name_id
        .replace("<saml2:NameID ", "<saml2:NameID NameQualifier=\"https://other.example\" ");
    let other_index = Known { index: "_other".to_owned(), ..alice.clone() };
    for (number, (sp, message)) in [
        (TWO, TWO.logout("_t0", alice)),
        (TWO, TWO.logout_of("_t1", &alice.name_id)),
        (THREE, THREE.logout("_t2", alice)),
        (ONE, ONE.logout_of("_t3", &theirs)),
        (ONE, ONE.logout_of("_t4", &qualified)),
        (ONE, ONE.logout("_t5", &other_index)),
    ]
    .into_iter()
    .enumerate()
    {
        let end = ask(&mut browser, &message).await;
        let code = "urn:oasis:names:tc:SAML:2.0:status:Requester";
        answered(&end, sp, code, Some(UNKNOWN));
        assert!(is_signed_in(&mut browser).await, "{number}");
    }
}

#[tokio::test]
async fn a_logout_request_that_is_not_proved_ends_nothing() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE, TWO]).await;
    let message = ONE.logout("_r1", &known[0]);
    let good = by_redirect(REQUEST, &message, "state");
    let unsigned = good.split("&SigAlg").next().unwrap().to_owned();
    let stranger = enveloped::signed(&message, material::stranger());
    let changed = |from: &str, to: &str| by_redirect(REQUEST, &message.replace(from, to), "s");
    let late =
        message.replace(" Destination", " NotOnOrAfter=\"2026-01-02T03:00:00Z\" Destination");
    for (code, address) in [
        ("SB-2004", unsigned),
        ("SB-2006", good.replace("RelayState=state", "RelayState=other")),
        ("SB-2007", changed("/bravo/saml/logout", "/acme/saml/logout")),
        ("SB-2007", changed(" Destination=\"https://gateway.example/bravo/saml/logout\"", "")),
        ("SB-2009", changed("2026-01-02T03:04:05.678Z", "2026-01-02T02:04:05.678Z")),
        ("SB-2009", by_redirect(REQUEST, &late, "s")),
        ("SB-2003", changed("https://one.example/saml", "https://four.example/saml")),
        ("SB-1011", changed("saml2:NameID", "saml2:BaseID")),
        ("SB-1002", format!("{good}&SAMLResponse=x")),
    ] {
        browser.get(&address).await.refused(code);
    }
    for (code, document) in [("SB-2004", message.as_str()), ("SB-2006", &stranger)] {
        let fields = [(REQUEST, material::base64(document.as_bytes()))];
        browser.post("/bravo/saml/logout", &fields).await.refused(code);
    }
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_logout_request_that_comes_again_ends_nothing() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let message = ONE.logout_of("_r1", &known[0].name_id);
    answered(&ask(&mut browser, &message).await, ONE, SUCCESS, None);
    let (mut browser, _) = with_alice(&gateway, &[ONE]).await;
    ask(&mut browser, &message).await.refused("SB-2011");
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn who_asks_for_no_answer_gets_none() {
    let gateway = TestGateway::new().await;
    let (mut browser, known) = with_alice(&gateway, &[ONE]).await;
    let message = ONE.logout("_r1", &known[0]).replace(
        "</saml2:Issuer>",
        "</saml2:Issuer><p:Extensions><l:Asynchronous \
         xmlns:l=\"urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo\"/></p:Extensions>",
    );
    let end = ask(&mut browser, &message).await;
    assert!(end.body.contains("You are signed out"), "{end:?}");
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_plain_redirect_to_the_logout_address_still_logs_out() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    browser.sign_alice_in("/bravo/sign-in").await;
    assert!(browser.has_session());
    let end = browser.get("/bravo/saml/logout").await;
    assert!(end.body.contains("You are signed out"), "{end:?}");
    assert!(!browser.has_session());
}

#[tokio::test]
async fn where_a_logout_cannot_be_kept_its_end_names_those_who_are_not_told() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let (mut asking, known) = with_alice(&gateway, &[ONE, TWO]).await;
    let (mut leaving, _) = with_alice(&gateway, &[ONE]).await;
    // From now on the store takes everything but a logout under way.
    let mut rules = redis::cmd("ACL");
    rules.arg("SETUSER").arg("default").arg("resetkeys").arg("%R~*");
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Leaving) {
        rules.arg(format!("%RW~*{}:*", kind.tag()));
    }
    rules.exec(&mut redis.admin()).unwrap();
    let end = ask(&mut asking, &ONE.logout("_r1", &known[0])).await;
    answered(&end, ONE, SUCCESS, Some(PARTIAL));
    let end = leaving.get("/bravo/logout").await;
    assert!(end.body.contains("not everywhere") && end.body.contains("one.example"), "{end:?}");
    for browser in [&mut asking, &mut leaving] {
        assert!(!browser.has_session());
        assert!(!is_signed_in(browser).await);
    }
}
