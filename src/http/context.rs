//! Layer 5, http: what a request says about the browser that makes it: cookies, language, address,
//! journey.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use url::form_urlencoded;

use super::cookie;
use crate::journey::{Client, JourneyId};
use crate::page::Language;
use crate::sso::Browser;
use crate::store::record::Tenant;

/// What a request says about its browser.
pub(super) struct Context {
    /// The journey's id in the log.
    pub journey: JourneyId,
    /// The language to answer in.
    pub language: Language,
    /// The language that this request chooses anew.
    pub chosen: Option<Language>,
    uri: Uri,
    headers: HeaderMap,
    client: Option<Client>,
}

impl<S: Send + Sync> FromRequestParts<S> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl Context {
    /// Reads it from the head of a request.
    pub(super) fn of(parts: &Parts) -> Self {
        let asked = parameter(&parts.uri, "lang");
        let kept = cookie::read(&parts.headers, cookie::LANGUAGE);
        let accept = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        let language = Language::choose(asked.as_deref().or(kept.as_deref()), accept);
        // `app` gives every request a journey; without `app`, in tests of this room, it has none.
        let nameless = || JourneyId::parse("0000000000").unwrap_or_else(|| unreachable!());
        Self {
            journey: parts.extensions.get::<JourneyId>().cloned().unwrap_or_else(nameless),
            language,
            chosen: asked.is_some().then_some(language),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            client: parts.extensions.get::<Client>().copied(),
        }
    }

    /// The browser, as a tenant sees it.
    pub(super) fn browser(&self, tenant: &Tenant) -> Browser {
        Browser {
            session: cookie::read(&self.headers, &cookie::session(&tenant.id)),
            binding: cookie::read(&self.headers, cookie::BINDING),
            address: self.client.map(|client| client.address),
            journey: self.journey.as_str().to_owned(),
        }
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.uri, name)
    }

    /// The raw query, as the browser sent it.
    pub(super) fn raw_query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Path and query of this address in the other language.
    pub(super) fn switch_to(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let pairs = form_urlencoded::parse(self.raw_query().as_bytes());
        query.extend_pairs(pairs.filter(|(name, _)| name != "lang"));
        query.append_pair("lang", self.language.other().tag());
        format!("{}?{}", self.uri.path(), query.finish())
    }

    /// Whether a program of the partner's asks, not a browser.
    pub(super) fn is_of_the_api(&self) -> bool {
        self.uri.path().starts_with("/api/")
    }

    /// A header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    // Piece by piece, so that the messages in a query are not decoded for the sake of another name.
    uri.query().unwrap_or_default().split('&').find_map(|piece| {
        let known = piece.split('=').next().unwrap_or_default();
        if known != name && !known.contains(['%', '+']) {
            return None;
        }
        let (known, value) = form_urlencoded::parse(piece.as_bytes()).next()?;
        (known == name).then(|| value.into_owned())
    })
}
