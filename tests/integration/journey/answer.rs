//! What becomes of an `AuthnRequest`: who is asked to sign in, who is told what, and how often.

use axum::http::StatusCode;

use super::{continuation, handed_off, launch, request_now, ticket_now};
use crate::support::gateway::cloud::{CN, Key, Request, SP, TRANSIENT};
use crate::support::gateway::{PASSWORD, TestGateway, browser::Delivered};

/// What makes a good request one that cannot be met.
type Change = Box<dyn Fn(&mut Request)>;

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// A browser without session at the partner's login page: its continuation.
async fn waiting(
    browser: &mut crate::support::gateway::browser::Browser,
    request: &Request,
) -> String {
    let target = browser.get(&request.at("acme")).await.target();
    assert_eq!(target.host_str(), Some("acme.example"));
    continuation(&target)
}

#[track_caller]
fn declined(delivered: &Delivered, top: &str, detail: &str) {
    assert!(!delivered.asserts(), "{}", delivered.response);
    let status = format!(
        "<saml2p:StatusCode Value=\"{STATUS}{top}\"><saml2p:StatusCode Value=\"{STATUS}{detail}\">\
         </saml2p:StatusCode></saml2p:StatusCode>"
    );
    assert!(delivered.response.contains(&status), "{}", delivered.response);
}

#[tokio::test]
async fn without_a_session_the_partner_signs_in_and_the_journey_goes_on() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("acme").but(|it| it.relay_state = Some("state of 春".to_owned()));
    let target = browser.get(&request.at("acme")).await.target();
    assert!(target.as_str().starts_with("https://acme.example/login?from=cloud&continue="));
    assert!(!browser.has_session());

    let (handle, ticket) = (continuation(&target), ticket_now(&gateway, "cust-1"));
    let back = browser.get(&format!("/acme/launch?ticket={ticket}&continue={handle}")).await;
    // The ticket is out of the address bar before anything is shown.
    assert_eq!(back.location(), format!("/acme/continue/{handle}"));
    let delivered = browser.get(back.location()).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.acs, CN.acs);
    assert_eq!(delivered.value("InResponseTo"), request.id);
    assert_eq!(delivered.relay_state.as_deref(), Some("state of 春"));
}

#[tokio::test]
async fn without_a_session_our_own_page_signs_in_and_the_journey_goes_on() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("bravo");
    let page = browser.get(&request.at("bravo")).await.location().to_owned();
    let signed_in = browser.sign_alice_in(&page).await.location().to_owned();
    let delivered = browser.get(&signed_in).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.value("InResponseTo"), request.id);
}

#[tokio::test]
async fn two_tabs_with_two_requests_both_end_well() {
    let gateway = TestGateway::new().await;
    for tenant in ["acme", "bravo"] {
        let mut browser = gateway.browser();
        let (one, two) = (Request::to(tenant), Request::to(tenant));
        let first = browser.get(&one.at(tenant)).await.location().to_owned();
        let second = browser.get(&two.at(tenant)).await.location().to_owned();
        assert_ne!(first, second);
        let mut ends = Vec::new();
        for page in [&second, &first] {
            let back = if tenant == "bravo" {
                browser.sign_alice_in(page).await.location().to_owned()
            } else {
                let handle = continuation(&url::Url::parse(page).unwrap());
                let ticket = ticket_now(&gateway, "cust-1");
                let path = format!("/acme/launch?ticket={ticket}&continue={handle}");
                browser.get(&path).await.location().to_owned()
            };
            ends.push(browser.get(&back).await.delivered().value("InResponseTo"));
        }
        assert_eq!(ends, [two.id, one.id]);
    }
}

#[tokio::test]
async fn a_tab_that_waits_goes_on_with_the_session_that_another_tab_opened() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("acme");
    let handle = waiting(&mut browser, &request).await;
    gateway.wait(5);
    launch(&gateway, &mut browser, "cust-1").await;
    let delivered = browser.get(&format!("/acme/continue/{handle}")).await.delivered();
    assert_eq!(delivered.value("InResponseTo"), request.id);
}

#[tokio::test]
async fn reloading_a_request_that_waits_shows_its_page_again_and_nothing_is_answered_twice() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let path = Request::to("acme").at("acme");
    let first = browser.get(&path).await.location().to_owned();
    gateway.wait(60);
    assert_eq!(browser.get(&path).await.location(), first);
    let handle = continuation(&url::Url::parse(&first).unwrap());
    // Looking at the journey without a session leads back to the sign-in as often as one likes.
    for _ in 0..2 {
        assert_eq!(browser.get(&format!("/acme/continue/{handle}")).await.location(), first);
    }
    // Another browser with the same request is a replay.
    gateway.browser().get(&path).await.refused("SB-2011");

    launch(&gateway, &mut browser, "cust-1").await;
    browser.get(&format!("/acme/continue/{handle}")).await.delivered();
    browser.get(&format!("/acme/continue/{handle}")).await.refused("SB-3010");
    browser.get(&path).await.refused("SB-2011");
}

