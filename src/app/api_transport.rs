//! App (layer 6): HTTP for `cloud::api`. One request, one answer.

use std::time::Duration;

use reqwest::{Client, Response};

use super::outgoing::{self, Unread, innermost};
use crate::cloud::api::{Reply, Request, Sending, Transport, TransportError};
use crate::limits;

/// How long an idle connection is kept: less than load balancers do, because a request that meets
/// a connection's end may or may not have been done.
const IDLE: Duration = Duration::from_secs(20);

/// The HTTP client.
pub struct ApiTransport(Client);

impl ApiTransport {
    /// Prepares the client; nothing is called yet.
    ///
    /// # Errors
    /// When there are no root certificates, or TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self(outgoing::client().pool_idle_timeout(IDLE).build()?))
    }

    async fn exchange(&self, request: Request) -> Result<Reply, TransportError> {
        let Request { url, headers, body } = request;
        let mut prepared = self.0.post(url).body(body);
        for (name, value) in headers {
            prepared = prepared.header(name, value);
        }
        let response = prepared.send().await.map_err(|error| lost(&error))?;
        let (status, headers) = (response.status().as_u16(), texts(&response));
        let body = outgoing::body(response, limits::API_ANSWER_BYTES).await;
        let body = body.map_err(|unread| match unread {
            Unread::TooLarge => TransportError::TooLarge,
            Unread::Lost(error) => lost(&error),
        })?;
        Ok(Reply { status, headers, body })
    }
}

impl Transport for ApiTransport {
    fn post(&self, request: Request) -> Sending<'_> {
        Box::pin(self.exchange(request))
    }
}

fn texts(response: &Response) -> Vec<(String, String)> {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = response.headers().iter();
    headers.filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect()
}

/// Only what failed before there was a connection was certainly not sent.
fn lost(error: &reqwest::Error) -> TransportError {
    if error.is_builder() || error.is_connect() {
        TransportError::NotSent(innermost(error))
    } else {
        TransportError::Lost(innermost(error))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::body::Bytes;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::app::outgoing::served;

    async fn sent_to(address: SocketAddr, path: &str) -> Result<Reply, TransportError> {
        let url = format!("http://{address}{path}");
        let headers = vec![("x-language", "en_US".to_owned())];
        let request = Request { url, headers, body: b"{}".to_vec() };
        ApiTransport::new().unwrap().post(request).await
    }

    #[tokio::test]
    async fn headers_and_bodies_go_both_ways() {
        let echo = post(|headers: HeaderMap, body: Bytes| async move {
            (StatusCode::IM_A_TEAPOT, [("x-request-id", headers["x-language"].clone())], body)
        });
        let address = served(Router::new().route("/", echo)).await;
        let reply = sent_to(address, "/").await.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (418, &b"{}"[..]));
        assert_eq!(reply.header("x-request-id"), Some("en_US"));
    }

    #[tokio::test]
    async fn credentials_follow_no_redirect() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let count = post(move || async move { counted.fetch_add(1, Ordering::SeqCst).to_string() });
        let away = post(|| async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/other")]) });
        let address = served(Router::new().route("/", away).route("/other", count)).await;
        assert_eq!(sent_to(address, "/").await.unwrap().status, 307);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn an_answer_beyond_the_limit_is_not_taken() {
        let body = "m".repeat(limits::API_ANSWER_BYTES + 1);
        let address = served(Router::new().route("/", post(move || async move { body }))).await;
        assert_eq!(sent_to(address, "/").await.err(), Some(TransportError::TooLarge));
    }

    #[tokio::test]
    async fn a_closed_port_got_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = sent_to(address, "/").await.err().unwrap();
        assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    }

    #[tokio::test]
    async fn who_hangs_up_after_the_request_may_have_done_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let read = stream.read(&mut [0; 64]).await.unwrap();
            assert!(read > 0);
            drop(stream);
            // Nobody calls again.
            let again = tokio::time::timeout(Duration::from_millis(200), listener.accept());
            again.await.is_err()
        });
        let error = sent_to(address, "/").await.err().unwrap();
        assert!(matches!(error, TransportError::Lost(_)), "{error}");
        assert!(accepted.await.unwrap());
    }
}
