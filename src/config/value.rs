//! Config: the plain types that options have. Each parses from its text and refuses what it cannot
//! mean.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use toml::de::DeValue;
use tracing_subscriber::EnvFilter;

use super::read::{FromText, Node, Reader, Value, nearest};
use crate::limits;

impl Value for bool {
    fn kind() -> String {
        "true or false".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let value = node.value.get_ref().as_bool();
        if value.is_none() {
            let hint = node.value.get_ref().is_str().then(|| "write it without quotes".into());
            reader.wrong(node, &Self::kind(), hint);
        }
        value
    }
}

impl Value for NonZeroU32 {
    fn kind() -> String {
        "a whole number from 1".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let number = match node.value.get_ref() {
            DeValue::Integer(digits) => u32::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        let number = number.and_then(NonZeroU32::new);
        if number.is_none() {
            let hint = node.value.get_ref().is_str().then(|| "write it without quotes".into());
            reader.wrong(node, &Self::kind(), hint);
        }
        number
    }
}

impl Value for Duration {
    fn kind() -> String {
        "a duration such as \"250ms\", \"30s\", \"5m\", \"8h\" or \"1d\"".into()
    }

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let hint = match node.value.get_ref() {
            DeValue::String(text) => match duration(text) {
                Some(value) => return Some(value),
                None => None,
            },
            DeValue::Integer(number) => Some(format!("for seconds write \"{number}s\"")),
            _ => None,
        };
        reader.wrong(node, &Self::kind(), hint);
        None
    }
}

/// One whole number and one unit; at most a year, so that sums of durations cannot overflow.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let value = Duration::from_millis(number.checked_mul(milliseconds)?);
    (value <= Duration::from_hours(365 * 24)).then_some(value)
}

impl FromText for SocketAddr {
    fn kind() -> String {
        "an IP address with a port, such as \"127.0.0.1:8080\" or \"[::]:8443\"".into()
    }

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| {
            text.starts_with("localhost:")
                .then(|| "a name cannot be listened on: write 127.0.0.1".to_owned())
        })
    }
}

impl FromText for String {
    fn kind() -> String {
        format!("a text of 1 to {} characters", limits::ATTRIBUTE_CHARS)
    }

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        if text.chars().any(char::is_control) {
            return Err(Some("control characters are not allowed".into()));
        }
        if text.trim() != text {
            return Err(Some("remove the space at its ends".into()));
        }
        if text.is_empty() || text.chars().count() > limits::ATTRIBUTE_CHARS {
            return Err(None);
        }
        Ok(text.to_owned())
    }
}

/// Declares a newtype around a checked text.
macro_rules! checked_text {
    ($(#[doc = $doc:literal])+ $name:ident: $kind:expr, $check:expr) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// As it is written in the file.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromText for $name {
            fn kind() -> String {
                $kind.into()
            }

            fn from_text(text: &str) -> Result<Self, Option<String>> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(None) }
            }
        }
    };
}

checked_text! {
    /// A short name that may stand in a path, such as a tenant's or a cloud's.
    Slug: "a name of 1 to 32 characters out of a-z, 0-9 and -",
    |text| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
}

checked_text! {
    /// An identifier that somebody else assigned: `xAccountType`, `bpId`, the id of a key.
    Code: "1 to 64 characters out of letters, digits, _, . and -",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    }
}

checked_text! {
    /// A person's id on the partner's platform, or the id that the cloud knows them by (contract
    /// §4.3).
    PersonId: format!(
        "1 to {} visible characters, no e-mail address and no telephone number",
        limits::ACCOUNT_ID_CHARS
    ),
    |text| {
        (1..=limits::ACCOUNT_ID_CHARS).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '@')
            && !text.starts_with('+')
    }
}

checked_text! {
    /// What a local user types as name, compared as it is, capitals included.
    LoginName: "a sign-in name of 1 to 64 visible characters",
    |text| {
        (1..=64).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    }
}

checked_text! {
    /// A SAML entityID. The cloud wants it to contain `https://` (contract §5).
    EntityId: "an entityID that begins with https:// and has no spaces",
    |text| {
        text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
            && text.chars().count() <= limits::ENTITY_ID_CHARS
            && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    }
}

checked_text! {
    /// A name in front of every key in the store.
    Prefix: "1 to 32 characters out of letters, digits, _, . and -",
    |text| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    }
}

checked_text! {
    /// The name of a parameter in a query.
    ParameterName: "a parameter name of 1 to 32 characters out of letters, digits, _ and -",
    |text| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    }
}

checked_text! {
    /// A host name, in lower case; with `:port` for a port that is not the scheme's own.
    ServiceHost: "a host name in lower case without scheme or *, or host:port",
    |text| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        let (host, port) = text.split_once(':').map_or((text, None), |(h, p)| (h, Some(p)));
        matches!(url::Host::parse(host), Ok(url::Host::Domain(name)) if name == host)
            && host.bytes().all(plain)
            && port.is_none_or(|port| port.parse().is_ok_and(|n: u16| n.to_string() == port))
    }
}

