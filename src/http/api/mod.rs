//! Layer 5, http: the API for a partner's back end. JSON in, JSON out, refusals as problem
//! documents. One file for each thing that can be called.

pub(super) mod body;
mod calls;
pub(super) mod contacts;
pub(super) mod creations;
pub(super) mod customers;
mod openapi;
pub(super) mod providers;
pub(super) mod reference;
mod schemas;
pub(super) mod tickets;
pub(super) mod webhooks;

pub(super) use calls::calls;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::Gateway;
use super::caller::within_limit;
use super::context::Context;
use super::problem::{self, Declined};
use crate::refusal::{Code, Refusal};
use crate::sso::Visit;
use crate::sso::sign_in::Scope;

/// Longest idempotency key, characters.
const IDEMPOTENCY_KEY_CHARS: usize = 128;

/// A request's body, or why it was not read.
type Body = Result<Bytes, BytesRejection>;
/// The names in a request's address, or why they cannot be read.
type Names<T> = Result<Path<T>, PathRejection>;

/// The tenant that is called, once the call shows a key that may make it.
async fn authorized(
    gateway: &Gateway,
    tenant: &str,
    context: &Context,
    scope: Scope,
) -> Result<Visit, Refusal> {
    authorized_as(gateway, tenant, context, scope).await.map(|(visit, _)| visit)
}

/// The same, and the id of the key.
async fn authorized_as(
    gateway: &Gateway,
    tenant: &str,
    context: &Context,
    scope: Scope,
) -> Result<(Visit, String), Refusal> {
    let visit = gateway.sso.visit(tenant).await?;
    let key = context.header(header::AUTHORIZATION.as_str());
    let key = key.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let id = gateway.sso.authenticate_partner(&visit.tenant, key, scope)?.to_owned();
    Ok((visit, id))
}

/// The names in the address.
fn names<T>(names: Names<T>) -> Result<T, Refusal> {
    let unreadable = |_| Refusal::new(Code::NotFound, "expected UTF-8 in the address, found other");
    names.map(|Path(names)| names).map_err(unreadable)
}

/// The key under which a call may be made again without being done again.
fn idempotency_key(context: &Context) -> Result<&str, Refusal> {
    let key = context.header("idempotency-key").unwrap_or_default();
    if (1..=IDEMPOTENCY_KEY_CHARS).contains(&key.len()) {
        return Ok(key);
    }
    let cause = format!("expected an Idempotency-Key of 1 to {IDEMPOTENCY_KEY_CHARS} characters");
    Err(Refusal::new(Code::IdempotencyKeyInvalid, cause))
}

/// The answer to a call.
fn answer<T: Serialize>(
    context: &Context,
    status: StatusCode,
    told: Result<T, Declined>,
) -> Response {
    match told {
        Ok(told) => (status, Json(told)).into_response(),
        Err(declined) => problem::of(context, &declined),
    }
}
