//! The knobs: how the simulated cloud misbehaves on purpose. Apart room `fakecloud`; contract §3,
//! §10.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bind_refusal::BindRefusal;
use super::bounds;
use super::fault::{Fault, Finding};
use super::notification::BindActionType;

/// Everything that can be turned. The default is a well-behaved cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Seconds that this cloud's clock is ahead when it writes `IssueInstant`; negative is behind.
    pub clock_skew_seconds: i64,
    /// The `IssueInstant` of requests, beside the skew.
    pub issue_instant: IssueInstant,
    /// Put this into `Destination` instead of the SSO address. The redirect still goes there.
    pub wrong_destination: Option<String>,
    /// Put this into `AssertionConsumerServiceURL` instead of this cloud's consumer.
    pub foreign_acs: Option<String>,
    /// How requests are signed.
    pub request_signature: RequestSignature,
    /// Which certificates the metadata lists, and whose key signs.
    pub certificates: Certificates,
    /// Send the last signed redirect of the platform once more instead of a new one.
    pub replay_request: bool,
    /// Ask for a fresh sign-in (`ForceAuthn="true"`).
    pub force_authn: bool,
    /// Forbid interaction (`IsPassive="true"`).
    pub is_passive: bool,
    /// Wait so many milliseconds before each answer of the pages, not of the API. At most one
    /// minute.
    pub delay_ms: u64,
    /// Whether people may create accounts.
    pub registrations: Registrations,
    /// Why these existing accounts, by name, cannot be bound. At most 1,000.
    pub bind_refusals: BTreeMap<String, BindRefusal>,
    /// How notifications write `bindAction`.
    pub bind_action_type: BindActionType,
    /// Milliseconds between the creation of an account by the API and its association with the
    /// partner. At most one day.
    pub association_delay_ms: u64,
    /// How `Retry-After` is written when the API is called too often.
    pub retry_after: RetryAfterForm,
}

/// How `Retry-After` is written (RFC 9110 §10.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfterForm {
    /// As a number of seconds.
    #[default]
    Seconds,
    /// As a date.
    Date,
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestSignature {
    /// As metadata promises: rsa-sha256 in the query.
    #[default]
    Good,
    /// Neither `SigAlg` nor `Signature`.
    Missing,
    /// A signature with one bit flipped.
    Broken,
}

/// Which certificates the metadata lists, and whose key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificates {
    /// One valid certificate.
    #[default]
    One,
    /// One expired certificate of the same key.
    Expired,
    /// The current and the old certificate, in this order; the current key signs.
    TwoFirstSigns,
    /// The current and the old certificate, in this order; the old key signs.
    TwoSecondSigns,
}

/// The `IssueInstant` of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueInstant {
    /// Now.
    #[default]
    Now,
    /// One hour ahead: outside every sensible window.
    Future,
    /// One hour ago.
    Expired,
}

/// Whether people may create accounts on the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registrations {
    /// They may.
    #[default]
    Open,
    /// The risk control refuses (contract §1.3): “registrations from your client exceed the limit”.
    Exceeded,
}

impl Knobs {
    /// Reads the JSON of `PUT /api/knobs`: what it does not name gets its default.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Finding> {
        let knobs: Self = serde_json::from_slice(body).map_err(|e| {
            Finding::new(Fault::KnobsUnreadable, "a JSON object of knobs", e.to_string())
        })?;
        knobs.check()?;
        Ok(knobs)
    }

    /// Refuses values that could not be carried out.
    pub(crate) fn check(&self) -> Result<(), Finding> {
        let refuse = |expected: &str, came: String| {
            Err(Finding::new(Fault::KnobsUnreadable, expected, came))
        };
        if self.delay_ms > bounds::DELAY_MS {
            return refuse("delay_ms of at most 60000", self.delay_ms.to_string());
        }
        if self.association_delay_ms > bounds::ASSOCIATION_MS {
            let came = self.association_delay_ms.to_string();
            return refuse("association_delay_ms of at most one day", came);
        }
        if self.clock_skew_seconds.unsigned_abs() > MOST_SKEW_SECONDS {
            let came = self.clock_skew_seconds.to_string();
            return refuse("clock_skew_seconds within ten years", came);
        }
        if self.bind_refusals.len() > bounds::BIND_REFUSALS {
            return refuse("at most 1000 bind_refusals", self.bind_refusals.len().to_string());
        }
        Ok(())
    }
}

/// Ten years: `IssueInstant` keeps its four-digit year.
const MOST_SKEW_SECONDS: u64 = 10 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_turns_every_knob_back() {
        assert_eq!(Knobs::from_json(b"{}").unwrap(), Knobs::default());
    }

    #[test]
    fn knobs_survive_the_trip_through_json() {
        let knobs = Knobs {
            certificates: Certificates::TwoSecondSigns,
            request_signature: RequestSignature::Broken,
            foreign_acs: Some("https://evil.example/acs".to_owned()),
            ..Knobs::default()
        };
        let json = serde_json::to_vec(&knobs).unwrap();
        assert_eq!(Knobs::from_json(&json).unwrap(), knobs);
    }

    #[test]
    fn an_unknown_or_absurd_knob_is_refused() {
        for body in [
            r#"{"colour":1}"#,
            r#"{"delay_ms":60001}"#,
            r#"{"association_delay_ms":86400001}"#,
            r#"{"clock_skew_seconds":-999999999}"#,
        ] {
            let finding = Knobs::from_json(body.as_bytes()).unwrap_err();
            assert_eq!(finding.fault, Fault::KnobsUnreadable, "{body}");
        }
    }
}
