//! A customer's browser between real gateways and a simulated cloud: it follows the journey of a
//! click step by step, so that a test can break off and go on wherever it wants.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use skybridge::app::system::SystemClock;
use skybridge::clock::Clock as _;
use tokio::time::interval;
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

use super::gateway::browser::Answer;
use super::gateway::{BASE, ticket};
use super::site::{self, CLOUD, Node, PATIENCE, Site, TENANT};

/// What a form posts.
pub(crate) type Fields = Vec<(String, String)>;

/// A browser.
pub(crate) struct Visitor {
    /// Who sits in front of it.
    pub(crate) customer: String,
    cloud: Router,
    gateway: String,
    client: reqwest::Client,
    /// How often a gateway said that it could not do it now.
    pub(crate) busy: usize,
    /// Cookies by site.
    jars: [BTreeMap<String, String>; 2],
}

/// Where a click has led.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Landed {
    /// In the console of the customer with this id.
    Console(String),
    /// On the cloud's page for somebody without an account, at this path.
    Newcomer(String),
}

impl Visitor {
    /// Somebody's browser, led to that node.
    pub(crate) fn new(customer: &str, site: &Site, node: &Node) -> Self {
        Self {
            customer: customer.to_owned(),
            cloud: site.cloud.router(),
            gateway: node.origin(),
            client: site::client(),
            busy: 0,
            jars: Default::default(),
        }
    }

    /// The load balancer has chosen another node.
    pub(crate) fn moves_to(&mut self, node: &Node) {
        self.gateway = node.origin();
    }

    /// A click at the partner's site, to where the cloud leads the customer. Whoever is told that
    /// it cannot be done now clicks again.
    pub(crate) async fn arrives(&mut self) -> Result<Landed, reqwest::Error> {
        let (begun, mut beat) = (Instant::now(), interval(Duration::from_millis(100)));
        loop {
            beat.tick().await;
            match self.clicks().await? {
                Ok(landed) => return Ok(landed),
                Err(answer) if begun.elapsed() < PATIENCE && is_busy(&answer) => self.busy += 1,
                Err(answer) => panic!("{answer:?}"),
            }
        }
    }

    /// One click, or the page at which it ended.
    pub(crate) async fn clicks(&mut self) -> Result<Result<Landed, Answer>, reqwest::Error> {
        let path = format!("/{TENANT}/launch?ticket={}", ticket(&self.customer));
        let launched = self.gateway(Method::GET, &path, &[]).await?;
        if launched.status != StatusCode::SEE_OTHER {
            return Ok(Err(launched));
        }
        let asked = self.cloud(Method::GET, launched.location(), &[]).await;
        let asked = asked.header("location").unwrap_or_else(|| panic!("{asked:?}")).to_owned();
        let path = asked.strip_prefix(BASE).unwrap_or_else(|| panic!("{asked}"));
        let answer = self.gateway(Method::GET, path, &[]).await?;
        if answer.status != StatusCode::OK {
            return Ok(Err(answer));
        }
        let delivered = answer.delivered();
        let response = answer.field("SAMLResponse").unwrap();
        let mut fields = vec![("SAMLResponse".to_owned(), response)];
        fields.extend(delivered.relay_state.map(|state| ("RelayState".to_owned(), state)));
        let landed = self.cloud(Method::POST, &delivered.acs, &fields).await;
        let place = landed.header("location").unwrap_or_else(|| panic!("{landed:?}")).to_owned();
        if place.starts_with("/first-login/") {
            return Ok(Ok(Landed::Newcomer(place)));
        }
        let session = self.cloud(Method::GET, "/api/session", &[]).await;
        let session: Value = serde_json::from_str(&session.body).unwrap();
        assert_eq!(session["signed_in"], json!(true), "{session}");
        let whose = session["xAccountId"].as_str().unwrap().to_owned();
        Ok(Ok(Landed::Console(whose)))
    }

    /// Creates an account on the cloud's page. Gives the notification that the browser is to carry;
    /// nothing where the customer had an account by then.
    pub(crate) async fn creates(&mut self, page: &str) -> Option<Fields> {
        let form = self.cloud(Method::GET, page, &[]).await;
        // Everybody's ticket says the same name and number.
        let digits =
            self.customer.bytes().fold(7_u64, |sum, b| sum * 31 % 99_999_989 + u64::from(b));
        let fields = [
            ("account_name".to_owned(), self.customer.replace(|c: char| !c.is_alphanumeric(), "_")),
            ("mobile".to_owned(), format!("0086-139{digits:08}")),
            ("email".to_owned(), String::new()),
            ("password".to_owned(), "crosses-the-bridge-1".to_owned()),
        ];
        let created = self.cloud(Method::POST, &form.attribute("action"), &fields).await;
        let done = created.header("location").unwrap_or_else(|| panic!("{created:?}")).to_owned();
        let told = self.cloud(Method::GET, &done, &[]).await;
        if told.status != StatusCode::OK {
            return None;
        }
        let field =
            |name: &str| (name.to_owned(), told.field(name).unwrap_or_else(|| panic!("{told:?}")));
        Some(["bindRequest", "SigAlg", "Signature"].map(field).into())
    }

    /// Carries a notification to the gateway, and again while that says that it cannot take it now,
    /// and opens the page to which that leads.
    pub(crate) async fn carries(
        &mut self,
        notification: &Fields,
    ) -> Result<Answer, reqwest::Error> {
        let (begun, mut beat) = (Instant::now(), interval(Duration::from_millis(100)));
        let path = format!("/{TENANT}/link-result");
        loop {
            beat.tick().await;
            let mut answer = self.gateway(Method::POST, &path, notification).await?;
            if answer.status == StatusCode::SEE_OTHER {
                answer = self.gateway(Method::GET, answer.location(), &[]).await?;
            }
            if begun.elapsed() > PATIENCE || !is_busy(&answer) {
                return Ok(answer);
            }
            self.busy += 1;
        }
    }

    /// Sends something to the node.
    async fn gateway(
        &mut self,
        method: Method,
        path: &str,
        fields: &[(String, String)],
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.gateway));
        request = request.header(header::COOKIE, cookies(&self.jars[0]));
        if method == Method::POST {
            let kind = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, kind).body(form(fields));
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await?;
        keep(&mut self.jars[0], &headers);
        Ok(Answer { status, headers, body })
    }

    async fn cloud(&mut self, method: Method, place: &str, fields: &[(String, String)]) -> Answer {
        let path = place.strip_prefix(CLOUD).unwrap_or(place);
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::COOKIE, cookies(&self.jars[1]));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(form(fields))).unwrap();
        let (head, body) = self.cloud.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 4 * 1024 * 1024).await.unwrap();
        keep(&mut self.jars[1], &head.headers);
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }
}

fn is_busy(answer: &Answer) -> bool {
    answer.status == StatusCode::SERVICE_UNAVAILABLE
}

/// A fresh ticket for a customer, of the system's time.
fn ticket(customer: &str) -> String {
    let mut claims = ticket::claims(customer);
    claims["exp"] = json!(SystemClock.now().unix_timestamp() + 55);
    ticket::keys()[0].sign(&claims)
}

fn form(fields: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn cookies(jar: &BTreeMap<String, String>) -> String {
    jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn keep(jar: &mut BTreeMap<String, String>, headers: &HeaderMap) {
    for cookie in headers.get_all(header::SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        if cookie.contains("Max-Age=0") {
            jar.remove(name);
        } else {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}
