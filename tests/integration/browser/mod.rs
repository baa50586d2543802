//! Whole journeys in a real Chromium, against `skybridge demo` as users start it. That a journey
//! lands proves much by itself: the simulated cloud checks every byte of the answer, the
//! `RelayState` among them.

mod first_login;
mod launch;
mod leave;
mod pages;
mod sign_in;

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

/// Carol's, of the demo.
const PASSWORD: &str = "carol-crosses-the-bridge";
