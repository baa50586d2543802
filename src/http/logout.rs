//! Layer 5, http: the addresses of logout (saml-profiles-2.0-os §4.4, contract §1.10).

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::caller::{Caller, within_limit};
use super::show;
use super::sign_in::typed;
use crate::journey::Outcome;
use crate::page::field;
use crate::refusal::Refusal;
use crate::saml::soap;
use crate::sso::Answered;

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

/// `POST /{tenant}/saml/logout`: a logout message by HTTP-POST, or by SOAP.
pub(super) async fn hear_form(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    if caller.context.header(header::CONTENT_TYPE.as_str()).is_some_and(is_envelope) {
        return hear_call(&caller, body).await;
    }
    let turn = async {
        let form = (caller.context.raw_query(), &within_limit(body)?[..]);
        caller.sso().hear_form(&caller.visit, &caller.browser, form).await
    };
    caller.shown(turn.await)
}

/// Whether a body of that type is a SOAP envelope (saml-bindings-2.0-os §3.2.3).
fn is_envelope(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case("text/xml")
}

/// A service provider calls, and no person waits.
async fn hear_call(caller: &Caller, body: Result<Bytes, BytesRejection>) -> Response {
    let Caller { visit, browser, context, .. } = caller;
    let answered = async { caller.sso().hear_call(visit, browser, &within_limit(body)?).await };
    let Answered { envelope, sp } = match answered.await {
        Ok(answered) => answered,
        Err(refused) => return fault(caller, &refused),
    };
    let mut response = xml(envelope);
    response.extensions_mut().insert(context.journey.clone());
    response.extensions_mut().insert(Outcome {
        tenant: Some(visit.tenant.id.to_string()),
        sp: Some(sp.to_string()),
        step: Some("logout-answered"),
        ..Outcome::default()
    });
    response
}

/// A refusal as a SOAP fault, which names its code only: nobody has proved who they are. Its status
/// is 500, as the binding of SOAP to HTTP has it (SOAP 1.1 §6.2).
fn fault(caller: &Caller, refused: &Refusal) -> Response {
    let mut response = xml(soap::fault(&refused.code.to_string()).unwrap_or_default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    show::recorded(response, &caller.context, Some(&caller.visit.tenant), refused)
}

fn xml(envelope: String) -> Response {
    let mut response = envelope.into_response();
    let media = HeaderValue::from_static(soap::MEDIA_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
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
