//! The whole gateway, three nodes on one Redis that is killed and frozen under load (D-01): nobody
//! gets a wrong answer, and the nodes serve again by themselves.

mod load;
mod undone;

use std::time::{Duration, Instant};

use self::load::{Load, until};
use crate::support::redis::{Access, Disk, RedisServer, Wire};

/// Within which every node must serve again after Redis does (D-01).
const RECOVERY: Duration = Duration::from_secs(10);
/// For how long Redis is away, from when the last node noticed.
const AWAY: Duration = Duration::from_secs(1);
/// When nobody was turned away for so long, it is over.
const CALM: Duration = Duration::from_millis(700);
const WHOLE_JOURNEYS: usize = 30;
const BLOWS: usize = 2;

#[derive(Clone, Copy)]
enum Blow {
    Kill,
    Freeze,
}

async fn survives(blow: Blow) {
    // What Redis acknowledged it still knows after the kill: only so can single use be exact.
    let mut redis = RedisServer::with(Access::Open, Wire::Plain, Disk::Keeps);
    let load = Load::begin(&redis).await;
    let mut recoveries = Vec::new();
    for _ in 0..BLOWS {
        let (before, struck) = (load.journeys(), Instant::now());
        until("journeys end well", || load.journeys() >= before + WHOLE_JOURNEYS).await;
        match blow {
            Blow::Kill => redis.kill(),
            Blow::Freeze => redis.freeze(),
        }
        until("every node notices", || load.all_noticed(struck)).await;
        let noticed = Instant::now();
        until("time passes", || noticed.elapsed() > AWAY).await;
        let back = Instant::now();
        match blow {
            Blow::Kill => redis.start_again(),
            Blow::Freeze => redis.thaw(),
        }
        until("every node serves again", || load.all_serve(back, CALM)).await;
        recoveries.push(load.last_turned_away().saturating_duration_since(back));
    }
    let seen = load.end().await;
    println!("recovered in {recoveries:?}; {seen}");
    assert!(recoveries.iter().all(|time| *time < RECOVERY), "{recoveries:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_give_no_wrong_answer_when_redis_is_killed_and_go_on_when_it_is_back() {
    survives(Blow::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_give_no_wrong_answer_when_redis_is_frozen_and_go_on_when_it_is_back() {
    survives(Blow::Freeze).await;
}
