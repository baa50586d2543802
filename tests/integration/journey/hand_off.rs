//! From the partner's site to the cloud's login link (contract §2).

use axum::http::StatusCode;

use super::{handed_off, launch, ticket_now};
use crate::support::gateway::cloud::encode;
use crate::support::gateway::{API_KEY, TestGateway, ticket};

const TICKET: &str = r#"{"user_id":"cust-1","name":"shop_name","service":"https://console.huaweicloud.com/ecm/?region=a&b=c"}"#;

fn url(answer: &crate::support::gateway::browser::Answer) -> String {
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let given: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(given["expires_in"], 60);
    given["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_of_the_api_opens_a_session_and_leads_to_the_login_link() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let address = url(&browser.ask_ticket("order-1", TICKET).await);
    assert!(address.starts_with("https://gateway.example/acme/launch?ticket="), "{address}");

    let answer = browser.get(&address).await;
    assert_eq!(
        answer.location(),
        "https://auth.huaweicloud.com/authui/saml/login?xAccountType=acme_IDP&isFirstLogin=false\
         &service=https%3A%2F%2Fconsole.huaweicloud.com%2Fecm%2F%3Fregion%3Da%26b%3Dc"
    );
    assert_eq!(answer.header("cache-control").unwrap().split(", ").nth(1), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    // The jar refuses what is not `__Host-`, Secure, HttpOnly, SameSite=Lax and Path=/.
    assert_eq!(browser.cookie("__Host-skybridge-session-acme").unwrap().len(), 43);
}

#[tokio::test]
async fn a_session_goes_to_the_cloud_again_without_a_ticket() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let service = encode("https://www.huaweicloud.com/x");
    let link = browser.get(&format!("/acme/cloud?service={service}")).await;
    let target = link.target();
    let service = target.query_pairs().find(|(name, _)| name == "service").unwrap();
    assert_eq!(service.1, "https://www.huaweicloud.com/x");
    let link = browser.get("/acme/cloud").await;
    let target = link.target();
    let service = target.query_pairs().find(|(name, _)| name == "service").unwrap();
    assert_eq!(service.1, "https://console.huaweicloud.com/iam/");
}

#[tokio::test]
async fn without_a_session_the_way_to_the_cloud_begins_where_people_sign_in() {
    let gateway = TestGateway::new().await;
    assert_eq!(gateway.browser().get("/acme/cloud").await.location(), "https://acme.example/");
    assert_eq!(gateway.browser().get("/bravo/cloud").await.location(), "/bravo/sign-in");
}

#[tokio::test]
async fn a_page_that_is_not_the_clouds_is_not_opened_and_costs_no_ticket() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let ticket = ticket::ticket("cust-1");
    for (number, service) in [
        "https://evil.example/",
        "http://console.huaweicloud.com/",
        "//console.huaweicloud.com/",
        "https://console.huaweicloud.com.evil.example/",
        "https://console.huaweicloud.com@evil.example/",
        "https://console.huaweicloud.com:444/",
        "javascript:alert(1)",
        "https://console.huaweicloud.com\\@evil.example/",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let body = serde_json::json!({ "user_id": "cust-1", "service": service }).to_string();
        browser.ask_ticket(&format!("order-{number}"), &body).await.refused("SB-4001");
        let service = encode(service);
        let path = format!("/acme/launch?ticket={ticket}&service={service}");
        browser.get(&path).await.refused("SB-4001");
    }
    assert!(!browser.has_session());
    browser.get(&format!("/acme/launch?ticket={ticket}")).await.target();
}

#[tokio::test]
async fn what_the_ticket_says_outweighs_what_the_address_says() {
    let gateway = TestGateway::new().await;
    let mut claims = ticket::claims("cust-1");
    claims["service"] = "https://console.huaweicloud.com/right".into();
    let ticket = ticket::keys()[0].sign(&claims);
    let wrong = encode("https://console.huaweicloud.com/wrong");
    let path = format!("/acme/launch?ticket={ticket}&service={wrong}");
    let answer = gateway.browser().get(&path).await;
    assert!(answer.location().ends_with("service=https%3A%2F%2Fconsole.huaweicloud.com%2Fright"));
}

#[tokio::test]
async fn a_customer_without_a_cloud_account_is_sent_into_a_first_login() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for user in ["cust-new", "cust-of-whom-nothing-is-known"] {
        let ticket = ticket_now(&gateway, user);
        let answer = browser.get(&format!("/acme/launch?ticket={ticket}")).await;
        assert!(answer.location().contains("&isFirstLogin=true&"), "{answer:?}");
    }
    launch(&gateway, &mut browser, "cust-1").await;
    assert!(browser.get("/acme/cloud").await.location().contains("&isFirstLogin=false&"));
}

