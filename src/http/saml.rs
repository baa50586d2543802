//! Layer 5, http: the SAML addresses of a tenant: requests in, metadata out.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::context::Context;
use super::launch::too_large;
use super::{Gateway, show};
use crate::sso::Shape;

/// `GET /{tenant}/saml/sso`: an `AuthnRequest` by HTTP-Redirect.
pub(super) async fn sso(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    answer(&gateway, &context, &tenant, None).await
}

/// `GET /{tenant}/saml/sso/{kid}`: the same, from a cloud that holds that key's metadata (design
/// §7).
pub(super) async fn sso_of_key(
    State(gateway): State<Gateway>,
    Path((tenant, kid)): Path<(String, String)>,
    context: Context,
) -> Response {
    answer(&gateway, &context, &tenant, Some(&kid)).await
}

async fn answer(gateway: &Gateway, context: &Context, tenant: &str, kid: Option<&str>) -> Response {
    let visit = match gateway.sso.visit(tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(gateway, context, None, &refused),
    };
    let browser = context.browser(&visit.tenant);
    let turn = gateway.sso.answer(&visit, &browser, kid, context.raw_query()).await;
    show::turn(gateway, context, &visit, turn)
}

/// `POST /{tenant}/saml/sso`: an `AuthnRequest` by HTTP-POST.
pub(super) async fn post(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    arrive(&gateway, &context, (&tenant, None), body).await
}

/// `POST /{tenant}/saml/sso/{kid}`: the same, from a cloud that holds that key's metadata.
pub(super) async fn post_to_key(
    State(gateway): State<Gateway>,
    Path((tenant, kid)): Path<(String, String)>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    arrive(&gateway, &context, (&tenant, Some(&kid)), body).await
}

async fn arrive(
    gateway: &Gateway,
    context: &Context,
    (tenant, kid): (&str, Option<&str>),
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = match gateway.sso.visit(tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(gateway, context, None, &refused),
    };
    let Ok(body) = body else {
        return show::refusal(gateway, context, Some(&visit), &too_large());
    };
    let browser = context.browser(&visit.tenant);
    let form = (context.raw_query(), &body[..]);
    let turn = gateway.sso.arrive(&visit, &browser, kid, form).await;
    show::turn(gateway, context, &visit, turn)
}

/// `GET /{tenant}/saml/arrived/{handle}`: where the browser is sent once it has posted a request.
pub(super) async fn arrived(
    State(gateway): State<Gateway>,
    Path((tenant, handle)): Path<(String, String)>,
    context: Context,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let browser = context.browser(&visit.tenant);
    let turn = gateway.sso.answer_arrived(&visit, &browser, &handle).await;
    show::turn(&gateway, &context, &visit, turn)
}

/// `GET /{tenant}/saml/metadata`: IDP Metadata.xml around the active key; with `?rich` or `?signed`
/// in the form for service providers beside the cloud.
pub(super) async fn metadata(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    describe(&gateway, &context, &tenant, None).await
}

/// `GET /{tenant}/saml/metadata/{kid}`: the same around another key that may sign.
pub(super) async fn metadata_of_key(
    State(gateway): State<Gateway>,
    Path((tenant, kid)): Path<(String, String)>,
    context: Context,
) -> Response {
    describe(&gateway, &context, &tenant, Some(&kid)).await
}

async fn describe(
    gateway: &Gateway,
    context: &Context,
    tenant: &str,
    kid: Option<&str>,
) -> Response {
    let visit = match gateway.sso.visit(tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(gateway, context, None, &refused),
    };
    let shape = if context.parameter("signed").is_some() {
        Shape::Signed
    } else if context.parameter("rich").is_some() {
        Shape::Rich
    } else {
        Shape::AsProfile
    };
    match gateway.sso.metadata(&visit, kid, shape) {
        Ok(xml) => {
            let mut response = xml.into_response();
            let headers = response.headers_mut();
            let media = HeaderValue::from_static("application/samlmetadata+xml; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, media);
            response
        }
        Err(refused) => show::refusal(gateway, context, Some(&visit), &refused),
    }
}
