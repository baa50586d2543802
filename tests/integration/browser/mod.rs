//! Whole journeys in a real Chromium, against `skybridge demo` as users start it. That a journey
//! lands proves much by itself: the simulated cloud checks every byte of the answer, the
//! `RelayState` among them.

mod album;
mod first_login;
mod launch;
mod leave;
mod logout;
mod open_account;
mod pages;
mod post;
mod sign_in;

use serde_json::Value;
use thirtyfour::prelude::*;

use crate::support::browser::Browser;

/// The login link of a tenant at the cloud, where journeys begin that the partner did not.
fn login_link(browser: &Browser, account_type: &str) -> String {
    browser.cloud(&format!("/authui/saml/login?xAccountType={account_type}&isFirstLogin=false"))
}

/// Signs Carol in on the form that is open.
async fn sign_in(browser: &Browser) {
    browser.fill("#username", "carol").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("form button").await;
}

/// That the page that shows this element is no wider than the window.
async fn must_fit(browser: &Browser, css: &str) {
    browser
        .until(&format!("{css} is there"), async || browser.shows(css).await.then_some(()))
        .await;
    let wide = "const page = document.documentElement;
        return page.scrollWidth - page.clientWidth;";
    let excess = browser.driver().execute(wide, vec![]).await.unwrap().convert::<i64>().unwrap();
    let url = browser.driver().current_url().await.unwrap();
    assert!(excess <= 0, "{url} is {excess} pixels wider than the window");
}

/// Goes on with the tabulator until this element has the focus.
async fn reach(browser: &Browser, css: &str) {
    let wanted = browser.driver().find(By::Css(css)).await.unwrap();
    for _ in 0..20 {
        browser.press("" + Key::Tab).await;
        if browser.driver().active_element().await.unwrap() == wanted {
            return;
        }
    }
    panic!("{css} cannot be reached by keyboard");
}

/// Sends the form of this tab a moment later, without waiting for what comes of it.
async fn soon(browser: &Browser, button: &str) {
    let click = "const [button] = arguments;
        setTimeout(() => document.querySelector(button).click());";
    browser.driver().execute(click, vec![button.into()]).await.unwrap();
}

async fn twice(browser: &Browser, css: &str) {
    let button = browser.driver().find(By::Css(css)).await.unwrap();
    browser.driver().action_chain().double_click_element(&button).perform().await.unwrap();
}

/// One account of a tenant's customer at the cloud, and at the gateway the link with it.
async fn has_one_account(browser: &Browser, (tenant, user_id): (&str, &str)) {
    let known = browser.ask_cloud("/api/accounts").await;
    let of_them = |account: &&Value| account["link"]["xAccountId"] == user_id;
    let accounts: Vec<&Value> =
        known["accounts"].as_array().unwrap().iter().filter(of_them).collect();
    assert_eq!(accounts.len(), 1, "{known}");
    let path = format!("/api/v1/{tenant}/customers/{user_id}");
    let customer = browser.ask_gateway(&path).await;
    assert_eq!(customer["state"], "linked", "{customer}");
    assert_eq!(customer["cloud_account"]["domain_id"], accounts[0]["domain_id"], "{customer}");
}

/// Becomes another customer on the partner's site, which is open.
async fn become_customer(browser: &Browser, (login, user_id): (&str, &str)) {
    browser.click(&format!("button[value={login}]")).await;
    browser
        .until(&format!("{login} is the customer"), async || {
            (browser.text("#user").await == user_id).then_some(())
        })
        .await;
}

/// Carol's, of the demo.
const PASSWORD: &str = "carol-crosses-the-bridge";
/// What the simulated cloud takes for a password of Bob's.
const BOBS: &str = "Bob-crosses-2";
