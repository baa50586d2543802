//! The fault script: which call of which API fails, and how. Apart room `fakecloud`; contract §10.
//!
//! `PUT /api/faults` takes it as JSON and begins to count anew:
//!
//! ```json
//! { "seed": 7, "rules": [
//!   { "api": "create_customer", "when": { "call": 2 }, "effect": { "reset": "after_commit" } },
//!   { "api": "send_code", "when": { "percent": 10 }, "effect": { "never": "before_commit" } },
//!   { "api": "list_customers", "when": "every", "effect": { "throttle": { "date_in": 2 } } },
//!   { "api": "notification", "when": { "calls": [1, 5] }, "effect": "lose" } ] }
//! ```

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::bounds;
use super::bss::Code;
use super::fault::{Fault, Finding};
use crate::random::{Random as _, SequenceRandom};

/// What can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /v3/auth/tokens`.
    Token,
    /// `POST /v2/partners/sub-customers/users/check-identity`.
    CheckIdentity,
    /// `POST /v2/bases/verificationcode/send`.
    SendCode,
    /// `POST /v2/partners/sub-customers`.
    CreateCustomer,
    /// `POST /v2/partners/sub-customers/query`.
    ListCustomers,
    /// The result of binding or unbinding, carried to the partner by the browser.
    Notification,
}

/// A fault script. The default has no rule: nothing fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Where the dice of `percent` begin: the same script fails the same calls again.
    pub seed: u64,
    /// The first rule that fits a call decides.
    pub rules: Vec<Rule>,
}

/// One rule of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Of which API.
    pub api: Api,
    /// At which of its calls.
    pub when: When,
    /// What happens.
    pub effect: Effect,
}

/// At which calls of an API. They are counted from 1, from the time the script was set; calls that
/// were refused for a bad signature or too high a rate do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At every call.
    Every,
    /// At this one.
    Call(u64),
    /// At these, first and last included.
    Calls(u64, u64),
    /// At so many of a hundred, by dice.
    Percent(u8),
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The work is done, the answer comes so many milliseconds later; at most one minute.
    LateMs(u64),
    /// No answer comes.
    Never(Moment),
    /// The connection breaks without an answer.
    Reset(Moment),
    /// An error comes as the answer.
    Error {
        /// Its code, such as `CBC.0999`: one of the codes that this cloud knows.
        #[serde(default = "other_error")]
        code: String,
        /// Whether the work is done.
        #[serde(default)]
        at: Moment,
    },
    /// 429 comes as the answer; nothing is done.
    Throttle(RetryAfter),
    /// The notification is not sent.
    Lose,
    /// The notification is sent two times.
    Twice,
    /// The notification waits and is sent after the next one.
    OutOfOrder,
}

/// When a call fails: what the caller cannot know after a timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Nothing is done.
    #[default]
    BeforeCommit,
    /// The work is done.
    AfterCommit,
}

/// The `Retry-After` header of a 429 (RFC 9110 §10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u32),
    /// The date that is so many seconds ahead.
    DateIn(u32),
    /// No header.
    Silent,
}

impl Script {
    /// Reads the JSON of `PUT /api/faults`.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Finding> {
        serde_json::from_slice(body).map_err(|e| {
            Finding::new(Fault::ScriptUnreadable, "a JSON object with rules", e.to_string())
        })
    }

    /// Refuses rules that could not be carried out.
    pub(crate) fn check(&self) -> Result<(), Finding> {
        let refuse = |expected: &str, came: String| {
            Err(Finding::new(Fault::ScriptUnreadable, expected, came))
        };
        if self.rules.len() > bounds::RULES {
            return refuse("at most 64 rules", self.rules.len().to_string());
        }
        for rule in &self.rules {
            let came = || format!("{rule:?}");
            match rule.when {
                When::Percent(percent) if percent > 100 => return refuse("percent to 100", came()),
                When::Call(0) | When::Calls(0, _) => return refuse("calls from 1 on", came()),
                When::Calls(first, last) if first > last => {
                    return refuse("the first call, then the last", came());
                }
                _ => {}
            }
            if matches!(rule.effect, Effect::LateMs(ms) if ms > bounds::DELAY_MS) {
                return refuse("late_ms of at most 60000", came());
            }
            if matches!(&rule.effect, Effect::Error { code, .. } if Code::named(code).is_none()) {
                return refuse("a code of the partner API", came());
            }
            if rule.effect.is_of_notifications() != (rule.api == Api::Notification) {
                return refuse("lose, twice, out_of_order for the notification only", came());
            }
        }
        Ok(())
    }
}

impl Effect {
    fn is_of_notifications(&self) -> bool {
        matches!(self, Self::Lose | Self::Twice | Self::OutOfOrder)
    }
}

/// A script that runs.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    script: Script,
    counts: HashMap<Api, u64>,
    dice: SequenceRandom,
}

