//! Layer 5, http: our sign-in page for local users.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use url::form_urlencoded;

use super::context::Context;
use super::launch::{onward, too_large};
use super::{Gateway, cookie, show};
use crate::page::field;
use crate::sso::Typed;

/// `GET /{tenant}/sign-in?continue=…`
pub(super) async fn page(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let browser = context.browser(&visit.tenant);
    let turn = match gateway.sso.sign_in_page(&visit, &browser, handle(&context)) {
        Ok(turn) => turn,
        Err(refused) => return show::refusal(&gateway, &context, Some(&visit), &refused),
    };
    let form = show::Form { handle: handle(&context), problem: None, username: None };
    let mut response = show::sign_in(&context, &visit, &form, turn.binding.as_deref());
    if let Some(token) = &turn.binding {
        cookie::set(response.headers_mut(), cookie::BINDING, token);
    }
    show::remember_language(response.headers_mut(), &context);
    response
}

/// `POST /{tenant}/sign-in?continue=…`
pub(super) async fn submit(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let Ok(body) = body else {
        return show::refusal(&gateway, &context, Some(&visit), &too_large());
    };
    let typed = |name| typed(&body, name);
    let (username, password, csrf) =
        (typed(field::USERNAME), typed(field::PASSWORD), typed(field::CSRF));
    let handle = handle(&context);
    let browser = context.browser(&visit.tenant);
    let typed = Typed { username: &username, password: &password, csrf: &csrf };
    let turn = gateway.sso.sign_in(&visit, &browser, &typed, onward(handle.as_deref(), None)).await;
    show::turn(&gateway, &context, &visit, turn)
}

/// What was typed into a field of a form; nothing where the field is absent.
pub(super) fn typed(body: &[u8], name: &str) -> String {
    let found = form_urlencoded::parse(body).find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The journey to continue; anything but a token of ours is nothing.
fn handle(context: &Context) -> Option<String> {
    context
        .parameter("continue")
        .filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
        .filter(|text| (1..=64).contains(&text.len()))
}
