//! Layer 2, cloud: why a call to the partner API came to nothing, in the words of our catalogue:
//! whose move it is, and whether trying again can help (contract §7.1, §7.6, §8).
//!
//! The cloud's own message is not kept: it may repeat a telephone number. Its code and its request
//! id are what its support asks for.

use std::time::Duration;

use serde_json::Value;

use super::body;
use super::customers::Account;
use super::transport::Reply;
use crate::refusal::{Code, Refusal};

/// A call that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.shown())]
pub struct Failure {
    /// Our row for it: whose move it is, and the words for people.
    pub code: Code,
    /// Whether the same call can succeed later.
    pub lasting: Lasting,
    /// Whether the cloud may have done what was asked.
    pub effect: Effect,
    /// What the cloud said, when it answered.
    pub answer: Option<Box<CloudAnswer>>,
    /// The field that we found unusable before calling.
    pub field: Option<Box<FieldFault>>,
    /// Expectation and fact, for the log. It names no person.
    pub cause: String,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Later, unchanged; not before `retry_after` where it is known.
    Transient {
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// Only after somebody changed something.
    Final,
}

/// What a failed call may have changed at the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing for certain: it was never sent, or refused.
    Nothing,
    /// It may have been done: look before repeating.
    Unknown,
}

/// What identifies an answer of the cloud, for its support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its own code, such as `CBC.0101`.
    pub code: Option<String>,
    /// Its name for the request.
    pub request_id: Option<String>,
    /// The account that it names although it is no success.
    pub account: Option<Account>,
}

/// A field that breaks the cloud's rules. The value itself is not in it: it may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct FieldFault {
    /// The field's name at the cloud.
    pub field: &'static str,
    /// What the rule asks for.
    pub expected: String,
    /// In what way the value is different.
    pub found: String,
}

const AGAIN: Lasting = Lasting::Transient { retry_after: None };

/// What the cloud's codes mean to us.
const CODES: &[(&str, Code, Lasting)] = &[
    ("APIG.0308", Code::CloudThrottled, AGAIN),
    ("APIGW.0301", Code::CloudCredentials, Lasting::Final),
    ("APIGW.0308", Code::CloudThrottled, AGAIN),
    ("CBC.0100", Code::CloudCallRefused, Lasting::Final),
    ("CBC.0101", Code::CloudCallRefused, Lasting::Final),
    ("CBC.0151", Code::CloudAccessDenied, Lasting::Final),
    ("CBC.0154", Code::CloudCredentials, Lasting::Final),
    ("CBC.0999", Code::CloudAway, AGAIN),
    ("CBC.5017", Code::ContactUnusable, Lasting::Final),
    ("CBC.50010059", Code::PartnerRestricted, Lasting::Final),
    ("CBC.50010065", Code::PartnerRestricted, Lasting::Final),
    ("CBC.50010085", Code::PartnerRestricted, Lasting::Final),
    ("CBC.50010086", Code::PartnerRestricted, Lasting::Final),
    (HALF_WAY, Code::CloudAway, AGAIN),
    ("CBC.99000029", Code::ContactUsed, Lasting::Final),
    ("CBC.99000030", Code::ContactUsed, Lasting::Final),
    ("CBC.99000031", Code::AccountNameUnusable, Lasting::Final),
    ("CBC.99000036", Code::PasswordUnusable, Lasting::Final),
    ("CBC.99000037", Code::PartnerRestricted, Lasting::Final),
    ("CBC.99000038", Code::AccountNameTaken, Lasting::Final),
    (ACCOUNT_ID_KNOWN, Code::AccountIdKnown, Lasting::Final),
    (NOT_YET_ASSOCIATED, Code::CreationUnknown, AGAIN),
    ("CBC.99000051", Code::ContactReserved, Lasting::Final),
    ("CBC.99000082", Code::VerificationCodeTooOften, AGAIN),
    ("CBC.99004003", Code::VerificationCodeNotSent, AGAIN),
    ("CBC.99004008", Code::VerificationCodeExpired, Lasting::Final),
    ("CBC.99004009", Code::VerificationCodeExhausted, Lasting::Final),
    ("CBC.99004010", Code::VerificationCodeWrong, Lasting::Final),
    ("CBC.99005035", Code::PartnerRestricted, Lasting::Final),
];

