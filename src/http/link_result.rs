//! Layer 5, http: where the cloud's page sends the browser with the outcome of a first login
//! (contract §1.6), and the page at which it arrives with that.

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;

use super::caller::{Caller, within_limit};
use super::show;
use crate::account::Fields;
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
    let fields = Fields::of(&body)?;
    caller.sso().link_result(&caller.visit, fields.form()).await
}
