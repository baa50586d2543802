//! Layer 1, shared backend: Redis (or a server that speaks its protocol) from version 7.0 on: one
//! server, the primary of a Sentinel group, or a Cluster; with TLS, ACL users and a key prefix.
//!
//! What every server must be told: `maxmemory-policy noeviction`, because an evicted used id is a
//! replay. What its user must be allowed: `~PREFIX* +get +set +getex +getdel +del +incr +pexpire
//! +zadd +zrem +zrange +zremrangebyscore +multi +exec +ping +select`; in a Sentinel group also
//! `+wait +role`, and at the Sentinels `+sentinel|master +ping`; in a Cluster also `+wait +role
//! +cluster|slots +cluster|info +asking`.
//!
//! Nothing is ever sent twice that may have taken effect: when the answer to a command is lost, the
//! caller is told that the store is away. For `take` and `claim` that means a refusal, which is the
//! safe side. Only what a node of a cluster explicitly left undone goes to the node that it names.
//!
//! Replication is asynchronous: what a primary acknowledged in the last moment before it died may
//! be unknown to the replica that takes over. What such a loss would make wrong (`take`, `claim`,
//! `remove`) therefore counts only once a replica has it (D-03). A primary that has had no replica
//! for some seconds is believed alone: a group that lost one of two servers still serves. What
//! remains is said in `docs/operations.md`.

mod address;
mod census;
mod cluster;
mod copies;
mod deadline;
mod fault;
mod link;
mod options;
mod sentinel;
mod slot;
mod wire;

use std::time::Duration;

use redis::{FromRedisValue, Pipeline, pipe};
use time::OffsetDateTime;
use tokio::time::Instant;

pub use self::options::{BadOptions, Login, Options};

use self::cluster::Cluster;
use self::link::{Link, Place, Undone};
use self::options::Target;
use super::{Answer, Claim, Ephemeral, Key, StoreError, instant, millis};
use crate::measure;

/// Entries in Redis, over one connection to each server that all tasks share. Measured: one
/// pipelined connection costs less CPU per round trip than a pool at every load, because busy tasks
/// share system calls.
pub struct Redis {
    way: Way,
    prefix: String,
}

/// How a command finds its server.
enum Way {
    /// There is one.
    Server(Link),
    /// The key says which.
    Cluster(Cluster),
}

impl Redis {
    /// A store where `options` say. Connects at the first call and whenever a connection was lost,
    /// so that it neither waits for the servers at start-up nor needs a restart after them (D-01).
    ///
    /// # Errors
    /// [`BadOptions`] when the options cannot work whatever the servers do.
    pub fn new(options: &Options) -> Result<Self, BadOptions> {
        let prefix = options.prefix.clone();
        let way = match options::target(options)? {
            Target::Server(at, access) => Way::Server(Link::new(Place::Fixed(at), access)),
            Target::Watched(watch, access) => Way::Server(Link::new(Place::Watched(watch), access)),
            Target::Cluster(nodes, access) => {
                Way::Cluster(Cluster::new(nodes, access, prefix.clone()))
            }
        };
        Ok(Self { way, prefix })
    }

    /// Sends commands for the key of that name.
    async fn ask<T: FromRedisValue>(
        &self,
        operation: &'static str,
        name: &str,
        (pipeline, undone): (&Pipeline, Undone),
    ) -> Result<T, StoreError> {
        measured(operation, async {
            match &self.way {
                Way::Server(link) => Ok(link.ask(pipeline, undone).await?),
                Way::Cluster(cluster) => cluster.ask(name, pipeline, undone).await,
            }
        })
        .await
    }

    fn name(&self, key: &Key) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }
}

async fn measured<T>(
    operation: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let begun = Instant::now();
    let answer = call.await;
    measure::store(operation, begun.elapsed());
    if answer.is_err() {
        measure::store_failed(operation);
    }
    answer
}

fn add_renewal(pipeline: &mut Pipeline, name: &str, life: Duration) {
    pipeline.cmd("GETEX").arg(name).arg("PX").arg(millis(life));
}

fn add_claim(pipeline: &mut Pipeline, name: &str, value: &[u8], life: Duration) {
    // NX together with GET is what needs Redis 7.0. It answers with what was there, or nil when we
    // won.
    let command = pipeline.cmd("SET").arg(name).arg(value);
    command.arg("NX").arg("GET").arg("PX").arg(millis(life));
}

/// Milliseconds as a sorted set keeps them, exact until the year 287,000.
fn score(milliseconds: i128) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

fn claim_of(before: Option<Vec<u8>>) -> Claim {
    before.map_or(Claim::Won, Claim::Lost)
}

