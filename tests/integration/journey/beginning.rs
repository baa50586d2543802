//! How many journeys one address may begin (conformance B-42).

use super::handed_off;
use crate::support::gateway::TestGateway;
use crate::support::gateway::cloud::{Key, Request};

/// What the test's configuration allows in ten minutes.
const MOST: usize = 1000;

#[tokio::test]
async fn one_address_begins_many_journeys_and_not_without_end() {
    let gateway = TestGateway::new().await;
    let mut somebody = handed_off(&gateway, "cust-1").await;
    let ask = |tenant: &str| {
        let seconds = (gateway.now() - crate::support::gateway::START).whole_seconds();
        Request::to(tenant).issued(seconds).but(|it| {
            it.key = Key::None;
            it.destination = None;
        })
    };
    for number in 0..MOST {
        let mut browser = gateway.browser();
        let answer = if number % 2 == 0 {
            browser.get(&ask("generic").at("generic")).await
        } else {
            let posted = ask("generic").fields();
            // It is one journey, though it begins with two requests.
            let arrived = browser.post_from_elsewhere("/generic/saml/sso", &posted).await;
            browser.get(arrived.location()).await
        };
        assert!(!answer.location().is_empty(), "{number}");
    }
    let request = ask("generic").at("generic");
    let refused = gateway.browser().get(&request).await;
    refused.refused("SB-3021");
    assert_eq!(refused.status, axum::http::StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), Some("600"));
    // Of what is refused nothing is kept, not even that its ID was used.
    gateway.browser().get(&request).await.refused("SB-3021");
    let posted = ask("generic").fields();
    let mut browser = gateway.browser();
    browser.post_from_elsewhere("/generic/saml/sso", &posted).await.refused("SB-3021");
    // Somebody elsewhere, somebody with a session, and another tenant are not held up.
    let mut elsewhere = gateway.browser_at("198.51.100.7:50000");
    assert!(!elsewhere.get(&ask("generic").at("generic")).await.location().is_empty());
    let request = Request::to("acme").at("acme");
    assert!(somebody.get(&request).await.delivered().asserts());
    assert!(!gateway.browser().get(&Request::to("acme").at("acme")).await.location().is_empty());
    gateway.wait(600);
    assert!(!gateway.browser().get(&ask("generic").at("generic")).await.location().is_empty());
}
