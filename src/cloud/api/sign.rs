//! Layer 2, cloud: the signature `SDK-HMAC-SHA256` of a request to the cloud's API with an access
//! key (contract §7.3). Pure: time and keys are arguments.

use aws_lc_rs::{digest, hmac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use time::macros::format_description;

/// What the cloud leaves as it is: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ALGORITHM: &str = "SDK-HMAC-SHA256";
/// The header that carries the time of signing; the only one that must be signed.
pub(super) const DATE_HEADER: &str = "x-sdk-date";

/// A partner's access key. Its secret half is shown by nothing.
#[derive(Debug)]
pub struct AccessKey {
    /// The name of the key (AK).
    pub id: String,
    /// What signs (SK).
    pub secret: SecretString,
}

/// What is signed.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    /// The path, not yet percent-encoded, with its first slash.
    pub(super) path: &'a str,
    /// The parameters, not yet percent-encoded, in any order.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The headers to sign beside the date: names in lower case, in any order.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// The time of signing as [`date`] writes it.
    pub(super) date: &'a str,
    pub(super) body: &'a [u8],
}

/// The time as [`DATE_HEADER`] carries it.
pub(super) fn date(at: OffsetDateTime) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    at.to_utc().format(&format).expect("the years 0 to 9999 can be written")
}

impl AccessKey {
    /// The value of the header `Authorization`.
    pub(super) fn authorization(&self, request: &Unsigned<'_>) -> String {
        let canonical = request.canonical();
        let signed =
            format!("{ALGORITHM}\n{}\n{}", request.date, hex_sha256(canonical.text.as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose_secret().as_bytes());
        let signature = hex::encode(hmac::sign(&key, signed.as_bytes()));
        let (id, names) = (&self.id, &canonical.signed_headers);
        format!("{ALGORITHM} Access={id}, SignedHeaders={names}, Signature={signature}")
    }
}

/// The text whose digest is signed, and the list of the headers in it.
struct Canonical {
    text: String,
    signed_headers: String,
}

impl Unsigned<'_> {
    fn canonical(&self) -> Canonical {
        let mut headers = self.headers.to_vec();
        headers.push((DATE_HEADER, self.date));
        headers.sort_unstable();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let signed_headers = names.join(";");
        let mut text = String::new();
        for line in [self.method, &canonical_path(self.path), &canonical_query(self.query)] {
            text.push_str(line);
            text.push('\n');
        }
        for (name, value) in headers {
            for part in [name, ":", value.trim(), "\n"] {
                text.push_str(part);
            }
        }
        for part in ["\n", &signed_headers, "\n", &hex_sha256(self.body)] {
            text.push_str(part);
        }
        Canonical { text, signed_headers }
    }
}

/// Each segment encoded, and a slash at the end: for signing only.
fn canonical_path(path: &str) -> String {
    let segments: Vec<_> = path.split('/').map(encoded).collect();
    let mut path = segments.join("/");
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// The parameters, sorted by name and then by value.
fn canonical_query(query: &[(&str, &str)]) -> String {
    let mut query = query.to_vec();
    query.sort_unstable();
    let pairs: Vec<_> =
        query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn key(id: &str, secret: &str) -> AccessKey {
        AccessKey { id: id.into(), secret: secret.into() }
    }

    fn signature(authorization: &str) -> &str {
        authorization.rsplit_once("Signature=").unwrap().1
    }

    #[test]
    fn a_get_with_a_parameter_is_signed_as_the_cloud_s_own_kit_signs_it() {
        let request = Unsigned {
            method: "GET",
            path: "/path",
            query: &[("limit", "1")],
            headers: &[],
            date: &date(datetime!(2006-01-02 15:04:05 UTC)),
            body: b"",
        };
        assert_eq!(
            key("AccessKey", "SecretKey").authorization(&request),
            "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, \
             Signature=5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"
        );
    }

    #[test]
    fn the_body_is_signed_to_its_last_byte() {
        let signed = |body: &[u8]| {
            let request = Unsigned {
                method: "POST",
                path: "/path",
                query: &[("key", "value")],
                headers: &[],
                date: "20060102T150405Z",
                body,
            };
            signature(&key("AccessKey", "SecretKey").authorization(&request)).to_owned()
        };
        assert_eq!(
            signed(b"{\"Name\":\"test\",\"Id\":1}\n"),
            "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59"
        );
        assert_eq!(
            signed(b"{\"Name\":\"test\",\"Id\":1}"),
            "83599e5230b5b31fb58837c5760b4c2d407542df1f9493834ead538696e17a35"
        );
    }

    #[test]
    fn further_headers_are_signed_in_the_order_of_their_names() {
        let request = Unsigned {
            method: "GET",
            path: "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/",
            query: &[("marker", "13551d6b-755d-4757-b956-536f674975c0"), ("limit", "2")],
            headers: &[
                ("host", "service.region.example.com"),
                ("content-type", " application/json "),
            ],
            date: "20191115T033655Z",
            body: b"",
        };
        let canonical = request.canonical();
        assert_eq!(
            hex_sha256(canonical.text.as_bytes()),
            "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"
        );
        let key = key("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc");
        let authorization = key.authorization(&request);
        assert!(authorization.contains("SignedHeaders=content-type;host;x-sdk-date,"));
        assert_eq!(
            signature(&authorization),
            "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
        );
    }

    #[test]
    fn a_query_is_sorted_and_encoded_to_the_unreserved_characters() {
        let query = [
            ("test", "一 (&=?!#%.*)"),
            ("path", "/tmp/123"),
            ("multi", "1"),
            ("multi", "3"),
            ("multi", "2"),
            ("limit", "1"),
            ("enable", "true"),
        ];
        assert_eq!(
            canonical_query(&query),
            "enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123\
             &test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29"
        );
    }

    #[test]
    fn a_key_shows_nothing_of_its_secret() {
        let shown = format!("{:?}", key("AccessKey", "SecretKey"));
        assert!(shown.contains("AccessKey") && !shown.contains("SecretKey"), "{shown}");
    }
}
