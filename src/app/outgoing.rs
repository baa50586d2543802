//! App (layer 6): what all our HTTP clients have in common. They go where they are told and nowhere
//! else: nothing is followed or repeated, proxies of the environment are not used, and every wait
//! and every answer has a bound (conformance B-41).

use std::error::Error as _;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};

use super::resolve::Names;

/// Longest time for name, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(5);

/// A client, but for how long a whole exchange may take.
pub(super) fn client() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .dns_resolver(Names)
        .referer(false)
        .user_agent(concat!("skybridge/", env!("CARGO_PKG_VERSION")))
}

/// Why a body was not read.
pub(super) enum Unread {
    /// It is beyond the limit.
    TooLarge,
    /// The connection ended.
    Lost(reqwest::Error),
}

/// The body of an answer, of at most `most` bytes; no more of it is held.
///
/// # Errors
/// [`Unread`].
pub(super) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut octets = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Lost)? {
        if octets.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        octets.extend_from_slice(&chunk);
    }
    Ok(octets)
}

/// The innermost cause is what helps (a refused connection, an unknown name, a bad certificate).
/// The outer ones repeat the address.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else { return "no more is known".to_owned() };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A site on this machine, for tests of those clients.
#[cfg(test)]
pub(super) async fn served(router: axum::Router) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
