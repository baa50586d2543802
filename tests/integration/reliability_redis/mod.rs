//! The whole gateway, three nodes on one Redis that is killed and frozen under load (D-01): nobody
//! gets a wrong answer, and the nodes serve again by themselves.

mod load;
mod undone;

use std::time::{Duration, Instant};

use self::load::{Load, NODES};
use crate::support::outage::{Outages, until};
use crate::support::redis::{Access, Disk, RedisServer, Wire};
use crate::support::report::Size;

/// For how long Redis is away, from when the last node noticed.
const AWAY: Duration = Duration::from_secs(1);
const WHOLE_JOURNEYS: usize = 30;

#[derive(Clone, Copy)]
enum Blow {
    Kill,
    Freeze,
}

async fn survives(blow: Blow) {
    let (size, begun) = (Size::wanted(), Instant::now());
    let blows = size.choose(2, 20);
    // What Redis acknowledged it still knows after the kill: only so can single use be exact.
    let mut redis = RedisServer::with(Access::Open, Wire::Plain, Disk::Keeps);
    let load = Load::begin(&redis).await;
    let (mut recoveries, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..blows {
        let (before, struck) = (load.journeys(), Instant::now());
        until("journeys end well", || load.journeys() >= before + WHOLE_JOURNEYS).await;
        match blow {
            Blow::Kill => redis.kill(),
            Blow::Freeze => redis.freeze(),
        }
        until("every node notices", || load.seen().all_noticed(struck)).await;
        let noticed = Instant::now();
        until("time passes", || noticed.elapsed() > AWAY).await;
        let back = load.seen().is_back();
        match blow {
            Blow::Kill => {
                redis.start_again();
                starts.push(back.elapsed());
            }
            Blow::Freeze => redis.thaw(),
        }
        recoveries.push(load.seen().recovered(back).await);
    }
    let ended = load.end().await;
    let (name, title, done, since) = match blow {
        Blow::Kill => {
            let done = "times that Redis was killed, and started again";
            ("redis-killed", "Redis killed under load", done, "the order to start it")
        }
        Blow::Freeze => {
            let done = "times that Redis was stopped in its tracks, and went on";
            ("redis-frozen", "Redis frozen under load", done, "when it went on")
        }
    };
    let outages = Outages {
        done: vec![
            ("nodes", NODES),
            (done, blows),
            ("journeys from a ticket over an assertion to a logout", ended.journeys),
        ],
        load: "requests under load",
        requests: ended.requests,
        failures: vec![
            ("wrong answers", ended.wrong),
            ("sessions that came back, tickets or requests that worked twice", ended.twice),
        ],
        since,
        recoveries,
        starts,
        took: begun.elapsed(),
    };
    outages.told(name, title, size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_give_no_wrong_answer_when_redis_is_killed_and_go_on_when_it_is_back() {
    survives(Blow::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_give_no_wrong_answer_when_redis_is_frozen_and_go_on_when_it_is_back() {
    survives(Blow::Freeze).await;
}
