//! Layer 5, http: one-time tickets for the partner's back end.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use time::OffsetDateTime;

use super::body::{self, ADDRESS, DETAIL, Faulty, Fields, INSTANT, PERSON_ID};
use super::{Body, Names, answer, authorized, idempotency_key, names, within_limit};
use crate::http::Gateway;
use crate::http::context::Context;
use crate::http::problem::Declined;
use crate::sso::Claims;
use crate::sso::sign_in::Scope;

#[derive(Serialize)]
struct TicketGiven {
    url: String,
    expires_in: u64,
}

/// `POST /api/v1/{tenant}/tickets`: a one-time address for one customer.
pub(in crate::http) async fn post(
    State(gateway): State<Gateway>,
    tenant: Names<String>,
    context: Context,
    body: Body,
) -> Response {
    answer(&context, StatusCode::CREATED, give(&gateway, tenant, &context, body).await)
}

async fn give(
    gateway: &Gateway,
    tenant: Names<String>,
    context: &Context,
    body: Body,
) -> Result<TicketGiven, Declined> {
    let visit = authorized(gateway, &names(tenant)?, context, Scope::Tickets).await?;
    let claims = body::read(&within_limit(body)?, fields)?;
    let idempotency_key = idempotency_key(context)?;
    let given = gateway.sso.give_ticket(&visit.tenant, idempotency_key, &claims).await?;
    Ok(TicketGiven { url: given.url, expires_in: given.expires_in })
}

/// The body: the partner's id of the customer; what the cloud knows the customer by, which is the
/// same where it is absent; the page of the cloud to open; when the customer signed in at the
/// partner's site, which a service provider may want to be after it asked; and what else there is
/// to say about the customer, by names of the partner's.
pub(super) fn fields(fields: &mut Fields) -> Result<Claims, Faulty> {
    let sub = fields.required("user_id", &PERSON_ID);
    let account_id = fields.optional("account_id", &PERSON_ID);
    let name = fields.optional("name", &DETAIL);
    let mobile = fields.optional("mobile", &DETAIL);
    let email = fields.optional("email", &DETAIL);
    let service = fields.optional("service", &ADDRESS);
    let authenticated_at = fields.optional("authenticated_at", &INSTANT);
    let attributes = fields.attributes("attributes");
    Ok(Claims {
        sub: sub?,
        account_id: account_id?,
        name: name?,
        mobile: mobile?,
        email: email?,
        service: service?,
        auth_time: authenticated_at?
            .as_deref()
            .and_then(body::instant)
            .map(OffsetDateTime::unix_timestamp),
        attributes: attributes?,
    })
}
