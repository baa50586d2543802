//! What holds for every page: language, headers, addresses that are none, and what a client may
//! claim.

use axum::http::{Method, StatusCode};

use super::handed_off;
use crate::support::gateway::TestGateway;
use crate::support::gateway::browser::Answer;
use crate::support::gateway::cloud::Request;

fn language(answer: &Answer) -> &str {
    let language = answer.header("content-language").unwrap();
    assert!(answer.body.contains(&format!("<html lang=\"{language}\"")), "{answer:?}");
    language
}

#[tokio::test]
async fn the_language_is_the_persons_choice_and_then_the_browsers() {
    let gateway = TestGateway::new().await;
    for path in ["/bravo/sign-in", "/acme/continue/gone", "/nowhere"] {
        assert_eq!(language(&gateway.browser().get(path).await), "en");
        let chinese = gateway.browser().saying("accept-language", "zh-CN,zh;q=0.9,en;q=0.1");
        assert_eq!(language(&chinese.clone().get(path).await), "zh-CN");
        let mut chooser = chinese;
        assert_eq!(language(&chooser.get(&format!("{path}?lang=en")).await), "en");
        assert_eq!(language(&chooser.get(path).await), "en", "{path}: the choice stays");
        assert_eq!(language(&chooser.get(&format!("{path}?lang=zh-CN")).await), "zh-CN");
        assert_eq!(language(&chooser.get(path).await), "zh-CN");
    }
    let page = gateway.browser().get("/bravo/sign-in?lang=zh-CN").await;
    assert!(page.body.contains("bravo 商城"), "{page:?}");
}

#[tokio::test]
async fn the_switch_of_language_keeps_the_journey() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let request = Request::to("bravo");
    let page = browser.get(&request.at("bravo")).await.location().to_owned();
    let switch = {
        let answer = browser.get(&page).await;
        let (_, link) = answer.body.split_once("<a class=\"language\" href=\"").unwrap();
        link.split_once('"').unwrap().0.replace("&amp;", "&").replace("&#38;", "&")
    };
    assert_eq!(language(&browser.get(&switch).await), "zh-CN");
    let back = browser.sign_alice_in(&switch).await.location().to_owned();
    assert_eq!(browser.get(&back).await.delivered().value("InResponseTo"), request.id);
}

#[tokio::test]
async fn addresses_and_methods_that_are_none_have_their_pages() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for path in ["/", "/acme", "/acme/", "/acme/saml/sso/", "/acme/launch/", "/x/y/z", "/assets/x"]
    {
        let answer = browser.get(path).await;
        answer.refused("SB-5005");
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.header("content-security-policy").unwrap().contains("form-action 'none'"));
    }
    for (method, path) in [
        (Method::PUT, "/acme/saml/sso"),
        (Method::PUT, "/acme/launch"),
        (Method::DELETE, "/acme/saml/metadata"),
        (Method::GET, "/api/v1/acme/tickets"),
        (Method::POST, "/acme/continue/x"),
    ] {
        let answer = browser.send(method, path, (None, String::new())).await;
        answer.refused("SB-5006");
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(answer.header("allow").is_some(), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    for path in [
        "/bravo/sign-in",
        "/acme/cloud",
        "/acme/saml/metadata",
        "/acme/saml/logout",
        "/acme/launch",
        "/nowhere",
    ] {
        let answer = browser.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"));
        assert!(answer.header("strict-transport-security").is_some(), "{path}");
        assert!(answer.header("cache-control").unwrap().contains("no-store"), "{path}");
    }
}

#[tokio::test]
async fn what_a_client_says_about_our_host_changes_nothing() {
    let gateway = TestGateway::new().await;
    let honest = gateway.browser();
    let mut liar = gateway.browser();
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-forwarded-for", "10.0.0.1"),
    ] {
        liar = liar.saying(name, value);
    }
    for path in ["/acme/saml/metadata", "/generic/saml/metadata", "/acme/cloud", "/bravo/cloud"] {
        let (mut told, mut lied) = (honest.clone().get(path).await, liar.clone().get(path).await);
        for answer in [&mut told, &mut lied] {
            answer.headers.remove("set-cookie");
        }
        assert_eq!((told.body, told.headers), (lied.body, lied.headers), "{path}");
    }
    let given = liar.ask_ticket("1", "{\"user_id\":\"cust-1\"}").await;
    assert!(given.body.contains("https://gateway.example/acme/launch?ticket="), "{given:?}");
    let target = liar.get(&Request::to("acme").at("acme")).await;
    assert!(target.location().starts_with("https://acme.example/login"), "{target:?}");
    // The destination is compared with our configured address, not with the host that was claimed.
    let evil = Request::to("acme")
        .but(|it| it.destination = Some("https://evil.example/acme/saml/sso".into()));
    liar.get(&evil.at("acme")).await.refused("SB-2007");
}

#[tokio::test]
async fn an_error_page_names_what_helps_and_no_cause() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-1").await;
    let request = Request::to("acme").issued(-301);
    let answer = browser.get(&request.at("acme")).await;
    answer.refused("SB-2009");
    for part in [
        "SB-2009",
        "data-owner=\"you\"",
        "2026-01-02T03:04:05.678Z",
        "https://auth.huaweicloud.com/",
        "href=\"/acme/cloud\"",
    ] {
        assert!(answer.body.contains(part), "{part} in {answer:?}");
    }
    for cause in ["expected", "IssueInstant", "found"] {
        assert!(!answer.body.contains(cause), "{cause} in {answer:?}");
    }
    let id = answer.body.split("<dd>").nth(2).unwrap().split('<').next().unwrap();
    assert!(skybridge::journey::JourneyId::parse(id).is_some(), "{id}");
}

#[tokio::test]
async fn looking_ahead_uses_nothing_up() {
    let gateway = TestGateway::new().await;
    let mut browser = gateway.browser();
    let path = format!("/acme/launch?ticket={}", crate::support::gateway::ticket::ticket("cust-1"));
    // Mail scanners and chat previews ask for the head of a link before the person clicks it.
    browser.send(Method::HEAD, &path, (None, String::new())).await;
    assert!(!browser.has_session());
    browser.get(&path).await.target();
    assert!(browser.has_session());
}
