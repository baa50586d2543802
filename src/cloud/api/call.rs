//! Layer 2, cloud: the one place that makes a call: form, credentials, budget, patience and
//! repetition (contract §7.1; conformance D-07).
//!
//! What may be done twice is repeated here and nowhere else. What must not be done twice is
//! repeated only when it certainly was not done.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep, timeout};

use super::breaker::{Breaker, Health};
use super::budget::Budget;
use super::failure::{self, Effect, Failure, Lasting};
use super::patience;
use super::rules::LanguageNames;
use super::sign::{self, AccessKey, Unsigned};
use super::token::Tokens;
use super::transport::{Reply, Request, Transport, TransportError};
use crate::clock::Clock;
use crate::limits;
use crate::random::Random;
use crate::refusal::Code;
use crate::saml::EndpointUrl;
use crate::store::record::TenantId;

/// The language of the cloud's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// An API by its name in logs and budgets, and its path with its constant query.
#[derive(Clone, Copy)]
pub(super) struct Api {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
}

/// Whether a call may be made again when it is not known what became of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It only reads, or doing it twice does no harm.
    Safe,
    /// It must not happen twice.
    OnlyIfNothingHappened,
}

/// A call.
pub(super) struct Call<'a> {
    pub(super) api: Api,
    pub(super) endpoint: &'a Endpoint,
    /// JSON; `{}` where there is nothing to say.
    pub(super) body: Vec<u8>,
    pub(super) repeat: Repeat,
    pub(super) language: Language,
}

/// How a call shows who makes it.
pub(super) enum Auth {
    /// Its body says so.
    Open,
    /// With a signature, and the account that the key belongs to.
    Signed(AccessKey, Option<String>),
    /// With a token.
    Token(Box<Tokens>),
}

/// Where an API lives: an address without path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    base: String,
    host: String,
}

impl Endpoint {
    /// The origin of `url`.
    pub(super) fn new(url: &EndpointUrl) -> Self {
        let base = url.origin();
        let host = base.split_once("://").map_or("", |(_, host)| host).to_owned();
        Self { base, host }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }
}

/// Everything that calls of one tenant share.
pub(super) struct Wire {
    pub(super) tenant: TenantId,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) budget: Budget,
    pub(super) breaker: Breaker,
    /// The values of `X-Language`.
    pub(super) languages: LanguageNames,
}

/// The credentials of one attempt.
enum Ready<'a> {
    Open,
    Sign(&'a AccessKey, Option<&'a str>),
    Token(SecretString),
}

impl Wire {
    /// Makes the call, again where that may help and harms nobody.
    ///
    /// # Errors
    /// The failure of the last attempt.
    pub(super) async fn call(&self, call: &Call<'_>, auth: &Auth) -> Result<Reply, Failure> {
        let begin_until = Instant::now() + limits::API_BEGIN;
        let (mut attempt, mut token_was_refused) = (0, false);
        loop {
            attempt += 1;
            let left = begin_until.saturating_duration_since(Instant::now());
            let ready = match auth {
                Auth::Open => Ready::Open,
                Auth::Signed(key, account) => Ready::Sign(key, account.as_deref()),
                // Boxed, because fetching a token is a call itself.
                Auth::Token(tokens) => Ready::Token(Box::pin(tokens.get(self)).await?),
            };
            self.admit(call.api.name, left).await?;
            let failure = match self.attempt(call, &ready).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            self.log(call, attempt, &failure);
            if let (Auth::Token(tokens), Ready::Token(token)) = (auth, &ready)
                && failure.code == Code::CloudCredentials
                && !std::mem::replace(&mut token_was_refused, true)
            {
                tokens.forget(token).await;
                continue;
            }
            let Some(pause) = self.pause(call, attempt, &failure) else { return Err(failure) };
            if pause > begin_until.saturating_duration_since(Instant::now()) {
                return Err(failure);
            }
            sleep(pause).await;
        }
    }