#[tokio::test]
async fn a_cloud_without_a_login_link_takes_nobody_to_it() {
    let gateway = TestGateway::new().await;
    let mut claims = ticket::claims("cust-1");
    claims["aud"] = "https://gateway.example/generic".into();
    let ticket = ticket::keys()[0].sign(&claims);
    let mut browser = gateway.browser();
    browser.get(&format!("/generic/launch?ticket={ticket}")).await.refused("SB-4003");
    browser.get("/generic/cloud?service=https%3A%2F%2Fsp.example").await.refused("SB-4003");
}

#[tokio::test]
async fn the_ticket_may_travel_in_a_form() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let ticket = ticket::ticket("cust-1");
    let answer = browser.post("/acme/launch", &[("ticket", &ticket)]).await;
    assert!(answer.location().starts_with("https://auth.huaweicloud.com/"));
    assert!(browser.has_session());
}

#[tokio::test]
async fn the_same_call_with_the_same_key_gets_the_same_address_and_one_ticket() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let first = url(&browser.ask_ticket("order-1", TICKET).await);
    let again = url(&browser.ask_ticket("order-1", TICKET).await);
    assert_eq!(first, again);
    assert_ne!(first, url(&browser.ask_ticket("order-2", TICKET).await));
    let other = TICKET.replace("cust-1", "cust-2");
    let answer = browser.ask_ticket("order-1", &other).await;
    answer.refused("SB-6004");
    assert_eq!(answer.status, StatusCode::CONFLICT);

    browser.get(&first).await.target();
    assert_eq!(first, url(&browser.ask_ticket("order-1", TICKET).await));
    gateway.browser().get(&first).await.refused("SB-3003");
}

#[tokio::test]
async fn who_has_no_right_key_gets_no_ticket() {
    let gateway = TestGateway::new().await;
    for value in [
        None,
        Some(String::new()),
        Some("Bearer ".to_owned()),
        Some("Bearer wrong".to_owned()),
        Some(API_KEY.to_owned()),
        Some(format!("Basic {API_KEY}")),
        Some(format!("Bearer {API_KEY}x")),
    ] {
        let mut back_end = gateway.browser().saying("idempotency-key", "1");
        if let Some(value) = &value {
            back_end = back_end.saying("authorization", value);
        }
        let answer = back_end.api("acme", TICKET).await;
        answer.refused("SB-6001");
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    // The key of one tenant opens no other: bravo has none.
    let mut back_end = gateway.browser().saying("authorization", &format!("Bearer {API_KEY}"));
    back_end.api("bravo", TICKET).await.refused("SB-6001");
    back_end.api("closed", TICKET).await.refused("SB-2001");
    back_end.api("unknown", TICKET).await.refused("SB-2001");
}

#[tokio::test]
async fn a_body_that_is_not_the_one_expected_is_refused_and_never_quoted() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for (body, code, status) in [
        ("", "SB-6002", StatusCode::BAD_REQUEST),
        ("canary", "SB-6002", StatusCode::BAD_REQUEST),
        ("[]", "SB-6002", StatusCode::BAD_REQUEST),
        (r#"{"user_id":7}"#, "SB-6003", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"name":"canary"}"#, "SB-6003", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"user_id":"cust-1","x":"canary"}"#, "SB-6003", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"user_id":"cust-1","user_id":"canary"}"#, "SB-6003", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = browser.ask_ticket("1", body).await;
        answer.refused(code);
        assert_eq!(answer.status, status);
        assert!(!answer.body.contains("canary"), "{answer:?}");
    }
    let big = format!(r#"{{"user_id":"{}"}}"#, "x".repeat(300 * 1024));
    let answer = browser.ask_ticket("1", &big).await;
    answer.refused("SB-5007");
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    for user in ["a@canary.example", "", "a b", "+8613800000000"] {
        let body = serde_json::json!({ "user_id": user }).to_string();
        let answer = browser.ask_ticket("1", &body).await;
        answer.refused("SB-6003");
        assert!(!answer.body.contains("canary"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_call_without_a_usable_idempotency_key_is_refused() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for key in ["", &"x".repeat(129)] {
        browser.ask_ticket(key, TICKET).await.refused("SB-6005");
    }
}
