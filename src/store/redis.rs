//! Layer 1, shared backend: Redis (or a server that speaks its protocol) from version 7.0 on,
//! standalone, with TLS, ACL users and a key prefix.
//!
//! What the server must be told: `maxmemory-policy noeviction`, because an evicted used id is a
//! replay. What its user must be allowed: `~PREFIX* +get +set +getex +getdel +del +incr +pexpire
//! +multi +exec +ping +select`.
//!
//! Nothing is ever sent twice: when the answer to a command is lost, it may have taken effect, and
//! the caller is told that the store is away. For `take` and `claim` that means a refusal, which is
//! the safe side.
//!
//! Every command names one key and every answer is read by itself, so a cluster needs no more than
//! a link per node and [`renew_and_claim`](Ephemeral::renew_and_claim) sent in two halves when its
//! keys live on different nodes.

mod fault;
mod link;
mod options;

use std::time::Duration;

use redis::{Pipeline, pipe};

pub use self::options::{BadOptions, Options};

use self::link::Link;
use super::{Answer, Claim, Ephemeral, Key, StoreError, millis};

/// Entries in a Redis server, over one connection that all tasks share. Measured: one pipelined
/// connection costs less CPU per round trip than a pool at every load, because busy tasks share
/// system calls.
pub struct Redis {
    link: Link,
    prefix: String,
}

impl Redis {
    /// A store at the server that `options` name. Connects at the first call and whenever the
    /// connection was lost, so that it neither waits for the server at start-up nor needs a restart
    /// after it (D-01).
    ///
    /// # Errors
    /// [`BadOptions`] when the options cannot work whatever the server does.
    pub fn new(options: &Options) -> Result<Self, BadOptions> {
        Ok(Self { link: Link::new(options::target(options)?), prefix: options.prefix.clone() })
    }

    fn name(&self, key: &Key) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    fn add_claim(&self, pipeline: &mut Pipeline, key: &Key, value: &[u8], life: Duration) {
        // NX together with GET is what needs Redis 7.0. It answers with what was there, or nil when
        // we won.
        let command = pipeline.cmd("SET").arg(self.name(key)).arg(value);
        command.arg("NX").arg("GET").arg("PX").arg(millis(life));
    }
}

fn claim_of(before: Option<Vec<u8>>) -> Claim {
    before.map_or(Claim::Won, Claim::Lost)
}

impl Ephemeral for Redis {
    fn put<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut pipeline = pipe();
            let command = pipeline.cmd("SET").arg(self.name(key)).arg(value);
            command.arg("PX").arg(millis(life)).ignore();
            self.link.ask("put", &pipeline).await
        })
    }

    fn get<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut pipeline = pipe();
            pipeline.cmd("GET").arg(self.name(key));
            let (value,) = self.link.ask("get", &pipeline).await?;
            Ok(value)
        })
    }

    fn take<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut pipeline = pipe();
            pipeline.cmd("GETDEL").arg(self.name(key));
            let (value,) = self.link.ask("take", &pipeline).await?;
            Ok(value)
        })
    }

    fn claim<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, Claim> {
        Box::pin(async move {
            let mut pipeline = pipe();
            self.add_claim(&mut pipeline, key, value, life);
            let (before,) = self.link.ask("claim", &pipeline).await?;
            Ok(claim_of(before))
        })
    }

    fn renew<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut pipeline = pipe();
            pipeline.cmd("GETEX").arg(self.name(key)).arg("PX").arg(millis(life));
            let (value,) = self.link.ask("renew", &pipeline).await?;
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
            let mut pipeline = pipe();
            pipeline.cmd("GETEX").arg(self.name(renewal.0)).arg("PX").arg(millis(renewal.1));
            self.add_claim(&mut pipeline, claim, value, life);
            let (found, before) = self.link.ask("renew_and_claim", &pipeline).await?;
            Ok((found, claim_of(before)))
        })
    }

    fn count<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, u64> {
        Box::pin(async move {
            let mut pipeline = pipe();
            let name = self.name(key);
            // A transaction, so that no counter can be left without an end (which would lock
            // somebody out for good).
            pipeline.atomic().cmd("INCR").arg(&name);
            pipeline.cmd("PEXPIRE").arg(&name).arg(millis(life)).arg("NX").ignore();
            let (count,) = self.link.ask("count", &pipeline).await?;
            Ok(count)
        })
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut pipeline = pipe();
            pipeline.cmd("DEL").arg(self.name(key)).ignore();
            self.link.ask("remove", &pipeline).await
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut pipeline = pipe();
            pipeline.cmd("PING").ignore();
            self.link.ask("ping", &pipeline).await
        })
    }
}
