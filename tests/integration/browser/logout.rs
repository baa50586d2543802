//! Single logout in a real browser: two service providers with pages of their own, and a gateway
//! between them (saml-profiles-2.0-os §4.4; conformance ).

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use url::form_urlencoded;

use crate::support::browser::{Browser, Wish, visit};
use crate::support::gateway::callee::{Callee, Manner};
use crate::support::gateway::cloud::inflate;
use crate::support::gateway::leaver::{CALLED, HERE, Known, Leaver, THERE, by_redirect};
use crate::support::gateway::{PASSWORD, TestGateway, enveloped, material};

/// Whether a service provider answers who tells it of a logout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Answers,
    Hangs,
}

/// A service provider with pages.
#[derive(Clone)]
pub(super) struct Site {
    who: Leaver,
    mood: Mood,
    origin: String,
    gateway: Arc<Mutex<String>>,
    /// What it knows of the one person who comes here, while they are signed in.
    known: Arc<Mutex<Option<Known>>>,
}

impl Site {
    async fn open(who: Leaver, mood: Mood) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin =
            format!("http://{}.localhost:{}", who.name, listener.local_addr().unwrap().port());
        let site = Self { who, mood, origin, gateway: Arc::default(), known: Arc::default() };
        let router = Router::new()
            .route("/", get(front))
            .route("/acs", post(sign_in))
            .route("/slo", get(leave))
            .route("/slo/answer", get(left))
            .with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        site
    }

    /// Its metadata, with its addresses on this machine.
    fn here(&self, metadata: &str) -> String {
        let (slo, acs) = (self.who.slo(), format!("https://{}.example/acs", self.who.name));
        let here = |path: &str| format!("{}{path}", self.origin);
        metadata.replace(&slo, &here("/slo")).replace(&acs, &here("/acs"))
    }

    /// An address of the gateway's.
    fn at_gateway(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.lock().unwrap())
    }
}

fn page(inside: &str) -> Html<String> {
    Html(format!("<!DOCTYPE html><title>.</title><link rel=\"icon\" href=\"data:,\">{inside}"))
}

fn link(id: &str, address: &str) -> String {
    format!("<a id=\"{id}\" href=\"{}\">{id}</a>", address.replace('&', "&amp;"))
}

/// Who is signed in, and a link to change that.
async fn front(State(site): State<Site>) -> Html<String> {
    match &*site.known.lock().unwrap() {
        None => {
            let login = site.at_gateway(&site.who.login().at("bravo"));
            page(&format!("<h1>Nobody</h1>{}", link("sign-in", &login)))
        }
        Some(known) => {
            let request = site.who.logout("_leaving", known);
            let logout = site.at_gateway(&by_redirect("SAMLRequest", &request, "state"));
            page(&format!("<h1>Somebody</h1>{}", link("leave", &logout)))
        }
    }
}

