//! Layer 1: the connection to Redis that all tasks share, and how it comes back after it was lost.
//!
//! Not the `redis` crate's own manager, because that one gives up for good on some errors (wrong
//! password, a server that is still loading), keeps a connection whose peer no longer answers, and
//! reads the system's certificates at every connect. Here any failure is followed by another
//! attempt, made when somebody calls.

use std::fmt::Display;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, Pipeline, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::StoreError;
use super::fault::{Fate, Fault, FaultKind};
use super::options::Target;
use crate::{limits, measure};

/// The shared connection.
pub(super) struct Link {
    target: Arc<Target>,
    state: Arc<watch::Sender<State>>,
}

enum State {
    /// Nobody has asked for a connection since the last one was lost.
    Idle,
    /// A connection is being made. The time is a safety net for the task that makes it: a runtime
    /// may end under it.
    Dialing { gives_up: Instant },
    /// Connected, as far as we know.
    Up(Arc<Live>),
    /// The last attempt failed. Until `rest` calls fail at once instead of trying again.
    Down { cause: String, rest: Instant },
}

struct Live {
    connection: MultiplexedConnection,
    /// Moves commands and answers; ends when the server hangs up.
    driver: JoinHandle<()>,
}

impl Drop for Live {
    fn drop(&mut self) {
        // Left alone it would wait for the answers of a server that may never answer.
        self.driver.abort();
    }
}

impl Link {
    pub(super) fn new(target: Target) -> Self {
        Self { target: Arc::new(target), state: Arc::new(watch::Sender::new(State::Idle)) }
    }

    /// Sends commands and reads their answers. Waits at most [`limits::STORE_DEADLINE`] for the
    /// answers, and before that as long for a connection if there is none.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        operation: &'static str,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let answer = self.answer(pipeline).await;
        measure::store(operation, begun.elapsed());
        if answer.is_err() {
            measure::store_failed(operation);
        }
        answer
    }

    async fn answer<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        let live = timeout(limits::STORE_DEADLINE, self.live())
            .await
            .map_err(|_| self.away("not connected in time"))??;
        let mut connection = live.connection.clone();
        match timeout(limits::STORE_DEADLINE, pipeline.query_async(&mut connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let fault = Fault::of(error);
                if fault.fate == Fate::Replace {
                    self.lose(&live, fault.text);
                }
                Err(self.error(fault))
            }
            Err(_) => {
                // The server hangs or the network swallows: only a new connection can tell whether
                // it is back.
                self.lose(&live, "no answer in time");
                Err(self.away("no answer in time"))
            }
        }
    }

    /// A connection that is not known to be broken; waits for one that is being made.
    async fn live(&self) -> Result<Arc<Live>, StoreError> {
        if let State::Up(live) = &*self.state.borrow()
            && !live.driver.is_finished()
        {
            return Ok(live.clone());
        }
        let mut changes = self.state.subscribe();
        loop {
            self.dial_if_due();
            match &*changes.borrow_and_update() {
                State::Up(live) => return Ok(live.clone()),
                State::Down { cause, .. } => return Err(self.away(cause)),
                State::Idle | State::Dialing { .. } => {}
            }
            // Cannot fail: the sender is ours.
            let _ = changes.changed().await;
        }
    }

    fn dial_if_due(&self) {
        let now = Instant::now();
        let due = self.state.send_if_modified(|state| {
            let due = match state {
                State::Idle => true,
                State::Dialing { gives_up } => *gives_up <= now,
                State::Up(live) => live.driver.is_finished(),
                State::Down { rest, .. } => *rest <= now,
            };
            if due {
                *state = State::Dialing { gives_up: now + 2 * limits::STORE_CONNECT };
            }
            due
        });
        if due {
            tokio::spawn(dial(self.target.clone(), self.state.clone()));
        }
    }

    fn lose(&self, lost: &Arc<Live>, cause: &str) {
        let was_ours = self.state.send_if_modified(|state| match state {
            State::Up(live) if Arc::ptr_eq(live, lost) => {
                *state = State::Idle;
                true
            }
            _ => false,
        });
        if was_ours {
            tracing::warn!(host = self.target.host, port = self.target.port, cause, "Redis lost");
        }
    }

    fn away(&self, cause: &str) -> StoreError {
        StoreError::Away(format!("Redis at {}:{}: {cause}", self.target.host, self.target.port))
    }

    fn error(&self, fault: Fault) -> StoreError {
        match fault.kind {
            FaultKind::Away => self.away(fault.text),
            FaultKind::Full => StoreError::Full,
            FaultKind::Corrupt => StoreError::Corrupt(fault.text.into()),
        }
    }
}

/// Makes a connection and tells everybody how that ended.
async fn dial(target: Arc<Target>, state: Arc<watch::Sender<State>>) {
    let outcome = match timeout(limits::STORE_CONNECT, connect(&target)).await {
        Ok(outcome) => outcome,
        Err(_) => Err("no connection in time".into()),
    };
    state.send_replace(match outcome {
        Ok(live) => {
            tracing::info!(host = target.host, port = target.port, "Redis connected");
            State::Up(Arc::new(live))
        }
        Err(cause) => State::Down { cause, rest: Instant::now() + limits::STORE_REDIAL },
    });
}

fn text(error: impl Display) -> String {
    error.to_string()
}

async fn connect(target: &Target) -> Result<Live, String> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(text)?;
    stream.set_nodelay(true).map_err(text)?;
    match &target.tls {
        None => greet(target, stream).await,
        Some((connector, name)) => {
            let stream = connector.connect(name.clone(), stream).await;
            greet(target, stream.map_err(|error| format!("TLS: {error}"))?).await
        }
    }
}

/// Names user, password and database, and sees that the server takes commands.
async fn greet<S>(target: &Target, stream: S) -> Result<Live, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Every wait is bounded by our caller's deadlines, so the crate needs none of its own.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_pipeline_buffer_size(limits::STORE_QUEUE);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&target.session, stream, config)
            .await
            .map_err(|error| Fault::of(error).text.to_owned())?;
    let live = Live { connection, driver: tokio::spawn(driver) };
    let mut connection = live.connection.clone();
    cmd("PING")
        .exec_async(&mut connection)
        .await
        .map_err(|error| Fault::of(error).text.to_owned())?;
    Ok(live)
}
