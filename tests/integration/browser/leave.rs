//! Going back, and going away.

use super::{login_link, sign_in};
use crate::support::browser::{Browser, Scripts, Wish, visit};

#[tokio::test]
async fn back_from_the_console_leads_to_the_partners_site_and_posts_nothing_again() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/")).await;
        browser.click("#go-servers").await;
        browser.land().await;
        assert_eq!(posts(browser).await, 1);
        browser.driver().back().await.unwrap();
        browser.arrive(&browser.partner("/")).await;
        assert_eq!(browser.text("#user").await, "cust-1001");
        assert_eq!(posts(browser).await, 1);
    })
    .await;
}

#[tokio::test]
async fn back_to_the_delivery_page_posts_nothing_by_itself_and_a_reload_offers_another_way() {
    visit(Wish { scripts: Scripts::Off, ..Wish::default() }, async |browser| {
        browser.open_page(&browser.partner("/")).await;
        browser.click("#go-servers").await;
        browser.click("#deliver button").await;
        browser.land().await;
        browser.driver().back().await.unwrap();
        browser.arrive(&browser.gateway("/acme/saml/sso/")).await;
        assert_eq!(posts(browser).await, 1);
        browser.driver().refresh().await.unwrap();
        assert_eq!(browser.refusal().await, "SB-2011");
        browser.click("article a.button").await;
        browser.click("#deliver button").await;
        assert_eq!(browser.land().await, ("cust-1001".into(), "/iam/".into()));
    })
    .await;
}

#[tokio::test]
async fn back_after_signing_in_shows_the_form_and_it_works_once_more() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&login_link(browser, "bravo_IDP")).await;
        sign_in(browser).await;
        browser.land().await;
        browser.driver().back().await.unwrap();
        browser.arrive(&browser.gateway("/bravo/sign-in")).await;
        assert_eq!(posts(browser).await, 1);
        sign_in(browser).await;
        browser.refusal().await;
        browser.click("article a.button").await;
        assert_eq!(browser.land().await.0, "cust-2001");
    })
    .await;
}

#[tokio::test]
async fn signing_out_at_the_cloud_ends_our_session_and_says_so() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        sign_in(browser).await;
        browser.land().await;
        browser.click("a[href='/authui/logout']").await;
        browser.arrive(&browser.gateway("/bravo/saml/logout")).await;
        assert_eq!(browser.text("h1").await, "You are signed out");
        let cookies = browser.driver().get_all_cookies().await.unwrap();
        assert!(!cookies.iter().any(|cookie| cookie.name.contains("session")), "{cookies:?}");

        browser.open_page(&browser.gateway("/bravo/cloud")).await;
        browser.arrive(&browser.gateway("/bravo/sign-in")).await;
        browser.open_page(&browser.cloud("/iam/")).await;
        assert_eq!(browser.text("h1").await, "Nobody is signed in");
    })
    .await;
}

/// How many answers were posted to the cloud.
async fn posts(browser: &Browser) -> usize {
    let sent = browser.requests().await;
    let to_acs = |url: &url::Url| url.path() == "/authui/saml/SAMLAssertionConsumer";
    sent.iter().filter(|(method, url)| method == "POST" && to_acs(url)).count()
}
