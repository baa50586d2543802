//! Layer 5, http: where the cloud's page sends the browser with the outcome of a first login
//! (contract §1.6), and the page at which it arrives with that.

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use url::form_urlencoded;

use super::caller::{Caller, within_limit};
use super::show;
use crate::account::Form;
use crate::refusal::{Code, Refusal};
use crate::sso::Turn;

/// `POST /{tenant}/link-result`: `bindRequest`, `SigAlg`, `Signature`. Leads on to [`page`], so
/// that who comes back to it from the console does not send the form again.
pub(super) async fn post(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    caller.shown(take(&caller, body).await)
}

/// `GET /{tenant}/link-result/{standing}`: what became of the link. It needs no cookie and no key:
/// the same page for whoever opens it, which knows of nobody and changes nothing.
pub(super) async fn page(caller: Caller, Path((_, standing)): Path<(String, String)>) -> Response {
    let Some(standing) = show::standing(&standing) else {
        let cause = "expected linked or ended in the address, found another text";
        return caller.refused(&Refusal::new(Code::NotFound, cause));
    };
    show::linked(&caller.context, &caller.visit, standing)
}

async fn take(caller: &Caller, body: Result<Bytes, BytesRejection>) -> Result<Turn, Refusal> {
    let body = within_limit(body)?;
    let (mut bind_request, mut algorithm, mut signature) = (None, None, None);
    for (name, value) in form_urlencoded::parse(&body) {
        let slot = match name.as_ref() {
            "bindRequest" => &mut bind_request,
            "SigAlg" => &mut algorithm,
            "Signature" => &mut signature,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            let cause = format!("expected {name} once, found it twice");
            return Err(Refusal::new(Code::LinkNoticeUnreadable, cause));
        }
    }
    let (Some(bind_request), Some(algorithm), Some(signature)) =
        (&bind_request, &algorithm, &signature)
    else {
        let cause = "expected bindRequest, SigAlg and Signature, found one missing";
        return Err(Refusal::new(Code::LinkNoticeUnreadable, cause));
    };
    caller.sso().link_result(&caller.visit, Form { bind_request, algorithm, signature }).await
}
