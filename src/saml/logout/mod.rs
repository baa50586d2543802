//! Layer 0, saml: the messages of single logout (saml-core-2.0-os §3.7, saml-profiles-2.0-os §4.4;
//! conformance ): read strictly, and written.

mod read;
mod write;

use time::OffsetDateTime;

pub use write::{Answer, Demand, Signer};

use super::error::Error;
use super::message::Message;
use super::name_id::NameIdentifier;
use super::names::status;
use super::parameters::Parameter;
use super::types::{EntityId, MessageId};
use super::xml::Element;

/// A `LogoutRequest` that came.
#[derive(Clone, Debug)]
pub struct LogoutRequest {
    /// Its id, which the answer repeats.
    pub id: MessageId,
    /// When it was made, by the sender's clock.
    pub issue_instant: OffsetDateTime,
    /// Where it was sent, if it says so.
    pub destination: Option<String>,
    /// Who asks.
    pub issuer: EntityId,
    /// From when on it does not hold any more.
    pub not_on_or_after: Option<OffsetDateTime>,
    /// Why, in the sender's words: a URI, which nobody here acts on.
    pub reason: Option<String>,
    /// Whose sessions shall end.
    pub principal: Principal,
    /// Which of them; empty for all that the sender took part in.
    pub session_indexes: Vec<String>,
    /// The sender waits for no answer (sstc-saml-async-slo-v1.0, A-092).
    pub asynchronous: bool,
}

/// Whom a `LogoutRequest` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// By a name identifier.
    Named(NameIdentifier),
    /// By a name identifier that is encrypted for us: the canonical octets of its
    /// `saml:EncryptedID`.
    Encrypted(String),
}

/// A `LogoutResponse` that came.
#[derive(Clone, Debug)]
pub struct LogoutResponse {
    /// Its id.
    pub id: MessageId,
    /// When it was made, by the sender's clock.
    pub issue_instant: OffsetDateTime,
    /// Where it was sent, if it says so.
    pub destination: Option<String>,
    /// Who answers.
    pub issuer: EntityId,
    /// The id of the request; absent when its sender could not tell.
    pub in_response_to: Option<MessageId>,
    /// The top-level status code.
    pub status: String,
    /// The second-level status code.
    pub detail: Option<String>,
}

impl LogoutResponse {
    /// Whether its sender, and everybody whom it had to tell, has ended the session.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status == status::SUCCESS && self.detail.as_deref() != Some(status::PARTIAL_LOGOUT)
    }
}

impl Message for LogoutRequest {
    const PARAMETER: Parameter = Parameter::Request;

    fn read(element: Element<'_>) -> Result<Self, Error> {
        read::request(element)
    }

    fn issuer(&self) -> &EntityId {
        &self.issuer
    }
}

impl Message for LogoutResponse {
    const PARAMETER: Parameter = Parameter::Response;

    fn read(element: Element<'_>) -> Result<Self, Error> {
        read::response(element)
    }

    fn issuer(&self) -> &EntityId {
        &self.issuer
    }
}

#[cfg(test)]
mod tests;
