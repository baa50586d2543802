//! Layer 5, http: style sheet, script and icon.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::context::Context;
use super::{Gateway, guard};
use crate::page::{self, CACHE_CONTROL};

/// `GET /assets/{name}`
pub(super) async fn serve(
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    context: Context,
) -> Response {
    let found = page::assets().into_iter().find(|asset| asset.path["/assets/".len()..] == name);
    let Some(asset) = found else {
        return guard::not_found(State(gateway), context).await;
    };
    let known = context.header(header::IF_NONE_MATCH.as_str()) == Some(asset.etag.as_str());
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL));
    if let Ok(etag) = HeaderValue::try_from(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
