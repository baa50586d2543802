//! Layer 5, http: the messages that were made for the partner's webhook, and sending a dead one
//! anew.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::body::Fault;
use super::{Body, Names, answer, authorized, body, names, within_limit};
use crate::account::rfc3339;
use crate::http::Gateway;
use crate::http::context::Context;
use crate::http::problem::Declined;
use crate::refusal::{Code, Refusal};
use crate::sso::sign_in::Scope;
use crate::store::account::{Message, MessageId, MessageState};

/// Most messages of one answer; who wants the others deals with these first.
const AT_MOST: usize = 100;

/// `GET /api/v1/{tenant}/webhooks?state=dead`: the oldest messages in a state, dead ones unless
/// told otherwise.
pub(in crate::http) async fn list(
    State(gateway): State<Gateway>,
    tenant: Names<String>,
    context: Context,
) -> Response {
    let told = async {
        let tenant = names(tenant)?;
        let visit = authorized(&gateway, &tenant, &context, Scope::Webhooks).await?;
        let state = wanted(context.parameter("state").as_deref())?;
        let ledger = gateway.book.ledger();
        let found = ledger.messages(&visit.tenant.id, state, AT_MOST).await;
        let found = found.map_err(Refusal::from)?;
        Ok(json!({ "webhooks": found.iter().map(tell).collect::<Vec<_>>() }))
    };
    answer(&context, StatusCode::OK, told.await)
}

/// `POST /api/v1/{tenant}/webhooks/{id}/replay`: a dead message is sent anew, with all attempts.
pub(in crate::http) async fn replay(
    State(gateway): State<Gateway>,
    place: Names<(String, String)>,
    context: Context,
    body: Body,
) -> Response {
    let told = async {
        let (tenant, id) = names(place)?;
        let visit = authorized(&gateway, &tenant, &context, Scope::Webhooks).await?;
        body::nothing(&within_limit(body)?)?;
        let id = MessageId(id);
        let ledger = gateway.book.ledger();
        let revived = ledger.revive(&visit.tenant.id, &id, gateway.clock.now()).await;
        if !revived.map_err(Refusal::from)? {
            let cause = "expected the id of a dead message, found another";
            return Err(Refusal::new(Code::MessageUnknown, cause).into());
        }
        Ok(json!({ "id": id.0, "state": MessageState::Waiting.name() }))
    };
    answer(&context, StatusCode::ACCEPTED, told.await)
}

fn wanted(state: Option<&str>) -> Result<MessageState, Declined> {
    let Some(state) = state else { return Ok(MessageState::Dead) };
    MessageState::named(state).ok_or_else(|| {
        let names: Vec<_> = MessageState::ALL.iter().map(|state| state.name()).collect();
        let expected = format!("one of {}", names.join(", "));
        let cause = format!("state: expected {expected}, found another");
        let found = "another text".to_owned();
        let faults = vec![Fault { field: "state".to_owned(), expected, found }];
        Declined { faults, ..Refusal::new(Code::FieldInvalid, cause).into() }
    })
}

fn tell(message: &Message) -> Value {
    let event: Value = serde_json::from_str(&message.body).unwrap_or_default();
    let waiting = message.state == MessageState::Waiting;
    json!({
        "id": message.id.0,
        "type": message.kind,
        "created_at": rfc3339(message.created_at),
        "state": message.state.name(),
        "attempts": message.attempts,
        "next_attempt_at": waiting.then(|| rfc3339(message.next_at)),
        "problem": message.problem,
        "event": event,
    })
}
