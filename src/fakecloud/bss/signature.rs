//! SDK-HMAC-SHA256: whether a request was signed with a secret key, within 15 minutes. Apart room
//! `fakecloud`; contract §7.3. This judges the gateway's signer and shares no code with it.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use percent_encoding::percent_decode_str;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::secret;

/// What an `Authorization` header claims.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) access_key: String,
    /// As the client wrote them.
    signed: String,
    signature: String,
}

impl Claim {
    /// Reads `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`.
    pub(super) fn read(authorization: &str) -> Option<Self> {
        let (mut access, mut signed, mut signature) = (None, None, None);
        for part in authorization.strip_prefix(ALGORITHM)?.strip_prefix(' ')?.split(',') {
            let (name, value) = part.trim().split_once('=')?;
            let place = match name {
                "Access" => &mut access,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                _ => return None,
            };
            if place.replace(value.to_owned()).is_some() {
                return None;
            }
        }
        Some(Self { access_key: access?, signed: signed?, signature: signature? })
    }

    /// Whether the request bears this secret key's signature, made about `now`.
    ///
    /// # Errors
    /// What is wrong, as the gateway would tell it: with its own canonical request.
    pub(super) fn verify(
        &self,
        secret_key: &str,
        request: (&Parts, &[u8]),
        now: OffsetDateTime,
    ) -> Result<(), String> {
        let (head, body) = request;
        let names: Vec<&str> = self.signed.split(';').collect();
        let ordered = names.windows(2).all(|pair| pair[0] < pair[1]);
        let lower = !self.signed.bytes().any(|b| b.is_ascii_uppercase());
        if !ordered || !lower || !names.contains(&"x-sdk-date") {
            return Err("SignedHeaders has to be lower case, sorted, with x-sdk-date".to_owned());
        }
        let date = value(head, "x-sdk-date").ok_or("x-sdk-date not found")?;
        let at = instant(&date).ok_or("x-sdk-date is not of the form yyyyMMdd'T'HHmmss'Z'")?;
        if (now - at).abs() > WINDOW {
            return Err("x-sdk-date is more than 15 minutes away".to_owned());
        }
        let hash = match value(head, "x-sdk-content-sha256") {
            Some(literal) if literal == UNSIGNED => literal,
            Some(literal) if literal != hex_sha256(body) => {
                return Err("x-sdk-content-sha256 is not the body's".to_owned());
            }
            _ => hex_sha256(body),
        };
        let canonical = canonical(head, &names, &hash)?;
        let due = signature(secret_key, &date, &canonical);
        if secret::same(due.as_bytes(), self.signature.as_bytes()) {
            return Ok(());
        }
        let echo = canonical.replace('\n', "|");
        Err(format!("verify aksk signature fail, canonical request: {echo}"))
    }
}

fn signature(secret_key: &str, date: &str, canonical: &str) -> String {
    let text = format!("{ALGORITHM}\n{date}\n{}", hex_sha256(canonical.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret_key.as_bytes());
    hex(hmac::sign(&key, text.as_bytes()).as_ref())
}

fn canonical(head: &Parts, names: &[&str], hash: &str) -> Result<String, String> {
    let mut headers = String::new();
    for name in names {
        let value = value(head, name).ok_or_else(|| format!("signed header {name} not found"))?;
        headers.push_str(name);
        headers.push(':');
        headers.push_str(value.trim());
        headers.push('\n');
    }
    let (path, query) = (path(head.uri.path()), query(head.uri.query().unwrap_or_default()));
    let signed = names.join(";");
    Ok(format!("{}\n{path}\n{query}\n{headers}\n{signed}\n{hash}", head.method))
}

/// Each segment encoded once more from what it means, with a slash at the end.
fn path(path: &str) -> String {
    let decoded = |segment: &str| percent_decode_str(segment).collect::<Vec<u8>>();
    let mut path: Vec<String> = path.split('/').map(|part| encoded(&decoded(part))).collect();
    if path.last().is_none_or(|last| !last.is_empty()) {
        path.push(String::new());
    }
    path.join("/")
}

/// Names and values decoded, sorted and encoded once more.
fn query(query: &str) -> String {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// All but `A-Za-z0-9-_.~` as `%XX` (RFC 3986 §2.3).
fn encoded(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for octet in octets {
        if octet.is_ascii_alphanumeric() || b"-_.~".contains(octet) {
            text.push(char::from(*octet));
        } else {
            // Writing into a String does not fail.
            let _ = write!(text, "%{octet:02X}");
        }
    }
    text
}

/// A header's value; several of one name are one list (RFC 9110 §5.3).
fn value(head: &Parts, name: &str) -> Option<String> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let values: Vec<&str> =
        head.headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.is_empty() && name == header::HOST {
        return head.uri.authority().map(ToString::to_string);
    }
    (!values.is_empty()).then(|| values.join(","))
}

fn instant(date: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(date, &format).ok().map(PrimitiveDateTime::assume_utc)
}

fn hex_sha256(octets: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, octets).as_ref())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

