//! What happens to the store when a primary dies under load and another takes over (D-03): it works
//! again by itself, and what was acknowledged before stays so, as far as replication promises it.

use std::time::{Duration, Instant};

use skybridge::store::redis::Redis;
use skybridge::store::{Claim, Ephemeral as _, Key, Kind, StoreError};

use super::groups::options;
use super::load::{LIFE, Load, Survived, key, survives};
use crate::support::outage::RECOVERY;
use crate::support::redis::Wire;
use crate::support::redis_groups::{Member, RedisCluster, SERVICE, SentinelGroup};
use crate::support::report::Size;

async fn cause_of(store: &Redis) -> String {
    match store.ping().await {
        Err(StoreError::Away(cause)) => cause,
        other => panic!("{other:?} where the store is away"),
    }
}

async fn recovered(store: &Redis) {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    while let Err(error) = store.ping().await {
        assert!(begun.elapsed() < RECOVERY, "still {error}");
        beat.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_of_a_sentinel_group_is_replaced_and_nothing_is_given_twice() {
    let (size, begun, mut all) = (Size::wanted(), Instant::now(), Vec::new());
    for _ in 0..size.choose(1, 10) {
        let mut group = SentinelGroup::start(Wire::Plain);
        let options = options(&group.url(), None);
        all.push(survives(&options, || group.primary().kill()).await);
    }
    let blow = "times that the primary was killed, and two Sentinels made a replica one";
    let title = "Primary of a Sentinel group killed under load";
    Survived::outages(&all, blow, begun.elapsed()).told("sentinel", title, size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_sleeps_through_its_replacement_is_not_believed_when_it_wakes() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let options = options(&group.url(), None);
    let idle = Redis::new(&options).unwrap();
    let ended = key(Kind::Session, "ended");
    idle.put(&ended, b"alice", LIFE).await.unwrap();
    let port = group.primary().port;

    let load = Load::begin(&options);
    load.warm_up().await;
    let at = Instant::now();
    group.primary().freeze();
    let recovery = load.recovered(at).await;
    load.stores[0].remove(&ended).await.unwrap();
    group.servers.iter_mut().find(|server| server.port == port).unwrap().thaw();

    // This gateway heard nothing: its connection still leads to the one that slept.
    assert_eq!(idle.renew(&ended, LIFE).await, Ok(None));
    assert_eq!(idle.claim(&ended, b"x", LIFE).await, Ok(Claim::Won));
    assert_eq!(load.stores[1].get(&ended).await, Ok(Some(b"x".to_vec())));
    load.verify(at, recovery).await;
}

/// As `docs/operations.md` says how to do it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_change_of_the_primary_after_a_pause_of_its_writes_is_survived() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let options = options(&group.url(), None);
    survives(&options, || {
        assert_eq!(group.primary().tell(&["CLIENT", "PAUSE", "15000", "WRITE"]).trim(), "OK");
        assert_eq!(group.sentinels[1].tell(&["SENTINEL", "FAILOVER", SERVICE]).trim(), "OK");
    })
    .await;
}

/// What must not be undone is not acknowledged while no replica has it, and what was acknowledged
/// outlives the primary.
async fn nothing_counts_before_it_is_copied(store: &Redis, mut strike: impl FnMut(Strike)) {
    let [before, meanwhile] = ["before", "meanwhile"].map(|id| key(Kind::UsedRequest, id));
    let [taken, kept] = ["taken", "kept"].map(|id| key(Kind::Pending, id));
    for journey in [&taken, &kept] {
        store.put(journey, b"journey", LIFE).await.unwrap();
    }
    assert_eq!(store.claim(&before, b"first", LIFE).await, Ok(Claim::Won));
    assert!(store.take(&taken).await.unwrap().is_some());

    strike(Strike::FreezeReplicas);
    for cause in [
        store.claim(&meanwhile, b"lost", LIFE).await.unwrap_err(),
        store.take(&kept).await.unwrap_err(),
        store.remove(&kept).await.unwrap_err(),
    ] {
        assert!(cause.to_string().contains("no replica had it in time"), "{cause}");
    }
    strike(Strike::KillPrimaries);
    strike(Strike::ThawReplicas);
    recovered(store).await;
    assert_eq!(store.claim(&before, b"again", LIFE).await, Ok(Claim::Lost(b"first".to_vec())));
    assert_eq!(store.take(&taken).await, Ok(None));
    // Nobody was told that it was won. Whether the replica has it is a matter of luck.
    store.claim(&meanwhile, b"new", LIFE).await.unwrap();
}

enum Strike {
    FreezeReplicas,
    KillPrimaries,
    ThawReplicas,
}

#[tokio::test]
async fn in_a_sentinel_group_nothing_counts_before_it_is_copied() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let store = Redis::new(&options(&group.url(), None)).unwrap();
    let port = group.primary().port;
    nothing_counts_before_it_is_copied(&store, |strike| {
        let (primary, replicas): (Vec<_>, Vec<_>) =
            group.servers.iter_mut().partition(|server| server.port == port);
        strike.hit(primary, replicas);
    })
    .await;
}

#[tokio::test]
async fn in_a_cluster_nothing_counts_before_it_is_copied() {
    let mut cluster = RedisCluster::start(Wire::Plain);
    let mut options = options(&cluster.url_of(0..6), None);
    // All keys in one slot, so that one primary is enough to kill: most must stay to elect.
    options.prefix.push_str("{one}");
    let store = Redis::new(&options).unwrap();
    let slot = cluster.nodes[0].tell(&["CLUSTER", "KEYSLOT", &options.prefix]);
    let primary = usize::from(slot.trim().parse::<u16>().unwrap() / 5461).min(2);
    nothing_counts_before_it_is_copied(&store, |strike| {
        let (primaries, replicas) = cluster.nodes.split_at_mut(3);
        strike.hit(vec![&mut primaries[primary]], vec![&mut replicas[primary]]);
    })
    .await;
}

impl Strike {
    fn hit(&self, primaries: Vec<&mut Member>, replicas: Vec<&mut Member>) {
        match self {
            Self::FreezeReplicas => replicas.into_iter().for_each(Member::freeze),
            Self::KillPrimaries => primaries.into_iter().for_each(Member::kill),
            Self::ThawReplicas => replicas.into_iter().for_each(Member::thaw),
        }
    }
}

#[tokio::test]
async fn a_primary_whose_replicas_left_is_believed_alone_after_some_seconds() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let store = Redis::new(&options(&group.url(), None)).unwrap();
    let used = |number: u32| key(Kind::UsedRequest, &number.to_string());
    let port = group.primary().port;
    group.primary().tell(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    assert_eq!(store.claim(&used(0), b"x", LIFE).await, Ok(Claim::Won));
    group.servers.iter_mut().filter(|server| server.port != port).for_each(Member::kill);

    let (begun, mut number) = (Instant::now(), 1);
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    while let Err(error) = store.claim(&used(number), b"x", LIFE).await {
        assert!(begun.elapsed() < RECOVERY, "still {error}");
        assert!(error.to_string().contains("replica"), "{error}");
        number += 1;
        beat.tick().await;
    }
    assert!(number > 1 && begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(store.claim(&used(0), b"x", LIFE).await, Ok(Claim::Lost(b"x".to_vec())));
}

#[tokio::test]
async fn a_primary_that_must_not_write_alone_is_away_for_writers_when_its_replicas_are() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let store = Redis::new(&options(&group.url(), None)).unwrap();
    let used = key(Kind::UsedRequest, "_1");
    store.put(&used, b"x", LIFE).await.unwrap();
    let port = group.primary().port;
    let replicas = |group: &mut SentinelGroup, strike: fn(&mut Member)| {
        group.servers.iter_mut().filter(|server| server.port != port).for_each(strike);
    };
    replicas(&mut group, Member::freeze);
    let begun = Instant::now();
    let cause = loop {
        match store.put(&used, b"x", LIFE).await {
            Ok(()) => assert!(begun.elapsed() < RECOVERY, "it goes on writing alone"),
            Err(StoreError::Away(cause)) => break cause,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(cause.contains("replicas"), "{cause}");
    assert!(matches!(store.take(&used).await, Err(StoreError::Away(_))));
    assert_eq!(store.get(&used).await, Ok(Some(b"x".to_vec())));
    replicas(&mut group, Member::thaw);
}

#[tokio::test]
async fn sentinels_that_cannot_help_are_named_with_the_cause() {
    let mut group = SentinelGroup::start(Wire::Plain);
    let right = options(&group.url(), None);
    let other_name = group.url().replace(SERVICE, "earth");
    let cause = cause_of(&Redis::new(&options(&other_name, None)).unwrap()).await;
    assert!(cause.contains("watches no primary of that name"), "{cause}");

    let mut wrong = right.clone();
    wrong.sentinel_login.as_mut().unwrap().password = "hunter2".into();
    let cause = cause_of(&Redis::new(&wrong).unwrap()).await;
    assert!(cause.contains("Sentinel at 127.0.0.1:") && cause.contains("password"), "{cause}");
    assert!(!cause.contains("hunter2"), "{cause}");

    group.sentinels[0].kill();
    group.sentinels[1].kill();
    Redis::new(&right).unwrap().ping().await.unwrap();
    group.sentinels[2].kill();
    let cause = cause_of(&Redis::new(&right).unwrap()).await;
    assert!(cause.contains("refused"), "{cause}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_of_a_cluster_is_replaced_and_nothing_is_given_twice() {
    let (size, begun, mut all) = (Size::wanted(), Instant::now(), Vec::new());
    for _ in 0..size.choose(1, 5) {
        let mut cluster = RedisCluster::start(Wire::Plain);
        let options = options(&cluster.url_of(0..2), None);
        all.push(survives(&options, || cluster.nodes[0].kill()).await);

        // The other of the two that the address names dies too: the rest is known by now.
        cluster.nodes[0].start_again();
        cluster.until_whole();
        all.push(survives(&options, || cluster.nodes[1].kill()).await);
    }
    let blow = "times that one of three primaries was killed, and its replica became one";
    let title = "Primary of a six-node Cluster killed under load";
    Survived::outages(&all, blow, begun.elapsed()).told("cluster", title, size);
}

#[tokio::test]
async fn any_node_of_a_cluster_is_enough_to_find_the_others() {
    let mut cluster = RedisCluster::start(Wire::Plain);
    // A replica, and one that is not there.
    let address = cluster.url_of(4..6);
    cluster.nodes[5].kill();
    let store = Redis::new(&options(&address, None)).unwrap();
    recovered(&store).await;
    for number in 0..20 {
        let session = key(Kind::Session, &number.to_string());
        store.put(&session, b"x", LIFE).await.unwrap();
        assert_eq!(store.get(&session).await, Ok(Some(b"x".to_vec())));
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_followed_and_no_command_is_done_twice() {
    let cluster = RedisCluster::start(Wire::Plain);
    let options = options(&cluster.url_of(0..6), None);
    let store = Redis::new(&options).unwrap();
    let [here, gone, counter] = ["{m}here", "{m}gone", "{m}count"].map(|id| key(Kind::Session, id));
    store.put(&here, b"x", LIFE).await.unwrap();
    assert_eq!(store.count(&counter, LIFE).await, Ok(1));

    let name = |key: &Key| format!("{}{}", options.prefix, key.as_str());
    let slot = cluster.nodes[0].tell(&["CLUSTER", "KEYSLOT", &name(&here)]).trim().to_owned();
    let from = usize::from(slot.parse::<u16>().unwrap() / 5461).min(2);
    let to = (from + 1) % 3;
    let (ids, nodes) = ([from, to].map(RedisCluster::id), &cluster.nodes);
    let set_slot = |node: usize, rest: [&str; 2]| {
        let command = ["CLUSTER", "SETSLOT", &slot, rest[0], rest[1]];
        assert_eq!(nodes[node].tell(&command).trim(), "OK");
    };
    set_slot(to, ["IMPORTING", &ids[0]]);
    set_slot(from, ["MIGRATING", &ids[1]]);

    // What is still there is served there; what is not, at the new place, for this once.
    assert_eq!(store.get(&here).await, Ok(Some(b"x".to_vec())));
    assert_eq!(store.claim(&gone, b"y", LIFE).await, Ok(Claim::Won));
    assert_eq!(store.claim(&gone, b"z", LIFE).await, Ok(Claim::Lost(b"y".to_vec())));
    assert!(nodes[from].tell(&["EXISTS", &name(&gone)]).starts_with("ASK"));
    assert_eq!(store.take(&gone).await, Ok(Some(b"y".to_vec())));
    assert_eq!(store.take(&gone).await, Ok(None));
    let port = nodes[to].port.to_string();
    for moved in [&here, &counter] {
        let migrate = ["MIGRATE", "127.0.0.1", &port, &name(moved), "0", "5000"];
        let answer = nodes[from].tell(&[&migrate[..], &["AUTH2", "admin", "adminword"]].concat());
        assert_eq!(answer.trim(), "OK");
    }
    assert_eq!(store.get(&here).await, Ok(Some(b"x".to_vec())));
    let tried = store.count(&counter, LIFE).await;
    assert!(matches!(&tried, Err(StoreError::Away(cause)) if cause.contains("moving")));

    set_slot(to, ["NODE", &ids[1]]);
    set_slot(from, ["NODE", &ids[1]]);
    assert_eq!(store.count(&counter, LIFE).await, Ok(2));
    assert_eq!(store.take(&here).await, Ok(Some(b"x".to_vec())));
    assert_eq!(store.take(&here).await, Ok(None));
}

#[tokio::test]
async fn a_cluster_and_a_single_server_are_not_taken_for_each_other() {
    let cluster = RedisCluster::start(Wire::Plain);
    let node = cluster.url_of(0..1).replace("redis+cluster", "redis");
    let store = Redis::new(&options(&node, None)).unwrap();
    let mut causes = Vec::new();
    for number in 0..10 {
        let call = store.put(&key(Kind::Session, &number.to_string()), b"x", LIFE).await;
        causes.extend(call.err().map(|error| error.to_string()));
    }
    assert!(!causes.is_empty() && causes.iter().all(|cause| cause.contains("redis+cluster")));
}
