//! App (layer 6): fetches metadata over HTTP for `cloud::registration`. Bounded in time, size and
//! redirects (conformance B-41).

use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode};
use url::Url;

use super::outgoing::{self, Unread, innermost};
use crate::cloud::registration::{Fetch, FetchError, Fetching};
use crate::limits;
use crate::saml::EndpointUrl;
use crate::saml::types::{is_loopback, is_private};

/// Longest time for everything, redirects and body included.
const WHOLE: Duration = Duration::from_secs(20);
/// Most redirects: from a domain to its `www`, from there to a file server, and one to spare.
const REDIRECTS: usize = 3;

/// The HTTP client.
pub struct HttpFetch(Client);

impl HttpFetch {
    /// Prepares the client; nothing is fetched yet.
    ///
    /// # Errors
    /// When there are no root certificates, or TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = outgoing::client().timeout(WHOLE).redirect(Policy::custom(follow));
        Ok(Self(client.build()?))
    }

    async fn get(&self, url: &EndpointUrl) -> Result<Vec<u8>, FetchError> {
        let response = self.0.get(url.as_str()).send().await.map_err(|e| refusal(&e))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        outgoing::body(response, limits::METADATA_BYTES).await.map_err(|unread| match unread {
            Unread::TooLarge => FetchError::TooLarge,
            Unread::Lost(error) => refusal(&error),
        })
    }
}

impl Fetch for HttpFetch {
    fn fetch<'a>(&'a self, url: &'a EndpointUrl) -> Fetching<'a> {
        Box::pin(self.get(url))
    }
}

/// Follows a redirect if the new address could have been configured. One that leads from another
/// machine to this one, or from TLS to none, is an attack or a mistake. Names are not looked up:
/// who configures one vouches for where it leads.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let to = attempt.url();
    let allowed = attempt.previous().last().is_some_and(|from| may_lead(from, to));
    if allowed && attempt.previous().len() <= REDIRECTS {
        attempt.follow()
    } else {
        attempt.error("this redirect is not followed")
    }
}

fn may_lead(from: &Url, to: &Url) -> bool {
    EndpointUrl::parse(to.as_str()).is_ok()
        && (is_loopback(from) || !is_loopback(to))
        && (is_private(from) || !is_private(to))
        && (from.scheme() == "http" || to.scheme() == "https")
}

fn refusal(error: &reqwest::Error) -> FetchError {
    if error.is_redirect() {
        return FetchError::Redirect;
    }
    if error.is_timeout() {
        return FetchError::Unreachable("found none in time".to_owned());
    }
    FetchError::Unreachable(format!("found: {}", innermost(error)))
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::net::SocketAddr;

    use axum::Router;
    use axum::http::header::LOCATION;
    use axum::response::IntoResponse;
    use axum::routing::get;

    use super::*;
    use crate::app::outgoing::served;

    fn fetched(
        address: SocketAddr,
        path: &str,
    ) -> impl Future<Output = Result<Vec<u8>, FetchError>> {
        let url = EndpointUrl::parse(&format!("http://{address}{path}")).unwrap();
        async move { HttpFetch::new().unwrap().fetch(&url).await }
    }

    fn to(location: &'static str) -> axum::routing::MethodRouter {
        get(move || async move { (StatusCode::FOUND, [(LOCATION, location)]).into_response() })
    }

    #[tokio::test]
    async fn a_document_comes_whole() {
        let body = "m".repeat(limits::METADATA_BYTES);
        let sent = body.clone();
        let address = served(Router::new().route("/", get(move || async move { sent }))).await;
        assert_eq!(fetched(address, "/").await.unwrap(), body.as_bytes());
    }

    #[tokio::test]
    async fn a_document_beyond_the_limit_is_not_taken() {
        let body = "m".repeat(limits::METADATA_BYTES + 1);
        let address = served(Router::new().route("/", get(move || async move { body }))).await;
        assert_eq!(fetched(address, "/").await, Err(FetchError::TooLarge));
    }

    #[tokio::test]
    async fn only_the_answer_200_counts() {
        let teapot = get(|| async { StatusCode::IM_A_TEAPOT });
        let empty = get(|| async { StatusCode::NO_CONTENT });
        let address = served(Router::new().route("/teapot", teapot).route("/empty", empty)).await;
        assert_eq!(fetched(address, "/teapot").await, Err(FetchError::Status(418)));
        assert_eq!(fetched(address, "/empty").await, Err(FetchError::Status(204)));
    }

    #[tokio::test]
    async fn a_few_redirects_are_followed_and_a_circle_is_left() {
        let address = served(
            Router::new()
                .route("/a", to("/b"))
                .route("/b", to("/c"))
                .route("/c", get(|| async { "here" }))
                .route("/circle", to("/circle")),
        )
        .await;
        assert_eq!(fetched(address, "/a").await.unwrap(), b"here");
        assert_eq!(fetched(address, "/circle").await, Err(FetchError::Redirect));
    }

    #[tokio::test]
    async fn a_redirect_to_an_address_that_could_not_be_configured_is_refused() {
        let address = served(
            Router::new()
                .route("/plain", to("http://192.0.2.1/"))
                .route("/user", to("https://user:password@cloud.example/")),
        )
        .await;
        assert_eq!(fetched(address, "/plain").await, Err(FetchError::Redirect));
        assert_eq!(fetched(address, "/user").await, Err(FetchError::Redirect));
    }

    #[test]
    fn a_redirect_neither_enters_this_machine_nor_leaves_tls() {
        let url = |text| Url::parse(text).unwrap();
        for (from, to, allowed) in [
            ("https://a.example/", "https://b.example/x", true),
            ("http://127.0.0.1/", "https://b.example/x", true),
            ("http://127.0.0.1/", "http://localhost:8080/", true),
            ("https://a.example/", "http://b.example/", false),
            ("https://a.example/", "https://127.0.0.1/", false),
            ("https://a.example/", "https://x.localhost/", false),
            ("https://a.example/", "https://169.254.169.254/latest", false),
            ("https://a.example/", "https://10.0.0.7/", false),
            ("https://a.example/", "https://[fd00::7]/", false),
            ("https://10.0.0.7/", "https://10.0.0.8/", true),
            ("https://localhost/", "http://localhost/", false),
        ] {
            assert_eq!(may_lead(&url(from), &url(to)), allowed, "{from} {to}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = fetched(address, "/").await.unwrap_err();
        assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
        assert!(!error.to_string().contains("http://"), "{error}");
    }
}
