//! Layer 5, http: our sign-in page for local users.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use url::form_urlencoded;

use super::caller::{Caller, within_limit};
use super::context::Context;
use super::launch::onward;
use super::{cookie, show};
use crate::page::field;
use crate::refusal::Refusal;
use crate::sso::{Turn, Typed};

/// `GET /{tenant}/sign-in?continue=…`
pub(super) async fn page(caller: Caller) -> Response {
    let Caller { visit, browser, context, .. } = &caller;
    let turn = match caller.sso().sign_in_page(visit, browser, handle(context)) {
        Ok(turn) => turn,
        Err(refused) => return caller.refused(&refused),
    };
    let form = show::Form { handle: handle(context), problem: None, username: None };
    let mut response = show::sign_in(context, visit, &form, turn.binding.as_deref());
    if let Some(token) = &turn.binding {
        cookie::set(response.headers_mut(), cookie::BINDING, token);
    }
    show::remember_language(response.headers_mut(), context);
    response
}

/// `POST /{tenant}/sign-in?continue=…`
pub(super) async fn submit(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    caller.shown(sign_in(&caller, body).await)
}

async fn sign_in(caller: &Caller, body: Result<Bytes, BytesRejection>) -> Result<Turn, Refusal> {
    let body = within_limit(body)?;
    let typed = |name| typed(&body, name);
    let (username, password, csrf) =
        (typed(field::USERNAME), typed(field::PASSWORD), typed(field::CSRF));
    let typed = Typed { username: &username, password: &password, csrf: &csrf };
    let handle = handle(&caller.context);
    let onward = onward(handle.as_deref(), None);
    caller.sso().sign_in(&caller.visit, &caller.browser, &typed, onward).await
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
