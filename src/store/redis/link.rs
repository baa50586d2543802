//! Layer 1: the connection to one Redis server that all tasks share, and how it comes back after it
//! was lost. Which server that is may be for Sentinels to say.
//!
//! Not the `redis` crate's own manager, because that one gives up for good on some errors (wrong
//! password, a server that is still loading), keeps a connection whose peer no longer answers, and
//! reads the system's certificates at every connect. Here any failure is followed by another
//! attempt, made when somebody calls.

use std::fmt;
use std::sync::Arc;

use redis::{FromRedisValue, Pipeline};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::StoreError;
use super::address::Address;
use super::copies::Copied;
use super::deadline::within;
use super::fault::{Fate, Fault, FaultKind, Redirection};
use super::options::{Access, Watch};
use super::sentinel;
use super::wire::{self, Knowledge, Live};
use crate::limits;

/// The shared connection.
#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

/// Which server it leads to.
pub(super) enum Place {
    /// Always this one; nobody takes its place.
    Fixed(Address),
    /// Always this one, of a cluster, in which a replica may take its place.
    Node(Address),
    /// The primary that Sentinels know.
    Watched(Watch),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(at) | Self::Node(at) => write!(f, "{at}"),
            Self::Watched(watch) => f.write_str(&watch.service),
        }
    }
}

/// What it would be if a failover undid a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Bearable: somebody signs in again.
    Bearable,
    /// Wrong: something is used twice, or a session is back after its end.
    Wrong,
}

/// How a command failed.
pub(super) enum Failure {
    /// Nothing was done: the server at the address sends us to another node of its cluster.
    Elsewhere(Address, Redirection),
    /// There is no connection, or none any more.
    Lost(StoreError),
    /// The server said no.
    Refused(StoreError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost(error) | Failure::Refused(error) => error,
            Failure::Elsewhere(at, _) => {
                let advice = "it is part of a cluster; the address must begin with redis+cluster";
                Self::Away(format!("Redis at {at}: {advice}"))
            }
        }
    }
}

struct Shared {
    place: Place,
    access: Arc<Access>,
    state: watch::Sender<State>,
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

impl Link {
    pub(super) fn new(place: Place, access: Arc<Access>) -> Self {
        Self(Arc::new(Shared { place, access, state: watch::Sender::new(State::Idle) }))
    }

    /// Sends commands and reads their answers. Waits at most [`limits::STORE_DEADLINE`] for the
    /// answers, before that as long for a connection if there is none, and after it as long for a
    /// copy of what must not be undone.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
        undone: Undone,
    ) -> Result<T, Failure> {
        let live = within(limits::STORE_DEADLINE, self.right_one())
            .await
            .unwrap_or_else(|| Err(self.0.away("not connected in time")))
            .map_err(Failure::Lost)?;
        let mut connection = live.connection.clone();
        match within(limits::STORE_DEADLINE, pipeline.query_async(&mut connection)).await {
            Some(Ok(answer)) => {
                if undone == Undone::Wrong && !matches!(self.0.place, Place::Fixed(_)) {
                    self.copied(&live).await?;
                }
                Ok(answer)
            }
            Some(Err(error)) => Err(self.failure(&live, Fault::of(error))),
            None => {
                // The server hangs or the network swallows: only a new connection can tell whether
                // it is back.
                self.0.lose(&live, "no answer in time");
                Err(Failure::Lost(self.0.away("no answer in time")))
            }
        }
    }

    /// Waits until a replica has what was just written over the connection.
    async fn copied(&self, live: &Arc<Live>) -> Result<(), Failure> {
        let mut connection = live.connection.clone();
        match within(limits::STORE_DEADLINE, live.copies.made(&mut connection)).await {
            Some(Ok(Copied::Enough)) => Ok(()),
            Some(Ok(Copied::NotInTime)) => {
                Err(Failure::Refused(self.0.away("no replica had it in time")))
            }
            Some(Ok(Copied::Deserted)) => {
                Err(Failure::Lost(self.0.away("its replicas have just left it")))
            }
            Some(Err(error)) => Err(self.failure(live, Fault::of(error))),
            None => Err(Failure::Lost(self.0.away("no answer about its replicas in time"))),
        }
    }

