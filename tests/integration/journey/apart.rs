//! What belongs to one journey or one browser stays there: two service providers in two tabs, and
//! cookies that somebody made up (conformance A-084, B-28, C-28).

use tokio::task::JoinSet;

use crate::support::gateway::cloud::{CN, Cloud, Request, SP};
use crate::support::gateway::{TestGateway, browser::Delivered};

/// Whether an answer is for this service provider and for nobody else.
#[track_caller]
fn must_be_for(delivered: &Delivered, cloud: &Cloud, request: &Request, state: &str) {
    assert!(delivered.asserts());
    assert_eq!(delivered.acs, cloud.acs);
    assert_eq!(delivered.value("Destination"), cloud.acs);
    assert_eq!(delivered.value("Recipient"), cloud.acs);
    assert_eq!(delivered.value("InResponseTo"), request.id);
    assert_eq!(delivered.relay_state.as_deref(), Some(state));
    let audience = format!("<saml2:Audience>{}</saml2:Audience>", cloud.entity_id);
    assert!(delivered.response.contains(&audience), "{}", delivered.response);
    let is_the_clouds = delivered.response.contains("xAccountId");
    assert_eq!(is_the_clouds, cloud.entity_id == CN.entity_id, "{}", delivered.response);
}

fn asked(cloud: &Cloud, state: &str) -> Request {
    Request::by(cloud, "bravo").but(|it| it.relay_state = Some(state.to_owned()))
}

#[tokio::test]
async fn two_service_providers_in_two_tabs_each_get_their_own_answer() {
    let gateway = TestGateway::new().await;
    for turned in [false, true] {
        let mut browser = gateway.browser();
        let mut tabs = Vec::new();
        for (cloud, state) in [(&CN, "cloud"), (&SP, "service")] {
            let request = asked(cloud, state);
            let page = browser.get(&request.at("bravo")).await.location().to_owned();
            tabs.push((cloud, request, state, page));
        }
        if turned {
            tabs.reverse();
        }
        for (cloud, request, state, page) in &tabs {
            let back = browser.sign_alice_in(page).await.location().to_owned();
            must_be_for(&browser.get(&back).await.delivered(), cloud, request, state);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_two_service_providers_at_once_are_not_mixed() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    browser.sign_alice_in("/bravo/sign-in").await.target();
    let mut running = JoinSet::new();
    for number in 0..40 {
        let (cloud, state) = (if number % 2 == 0 { &CN } else { &SP }, format!("tab {number}"));
        let (mut tab, request) = (browser.clone(), asked(cloud, &state));
        running.spawn(async move {
            let delivered = tab.get(&request.at("bravo")).await.delivered();
            must_be_for(&delivered, cloud, &request, &state);
        });
    }
    while let Some(tab) = running.join_next().await {
        tab.unwrap();
    }
}

#[tokio::test]
async fn a_cookie_that_somebody_made_up_is_never_adopted() {
    let gateway = TestGateway::new().await;
    let invented = "A".repeat(43);
    let name = "__Host-skybridge-session-bravo";
    let mut browser = gateway.browser().saying("cookie", &format!("{name}={invented}"));
    let passive = || asked(&CN, "x").but(|it| it.attributes = "IsPassive=\"1\"".into()).at("bravo");
    assert!(!browser.get(&passive()).await.delivered().asserts());
    browser.sign_alice_in("/bravo/sign-in").await.target();
    let given = browser.cookie(name).unwrap().to_owned();
    assert_ne!(given, invented);
    // Who made it up is still nobody.
    let mut inventor = gateway.browser().saying("cookie", &format!("{name}={invented}"));
    assert!(!inventor.get(&passive()).await.delivered().asserts());
}
