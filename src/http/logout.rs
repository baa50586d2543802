//! Layer 5, http: the addresses of logout (saml-profiles-2.0-os §4.4, contract §1.10).

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;

use super::caller::{Caller, within_limit};
use super::sign_in::typed;
use crate::page::field;

/// `GET /{tenant}/logout`: a customer leaves, from the partner's site.
pub(super) async fn begin(caller: Caller) -> Response {
    caller.shown(caller.sso().log_out(&caller.visit, &caller.browser).await)
}

/// `GET /{tenant}/saml/logout`: a logout message by HTTP-Redirect; or none, when the cloud sends
/// the browser here after logging it out (contract §1.10).
pub(super) async fn hear(caller: Caller) -> Response {
    let query = caller.context.raw_query();
    caller.shown(caller.sso().hear(&caller.visit, &caller.browser, query).await)
}

/// `POST /{tenant}/saml/logout`: a logout message by HTTP-POST.
pub(super) async fn hear_form(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    let turn = async {
        let form = (caller.context.raw_query(), &within_limit(body)?[..]);
        caller.sso().hear_form(&caller.visit, &caller.browser, form).await
    };
    caller.shown(turn.await)
}

/// `GET /{tenant}/saml/heard/{handle}`: where the browser is sent once it has posted a message.
pub(super) async fn heard(caller: Caller, Path((_, handle)): Path<(String, String)>) -> Response {
    caller.shown(caller.sso().heard(&caller.visit, &caller.browser, &handle).await)
}

/// `GET /{tenant}/logout/{handle}`: the page of a logout under way.
pub(super) async fn page(caller: Caller, Path((_, handle)): Path<(String, String)>) -> Response {
    caller.shown(caller.sso().leaving_page(&caller.visit, &caller.browser, &handle).await)
}

/// `POST /{tenant}/logout/{handle}`: the person leaves out who does not answer.
pub(super) async fn skip(
    caller: Caller,
    Path((_, handle)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let turn = async {
        let csrf = typed(&within_limit(body)?, field::CSRF);
        caller.sso().skip(&caller.visit, &caller.browser, (&handle, &csrf)).await
    };
    caller.shown(turn.await)
}
