//! Ways in from the partner's site and from the cloud, and links that are too old or used.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{BOBS, become_customer, login_link};
use crate::support::browser::{Browser, Wish, visit};

#[tokio::test]
async fn a_click_on_cloud_console_opens_the_customers_console_in_a_new_tab() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/")).await;
        browser.click("#console").await;
        browser.newest_tab().await;
        assert_eq!(browser.land().await, ("cust-1001".into(), "/iam/".into()));
        assert_eq!(browser.driver().windows().await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_deep_link_with_query_and_fragment_survives_the_whole_way() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/")).await;
        browser.click("#go-servers").await;
        let page = "/console/ecs/?region=cn-north-4&tab=list";
        assert_eq!(browser.land().await, ("cust-1001".into(), page.into()));

        browser.open_page(&browser.partner("/")).await;
        browser.click("#go-storage").await;
        let page = browser.cloud("/console/obs/#/buckets");
        assert_eq!(browser.arrive(&page).await, page);
        assert_eq!(browser.land().await.0, "cust-1001");
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_the_partner_signed_itself_opens_the_console() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/")).await;
        browser.click("#go-jwt").await;
        assert_eq!(browser.land().await, ("cust-1001".into(), "/iam/".into()));
    })
    .await;
}

#[tokio::test]
async fn a_journey_that_begins_at_the_cloud_goes_through_the_partners_login_and_lands() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&login_link(browser, "acme_IDP")).await;
        browser.arrive(&browser.partner("/login?store=acme&continue=")).await;
        browser.click("button[value=alice]").await;
        assert_eq!(browser.land().await, ("cust-1001".into(), "/iam/".into()));
    })
    .await;
}

#[tokio::test]
async fn two_journeys_in_two_tabs_both_land_whichever_is_finished_first() {
    visit(Wish::default(), async |browser| {
        let waiting = browser.partner("/login?store=acme&continue=");
        browser.open_page(&login_link(browser, "acme_IDP")).await;
        browser.arrive(&waiting).await;
        let first = browser.new_tab().await;
        browser.open_page(&login_link(browser, "acme_IDP")).await;
        browser.arrive(&waiting).await;

        browser.click("button[value=alice]").await;
        assert_eq!(browser.land().await.0, "cust-1001");
        browser.driver().switch_to_window(first).await.unwrap();
        browser.click("button[value=alice]").await;
        assert_eq!(browser.land().await.0, "cust-1001");
    })
    .await;
}

#[tokio::test]
async fn a_customer_without_a_cloud_account_opens_one_and_lands_where_the_link_led() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/")).await;
        become_customer(browser, ("bob", "cust-1002")).await;
        browser.click("#go-servers").await;
        browser.arrive(&browser.cloud("/first-login/")).await;
        // The assertion filled in what it knows.
        assert_eq!(browser.value("#account_name").await, "bob_acme");
        browser.fill("#password", BOBS).await;
        browser.click("form button").await;
        // The cloud's page carries the news to the gateway, whose page leads on.
        browser.arrive(&browser.gateway("/acme/link-result")).await;
        browser.click("main a.button").await;
        let page = "/console/ecs/?region=cn-north-4&tab=list";
        assert_eq!(browser.land().await, ("cust-1002".into(), page.into()));
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_used_says_so_and_leads_back_into_the_console() {
    visit(Wish::default(), async |browser| {
        browser.open_page(&browser.partner("/go/api/servers")).await;
        browser.land().await;
        let requests = browser.requests().await;
        let used = requests.iter().find(|(_, url)| url.path() == "/acme/launch").unwrap();
        browser.open_page(used.1.as_str()).await;
        assert_eq!(browser.refusal().await, "SB-3003");
        // Whoever has a session needs no other link.
        browser.click("article a.button").await;
        assert_eq!(browser.land().await, ("cust-1001".into(), "/iam/".into()));
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_too_old_says_so_and_leads_back_to_the_partners_site() {
    visit(Wish::default(), async |browser| {
        let ticket = ticket_of_yesterday(browser);
        browser.open_page(&browser.gateway(&format!("/acme/launch?ticket={ticket}"))).await;
        assert_eq!(browser.refusal().await, "SB-3002");
        browser.click("article a.button").await;
        browser.arrive(&browser.partner("/")).await;
        browser.click("#go-servers").await;
        assert_eq!(browser.land().await.0, "cust-1001");
    })
    .await;
}

/// A ticket by the partner's own key, good until some time in 2023.
fn ticket_of_yesterday(browser: &Browser) -> String {
    let pem = std::fs::read(browser.home().join("partner-ticket-private-key.pem")).unwrap();
    let header = Header { kid: Some("demo".into()), ..Header::new(Algorithm::EdDSA) };
    let claims = json!({
        "aud": "https://gateway.localhost/acme", "sub": "cust-1001", "jti": "old", "name": "alice",
        "exp": 1_700_000_000,
    });
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_pem(&pem).unwrap()).unwrap()
}
