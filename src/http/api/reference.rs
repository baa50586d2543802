//! Layer 5, http: the API's documentation: for programs as `OpenAPI`, for people as a page. Both
//! are public and need nothing from elsewhere.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::{calls, openapi};
use crate::http::context::Context;
use crate::http::{Gateway, show};
use crate::page::{self, ApiEntry, ApiField};

/// `GET /api/v1/openapi.json`
pub(in crate::http) async fn document() -> Response {
    let mut response = axum::Json(openapi::document(&calls())).into_response();
    // The media type of the OpenAPI Initiative is not registered; JSON is what tools ask for.
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// `GET /api/v1`: the same for people.
pub(in crate::http) async fn page(State(_): State<Gateway>, context: Context) -> Response {
    let calls = calls();
    let entries = calls.iter().map(|call| ApiEntry {
        call: call.name,
        method: call.method(),
        path: call.path,
        scope: call.scope.name(),
        fields: call
            .fields()
            .iter()
            .map(|field| ApiField { name: field.name, most: field.most, required: field.required })
            .collect(),
        status: call.answer.0,
        refusals: call.refusals(),
    });
    show::of_page(page::api(context.language, &context.switch_to(), &entries.collect::<Vec<_>>()))
}