impl Ephemeral for Redis {
    fn put<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, ()> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            pipeline.cmd("SET").arg(&name).arg(value).arg("PX").arg(millis(life)).ignore();
            self.ask("put", &name, (&pipeline, Undone::Bearable)).await
        })
    }

    fn get<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            pipeline.cmd("GET").arg(&name);
            let (value,) = self.ask("get", &name, (&pipeline, Undone::Bearable)).await?;
            Ok(value)
        })
    }

    fn take<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            pipeline.cmd("GETDEL").arg(&name);
            let (value,) = self.ask("take", &name, (&pipeline, Undone::Wrong)).await?;
            Ok(value)
        })
    }

    fn claim<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, Claim> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            add_claim(&mut pipeline, &name, value, life);
            let (before,) = self.ask("claim", &name, (&pipeline, Undone::Wrong)).await?;
            Ok(claim_of(before))
        })
    }

    fn renew<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            add_renewal(&mut pipeline, &name, life);
            let (value,) = self.ask("renew", &name, (&pipeline, Undone::Bearable)).await?;
            Ok(value)
        })
    }

    fn renew_and_claim<'a>(
        &'a self,
        renewal: (&'a Key, Duration),
        claim: &'a Key,
        value: &'a [u8],
        life: Duration,
    ) -> Answer<'a, (Option<Vec<u8>>, Claim)> {
        Box::pin(async move {
            if let Way::Cluster(_) = self.way {
                // The keys may live on two nodes. At the same time, and both to their end: a
                // command that is given up half-way leaves a claim that nobody knows of.
                let renewed = self.renew(renewal.0, renewal.1);
                let (found, claim) = tokio::join!(renewed, self.claim(claim, value, life));
                return Ok((found?, claim?));
            }
            let (name, mut pipeline) = (self.name(claim), pipe());
            add_renewal(&mut pipeline, &self.name(renewal.0), renewal.1);
            add_claim(&mut pipeline, &name, value, life);
            let (found, before) =
                self.ask("renew_and_claim", &name, (&pipeline, Undone::Wrong)).await?;
            Ok((found, claim_of(before)))
        })
    }

    fn count<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, u64> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            // A transaction, so that no counter can be left without an end (which would lock
            // somebody out for good).
            pipeline.atomic().cmd("INCR").arg(&name);
            pipeline.cmd("PEXPIRE").arg(&name).arg(millis(life)).arg("NX").ignore();
            let (count,) = self.ask("count", &name, (&pipeline, Undone::Bearable)).await?;
            Ok(count)
        })
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Answer<'a, ()> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            pipeline.cmd("DEL").arg(&name).ignore();
            self.ask("remove", &name, (&pipeline, Undone::Wrong)).await
        })
    }

    fn enlist<'a>(
        &'a self,
        key: &'a Key,
        member: &'a [u8],
        now: OffsetDateTime,
        life: Duration,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            let (now, life) = (instant(now), millis(life));
            // A transaction, so that no list can be left without an end.
            pipeline.atomic();
            pipeline.cmd("ZREMRANGEBYSCORE").arg(&name).arg("-inf").arg(score(now)).ignore();
            let until = score(now + i128::from(life));
            pipeline.cmd("ZADD").arg(&name).arg(until).arg(member).ignore();
            // The list lives as long as its longest member: a new list has no end yet, an old one
            // may have a later one.
            pipeline.cmd("PEXPIRE").arg(&name).arg(life).arg("NX").ignore();
            pipeline.cmd("PEXPIRE").arg(&name).arg(life).arg("GT").ignore();
            self.ask("enlist", &name, (&pipeline, Undone::Bearable)).await
        })
    }

    fn members<'a>(&'a self, key: &'a Key, now: OffsetDateTime) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            let command = pipeline.cmd("ZRANGE").arg(&name);
            command.arg(format!("({}", score(instant(now)))).arg("+inf").arg("BYSCORE");
            let (members,) = self.ask("members", &name, (&pipeline, Undone::Bearable)).await?;
            Ok(members)
        })
    }

    fn strike<'a>(&'a self, key: &'a Key, member: &'a [u8]) -> Answer<'a, ()> {
        Box::pin(async move {
            let (name, mut pipeline) = (self.name(key), pipe());
            pipeline.cmd("ZREM").arg(&name).arg(member).ignore();
            self.ask("strike", &name, (&pipeline, Undone::Bearable)).await
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(measured("ping", async {
            match &self.way {
                Way::Server(link) => {
                    let mut pipeline = pipe();
                    pipeline.cmd("PING").ignore();
                    Ok(link.ask(&pipeline, Undone::Bearable).await?)
                }
                Way::Cluster(cluster) => cluster.ping().await,
            }
        }))
    }
}
