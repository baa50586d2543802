//! The contract over a Sentinel group and a Cluster, each started once for all tests of it, over
//! TLS and with the least rights that the store needs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use skybridge::store::redis::{Login, Options, Redis};

use super::contract::{Subject, contract};
use crate::support::redis::{PASSWORD, PREFIX, Wire};
use crate::support::redis_groups::{RedisCluster, SentinelGroup, WATCHER};

/// Options for the store at that address, with keys that no other store has.
pub(crate) fn options(url: &str, ca_file: Option<PathBuf>) -> Options {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let prefix = format!("{PREFIX}{}:", NEXT.fetch_add(1, Ordering::Relaxed));
    let watched = url.contains("+sentinel");
    let login = || Login { user: Some(WATCHER.into()), password: PASSWORD.into() };
    Options { url: url.into(), prefix, ca_file, sentinel_login: watched.then(login) }
}

fn subject(options: &Options) -> Subject {
    let store = Arc::new(Redis::new(options).unwrap());
    Subject { store, clock: None, _server: Box::new(()) }
}

mod sentinel {
    fn primary() -> super::Subject {
        static GROUP: super::LazyLock<super::SentinelGroup> =
            super::LazyLock::new(|| super::SentinelGroup::start(super::Wire::Tls));
        super::subject(&super::options(&GROUP.url(), GROUP.ca_file()))
    }
    super::contract!(primary);
}

mod cluster {
    fn nodes() -> super::Subject {
        static CLUSTER: super::LazyLock<super::RedisCluster> =
            super::LazyLock::new(|| super::RedisCluster::start(super::Wire::Tls));
        super::subject(&super::options(&CLUSTER.url_of(0..6), CLUSTER.ca_file()))
    }
    super::contract!(nodes);
}