/// The cloud knows this `xaccount_id` already; perhaps from an earlier try of ours.
pub(super) const ACCOUNT_ID_KNOWN: &str = "CBC.99000039";
/// The account exists; whether it is associated was not found out in time.
pub(super) const NOT_YET_ASSOCIATED: &str = "CBC.99000050";
/// Something went wrong while the account was being made over to the partner.
const HALF_WAY: &str = "CBC.99000004";
/// The code of an answer that is none of an error.
const SUCCESS: &str = "CBC.0000";

impl Failure {
    /// What an answer says that is no success; `None` for a success.
    pub(super) fn of(reply: &Reply, retry_after: Option<Duration>) -> Option<Self> {
        let answer = CloudAnswer::of(reply);
        let code = answer.code.as_deref();
        let is_success = (200..300).contains(&reply.status);
        if is_success && code.is_none_or(|code| code == SUCCESS) {
            return None;
        }
        let known = CODES.iter().find(|(known, ..)| code == Some(*known));
        let (ours, lasting) = match (known, reply.status) {
            (Some((_, ours, lasting)), _) => (*ours, *lasting),
            (None, 401) => (Code::CloudCredentials, Lasting::Final),
            (None, 403) => (Code::CloudAccessDenied, Lasting::Final),
            (None, 429) => (Code::CloudThrottled, AGAIN),
            (None, 500..) => (Code::CloudAway, AGAIN),
            (None, 400..) => (Code::CloudCallRefused, Lasting::Final),
            (None, _) => (Code::CloudAnswerUnusable, Lasting::Final),
        };
        let lasting = match lasting {
            Lasting::Transient { .. } => Lasting::Transient { retry_after },
            Lasting::Final => Lasting::Final,
        };
        let stopped_half_way = code_is(&answer, HALF_WAY) || code_is(&answer, NOT_YET_ASSOCIATED);
        let effect = match reply.status {
            500.. => Effect::Unknown,
            _ if stopped_half_way => Effect::Unknown,
            _ => Effect::Nothing,
        };
        let (answer, cause) = (Some(Box::new(answer)), "expected success".to_owned());
        Some(Self { code: ours, lasting, effect, answer, field: None, cause })
    }

    /// A success that we cannot read.
    pub(super) fn unreadable(reply: &Reply, expected: &str) -> Self {
        Self {
            code: Code::CloudAnswerUnusable,
            lasting: Lasting::Final,
            effect: Effect::Unknown,
            answer: Some(Box::new(CloudAnswer::of(reply))),
            field: None,
            cause: format!("expected {expected}, found another body"),
        }
    }

    /// No answer at all, for now.
    pub(super) fn away(effect: Effect, cause: String) -> Self {
        let (code, lasting) = (Code::CloudAway, AGAIN);
        Self { code, lasting, effect, answer: None, field: None, cause }
    }

    /// Not sent, because it is not its time yet.
    pub(super) fn not_yet(code: Code, cause: String, retry_after: Duration) -> Self {
        let lasting = Lasting::Transient { retry_after: Some(retry_after) };
        Self { code, lasting, effect: Effect::Nothing, answer: None, field: None, cause }
    }

    /// Whether the cloud's own code is `code`.
    pub(super) fn is(&self, code: &str) -> bool {
        self.answer.as_ref().is_some_and(|answer| code_is(answer, code))
    }

    /// The same failure as the end of a journey: its code for the person, the rest for the log.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let refusal = Refusal::new(self.code, self.shown());
        match self.lasting {
            Lasting::Transient { retry_after: Some(wait) } => refusal.until(wait),
            Lasting::Transient { retry_after: None } | Lasting::Final => refusal,
        }
    }

    fn shown(&self) -> String {
        let Some(answer) = &self.answer else { return self.cause.clone() };
        let CloudAnswer { status, code, request_id, .. } = &**answer;
        let code = code.as_deref().unwrap_or("no code");
        let request = request_id.as_deref().unwrap_or("not named");
        format!("{}: status {status}, {code}, request {request}", self.cause)
    }
}

impl CloudAnswer {
    fn of(reply: &Reply) -> Self {
        Self {
            status: reply.status,
            code: cloud_code(&reply.body),
            request_id: request_id(reply),
            account: body::account(&reply.body),
        }
    }
}

fn code_is(answer: &CloudAnswer, code: &str) -> bool {
    answer.code.as_deref() == Some(code)
}

