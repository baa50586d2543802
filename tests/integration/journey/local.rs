//! Our own sign-in page: what it tells, and whom it lets in.

use axum::http::StatusCode;

use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::{PASSWORD, TestGateway};
use crate::support::redis::RedisServer;

/// Most attempts for one name from one address.
const MOST: usize = 10;

#[tokio::test]
async fn the_right_password_leads_to_the_clouds_login_link() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let answer = browser.sign_alice_in("/bravo/sign-in").await;
    assert!(answer.location().contains("xAccountType=bravo_IDP&isFirstLogin=false"), "{answer:?}");
    assert!(browser.has_session());
    let mut other = gateway.browser();
    let answer = other.sign_in("/bravo/sign-in", "nobody-yet", PASSWORD).await;
    assert!(answer.location().contains("isFirstLogin=true"), "{answer:?}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let gateway = TestGateway::new().await;
    let mut answers = Vec::new();
    for (name, password) in
        [("alice", "wrong"), ("mallory", PASSWORD), ("Alice", PASSWORD), ("gone", "wrong")]
    {
        let mut browser = gateway.browser();
        let answer = browser.sign_in("/bravo/sign-in", name, password).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(!browser.has_session());
        let csrf = answer.field("csrf").unwrap();
        // The form comes back with what was typed, and nothing else differs.
        let typed = format!("value=\"{name}\"");
        assert!(answer.body.contains(&typed), "{answer:?}");
        answers.push(answer.body.replace(&csrf, "CSRF").replace(&typed, "TYPED"));
    }
    assert!(answers[0].contains("role=\"alert\""));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

// Conformance B-36; what each check costs beside is in `src/sso/sign_in/local.rs`.
#[tokio::test]
async fn an_unknown_name_asks_the_store_for_as_much_as_a_wrong_password() {
    let redis = RedisServer::start();
    let gateway = TestGateway::at(&redis).await;
    let mut asked = Vec::new();
    for name in ["first", "alice", "mallory", "gone"] {
        let mut browser = gateway.browser();
        let attempt = async {
            let answer = browser.sign_in("/bravo/sign-in", name, "wrong").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        };
        asked.push(redis.asked(attempt).await);
    }
    // The first of all also opens the connection.
    let [_, known, unknown, off] = &asked[..] else { panic!("{asked:?}") };
    assert!(known.values().sum::<u64>() >= 3, "{known:?}");
    assert_eq!((unknown, off), (known, known));
}

#[tokio::test]
async fn a_user_who_is_switched_off_is_told_so_only_with_the_right_password() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    browser.sign_in("/bravo/sign-in", "gone", PASSWORD).await.refused("SB-3014");
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_form_works_in_the_browser_that_opened_it_only() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let csrf = browser.get("/bravo/sign-in").await.field("csrf").unwrap();
    let form = |csrf: &str| {
        let csrf = csrf.to_owned();
        move |browser: Browser| async move {
            let mut browser = browser;
            let fields = [("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
            let answer = browser.post("/bravo/sign-in", &fields).await;
            (browser.has_session(), answer)
        }
    };
    let mut other = gateway.browser();
    other.get("/bravo/sign-in").await;
    for (browser, csrf) in [
        (gateway.browser(), csrf.as_str()),
        (gateway.browser(), ""),
        (other, csrf.as_str()),
        (browser.clone(), ""),
        (browser.clone(), "x"),
    ] {
        let (signed_in, answer) = form(csrf)(browser).await;
        assert!(!signed_in);
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
        // The page is a fresh form with which it works.
        assert!(answer.field("csrf").is_some_and(|fresh| !fresh.is_empty()), "{answer:?}");
    }
    let (signed_in, answer) = form(&csrf)(browser).await;
    assert!(signed_in, "{answer:?}");
}

async fn attempt(browser: &mut Browser, name: &str) -> Answer {
    browser.sign_in("/bravo/sign-in", name, "wrong").await
}

#[tokio::test]
async fn after_too_many_attempts_even_the_right_password_has_to_wait() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for _ in 0..MOST {
        assert_eq!(attempt(&mut browser, "alice").await.status, StatusCode::FORBIDDEN);
    }
    // A new browser, and whatever it claims about its address, changes nothing.
    let mut fresh = gateway.browser().saying("x-forwarded-for", "198.51.100.1");
    for browser in [&mut browser, &mut fresh] {
        let answer = browser.sign_alice_in("/bravo/sign-in").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("900"));
        assert!(!browser.has_session());
    }
    // Strangers lock nobody out: elsewhere, and behind a listed proxy, alice signs in.
    let mut elsewhere = gateway.browser_at("198.51.100.7:40000");
    elsewhere.sign_alice_in("/bravo/sign-in").await.target();
    let mut proxied = gateway.browser_at("10.0.0.1:1").saying("x-forwarded-for", "198.51.100.8");
    proxied.sign_alice_in("/bravo/sign-in").await.target();
    gateway.wait(15 * 60);
    browser.sign_alice_in("/bravo/sign-in").await.target();
}

#[tokio::test]
async fn a_journey_survives_wrong_attempts() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = crate::support::gateway::cloud::Request::to("bravo");
    let page = browser.get(&request.at("bravo")).await.location().to_owned();
    let again = browser.sign_in(&page, "alice", "wrong").await;
    assert_eq!(again.attribute("action"), page);
    let back = browser.sign_alice_in(&page).await.location().to_owned();
    assert_eq!(browser.get(&back).await.delivered().value("InResponseTo"), request.id);
}

#[tokio::test]
async fn the_page_never_leads_elsewhere_whatever_its_address_says() {
    let gateway = TestGateway::new().await;
    for query in [
        "continue=https%3A%2F%2Fevil.example",
        "continue=%2F%2Fevil.example",
        "continue=..%2F..%2Fevil",
        "continue=%22%3E%3Cscript%3E",
        "service=https%3A%2F%2Fevil.example&next=https%3A%2F%2Fevil.example",
    ] {
        let page = format!("/bravo/sign-in?{query}");
        let mut browser = gateway.browser();
        assert_eq!(browser.get(&page).await.attribute("action"), "/bravo/sign-in", "{query}");
        let answer = browser.sign_alice_in(&page).await;
        assert!(answer.location().starts_with("https://auth.huaweicloud.com/"), "{answer:?}");
        assert!(!answer.location().contains("evil"));
    }
}

#[tokio::test]
async fn where_the_partner_signs_people_in_there_is_no_page_of_ours() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    browser.get("/acme/sign-in").await.refused("SB-3016");
    let fields = [("username", "alice"), ("password", PASSWORD)];
    browser.post("/acme/sign-in", &fields).await.refused("SB-3016");
}

#[tokio::test]
async fn a_body_that_is_too_big_is_refused() {
    let gateway = TestGateway::new().await;
    let big = "x".repeat(300 * 1024);
    for path in ["/bravo/sign-in", "/acme/launch"] {
        let answer = gateway.browser().post(path, &[("username", &big)]).await;
        answer.refused("SB-5007");
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
