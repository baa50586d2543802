//! Layer 5, http: refusals of the API as problem documents (RFC 9457). For engineers at the
//! partner: they see the cause, which names fields and rules and never a value of a person.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::context::Context;
use super::show;
use crate::page;
use crate::refusal::Refusal;

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
}

/// A refusal as a problem document.
pub(super) fn of(context: &Context, refused: &Refusal) -> Response {
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
    };
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(problem)).into_response();
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    show::recorded(response, context, None, refused)
}
