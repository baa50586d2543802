//! Our page that opens an account at the first launch: what it asks for, what it keeps, and that it
//! opens one account whatever people do with it. The simulated cloud answers over a socket.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use skybridge::app::creations;
use skybridge::app::shutdown::{Pace, Shutdown};
use skybridge::app::system::SystemRandom;
use skybridge::clock::ManualClock;
use skybridge::fakecloud::{FakeCloud, Options};
use skybridge::random::SequenceRandom;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Duration;
use url::Url;

use super::provision;
use crate::support::gateway::browser::{Answer, Browser};
use crate::support::gateway::{API_KEY, START, TestGateway};

const PAGE: &str = "/delta/open-account";
pub(super) const MOBILE: &str = "13800000000";
const SERVICE: &str = "https://console.huaweicloud.com/ecs/";

/// A gateway whose tenant delta opens accounts here, and the cloud.
pub(super) struct House {
    pub(super) gateway: TestGateway,
    pub(super) cloud: Arc<FakeCloud>,
    tasks: JoinSet<()>,
}

impl House {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let random = Arc::new(SequenceRandom::new(1));
        let options = Options::new(Url::parse(&address).unwrap(), clock.clone(), random);
        let cloud = FakeCloud::new(options).unwrap();
        cloud.provision(&provision("delta_IDP")).unwrap();
        let mut tasks = JoinSet::new();
        let router = cloud.router();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let gateway = TestGateway::calling(&address, clock).await;
        Self { gateway, cloud, tasks }
    }

    /// A house in which somebody works on creations.
    pub(super) async fn at_work() -> Self {
        let mut house = Self::new().await;
        house.work();
        house
    }

    fn work(&mut self) {
        let pace = Pace { readiness_grace: Duration::ZERO, drain: Duration::ZERO };
        let creations = Arc::clone(&self.gateway.creations);
        self.tasks.spawn(creations::run(creations, Arc::new(SystemRandom), Shutdown::new(pace)));
    }

    /// A customer's browser on the page, after the click on the partner's site.
    pub(super) async fn newcomer(&self, user: &str) -> Browser {
        let wish = json!({
            "user_id": user, "name": "li-shop", "mobile": "0086-13800000000", "service": SERVICE,
        });
        let mut back_end = self
            .gateway
            .browser()
            .saying("authorization", &format!("Bearer {API_KEY}"))
            .saying("idempotency-key", user);
        let kind = Some("application/json");
        let given =
            back_end.send(Method::POST, "/api/v1/delta/tickets", (kind, wish.to_string())).await;
        let given: Value = serde_json::from_str(&given.body).unwrap();
        let mut browser = self.gateway.browser();
        let answer = browser.get(given["url"].as_str().unwrap()).await;
        let page = format!("{PAGE}?service=https%3A%2F%2Fconsole.huaweicloud.com%2Fecs%2F");
        assert_eq!(answer.location(), page);
        browser
    }

    /// Sends the form with the button for a code.
    pub(super) async fn ask_code(&self, browser: &mut Browser, contact: &str) -> Answer {
        let form = browser.get(PAGE).await;
        let fields = fields(&form, contact, "", "send-code");
        let answer = browser.post(PAGE, &borrowed(&fields)).await;
        match answer.status {
            StatusCode::SEE_OTHER => browser.get(answer.location()).await,
            _ => answer,
        }
    }

    /// The code that the cloud sent.
    pub(super) fn code(&self) -> String {
        self.cloud.code(MOBILE).expect("a code").code
    }

    /// The form, filled in.
    async fn filled(&self, browser: &mut Browser) -> Vec<(&'static str, String)> {
        let form = self.ask_code(browser, MOBILE).await;
        assert_eq!(form.status, StatusCode::OK, "{form:?}");
        assert!(form.body.contains("role=\"status\""), "{form:?}");
        let mut fields = fields(&form, MOBILE, &self.code(), "open");
        fields.push(("consent", "yes".to_owned()));
        fields
    }

    /// How many accounts the cloud has for a customer.
    pub(super) fn accounts(&self, user: &str) -> usize {
        let accounts = self.cloud.accounts();
        let theirs = accounts.iter().filter_map(|account| account.link.as_ref());
        theirs.filter(|link| link.account_id == user).count()
    }

    pub(super) async fn customer(&self, user: &str) -> Value {
        self.asked(&format!("/api/v1/delta/customers/{user}")).await
    }

    /// How often this happened to a customer.
    async fn events(&self, user: &str, event: &str) -> usize {
        let customer = self.customer(user).await;
        let lines = customer["history"].as_array().unwrap().iter();
        lines.filter(|line| line["event"] == event).count()
    }

    /// What the partner is told.
    async fn told(&self) -> Vec<String> {
        let list = self.asked("/api/v1/delta/webhooks?state=waiting").await;
        let messages = list["webhooks"].as_array().unwrap().iter();
        messages.map(|message| message["type"].as_str().unwrap().to_owned()).collect()
    }

    async fn asked(&self, path: &str) -> Value {
        let key = format!("Bearer {API_KEY}");
        let mut back_end = self.gateway.browser().saying("authorization", &key);
        serde_json::from_str(&back_end.get(path).await.body).unwrap()
    }
}

