//! A browser without sockets: it keeps cookies as browsers do, and reads the pages that it gets.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use skybridge::app::serve::Peer;
use skybridge::journey::Transport;
use tower::ServiceExt as _;
use url::Url;

use super::material::unbase64;
use super::{API_KEY, BASE, PASSWORD};

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    peer: Peer,
    jar: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What a delivery page posts, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) acs: String,
    /// The Response, decoded.
    pub(crate) response: String,
    pub(crate) relay_state: Option<String>,
}

impl Browser {
    pub(super) fn new(router: Router, address: SocketAddr) -> Self {
        let peer = Peer { address, transport: Transport::Tls };
        Self { router, peer, jar: BTreeMap::new(), headers: Vec::new() }
    }

    /// The same browser that sends one more header with everything.
    pub(crate) fn saying(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same browser, whose load balancer has chosen another node.
    pub(crate) fn moved_to(&self, node: &super::TestGateway) -> Self {
        Self { router: node.router.clone(), ..self.clone() }
    }

    /// The value of a cookie whose name begins so.
    pub(crate) fn cookie(&self, prefix: &str) -> Option<&str> {
        self.jar.iter().find(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value.as_str())
    }

    /// Whether it is signed in at a tenant, as far as it knows.
    pub(crate) fn has_session(&self) -> bool {
        self.cookie("__Host-skybridge-session-").is_some()
    }

    /// Opens an address: a path of the gateway, or one of its full addresses.
    pub(crate) async fn get(&mut self, address: &str) -> Answer {
        self.send(Method::GET, address, (None, String::new())).await
    }

    /// Sends a form.
    pub(crate) async fn post<V: AsRef<str>>(
        &mut self,
        address: &str,
        fields: &[(&str, V)],
    ) -> Answer {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(Method::POST, address, (Some(kind), form)).await
    }

    /// Sends a form from a page of another site: no cookie of ours goes with it (`SameSite=Lax`).
    pub(crate) async fn post_from_elsewhere<V: AsRef<str>>(
        &mut self,
        address: &str,
        fields: &[(&str, V)],
    ) -> Answer {
        let mine = std::mem::take(&mut self.jar);
        let answer = self.post(address, fields).await;
        let set = std::mem::replace(&mut self.jar, mine);
        self.jar.extend(set);
        answer
    }

    /// Asks the API for a ticket, as the partner's back end does.
    pub(crate) async fn ask_ticket(&mut self, idempotency_key: &str, body: &str) -> Answer {
        let mut back_end = self
            .clone()
            .saying("authorization", &format!("Bearer {API_KEY}"))
            .saying("idempotency-key", idempotency_key);
        back_end.api("acme", body).await
    }

    /// Posts JSON to a tenant's ticket address.
    pub(crate) async fn api(&mut self, tenant: &str, body: &str) -> Answer {
        let kind = Some("application/json");
        self.send(Method::POST, &format!("/api/v1/{tenant}/tickets"), (kind, body.to_owned())).await
    }

    /// Signs in at `bravo` with the form, continuing a journey or not.
    pub(crate) async fn sign_in(&mut self, address: &str, user: &str, password: &str) -> Answer {
        let page = self.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let (action, csrf) = (page.attribute("action"), page.field("csrf").unwrap());
        let fields = [("csrf", csrf.as_str()), ("username", user), ("password", password)];
        self.post(&action, &fields).await
    }

    /// Signs `alice` in at `bravo`.
    pub(crate) async fn sign_alice_in(&mut self, address: &str) -> Answer {
        self.sign_in(address, "alice", PASSWORD).await
    }

    /// Sends any request.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        address: &str,
        (kind, body): (Option<&str>, String),
    ) -> Answer {
        let path = address.strip_prefix(BASE).unwrap_or(address);
        assert!(path.starts_with('/'), "{address} is not an address of the gateway");
        let mut request = Request::builder().method(method).uri(path).extension(self.peer);
        if !self.jar.is_empty() {
            let pairs: Vec<_> = self.jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 4 * 1024 * 1024).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        self.keep(&head.headers);
        Answer { status: head.status, headers: head.headers, body }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            // What browsers ask of the prefix, or else they drop the cookie (RFC 6265bis §4.1.3.2).
            let parts: Vec<&str> = cookie.split("; ").collect();
            let (name, value) = parts[0].split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{cookie}");
            for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
                assert!(parts.contains(&part), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
            if parts.contains(&"Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Where a `303` leads.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        self.header("location").unwrap()
    }

    /// The same, taken apart.
    pub(crate) fn target(&self) -> Url {
        Url::parse(self.location()).unwrap()
    }

    /// The error code of a page or of a problem document.
    pub(crate) fn code(&self) -> Option<String> {
        if self.header("content-type").is_some_and(|kind| kind.starts_with("application/problem")) {
            let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
            return Some(problem["code"].as_str().unwrap().to_owned());
        }
        self.body.contains("data-code=\"").then(|| self.attribute("data-code"))
    }

    /// That it is the page of this refusal.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) {
        assert_eq!(self.code().as_deref(), Some(code), "{self:?}");
        assert!(self.status.is_client_error() || self.status.is_server_error(), "{self:?}");
        assert!(!self.body.contains("name=\"SAMLResponse\""), "{self:?}");
        assert_eq!(self.header("location"), None);
    }

    /// That it is the page of this refusal, with the way back to the service provider: what its
    /// button posts.
    #[track_caller]
    pub(crate) fn turned_away(&self, code: &str) -> Delivered {
        assert_eq!(self.code().as_deref(), Some(code), "{self:?}");
        assert!(self.status.is_client_error(), "{self:?}");
        self.carried()
    }

    /// The first attribute of that name, unescaped.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let begin = format!("{name}=\"");
        let (_, rest) =
            self.body.split_once(&begin).unwrap_or_else(|| panic!("{name} in {self:?}"));
        unescape(rest.split_once('"').unwrap().0)
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let begin = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&begin)?;
        Some(unescape(rest.split_once('"').unwrap().0))
    }

    /// What the page posts to the service provider.
    #[track_caller]
    pub(crate) fn delivered(&self) -> Delivered {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.carried()
    }

    #[track_caller]
    fn carried(&self) -> Delivered {
        let response = self.field("SAMLResponse").unwrap_or_else(|| panic!("{self:?}"));
        Delivered {
            acs: self.attribute("action"),
            response: String::from_utf8(unbase64(&response)).unwrap(),
            relay_state: self.field("RelayState"),
        }
    }
}

impl Delivered {
    /// Whether anything is asserted.
    pub(crate) fn asserts(&self) -> bool {
        self.response.contains("<saml2:Assertion")
    }

    /// The first attribute of that name in the document.
    pub(crate) fn value(&self, attribute: &str) -> String {
        let begin = format!(" {attribute}=\"");
        let (_, rest) = self.response.split_once(&begin).unwrap();
        unescape(rest.split_once('"').unwrap().0)
    }
}

/// The references that our pages write.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';').unwrap();
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => {
                let number = number.strip_prefix('#').unwrap();
                char::from_u32(number.parse().unwrap()).unwrap()
            }
        });
        rest = after;
    }
    out + rest
}
