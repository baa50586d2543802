//! Layer 2, cloud: HTTP, as the client of the partner API wants it. `app` brings the real one.

use std::future::Future;
use std::pin::Pin;

/// What a transport gives.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Reply, TransportError>> + Send + 'a>>;

/// Sends one request and waits for its whole answer.
pub trait Transport: Send + Sync {
    /// Posts it once: no redirect is followed and nothing is repeated, because only the caller
    /// knows what may be done twice. Making the connection ends in bounded time; waiting for the
    /// answer is bounded by the caller, who drops the future. At most
    /// [`crate::limits::API_ANSWER_BYTES`] of the answer's body are read.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn post(&self, request: Request) -> Sending<'_>;
}

/// A `POST`. It cannot be shown: its headers hold credentials, its body personal data.
pub struct Request {
    /// The whole address.
    pub url: String,
    /// Names in lower case, with their values; `Host` and `Content-Length` are not among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer. It cannot be shown, for the same reason.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case, with their values; those that are no text are missing.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer. What matters is whether the request may have reached the other side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No byte of the request left: no name, no connection, no TLS.
    #[error("no connection, {0}")]
    NotSent(String),
    /// The connection ended after the request may have been sent.
    #[error("the connection was lost, {0}")]
    Lost(String),
    /// The answer came and is larger than is read.
    #[error("an answer that is too large")]
    TooLarge,
}