fn field(form: &str, name: &str) -> String {
    let mut fields = form_urlencoded::parse(form.as_bytes());
    fields.find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// Takes an answer.
async fn sign_in(State(site): State<Site>, form: String) -> Redirect {
    let response = material::unbase64(&field(&form, "SAMLResponse"));
    let response = String::from_utf8(response).unwrap();
    *site.known.lock().unwrap() = Some(Known::of(&response));
    Redirect::to("/")
}

/// Takes a logout request, and answers it or not.
async fn leave(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
) -> Result<Redirect, Html<String>> {
    let query = query.unwrap();
    if site.mood == Mood::Hangs {
        return Err(page("<h1>Out of order</h1>"));
    }
    *site.known.lock().unwrap() = None;
    let request = inflate(&material::unbase64(&field(&query, "SAMLRequest")));
    let answer = site.who.answer(&enveloped::id(&request), "Success");
    let back = by_redirect("SAMLResponse", &answer, &field(&query, "RelayState"));
    Ok(Redirect::to(&site.at_gateway(&back)))
}

/// Takes the answer to its own logout request.
async fn left(State(site): State<Site>, RawQuery(query): RawQuery) -> Html<String> {
    let response = material::unbase64(&field(&query.unwrap(), "SAMLResponse"));
    let response = inflate(&response);
    *site.known.lock().unwrap() = None;
    let partly = if response.contains("PartialLogout") { ", partly" } else { "" };
    assert!(response.contains("status:Success"), "{response}");
    page(&format!("<h1>Left{partly}</h1>"))
}

/// Service providers, and a gateway that knows them: one that answers, one that may, and perhaps
/// one that is called.
async fn world(there: Mood, callee: Option<&Callee>) -> (Vec<Site>, String) {
    let mut sites = vec![Site::open(HERE, Mood::Answers).await, Site::open(THERE, there).await];
    let mut known: Vec<String> = sites.iter().map(|it| it.here(&it.who.metadata())).collect();
    if let Some(callee) = callee {
        let site = Site::open(CALLED, Mood::Answers).await;
        known.push(site.here(&callee.metadata_without_browser()));
        sites.push(site);
    }
    let gateway = TestGateway::knowing(&known).await;
    let host = format!("http://gateway.localhost:{}", gateway.listen().await.port());
    for site in &sites {
        site.gateway.lock().unwrap().clone_from(&host);
    }
    (sites, host)
}

/// Signs alice in at all of them.
async fn sign_in_at_all(browser: &Browser, sites: &[Site], host: &str) {
    for (number, site) in sites.iter().enumerate() {
        browser.open_page(&site.origin).await;
        browser.click("#sign-in").await;
        if number == 0 {
            browser.arrive(&format!("{host}/bravo/sign-in?continue=")).await;
            browser.fill("#username", "alice").await;
            browser.fill("#password", PASSWORD).await;
            browser.click("form button").await;
        }
        browser.arrive(&format!("{}/", site.origin)).await;
        says(browser, "Somebody").await;
    }
}

/// Waits for a page with this heading.
async fn says(browser: &Browser, heading: &str) {
    let condition = format!("the page says {heading}");
    browser.until(&condition, async || (browser.text("h1").await == heading).then_some(())).await;
}

/// That nobody is signed in any more, at the gateway neither.
async fn nobody_is_left(browser: &Browser, sites: &[Site], host: &str) {
    for site in sites {
        browser.open_page(&site.origin).await;
        says(browser, "Nobody").await;
    }
    browser.click("#sign-in").await;
    browser.arrive(&format!("{host}/bravo/sign-in?continue=")).await;
}

#[tokio::test]
async fn who_leaves_one_service_in_chromium_has_left_the_other_too() {
    visit(Wish::default(), async |browser| {
        let (sites, host) = world(Mood::Answers, None).await;
        sign_in_at_all(browser, &sites, &host).await;
        browser.open_page(&sites[0].origin).await;
        browser.click("#leave").await;
        browser.arrive(&format!("{}/slo/answer", sites[0].origin)).await;
        says(browser, "Left").await;
        nobody_is_left(browser, &sites, &host).await;
    })
    .await;
}

#[tokio::test]
async fn who_leaves_the_gateway_in_chromium_has_left_both_services_and_reads_so() {
    visit(Wish::default(), async |browser| {
        let (sites, host) = world(Mood::Answers, None).await;
        sign_in_at_all(browser, &sites, &host).await;
        browser.open_page(&format!("{host}/bravo/logout")).await;
        says(browser, "You are signed out").await;
        nobody_is_left(browser, &sites, &host).await;
    })
    .await;
}

/// Alice was signed in everywhere and leaves at the gateway; now her browser is at a service that
/// does not send it back.
pub(super) async fn leaves_where_one_hangs(
    browser: &Browser,
    callee: &Callee,
) -> (Vec<Site>, String) {
    let (sites, host) = world(Mood::Hangs, Some(callee)).await;
    sign_in_at_all(browser, &sites, &host).await;
    browser.open_page(&format!("{host}/bravo/logout")).await;
    says(browser, "Out of order").await;
    (sites, host)
}

#[tokio::test]
async fn a_service_that_hangs_in_chromium_is_left_out_by_the_person_and_named_at_the_end() {
    visit(Wish::default(), async |browser| {
        let callee = Callee::start(Manner::Failed).await;
        let (sites, host) = leaves_where_one_hangs(browser, &callee).await;
        assert_eq!(callee.heard().len(), 1);
        browser.driver().back().await.unwrap();
        browser.arrive(&format!("{host}/bravo/logout/")).await;
        browser.click("#skip").await;
        says(browser, "You are signed out here, but not everywhere").await;
        let missed = browser.text("#missed").await;
        let mut missed: Vec<&str> = missed.lines().collect();
        missed.sort_unstable();
        assert_eq!(missed, ["called.example", "there.example"]);
        browser.open_page(&sites[0].origin).await;
        says(browser, "Nobody").await;
    })
    .await;
}
