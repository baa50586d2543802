//! Layer 0, saml: the small values of the standard as types. What is parsed once is never checked
//! again.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};
use url::{Host, Url};

use super::error::{Error, shortened};
use crate::limits;

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The exact text; comparison is binary (saml-core-2.0-os §1.3.1).
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// An entityID: a URI of at most 1024 characters (saml-core-2.0-os §8.3.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityId(String);
text_newtype!(EntityId);

impl EntityId {
    /// Takes `text` as it stands.
    ///
    /// # Errors
    /// When it is blank, has white space or control characters, or is too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fits = !text.is_empty()
            && text.chars().count() <= limits::ENTITY_ID_CHARS
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(value("entityID", "a URI of 1 to 1024 characters without white space", text))
        }
    }
}

/// A URL to which messages may be sent: `https`, or `http` on this very machine (loopback addresses
/// and
/// `*.localhost`, where there is no network to listen on). Kept byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl(String);
text_newtype!(EndpointUrl);

/// The URL of an assertion consumer service, which metadata lists.
pub type AcsUrl = EndpointUrl;

impl EndpointUrl {
    /// Takes `text` as it stands.
    ///
    /// # Errors
    /// When it is no absolute http(s) URL of the allowed kind (conformance A-072, B-15, C-21), has
    /// user information, a fragment or characters that a URL cannot have, or is too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |expected| value("endpoint URL", expected, text);
        if text.len() > limits::URL_BYTES {
            return Err(refuse("at most 2048 bytes"));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b)) {
            return Err(refuse("URL characters only"));
        }
        let url = Url::parse(text).map_err(|_| refuse("an absolute URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(refuse("no user information and no fragment"));
        }
        match url.scheme() {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_loopback(&url) => Ok(Self(text.to_owned())),
            _ => Err(refuse("https, or http on this machine")),
        }
    }

    /// Scheme, host and port, as a `Content-Security-Policy` wants them.
    #[must_use]
    pub fn origin(&self) -> String {
        Url::parse(&self.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

/// Whether a URL names this machine: a loopback address, `localhost` or a name below it (RFC 6761
/// §6.3).
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether a URL names an address of a private network, where machines answer that nobody outside
/// may ask (RFC 1918, RFC 3927, RFC 6598, RFC 4193), or of none. Names are not looked up.
#[must_use]
pub fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_private_v4(ip.octets()),
        Some(Host::Ipv6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => is_private_v4(ip.octets()),
            None => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
        },
        Some(Host::Domain(_)) | None => false,
    }
}

fn is_private_v4(octets: [u8; 4]) -> bool {
    match octets {
        [10, ..] | [192, 168, ..] | [169, 254, ..] | [0, 0, 0, 0] => true,
        [172, second, ..] => second & 0xF0 == 16,
        [100, second, ..] => second & 0xC0 == 64,
        _ => false,
    }
}

/// The `ID` of a message: an XML name without colon (saml-core-2.0-os §1.3.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(String);
text_newtype!(MessageId);

impl MessageId {
    /// Takes `text` as it stands.
    ///
    /// # Errors
    /// When it is no `xs:ID`, or longer than [`limits::MESSAGE_ID_CHARS`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if is_ncname(text) && text.chars().count() <= limits::MESSAGE_ID_CHARS {
            Ok(Self(text.to_owned()))
        } else {
            Err(value("ID", "an XML name without colon of at most 256 characters", text))
        }
    }
}

/// `RelayState`: opaque, echoed byte for byte, empty is not absent (saml-bindings-2.0-os §3.4.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelayState(String);
text_newtype!(RelayState);

impl RelayState {
    /// Takes `text` as it stands.
    ///
    /// # Errors
    /// When it is longer than [`limits::RELAY_STATE_BYTES`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > limits::RELAY_STATE_BYTES {
            return Err(Error::relay_state(text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}

const MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// An instant as SAML writes it: UTC, milliseconds, `Z` (saml-core-2.0-os §1.3.3).
#[must_use]
pub fn format_instant(at: OffsetDateTime) -> String {
    // Formatting fails only for years outside the format, which no clock of ours shows.
    at.to_offset(UtcOffset::UTC).format(MILLIS).unwrap_or_default()
}

/// Reads an `xs:dateTime` in UTC: `YYYY-MM-DDThh:mm:ss[.fraction]Z`, in linear time (conformance
/// C-16).
///
/// # Errors
/// When the form differs, or the offset is not `Z` (saml-core-2.0-os §1.3.3).
pub fn parse_instant(what: &'static str, text: &str) -> Result<OffsetDateTime, Error> {
    let refuse = || value(what, "a UTC instant such as 2026-01-02T03:04:05.678Z", text);
    let bytes = text.as_bytes();
    if !(20..=30).contains(&bytes.len()) || bytes[10] != b'T' || !text.ends_with('Z') {
        return Err(refuse());
    }
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
        .map_err(|_| refuse())
}

/// An `xs:boolean`: exactly `true`, `false`, `1` or `0` (conformance A-032).
///
/// # Errors
/// For anything else.
pub fn parse_boolean(what: &'static str, text: &str) -> Result<bool, Error> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(value(what, "true, false, 1 or 0", text)),
    }
}

/// Whether `text` is an `NCName` (Namespaces in XML 1.0 §3).
#[must_use]
pub fn is_ncname(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_name_start) && chars.all(|c| is_name_start(c) || is_name_rest(c))
}

fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_rest(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// A value of the wrong form.
pub(crate) fn value(what: &'static str, expected: &'static str, found: &str) -> Error {
    Error::Value { what, expected, found: shortened(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn an_endpoint_is_https_or_stays_on_this_machine() {
        for good in [
            "https://auth.example/acs",
            "https://auth.example:8443/acs?a=b",
            "http://cloud.localhost:9000/acs",
            "http://127.0.0.1/acs",
            "http://[::1]:80/acs",
        ] {
            assert_eq!(EndpointUrl::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "http://auth.example/acs",
            "javascript:alert(1)",
            "data:text/html,x",
            "//auth.example/acs",
            "https://user@auth.example/",
            "https://auth.example/#x",
            "https://auth.example/\"onload=",
            "https:\\\\auth.example",
            "http://localhost.evil.example/",
            "https://auth.example/a b",
            "",
        ] {
            assert!(EndpointUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_instant_is_read_only_in_utc() {
        assert_eq!(
            parse_instant("t", "2018-11-26T09:11:58.446Z").unwrap(),
            datetime!(2018-11-26 09:11:58.446 UTC)
        );
        assert!(parse_instant("t", "2018-11-26T09:11:58Z").is_ok());
        for bad in
            ["2018-11-26T09:11:58+08:00", "2018-11-26 09:11:58Z", "", "Z", "99999-01-01T00:00:00Z"]
        {
            assert!(parse_instant("t", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_instant_is_written_with_milliseconds() {
        assert_eq!(format_instant(datetime!(2026-01-02 03:04:05 UTC)), "2026-01-02T03:04:05.000Z");
        assert_eq!(
            format_instant(datetime!(2026-01-02 11:04:05.6789 +8)),
            "2026-01-02T03:04:05.678Z"
        );
    }

    #[test]
    fn a_boolean_is_not_guessed() {
        assert!(parse_boolean("b", "1").unwrap());
        assert!(!parse_boolean("b", "false").unwrap());
        for bad in ["TRUE", "yes", "", " true"] {
            assert!(parse_boolean("b", bad).is_err());
        }
    }

    #[test]
    fn a_message_id_is_an_xml_name() {
        assert!(MessageId::parse("_th2kld6nqqaq6lbvbw1cqqkbld2m7shj5i7x").is_ok());
        for bad in ["", "1a", "a:b", "a b", "a\"b", "a>b"] {
            assert!(MessageId::parse(bad).is_err(), "{bad}");
        }
    }

    // Conformance A-108: characters, not bytes.
    #[test]
    fn an_id_has_256_characters_of_any_alphabet() {
        assert!(MessageId::parse(&"春".repeat(256)).is_ok());
        assert!(MessageId::parse(&"春".repeat(257)).is_err());
        assert!(MessageId::parse(&"x".repeat(257)).is_err());
    }

    // Conformance A-001.
    #[test]
    fn no_identifier_is_blank() {
        for blank in ["", " ", "\t\n", "\u{A0}", "\u{3000}"] {
            assert!(EntityId::parse(blank).is_err(), "{blank:?}");
            assert!(MessageId::parse(blank).is_err(), "{blank:?}");
            assert!(EndpointUrl::parse(blank).is_err(), "{blank:?}");
        }
    }

    // Conformance A-002: one octet more, less or other is another identifier.
    #[test]
    fn identifiers_are_compared_octet_by_octet() {
        let one = EntityId::parse("https://sp.example/é").unwrap();
        for other in [
            "https://sp.example/e\u{301}",
            "https://sp.example/É",
            "https://SP.example/é",
            "https://sp.example/%C3%A9",
            "https://sp.example:443/é",
            "https://sp.example/é/",
        ] {
            assert_ne!(one, EntityId::parse(other).unwrap(), "{other}");
        }
    }

    proptest::proptest! {
        // Conformance C-16, C-30.
        #[test]
        fn a_time_of_any_text_is_read_or_refused(
            text in "[0-9]{1,5}-?[0-9]{1,2}-?[0-9]{1,2}[T ][0-9:.]{0,16}(Z|[+-][0-9:]{0,6}|é)?",
            wild in ".{0,40}",
        ) {
            for text in [&text, &wild] {
                if let Ok(at) = parse_instant("t", text) {
                    proptest::prop_assert!(text.ends_with('Z'));
                    proptest::prop_assert_eq!(at.offset(), UtcOffset::UTC);
                }
            }
        }
    }
}
