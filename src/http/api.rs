//! Layer 5, http: the API for a partner's back end. JSON in, JSON out, refusals as problem
//! documents.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::launch::too_large;
use super::{Gateway, problem};
use crate::refusal::{Code, Refusal};
use crate::sso::Claims;

/// Longest idempotency key, characters.
const IDEMPOTENCY_KEY_CHARS: usize = 128;

/// The body of `POST /api/v1/{tenant}/tickets`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketWanted {
    /// The partner's id of the customer.
    user_id: String,
    /// What the cloud knows the customer by; `user_id` where it is absent.
    account_id: Option<String>,
    name: Option<String>,
    mobile: Option<String>,
    email: Option<String>,
    /// The page of the cloud to open.
    service: Option<String>,
}

#[derive(Serialize)]
struct TicketGiven {
    url: String,
    expires_in: u64,
}

/// `POST /api/v1/{tenant}/tickets`: a one-time address for one customer.
pub(super) async fn tickets(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match give(&gateway, &tenant, &context, body).await {
        Ok(given) => (StatusCode::CREATED, axum::Json(given)).into_response(),
        Err(refused) => problem::of(&context, &refused),
    }
}

async fn give(
    gateway: &Gateway,
    tenant: &str,
    context: &Context,
    body: Result<Bytes, BytesRejection>,
) -> Result<TicketGiven, Refusal> {
    let visit = gateway.sso.visit(tenant).await?;
    let key = context.header(header::AUTHORIZATION.as_str());
    let key = key.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    gateway.sso.authenticate_partner(&visit.tenant, key)?;
    let body = body.map_err(|_| too_large())?;
    let wanted: TicketWanted = serde_json::from_slice(&body).map_err(|e| {
        // The error names fields, types and places; it quotes no value of a known field.
        let place = format!("line {} column {}", e.line(), e.column());
        let cause = format!("expected the JSON of a ticket, found {:?} at {place}", e.classify());
        Refusal::new(Code::BodyUnreadable, cause)
    })?;
    let idempotency_key = context.header("idempotency-key").unwrap_or_default();
    if !(1..=IDEMPOTENCY_KEY_CHARS).contains(&idempotency_key.len()) {
        let cause =
            format!("expected an Idempotency-Key of 1 to {IDEMPOTENCY_KEY_CHARS} characters");
        return Err(Refusal::new(Code::IdempotencyKeyInvalid, cause));
    }
    let claims = Claims {
        sub: wanted.user_id,
        account_id: wanted.account_id,
        name: wanted.name,
        mobile: wanted.mobile,
        email: wanted.email,
        service: wanted.service,
    };
    let given = gateway.sso.give_ticket(&visit.tenant, idempotency_key, &claims).await?;
    Ok(TicketGiven { url: given.url, expires_in: given.expires_in })
}
