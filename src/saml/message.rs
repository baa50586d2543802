//! Layer 0, saml: what the bindings ask of a message that they carry, and what they make of it.

use super::authn_request::AuthnRequest;
use super::error::Error;
use super::parameters::Parameter;
use super::types::{EntityId, RelayState};
use super::verified::Unverified;
use super::xml::Element;

/// A message that travels by HTTP-Redirect, HTTP-POST or SOAP.
pub trait Message: Sized {
    /// The parameter that carries it through a browser.
    const PARAMETER: Parameter;

    /// Reads it from its element; an enveloped signature in it is the binding's business.
    ///
    /// # Errors
    /// Any [`Error`] about the schema.
    fn read(element: Element<'_>) -> Result<Self, Error>;

    /// Who says that they sent it.
    fn issuer(&self) -> &EntityId;
}

impl Message for AuthnRequest {
    const PARAMETER: Parameter = Parameter::Request;

    fn read(element: Element<'_>) -> Result<Self, Error> {
        Self::read(element)
    }

    fn issuer(&self) -> &EntityId {
        &self.issuer
    }
}

/// A message and the `RelayState` that came with it. By HTTP-Redirect one signature covers both; by
/// HTTP-POST nothing protects the state, which is opaque to us in any case; by SOAP there is none.
#[derive(Debug)]
pub struct Received<T> {
    /// The message.
    pub message: T,
    /// The state to echo; empty is not absent.
    pub relay_state: Option<RelayState>,
}

impl<T: Message> Received<T> {
    /// The message once more, from what was signed.
    pub(super) fn reread(self, signed: Element<'_>) -> Result<Self, Error> {
        Ok(Self { message: T::read(signed)?, relay_state: self.relay_state })
    }
}

impl<T: Message> Unverified<Received<T>> {
    /// Who claims to have sent it: to choose the keys to check with.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        self.peek().message.issuer()
    }
}
