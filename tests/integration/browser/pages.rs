//! Languages, and pages without scripts.

use super::login_link;
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
