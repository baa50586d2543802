//! App (layer 6): calls service providers by SOAP for `sso` (saml-bindings-2.0-os §3.2.3). Once,
//! and bounded in time and size, so that a signed message goes where metadata says. Metadata that
//! came from outside leads neither to this machine nor into a private network, whatever its names
//! stand for (conformance B-41).

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use url::Url;

use super::outgoing::{self, Unread, innermost};
use super::resolve::Names;
use crate::cloud::registration::Reach;
use crate::limits;
use crate::saml::soap;
use crate::saml::types::{is_loopback, is_private};
use crate::sso::{BackChannel, Call, Calling};

/// The HTTP clients.
pub(super) struct SoapCalls {
    anywhere: Client,
    outside: Client,
}

impl SoapCalls {
    /// Prepares the clients; nothing is called yet.
    ///
    /// # Errors
    /// When there are no root certificates, or TLS cannot be set up.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let bounded = || outgoing::client().timeout(limits::LOGOUT_CALL);
        let outside = bounded().dns_resolver(PublicNames).build()?;
        Ok(Self { anywhere: bounded().build()?, outside })
    }

    async fn post(&self, call: Call<'_>) -> Result<Vec<u8>, String> {
        let Call { url, reach, envelope } = call;
        let client = match reach {
            Reach::Anywhere => &self.anywhere,
            Reach::Outside if leads_inside(url.as_str()) => {
                return Err("expected an address outside, found one inside".to_owned());
            }
            Reach::Outside => &self.outside,
        };
        let request = client.post(url.as_str()).body(envelope);
        let request = request.header(CONTENT_TYPE, soap::MEDIA_TYPE);
        let request = request.header("SOAPAction", format!("\"{}\"", soap::ACTION));
        let response = request.send().await.map_err(|error| lost(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("expected status 200, found {}", response.status().as_u16()));
        }
        outgoing::body(response, limits::BODY_BYTES).await.map_err(|unread| match unread {
            Unread::TooLarge => {
                format!("expected at most {} bytes, found more", limits::BODY_BYTES)
            }
            Unread::Lost(error) => lost(&error),
        })
    }
}

impl BackChannel for SoapCalls {
    fn call<'a>(&'a self, call: Call<'a>) -> Calling<'a> {
        Box::pin(self.post(call))
    }
}

/// Whether an address itself says that it leads inside. What a name stands for is looked at when it
/// is looked up, which happens for the call itself.
fn leads_inside(url: &str) -> bool {
    !Url::parse(url).is_ok_and(|url| !is_loopback(&url) && !is_private(&url))
}

/// Names of machines outside.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let found = Names.resolve(name);
        Box::pin(async move {
            let outside: Vec<_> = found.await?.filter(|it| is_outside(*it)).collect();
            if outside.is_empty() {
                return Err("expected the name of a machine outside, found none".into());
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}

fn is_outside(address: SocketAddr) -> bool {
    !leads_inside(&format!("https://{address}/"))
}

fn lost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "expected an answer, found none in time".to_owned();
    }
    format!("expected an answer, found: {}", innermost(error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::Redirect;
    use axum::routing::post;

    use super::*;
    use crate::app::outgoing::served;
    use crate::saml::EndpointUrl;

    async fn called(url: &str, reach: Reach) -> Result<Vec<u8>, String> {
        let url = EndpointUrl::parse(url).unwrap();
        let call = Call { url: &url, reach, envelope: "<x/>".to_owned() };
        SoapCalls::new().unwrap().call(call).await
    }

    #[tokio::test]
    async fn an_envelope_is_posted_as_the_binding_says() {
        let heard = |headers: HeaderMap, body: String| async move {
            let of = |name: &str| headers[name].to_str().unwrap().to_owned();
            format!("{} {} {body}", of("content-type"), of("soapaction"))
        };
        let address = served(Router::new().route("/", post(heard))).await;
        let answer = called(&format!("http://{address}/"), Reach::Anywhere).await.unwrap();
        let expected = "text/xml; charset=utf-8 \
                        \"http://www.oasis-open.org/committees/security\" <x/>";
        assert_eq!(answer, expected.as_bytes());
    }

    #[tokio::test]
    async fn nothing_is_followed_and_an_answer_has_an_end() {
        let long = "m".repeat(limits::BODY_BYTES + 1);
        let router = Router::new()
            .route("/elsewhere", post(|| async { Redirect::temporary("/here") }))
            .route("/here", post(|| async { "here" }))
            .route("/long", post(move || async move { long }));
        let address = served(router).await;
        for (path, reason) in
            [("elsewhere", "found 307"), ("long", "found more"), ("nowhere", "found 404")]
        {
            let refused = called(&format!("http://{address}/{path}"), Reach::Anywhere).await;
            assert!(refused.unwrap_err().contains(reason), "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_waited_for_a_short_time_only() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let begun = tokio::time::Instant::now();
        assert!(called(&url, Reach::Anywhere).await.unwrap_err().contains("in time"));
        assert!(begun.elapsed() <= limits::LOGOUT_CALL + Duration::from_secs(1));
    }

    #[tokio::test]
    async fn what_came_from_outside_does_not_lead_inside() {
        let address = served(Router::new().route("/", post(|| async { "here" }))).await;
        let port = address.port();
        for host in ["127.0.0.1", "localhost", "sp.localhost"] {
            let url = format!("http://{host}:{port}/");
            assert_eq!(called(&url, Reach::Anywhere).await.unwrap(), b"here");
            assert!(called(&url, Reach::Outside).await.unwrap_err().contains("inside"), "{host}");
        }
        for address in [
            "10.0.0.7",
            "169.254.169.254",
            "100.100.100.200",
            "[fd00::7]",
            "[::ffff:10.0.0.7]",
            "[::ffff:127.0.0.1]",
        ] {
            let refused = called(&format!("https://{address}/"), Reach::Outside).await;
            assert!(refused.unwrap_err().contains("inside"), "{address}");
        }
        // A name that is no name of this machine, and stands for it.
        let found = PublicNames.resolve("localhost".parse().unwrap()).await;
        assert!(found.is_err_and(|error| error.to_string().contains("outside")));
    }
}
