//! First logins: a customer without an account at the cloud, who clicks twice, reloads, goes back
//! or has two tabs, gets one account and one link, and lands.

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::{BOBS, become_customer, has_one_account, must_fit, reach, soon, twice};
use crate::support::browser::{Browser, Scripts, Wish, visit};

/// Where the partner's link led.
const PAGE: &str = "/console/ecs/?region=cn-north-4&tab=list";
/// The tenant, and its id of Bob.
const BOB: (&str, &str) = ("acme", "cust-1002");

#[tokio::test]
async fn a_double_click_on_create_makes_one_account() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        slow_down(browser).await;
        twice(browser, "form button").await;
        go_on(browser).await;
        lands(browser).await;
        let sent = browser.requests().await;
        let forms = sent
            .iter()
            .filter(|(method, url)| method == "POST" && url.path().starts_with("/first-login/"));
        // A browser with much to do drops the first form before it is sent.
        assert!((1..=2).contains(&forms.count()));
    })
    .await;
}

#[tokio::test]
async fn the_clouds_form_can_be_reloaded() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        browser.driver().refresh().await.unwrap();
        assert_eq!(browser.value("#account_name").await, "bob_acme");
        browser.fill("#password", BOBS).await;
        browser.click("form button").await;
        go_on(browser).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn a_reload_of_our_page_after_the_link_says_the_same_again() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        browser.click("form button").await;
        linked(browser).await;
        let title = browser.text("h1").await;
        for _ in 0..2 {
            browser.driver().refresh().await.unwrap();
            linked(browser).await;
            assert_eq!(browser.text("h1").await, title);
        }
        go_on(browser).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn back_after_the_link_leads_to_no_second_account() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        browser.click("form button").await;
        linked(browser).await;
        browser.driver().back().await.unwrap();
        // Whoever has arrived is led on from the form, with the same news for the gateway.
        go_on(browser).await;
        lands(browser).await;
        // The next click is an ordinary one.
        browser.open_page(&browser.partner("/go/api/servers")).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn back_from_the_console_is_the_page_after_the_link_and_no_question() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        browser.click("form button").await;
        linked(browser).await;
        let title = browser.text("h1").await;
        go_on(browser).await;
        lands(browser).await;
        // Whatever lies between, with a form that was sent the browser shows its question instead.
        for _ in 0..3 {
            browser.driver().back().await.unwrap();
            let place = browser.driver().current_url().await.unwrap();
            if place.as_str().starts_with(&browser.gateway("/acme/link-result")) {
                break;
            }
        }
        linked(browser).await;
        assert_eq!(browser.text("h1").await, title);
        let sent = browser.requests().await;
        let told = |(method, url): &&(String, url::Url)| {
            method == "POST" && url.path() == "/acme/link-result"
        };
        assert_eq!(sent.iter().filter(told).count(), 1);
        go_on(browser).await;
        assert_eq!(browser.land().await.0, "cust-1002");
    })
    .await;
}

#[tokio::test]
async fn two_tabs_in_a_first_login_end_in_one_account() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        let first = browser.new_tab().await;
        browser.open_page(&browser.partner("/go/api/servers")).await;
        browser.arrive(&browser.cloud("/first-login/")).await;
        browser.fill("#password", BOBS).await;
        browser.click("form button").await;
        go_on(browser).await;
        lands(browser).await;

        browser.driver().switch_to_window(first).await.unwrap();
        browser.click("form button").await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_send_their_forms_at_once_end_in_one_account() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        let first = browser.new_tab().await;
        browser.open_page(&browser.partner("/go/api/servers")).await;
        browser.arrive(&browser.cloud("/first-login/")).await;
        browser.fill("#password", BOBS).await;
        slow_down(browser).await;
        soon(browser, "form button").await;
        let second = browser.driver().window().await.unwrap();
        browser.driver().switch_to_window(first).await.unwrap();
        soon(browser, "form button").await;
        for tab in [browser.driver().window().await.unwrap(), second] {
            browser.driver().switch_to_window(tab).await.unwrap();
            // One of the two brings the news; the other finds the account and is in the console.
            if is_told(browser).await {
                go_on(browser).await;
            }
            assert_eq!(browser.land().await, ("cust-1002".into(), PAGE.into()));
        }
        has_one_account(browser, BOB).await;
    })
    .await;
}

