//! Layer 5, http: the SAML addresses of a tenant: requests in, metadata out.

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::caller::{Caller, within_limit};
use crate::sso::Shape;

/// `GET /{tenant}/saml/sso`: an `AuthnRequest` by HTTP-Redirect.
pub(super) async fn sso(caller: Caller) -> Response {
    answer(&caller, None).await
}

/// `GET /{tenant}/saml/sso/{kid}`: the same, from a cloud that holds that key's metadata (design
/// §7).
pub(super) async fn sso_of_key(caller: Caller, Path((_, kid)): Path<(String, String)>) -> Response {
    answer(&caller, Some(&kid)).await
}

async fn answer(caller: &Caller, kid: Option<&str>) -> Response {
    let Caller { visit, browser, context, .. } = caller;
    caller.shown(caller.sso().answer(visit, browser, kid, context.raw_query()).await)
}

/// `POST /{tenant}/saml/sso`: an `AuthnRequest` by HTTP-POST.
pub(super) async fn post(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    arrive(&caller, None, body).await
}

/// `POST /{tenant}/saml/sso/{kid}`: the same, from a cloud that holds that key's metadata.
pub(super) async fn post_to_key(
    caller: Caller,
    Path((_, kid)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    arrive(&caller, Some(&kid), body).await
}

async fn arrive(
    caller: &Caller,
    kid: Option<&str>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Caller { visit, browser, context, .. } = caller;
    let turn = async {
        let form = (context.raw_query(), &within_limit(body)?[..]);
        caller.sso().arrive(visit, browser, kid, form).await
    };
    caller.shown(turn.await)
}

/// `GET /{tenant}/saml/arrived/{handle}`: where the browser is sent once it has posted a request.
pub(super) async fn arrived(caller: Caller, Path((_, handle)): Path<(String, String)>) -> Response {
    caller.shown(caller.sso().answer_arrived(&caller.visit, &caller.browser, &handle).await)
}

/// `GET /{tenant}/saml/metadata`: IDP Metadata.xml around the active key; with `?rich` or `?signed`
/// in the form for service providers beside the cloud.
pub(super) async fn metadata(caller: Caller) -> Response {
    describe(&caller, None).await
}

/// `GET /{tenant}/saml/metadata/{kid}`: the same around another key that may sign.
pub(super) async fn metadata_of_key(
    caller: Caller,
    Path((_, kid)): Path<(String, String)>,
) -> Response {
    describe(&caller, Some(&kid)).await
}

async fn describe(caller: &Caller, kid: Option<&str>) -> Response {
    let shape = if caller.context.parameter("signed").is_some() {
        Shape::Signed
    } else if caller.context.parameter("rich").is_some() {
        Shape::Rich
    } else {
        Shape::AsProfile
    };
    match caller.sso().metadata(&caller.visit, kid, shape).await {
        Ok(xml) => {
            let mut response = xml.into_response();
            let headers = response.headers_mut();
            let media = HeaderValue::from_static("application/samlmetadata+xml; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, media);
            response
        }
        Err(refused) => caller.refused(&refused),
    }
}