#[tokio::test]
async fn another_browser_can_neither_continue_a_journey_nor_destroy_it() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let handle = waiting(&mut browser, &Request::to("acme")).await;
    let path = format!("/acme/continue/{handle}");
    gateway.browser().get(&path).await.refused("SB-3011");
    let mut thief = handed_off(&gateway, "cust-2").await;
    thief.get(&path).await.refused("SB-3011");
    // A journey of one tenant is none of another's.
    browser.get(&format!("/bravo/continue/{handle}")).await.refused("SB-3010");

    launch(&gateway, &mut browser, "cust-1").await;
    assert!(browser.get(&path).await.delivered().asserts());
}

#[tokio::test]
async fn a_journey_waits_a_quarter_of_an_hour_and_no_longer() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("acme");
    let handle = waiting(&mut browser, &request).await;
    gateway.wait(15 * 60 - 1);
    let mut in_time = browser.clone();
    assert_eq!(
        in_time.get(&format!("/acme/continue/{handle}")).await.status,
        StatusCode::SEE_OTHER
    );
    gateway.wait(1);
    browser.get(&format!("/acme/continue/{handle}")).await.refused("SB-3010");
}

#[tokio::test]
async fn force_authn_takes_a_proof_that_is_newer_than_the_request() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    gateway.wait(30);
    let request = request_now(&gateway, "acme").but(|it| it.attributes = "ForceAuthn=\"1\"".into());
    let handle = waiting(&mut browser, &request).await;
    let path = format!("/acme/continue/{handle}");
    // Neither reload nor back nor a second tab drops the demand.
    gateway.wait(1);
    waiting(&mut browser, &request).await;
    for _ in 0..2 {
        let page = browser.get(&path).await.location().to_owned();
        assert!(page.starts_with("https://acme.example/login"), "{page}");
        assert!(page.ends_with("&force=true"), "{page}");
    }
    gateway.wait(1);
    let ticket = super::proved_now(&gateway, "cust-1");
    browser.get(&format!("/acme/launch?ticket={ticket}&continue={handle}")).await;
    let delivered = browser.get(&path).await.delivered();
    assert_eq!(delivered.value("AuthnInstant"), "2026-01-02T03:04:37.000Z");
}

#[tokio::test]
async fn is_passive_shows_no_page_and_says_so_to_the_cloud() {
    let gateway = TestGateway::new().await;
    for passive in ["true", "1"] {
        let request =
            Request::to("acme").but(|it| it.attributes = format!("IsPassive=\"{passive}\""));
        let mut browser = gateway.browser();
        let answer = browser.get(&request.at("acme")).await;
        let delivered = answer.delivered();
        declined(&delivered, "Responder", "NoPassive");
        assert_eq!(delivered.relay_state.as_deref(), Some("relay"));
        assert!(browser.cookie("").is_none(), "{answer:?}");
    }
    let mut browser = handed_off(&gateway, "cust-1").await;
    let request = Request::to("acme").but(|it| it.attributes = "IsPassive=\"true\"".into());
    assert!(browser.get(&request.at("acme")).await.delivered().asserts());
    let request = Request::to("acme")
        .but(|it| it.attributes = "IsPassive=\"true\" ForceAuthn=\"true\"".into());
    declined(&browser.get(&request.at("acme")).await.delivered(), "Responder", "NoPassive");
}

