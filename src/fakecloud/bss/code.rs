//! 发送验证码: verification codes. Nothing is sent: a test reads the code from this cloud. Apart room
//! `fakecloud`; contract §7.5, §7.6.

use std::collections::HashMap;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::fields::{Fields, invalid, parameter};
use super::rules;
use super::trouble::{Code, Trouble};
use super::{Answer, Call};
use crate::fakecloud::{FakeCloud, Site, bounds};
use crate::random::Random;
use crate::secret;

/// A code that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentCode {
    /// Six digits.
    pub code: String,
    /// Until when it can be used.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    #[serde(skip)]
    sent: OffsetDateTime,
    #[serde(skip)]
    failures: u8,
}

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scene {
    Register,
    BankCard,
}

/// The last code of each receiver.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    sent: HashMap<(String, Scene), SentCode>,
}

impl Codes {
    /// The code for registering that a mobile number or an e-mail address was sent last.
    pub(super) fn last(&self, receiver: &str) -> Option<&SentCode> {
        self.sent.get(&(receiver.to_owned(), Scene::Register))
    }

    /// The codes for registering that can still be used, with their receivers, newest first.
    pub(super) fn alive(&self, now: OffsetDateTime) -> Vec<(String, SentCode)> {
        let register = self.sent.iter().filter(|((_, scene), _)| *scene == Scene::Register);
        let alive = register.filter(|(_, code)| code.expires > now);
        let mut alive: Vec<_> =
            alive.map(|((receiver, _), code)| (receiver.clone(), code.clone())).collect();
        alive.sort_by_key(|(_, code)| std::cmp::Reverse(code.sent));
        alive
    }

    /// Checks a code for registering; a wrong try counts.
    pub(super) fn check(
        &mut self,
        receiver: &str,
        code: &str,
        now: OffsetDateTime,
    ) -> Result<(), Trouble> {
        let known = self.sent.get_mut(&(receiver.to_owned(), Scene::Register));
        let known = known.ok_or_else(|| Trouble::new(Code::ProofWrong))?;
        if now >= known.expires {
            return Err(Trouble::new(Code::ProofExpired));
        }
        if known.failures >= MOST_FAILURES {
            return Err(Trouble::new(Code::ProofTriedTooOften));
        }
        if !secret::same(known.code.as_bytes(), code.as_bytes()) {
            known.failures += 1;
            return Err(Trouble::new(Code::ProofWrong));
        }
        Ok(())
    }

    /// Uses a code up.
    pub(super) fn use_up(&mut self, receiver: &str) {
        self.sent.remove(&(receiver.to_owned(), Scene::Register));
    }

    fn send(
        &mut self,
        to: (String, Scene),
        life: Duration,
        now: OffsetDateTime,
        random: &dyn Random,
    ) -> Result<(), Trouble> {
        if self.sent.get(&to).is_some_and(|last| now - last.sent < PAUSE) {
            return Err(Trouble::new(Code::SendTooOften));
        }
        if self.sent.len() >= bounds::CODES {
            self.sent.retain(|_, old| old.expires > now);
        }
        if self.sent.len() >= bounds::CODES {
            return Err(Trouble::new(Code::SendFailed));
        }
        let code = six_digits(random);
        self.sent.insert(to, SentCode { code, expires: now + life, sent: now, failures: 0 });
        Ok(())
    }
}

/// `POST /v2/bases/verificationcode/send`.
pub(super) fn send(cloud: &FakeCloud, call: &Call<'_>) -> Result<Answer, Trouble> {
    let china = cloud.site == Site::Cn;
    let known: &[&str] = if china {
        &["receiver_type", "timeout", "mobile_phone", "lang", "scene", "customer_id"]
    } else {
        &["receiver_type", "timeout", "email", "lang"]
    };
    let fields = call.fields(known)?;
    let due = if china { 1 } else { 2 };
    match fields.number("receiver_type")? {
        Some(kind) if kind == due => {}
        Some(_) => return Err(invalid("receiver_type")),
        None => return Err(parameter("receiver_type")),
    }
    let receiver = if china {
        let mobile = fields.required("mobile_phone", 32)?;
        rules::china_mobile(mobile).ok_or_else(|| Trouble::new(Code::MobileFormat))?
    } else {
        let email = fields.required("email", bounds::EMAIL_CHARS)?;
        rules::email(email).ok_or_else(|| invalid("email"))?
    };
    if fields.text("lang", 16)?.is_some_and(|lang| !["zh-cn", "en-us"].contains(&lang)) {
        return Err(invalid("lang"));
    }
    let (life, scene) = (life(&fields)?, scene(&fields)?);
    let now = cloud.now();
    let codes = &mut cloud.state().bss.codes;
    codes.send((receiver, scene), life, now, &*cloud.random)?;
    Ok(Answer::Nothing)
}

fn life(fields: &Fields) -> Result<Duration, Trouble> {
    match fields.number("timeout")? {
        None => Ok(Duration::minutes(10)),
        Some(0) => Err(invalid("timeout")),
        Some(minutes @ 1..=60) => Ok(Duration::MINUTE * u8::try_from(minutes).unwrap_or(5)),
        Some(_) => Ok(Duration::minutes(5)),
    }
}

fn scene(fields: &Fields) -> Result<Scene, Trouble> {
    match fields.number("scene")? {
        None | Some(29) => Ok(Scene::Register),
        Some(18) => {
            fields.required("customer_id", 64)?;
            Ok(Scene::BankCard)
        }
        Some(_) => Err(invalid("scene")),
    }
}

fn six_digits(random: &dyn Random) -> String {
    let mut bytes = [0u8; 8];
    random.fill(&mut bytes);
    format!("{:06}", u64::from_le_bytes(bytes) % 1_000_000)
}

const MOST_FAILURES: u8 = 3;
/// The live pause is not public; a minute is usual.
const PAUSE: Duration = Duration::MINUTE;
