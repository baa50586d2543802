//! Whole journeys in a real Chromium, against `skybridge demo` as users start it. That a journey
//! lands proves much by itself: the simulated cloud checks every byte of the answer, the
//! `RelayState` among them.

mod launch;
mod leave;
mod pages;
mod sign_in;

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

/// Carol's, of the demo.
const PASSWORD: &str = "carol-crosses-the-bridge";