impl From<FieldFault> for Failure {
    fn from(fault: FieldFault) -> Self {
        let code = match fault.field {
            "domain_name" => Code::AccountNameUnusable,
            "mobile_phone" | "email" => Code::ContactUnusable,
            "password" => Code::PasswordUnusable,
            "verification_code" => Code::VerificationCodeWrong,
            _ => Code::FieldInvalid,
        };
        let cause = fault.to_string();
        let (lasting, effect) = (Lasting::Final, Effect::Nothing);
        Self { code, lasting, effect, answer: None, field: Some(Box::new(fault)), cause }
    }
}

/// The code in a body: `error_code` or `code`, at the top or one level below (contract §7.1).
fn cloud_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let top = body.as_object()?;
    let of = |object: &serde_json::Map<String, Value>| {
        let value = object.get("error_code").or_else(|| object.get("code"))?;
        value.as_str().and_then(plain)
    };
    of(top).or_else(|| top.values().filter_map(Value::as_object).find_map(of))
}

/// The name that the cloud gave the request.
pub(super) fn request_id(reply: &Reply) -> Option<String> {
    if let Some(id) = reply.header("x-request-id") {
        return plain(id);
    }
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    plain(body.get("request_id")?.as_str()?)
}

/// A text that may stand in a log: short, and of harmless characters.
fn plain(text: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    ((1..=64).contains(&text.len()) && text.bytes().all(allowed)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Owner;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into() }
    }

    fn failure(status: u16, body: &str) -> Failure {
        Failure::of(&reply(status, body), None).unwrap()
    }

    #[test]
    fn each_of_the_cloud_s_codes_has_a_row_and_an_owner() {
        for (code, owner, transient) in [
            ("CBC.99000038", Owner::You, false),
            ("CBC.99004010", Owner::You, false),
            ("CBC.99005035", Owner::Partner, false),
            ("CBC.99000039", Owner::Partner, false),
            ("CBC.0151", Owner::Partner, false),
            ("CBC.0154", Owner::Operator, false),
            ("CBC.0101", Owner::Operator, false),
            ("APIGW.0308", Owner::Cloud, true),
            ("CBC.0999", Owner::Cloud, true),
        ] {
            let body = format!(r#"{{"error_code":"{code}","error_msg":"13800000000 …"}}"#);
            let failure = failure(400, &body);
            assert_eq!(failure.code.entry().owner, owner, "{code}");
            assert_eq!(failure.lasting != Lasting::Final, transient, "{code}");
            assert!(failure.is(code));
            assert!(!failure.to_string().contains("138"), "{failure}");
        }
    }

    #[test]
    fn a_code_is_found_in_every_form_that_the_cloud_writes() {
        for body in [
            r#"{"error_code":"APIGW.0308","error_message":"…"}"#,
            r#"{"code":"APIGW.0308","message":"…"}"#,
            r#"{"error":{"code":"APIGW.0308","message":"…"}}"#,
        ] {
            assert_eq!(failure(429, body).code, Code::CloudThrottled, "{body}");
        }
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        for (status, code) in [
            (302, Code::CloudAnswerUnusable),
            (400, Code::CloudCallRefused),
            (401, Code::CloudCredentials),
            (403, Code::CloudAccessDenied),
            (404, Code::CloudCallRefused),
            (429, Code::CloudThrottled),
            (500, Code::CloudAway),
            (503, Code::CloudAway),
        ] {
            assert_eq!(failure(status, "<html>").code, code, "{status}");
            assert_eq!(failure(status, r#"{"error":{"code":401}}"#).code, code, "{status}");
        }
    }

    #[test]
    fn a_success_with_an_error_s_code_is_none() {
        assert!(Failure::of(&reply(200, r#"{"error_code":"CBC.0000"}"#), None).is_none());
        assert!(Failure::of(&reply(204, ""), None).is_none());
        let failure = failure(200, r#"{"error_code":"CBC.99000038"}"#);
        assert_eq!(failure.code, Code::AccountNameTaken);
    }

    #[test]
    fn the_request_s_name_is_kept_for_the_cloud_s_support_and_nothing_else_is() {
        let mut reply = reply(500, r#"{"request_id":"in-body","error_msg":"secret"}"#);
        let shown = |reply: &Reply| Failure::of(reply, None).unwrap().to_string();
        assert_eq!(shown(&reply), "expected success: status 500, no code, request in-body");
        reply.headers.push(("x-request-id".into(), "in-header".into()));
        assert!(shown(&reply).ends_with("request in-header"));
        reply.headers[0].1 = "two\nlines".into();
        assert!(shown(&reply).ends_with("request not named"));
    }

    #[test]
    fn the_table_names_each_code_once() {
        let mut codes: Vec<_> = CODES.iter().map(|(code, ..)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }
}
