//! The pages of the simulated cloud, in Chinese and English: plain, escaped, without a script.
//! Apart room
//! `fakecloud`. The look is our own: no logo or trademark of anybody.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::json;

use super::Error;
use super::assertion::Statement;
use super::fault::Finding;
use super::form::Form;
use super::provision::Platform;
use super::record::{Exchange, Verdict};
use super::visit::{Language, Visit};

/// Why a page cannot be given.
pub(crate) enum Problem {
    /// The visitor's message is at fault.
    Refused(Finding),
    /// The simulator is.
    Broken(Error),
}

impl From<Finding> for Problem {
    fn from(finding: Finding) -> Self {
        Self::Refused(finding)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// What every page has: its language, and the way to the other one.
pub(crate) struct Frame {
    pub(crate) language: Language,
    /// The same page in the other language; a page that answers a POST has no such address.
    pub(crate) other: Option<String>,
}

impl Frame {
    /// The frame of a page that can be asked for again.
    pub(crate) fn of(visit: &Visit) -> Self {
        Self { language: visit.language, other: Some(visit.other_language()) }
    }

    /// The frame of a page that answers a POST.
    pub(crate) fn of_post(visit: &Visit) -> Self {
        Self { language: visit.language, other: None }
    }

    /// The one of two texts that is in the page's language.
    pub(crate) fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        match self.language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }
}

/// The front page: what this is, and where everything is.
#[derive(Template)]
#[template(path = "fakecloud/front.html")]
pub(crate) struct Front {
    pub(crate) frame: Frame,
    pub(crate) entity_id: String,
    pub(crate) platforms: Vec<(String, Arc<Platform>)>,
    /// Receiver, code, and until when it can be used; newest first.
    pub(crate) codes: Vec<(String, String, String)>,
    pub(crate) knobs: String,
    /// Newest first.
    pub(crate) exchanges: Vec<Exchange>,
}

/// The console of a customer who is signed in.
#[derive(Template)]
#[template(path = "fakecloud/console.html")]
pub(crate) struct Console {
    pub(crate) frame: Frame,
    pub(crate) statement: Statement,
    pub(crate) account_type: String,
    /// The query that fills in the page to unbind.
    pub(crate) unbind: String,
    pub(crate) path: String,
    pub(crate) algorithm: String,
    pub(crate) certificate: String,
    pub(crate) opened: String,
    pub(crate) ends: String,
    pub(crate) return_url: Option<String>,
}

/// A short message.
#[derive(Template)]
#[template(path = "fakecloud/notice.html")]
pub(crate) struct Notice {
    pub(crate) frame: Frame,
    /// Chinese and English.
    pub(crate) title: (&'static str, &'static str),
    /// Chinese and English.
    pub(crate) text: (&'static str, &'static str),
}

/// A fault, with the way on where there is one.
#[derive(Template)]
#[template(path = "fakecloud/refused.html")]
pub(crate) struct Refused {
    frame: Frame,
    finding: Finding,
    retry: Option<String>,
}

/// The provisioning form, perhaps with what was wrong with the last try.
#[derive(Template)]
#[template(path = "fakecloud/provision.html")]
pub(crate) struct ProvisionForm {
    pub(crate) frame: Frame,
    pub(crate) fields: Form,
    pub(crate) problem: Option<Finding>,
}

impl ProvisionForm {
    fn value(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default()
    }
}

/// The result of provisioning.
#[derive(Template)]
#[template(path = "fakecloud/provisioned.html")]
pub(crate) struct Provisioned {
    pub(crate) frame: Frame,
    pub(crate) account_type: String,
    pub(crate) login_link: String,
}

/// A page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page of a fault. It may answer a POST, so it offers no other language.
pub(crate) fn refused(visit: &Visit, finding: &Finding, retry: Option<String>) -> Response {
    let frame = Frame::of_post(visit);
    page(finding.fault.status(), &Refused { frame, finding: finding.clone(), retry })
}

/// A fault as JSON.
pub(crate) fn json_fault(finding: &Finding) -> Response {
    let body = json!({
        "code": finding.fault.to_string(),
        "sentence": finding.fault.english(),
        "expected": finding.expected,
        "came": finding.came,
    });
    (finding.fault.status(), Json(body)).into_response()
}

/// A fault of the simulator itself.
pub(crate) fn broken(error: &Error) -> Response {
    tracing::error!(%error, "the simulated cloud cannot answer");
    (StatusCode::INTERNAL_SERVER_ERROR, "500 simulated cloud").into_response()
}

/// A 302 to `location`, perhaps with a cookie.
pub(crate) fn redirect(location: &str, cookie: Option<String>) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
