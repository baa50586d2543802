//! Who is calling: the language, the cookies, the query. Apart room `fakecloud`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use url::{Host, Url};

use super::FakeCloud;
use super::Site;
use super::form::{Form, FormProblem};
use crate::secret::{self, fingerprint};

/// One call by a browser.
pub(crate) struct Visit {
    pub(crate) language: Language,
    /// The path that was asked for.
    pub(crate) path: String,
    /// The raw query, without the question mark.
    pub(crate) query: String,
    /// The values of the cookies that tell browsers apart. A browser has two when it came twice at
    /// once before it had any.
    pub(crate) browsers: Vec<String>,
    /// The name of the session that the cookie stands for.
    pub(crate) session: Option<String>,
}

impl Visit {
    /// The query's parameters.
    pub(crate) fn form(&self) -> Result<Form, FormProblem> {
        Form::parse(self.query.as_bytes())
    }

    /// Whether it comes from the browser with that fingerprint.
    pub(crate) fn is_from(&self, browser: &str) -> bool {
        self.browsers
            .iter()
            .any(|value| secret::same(fingerprint(value).as_bytes(), browser.as_bytes()))
    }

    /// The same address in the other language.
    pub(crate) fn other_language(&self) -> String {
        let kept = self.query.split('&').filter(|p| !p.is_empty() && !p.starts_with("lang="));
        let other = match self.language {
            Language::Chinese => "lang=en",
            Language::English => "lang=zh",
        };
        let query: Vec<&str> = kept.chain([other]).collect();
        format!("{}?{}", self.path, query.join("&"))
    }
}

impl FromRequestParts<Arc<FakeCloud>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        cloud: &Arc<FakeCloud>,
    ) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Self {
            language: Language::of(&query, &parts.headers, cloud.site),
            path: parts.uri.path().to_owned(),
            browsers: cookies(&parts.headers)
                .filter(|(name, _)| name.starts_with(BROWSER_COOKIE))
                .map(|(_, value)| value.to_owned())
                .collect(),
            session: cookies(&parts.headers)
                .find_map(|(name, value)| (name == SESSION_COOKIE).then_some(value))
                .map(fingerprint),
            query,
        })
    }
}

/// The languages of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    /// The tag for `html lang`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The choice in the query, else the browser's wish, else the site's own.
    fn of(query: &str, headers: &HeaderMap, site: Site) -> Self {
        match query.split('&').find_map(|pair| pair.strip_prefix("lang=")) {
            Some("zh") => return Self::Chinese,
            Some("en") => return Self::English,
            _ => {}
        }
        let wish = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        wish.and_then(Self::wished).unwrap_or(match site {
            Site::Cn => Self::Chinese,
            Site::Intl | Site::Eu => Self::English,
        })
    }

    /// The language of ours with the greatest weight; the first of equals (RFC 9110 §12.5.4).
    fn wished(wish: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in wish.split(',') {
            let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            let weight = weight.trim().parse().unwrap_or(0.0);
            let language = match tag.trim().to_ascii_lowercase().split('-').next() {
                Some("zh") => Self::Chinese,
                Some("en") => Self::English,
                _ => continue,
            };
            if weight > best.map_or(0.0, |(known, _)| known) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// How the browser that asked is known again when the answer comes by a cross-site POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browsers {
    /// By a cookie with `SameSite=None; Secure`: over https, and on this machine, which browsers
    /// trust.
    ByCookie,
    /// Not at all: over plain http browsers send no cookie with a cross-site POST.
    Unknown,
}

impl Browsers {
    /// What is possible at this base address.
    pub(crate) fn of(base: &Url) -> Self {
        let local = match base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if base.scheme() == "https" || local { Self::ByCookie } else { Self::Unknown }
    }

    /// The `Set-Cookie` of a cookie that tells browsers apart. Each value has a name of its own, so
    /// that two logins at once do not overwrite each other's.
    pub(crate) fn browser_cookie(self, value: &str) -> String {
        let mark = fingerprint(value);
        let name = format!("{BROWSER_COOKIE}_{}", mark.get(..8).unwrap_or(&mark));
        match self {
            Self::ByCookie => format!("{name}={value}; Path=/; HttpOnly; Secure; SameSite=None"),
            Self::Unknown => format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax"),
        }
    }

    /// The `Set-Cookie` of a console session.
    pub(crate) fn session_cookie(self, value: &str) -> String {
        let secure = match self {
            Self::ByCookie => "; Secure",
            Self::Unknown => "",
        };
        format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}")
    }

    /// The `Set-Cookie` that takes a console session's cookie away.
    pub(crate) fn no_session_cookie(self) -> String {
        format!("{}; Max-Age=0", self.session_cookie(""))
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(_, value)| !value.is_empty())
}

/// How the names of the cookies begin that tell browsers apart.
const BROWSER_COOKIE: &str = "fakecloud_browser";
const SESSION_COOKIE: &str = "fakecloud_session";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_greatest_weight_wins() {
        assert_eq!(Language::wished("en;q=0.5, zh-CN"), Some(Language::Chinese));
        assert_eq!(Language::wished("de, en-GB;q=0.8, zh;q=0.7"), Some(Language::English));
        assert_eq!(Language::wished("de, fr"), None);
    }

    #[test]
    fn a_browser_is_known_again_where_cookies_cross_sites() {
        let of = |base: &str| Browsers::of(&Url::parse(base).unwrap());
        assert_eq!(of("https://cloud.example"), Browsers::ByCookie);
        assert_eq!(of("http://cloud.localhost:8082"), Browsers::ByCookie);
        assert_eq!(of("http://127.0.0.1:8082"), Browsers::ByCookie);
        assert_eq!(of("http://cloud.example"), Browsers::Unknown);
    }
}
