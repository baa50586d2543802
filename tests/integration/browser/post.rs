//! A request that a service provider's page posts to the gateway from another site. Chromium keeps
//! the session cookie (`SameSite=Lax`) to itself then, and shows it at the address that follows
//! (conformance B-27).

use axum::Router;
use axum::extract::Path;
use axum::response::Html;
use axum::routing::get;

use crate::support::browser::{Browser, Scripts, Wish, visit};
use crate::support::gateway::cloud::{CN, Request};
use crate::support::gateway::{PASSWORD, TestGateway};

/// Serves the pages of a service provider, each with a form for the gateway around one of the
/// requests; gives the address of the first.
async fn service_provider(gateway: &str, requests: &[Request]) -> String {
    let page = |request: &Request| {
        let mut fields = String::new();
        for (name, value) in request.fields() {
            let field = ["<input type=\"hidden\" name=\"", name, "\" value=\"", &value, "\">"];
            fields.push_str(&field.concat());
        }
        format!(
            "<!DOCTYPE html><link rel=\"icon\" href=\"data:,\"><form method=\"post\" \
             action=\"{gateway}/bravo/saml/sso\">{fields}<button id=\"go\">Go</button></form>"
        )
    };
    let pages: Vec<String> = requests.iter().map(page).collect();
    let serve = async move |Path(number): Path<usize>| Html(pages[number].clone());
    let router = Router::new().route("/{number}", get(serve));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://sp.localhost:{port}/")
}

/// Waits for the page that would deliver the answer: where to, and with which state.
async fn delivery(browser: &Browser) -> (String, String) {
    browser.attribute("input[name=SAMLResponse]", "value").await;
    let action = browser.attribute("form", "action").await;
    (action, browser.value("input[name=RelayState]").await)
}

#[tokio::test]
async fn a_request_posted_from_another_site_finds_the_session_in_chromium() {
    // Without scripts the delivery waits for its button, so nothing leaves this machine.
    visit(Wish { scripts: Scripts::Off, ..Wish::default() }, async |browser| {
        let gateway = TestGateway::new().await;
        let host = format!("http://gateway.localhost:{}", gateway.listen().await.port());
        let requests = ["first", "second"]
            .map(|state| Request::to("bravo").but(|it| it.relay_state = Some(state.to_owned())));
        let pages = service_provider(&host, &requests).await;

        // Nobody is signed in: the posted request waits for the sign-in page.
        browser.open_page(&format!("{pages}0")).await;
        browser.click("#go").await;
        browser.arrive(&format!("{host}/bravo/sign-in?continue=")).await;
        browser.fill("#username", "alice").await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form button").await;
        assert_eq!(delivery(browser).await, (CN.acs.to_owned(), "first".to_owned()));

        // From now on the session answers at once, though the post itself does not show it.
        browser.open_page(&format!("{pages}1")).await;
        browser.click("#go").await;
        assert_eq!(delivery(browser).await, (CN.acs.to_owned(), "second".to_owned()));
        let sent = browser.requests().await;
        let paths: Vec<_> = sent.iter().map(|(method, url)| (&**method, url.path())).collect();
        assert!(paths.contains(&("POST", "/bravo/saml/sso")), "{paths:?}");
        let arrived = |path: &str| path.starts_with("/bravo/saml/arrived/");
        assert!(paths.iter().any(|(method, path)| *method == "GET" && arrived(path)), "{paths:?}");

        // Reloading the answer gives no second one, nor does going back and posting again.
        browser.driver().refresh().await.unwrap();
        assert_eq!(browser.refusal().await, "SB-2011");
        browser.open_page(&format!("{pages}1")).await;
        browser.click("#go").await;
        assert_eq!(browser.refusal().await, "SB-2011");
    })
    .await;
}