#[tokio::test]
async fn what_cannot_be_given_is_declined_with_its_status_with_or_without_a_session() {
    let gateway = TestGateway::new().await;
    let formats = "urn:oasis:names:tc:SAML:";
    let policy = |rest: &str| format!("<p:NameIDPolicy {rest}/>");
    let saml = "xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let context = |comparison: &str, class: &str| {
        format!(
            "<p:RequestedAuthnContext {saml} {comparison}><a:AuthnContextClassRef>{class}\
             </a:AuthnContextClassRef></p:RequestedAuthnContext>"
        )
    };
    let classes = "urn:oasis:names:tc:SAML:2.0:ac:classes:";
    let policy_of = |text: String| -> Change { Box::new(move |it| it.policy.clone_from(&text)) };
    let after = |text: String| -> Change { Box::new(move |it| it.after_policy.clone_from(&text)) };
    let mut rows: Vec<(Change, &str, &str)> = Vec::new();
    for format in ["1.1:nameid-format:emailAddress", "2.0:nameid-format:persistent"] {
        let policy = policy(&format!("Format=\"{formats}{format}\""));
        rows.push((policy_of(policy), "Requester", "InvalidNameIDPolicy"));
    }
    let encrypted = policy(&format!("Format=\"{formats}2.0:nameid-format:encrypted\""));
    rows.push((policy_of(encrypted), "Requester", "InvalidNameIDPolicy"));
    let other =
        policy(&format!("Format=\"{TRANSIENT}\" SPNameQualifier=\"https://other.example\""));
    rows.push((policy_of(other), "Requester", "InvalidNameIDPolicy"));
    let better = context("Comparison=\"better\"", &format!("{classes}Password"));
    rows.push((after(better), "Responder", "NoAuthnContext"));
    let scoping = "<p:Scoping><p:IDPList><p:IDPEntry ProviderID=\"https://other.example/\"/>\
                   </p:IDPList></p:Scoping>";
    rows.push((after(scoping.to_owned()), "Responder", "NoSupportedIDP"));
    let subject = format!("<a:Subject {saml}><a:EncryptedID/></a:Subject>");
    rows.push((
        Box::new(move |it| it.before_policy.clone_from(&subject)),
        "Responder",
        "UnknownPrincipal",
    ));
    rows.push((
        after(context("", &format!("{classes}SmartcardPKI"))),
        "Responder",
        "NoAuthnContext",
    ));
    rows.push((
        Box::new(|it| it.attributes = "AttributeConsumingServiceIndex=\"7\"".into()),
        "Responder",
        "RequestUnsupported",
    ));
    for (change, top, detail) in &rows {
        for mut browser in [gateway.browser(), handed_off(&gateway, "cust-1").await] {
            let request = Request::to("acme").but(change);
            let delivered = browser.get(&request.at("acme")).await.delivered();
            declined(&delivered, top, detail);
            assert_eq!(delivered.acs, CN.acs);
            assert_eq!(delivered.value("InResponseTo"), request.id);
        }
    }
}

#[tokio::test]
async fn what_can_be_given_is_given() {
    let gateway = TestGateway::new().await;
    let saml = "xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let mut browser = handed_off(&gateway, "cust-1").await;
    for request in [
        Request::to("acme").but(|it| it.policy = String::new()),
        Request::to("acme").but(|it| it.policy = "<p:NameIDPolicy/>".into()),
        Request::to("acme")
            .but(|it| it.policy = format!("<p:NameIDPolicy Format=\"{unspecified}\"/>")),
        Request::to("acme").but(|it| {
            it.after_policy =
                "<p:Scoping><p:IDPList><p:IDPEntry ProviderID=\"https://x.example\"/>\
                <p:IDPEntry ProviderID=\"https://gateway.example/acme\"/></p:IDPList></p:Scoping>"
                    .into();
        }),
        Request::to("acme").but(|it| {
            it.after_policy = format!(
                "<p:RequestedAuthnContext {saml} Comparison=\"exact\"><a:AuthnContextClassRef>\
                 urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</a:AuthnContextClassRef>\
                 </p:RequestedAuthnContext>"
            );
        }),
        Request::to("acme").but(|it| it.reply_to = "AssertionConsumerServiceIndex=\"0\"".into()),
        Request::to("acme").but(|it| it.reply_to = String::new()),
        Request::to("acme").but(|it| it.relay_state = None),
        Request::to("acme").but(|it| it.key = Key::Sha384),
        Request::to("acme").but(|it| it.key = Key::Sha512),
        Request::to("acme").but(|it| {
            it.before_policy = "<p:Extensions><x:y xmlns:x=\"urn:x\">z</x:y></p:Extensions>".into();
        }),
    ] {
        let delivered = browser.get(&request.at("acme")).await.delivered();
        assert!(delivered.asserts(), "{}", request.xml());
        assert_eq!(delivered.acs, CN.acs);
    }
    let second =
        Request::to("acme").but(|it| it.reply_to = "AssertionConsumerServiceIndex=\"1\"".into());
    let delivered = browser.get(&second.at("acme")).await.delivered();
    assert_eq!(delivered.acs, format!("{}/second", CN.acs));
    assert!(delivered.response.contains(&format!("Recipient=\"{}/second\"", CN.acs)));
}