const ALGORITHM: &str = "SDK-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const WINDOW: Duration = Duration::minutes(15);

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use time::macros::datetime;

    /// A vector of contract §7.3.
    struct Vector {
        method: &'static str,
        url: &'static str,
        headers: &'static [(&'static str, &'static str)],
        body: &'static str,
        keys: (&'static str, &'static str),
        signature: &'static str,
    }

    const GO_KEYS: (&str, &str) = ("AccessKey", "SecretKey");
    const GO_HEADERS: &[(&str, &str)] = &[("x-sdk-date", "20060102T150405Z")];

    const FIRST: Vector = Vector {
        method: "GET",
        url: "https://example.huaweicloud.com/path?limit=1",
        headers: GO_HEADERS,
        body: "",
        keys: GO_KEYS,
        signature: "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624",
    };
    const SECOND: Vector = Vector {
        method: "POST",
        url: "https://example.huaweicloud.com/path?key=value",
        headers: GO_HEADERS,
        body: "{\"Name\":\"test\",\"Id\":1}\n",
        keys: GO_KEYS,
        signature: "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59",
    };
    const SECOND_WITHOUT_NEWLINE: Vector = Vector {
        body: "{\"Name\":\"test\",\"Id\":1}",
        signature: "83599e5230b5b31fb58837c5760b4c2d407542df1f9493834ead538696e17a35",
        ..SECOND
    };
    const THIRD: Vector = Vector {
        method: "GET",
        url: "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
        headers: &[
            ("content-type", "application/json"),
            ("host", "service.region.example.com"),
            ("x-sdk-date", "20191115T033655Z"),
        ],
        body: "",
        keys: ("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"),
        signature: "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
    };

    impl Vector {
        fn head(&self) -> Parts {
            let mut request = Request::builder().method(self.method).uri(self.url);
            for (name, value) in self.headers {
                request = request.header(*name, *value);
            }
            request.body(()).unwrap().into_parts().0
        }

        fn claim(&self) -> Claim {
            let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
            let header = format!(
                "SDK-HMAC-SHA256 Access={}, SignedHeaders={}, Signature={}",
                self.keys.0,
                names.join(";"),
                self.signature
            );
            Claim::read(&header).unwrap()
        }

        fn verify_at(&self, now: OffsetDateTime) -> Result<(), String> {
            self.claim().verify(self.keys.1, (&self.head(), self.body.as_bytes()), now)
        }

        fn now(&self) -> OffsetDateTime {
            instant(self.headers.last().unwrap().1).unwrap()
        }
    }

    #[test]
    fn the_vectors_of_the_contract_verify() {
        for vector in [FIRST, SECOND, SECOND_WITHOUT_NEWLINE, THIRD] {
            vector.verify_at(vector.now()).unwrap();
            assert_eq!(vector.claim().access_key, vector.keys.0);
        }
        let hash = hex_sha256(b"");
        let names = ["content-type", "host", "x-sdk-date"];
        let canonical = canonical(&THIRD.head(), &names, &hash).unwrap();
        assert_eq!(
            hex_sha256(canonical.as_bytes()),
            "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"
        );
    }

    #[test]
    fn a_query_is_sorted_and_encoded_as_in_the_contract() {
        let came = "test=%E4%B8%80+(%26%3D%3F!%23%25.*)&path=/tmp/123&multi=3&multi=1&multi=2\
                    &limit=1&enable=true";
        let due = "enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123\
                   &test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29";
        assert_eq!(query(came), due);
        assert_eq!(query(""), "");
        assert_eq!(query("a&b="), "a=&b=");
    }

    #[test]
    fn a_path_ends_in_a_slash_and_is_encoded_once() {
        assert_eq!(path("/"), "/");
        assert_eq!(path("/a/b"), "/a/b/");
        assert_eq!(path("/a/b/"), "/a/b/");
        assert_eq!(path("/%7ea/(b)"), "/~a/%28b%29/");
    }

    #[test]
    fn another_body_another_key_or_another_query_does_not_verify() {
        let now = FIRST.now();
        for other in [
            Vector { body: "x", ..FIRST },
            Vector { keys: ("AccessKey", "SecretKez"), ..FIRST },
            Vector { url: "https://example.huaweicloud.com/path?limit=2", ..FIRST },
            Vector { method: "POST", ..FIRST },
        ] {
            let echo = other.verify_at(now).unwrap_err();
            assert!(echo.contains("|/path/|limit="), "{echo}");
            assert!(echo.contains("||x-sdk-date|"), "{echo}");
            assert!(!echo.contains("SecretKe"), "{echo}");
        }
    }

    #[test]
    fn a_signature_lives_15_minutes_both_ways() {
        let at = datetime!(2006-01-02 15:04:05 UTC);
        for minutes in [-15, 15] {
            FIRST.verify_at(at + Duration::minutes(minutes)).unwrap();
            let late = at + Duration::minutes(minutes) + Duration::seconds(minutes.signum());
            assert!(FIRST.verify_at(late).unwrap_err().contains("15 minutes"));
        }
    }

    #[test]
    fn the_list_of_signed_headers_is_sorted_names_the_date_and_only_headers_that_came() {
        for signed in ["host", "x-sdk-date;host", "X-Sdk-Date", "host;x-sdk-date", ""] {
            let header = format!("SDK-HMAC-SHA256 Access=a, SignedHeaders={signed}, Signature=b");
            let claim = Claim::read(&header).unwrap();
            let head = Vector { url: "/path", ..FIRST }.head();
            let said = claim.verify("s", (&head, b""), FIRST.now()).unwrap_err();
            assert!(!said.contains("canonical request"), "{signed}: {said}");
        }
    }

    #[test]
    fn a_declared_hash_has_to_be_the_bodys_or_say_that_the_body_is_not_signed() {
        let verify = |hash: &str, body: &[u8]| {
            let head = Request::builder()
                .uri("/path")
                .header("x-sdk-date", "20060102T150405Z")
                .header("x-sdk-content-sha256", hash)
                .body(())
                .unwrap()
                .into_parts()
                .0;
            let canonical = canonical(&head, &["x-sdk-date"], hash).unwrap();
            let claim = Claim {
                access_key: "a".to_owned(),
                signed: "x-sdk-date".to_owned(),
                signature: signature("s", "20060102T150405Z", &canonical),
            };
            claim.verify("s", (&head, body), FIRST.now())
        };
        verify("UNSIGNED-PAYLOAD", b"anything").unwrap();
        verify(&hex_sha256(b"{}"), b"{}").unwrap();
        assert!(verify(&hex_sha256(b"{}"), b"{ }").unwrap_err().contains("not the body's"));
    }

    #[test]
    fn an_authorization_header_of_another_form_is_not_a_claim() {
        for header in [
            "Bearer x",
            "SDK-HMAC-SHA256",
            "SDK-HMAC-SHA256 Access=a, Signature=b",
            "SDK-HMAC-SHA256 Access=a, Access=a, SignedHeaders=b, Signature=c",
            "SDK-HMAC-SHA256 Access=a, SignedHeaders=b, Signature=c, More=d",
        ] {
            assert!(Claim::read(header).is_none(), "{header}");
        }
    }
}
