//! Signing in with a password at the gateway.

use thirtyfour::prelude::*;

use super::{PASSWORD, login_link, sign_in};
use crate::support::browser::{Browser, Wish, visit};

#[tokio::test]
async fn the_right_password_opens_the_console_and_the_next_tab_needs_none() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        sign_in(browser).await;
        assert_eq!(browser.land().await, ("cust-2001".into(), "/iam/".into()));

        browser.new_tab().await;
        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        assert_eq!(browser.land().await, ("cust-2001".into(), "/iam/".into()));
        browser.open_page(&login_link(browser, "bravo_IDP")).await;
        assert_eq!(browser.land().await, ("cust-2001".into(), "/iam/".into()));
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_announced_and_the_name_stays() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        browser.fill("#username", "carol").await;
        browser.fill("#password", "carol-fell-off-the-bridge").await;
        browser.click("form button").await;
        let announced = browser.text("[role=alert]").await;
        assert!(announced.starts_with("User name or password is not correct"), "{announced}");
        assert_eq!(browser.value("#username").await, "carol");
        assert_eq!(browser.value("#password").await, "");
        assert_eq!(browser.attribute("#password", "aria-describedby").await, "problem");
        assert_eq!(browser.focus().await, "password");

        browser.press(PASSWORD + Key::Enter).await;
        assert_eq!(browser.land().await.0, "cust-2001");
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_page_can_be_reloaded_and_still_continues_its_journey() {
    visit(Wish::default(), async |browser| {
        let service = browser.cloud("/console/vpc/").replace(':', "%3A").replace('/', "%2F");
        let link = format!("{}&service={service}", login_link(browser, "bravo_IDP"));
        browser.open_page(&link).await;
        let page = browser.arrive(&browser.gateway("/bravo/sign-in?continue=")).await;
        browser.driver().refresh().await.unwrap();
        assert_eq!(browser.arrive(&page).await, page);
        sign_in(browser).await;
        assert_eq!(browser.land().await, ("cust-2001".into(), "/console/vpc/".into()));
    })
    .await;
}

#[tokio::test]
async fn forms_that_were_open_in_two_tabs_both_continue_their_journeys() {
    visit(Wish::default(), async |browser| {
        let form = browser.gateway("/bravo/sign-in?continue=");
        browser.open_page(&login_link(browser, "bravo_IDP")).await;
        browser.arrive(&form).await;
        let first = browser.new_tab().await;
        browser.open_page(&login_link(browser, "bravo_IDP")).await;
        browser.arrive(&form).await;

        sign_in(browser).await;
        assert_eq!(browser.land().await.0, "cust-2001");
        browser.driver().switch_to_window(first).await.unwrap();
        sign_in(browser).await;
        assert_eq!(browser.land().await.0, "cust-2001");
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_alone_signs_in() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        assert_eq!(browser.focus().await, "username");
        browser.press("carol" + Key::Tab).await;
        assert_eq!(browser.focus().await, "password");
        browser.press(PASSWORD + Key::Tab).await;
        assert_eq!(browser.focus().await, "button");
        browser.press("" + Key::Enter).await;
        assert_eq!(browser.land().await.0, "cust-2001");
    })
    .await;
}

#[tokio::test]
async fn cookies_stay_with_the_gateway_and_away_from_scripts() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/sign-in?lang=en")).await;
        sign_in(browser).await;
        browser.land().await;
        browser.open_page(&browser.gateway("/bravo/sign-in")).await;
        let cookies = browser.driver().get_all_cookies().await.unwrap();
        let mut names: Vec<_> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "__Host-skybridge-browser",
                "__Host-skybridge-language",
                "__Host-skybridge-session-bravo"
            ]
        );
        for cookie in &cookies {
            assert_eq!((cookie.secure, cookie.http_only), (Some(true), Some(true)), "{cookie:?}");
            assert_eq!(cookie.same_site, Some(SameSite::Lax), "{cookie:?}");
            assert_eq!((cookie.path.as_deref(), cookie.expiry), (Some("/"), None), "{cookie:?}");
        }
        assert_eq!(script_cookies(browser).await, "");
    })
    .await;
}

/// What a script of the page would see.
async fn script_cookies(browser: &Browser) -> String {
    let seen = browser.driver().execute("return document.cookie", vec![]).await.unwrap();
    seen.convert().unwrap()
}
