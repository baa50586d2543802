//! Requests that must be refused, each with the code that it must get. Tests send them to the
//! program's parts and to the program; the benchmark weighs them.

mod document;
mod elsewhere;
mod logout;
mod post;
mod redirect;

use axum::http::Method;

use super::browser::{Answer, Browser};
use super::cloud::{Request, encode};
use super::enveloped;
use super::material::{self, base64};
use document::Room;

/// A hostile request.
pub(crate) struct Hostile {
    /// How it comes and what is wrong.
    pub(crate) name: String,
    /// The code of its refusal.
    pub(crate) code: &'static str,
    /// Path and raw query.
    pub(crate) target: String,
    /// The kind and the text of its body, which is posted; without, it is a GET.
    pub(crate) body: Option<(&'static str, String)>,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// What forms come as.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl Hostile {
    /// What a browser that sends it is answered.
    pub(crate) async fn sent_by(&self, browser: &Browser) -> Answer {
        let mut browser = browser.clone();
        for (name, value) in &self.headers {
            browser = browser.saying(name, value);
        }
        let (method, kind, body) = match self.body.clone() {
            Some((kind, body)) => (Method::POST, Some(kind), body),
            None => (Method::GET, None, String::new()),
        };
        browser.send(method, &self.target, (kind, body)).await
    }

    /// Whether it is refused for a moment only, so that it takes a clock that stands still.
    pub(crate) fn is_of_a_moment(&self) -> bool {
        self.name.ends_with("three minutes and a second")
    }

    fn fetched(name: &str, code: &'static str, target: String) -> Self {
        Self { name: name.to_owned(), code, target, body: None, headers: Vec::new() }
    }

    fn posted(name: &str, code: &'static str, target: &str, form: String) -> Self {
        let body = Some((FORM, form));
        let name = format!("POST: {name}");
        Self { name, code, target: target.to_owned(), body, headers: Vec::new() }
    }
}

/// Every hostile SAML message, sent so many seconds after the tests' beginning.
pub(crate) fn messages(at: i64) -> Vec<Hostile> {
    let mut rows = redirect::rows(at);
    rows.extend(post::rows(at));
    rows.extend(logout::rows(at));
    rows
}

/// What is hostile at the other addresses.
pub(crate) fn others(at: i64) -> Vec<Hostile> {
    elsewhere::rows(at)
}

/// Good requests as large as they can be, by either binding: what is hostile must not cost more.
pub(crate) fn greatest(at: i64) -> [Hostile; 2] {
    let bulk = |room| document::bulk(&good(at), room);
    let query = good(at).query_of(bulk(Room::Query).as_bytes());
    let signed = enveloped::signed(&bulk(Room::Form), material::sp());
    let form = document::form_of(signed.as_bytes());
    [
        Hostile::fetched("a good one", "-", format!("/acme/saml/sso?{query}")),
        Hostile::posted("a good one", "-", "/acme/saml/sso", form),
    ]
}

fn good(at: i64) -> Request {
    Request::to("acme").issued(at)
}

/// A query that says that it is compressed and is not: for completeness of the encodings.
pub(crate) fn plain_xml() -> String {
    format!("SAMLRequest={}", encode(&base64(good(0).xml().as_bytes())))
}
