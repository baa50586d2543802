//! Layer 5, http: creating an account at the cloud for a customer, and how far that is.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::body::{self, DETAIL, Fault, Faulty, Fields, PERSON_ID};
use super::{Body, Names, answer, authorized, contacts, idempotency_key, names, within_limit};
use crate::account::{Evidence, Outcome, Request, Wanted, Wisher, described, rfc3339};
use crate::cloud::api::{Failure, Rules};
use crate::http::Gateway;
use crate::http::context::Context;
use crate::http::problem::Declined;
use crate::page;
use crate::refusal::{Code, Refusal};
use crate::sso::sign_in::Scope;
use crate::store::account::{Account, Intent, IntentId, IntentStep, LinkState};
use crate::store::record::{Person, PersonId, TenantId};

/// `POST /api/v1/{tenant}/customers`: an account for a customer. The answer comes before the
/// account; the address in `Location` tells how far it is. The same key gives the same answer.
pub(in crate::http) async fn post(
    State(gateway): State<Gateway>,
    tenant: Names<String>,
    context: Context,
    body: Body,
) -> Response {
    let begun = begin(&gateway, tenant, &context, body).await;
    let location = begun.as_ref().ok().and_then(|begun| begun["status_url"].as_str());
    let location = location.and_then(|location| HeaderValue::try_from(location).ok());
    let mut response = answer(&context, StatusCode::ACCEPTED, begun);
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// `GET /api/v1/{tenant}/creations/{id}`: how far a creation is.
pub(in crate::http) async fn get(
    State(gateway): State<Gateway>,
    place: Names<(String, String)>,
    context: Context,
) -> Response {
    let told = async {
        let (tenant, id) = names(place)?;
        let visit = authorized(&gateway, &tenant, &context, Scope::Creations).await?;
        let tenant = &visit.tenant.id;
        let intent = gateway.sso.creations().find(tenant, &IntentId(id)).await?;
        let account = gateway.book.find(tenant, &intent.user_id).await?;
        Ok(tell(&intent, &account, &context))
    };
    answer(&context, StatusCode::OK, told.await)
}

/// What a body asks for.
pub(super) struct Given {
    user_id: String,
    account_id: Option<String>,
    domain_name: Option<String>,
    mobile_phone: Option<String>,
    email: Option<String>,
    verification_code: Option<String>,
    domain_area: Option<String>,
    indirect_partner_id: Option<String>,
}

async fn begin(
    gateway: &Gateway,
    tenant: Names<String>,
    context: &Context,
    body: Body,
) -> Result<Value, Declined> {
    let visit = authorized(gateway, &names(tenant)?, context, Scope::Creations).await?;
    let tenant = &visit.tenant.id;
    let given = body::read(&within_limit(body)?, fields)?;
    let key = idempotency_key(context)?;
    let creations = gateway.sso.creations();
    let (person, wanted) = wanted(given, creations.remotes().of(tenant)?.rules())?;
    creations.fits(tenant, &person, &wanted).map_err(|failure| declined(&failure))?;
    let evidence = Evidence(json!({ "source": "api" }));
    let wish = Request {
        person: &person,
        wished_by: Wisher::Partner,
        wanted: &wanted,
        idempotency_key: Some(key),
        evidence: &evidence,
    };
    let intent = gateway.sso.create_account(&visit, wish).await?;
    Ok(json!({
        "id": intent.id.0,
        "user_id": intent.user_id.as_str(),
        "status_url": status_url(tenant, &intent.id),
    }))
}

/// The body. Beside the customer, the fields are named as the cloud names them.
pub(super) fn fields(fields: &mut Fields) -> Result<Given, Faulty> {
    let user_id = fields.required("user_id", &PERSON_ID);
    let account_id = fields.optional("account_id", &PERSON_ID);
    let domain_name = fields.optional("domain_name", &DETAIL);
    let mobile_phone = fields.optional("mobile_phone", &DETAIL);
    let email = fields.optional("email", &DETAIL);
    let verification_code = fields.optional("verification_code", &DETAIL);
    let domain_area = fields.optional("domain_area", &DETAIL);
    let indirect_partner_id = fields.optional("indirect_partner_id", &DETAIL);
    Ok(Given {
        user_id: user_id?,
        account_id: account_id?,
        domain_name: domain_name?,
        mobile_phone: mobile_phone?,
        email: email?,
        verification_code: verification_code?,
        domain_area: domain_area?,
        indirect_partner_id: indirect_partner_id?,
    })
}

/// The wish in a body, where its contact is one that this cloud takes.
fn wanted(given: Given, rules: &Rules) -> Result<(Person, Wanted), Declined> {
    let ((field, address), wrong) = contacts::contact(rules, given.mobile_phone, given.email);
    let mut faults: Vec<_> = wrong.into_iter().collect();
    let contact = match (address, given.verification_code) {
        (Some(address), Some(code)) => Some((address, code)),
        (None, None) => None,
        (Some(_), None) => {
            let expected = format!("the code that the cloud sent, because {field} is there");
            faults.push(Fault::new("verification_code", &expected, "nothing"));
            None
        }
        (None, Some(_)) => {
            faults.push(Fault::new(field, "where the verification code was sent", "nothing"));
            None
        }
    };
    if !faults.is_empty() {
        return Err(body::invalid(faults));
    }
    let id = |text: &str| {
        PersonId::parse(text).ok_or_else(|| Refusal::new(Code::Internal, "expected a checked id"))
    };
    let user_id = id(&given.user_id)?;
    let account_id = given.account_id.as_deref().map_or_else(|| Ok(user_id.clone()), id)?;
    let person = Person::of(user_id, account_id);
    let wanted = Wanted {
        domain_name: given.domain_name,
        contact,
        area: given.domain_area,
        indirect_partner: given.indirect_partner_id,
    };
    Ok((person, wanted))
}

/// A rule of the cloud that a body breaks, by the field's name here.
pub(super) fn declined(failure: &Failure) -> Declined {
    let faults = failure.field.iter().map(|found| {
        let field = if found.field == "xaccount_id" { "account_id" } else { found.field };
        Fault::new(field, &found.expected, &found.found)
    });
    Declined { faults: faults.collect(), ..failure.refusal().into() }
}

fn tell(intent: &Intent, account: &Account, context: &Context) -> Value {
    let mut outcome = Outcome::of(intent);
    let mut state = match intent.step {
        IntentStep::Done => "done",
        IntentStep::Failed => "failed",
        IntentStep::Planned | IntentStep::Asking | IntentStep::Created => "under-way",
    };
    // The account is there, and is another customer's, too.
    if intent.step == IntentStep::Done && account.state == LinkState::Conflict {
        let cause = "expected an account of nobody else, found another customer's";
        outcome.code = Some(Code::LinkConflict.to_string());
        outcome.cause = Some(cause.to_owned());
        state = "failed";
    }
    json!({
        "id": intent.id.0,
        "user_id": intent.user_id.as_str(),
        "state": state,
        "step": intent.step.name(),
        "attempts": intent.attempts,
        "created_at": rfc3339(intent.created_at),
        "next_attempt_at": (state == "under-way").then(|| rfc3339(intent.next_at)),
        "domain_id": outcome.domain_id,
        "problem": outcome.code().map(|code| problem(code, &outcome, context)),
        "customer": described(account),
    })
}

/// What went wrong, last or for good, and whose move it is.
fn problem(code: Code, outcome: &Outcome, context: &Context) -> Value {
    let said = page::explain(code, context.language);
    json!({
        "code": code.to_string(),
        "owner": code.entry().owner.key(),
        "title": said.title,
        "advice": said.advice,
        "detail": outcome.cause,
    })
}

fn status_url(tenant: &TenantId, id: &IntentId) -> String {
    format!("/api/v1/{tenant}/creations/{}", id.0)
}