#[tokio::test]
async fn a_service_provider_that_need_not_sign_may_come_unsigned_but_not_badly_signed() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let mut claims = crate::support::gateway::ticket::claims("cust-1");
    claims["aud"] = "https://gateway.example/generic".into();
    let unsigned = Request::to("generic").but(|it| {
        it.key = Key::None;
        it.destination = None;
    });
    let target = browser.get(&unsigned.at("generic")).await.target();
    let handle = continuation(&target);
    let ticket = crate::support::gateway::ticket::keys()[0].sign(&claims);
    let back = browser.get(&format!("/generic/launch?ticket={ticket}&continue={handle}")).await;
    let delivered = browser.get(back.location()).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.acs, SP.acs);
    let wrong = Request::to("generic").but(|it| it.key = Key::Stranger);
    browser.get(&wrong.at("generic")).await.refused("SB-2006");
    // Signed, it must say where it was sent.
    let nowhere = Request::to("generic").but(|it| it.destination = None);
    browser.get(&nowhere.at("generic")).await.refused("SB-2007");
}

#[tokio::test]
async fn who_has_no_cloud_account_is_asserted_only_after_a_first_login_was_begun() {
    let gateway = TestGateway::new().await;
    // Sent into a first login by the partner's site: asserted.
    let mut browser = handed_off(&gateway, "cust-new").await;
    assert!(browser.get(&Request::to("acme").at("acme")).await.delivered().asserts());

    // Come from the cloud: refused, with a way to begin one.
    let mut browser = gateway.browser();
    let handle = waiting(&mut browser, &Request::to("acme")).await;
    let ticket = ticket_now(&gateway, "cust-new");
    browser.get(&format!("/acme/launch?ticket={ticket}&continue={handle}")).await;
    let refused = browser.get(&format!("/acme/continue/{handle}")).await;
    refused.refused("SB-3015");
    browser.get(&Request::to("acme").at("acme")).await.refused("SB-3015");
    assert!(refused.body.contains("href=\"/acme/cloud\""), "{refused:?}");
    let link = browser.get("/acme/cloud").await;
    assert!(link.location().contains("isFirstLogin=true"), "{link:?}");
    assert!(browser.get(&Request::to("acme").at("acme")).await.delivered().asserts());
}

#[tokio::test]
async fn the_address_of_a_key_is_answered_with_that_key() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let [active, next] = &gateway.kids;
    let element = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
    for (kid, right, wrong) in [
        (active, gateway.certificate_file(), gateway.next_certificate_file()),
        (next, gateway.next_certificate_file(), gateway.certificate_file()),
    ] {
        let address = format!("https://gateway.example/acme/saml/sso/{}", kid.as_str());
        let request = Request::to("acme").but(|it| it.destination = Some(address.clone()));
        let answer = browser.get(&format!("{address}?{}", request.query())).await;
        let response = answer.delivered().response;
        crate::support::xmlsec::verify(&[&response], &right, element).unwrap();
        assert!(crate::support::xmlsec::verify(&[&response], &wrong, element).is_err());
        // The request is bound to the address that it names.
        browser.get(&format!("{address}?{}", Request::to("acme").query())).await.refused("SB-2007");
    }
    for kid in [gateway.retired_kid(), "unknown".into(), "%2e%2e".into(), "X".into()] {
        let path = format!("/acme/saml/sso/{kid}?{}", Request::to("acme").query());
        browser.get(&path).await.refused("SB-2012");
        browser.get(&format!("/acme/saml/metadata/{kid}")).await.refused("SB-2012");
    }
}

#[tokio::test]
async fn a_request_of_another_tenants_address_or_session_is_not_answered() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    browser.get(&Request::to("acme").at("bravo")).await.refused("SB-2007");
    browser.get(&Request::to("generic").at("acme")).await.refused("SB-2003");
    // Signed in at acme is not signed in at bravo.
    let page = browser.get(&Request::to("bravo").at("bravo")).await;
    assert!(page.location().starts_with("/bravo/sign-in?continue="), "{page:?}");
}

#[tokio::test]
async fn used_ids_are_remembered_for_as_long_as_their_requests_would_be_taken() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let request = Request::to("acme").issued(180);
    browser.get(&request.at("acme")).await.delivered();
    gateway.wait(180 + 120 + 180);
    launch(&gateway, &mut browser, "cust-1").await;
    browser.get(&request.at("acme")).await.refused("SB-2011");
    gateway.wait(1);
    browser.get(&request.at("acme")).await.refused("SB-2009");
}

#[tokio::test]
async fn a_service_without_accounts_gets_an_assertion_by_its_own_profile() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let page = browser.get(&Request::by(&SP, "bravo").at("bravo")).await.location().to_owned();
    // She has no account at the tenant's cloud, and this service asks for none.
    let signed_in = browser.sign_in(&page, "nobody-yet", PASSWORD).await.location().to_owned();
    let delivered = browser.get(&signed_in).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.acs, SP.acs);
    assert!(delivered.response.contains("FriendlyName=\"uid\""), "{}", delivered.response);
    assert!(!delivered.response.contains("xAccountId"), "{}", delivered.response);
    browser.get(&Request::to("bravo").at("bravo")).await.refused("SB-3015");
}
