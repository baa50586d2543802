//! The cloud's link notification at our address (contract §1.6): who is linked afterwards, and who
//! is not.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{handed_off, request_now, ticket_now};
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::cloud::{RSA_SHA256, signature_over};
use crate::support::gateway::material::{self, Pair, base64};
use crate::support::gateway::{PASSWORD, TestGateway};

const BIND: u8 = 0;
const UNBIND: u8 = 1;

fn text(user: &str, domain: &str, action: impl Into<Value>) -> String {
    let json = json!({
        "domainName": "hw_demo01", "domainId": domain, "userName": "hw_demo01", "userId": "u-1",
        "xUserId": user, "bindAction": action.into(), "a key to come": [1],
    });
    base64(json.to_string().as_bytes())
}

/// Posts a notification from the cloud's page, and goes where that leads: without cookies.
async fn notify(gateway: &TestGateway, tenant: &str, text: &str, signer: &Pair) -> Answer {
    let signature = base64(&signature_over(signer, text.as_bytes()));
    let fields = [("bindRequest", text), ("SigAlg", RSA_SHA256), ("Signature", &signature)];
    brought(gateway, tenant, &fields).await
}

async fn brought(gateway: &TestGateway, tenant: &str, fields: &[(&str, &str)]) -> Answer {
    let mut browser = gateway.browser();
    let answer = browser.post(&format!("/{tenant}/link-result"), fields).await;
    if answer.status != StatusCode::SEE_OTHER {
        return answer;
    }
    browser.get(answer.location()).await
}

async fn bound(gateway: &TestGateway, user: &str, domain: &str) -> Answer {
    notify(gateway, "acme", &text(user, domain, BIND), material::sp()).await
}

async fn unbound(gateway: &TestGateway, user: &str, domain: &str) -> Answer {
    notify(gateway, "acme", &text(user, domain, UNBIND), material::sp()).await
}

/// Whether the next click goes into a first login.
async fn first_login_next(gateway: &TestGateway, browser: &mut Browser, user: &str) -> bool {
    let ticket = ticket_now(gateway, user);
    let link = browser.get(&format!("/acme/launch?ticket={ticket}")).await;
    let target = link.target();
    target.query_pairs().any(|pair| pair == ("isFirstLogin".into(), "true".into()))
}

#[tokio::test]
async fn a_first_login_ends_in_a_link_and_the_next_click_is_an_ordinary_one() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-new").await;
    let delivered = browser.get(&request_now(&gateway, "acme").at("acme")).await;
    assert!(delivered.delivered().response.contains("cust-new"));

    let page = bound(&gateway, "cust-new", "d-1").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.body.contains("Your cloud account is ready"));
    assert!(page.body.contains("href=\"/acme/cloud\""), "{page:?}");
    assert!(!first_login_next(&gateway, &mut browser, "cust-new").await);
}

#[tokio::test]
async fn a_notification_may_say_its_action_as_a_number_or_as_a_text() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-a").await;
    let bind = text("cust-a", "d-1", "0");
    assert_eq!(notify(&gateway, "acme", &bind, material::sp()).await.status, StatusCode::OK);
    assert!(!first_login_next(&gateway, &mut browser, "cust-a").await);
    let unbind = text("cust-a", "d-1", "1");
    let page = notify(&gateway, "acme", &unbind, material::sp()).await;
    assert!(page.body.contains("has ended"), "{page:?}");
    assert!(first_login_next(&gateway, &mut browser, "cust-a").await);
    for action in [json!(2), json!("2"), json!(""), json!(true), json!(null), json!(0.5)] {
        let text = text("cust-a", "d-1", action);
        notify(&gateway, "acme", &text, material::sp()).await.refused("SB-4101");
    }
}

