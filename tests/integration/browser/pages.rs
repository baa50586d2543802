//! Languages, pages without scripts, small screens, the keyboard, and what the policy stops.

use std::cell::RefCell;

use thirtyfour::prelude::*;

use super::{login_link, must_fit, reach};
use crate::support::browser::{Scripts, Wish, visit};

#[tokio::test]
async fn a_language_that_was_chosen_is_kept() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/sign-in")).await;
        assert_eq!(browser.attribute("html", "lang").await, "en");
        browser.click("a.language").await;
        browser
            .until("the page is Chinese", async || {
                (browser.attribute("html", "lang").await == "zh-CN").then_some(())
            })
            .await;
        assert_eq!(browser.text("form button").await, "登录");
        // Another page, without a parameter: the cookie speaks.
        browser.open_page(&browser.gateway("/acme/launch")).await;
        assert_eq!(browser.attribute("html", "lang").await, "zh-CN");
    })
    .await;
}

#[tokio::test]
async fn a_chinese_browser_is_spoken_to_in_chinese_unless_the_person_wants_english() {
    visit(Wish { languages: "zh-CN,zh", ..Wish::default() }, async |browser| {
        browser.open_page(&browser.gateway("/bravo/sign-in")).await;
        assert_eq!(browser.attribute("html", "lang").await, "zh-CN");
        assert_eq!(browser.text("a.language").await, "English");
        browser.click("a.language").await;
        browser
            .until("the page is English", async || {
                (browser.attribute("html", "lang").await == "en").then_some(())
            })
            .await;
        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        assert_eq!(browser.attribute("html", "lang").await, "en");
    })
    .await;
}

#[tokio::test]
async fn a_switch_of_language_does_not_lose_the_journey_that_waits() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&login_link(browser, "bravo_IDP")).await;
        browser.arrive(&browser.gateway("/bravo/sign-in?continue=")).await;
        browser.click("a.language").await;
        browser
            .until("the page is Chinese", async || {
                (browser.attribute("html", "lang").await == "zh-CN").then_some(())
            })
            .await;
        super::sign_in(browser).await;
        assert_eq!(browser.land().await, ("cust-2001".into(), "/iam/".into()));
    })
    .await;
}

#[tokio::test]
async fn without_scripts_the_delivery_page_waits_for_a_click_and_says_why() {
    visit(Wish { scripts: Scripts::Off, ..Wish::default() }, async |browser| {
        browser.open_page(&browser.partner("/")).await;
        browser.click("#go-servers").await;
        assert_eq!(
            browser.text("noscript p").await,
            "JavaScript is switched off in this browser, so this step needs a click."
        );
        assert!(browser.shows("#deliver button").await);
        browser.click("#deliver button").await;
        assert_eq!(browser.land().await.0, "cust-1001");
    })
    .await;
}

#[tokio::test]
async fn no_page_needs_to_be_scrolled_sideways_on_a_narrow_screen() {
    for languages in ["en", "zh-CN"] {
        let wish = Wish { languages, scripts: Scripts::Off, size: (320, 640) };
        visit(wish, async |browser| {
            browser.open_page(&browser.gateway("/bravo/cloud")).await;
            must_fit(browser, "form input[type=password]").await;
            browser.fill("#username", "carol").await;
            browser.fill("#password", "carol-fell-off-the-bridge").await;
            browser.click("form button").await;
            must_fit(browser, "[role=alert]").await;
            browser.open_page(&browser.gateway("/acme/launch?ticket=nobodys")).await;
            must_fit(browser, "[data-code]").await;
            browser.open_page(&browser.partner("/")).await;
            must_fit(browser, "#go-servers").await;
            browser.click("#go-servers").await;
            must_fit(browser, "#deliver button").await;
            browser.click("#deliver button").await;
            browser.land().await;
            browser.click("a[href='/authui/logout']").await;
            browser.arrive(&browser.gateway("/acme/saml/logout")).await;
            must_fit(browser, "article h1").await;
        })
        .await;
    }
}

#[tokio::test]
async fn the_keyboard_alone_gets_out_of_an_error_and_through_a_delivery() {
    visit(Wish { scripts: Scripts::Off, ..Wish::default() }, async |browser| {
        browser.open_page(&browser.gateway("/acme/launch?ticket=nobodys")).await;
        browser.refusal().await;
        reach(browser, "a.language").await;
        reach(browser, "article a.button").await;
        browser.press("" + Key::Enter).await;
        browser.arrive(&browser.partner("/")).await;
        browser.click("#go-servers").await;
        browser.arrive(&browser.gateway("/acme/saml/sso/")).await;
        reach(browser, "#deliver button").await;
        browser.press("" + Key::Enter).await;
        assert_eq!(browser.land().await.0, "cust-1001");
    })
    .await;
}

#[tokio::test]
async fn a_script_and_a_form_that_someone_smuggled_into_a_page_do_nothing() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/sign-in")).await;
        let smuggle = "
            const script = document.createElement('script');
            script.textContent = 'document.title = \"taken\"';
            const form = document.createElement('form');
            form.action = arguments[0];
            document.body.append(script, form);
            form.submit();
            return document.title;";
        let elsewhere = browser.partner("/stolen");
        let title = browser.driver().execute(smuggle, vec![elsewhere.clone().into()]).await;
        assert_ne!(title.unwrap().convert::<String>().unwrap(), "taken");
        let stopped = RefCell::new(Vec::new());
        for policy in ["script-src", "form-action"] {
            browser
                .until(&format!("{policy} stopped it"), async || {
                    let entries = browser.log().await;
                    stopped.borrow_mut().extend(entries);
                    stopped.borrow().iter().any(|entry| entry.contains(policy)).then_some(())
                })
                .await;
        }
        assert!(!browser.requests().await.iter().any(|(_, url)| url.as_str() == elsewhere));
    })
    .await;
}
