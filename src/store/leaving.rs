//! Layer 1, store: the records of a single logout on its way (saml-profiles-2.0-os §4.4), kept for
//! minutes in the ephemeral store.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::record::Participant;
use crate::saml::{EntityId, MessageId, RelayState};

/// A logout that goes from one service provider to the next, by one browser. Our own session has
/// ended before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// The browser, as the fingerprint of its cookie (B-33).
    pub browser: String,
    /// The service provider that asked for it, if one did.
    pub asker: Option<Asker>,
    /// Who was asked last and has not answered yet.
    pub current: Option<Told>,
    /// Who has to be asked yet.
    pub rest: Vec<Participant>,
    /// Who has answered well.
    pub done: Vec<EntityId>,
    /// Who could not be told, or has not answered well.
    pub missed: Vec<EntityId>,
    /// The journey, as it stands in the log.
    pub journey: String,
}

/// A service provider that asked for a logout, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// Who.
    pub sp: EntityId,
    /// The id of its request.
    pub request: MessageId,
    /// What to echo.
    pub relay_state: Option<RelayState>,
    /// It waits for no answer (sstc-saml-async-slo-v1.0).
    pub asynchronous: bool,
}

/// A service provider that was told of the end of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who, and about whom.
    pub participant: Participant,
    /// The id of our request.
    pub request: MessageId,
    /// When.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub at: OffsetDateTime,
}

/// A checked logout message that came by HTTP-POST and waits for its browser to show its cookies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Heard {
    /// A request.
    Request(Box<EndRequest>),
    /// An answer to one of ours.
    Response(EndResponse),
}

impl From<EndRequest> for Heard {
    fn from(request: EndRequest) -> Self {
        Self::Request(Box::new(request))
    }
}

/// What is left of a `LogoutRequest` once it is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRequest {
    /// Who asked, and what they wait for.
    pub asker: Asker,
    /// Whose sessions.
    pub name_id: crate::saml::NameIdentifier,
    /// Which of them; empty for all that the asker took part in.
    pub session_indexes: Vec<String>,
}

/// What is left of a `LogoutResponse` once it is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndResponse {
    /// Who answered.
    pub sp: EntityId,
    /// Which request of ours.
    pub request: Option<MessageId>,
    /// The logout that it belongs to: the state that we sent along.
    pub handle: String,
    /// Whether everybody there is logged out.
    pub is_complete: bool,
}
