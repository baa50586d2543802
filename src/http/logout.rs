//! Layer 5, http: the addresses of logout (saml-profiles-2.0-os §4.4, contract §1.10).

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::context::Context;
use super::launch::too_large;
use super::sign_in::typed;
use super::{Gateway, show};
use crate::page::field;
use crate::refusal::Refusal;
use crate::sso::{Browser, Turn, Visit};

/// Finds the tenant and the browser, asks, and shows what comes of it.
async fn shown(
    gateway: &Gateway,
    context: &Context,
    tenant: &str,
    ask: impl AsyncFnOnce(&Visit, &Browser) -> Result<Turn, Refusal>,
) -> Response {
    let visit = match gateway.sso.visit(tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(gateway, context, None, &refused),
    };
    let turn = ask(&visit, &context.browser(&visit.tenant)).await;
    show::turn(gateway, context, &visit, turn)
}

/// `GET /{tenant}/logout`: a customer leaves, from the partner's site.
pub(super) async fn begin(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    let sso = &gateway.sso;
    shown(&gateway, &context, &tenant, async |visit, browser| sso.log_out(visit, browser).await)
        .await
}

/// `GET /{tenant}/saml/logout`: a logout message by HTTP-Redirect; or none, when the cloud sends
/// the browser here after logging it out (contract §1.10).
pub(super) async fn hear(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    let (sso, query) = (&gateway.sso, context.raw_query());
    shown(&gateway, &context, &tenant, async |visit, browser| sso.hear(visit, browser, query).await)
        .await
}

/// `POST /{tenant}/saml/logout`: a logout message by HTTP-POST.
pub(super) async fn hear_form(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (sso, query) = (&gateway.sso, context.raw_query());
    shown(&gateway, &context, &tenant, async |visit, browser| {
        let body = body.map_err(|_| too_large())?;
        sso.hear_form(visit, browser, (query, &body)).await
    })
    .await
}

/// `GET /{tenant}/saml/heard/{handle}`: where the browser is sent once it has posted a message.
pub(super) async fn heard(
    State(gateway): State<Gateway>,
    Path((tenant, handle)): Path<(String, String)>,
    context: Context,
) -> Response {
    let sso = &gateway.sso;
    shown(&gateway, &context, &tenant, async |visit, browser| {
        sso.heard(visit, browser, &handle).await
    })
    .await
}

/// `GET /{tenant}/logout/{handle}`: the page of a logout under way.
pub(super) async fn page(
    State(gateway): State<Gateway>,
    Path((tenant, handle)): Path<(String, String)>,
    context: Context,
) -> Response {
    let sso = &gateway.sso;
    shown(&gateway, &context, &tenant, async |visit, browser| {
        sso.leaving_page(visit, browser, &handle).await
    })
    .await
}

/// `POST /{tenant}/logout/{handle}`: the person leaves out who does not answer.
pub(super) async fn skip(
    State(gateway): State<Gateway>,
    Path((tenant, handle)): Path<(String, String)>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let sso = &gateway.sso;
    shown(&gateway, &context, &tenant, async |visit, browser| {
        let body = body.map_err(|_| too_large())?;
        sso.skip(visit, browser, (&handle, &typed(&body, field::CSRF))).await
    })
    .await
}