    /// Waits for a place in the budget. What fails here is not tried again: the caller waited, or
    /// shall not wait.
    async fn admit(&self, api: &'static str, patience: Duration) -> Result<(), Failure> {
        self.breaker.ask(api).map_err(|rest| {
            let cause = "expected an API that answers, it failed too often and rests".to_owned();
            Failure::not_yet(Code::CloudAway, cause, rest)
        })?;
        self.budget.take(api, patience).await.map_err(|exhausted| {
            let cause = "expected a free place in the budget of calls, found none in time";
            Failure::not_yet(Code::CloudThrottled, cause.to_owned(), exhausted.retry_after)
        })
    }

    /// One request.
    async fn attempt(&self, call: &Call<'_>, ready: &Ready<'_>) -> Result<Reply, Failure> {
        let api = call.api.name;
        let request = self.request(call, ready);
        let begun = Instant::now();
        let sent = timeout(limits::API_ANSWER, self.transport.post(request)).await;
        let reply = match sent {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                self.breaker.tell(api, Health::Fails);
                return Err(lost(&error));
            }
            Err(_) => {
                self.breaker.tell(api, Health::Fails);
                let cause = "expected an answer in time, found none".to_owned();
                return Err(Failure::away(Effect::Unknown, cause));
            }
        };
        let health = if reply.status < 500 { Health::Answers } else { Health::Fails };
        self.breaker.tell(api, health);
        let retry_after = reply
            .header("retry-after")
            .and_then(|value| patience::retry_after(value, self.clock.now()));
        match Failure::of(&reply, retry_after) {
            None => {
                self.note(call, &reply, begun.elapsed());
                Ok(reply)
            }
            Some(failure) => Err(failure),
        }
    }

    fn request(&self, call: &Call<'_>, ready: &Ready<'_>) -> Request {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
            ("x-language", self.languages.of(call.language).to_owned()),
        ];
        match ready {
            Ready::Open => {}
            Ready::Token(token) => {
                headers.push(("x-auth-token", token.expose_secret().to_owned()));
            }
            Ready::Sign(key, account) => {
                let date = sign::date(self.clock.now());
                let mut signed = vec![
                    ("content-type", "application/json"),
                    ("host", call.endpoint.host.as_str()),
                ];
                if let Some(account) = account {
                    signed.push(("x-domain-id", account));
                    headers.push(("x-domain-id", (*account).to_owned()));
                }
                let authorization = key.authorization(&Unsigned {
                    method: "POST",
                    path: call.api.path,
                    query: &[],
                    headers: &signed,
                    date: &date,
                    body: &call.body,
                });
                headers.push(("authorization", authorization));
                headers.push((sign::DATE_HEADER, date));
            }
        }
        let url = format!("{}{}", call.endpoint.base, call.api.path);
        Request { url, headers, body: call.body.clone() }
    }

    /// How long to wait before the next attempt; `None` when there must be none.
    fn pause(&self, call: &Call<'_>, attempt: u32, failure: &Failure) -> Option<Duration> {
        let Lasting::Transient { retry_after } = failure.lasting else { return None };
        let may_repeat = call.repeat == Repeat::Safe || failure.effect == Effect::Nothing;
        (may_repeat && attempt < limits::API_ATTEMPTS)
            .then(|| patience::pause(attempt, retry_after, &*self.random))
    }

    /// A success. Its name at the cloud is what the cloud's support asks for.
    fn note(&self, call: &Call<'_>, reply: &Reply, took: Duration) {
        let (tenant, api, status) = (self.tenant.as_str(), call.api.name, reply.status);
        let request = failure::request_id(reply);
        let ms = took.as_millis();
        match call.repeat {
            Repeat::Safe => {
                tracing::debug!(tenant, api, status, request, ms, "call to the cloud");
            }
            Repeat::OnlyIfNothingHappened => {
                tracing::info!(tenant, api, status, request, ms, "call to the cloud");
            }
        }
    }

    fn log(&self, call: &Call<'_>, attempt: u32, failure: &Failure) {
        let (tenant, api) = (self.tenant.as_str(), call.api.name);
        let code = failure.code;
        tracing::warn!(tenant, api, attempt, %code, cause = %failure, "call to the cloud failed");
    }
}

fn lost(error: &TransportError) -> Failure {
    let effect = match error {
        TransportError::NotSent(_) => Effect::Nothing,
        TransportError::Lost(_) | TransportError::TooLarge => Effect::Unknown,
    };
    Failure::away(effect, format!("expected an answer, found: {error}"))
}
