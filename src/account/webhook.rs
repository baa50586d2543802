//! Layer 3, account: brings messages to partners' webhooks, signed in the manner of Standard
//! Webhooks 1.0 (standardwebhooks.com), at least once. Any node may send a message; a lease makes
//! it one at a time. What was given up after the last attempt waits for somebody to send it anew.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use crate::clock::Clock;
use crate::measure;
use crate::random::Random;
use crate::saml::EndpointUrl;
use crate::store::StoreError;
use crate::store::account::{Message, MessageState};
use crate::store::ledger::{Lease, Ledger};
use crate::store::record::TenantId;

/// How long one node has a message for itself: longer than [`Post::post`] may take.
const LEASE: time::Duration = time::Duration::minutes(1);
/// Most attempts; together with the pauses between them about two days.
pub const ATTEMPTS: u32 = 20;
/// The pause after the first attempt. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);
/// How long a message is put off whose receiver has enough to do with others.
const PUT_OFF: time::Duration = time::Duration::seconds(5);
/// What stands before the base64 of a secret, so that people and scanners know it.
const SECRET_PREFIX: &str = "whsec_";

/// A secret that a partner and we share.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl Secret {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let octets = STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        let good = (24..=64).contains(&octets.len());
        good.then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &octets)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a tenant's messages go.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The partner's address.
    pub url: EndpointUrl,
    /// What signs: one secret, or the new and the old one while they are changed.
    pub secrets: Vec<Secret>,
}

/// The tenants that have a webhook.
pub type Hooks = HashMap<TenantId, Hook>;

/// A request with a message, ready to be sent.
pub struct Letter<'a> {
    /// Where to.
    pub url: &'a EndpointUrl,
    /// The headers that go with it, `content-type` excepted.
    pub headers: [(&'static str, String); 3],
    /// The JSON that was signed: to be sent as it is.
    pub body: &'a str,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// What a sending gives: the reply, or why there is none.
pub type Posting<'a> = Pin<Box<dyn Future<Output = Result<Reply, String>> + Send + 'a>>;

/// Sends a letter over HTTP. `app` brings the client.
pub trait Post: Send + Sync {
    /// Ends in less than half a minute, follows no redirect, and does not read the body that comes
    /// back.
    ///
    /// # Errors
    /// Why there was no reply, without the address.
    fn post<'a>(&'a self, letter: &'a Letter<'a>) -> Posting<'a>;
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The partner's site took the message.
    Delivered,
    /// It did not; there will be another attempt.
    Failed,
    /// It did not, and this was the last attempt.
    Dead,
    /// The tenant has no webhook: the message is kept, and can be sent when there is one.
    NoHook,
}

impl Attempt {
    /// Its name in log and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::NoHook => "no_hook",
        }
    }
}

/// Brings messages.
pub struct Postman {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    post: Arc<dyn Post>,
    hooks: Hooks,
}

/// What a postman works with.
pub struct Tools {
    /// Where messages wait.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For the pauses between attempts.
    pub random: Arc<dyn Random>,
    /// The HTTP client.
    pub post: Arc<dyn Post>,
}

impl Postman {
    /// A postman for the tenants that have a webhook.
    #[must_use]
    pub fn new(tools: Tools, hooks: Hooks) -> Self {
        let Tools { ledger, clock, random, post } = tools;
        Self { ledger, clock, random, post, hooks }
    }

    /// Takes messages whose time has come. Each must go to [`deliver`](Postman::deliver) or
    /// [`put_off`](Postman::put_off) at once: in a minute another node may take it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due(&self, at_most: usize) -> Result<Vec<Message>, StoreError> {
        let now = self.clock.now();
        self.ledger.take_due(Lease { now, until: now + LEASE }, at_most).await
    }

    /// Sends a message and writes down how that ended. When that cannot be written, the message
    /// will be sent once more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliver(&self, mut message: Message) -> Result<Attempt, StoreError> {
        let attempt = if let Some(hook) = self.hooks.get(&message.tenant) {
            let reply = self.post.post(&letter(hook, &message, self.clock.now())).await;
            self.judge(&mut message, reply)
        } else {
            message.state = MessageState::Dead;
            message.problem = Some("the tenant has no webhook".to_owned());
            Attempt::NoHook
        };
        self.ledger.settle(&message).await?;
        measure::webhook(attempt.name());
        Ok(attempt)
    }

    /// Gives a message back untried, for a moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_off(&self, mut message: Message) -> Result<(), StoreError> {
        message.next_at = self.clock.now() + PUT_OFF;
        self.ledger.settle(&message).await
    }

    fn judge(&self, message: &mut Message, reply: Result<Reply, String>) -> Attempt {
        message.attempts += 1;
        let (problem, asked) = match reply {
            Ok(Reply { status: 200..=299, .. }) => {
                message.state = MessageState::Delivered;
                message.problem = None;
                return Attempt::Delivered;
            }
            Ok(reply) => (format!("status {}", reply.status), reply.retry_after),
            Err(problem) => (problem, None),
        };
        message.problem = Some(problem);
        if message.attempts >= ATTEMPTS {
            message.state = MessageState::Dead;
            return Attempt::Dead;
        }
        let pause = pause(message.attempts, &*self.random);
        let pause = pause.max(asked.unwrap_or_default().min(LONGEST_PAUSE));
        message.next_at = self.clock.now() + pause;
        Attempt::Failed
    }
}

/// The signed request. The time is that of the attempt, so that a receiver can refuse old ones.
fn letter<'a>(hook: &'a Hook, message: &'a Message, at: OffsetDateTime) -> Letter<'a> {
    let (id, at, body) = (message.id.0.as_str(), at.unix_timestamp().to_string(), &*message.body);
    let signed = format!("{id}.{at}.{body}");
    let signature = |secret: &Secret| {
        format!("v1,{}", STANDARD.encode(hmac::sign(&secret.0, signed.as_bytes())))
    };
    let signatures: Vec<_> = hook.secrets.iter().map(signature).collect();
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at),
        ("webhook-signature", signatures.join(" ")),
    ];
    Letter { url: &hook.url, headers, body }
}

/// The pause after so many attempts: twice as long each time, and somewhere in its second half, so
/// that what failed together is not tried together (D-07).
fn pause(attempts: u32, random: &dyn Random) -> Duration {
    let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
    let whole = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    let mut octets = [0; 4];
    random.fill(&mut octets);
    let part = f64::from(u32::from_le_bytes(octets)) / f64::from(u32::MAX);
    whole.mul_f64(0.5 + part / 2.0)
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
