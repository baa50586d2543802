//! Layer 5, http: the cookies (B-26). All are `__Host-`: set by this very host over https (or on
//! this machine), for all its paths, out of reach of scripts, and gone with the browser.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::store::record::TenantId;

/// Binds a browser to what it began.
pub(super) const BINDING: &str = "__Host-skybridge-browser";
/// The language that a person chose.
pub(super) const LANGUAGE: &str = "__Host-skybridge-language";

/// The session cookie of a tenant.
pub(super) fn session(tenant: &TenantId) -> String {
    format!("__Host-skybridge-session-{tenant}")
}

/// The value of a cookie; none when it was not sent, or sent twice: then nobody can tell whose it
/// is.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) if is_token(value) => Some(value.to_owned()),
        _ => None,
    }
}

/// Sets a cookie until the browser closes.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    append(headers, format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"));
}

/// Removes a cookie.
pub(super) fn clear(headers: &mut HeaderMap, name: &str) {
    append(headers, format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
}

fn append(headers: &mut HeaderMap, cookie: String) {
    // Names and values are ours: tokens and names of tenants, never text from a request.
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// Tokens are base64url; nothing else is ever looked up.
fn is_token(value: &str) -> bool {
    (1..=64).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_cookie_that_comes_twice_is_nobodys() {
        let name = session(&TenantId::parse("acme").unwrap());
        assert_eq!(read(&headers(&format!("a=b; {name}=t1")), &name).as_deref(), Some("t1"));
        assert_eq!(read(&headers(&format!("{name}=t1; {name}=t2")), &name), None);
        assert_eq!(read(&headers(&format!("{name}=t1\"x")), &name), None);
        assert_eq!(read(&headers(&format!("x{name}=t1")), &name), None);
    }

    #[test]
    fn a_cookie_stays_with_this_host_and_away_from_scripts() {
        let mut headers = HeaderMap::new();
        set(&mut headers, BINDING, "t");
        let cookie = headers[header::SET_COOKIE].to_str().unwrap();
        for part in ["__Host-", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"));
    }
}