    /// A connection to what is, as far as we know, still the primary. One that slept through its
    /// own replacement goes on as a primary until a Sentinel tells it, which takes several seconds;
    /// we ask sooner.
    async fn right_one(&self) -> Result<Arc<Live>, StoreError> {
        let live = self.live().await?;
        if !matches!(self.0.place, Place::Watched(_)) {
            return Ok(live);
        }
        match live.knowledge() {
            Knowledge::Fresh => return Ok(live),
            Knowledge::Aging => {
                if live.look_begins() {
                    tokio::spawn(look(self.0.clone(), live.clone()));
                }
                return Ok(live);
            }
            Knowledge::Old => {}
        }
        {
            // One asks, all others wait for it. In a task of its own, so that asking ends even when
            // the asker's deadline is shorter.
            let _turn = live.turn.lock().await;
            if matches!(live.knowledge(), Knowledge::Old) {
                let looking = tokio::spawn(look(self.0.clone(), live.clone()));
                looking.await.map_err(|_| self.0.away("asking the Sentinels was interrupted"))?;
            }
        }
        self.live().await
    }

    /// A connection that is not known to be broken; waits for one that is being made.
    async fn live(&self) -> Result<Arc<Live>, StoreError> {
        if let State::Up(live) = &*self.0.state.borrow()
            && !live.is_over()
        {
            return Ok(live.clone());
        }
        let mut changes = self.0.state.subscribe();
        loop {
            self.dial_if_due();
            match &*changes.borrow_and_update() {
                State::Up(live) => return Ok(live.clone()),
                State::Down { cause, .. } => return Err(self.0.away(cause)),
                State::Idle | State::Dialing { .. } => {}
            }
            // Cannot fail: the sender is ours.
            let _ = changes.changed().await;
        }
    }

    fn dial_if_due(&self) {
        let now = Instant::now();
        let due = self.0.state.send_if_modified(|state| {
            let due = match state {
                State::Idle => true,
                State::Dialing { gives_up } => *gives_up <= now,
                State::Up(live) => live.is_over(),
                State::Down { rest, .. } => *rest <= now,
            };
            if due {
                *state = State::Dialing { gives_up: now + 2 * limits::STORE_CONNECT };
            }
            due
        });
        if due {
            tokio::spawn(dial(self.0.clone()));
        }
    }

    fn failure(&self, live: &Arc<Live>, fault: Fault) -> Failure {
        if fault.fate == Fate::Replace {
            self.0.lose(live, fault.text);
        }
        let error = match fault.kind {
            FaultKind::Elsewhere(to) => return Failure::Elsewhere(live.at.clone(), to),
            FaultKind::Away => self.0.away(fault.text),
            FaultKind::Full => StoreError::Full,
            FaultKind::Corrupt => StoreError::Corrupt(fault.text.into()),
        };
        match fault.fate {
            Fate::Replace => Failure::Lost(error),
            Fate::Keep => Failure::Refused(error),
        }
    }
}

impl Shared {
    fn lose(&self, lost: &Arc<Live>, cause: &str) {
        let was_ours = self.state.send_if_modified(|state| match state {
            State::Up(live) if Arc::ptr_eq(live, lost) => {
                *state = State::Idle;
                true
            }
            _ => false,
        });
        if was_ours {
            tracing::warn!(redis = %self.place, at = %lost.at, cause, "Redis lost");
        }
    }

    fn away(&self, cause: &str) -> StoreError {
        StoreError::Away(format!("Redis at {}: {cause}", self.place))
    }
}

/// Makes a connection and tells everybody how that ended.
async fn dial(shared: Arc<Shared>) {
    let connecting = async {
        match &shared.place {
            Place::Fixed(at) | Place::Node(at) => wire::open(at, &shared.access).await,
            Place::Watched(watch) => sentinel::open(watch, &shared.access).await,
        }
    };
    let outcome = match timeout(limits::STORE_CONNECT, connecting).await {
        Ok(outcome) => outcome,
        Err(_) => Err("no connection in time".into()),
    };
    shared.state.send_replace(match outcome {
        Ok(live) => {
            tracing::info!(redis = %shared.place, at = %live.at, "Redis connected");
            State::Up(Arc::new(live))
        }
        Err(cause) => State::Down { cause, rest: Instant::now() + limits::STORE_REDIAL },
    });
}

/// Gives the connection up when the Sentinels say that another server is the primary. When they say
/// nothing it stays: that they are away is no reason to be away too.
async fn look(shared: Arc<Shared>, live: Arc<Live>) {
    if let Place::Watched(watch) = &shared.place
        && let Ok(at) = sentinel::primary(watch).await
        && at != live.at
    {
        shared.lose(&live, "the Sentinels have another primary");
    }
    live.look_ended();
}