checked_text! {
    /// What is logged, in the notation of `tracing`: `info`, or `info,skybridge::sso=debug`.
    LogFilter: "a log level such as \"info\" or \"info,skybridge::sso=debug\"",
    |text| !text.is_empty() && EnvFilter::builder().parse(text).is_ok()
}

impl EntityId {
    /// The entityID of a tenant that states none: the base URL's host and the tenant's id.
    pub(super) fn derived(host: &str, tenant: &Slug) -> Self {
        Self(format!("https://{host}/{tenant}"))
    }
}

/// Declares an enumeration that is written as one of several words.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        $name:ident {$($(#[doc = $word_doc:literal])+ $variant:ident = $word:literal,)+}
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $word_doc])+ $variant,)+ }

        impl $name {
            /// As it is written in the file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromText for $name {
            fn kind() -> String {
                one_of(&[$($word),+])
            }

            fn from_text(text: &str) -> Result<Self, Option<String>> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(nearest(text, [$($word),+].into_iter())
                        .map(|near| format!("did you mean {near:?}?"))),
                }
            }
        }
    };
}

pub(super) use choice;

pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

choice! {
    /// How log lines look.
    LogFormat {
        /// For a person at a terminal.
        Human = "human",
        /// One JSON object a line.
        Json = "json",
    }
}

choice! {
    /// Where signing keys are kept.
    KeyPlace {
        /// In a directory of this machine.
        Directory = "directory",
        /// In the ledger's database.
        Ledger = "ledger",
    }
}

choice! {
    /// Who asks a person without a session to sign in.
    SignIn {
        /// The partner's own login page.
        Partner = "partner",
        /// Our sign-in page, for the users of this file.
        Local = "local",
    }
}

choice! {
    /// Where a customer without an account at the cloud opens one.
    FirstLogin {
        /// On the cloud's page, which also binds an account that is there.
        Cloud = "cloud",
        /// On our page, with a way to the cloud's.
        Here = "here",
    }
}

choice! {
    /// A part of the HTTP API that a key can open.
    Scope {
        /// Asking for tickets.
        Tickets = "tickets",
        /// Seeing customers, and switching them off and on.
        Customers = "customers",
        /// Creating accounts at the cloud, and seeing how far that is.
        Creations = "creations",
        /// Seeing the messages to the webhook, and sending dead ones anew.
        Webhooks = "webhooks",
        /// Seeing, registering and removing service providers. Not among those that a key has by
        /// itself: who may name where assertions go can have them sent anywhere.
        ServiceProviders = "sp",
    }
}

choice! {
    /// The signature algorithm of a ticket (RFC 7518, RFC 8037).
    TicketAlgorithm {
        /// Ed25519.
        EdDsa = "EdDSA",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// RSA PKCS#1 v1.5 with SHA-256.
        Rs256 = "RS256",
    }
}

/// The SHA-256 of a partner's API key, which has 256 random bits: a plain hash is enough for it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The 32 octets.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

impl FromText for KeyHash {
    // Somebody may have pasted the key itself.
    const SHOWN: bool = false;

    fn kind() -> String {
        "the SHA-256 of the key in 64 hexadecimal digits".into()
    }

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let hint = || Some("make it with: printf %s \"$KEY\" | sha256sum".to_owned());
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(hint());
        }
        let mut hash = [0u8; 32];
        for (octet, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| hint())?;
            *octet = u8::from_str_radix(digits, 16).map_err(|_| hint())?;
        }
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_one_number_with_one_unit() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("8h"), Some(Duration::from_hours(8)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        for wrong in ["", "8", "h", "-1s", "1.5h", "1h30m", "8 h", "366d", "99999999999999999999s"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_slug_can_stand_in_a_path_as_it_is() {
        assert!(Slug::from_text("acme-2").is_ok());
        for wrong in ["", "Acme", "a/b", "a.b", "a b", "ä", &"a".repeat(33)] {
            assert!(Slug::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_word_of_a_choice_is_exact_and_a_slip_gets_a_hint() {
        assert_eq!(TicketAlgorithm::from_text("EdDSA"), Ok(TicketAlgorithm::EdDsa));
        assert_eq!(TicketAlgorithm::from_text("none"), Err(None));
        assert_eq!(SignIn::from_text("partners"), Err(Some("did you mean \"partner\"?".into())));
        assert_eq!(<LogFormat as FromText>::kind(), "\"human\" or \"json\"");
    }

    #[test]
    fn a_service_host_has_no_scheme_wildcard_or_capitals() {
        assert!(ServiceHost::from_text("console.huaweicloud.com").is_ok());
        assert!(ServiceHost::from_text("cloud.localhost:9000").is_ok());
        for wrong in ["https://a.b", "a.b:", "a.b:080", "a.b:x", "*.a.b", "A.b", "127.0.0.1", ""] {
            assert!(ServiceHost::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_hash_of_an_api_key_is_64_hexadecimal_digits() {
        assert_eq!(KeyHash::from_text(&"0f".repeat(32)).map(|hash| hash.0), Ok([15; 32]));
        for wrong in ["", "0f", &"0g".repeat(32), &"+f".repeat(32), &"é".repeat(32)] {
            assert!(KeyHash::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
