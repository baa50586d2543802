//! Layer 5, http: refusals of the API as problem documents (RFC 9457). For engineers at the
//! partner: they see the cause, which names fields and rules and never a value of a person.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::api::body::Fault;
use super::context::Context;
use super::show;
use crate::page;
use crate::refusal::Refusal;
use crate::saml::lint::Finding;

/// Why a call is refused, with the fields that caused it.
#[derive(Debug)]
pub(super) struct Declined {
    /// The refusal.
    pub refusal: Refusal,
    /// The faults of the request's fields, if it is about these.
    pub faults: Vec<Fault>,
    /// What is wrong with the metadata that was sent, if it is about this.
    pub findings: Vec<Finding>,
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, faults: Vec::new(), findings: Vec::new() }
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: String,
    /// Whose move it is.
    owner: &'static str,
    advice: &'a str,
    /// The id that is in the log.
    instance: &'a str,
    /// What is wrong with the request, field by field.
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    /// What is wrong with the metadata.
    #[serde(skip_serializing_if = "<[Finding]>::is_empty")]
    findings: &'a [Finding],
}

/// A refusal as a problem document.
pub(super) fn of(context: &Context, declined: &Declined) -> Response {
    let refused = &declined.refusal;
    let entry = refused.code.entry();
    let said = page::explain(refused.code, context.language);
    let problem = Problem {
        r#type: "about:blank",
        title: &said.title,
        status: entry.status,
        // What went wrong on our side is nobody's business but the log's.
        detail: if entry.status < 500 { &refused.cause } else { entry.meaning },
        code: refused.code.to_string(),
        owner: entry.owner.key(),
        advice: &said.advice,
        instance: context.journey.as_str(),
        errors: &declined.faults,
        findings: &declined.findings,
    };
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(problem)).into_response();
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    show::recorded(response, context, None, refused)
}
