//! Layer 5, http: what a new customer registers with at the cloud, before an account is asked for:
//! whether a name or contact is free, and a code to the contact (contract §7.4, §7.5).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::body::{self, DETAIL, Fault, Faulty, Fields, LANGUAGE};
use super::creations::declined;
use super::{Body, Names, answer, authorized, idempotency_key, names, within_limit};
use crate::cloud::api::{self, ContactKind, Rules, Subject};
use crate::http::Gateway;
use crate::http::context::Context;
use crate::http::problem::Declined;
use crate::limits;
use crate::page::Language;
use crate::sso::sign_in::Scope;

/// `POST /api/v1/{tenant}/identity-checks`: whether the cloud would take a name or contact for a
/// new customer. It changes nothing; it is no GET so that no address holds a telephone number.
pub(in crate::http) async fn check(
    State(gateway): State<Gateway>,
    tenant: Names<String>,
    context: Context,
    body: Body,
) -> Response {
    answer(&context, StatusCode::OK, checked(&gateway, tenant, &context, body).await)
}

/// `POST /api/v1/{tenant}/verification-codes`: the cloud sends a code. Whoever gets it proves with
/// it that the contact is theirs.
pub(in crate::http) async fn send_code(
    State(gateway): State<Gateway>,
    tenant: Names<String>,
    context: Context,
    body: Body,
) -> Response {
    answer(&context, StatusCode::ACCEPTED, sent(&gateway, tenant, &context, body).await)
}

/// What a check is about.
pub(super) struct Checked {
    domain_name: Option<String>,
    mobile_phone: Option<String>,
    email: Option<String>,
}

/// Where a code goes, and in which language.
pub(super) struct Receiver {
    mobile_phone: Option<String>,
    email: Option<String>,
    language: Option<String>,
}

/// The body of a check.
pub(super) fn check_fields(fields: &mut Fields) -> Result<Checked, Faulty> {
    let domain_name = fields.optional("domain_name", &DETAIL);
    let mobile_phone = fields.optional("mobile_phone", &DETAIL);
    let email = fields.optional("email", &DETAIL);
    Ok(Checked { domain_name: domain_name?, mobile_phone: mobile_phone?, email: email? })
}

/// The body of a call for a code.
pub(super) fn code_fields(fields: &mut Fields) -> Result<Receiver, Faulty> {
    let mobile_phone = fields.optional("mobile_phone", &DETAIL);
    let email = fields.optional("email", &DETAIL);
    let language = fields.optional("language", &LANGUAGE);
    Ok(Receiver { mobile_phone: mobile_phone?, email: email?, language: language? })
}

/// A contact as far as a body has one, and the name of its field.
pub(super) type Contact = (&'static str, Option<String>);

/// The contact of the kind that this cloud asks for; the other kind is a fault.
pub(super) fn contact(
    rules: &Rules,
    mobile_phone: Option<String>,
    email: Option<String>,
) -> (Contact, Option<Fault>) {
    let (mobile, email) = (("mobile_phone", mobile_phone), ("email", email));
    let (asked, (other, unused)) = match rules.contact {
        ContactKind::Mobile => (mobile, email),
        ContactKind::Email => (email, mobile),
    };
    let expected = format!("nothing, because this cloud asks for {}", asked.0);
    let wrong = unused.map(|_| Fault::new(other, &expected, "a text"));
    (asked, wrong)
}

async fn checked(
    gateway: &Gateway,
    tenant: Names<String>,
    context: &Context,
    body: Body,
) -> Result<Value, Declined> {
    let visit = authorized(gateway, &names(tenant)?, context, Scope::Creations).await?;
    let given = body::read(&within_limit(body)?, check_fields)?;
    let remote = gateway.sso.creations().remotes().of(&visit.tenant.id)?;
    let ((field, contact), wrong) = contact(remote.rules(), given.mobile_phone, given.email);
    let subject = match (&given.domain_name, &contact) {
        _ if wrong.is_some() => Err(wrong),
        (Some(name), None) => Ok(Subject::Name(name)),
        (None, Some(contact)) => Ok(Subject::Contact(contact)),
        (Some(_), Some(_)) => {
            Err(Some(Fault::new(field, "nothing beside domain_name: one at a time", "a text")))
        }
        (None, None) => {
            let expected = format!("a text here, or in {field}");
            Err(Some(Fault::new("domain_name", &expected, "nothing")))
        }
    };
    let subject = subject.map_err(|fault| body::invalid(fault.into_iter().collect()))?;
    let found = remote.check(subject, in_cloud(context.language)).await;
    let found = found.map_err(|failure| declined(&failure))?;
    Ok(json!({ "available": found.is_available, "remaining": found.remaining }))
}

async fn sent(
    gateway: &Gateway,
    tenant: Names<String>,
    context: &Context,
    body: Body,
) -> Result<Value, Declined> {
    let visit = authorized(gateway, &names(tenant)?, context, Scope::Creations).await?;
    let given = body::read(&within_limit(body)?, code_fields)?;
    let key = idempotency_key(context)?;
    let remote = gateway.sso.creations().remotes().of(&visit.tenant.id)?;
    let ((field, address), wrong) = contact(remote.rules(), given.mobile_phone, given.email);
    let address = match (address, wrong) {
        (Some(address), None) => address,
        (None, None) => {
            return Err(body::invalid(vec![Fault::new(field, "where the code goes", "nothing")]));
        }
        (_, Some(wrong)) => return Err(body::invalid(vec![wrong])),
    };
    let address = remote.contact(&address).map_err(|failure| declined(&failure))?;
    let language = Language::choose(given.language.as_deref(), None);
    let language = given.language.map_or(context.language, |_| language);
    gateway.sso.send_code_once(&visit.tenant, key, &address, in_cloud(language)).await?;
    Ok(json!({ "expires_in": limits::CODE_LIFE.as_secs() }))
}

fn in_cloud(language: Language) -> api::Language {
    match language {
        Language::En => api::Language::En,
        Language::Zh => api::Language::Zh,
    }
}