fn fields(form: &Answer, contact: &str, code: &str, button: &str) -> Vec<(&'static str, String)> {
    let csrf = form.field("csrf").unwrap_or_else(|| panic!("{form:?}"));
    let own = str::to_owned;
    vec![
        ("csrf", csrf),
        ("name", own("li-shop")),
        ("contact", own(contact)),
        ("code", own(code)),
        ("button", own(button)),
    ]
}

fn borrowed<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Asserts that the browser goes on to the cloud as somebody who has an account.
#[track_caller]
fn goes_to_the_cloud(answer: &Answer) {
    let to = answer.location();
    assert!(to.starts_with("https://auth.huaweicloud.com/authui/saml/login?"), "{to}");
    assert!(to.contains("isFirstLogin=false"), "{to}");
}

#[tokio::test]
async fn a_newcomer_opens_an_account_and_goes_straight_to_the_console() {
    let house = House::at_work().await;
    let mut browser = house.newcomer("cust-a").await;
    let form = browser.get(PAGE).await;
    assert_eq!(form.status, StatusCode::OK);
    // What the partner told need not be typed.
    assert!(form.body.contains("value=\"0086-13800000000\""), "{form:?}");
    assert!(form.body.contains("value=\"li-shop\""), "{form:?}");
    let fields = house.filled(&mut browser).await;
    let page = format!("{PAGE}?service=https%3A%2F%2Fconsole.huaweicloud.com%2Fecs%2F");
    let answer = browser.post(&page, &borrowed(&fields)).await;
    goes_to_the_cloud(&answer);
    assert!(answer.location().ends_with("service=https%3A%2F%2Fconsole.huaweicloud.com%2Fecs%2F"));
    assert_eq!(house.accounts("cust-a"), 1);

    let customer = house.customer("cust-a").await;
    assert_eq!(customer["state"], "linked");
    let begun = &customer["history"][1];
    assert_eq!(begun["event"], "creation-begun");
    let consent = &begun["evidence"]["consent"];
    let agreement = "https://www.huaweicloud.com/declaration/sa_cua_computing.html";
    assert_eq!(consent["user_agreement"], agreement);
    let privacy = "https://www.huaweicloud.com/declaration/sa_prp.html";
    assert_eq!(consent["privacy_statement"], privacy);
    assert_eq!(consent["given_at"], "2026-01-02T03:04:05.678Z");
    assert!(!customer["history"].to_string().contains(MOBILE), "{customer}");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_was_typed_stays() {
    let house = House::at_work().await;
    let mut browser = house.newcomer("cust-a").await;
    for (contact, title) in [("138", "number"), ("li@shop.example", "number")] {
        let again = house.ask_code(&mut browser, contact).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{again:?}");
        assert!(again.body.contains("role=\"alert\""), "{title}: {again:?}");
        assert!(again.body.contains(&format!("value=\"{contact}\"")), "{again:?}");
        assert!(again.body.contains("aria-invalid=\"true\""), "{again:?}");
    }
    let good = house.filled(&mut browser).await;
    let without =
        |name: &str| good.iter().filter(|(known, _)| *known != name).cloned().collect::<Vec<_>>();
    let no_consent = without("consent");
    let mut wrong_code = without("code");
    wrong_code.push(("code", "999999".to_owned()));
    let no_code = without("code");
    for (fields, status) in [(&no_consent, 422), (&no_code, 422), (&wrong_code, 422)] {
        let again = browser.post(PAGE, &borrowed(fields)).await;
        assert_eq!(again.status, status, "{again:?}");
        assert!(again.body.contains("role=\"alert\""), "{again:?}");
        assert!(again.body.contains("value=\"li-shop\"") && again.body.contains(MOBILE));
        assert!(!again.body.contains("999999"), "a refused code is typed anew: {again:?}");
        assert_eq!(again.body.contains(" checked"), fields != &no_consent, "{again:?}");
        let code = format!("value=\"{}\"", house.code());
        assert_eq!(again.body.contains(&code), fields == &no_consent, "{again:?}");
        assert_eq!(house.accounts("cust-a"), 0);
    }
    goes_to_the_cloud(&browser.post(PAGE, &borrowed(&good)).await);
}

#[tokio::test]
async fn the_partner_hears_of_a_refusal_that_the_customer_cannot_mend_and_of_no_slip() {
    let house = House::at_work().await;
    let mut browser = house.newcomer("cust-a").await;
    let good = house.filled(&mut browser).await;
    let mut slip = good.clone();
    slip.retain(|(name, _)| *name != "code");
    slip.push(("code", "999999".to_owned()));
    for _ in 0..2 {
        let again = browser.post(PAGE, &borrowed(&slip)).await;
        assert!(again.body.contains("data-code=\"SB-6107\""), "{again:?}");
    }
    assert_eq!(house.told().await, [""; 0]);
    // What happened is in the history all the same.
    assert_eq!(house.events("cust-a", "creation-refused").await, 2);

    let restricted = json!({ "error": { "code": "CBC.50010085" } });
    let rule = json!({ "api": "create_customer", "when": "every", "effect": restricted });
    let script = serde_json::from_value(json!({ "rules": [rule] })).unwrap();
    house.cloud.set_faults(script).unwrap();
    let again = browser.post(PAGE, &borrowed(&good)).await;
    assert!(again.body.contains("data-code=\"SB-6113\""), "{again:?}");
    assert_eq!(house.told().await, ["account.creation-failed"]);
}

#[tokio::test]
async fn double_clicks_reloads_and_two_tabs_open_one_account() {
    let house = House::at_work().await;
    let mut browser = house.newcomer("cust-a").await;
    let fields = house.filled(&mut browser).await;
    let mut tabs = JoinSet::new();
    for _ in 0..10 {
        let (mut tab, fields) = (browser.clone(), fields.clone());
        tabs.spawn(async move { tab.post(PAGE, &borrowed(&fields)).await });
    }
    while let Some(answer) = tabs.join_next().await {
        goes_to_the_cloud(&answer.unwrap());
    }
    goes_to_the_cloud(&browser.post(PAGE, &borrowed(&fields)).await);
    goes_to_the_cloud(&browser.get(PAGE).await);
    assert_eq!(house.accounts("cust-a"), 1);
    assert_eq!(house.events("cust-a", "creation-made").await, 1);
}

#[tokio::test]
async fn an_account_that_takes_longer_is_waited_for_on_a_page_that_goes_on_by_itself() {
    let mut house = House::new().await;
    let mut browser = house.newcomer("cust-a").await;
    let fields = house.filled(&mut browser).await;
    let answer = browser.post(PAGE, &borrowed(&fields)).await;
    assert_eq!(answer.location(), PAGE);
    let waiting = browser.get(PAGE).await;
    assert!(waiting.body.contains("http-equiv=\"refresh\""), "{waiting:?}");
    // Another click on the partner's site comes to the same page.
    let mut other = house.newcomer("cust-a-2").await;
    assert!(!other.get(PAGE).await.body.contains("http-equiv=\"refresh\""));
    house.work();
    for _ in 0..100 {
        let answer = browser.get(PAGE).await;
        if answer.status == StatusCode::SEE_OTHER {
            goes_to_the_cloud(&answer);
            assert_eq!(house.accounts("cust-a"), 1);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the account never came");
}

#[tokio::test]
async fn codes_are_sent_once_a_minute_and_five_times_an_hour() {
    let house = House::new().await;
    let mut browser = house.newcomer("cust-a").await;
    house.ask_code(&mut browser, MOBILE).await;
    let first = house.code();
    let again = house.ask_code(&mut browser, MOBILE).await;
    assert_eq!(again.status, StatusCode::OK, "a double click is no fault: {again:?}");
    assert_eq!(house.code(), first);
    for _ in 0..4 {
        house.gateway.wait(61);
        let sent = house.ask_code(&mut browser, MOBILE).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    }
    house.gateway.wait(61);
    let answer = house.ask_code(&mut browser, MOBILE).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    // Nor for somebody else at the same number.
    let mut other = house.newcomer("cust-b").await;
    let answer = house.ask_code(&mut other, MOBILE).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
}

#[tokio::test]
async fn the_form_works_in_the_browser_that_opened_it_only() {
    let house = House::at_work().await;
    let mut browser = house.newcomer("cust-a").await;
    let mut fields = house.filled(&mut browser).await;
    fields.retain(|(name, _)| *name != "csrf");
    let answer = browser.post(PAGE, &borrowed(&fields)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.field("csrf").is_some());
    let mut stranger = house.gateway.browser();
    let answer = stranger.post(PAGE, &borrowed(&fields)).await;
    assert_eq!(answer.location(), "https://delta.example/");
    assert_eq!(house.accounts("cust-a"), 0);
}

#[tokio::test]
async fn whoever_has_an_account_finds_the_cloud_s_own_page() {
    let house = House::new().await;
    let mut browser = house.newcomer("cust-a").await;
    let form = browser.get(PAGE).await;
    assert!(form.body.contains("href=\"/delta/cloud?at=cloud\""), "{form:?}");
    let answer = browser.get("/delta/cloud?at=cloud").await;
    assert!(answer.location().contains("isFirstLogin=true"), "{answer:?}");
    // Coming back from there, the page is still ours.
    assert_eq!(browser.get("/delta/cloud").await.location(), PAGE);
}

#[tokio::test]
async fn the_page_speaks_both_languages_and_shows_the_documents() {
    let house = House::new().await;
    let mut browser = house.newcomer("cust-a").await;
    for (language, submit) in [("en", "Open the account"), ("zh-CN", "开通账号")] {
        let page = browser.get(&format!("{PAGE}?lang={language}")).await;
        assert!(page.body.contains(&format!("lang=\"{language}\"")), "{page:?}");
        let form = house.ask_code(&mut browser, MOBILE).await;
        for text in [submit, "sa_cua_computing.html", "sa_prp.html"] {
            assert!(form.body.contains(text), "{language} {text}: {form:?}");
        }
        house.gateway.wait(61);
    }
}
