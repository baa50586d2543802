//! `explain` beside the gateway that it explains: the same messages go through both, and what one
//! predicts the other does. Its one claim is that it agrees.

mod command;
mod forms;

use axum::http::{Method, StatusCode};
use skybridge::saml::EntityId;
use skybridge::sso::explain::{End, Explanation, Outcome};
use skybridge::store::record::TenantId;

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{CN, KEYLESS, Key, Request, SP};
use crate::support::gateway::hostile::{Hostile, messages, plain_xml};
use crate::support::gateway::leaver::{self, Known, ONE, TWO, by_post, by_redirect};
use crate::support::gateway::ticket;
use crate::support::gateway::{SP_API_KEY, TestGateway};
use crate::support::redis::RedisServer;

/// The name of the check that failed.
fn failed(explained: &Explanation) -> Option<&'static str> {
    let failed: Vec<_> = explained.checks.iter().filter(|row| row.end == End::Failed).collect();
    assert!(failed.len() <= 1, "{explained:#?}");
    failed.first().map(|row| row.name)
}

/// The code that the explanation predicts where a message is refused whoever is there.
fn predicted(explained: &Explanation) -> Option<String> {
    explained.refusal().map(|code| code.to_string())
}

fn form(fields: &[(&'static str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[tokio::test]
async fn every_hostile_request_is_explained_with_the_code_that_the_gateway_gives_it() {
    let gateway = TestGateway::new().await;
    let (mut wrong, mut queries, mut forms, mut of_a_state) = (Vec::new(), 0, 0, 0);
    for hostile in messages(0).iter().filter(|it| can_be_pasted(it)) {
        let (path, _) = hostile.target.split_once('?').unwrap_or((&hostile.target, ""));
        let pasted = match &hostile.body {
            None => &hostile.target,
            Some((_, form)) => form,
        };
        let explained = gateway.explain(pasted, path).await;
        let answer = hostile.sent_by(&gateway.browser()).await;
        let refused = explained.branches.iter().any(|branch| {
            matches!(&branch.outcome, Outcome::Refused { code, http, .. }
                if answer.code() == Some(code.to_string()) && *http == answer.status.as_u16())
        });
        if !refused || explained.is_welcome() != predicted(&explained).is_none() {
            let Explanation { checks, branches, .. } = &explained;
            wrong.push(format!("{}: {:?}, {checks:?}, {branches:?}", hostile.name, answer.code()));
        }
        of_a_state += usize::from(predicted(&explained).is_none());
        *(if hostile.body.is_none() { &mut queries } else { &mut forms }) += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(queries > 100 && forms > 60, "{queries} queries, {forms} forms");
    // Whether a logout waits for an answer depends on more than the answer.
    assert_eq!(of_a_state, 1);
    let plain = format!("/acme/saml/sso?{}", plain_xml());
    let explained = gateway.explain(&plain, "/acme/saml/sso").await;
    assert_eq!(predicted(&explained), gateway.browser().get(&plain).await.code());
}

/// Whether one text can say all that comes: no form with a query beside it, and none that has no
/// message at all.
fn can_be_pasted(hostile: &Hostile) -> bool {
    hostile.headers.is_empty()
        && match &hostile.body {
            None => true,
            Some((_, form)) => form.contains("SAML") && !hostile.target.contains('?'),
        }
}

/// An address, the code that it is refused with, and the check that fails.
type Stage = (String, Option<&'static str>, Option<&'static str>);

fn at(path: &str, request: &Request) -> String {
    format!("/{path}?{}", request.query())
}

/// A message for each check that refuses.
fn refused_stages(gateway: &TestGateway) -> Vec<Stage> {
    let good = || Request::to("acme");
    let [_, next] = &gateway.kids;
    let retired = gateway.retired_kid();
    let acme = |request: Request| at("acme/saml/sso", &request);
    let stranger = good().but(|it| it.issuer = "https://stranger.example".into());
    let nowhere = good().but(|it| it.reply_to = "AssertionConsumerServiceIndex='9'".into());
    let rows = [
        (at("nobody/saml/sso", &good()), "SB-2001", "Tenant"),
        (at("closed/saml/sso", &good()), "SB-2001", "Tenant"),
        (at(&format!("acme/saml/sso/{retired}"), &good()), "SB-2012", "Key"),
        ("/acme/saml/sso".to_owned(), "SB-1001", "Message"),
        (acme(stranger), "SB-2003", "Issuer"),
        (acme(good().but(|it| it.key = Key::None)), "SB-2004", "Signature"),
        (acme(good().but(|it| it.key = Key::Stranger)), "SB-2006", "Signature"),
        (at(&format!("acme/saml/sso/{next}"), &good()), "SB-2007", "Destination"),
        (acme(nowhere), "SB-2008", "Answer to"),
        (acme(good().issued(-301)), "SB-2009", "Time"),
        (acme(good().issued(181)), "SB-2010", "Time"),
    ];
    rows.into_iter().map(|(address, code, check)| (address, Some(code), Some(check))).collect()
}

/// A message for each check that is answered with a status, and two for which all hold.
fn declined_stages() -> Vec<Stage> {
    let generic = |change: &dyn Fn(&mut Request)| {
        at("generic/saml/sso", &Request::to("generic").but(|it| change(it)))
    };
    let saml = "xmlns:a='urn:oasis:names:tc:SAML:2.0:assertion'";
    let subject = format!("<a:Subject {saml}><a:EncryptedID/></a:Subject>");
    let list = "<p:Scoping><p:IDPList><p:IDPEntry ProviderID='urn:x'/></p:IDPList></p:Scoping>";
    let context = format!(
        "<p:RequestedAuthnContext><a:AuthnContextClassRef {saml}>urn:x</a:AuthnContextClassRef>\
         </p:RequestedAuthnContext>"
    );
    let index = "AttributeConsumingServiceIndex='7'";
    let rows = [
        (generic(&|it| it.before_policy.clone_from(&subject)), Some("Subject")),
        (generic(&|it| index.clone_into(&mut it.attributes)), Some("Attributes")),
        (generic(&|it| list.clone_into(&mut it.after_policy)), Some("IDPList")),
        (generic(&|it| it.after_policy.clone_from(&context)), Some("AuthnContext")),
        (generic(&|it| it.policy = "<p:NameIDPolicy Format='urn:x'/>".into()), Some("NameID")),
        (generic(&|_| {}), None),
        (generic(&|it| it.relay_state = Some("x".repeat(2048))), None),
    ];
    rows.into_iter().map(|(address, check)| (address, None, check)).collect()
}

#[tokio::test]
async fn each_stage_of_the_check_is_reached_and_named_and_none_behind_it_is_claimed() {
    let gateway = TestGateway::new().await;
    for (address, expected, check) in [refused_stages(&gateway), declined_stages()].concat() {
        let explained = gateway.explain(&address, address.split('?').next().unwrap()).await;
        assert_eq!(predicted(&explained).as_deref(), expected, "{address}: {explained:#?}");
        assert_eq!(failed(&explained), check, "{address}: {explained:#?}");
        let ends: Vec<_> = explained.checks.iter().map(|row| row.end).collect();
        let held = ends.iter().take_while(|end| **end == End::Held).count();
        let rest = if check.is_some() { End::NotReached } else { End::Unknown };
        let behind = held + usize::from(check.is_some());
        assert!(ends[behind..].iter().all(|end| *end == rest), "{explained:#?}");
        // The gateway says the same.
        let answer = gateway.browser().get(&address).await;
        assert_eq!(answer.code().as_deref(), expected, "{address}: {answer:?}");
        if let (None, Some(_)) = (expected, check) {
            let Outcome::Status { detail: Some(detail), .. } = explained.branches[0].outcome else {
                panic!("{explained:#?}")
            };
            assert!(answer.delivered().response.contains(detail), "{address}");
            assert!(!explained.is_welcome());
        }
    }
}

/// What becomes of a posted form, at the gateway.
async fn post(gateway: &TestGateway, address: &str, fields: &[(&'static str, String)]) -> Answer {
    gateway.browser().post_from_elsewhere(address, fields).await
}

#[tokio::test]
async fn posted_requests_are_explained_as_the_gateway_takes_them() {
    let gateway = TestGateway::new().await;
    let good = || Request::to("acme");
    let tampered = good().enveloped().replace("ForceAuthn=\"false\"", "ForceAuthn=\"true\"");
    let unsigned = good().but(|it| it.key = Key::None);
    for fields in [
        good().fields(),
        good().fields_of(&tampered),
        unsigned.fields(),
        good().but(|it| it.key = Key::Stranger).fields(),
        good().issued(-400).fields(),
        good().fields_of("<a/>"),
        good().fields_of("<a>"),
        vec![("SAMLRequest", "*".to_owned())],
    ] {
        let answer = post(&gateway, "/acme/saml/sso", &fields).await;
        let text = form(&fields);
        let explained = gateway.explain(&text, "/acme/saml/sso").await;
        assert_eq!(predicted(&explained), answer.code(), "{text}: {explained:#?}");
        assert_eq!(explained.is_welcome(), answer.status == StatusCode::SEE_OTHER, "{text}");
    }
}

fn bob() -> Known {
    let name_id = "<saml2:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">\
                   _x</saml2:NameID>";
    Known { name_id: name_id.to_owned(), index: "_i".to_owned() }
}

#[tokio::test]
async fn logout_messages_are_explained_as_the_gateway_takes_them() {
    let gateway = TestGateway::new().await;
    let good = ONE.logout("_l1", &bob());
    let to = |text: &str, change: (&str, &str)| text.replace(change.0, change.1);
    let over = to(&good, ("Version", "NotOnOrAfter=\"2026-01-02T02:00:00Z\" Version"));
    let old = to(&good, ("2026-01-02", "2026-01-01"));
    let sealed = "<saml2:EncryptedID/>";
    for (message, check) in [
        (good.clone(), None),
        (to(&good, ("/bravo/saml/logout", "/acme/saml/logout")), Some("Destination")),
        (old, Some("Time")),
        (over, Some("NotOnOrAfter")),
        (to(&good, ("https://one.example/saml", "https://stranger.example")), Some("Issuer")),
        (to(&good, ("LogoutRequest", "LogoutDemand")), Some("Message")),
        (ONE.logout_of("_l2", sealed), Some("Name")),
    ] {
        let address = by_redirect("SAMLRequest", &message, "state");
        let explained = gateway.explain(&address, "/bravo/saml/logout").await;
        let answer = gateway.browser().get(&address).await;
        assert_eq!(predicted(&explained), answer.code(), "{message}: {explained:#?}");
        assert_eq!(failed(&explained), check, "{message}: {explained:#?}");
        let fields = by_post("SAMLRequest", &message.replace("_l", "_m"), "state");
        let explained = gateway.explain(&form(&fields), "/bravo/saml/logout").await;
        let answer = post(&gateway, "/bravo/saml/logout", &fields).await;
        assert_eq!(predicted(&explained), answer.code(), "{message}: {explained:#?}");
    }
    let unsigned = by_redirect("SAMLRequest", &ONE.logout("_l3", &bob()), "state");
    let unsigned = unsigned.split_once("&SigAlg").unwrap().0;
    let explained = gateway.explain(unsigned, "/bravo/saml/logout").await;
    assert_eq!(failed(&explained), Some("Signature"));
    assert_eq!(predicted(&explained), gateway.browser().get(unsigned).await.code());
}

#[tokio::test]
async fn the_answer_to_a_logout_goes_where_the_explanation_says() {
    let gateway = TestGateway::new().await;
    for leaver in [ONE, TWO] {
        let message = leaver.logout("_l4", &bob());
        let address = by_redirect("SAMLRequest", &message, "state");
        let explained = gateway.explain(&address, "/bravo/saml/logout").await;
        let nobody = explained.branches.iter().find(|it| it.when == "there is no such session");
        let Outcome::Status { detail, to, .. } = &nobody.unwrap().outcome else {
            panic!("{explained:#?}")
        };
        assert_eq!(*detail, Some("urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"));
        let answer = gateway.browser().get(&address).await;
        let said = to.split(' ').next().unwrap();
        let there = match answer.status {
            StatusCode::SEE_OTHER => {
                answer.location().starts_with(&format!("{said}?SAMLResponse="))
            }
            _ => answer.attribute("action") == said,
        };
        assert!(there, "{to}: {answer:?}");
    }
    let answer = leaver::ONE.answer("_r1", "Success");
    let address = by_redirect("SAMLResponse", &answer, "no-such-logout");
    let explained = gateway.explain(&address, "/bravo/saml/logout").await;
    assert_eq!(failed(&explained), None, "{explained:#?}");
    let gone = explained.branches.iter().find(|it| it.when == "there is no such logout").unwrap();
    let Outcome::Refused { code, .. } = &gone.outcome else { panic!("{explained:#?}") };
    gateway.browser().get(&address).await.refused(&code.to_string());
    // A logout without a message is none of SAML's.
    let plain = gateway.ask(b"https://gateway.example/bravo/saml/logout", None).await.unwrap();
    assert!(plain.is_welcome(), "{plain:#?}");
}

#[tokio::test]
async fn a_name_without_a_session_is_explained_as_it_may_be_known_for_ever() {
    let gateway = TestGateway::new().await;
    let unknown = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal";
    for (kind, expected) in [
        ("transient", vec![("there is no such session", Some(unknown))]),
        (
            "persistent",
            vec![
                ("there is no such session, and it knows a person for ever by this name", None),
                (
                    "there is no such session, and it knows nobody for ever by this name",
                    Some(unknown),
                ),
            ],
        ),
    ] {
        let name = bob().name_id.replace("transient", kind);
        let address = by_redirect("SAMLRequest", &ONE.logout_of("_l5", &name), "state");
        let explained = gateway.explain(&address, "/bravo/saml/logout").await;
        let none = explained.branches.iter().filter(|it| it.when.contains("no such session"));
        let said = none.map(|branch| match branch.outcome {
            Outcome::Status { detail, .. } => (branch.when.as_str(), detail),
            _ => panic!("{branch:?}"),
        });
        assert_eq!(said.collect::<Vec<_>>(), expected);
    }
}

async fn signed_in(gateway: &TestGateway, user: &str) -> Browser {
    let mut browser = gateway.browser();
    browser.get(&format!("/acme/launch?ticket={}", ticket::ticket(user))).await.target();
    browser
}

#[tokio::test]
async fn people_who_get_something_else_get_what_is_explained() {
    let gateway = TestGateway::new().await;
    let address = Request::to("acme").at("acme");
    let explained = gateway.explain(&address, "/acme/saml/sso").await;
    let code_when = |begin: &str| {
        let branch = explained.branches.iter().find(|it| it.when.starts_with(begin));
        match &branch.unwrap_or_else(|| panic!("{begin}: {explained:#?}")).outcome {
            Outcome::Refused { code, .. } => code.to_string(),
            other => panic!("{begin}: {other:?}"),
        }
    };
    // Once more, in another browser.
    let mut browser = signed_in(&gateway, "cust-1").await;
    assert!(browser.get(&address).await.delivered().asserts());
    browser.get(&address).await.refused(&code_when("the same request once more"));
    assert_eq!(code_when("a customer without a cloud account"), "SB-3015");
    assert_eq!(code_when("a customer who is switched off"), "SB-3014");

    let keyless = Request::by(&KEYLESS, "generic").at("generic");
    let explained = gateway.explain(&keyless, "/generic/saml/sso").await;
    let there = explained.branches.iter().find(|it| it.when.starts_with("signed in (")).unwrap();
    let Outcome::Refused { code, .. } = &there.outcome else { panic!("{explained:#?}") };
    assert_eq!(code.to_string(), "SB-2040");
    assert!(explained.reply.is_none());
}

#[tokio::test]
async fn the_explained_answer_is_the_one_that_comes() {
    let gateway = TestGateway::new().await;
    let mut browser = signed_in(&gateway, "cust-1").await;
    let request = Request::to("acme");
    let explained = gateway.explain(&request.at("acme"), "/acme/saml/sso").await;
    let reply = explained.reply.as_ref().unwrap();
    let delivered = browser.get(&request.at("acme")).await.delivered();
    assert_eq!(delivered.acs, reply.acs);
    assert_eq!(reply.acs, CN.acs);
    assert_eq!(delivered.relay_state, reply.relay_state);
    assert_eq!(Some(delivered.value("InResponseTo")), reply.in_response_to);
    assert!(delivered.response.contains(reply.algorithm));
    assert!(delivered.response.contains(&format!("Format=\"{}\"", reply.name_id)));
    assert!(reply.contexts.iter().any(|it| delivered.response.contains(&format!(">{it}<"))));
    assert_eq!(reply.encrypted, None);
    assert_eq!(delivered.response.matches("<saml2:Attribute ").count(), reply.attributes.len());
    for attribute in &reply.attributes {
        let name = format!(" Name=\"{}\"", attribute.name);
        assert!(delivered.response.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn what_is_signed_is_explained_as_the_service_provider_wants_it() {
    let gateway = TestGateway::new().await;
    let mut back_end = gateway.browser().saying("authorization", &format!("Bearer {SP_API_KEY}"));
    for (wants, signed, signatures) in [("true", "both", 2), ("false", "response", 1)] {
        let wanted = format!("WantAssertionsSigned=\"{wants}\"");
        let metadata = SP.metadata().replace("WantAssertionsSigned=\"true\"", &wanted);
        let path = "/api/v1/acme/sp/https%3A%2F%2Fsp.example%2Fsaml?profile=response-only";
        let body = (Some("application/samlmetadata+xml"), metadata);
        let put = back_end.send(Method::PUT, path, body).await;
        assert_eq!(put.status, StatusCode::OK, "{put:?}");
        let mut browser = signed_in(&gateway, "cust-1").await;
        let request = Request::by(&SP, "acme").at("acme");
        let explained = gateway.explain(&request, "/acme/saml/sso").await;
        assert_eq!(explained.reply.unwrap().signed, signed);
        let delivered = browser.get(&request).await.delivered();
        assert_eq!(delivered.response.matches("<ds:Signature ").count(), signatures);
    }
}

#[tokio::test]
async fn nothing_is_kept_asked_or_noted_by_an_explanation() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let keys = || redis.contents().into_iter().map(|held| held.key).collect::<Vec<_>>();
    let request = Request::to("acme");
    let fields = Request::to("acme").fields();
    let logout = by_redirect("SAMLRequest", &ONE.logout("_l9", &bob()), "state");
    let before = keys();
    for _ in 0..2 {
        assert!(gateway.explain(&request.at("acme"), "/acme/saml/sso").await.is_welcome());
        assert!(gateway.explain(&form(&fields), "/acme/saml/sso").await.is_welcome());
        assert!(gateway.explain(&logout, "/bravo/saml/logout").await.is_welcome());
    }
    assert_eq!(keys(), before);
    // The clock of the service provider is not judged by requests that did not come.
    let cloud = EntityId::parse(CN.entity_id).unwrap();
    let acme = TenantId::parse("acme").unwrap();
    let skew = || gateway.registrations.get(&acme, &cloud).unwrap().skew.offset();
    assert_eq!(skew(), None);
    // What was explained can still come, and then counts.
    let answer = gateway.browser().get(&request.at("acme")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert!(skew().is_some());
    // Nor is anything asked of a store: it may be away.
    let unused = Request::to("acme");
    drop(redis);
    gateway.browser().get(&unused.at("acme")).await.refused("SB-5001");
    assert!(gateway.explain(&unused.at("acme"), "/acme/saml/sso").await.is_welcome());
}