#[tokio::test]
async fn the_same_notification_once_more_changes_nothing_and_does_no_harm() {
    let gateway = TestGateway::new().await;
    handed_off(&gateway, "cust-new").await;
    for _ in 0..3 {
        assert_eq!(bound(&gateway, "cust-new", "d-1").await.status, StatusCode::OK);
    }
    for _ in 0..3 {
        assert_eq!(unbound(&gateway, "cust-new", "d-1").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_old_notification_does_not_bring_back_a_link_that_has_ended() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-new").await;
    assert_eq!(bound(&gateway, "cust-new", "d-1").await.status, StatusCode::OK);
    assert_eq!(unbound(&gateway, "cust-new", "d-1").await.status, StatusCode::OK);
    bound(&gateway, "cust-new", "d-1").await.refused("SB-4103");
    assert!(first_login_next(&gateway, &mut browser, "cust-new").await);
    // Also in the next first login only another account can be the new one.
    bound(&gateway, "cust-new", "d-1").await.refused("SB-4103");
    assert!(first_login_next(&gateway, &mut browser, "cust-new").await);
    assert_eq!(bound(&gateway, "cust-new", "d-2").await.status, StatusCode::OK);
    assert!(!first_login_next(&gateway, &mut browser, "cust-new").await);
}

#[tokio::test]
async fn who_was_never_sent_to_the_cloud_is_not_linked() {
    let gateway = TestGateway::new().await;
    bound(&gateway, "cust-nobody", "d-1").await.refused("SB-4103");
    unbound(&gateway, "cust-nobody", "d-1").await.refused("SB-4103");
    // Nor is the customer of the same id at another tenant.
    handed_off(&gateway, "cust-new").await;
    let text = text("cust-new", "d-1", BIND);
    notify(&gateway, "bravo", &text, material::sp()).await.refused("SB-4103");
    notify(&gateway, "closed", &text, material::sp()).await.refused("SB-2001");
    let mut browser = gateway.browser();
    assert!(first_login_next(&gateway, &mut browser, "cust-new").await);
}

#[tokio::test]
async fn a_notification_for_a_customer_of_the_same_id_at_another_tenant_is_not_believed() {
    let gateway = TestGateway::new().await;
    handed_off(&gateway, "local-2").await;
    assert_eq!(bound(&gateway, "local-2", "d-1").await.status, StatusCode::OK);
    let sign_in = async || {
        let mut browser = gateway.browser();
        browser.sign_in("/bravo/sign-in", "nobody-yet", PASSWORD).await
    };
    assert!(sign_in().await.location().contains("isFirstLogin=true"));
    let acmes = text("local-2", "d-1", BIND);
    notify(&gateway, "bravo", &acmes, material::sp()).await.refused("SB-4111");
    assert!(sign_in().await.location().contains("isFirstLogin=true"));
    let own = text("local-2", "d-2", BIND);
    assert_eq!(notify(&gateway, "bravo", &own, material::sp()).await.status, StatusCode::OK);
    assert!(sign_in().await.location().contains("isFirstLogin=false"));
}

#[tokio::test]
async fn one_cloud_account_is_never_linked_with_two_customers() {
    let gateway = TestGateway::new().await;
    handed_off(&gateway, "cust-a").await;
    let mut other = handed_off(&gateway, "cust-b").await;
    assert_eq!(bound(&gateway, "cust-a", "d-1").await.status, StatusCode::OK);
    bound(&gateway, "cust-b", "d-1").await.refused("SB-4104");
    let ticket = ticket_now(&gateway, "cust-b");
    other.get(&format!("/acme/launch?ticket={ticket}")).await.refused("SB-4104");
    assert!(!first_login_next(&gateway, &mut gateway.browser(), "cust-a").await);
}

#[tokio::test]
async fn a_notification_that_the_cloud_did_not_sign_changes_nothing() {
    let gateway = TestGateway::new().await;
    let mut browser = handed_off(&gateway, "cust-new").await;
    let good = text("cust-new", "d-1", BIND);
    notify(&gateway, "acme", &good, material::stranger()).await.refused("SB-4102");
    let signature = base64(&signature_over(material::sp(), good.as_bytes()));
    let other = text("cust-new", "d-2", BIND);
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    for (bind_request, algorithm, signature, code) in [
        (other.as_str(), RSA_SHA256, signature.as_str(), "SB-4102"),
        (&good, sha1, &signature, "SB-4102"),
        (&good, "", &signature, "SB-4102"),
        (&good, RSA_SHA256, "", "SB-4102"),
        (&good, RSA_SHA256, "not base64", "SB-4102"),
        (&good.replace('=', ""), RSA_SHA256, &signature, "SB-4102"),
    ] {
        let fields =
            [("bindRequest", bind_request), ("SigAlg", algorithm), ("Signature", signature)];
        gateway.browser().post("/acme/link-result", &fields).await.refused(code);
    }
    assert!(first_login_next(&gateway, &mut browser, "cust-new").await);
    // The case of the algorithm differs between the cloud's documents.
    let capitals = RSA_SHA256.to_ascii_uppercase();
    let fields = [("bindRequest", &*good), ("SigAlg", &capitals), ("Signature", &signature)];
    let page = brought(&gateway, "acme", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
}

#[tokio::test]
async fn a_notification_leads_to_a_page_that_is_the_same_for_everybody() {
    let gateway = TestGateway::new().await;
    let mut shown = Vec::new();
    for (user, domain) in [("cust-a", "d-1"), ("cust-b", "d-2")] {
        handed_off(&gateway, user).await;
        for (action, place) in [(BIND, "linked"), (UNBIND, "ended")] {
            let text = text(user, domain, action);
            let signature = base64(&signature_over(material::sp(), text.as_bytes()));
            let fields =
                [("bindRequest", &*text), ("SigAlg", RSA_SHA256), ("Signature", &*signature)];
            let mut browser = gateway.browser();
            let answer = browser.post("/acme/link-result", &fields).await;
            assert_eq!(answer.location(), format!("/acme/link-result/{place}"));
            assert!(answer.body.is_empty() && answer.header("set-cookie").is_none(), "{answer:?}");
            shown.push((place, browser.get(answer.location()).await.body));
        }
    }
    assert_eq!(shown[..2], shown[2..]);
    // Opening the page links nobody, and asks nobody to be known.
    let mut stranger = gateway.browser();
    let page = stranger.get("/acme/link-result/linked?lang=zh-CN").await;
    assert!(page.body.contains("您的云账号已就绪"), "{page:?}");
    assert!(page.body.contains("href=\"/acme/link-result/linked?lang=en\""), "{page:?}");
    assert!(stranger.get("/acme/link-result/linked").await.body.contains("您的云账号已就绪"));
    assert!(first_login_next(&gateway, &mut stranger, "cust-c").await);
    stranger.get("/closed/link-result/linked").await.refused("SB-2001");
    for other in ["/acme/link-result/", "/acme/link-result/Linked", "/acme/link-result/x"] {
        let page = stranger.get(other).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
    }
}

#[tokio::test]
async fn a_notification_that_cannot_be_read_says_so() {
    let gateway = TestGateway::new().await;
    handed_off(&gateway, "cust-new").await;
    for bad in ["bm8ganNvbg==", "e30=", "!", "W10="] {
        notify(&gateway, "acme", bad, material::sp()).await.refused("SB-4101");
    }
    for json in [
        r#"{"xUserId":"","domainId":"d","domainName":"n","bindAction":0}"#,
        r#"{"xUserId":"cust-new","domainId":"","domainName":"n","bindAction":0}"#,
        r#"{"xUserId":"cust-new","domainName":"n","bindAction":0}"#,
        r#"{"xUserId":"cust-new","xUserId":"x","domainId":"d","domainName":"n","bindAction":0}"#,
    ] {
        let text = base64(json.as_bytes());
        notify(&gateway, "acme", &text, material::sp()).await.refused("SB-4101");
    }
    let mut browser = gateway.browser();
    for fields in [
        &[][..],
        &[("bindRequest", "x"), ("SigAlg", "y")],
        &[("bindRequest", "x"), ("bindRequest", "x"), ("SigAlg", "y"), ("Signature", "z")],
    ] {
        browser.post("/acme/link-result", fields).await.refused("SB-4101");
    }
    assert_eq!(browser.get("/acme/link-result").await.status, StatusCode::METHOD_NOT_ALLOWED);
}