impl Faults {
    /// Begins a script at its first call.
    pub(crate) fn begin(script: Script) -> Self {
        Self { dice: SequenceRandom::new(script.seed), script, counts: HashMap::new() }
    }

    /// The script as it was set.
    pub(crate) fn script(&self) -> &Script {
        &self.script
    }

    /// Counts a call and says what is to happen to it.
    pub(crate) fn next(&mut self, api: Api) -> Option<Effect> {
        let count = self.counts.entry(api).or_default();
        *count += 1;
        let now = *count;
        let dice = &self.dice;
        let fits = |rule: &&Rule| {
            rule.api == api
                && match rule.when {
                    When::Every => true,
                    When::Call(call) => call == now,
                    When::Calls(first, last) => (first..=last).contains(&now),
                    When::Percent(percent) => roll(dice) < percent,
                }
        };
        self.script.rules.iter().find(fits).map(|rule| rule.effect.clone())
    }
}

/// A number from 0 to 99.
fn roll(dice: &SequenceRandom) -> u8 {
    let mut bytes = [0u8; 8];
    dice.fill(&mut bytes);
    u8::try_from(u64::from_le_bytes(bytes) % 100).unwrap_or_default()
}

/// "Other error" of the partner API.
fn other_error() -> String {
    "CBC.0999".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(json: &str) -> Script {
        let script = Script::from_json(json.as_bytes()).unwrap();
        script.check().unwrap();
        script
    }

    #[test]
    fn the_example_of_the_label_is_a_script() {
        let label = include_str!("script.rs").split("//! ```json\n").nth(1).unwrap();
        let json: String = label.split("//! ```").next().unwrap().replace("//!", "");
        let example = script(&json);
        assert_eq!(example.rules.len(), 4);
        assert_eq!(example.rules[2].effect, Effect::Throttle(RetryAfter::DateIn(2)));
        let again = serde_json::to_string(&example).unwrap();
        assert_eq!(script(&again), example);
    }

    #[test]
    fn an_error_is_500_before_the_work_unless_the_rule_says_otherwise() {
        let rule = r#"{"rules":[{"api":"token","when":"every","effect":{"error":{}}}]}"#;
        let error = Effect::Error { code: "CBC.0999".to_owned(), at: Moment::BeforeCommit };
        assert_eq!(script(rule).rules[0].effect, error);
    }

    #[test]
    fn calls_are_counted_for_each_api_on_its_own_and_the_first_rule_that_fits_decides() {
        let mut faults = Faults::begin(script(
            r#"{"rules":[
                {"api":"token","when":{"call":2},"effect":{"late_ms":1}},
                {"api":"token","when":{"calls":[2,3]},"effect":{"late_ms":2}},
                {"api":"send_code","when":"every","effect":{"late_ms":3}}]}"#,
        ));
        let mut next = |api| match faults.next(api) {
            Some(Effect::LateMs(ms)) => ms,
            _ => 0,
        };
        let seen = [Api::Token; 4].map(&mut next);
        assert_eq!(seen, [0, 1, 2, 0]);
        assert_eq!([Api::SendCode, Api::CheckIdentity].map(next), [3, 0]);
    }

    #[test]
    fn dice_fall_the_same_way_for_the_same_seed_and_about_as_often_as_they_should() {
        let falls = |seed: u64| {
            let json = format!(
                r#"{{"seed":{seed},"rules":[{{"api":"notification","when":{{"percent":30}},"effect":"lose"}}]}}"#
            );
            let mut faults = Faults::begin(script(&json));
            (0..1000).map(|_| faults.next(Api::Notification).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(falls(1), falls(1));
        assert_ne!(falls(1), falls(2));
        let lost = falls(1).iter().filter(|lost| **lost).count();
        assert!((250..350).contains(&lost), "{lost}");
    }

    #[test]
    fn a_rule_that_cannot_be_carried_out_is_refused() {
        for (when, effect, api) in [
            (r#"{"percent":101}"#, r#"{"late_ms":1}"#, "token"),
            (r#"{"call":0}"#, r#"{"late_ms":1}"#, "token"),
            (r#"{"calls":[3,2]}"#, r#"{"late_ms":1}"#, "token"),
            (r#""every""#, r#"{"late_ms":60001}"#, "token"),
            (r#""every""#, r#"{"error":{"code":"CBC.1"}}"#, "token"),
            (r#""every""#, r#""lose""#, "token"),
            (r#""every""#, r#"{"late_ms":1}"#, "notification"),
        ] {
            let json =
                format!(r#"{{"rules":[{{"api":"{api}","when":{when},"effect":{effect}}}]}}"#);
            let script = Script::from_json(json.as_bytes()).unwrap();
            assert_eq!(script.check().unwrap_err().fault, Fault::ScriptUnreadable, "{json}");
        }
        assert!(Script::from_json(br#"{"rules":[{"api":"bank"}]}"#).is_err());
    }
}