#[tokio::test]
async fn who_has_an_account_binds_it_and_what_the_cloud_refuses_keeps_the_form() {
    visit(Wish::default(), async |browser| {
        let account = json!({ "name": "bobs_own", "password": BOBS });
        let made = browser.tell_cloud(Method::POST, "/api/accounts", &account).await;
        at_the_clouds_form(browser).await;
        browser.click("#existing").await;
        let refusals = [("Bob-falls-2", json!({}), "FC-513"), (BOBS, in_arrears(), "FC-719")];
        for (password, knobs, code) in refusals {
            browser.tell_cloud(Method::PUT, "/api/knobs", &knobs).await;
            browser.fill("#account_name", "bobs_own").await;
            browser.fill("#password", password).await;
            browser.click("form button").await;
            browser
                .until(&format!("the form says {code}"), async || {
                    (browser.text("[role=alert] #code").await == code).then_some(())
                })
                .await;
            assert_eq!(browser.value("#account_name").await, "bobs_own");
            assert_eq!(browser.value("#password").await, "");
            assert_eq!(at_gateway(browser).await["state"], "first-login");
        }
        browser.tell_cloud(Method::PUT, "/api/knobs", &json!({})).await;
        browser.fill("#password", BOBS).await;
        browser.click("form button").await;
        go_on(browser).await;
        lands(browser).await;
        assert_eq!(at_gateway(browser).await["cloud_account"]["domain_id"], made["domain_id"]);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_of_the_cloud_keeps_what_was_typed_into_the_form() {
    visit(Wish::default(), async |browser| {
        at_the_clouds_form(browser).await;
        let exceeded = json!({ "registrations": "exceeded" });
        browser.tell_cloud(Method::PUT, "/api/knobs", &exceeded).await;
        browser.fill("#account_name", "bobs_other").await;
        browser.click("form button").await;
        browser.text("[role=alert] #code").await;
        assert_eq!(browser.value("#account_name").await, "bobs_other");
        assert_eq!(browser.value("#mobile").await, "0086-13800001002");
        browser.tell_cloud(Method::PUT, "/api/knobs", &json!({})).await;
        browser.fill("#password", BOBS).await;
        browser.click("form button").await;
        go_on(browser).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn the_page_after_the_link_fits_any_screen_in_both_languages_and_needs_no_mouse() {
    for (languages, title) in [("en", "Your cloud account is ready"), ("zh-CN", "您的云账号已就绪")]
    {
        for size in [(320, 640), (1200, 900)] {
            visit(Wish { languages, scripts: Scripts::On, size }, async |browser| {
                at_the_clouds_form(browser).await;
                must_fit(browser, "#password").await;
                browser.press("" + Key::Enter).await;
                linked(browser).await;
                assert_eq!(browser.attribute("html", "lang").await, languages);
                assert_eq!(browser.text("h1").await, title);
                must_fit(browser, "article.card").await;
                reach(browser, "main p:last-child a").await;
                reach(browser, "main a.button").await;
                browser.press("" + Key::Enter).await;
                lands(browser).await;
            })
            .await;
        }
    }
}

/// Bob at the cloud's form, filled in.
async fn at_the_clouds_form(browser: &Browser) {
    browser.open_page(&browser.partner("/")).await;
    become_customer(browser, ("bob", BOB.1)).await;
    browser.open_page(&browser.partner("/go/api/servers")).await;
    browser.arrive(&browser.cloud("/first-login/")).await;
    browser.fill("#password", BOBS).await;
}

/// Our page that says that there is a link now.
async fn linked(browser: &Browser) {
    browser.arrive(&browser.gateway("/acme/link-result")).await;
    browser.attribute("main a.button", "href").await;
}

/// From there into the console.
async fn go_on(browser: &Browser) {
    linked(browser).await;
    browser.click("main a.button").await;
}

/// In the console, on the page that was wanted, with one account and one link.
async fn lands(browser: &Browser) {
    assert_eq!(browser.land().await, ("cust-1002".into(), PAGE.into()));
    has_one_account(browser, BOB).await;
}

/// Whether a first login ends on our page, and not at once in the console.
async fn is_told(browser: &Browser) -> bool {
    let ends = [browser.gateway("/acme/link-result"), browser.cloud("/console/")];
    browser
        .until("the first login is over", async || {
            let url = browser.driver().current_url().await.ok()?;
            ends.iter().position(|end| url.as_str().starts_with(end)).map(|end| end == 0)
        })
        .await
}

/// What the gateway's API says about Bob.
async fn at_gateway(browser: &Browser) -> Value {
    browser.ask_gateway("/api/v1/acme/customers/cust-1002").await
}

/// The cloud takes its time, so that a second click finds the page still there.
async fn slow_down(browser: &Browser) {
    browser.tell_cloud(Method::PUT, "/api/knobs", &json!({ "delay_ms": 400 })).await;
}

fn in_arrears() -> Value {
    json!({ "bind_refusals": { "bobs_own": "in_arrears" } })
}
