//! Our own page that opens an account at the first launch: what a mistake costs, and that clicking
//! twice, reloading, going back or having two tabs opens one account, with one link and the consent
//! on record.

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::{become_customer, has_one_account, must_fit, reach, soon, twice};
use crate::support::browser::{Browser, Scripts, Wish, visit};

/// Where the partner's link led.
const PAGE: &str = "/console/ecs/?region=cn-north-4&tab=list";
const ERIN: &str = "cust-3001";
const MOBILE: &str = "0086-13800003001";
/// The button that opens the account.
pub(super) const OPEN: &str = "button[value=open]";

#[tokio::test]
async fn a_customer_opens_an_account_here_and_lands_where_the_link_led() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/")).await;
        become_customer(browser, ("erin", ERIN)).await;
        browser.click("#go-servers").await;
        browser.arrive(&browser.gateway("/acme-direct/open-account")).await;
        // The partner told what it knows.
        assert_eq!(browser.value("#name").await, "erin_acme");
        assert_eq!(browser.value("#contact").await, MOBILE);
        browser.click("button[value=send-code]").await;
        assert!(browser.text("[role=status]").await.contains(MOBILE));
        assert_eq!(browser.focus().await, "code");
        browser.fill("#code", &code(browser).await).await;
        browser.click("label[for=consent]").await;
        browser.click(OPEN).await;
        lands(browser).await;

        let begun = event(browser, "creation-begun").await;
        let consent = &begun["evidence"]["consent"];
        for document in ["user_agreement", "privacy_statement"] {
            let address = consent[document].as_str().unwrap();
            assert!(address.starts_with("https://www.huaweicloud.com/declaration/"), "{begun}");
        }
        assert!(consent["given_at"].is_string(), "{begun}");
        assert!(!begun.to_string().contains("13800003001"), "{begun}");
        // The next click is an ordinary one.
        browser.open_page(&browser.partner("/go/api/servers")).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn without_the_tick_the_browser_asks_for_it_and_so_does_the_page() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        browser.click("#consent").await;
        browser.click(OPEN).await;
        browser.until("the box is asked for", async || is_invalid(browser).await).await;
        assert_eq!(browser.focus().await, "consent");

        // A browser that does not check forms.
        let trusting = "document.querySelector('form').noValidate = true";
        browser.driver().execute(trusting, vec![]).await.unwrap();
        browser.click(OPEN).await;
        assert_eq!(browser.refusal().await, "SB-6123");
        let said = browser.text("[role=alert]").await;
        assert!(said.contains("tick the box"), "{said}");
        assert_eq!(browser.focus().await, "consent");
        keeps_what_was_typed(browser).await;
        assert_eq!(browser.value("#code").await, code(browser).await);
        assert_eq!(known_accounts(browser).await, 0);

        browser.click("#consent").await;
        browser.click(OPEN).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_code_is_announced_and_all_else_stays() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        let right = code(browser).await;
        let wrong = if right == "000000" { "111111" } else { "000000" };
        browser.fill("#code", wrong).await;
        browser.click(OPEN).await;
        assert_eq!(browser.refusal().await, "SB-6107");
        let said = browser.text("[role=alert]").await;
        assert!(said.starts_with("The verification code is wrong"), "{said}");
        assert_eq!(browser.focus().await, "code");
        assert_eq!(browser.value("#code").await, "");
        keeps_what_was_typed(browser).await;
        assert!(
            browser.driver().find(By::Id("consent")).await.unwrap().is_selected().await.unwrap()
        );

        browser.fill("#code", &right).await;
        browser.click(OPEN).await;
        lands(browser).await;
        // The slip is in the history, and no news for the partner.
        event(browser, "creation-refused").await;
        for state in ["waiting", "dead", "delivered"] {
            let path = format!("/api/v1/acme-direct/webhooks?state={state}");
            let told = browser.ask_gateway(&path).await;
            assert!(!told.to_string().contains("account.creation-failed"), "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_double_click_opens_one_account() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        slow_down(browser).await;
        twice(browser, OPEN).await;
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn a_reload_asks_for_no_second_code_and_sends_no_form_again() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        let first = code(browser).await;
        for _ in 0..2 {
            browser.driver().refresh().await.unwrap();
            keeps_what_was_typed(browser).await;
        }
        assert_eq!(posts(browser).await, 1);
        assert_eq!(code(browser).await, first);
        browser.fill("#code", &first).await;
        browser.click("#consent").await;
        browser.click(OPEN).await;
        lands(browser).await;
        browser.driver().refresh().await.unwrap();
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn back_from_the_console_leads_to_no_second_account() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        browser.click(OPEN).await;
        lands(browser).await;
        browser.driver().back().await.unwrap();
        // The browser shows the form as it was left, or asks for it and is led on.
        let form = browser.gateway("/acme-direct/open-account");
        let ends = [&form, &browser.cloud("/console/")];
        let place = browser.until("the browser went back", async || {
            let url = browser.driver().current_url().await.ok()?;
            ends.iter().position(|end| url.as_str().starts_with(end.as_str()))
        });
        if place.await == 0 {
            browser.click(OPEN).await;
        }
        lands(browser).await;
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_send_their_forms_at_once_open_one_account() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        let first = browser.new_tab().await;
        browser.open_page(&browser.partner("/go/api/servers")).await;
        browser.arrive(&browser.gateway("/acme-direct/open-account")).await;
        // The form knows that a code was sent.
        browser.fill("#code", &code(browser).await).await;
        browser.click("#consent").await;
        slow_down(browser).await;
        soon(browser, OPEN).await;
        let second = browser.driver().window().await.unwrap();
        browser.driver().switch_to_window(first).await.unwrap();
        soon(browser, OPEN).await;
        for tab in [browser.driver().window().await.unwrap(), second] {
            browser.driver().switch_to_window(tab).await.unwrap();
            lands(browser).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_has_an_account_finds_the_clouds_page_and_the_way_back() {
    visit(Wish::default(), async |browser| {
        at_the_form(browser).await;
        browser.click("form a[href*='at=cloud']").await;
        browser.arrive(&browser.cloud("/first-login/")).await;
        browser.driver().back().await.unwrap();
        browser.arrive(&browser.gateway("/acme-direct/open-account")).await;
        keeps_what_was_typed(browser).await;
    })
    .await;
}

#[tokio::test]
async fn the_page_fits_any_screen_in_both_languages_and_needs_no_mouse() {
    for (languages, title) in
        [("en", "Open your Huawei Cloud account"), ("zh-CN", "开通您的华为云账号")]
    {
        for size in [(320, 640), (1200, 900)] {
            visit(Wish { languages, scripts: Scripts::Off, size }, async |browser| {
                at_the_form(browser).await;
                assert_eq!(browser.attribute("html", "lang").await, languages);
                assert_eq!(browser.text("h1").await, title);
                must_fit(browser, OPEN).await;
                browser.fill("#code", "000000").await;
                browser.press("" + Key::Enter).await;
                must_fit(browser, "[role=alert]").await;
                browser.press(code(browser).await).await;
                reach(browser, ".documents li:last-child a").await;
                reach(browser, OPEN).await;
                browser.press("" + Key::Enter).await;
                browser.click("#deliver button").await;
                lands(browser).await;
            })
            .await;
        }
    }
}

/// Erin at the form, filled in.
pub(super) async fn at_the_form(browser: &Browser) {
    browser.open_page(&browser.partner("/")).await;
    become_customer(browser, ("erin", ERIN)).await;
    browser.open_page(&browser.partner("/go/api/servers")).await;
    browser.arrive(&browser.gateway("/acme-direct/open-account")).await;
    browser.click("button[value=send-code]").await;
    browser.text("[role=status]").await;
    browser.fill("#code", &code(browser).await).await;
    browser.click("#consent").await;
}

async fn keeps_what_was_typed(browser: &Browser) {
    browser.text("label[for=code]").await;
    assert_eq!(browser.value("#name").await, "erin_acme");
    assert_eq!(browser.value("#contact").await, MOBILE);
}

/// The code that Erin was sent.
pub(super) async fn code(browser: &Browser) -> String {
    let sent = browser.ask_cloud(&format!("/api/codes?receiver={MOBILE}")).await;
    sent["code"].as_str().unwrap().to_owned()
}

/// In the console, on the page that was wanted, with one account and one link.
async fn lands(browser: &Browser) {
    assert_eq!(browser.land().await, (ERIN.into(), PAGE.into()));
    has_one_account(browser, ("acme-direct", ERIN)).await;
    event(browser, "creation-made").await;
}

/// The one line of history about this.
async fn event(browser: &Browser, name: &str) -> Value {
    let customer = browser.ask_gateway(&format!("/api/v1/acme-direct/customers/{ERIN}")).await;
    let lines = customer["history"].as_array().unwrap().iter();
    let lines: Vec<&Value> = lines.filter(|line| line["event"] == name).collect();
    let [line] = lines[..] else { panic!("{customer}") };
    line.clone()
}

async fn known_accounts(browser: &Browser) -> usize {
    let known = browser.ask_cloud("/api/accounts").await;
    let accounts = known["accounts"].as_array().unwrap().iter();
    accounts.filter(|account| account["link"]["xAccountId"] == ERIN).count()
}

/// How often our form was sent.
async fn posts(browser: &Browser) -> usize {
    let sent = browser.requests().await;
    let to_us = |url: &url::Url| url.path() == "/acme-direct/open-account";
    sent.iter().filter(|(method, url)| method == "POST" && to_us(url)).count()
}

/// The cloud takes its time, so that a second click finds the page still there.
async fn slow_down(browser: &Browser) {
    let rule = json!({
        "api": "create_customer", "when": "every", "effect": { "late_ms": 600 },
    });
    browser.tell_cloud(Method::PUT, "/api/faults", &json!({ "rules": [rule] })).await;
}

async fn is_invalid(browser: &Browser) -> Option<()> {
    browser.driver().find(By::Css("#consent:focus:invalid")).await.ok().map(drop)
}
