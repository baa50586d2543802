//! Journeys that begin here and end at a service provider that asked for nothing (conformance
//!

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use skybridge::sso::explain::End;

use crate::support::gateway::cloud::{CN, Request, SEALED, SP};
use crate::support::gateway::{PASSWORD, TestGateway, browser::Browser};
use crate::support::redis::RedisServer;

fn address(sp: &str, more: &str) -> String {
    format!("/bravo/launch?sp={}{more}", utf8_percent_encode(sp, NON_ALPHANUMERIC))
}

/// Signs `login` in on the way to the service, and gives where that leads.
async fn through_sign_in(browser: &mut Browser, address: &str, login: &str) -> String {
    let next = browser.get(address).await.location().to_owned();
    let page = browser.get(&next).await.location().to_owned();
    browser.sign_in(&page, login, PASSWORD).await.location().to_owned()
}

#[tokio::test]
async fn a_service_that_takes_them_gets_an_answer_that_it_did_not_ask_for() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let state = "&RelayState=https%3A%2F%2Fsp.example%2Fstart";
    let back = through_sign_in(&mut browser, &address(SP.entity_id, state), "alice").await;
    let delivered = browser.get(&back).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.acs, SP.acs);
    assert_eq!(delivered.relay_state.as_deref(), Some("https://sp.example/start"));
    assert!(!delivered.response.contains("InResponseTo"), "{}", delivered.response);
    // Once: the way is used up.
    browser.get(&back).await.refused("SB-3010");

    // With the session that is there, nobody signs in again.
    let back = browser.get(&address(SP.entity_id, "")).await.location().to_owned();
    let delivered = browser.get(&back).await.delivered();
    assert!(delivered.asserts());
    assert_eq!(delivered.relay_state, None);
}

#[tokio::test]
async fn another_service_or_another_relay_state_is_refused_before_anybody_signs_in() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for (sp, more, code) in [
        (CN.entity_id, "", "SB-3017"),
        ("https://nobody.example", "", "SB-3017"),
        ("", "", "SB-3017"),
        (SP.entity_id, "&RelayState=https%3A%2F%2Fevil.example", "SB-3018"),
        (SP.entity_id, "&RelayState=https%3A%2F%2Fsp.example%2Fstart%2F", "SB-3018"),
        (SP.entity_id, "&sp=https%3A%2F%2Fsp.example%2Fsaml", "SB-1002"),
    ] {
        browser.get(&address(sp, more)).await.refused(code);
    }
    // At a tenant where it is not registered.
    let elsewhere = address(SP.entity_id, "").replace("/bravo/", "/acme/");
    browser.get(&elsewhere).await.refused("SB-3017");
    assert!(!browser.has_session());
}

// Conformance C-12.
#[tokio::test]
async fn a_service_provider_that_is_switched_off_and_an_unknown_one_look_the_same() {
    let gateway = TestGateway::new().await;
    let unknown = "https://unknown.example/saml";
    let off = SEALED.entity_id;
    let asks = |entity_id: &str| {
        let request = Request::by(&SEALED, "bravo");
        request.but(|it| it.issuer = entity_id.to_owned())
    };
    for code in ["SB-2003", "SB-3017"] {
        let mut pages = Vec::new();
        for entity_id in [off, unknown] {
            let mut browser = gateway.browser();
            let answer = match code {
                "SB-2003" => browser.get(&asks(entity_id).at("bravo")).await,
                _ => browser.get(&address(entity_id, "")).await,
            };
            answer.refused(code);
            let fields = asks(entity_id).fields();
            browser.post_from_elsewhere("/bravo/saml/sso", &fields).await.refused("SB-2003");
            // The link to the other language repeats the address; the reference is new each time.
            let own = |line: &&str| !line.contains("hreflang") && !line.contains("<dt>");
            let lines: Vec<_> = answer.body.lines().filter(own).map(str::to_owned).collect();
            let headers: Vec<_> = answer.headers.keys().cloned().collect();
            pages.push((answer.status, headers, lines));
        }
        assert_eq!(pages[0], pages[1]);
    }
}

// Conformance C-12: the same work, so the same time.
#[tokio::test]
async fn a_service_provider_that_is_switched_off_costs_the_work_of_an_unknown_one() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let mut seen = Vec::new();
    let unknown = "https://unknown.example/saml";
    for entity_id in [unknown, unknown, SEALED.entity_id] {
        let request = Request::by(&SEALED, "bravo").but(|it| it.issuer = entity_id.to_owned());
        let explained = gateway.explain(&request.at("bravo"), "").await;
        let checks: Vec<_> = explained.checks.iter().map(|row| (row.name, row.end)).collect();
        let mut browser = gateway.browser();
        let doors = async {
            browser.get(&request.at("bravo")).await.refused("SB-2003");
            browser.get(&address(entity_id, "")).await.refused("SB-3017");
            let posted = browser.post_from_elsewhere("/bravo/saml/sso", &request.fields()).await;
            posted.refused("SB-2003");
        };
        let asked = redis.asked(doors).await;
        assert!(checks.iter().any(|(_, end)| *end == End::Failed), "{checks:?}");
        seen.push((checks, asked));
    }
    // The first of all may also open the connection.
    assert_eq!(seen[1], seen[2]);
}

#[tokio::test]
async fn the_way_to_a_service_cannot_be_walked_in_another_browser() {
    let gateway = TestGateway::new().await;
    let way = gateway.browser().get(&address(SP.entity_id, "")).await.location().to_owned();
    let mut victim = gateway.browser();
    let page = victim.get(&Request::by(&SP, "bravo").at("bravo")).await.location().to_owned();
    let back = victim.sign_alice_in(&page).await.location().to_owned();
    assert!(victim.get(&back).await.delivered().asserts());
    victim.get(&way).await.refused("SB-3011");
}
