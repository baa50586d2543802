//! Room demo (layer 6): what a browser does, without one: cookies by the rules that matter between
//! sites, redirects that are looked at one by one. A page's site is taken to be its host, which is
//! what it is for `*.localhost`; elsewhere this is stricter than browsers are.

use reqwest::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE};
use reqwest::header::{HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, RequestBuilder};
use url::Url;

/// One browser, with a jar of its own.
pub(super) struct Browser {
    client: Client,
    cookies: Vec<Cookie>,
}

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Where it is.
    pub(super) url: Url,
    /// Its status.
    pub(super) status: u16,
    /// Where it sends the browser, absolute.
    pub(super) location: Option<Url>,
    /// Its `Content-Security-Policy`.
    pub(super) policy: String,
    /// Its `Cache-Control`.
    pub(super) caching: String,
    /// Its text.
    pub(super) body: String,
}

#[derive(Debug)]
struct Cookie {
    host: String,
    name: String,
    value: String,
    secure: bool,
    same_site: SameSite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SameSite {
    None,
    Lax,
    Strict,
}

/// How a request comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Navigation {
    /// A link or a redirect.
    Get,
    /// A form that this very site sends.
    SamePost,
    /// A form that another site sends.
    CrossPost,
}

impl Browser {
    /// A browser that has been nowhere.
    pub(super) fn new(client: Client) -> Self {
        Self { client, cookies: Vec::new() }
    }

    /// Follows a link.
    pub(super) async fn get(&mut self, url: &str) -> Result<Page, String> {
        let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        let request = self.client.get(url.clone());
        self.send(url, request, Navigation::Get).await
    }

    /// Sends a form that stands on the page `from`.
    pub(super) async fn post(
        &mut self,
        from: &Url,
        action: &str,
        fields: &[(String, String)],
    ) -> Result<Page, String> {
        let url = from.join(action).map_err(|error| format!("{action}: {error}"))?;
        let navigation = if url.host_str() == from.host_str() {
            Navigation::SamePost
        } else {
            Navigation::CrossPost
        };
        let origin = from.origin().ascii_serialization();
        let request = self.client.post(url.clone()).header(ORIGIN, origin).form(fields);
        self.send(url, request, navigation).await
    }

    async fn send(
        &mut self,
        url: Url,
        request: RequestBuilder,
        navigation: Navigation,
    ) -> Result<Page, String> {
        let cookies = self.cookies_for(&url, navigation);
        let mut request = request.header(ACCEPT_LANGUAGE, "en");
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        let response = request.send().await.map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            format!("no answer from {}: {cause}", url.origin().ascii_serialization())
        })?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        for value in headers.get_all(SET_COOKIE) {
            self.keep(&url, value.to_str().unwrap_or_default());
        }
        let text = |name| text_of(&headers, name);
        let location = match headers.get(LOCATION) {
            None => None,
            Some(_) => Some(url.join(&text(LOCATION)).map_err(|e| format!("Location: {e}"))?),
        };
        let body = response.text().await.map_err(|error| error.without_url().to_string())?;
        let (policy, caching) = (text(CONTENT_SECURITY_POLICY), text(CACHE_CONTROL));
        Ok(Page { url, status, location, policy, caching, body })
    }

    fn cookies_for(&self, url: &Url, navigation: Navigation) -> String {
        let host = url.host_str().unwrap_or_default();
        let fits = self.cookies.iter().filter(|cookie| {
            cookie.host == host
                && (!cookie.secure || is_trustworthy(url))
                && (navigation != Navigation::CrossPost || cookie.same_site == SameSite::None)
        });
        let pairs: Vec<_> = fits.map(|c| format!("{}={}", c.name, c.value)).collect();
        pairs.join("; ")
    }

    /// Keeps a cookie, or does not, as browsers do (RFC 6265bis §5.7).
    fn keep(&mut self, url: &Url, text: &str) {
        let mut parts = text.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let get = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let secure = get("secure").is_some();
        let same_site = match get("samesite").map(str::to_ascii_lowercase).as_deref() {
            Some("none") => SameSite::None,
            Some("strict") => SameSite::Strict,
            _ => SameSite::Lax,
        };
        let host_bound = secure && get("path") == Some("/") && get("domain").is_none();
        let refused = (secure && !is_trustworthy(url))
            || (name.starts_with("__Host-") && !host_bound)
            || (same_site == SameSite::None && !secure);
        if refused {
            return;
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        self.cookies.retain(|cookie| cookie.host != host || cookie.name != name);
        let over = get("max-age").and_then(|age| age.parse::<i64>().ok()).is_some_and(|a| a <= 0);
        if !over {
            let (name, value) = (name.to_owned(), value.to_owned());
            self.cookies.push(Cookie { host, name, value, secure, same_site });
        }
    }
}

/// Whether `Secure` cookies travel there: over TLS, and on this machine.
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || crate::saml::types::is_loopback(url)
}

fn text_of(headers: &HeaderMap, name: reqwest::header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(cookies: &[&str], at: &str) -> Browser {
        let mut browser = Browser::new(Client::new());
        for cookie in cookies {
            browser.keep(&Url::parse(at).unwrap(), cookie);
        }
        browser
    }

    #[test]
    fn a_host_cookie_needs_secure_and_the_whole_site() {
        let here = "http://gateway.localhost:1/";
        for (cookie, kept) in [
            ("__Host-a=1; Path=/; Secure", 1),
            ("__Host-a=1; Path=/", 0),
            ("__Host-a=1; Path=/x; Secure", 0),
            ("__Host-a=1; Path=/; Secure; Domain=localhost", 0),
            ("a=1; SameSite=None", 0),
        ] {
            assert_eq!(browser(&[cookie], here).cookies.len(), kept, "{cookie}");
        }
        assert_eq!(browser(&["a=1; Secure"], "http://gateway.example/").cookies.len(), 0);
    }

    #[test]
    fn a_post_from_another_site_carries_only_cookies_that_ask_for_it() {
        let url = Url::parse("http://cloud.localhost:2/acs").unwrap();
        let browser = browser(
            &["lax=1; Secure; SameSite=Lax", "none=1; Secure; SameSite=None", "plain=1"],
            url.as_str(),
        );
        assert_eq!(browser.cookies_for(&url, Navigation::CrossPost), "none=1");
        assert_eq!(browser.cookies_for(&url, Navigation::Get), "lax=1; none=1; plain=1");
        let other = Url::parse("http://gateway.localhost:2/acs").unwrap();
        assert_eq!(browser.cookies_for(&other, Navigation::Get), "");
    }

    #[test]
    fn a_cookie_is_replaced_and_goes_when_its_age_is_over() {
        let here = "https://a.example/";
        let browser = browser(&["a=1", "b=1", "a=2", "b=; Max-Age=0"], here);
        assert_eq!(browser.cookies_for(&Url::parse(here).unwrap(), Navigation::Get), "a=2");
    }
}
