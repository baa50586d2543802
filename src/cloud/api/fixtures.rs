//! Layer 2, cloud: what the tests of the client share: a clock that follows the runtime's time, a
//! store that is away, a transport that plays a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use tokio::time::{Instant, sleep};

use super::*;
use crate::cloud::Clouds;
use crate::random::SequenceRandom;
use crate::store::memory::Memory;
use crate::store::{Answer, Claim, Key, StoreError};

/// A clock for tests with paused time: what they sleep is what it moves.
pub(super) struct RuntimeClock(Instant);

impl RuntimeClock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-01-02 03:04:05 UTC) + self.0.elapsed()
    }
}

/// A store that does not answer.
pub(super) struct AwayStore;

fn away<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(async { Err(StoreError::Away("refused".into())) })
}

impl Ephemeral for AwayStore {
    fn put<'a>(&'a self, _: &'a Key, _: &'a [u8], _: Duration) -> Answer<'a, ()> {
        away()
    }
    fn get<'a>(&'a self, _: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        away()
    }
    fn take<'a>(&'a self, _: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        away()
    }
    fn claim<'a>(&'a self, _: &'a Key, _: &'a [u8], _: Duration) -> Answer<'a, Claim> {
        away()
    }
    fn renew<'a>(&'a self, _: &'a Key, _: Duration) -> Answer<'a, Option<Vec<u8>>> {
        away()
    }
    fn count<'a>(&'a self, _: &'a Key, _: Duration) -> Answer<'a, u64> {
        away()
    }
    fn remove<'a>(&'a self, _: &'a Key) -> Answer<'a, ()> {
        away()
    }
    fn enlist<'a>(
        &'a self,
        _: &'a Key,
        _: &'a [u8],
        _: OffsetDateTime,
        _: Duration,
    ) -> Answer<'a, ()> {
        away()
    }
    fn members<'a>(&'a self, _: &'a Key, _: OffsetDateTime) -> Answer<'a, Vec<Vec<u8>>> {
        away()
    }
    fn strike<'a>(&'a self, _: &'a Key, _: &'a [u8]) -> Answer<'a, ()> {
        away()
    }
    fn ping(&self) -> Answer<'_, ()> {
        away()
    }
}

/// What the other side does with one request.
pub(super) enum Act {
    Answer(Reply),
    Fail(TransportError),
    /// Never answers.
    Hang,
}

pub(super) fn answer(status: u16, body: &str) -> Act {
    answer_with(status, &[], body)
}

pub(super) fn answer_with(status: u16, headers: &[(&str, &str)], body: &str) -> Act {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Act::Answer(Reply { status, headers, body: body.into() })
}

/// Plays its acts in order and keeps what it was sent.
#[derive(Default)]
pub(super) struct Script {
    acts: Mutex<VecDeque<Act>>,
    sent: Mutex<Vec<Request>>,
}

impl Script {
    pub(super) fn of(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let acts = Mutex::new(acts.into_iter().collect());
        Arc::new(Self { acts, sent: Mutex::default() })
    }

    pub(super) fn add(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }

    /// Everything that was sent since the last look; nothing of the script may be left.
    pub(super) fn sent(&self) -> Vec<Request> {
        assert!(self.acts.lock().unwrap().is_empty(), "not all of the script was played");
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

impl Transport for Script {
    fn post(&self, request: Request) -> Sending<'_> {
        let path = request.url.clone();
        self.sent.lock().unwrap().push(request);
        let act = self.acts.lock().unwrap().pop_front();
        let act = act.unwrap_or_else(|| panic!("a call beyond the script: {path}"));
        Box::pin(async {
            match act {
                Act::Answer(reply) => {
                    sleep(Duration::from_millis(20)).await;
                    Ok(reply)
                }
                Act::Fail(error) => Err(error),
                Act::Hang => std::future::pending().await,
            }
        })
    }
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The rules of a built-in profile.
pub(super) fn rules(cloud: &str) -> Rules {
    Clouds::load(None).unwrap().get(cloud).unwrap().partner_api.clone().unwrap()
}

pub(super) fn site(cloud: &str) -> Site {
    let association = Clouds::load(None).unwrap().get(cloud).unwrap().association.clone();
    Site { account_type: "acme_IDP".into(), rules: rules(cloud), association }
}

pub(super) fn key() -> Credentials {
    let key = AccessKey { id: "AccessKey".into(), secret: "SecretKey".into() };
    Credentials::AccessKey { key, account: Some("partner-1".into()) }
}

pub(super) fn user() -> Credentials {
    let login =
        Login { domain: "acme".into(), user: "robot".into(), password: "hunter2-hunter2".into() };
    let identity_api = EndpointUrl::parse("https://iam.cloud.example/").unwrap();
    Credentials::Token { login, identity_api, seed: [7; 32] }
}

pub(super) fn tools(script: &Arc<Script>) -> Tools {
    let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
    Tools {
        store: Arc::new(Memory::new(Arc::clone(&clock))),
        clock,
        random: Arc::new(SequenceRandom::new(1)),
        transport: Arc::clone(script) as Arc<dyn Transport>,
    }
}

pub(super) fn client(cloud: &str, credentials: Credentials, tools: Tools) -> Client {
    let settings = Settings {
        tenant: TenantId::parse("acme").unwrap(),
        credentials,
        partner_api: EndpointUrl::parse("https://bss.cloud.example").unwrap(),
        site: site(cloud),
        requests_per_second: NonZeroU32::new(9).unwrap(),
    };
    Client::new(settings, tools)
}
