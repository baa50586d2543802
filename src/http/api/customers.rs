//! Layer 5, http: how a customer stands, and the partner's switch for them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Body, Names, answer, authorized, body, names, within_limit};
use crate::account::link::{Event, List};
use crate::account::{Evidence, described, rfc3339};
use crate::http::Gateway;
use crate::http::context::Context;
use crate::http::problem::Declined;
use crate::refusal::{Code, Refusal};
use crate::sso::sign_in::Scope;
use crate::store::account::{Account, Entry};
use crate::store::record::{PersonId, TenantId};

/// The tenant and the partner's id of the customer.
type Who = Names<(String, String)>;

/// `GET /api/v1/{tenant}/customers/{id}`: the customer with all of their history.
pub(in crate::http) async fn get(
    State(gateway): State<Gateway>,
    who: Who,
    context: Context,
) -> Response {
    let told = async {
        let (tenant, user) = whom(&gateway, who, &context).await?;
        let account = gateway.book.find(&tenant, &user).await?;
        tell(&gateway, &account).await
    };
    answer(&context, StatusCode::OK, told.await)
}

/// `POST /api/v1/{tenant}/customers/{id}/suspend`: the customer is let in no more; the link stays.
pub(in crate::http) async fn suspend(
    State(gateway): State<Gateway>,
    who: Who,
    context: Context,
    body: Body,
) -> Response {
    let told = switch(&gateway, who, &context, (&Event::Suspended, body)).await;
    answer(&context, StatusCode::OK, told)
}

/// `POST /api/v1/{tenant}/customers/{id}/resume`: the customer is let in again.
pub(in crate::http) async fn resume(
    State(gateway): State<Gateway>,
    who: Who,
    context: Context,
    body: Body,
) -> Response {
    let told = switch(&gateway, who, &context, (&Event::Resumed, body)).await;
    answer(&context, StatusCode::OK, told)
}

async fn switch(
    gateway: &Gateway,
    who: Who,
    context: &Context,
    (event, body): (&Event, Body),
) -> Result<Value, Declined> {
    let (tenant, user) = whom(gateway, who, context).await?;
    body::nothing(&within_limit(body)?)?;
    let evidence = Evidence(json!({ "source": "api" }));
    // The partner's own switch says nothing about the link: the cloud has no say in it.
    let happened = gateway.book.happen((&tenant, &user), event, List::Unknown, &evidence).await?;
    tell(gateway, &happened.account).await
}

async fn whom(
    gateway: &Gateway,
    who: Who,
    context: &Context,
) -> Result<(TenantId, PersonId), Refusal> {
    let (tenant, user) = names(who)?;
    let visit = authorized(gateway, &tenant, context, Scope::Customers).await?;
    let user = PersonId::parse(&user).ok_or_else(|| {
        let cause = "expected a customer's id in the address, found another text";
        Refusal::new(Code::CustomerUnknown, cause)
    })?;
    Ok((visit.tenant.id.clone(), user))
}

async fn tell(gateway: &Gateway, account: &Account) -> Result<Value, Declined> {
    let history = gateway.book.ledger().history(&account.tenant, &account.user_id).await;
    let history = history.map_err(Refusal::from)?;
    let mut told = described(account);
    told["since"] = rfc3339(account.since).into();
    told["suspended_since"] = account.suspended_at.map(rfc3339).into();
    told["former_cloud_accounts"] = account.former.clone().into();
    told["history"] = history.iter().map(line).collect();
    Ok(told)
}

fn line(entry: &Entry) -> Value {
    let evidence: Value = serde_json::from_str(&entry.evidence).unwrap_or_default();
    json!({
        "at": rfc3339(entry.at),
        "event": entry.event,
        "from": entry.from.name(),
        "to": entry.to.name(),
        "evidence": evidence,
        "refused": entry.refused,
    })
}
