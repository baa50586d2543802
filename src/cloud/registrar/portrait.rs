//! Layer 2, cloud: a service provider in lines that people can read, and what differs between two
//! such portraits: endpoints, keys by their fingerprint, flags.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::saml::VerifyingKey;
use crate::saml::encryption::EncryptionKey;
use crate::saml::sp_metadata::{Binding, ServiceProvider};
use crate::saml::types::format_instant;

/// One line of a portrait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is about.
    pub what: &'static str,
    /// Its value.
    pub value: String,
}

/// A line that only one of two portraits has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether the newer one has it.
    pub change: Change,
    /// The line.
    #[serde(flatten)]
    pub line: Line,
}

/// Which of two portraits has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The newer one.
    Added,
    /// The older one.
    Removed,
}

/// How a service provider is treated, beside its metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The name of its profile; none for the tenant's cloud.
    pub profile: Option<String>,
    /// Whether its requests must be signed; none where the profile decides.
    pub signed_requests: Option<bool>,
    /// The `RelayState`s that may go with an answer that it did not ask for; none where it takes no
    /// such answers.
    pub unsolicited: Option<Vec<String>>,
}

/// The portrait of a service provider.
#[must_use]
pub fn portrait(provider: &ServiceProvider, settings: &Settings) -> Vec<Line> {
    let mut lines = vec![
        line("AuthnRequestsSigned", provider.authn_requests_signed.to_string()),
        line("WantAssertionsSigned", provider.want_assertions_signed.to_string()),
    ];
    for acs in &provider.acs {
        let default = if acs.is_default == Some(true) { ", default" } else { "" };
        lines.push(line("assertion consumer", format!("{} {}{default}", acs.index, acs.location)));
    }
    for logout in &provider.logout {
        let binding = match logout.binding {
            Binding::Redirect => "HTTP-Redirect",
            Binding::Post => "HTTP-POST",
        };
        let answers = logout.response_location.as_ref();
        let answers = answers.map(|url| format!(", answers to {url}")).unwrap_or_default();
        lines.push(line("logout", format!("{binding} {}{answers}", logout.location)));
    }
    lines.extend(provider.logout_by_soap.iter().map(|url| line("logout", format!("SOAP {url}"))));
    let signing = provider.signing_keys.iter().map(VerifyingKey::certificate);
    lines.extend(signing.map(|der| line("signing key", fingerprint(der))));
    let encryption = provider.encryption_keys.iter().map(EncryptionKey::certificate);
    lines.extend(encryption.map(|der| line("encryption key", fingerprint(der))));
    lines.extend(provider.name_id_formats.iter().map(|uri| line("name identifier", uri.clone())));
    for service in &provider.attribute_services {
        for attribute in &service.requested {
            let required = if attribute.required { ", required" } else { "" };
            let mut value = format!("{} {}{required}", service.index, attribute.name);
            for wanted in &attribute.values {
                let _ = write!(value, ", {wanted:?}");
            }
            lines.push(line("attribute", value));
        }
    }
    for attribute in &provider.entity_attributes {
        for value in &attribute.values {
            lines.push(line("entity attribute", format!("{} {value}", attribute.name)));
        }
    }
    lines.extend(provider.valid_until.map(|until| line("valid until", format_instant(until))));
    let cache = provider.cache_duration.map(|cache| format!("{} s", cache.as_secs()));
    lines.extend(cache.map(|cache| line("cache duration", cache)));
    lines.extend(settings.profile.clone().map(|profile| line("profile", profile)));
    let signed = settings.signed_requests;
    lines.extend(signed.map(|signed| line("signed requests required", signed.to_string())));
    if let Some(states) = &settings.unsolicited {
        lines.push(line("unsolicited answers", "taken".to_owned()));
        lines.extend(states.iter().map(|state| line("RelayState", state.clone())));
    }
    lines
}

/// What is only in one of two portraits: first what is gone, then what is new.
#[must_use]
pub fn differences(old: &[Line], new: &[Line]) -> Vec<Difference> {
    let only = |these: &[Line], others: &[Line], change| -> Vec<Difference> {
        let missing = these.iter().filter(|line| !others.contains(line));
        missing.map(|line| Difference { change, line: line.clone() }).collect()
    };
    let mut found = only(old, new, Change::Removed);
    found.extend(only(new, old, Change::Added));
    found
}

fn line(what: &'static str, value: String) -> Line {
    Line { what, value }
}

/// A certificate by its SHA-256, as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(der: &[u8]) -> String {
    let mut text = String::from("SHA-256 ");
    for (at, octet) in digest(&SHA256, der).as_ref().iter().enumerate() {
        let colon = if at == 0 { "" } else { ":" };
        let _ = write!(text, "{colon}{octet:02X}");
    }
    text
}
