//! Room app (layer 6): sends messages to partners' webhooks as they come due, several at one time,
//! and the HTTP client for that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, header::HeaderValue};
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

use super::outgoing::{self, innermost};
use super::parts::{StartError, System};
use super::shutdown::Shutdown;
use crate::account::Book;
use crate::account::webhook::{Hooks, Letter, Post, Posting, Postman, Reply, Tools};
use crate::store::account::Message;
use crate::store::record::TenantId;

/// Longest time until the head of the answer is there.
const WHOLE: Duration = Duration::from_secs(15);
/// Most messages under way at one time.
const AT_ONCE: usize = 32;
/// Most of these that go to one tenant: a site that hangs must not hold up the others.
const FOR_ONE: usize = 8;
/// How often to look for messages.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait after the ledger did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The HTTP client.
pub struct HttpPost(Client);

impl HttpPost {
    /// Prepares the client; nothing is sent yet.
    ///
    /// # Errors
    /// When there are no root certificates, or TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self(outgoing::client().timeout(WHOLE).build()?))
    }

    async fn send(&self, letter: &Letter<'_>) -> Result<Reply, String> {
        let mut request = self.0.post(letter.url.as_str()).body(letter.body.to_owned());
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &letter.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.map_err(|error| problem(&error))?;
        let status = response.status().as_u16();
        Ok(Reply { status, retry_after: retry_after(response.headers()) })
    }
}

impl Post for HttpPost {
    fn post<'a>(&'a self, letter: &'a Letter<'a>) -> Posting<'a> {
        Box::pin(self.send(letter))
    }
}

/// The form in seconds; the other one depends on the receiver's clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost cause; the outer ones repeat the address, which may hold a token.
fn problem(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    format!("no answer: {}", innermost(error))
}

/// The postman of a gateway.
///
/// # Errors
/// [`StartError`] when TLS cannot be set up.
pub(super) fn postman(
    hooks: Hooks,
    book: &Book,
    system: &System,
) -> Result<Arc<Postman>, StartError> {
    let post = HttpPost::new().map_err(|error| StartError::Part(error.to_string()))?;
    let tools = Tools {
        ledger: Arc::clone(book.ledger()),
        clock: Arc::clone(&system.clock),
        random: Arc::clone(&system.random),
        post: Arc::new(post),
    };
    Ok(Arc::new(Postman::new(tools, hooks)))
}

/// Sends what comes due until the process leaves. What is under way then is cut at the end of the
/// drain; after its lease another node, or the next start, sends it again.
pub(super) async fn send(postman: Arc<Postman>, shutdown: Shutdown) {
    let mut round = Round { postman, under_way: JoinSet::new(), receivers: HashMap::new() };
    loop {
        let pause = round.begin().await;
        tokio::select! {
            () = shutdown.beginning() => break,
            Some(ended) = round.under_way.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                round.receivers.remove(&id);
            }
            () = sleep(pause) => {}
        }
    }
    while round.under_way.join_next().await.is_some() {}
}

/// The messages under way.
struct Round {
    postman: Arc<Postman>,
    under_way: JoinSet<()>,
    receivers: HashMap<Id, TenantId>,
}

impl Round {
    /// Begins as many as there are places. Gives the time until the next look.
    async fn begin(&mut self) -> Duration {
        let free = AT_ONCE.saturating_sub(self.under_way.len());
        if free == 0 {
            return LOOK;
        }
        let due = match self.postman.due(free).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "messages cannot be looked for");
                return AFTER_FAILURE;
            }
        };
        let pause = if due.len() == free { Duration::ZERO } else { LOOK };
        for message in due {
            let postman = Arc::clone(&self.postman);
            let to_the_same =
                self.receivers.values().filter(|tenant| **tenant == message.tenant).count();
            if to_the_same >= FOR_ONE {
                if let Err(error) = postman.put_off(message).await {
                    tracing::warn!(%error, "a message could not be put off");
                }
                continue;
            }
            let receiver = message.tenant.clone();
            let task = self.under_way.spawn(async move { bring(&postman, message).await });
            self.receivers.insert(task.id(), receiver);
        }
        pause
    }
}

async fn bring(postman: &Postman, message: Message) {
    let (tenant, id, kind) = (message.tenant.clone(), message.id.0.clone(), message.kind.clone());
    match postman.deliver(message).await {
        Ok(attempt) => {
            let attempt = attempt.name();
            tracing::info!(tenant = %tenant, message = id, kind, attempt, "webhook");
        }
        Err(error) => {
            tracing::warn!(tenant = %tenant, message = id, %error, "webhook not written down");
        }
    }
}

#[cfg(test)]
#[path = "webhooks_tests.rs"]
mod tests;
