//! Layer 1: whether a replica has what was written, before anybody builds on it (D-03).
//!
//! `WAIT` holds up the connection that it is sent over. So one `WAIT` is made for everything that
//! was written before it, and whoever comes meanwhile shares the next one.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Value, cmd};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::limits;
use crate::store::millis;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// A replica has it, or the server has had none for long: then there is nothing to wait for.
    Enough,
    /// Its replicas did not say so in time.
    NotInTime,
    /// Its replicas have just left: perhaps because it is no longer the primary.
    Deserted,
}

/// The writes over one connection, and which of them are copied.
#[derive(Default)]
pub(super) struct Copies {
    /// How many were answered.
    written: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// So many of the writes were waited for, and what became of the last of them.
    settled: Option<(u64, Copied)>,
    replicas: Replicas,
}

/// What the server has, as far as we saw.
#[derive(Default)]
enum Replicas {
    #[default]
    NeverAsked,
    Some,
    /// None that keeps up. `left` is when we saw that there had been some before.
    None {
        left: Option<Instant>,
        asked: Instant,
    },
}

impl Copies {
    /// Waits until a replica has a write that was just answered over this connection, for at most
    /// [`limits::STORE_COPY`] in its server.
    pub(super) async fn made(&self, connection: &mut MultiplexedConnection) -> RedisResult<Copied> {
        let mine = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut known = self.known.lock().await;
        if let Some((number, copied)) = known.settled
            && mine <= number
        {
            return Ok(copied);
        }
        if let Replicas::None { left, asked } = known.replicas {
            if asked.elapsed() < limits::STORE_LOOK {
                return Ok(alone(left));
            }
            if !has_replicas(connection).await? {
                known.replicas = Replicas::None { left, asked: Instant::now() };
                return Ok(alone(left));
            }
        }
        let number = self.written.load(Ordering::SeqCst);
        let copied = known.wait(connection).await?;
        known.settled = Some((number, copied));
        Ok(copied)
    }
}

impl Known {
    async fn wait(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<Copied> {
        let mut wait = cmd("WAIT");
        let copies: u64 =
            wait.arg(1).arg(millis(limits::STORE_COPY)).query_async(connection).await?;
        if copies > 0 {
            self.replicas = Replicas::Some;
            return Ok(Copied::Enough);
        }
        let left = match self.replicas {
            // One has come that has not caught up yet.
            Replicas::None { left, .. } => left,
            _ if has_replicas(connection).await? => return Ok(Copied::NotInTime),
            Replicas::Some => Some(Instant::now()),
            Replicas::NeverAsked => None,
        };
        self.replicas = Replicas::None { left, asked: Instant::now() };
        Ok(alone(left))
    }
}

/// What a write to a server without replicas is worth.
fn alone(left: Option<Instant>) -> Copied {
    match left {
        Some(left) if left.elapsed() < limits::STORE_DESERTED => Copied::Deserted,
        _ => Copied::Enough,
    }
}

async fn has_replicas(connection: &mut MultiplexedConnection) -> RedisResult<bool> {
    let role: Vec<Value> = cmd("ROLE").query_async(connection).await?;
    Ok(matches!(role.get(2), Some(Value::Array(replicas)) if !replicas.is_empty()))
}
