//! The API for checkers: provisioning, knobs, the record of exchanges. Apart room `fakecloud`;
//! contract §10.
//!
//! A fault is JSON with the code, a sentence, what was expected and what came.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::FakeCloud;
use super::fault::{Fault, Finding};
use super::form::{Form, FormProblem};
use super::knobs::Knobs;
use super::pages::json_fault;
use super::provision::{Accounts, Provision};
use super::request::instant;
use super::script::Script;
use super::visit::Visit;

/// `POST /api/provision`: JSON, or IDP Metadata.xml as the body with the other fields in the query.
pub(crate) async fn provision(
    State(cloud): State<Arc<FakeCloud>>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let provision = match essence {
        "application/json" => serde_json::from_slice(&body).map_err(|e| {
            let expected = "JSON with metadata_xml and bp_id";
            Finding::new(Fault::ProvisionUnreadable, expected, e.to_string())
        }),
        "application/xml" | "text/xml" | "application/samlmetadata+xml" => visit
            .form()
            .map_err(unreadable)
            .and_then(|query| from_fields(&query, metadata_text(&body)?)),
        _ => {
            let expected = "application/json or application/xml";
            Err(Finding::value(Fault::ProvisionUnreadable, expected, kind))
        }
    };
    match provision.and_then(|provision| cloud.provision(&provision)) {
        Ok(account_type) => Json(json!({ "xAccountType": account_type })).into_response(),
        Err(finding) => json_fault(&finding),
    }
}

/// What the fields of a form or a query say; the metadata comes from elsewhere.
pub(crate) fn from_fields(fields: &Form, metadata_xml: String) -> Result<Provision, Finding> {
    let known =
        ["metadata_xml", "callback_url", "bp_id", "return_url", "xAccountType", "bound", "lang"];
    if let Some(stranger) = fields.stranger(&known) {
        let fault = Fault::ProvisionUnreadable;
        return Err(Finding::value(fault, known.join(", "), Some(stranger)));
    }
    let owned = |name: &str| fields.filled(name).map(str::to_owned);
    let accounts = |list: &str| {
        let names = list.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
        Accounts::Bound(names.map(str::to_owned).collect())
    };
    Ok(Provision {
        metadata_xml,
        callback_url: owned("callback_url"),
        bp_id: owned("bp_id").unwrap_or_default(),
        return_url: owned("return_url"),
        wanted_account_type: owned("xAccountType"),
        accounts: fields.filled("bound").map_or(Accounts::AllBound, accounts),
        // Secrets come as JSON only: a query ends in logs.
        credentials: None,
    })
}

/// A broken form as a fault of provisioning.
pub(crate) fn unreadable(problem: FormProblem) -> Finding {
    let came = match problem {
        FormProblem::Unreadable(came) => came,
        FormProblem::Twice(name) => format!("“{name}” twice"),
    };
    Finding::new(Fault::ProvisionUnreadable, "percent-encoded UTF-8, each field once", came)
}

/// `GET /api/knobs`.
pub(crate) async fn knobs(State(cloud): State<Arc<FakeCloud>>) -> Json<Knobs> {
    Json(cloud.knobs())
}

/// `PUT /api/knobs`: sets every knob; those that are not named get their default.
pub(crate) async fn turn_knobs(State(cloud): State<Arc<FakeCloud>>, body: Bytes) -> Response {
    match Knobs::from_json(&body).and_then(|knobs| cloud.set_knobs(knobs)) {
        Ok(()) => Json(cloud.knobs()).into_response(),
        Err(finding) => json_fault(&finding),
    }
}

/// `GET /api/faults`.
pub(crate) async fn faults(State(cloud): State<Arc<FakeCloud>>) -> Json<Script> {
    Json(cloud.faults())
}

/// `PUT /api/faults`: begins a fault script; `{}` ends all faults.
pub(crate) async fn set_faults(State(cloud): State<Arc<FakeCloud>>, body: Bytes) -> Response {
    match Script::from_json(&body).and_then(|script| cloud.set_faults(script)) {
        Ok(()) => Json(cloud.faults()).into_response(),
        Err(finding) => json_fault(&finding),
    }
}

/// `GET /api/accounts`: every account, oldest first.
pub(crate) async fn accounts(State(cloud): State<Arc<FakeCloud>>) -> Response {
    Json(json!({ "accounts": cloud.accounts() })).into_response()
}

/// `GET /api/calls`: how often each API was called.
pub(crate) async fn calls(State(cloud): State<Arc<FakeCloud>>) -> Response {
    Json(cloud.calls()).into_response()
}

/// `GET /api/codes?receiver=`: the last verification code of a mobile number or an e-mail address.
pub(crate) async fn codes(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let form = visit.form().unwrap_or_default();
    let code = form.filled("receiver").and_then(|receiver| cloud.code(receiver));
    Json(code).into_response()
}

/// `GET /api/last`: the last exchanges, oldest first.
pub(crate) async fn last(State(cloud): State<Arc<FakeCloud>>) -> Response {
    Json(json!({ "exchanges": cloud.exchanges() })).into_response()
}

/// `GET /api/session`: who is signed in with this cookie, as the console page shows it.
pub(crate) async fn session(State(cloud): State<Arc<FakeCloud>>, visit: Visit) -> Response {
    let state = cloud.state();
    let session = visit.session.and_then(|name| state.sessions.get(&name, cloud.now()));
    Json(match session {
        Some(session) => json!({
            "signed_in": true,
            "xAccountType": session.account_type,
            "xAccountId": session.statement.attribute("xAccountId"),
            "opened": instant(session.opened),
            "ends": instant(session.ends),
            "signature_algorithm": session.algorithm,
            "assertion": session.statement,
        }),
        None => json!({ "signed_in": false }),
    })
    .into_response()
}

/// `GET /api/sp.pem`: the certificates that metadata lists now.
pub(crate) async fn certificates(State(cloud): State<Arc<FakeCloud>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-pem-file")];
    (kind, cloud.certificates_pem()).into_response()
}

fn metadata_text(body: &[u8]) -> Result<String, Finding> {
    let text = std::str::from_utf8(body)
        .map_err(|e| Finding::new(Fault::MetadataNotUtf8, "UTF-8", e.to_string()))?;
    Ok(text.to_owned())
}
