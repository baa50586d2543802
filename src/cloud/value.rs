//! Layer 2, cloud: the small values of a profile as types, checked where they are read.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Host;

macro_rules! checked_text {
    ($(#[doc = $doc:literal])+ $name:ident: $expected:literal, $check:expr) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes `text` as it stands.
            ///
            /// # Errors
            /// A sentence with what was expected and what was found.
            pub fn parse(text: &str) -> Result<Self, String> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(format!("expected {}, found {text:?}", $expected))
                }
            }

            /// The exact text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text! {
    /// The name of a profile, which is the name of its directory: lower-case letters, digits and
    /// hyphens.
    ProfileName: "1 to 63 lower-case letters, digits or hyphens, a letter first", |text| {
        text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    }
}

checked_text! {
    /// A host name as a browser writes it: lower case, no dot at its end, IDNs in their `xn--`
    /// form.
    HostName: "a host name in lower case without scheme and port", is_host
}

checked_text! {
    /// A host that a `service` may lead to: its name, or `name:port` for a port that is not the
    /// scheme's own.
    ServiceHost: "a host name in lower case, or host:port", |text| match text.rsplit_once(':') {
        None => is_host(text),
        Some((host, port)) => is_host(host) && is_port(port),
    }
}

checked_text! {
    /// The name of a parameter in a query.
    ParameterName: "1 to 64 letters, digits, _, - or .", |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    }
}

checked_text! {
    /// `Name` or `FriendlyName` of an attribute, a code, a display name: text that is not blank.
    Text: "text of 1 to 256 characters that is not blank and has no control characters", |text| {
        !text.trim().is_empty()
            && text.chars().count() <= 256
            && !text.chars().any(char::is_control)
    }
}

checked_text! {
    /// An absolute URI without white space (saml-core-2.0-os §1.3.2).
    Uri: "an absolute URI", |text| {
        let is_blank = |c: char| c.is_whitespace() || c.is_control();
        !text.contains(is_blank) && url::Url::parse(text).is_ok()
    }
}

/// A port as a browser writes it: no sign, no leading zero.
fn is_port(text: &str) -> bool {
    text.parse().is_ok_and(|port: u16| port.to_string() == text)
}

fn is_host(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        && !text.ends_with('.')
        && matches!(Host::parse(text), Ok(Host::Domain(name)) if name == text)
}

/// Reads a whole number of seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u32::deserialize(from).map(|seconds| Duration::from_secs(seconds.into()))
}

/// Reads a whole number of seconds before (negative) or after an instant.
pub(super) fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<time::Duration, D::Error> {
    i32::deserialize(from).map(|seconds| time::Duration::seconds(seconds.into()))
}

/// The same, where the key may be absent; use it with `#[serde(default)]`.
pub(super) fn optional_offset<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<time::Duration>, D::Error> {
    offset(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_host_is_written_as_a_browser_writes_it() {
        for right in ["console.example", "cloud.localhost:9000", "xn--bcher-kva.example"] {
            assert!(ServiceHost::parse(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "Console.example",
            "console.example.",
            "bücher.example",
            "*.example",
            "https://console.example",
            "console.example:",
            "console.example:+80",
            "console.example:080",
            "console.example:70000",
            "u@console.example",
            "console.example/",
            "127.0.0.1",
        ] {
            assert!(ServiceHost::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_profile_is_named_like_a_directory_that_cannot_climb() {
        assert!(ProfileName::parse("acme-2").is_ok());
        for wrong in ["", "..", "a/b", "A", "-a", "2a", &"a".repeat(64)] {
            assert!(ProfileName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
