//! What happens when Redis does not play its part (D-01, D-03, D-04): every call ends soon, with a
//! clear cause and without a secret in it, and the store works again by itself once the server
//! does.

use std::collections::HashSet;
use std::future::Future;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use redis::cmd;
use skybridge::store::redis::{Options, Redis};
use skybridge::store::{Claim, Ephemeral as _, Key, Kind, StoreError};

use super::redis::{options, store_at, store_by};
use crate::support::redis::{Access, Disk, PREFIX, RedisServer, Wire};

/// Within which a call must end when the server does not answer (D-01).
const SOON: Duration = Duration::from_secs(2);
/// Within which the store must work again after the server does (D-01).
const RECOVERY: Duration = Duration::from_secs(10);
const LIFE: Duration = Duration::from_hours(1);

fn key(id: &str) -> Key {
    Key::new(Kind::Session, "acme", id)
}

/// The cause that a call ends with, which must be that the store is away, and soon.
async fn away<T: std::fmt::Debug>(call: impl Future<Output = Result<T, StoreError>>) -> String {
    let begun = Instant::now();
    let outcome = call.await;
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    match outcome {
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

#[tokio::test]
async fn a_server_that_comes_up_late_is_found_without_a_restart() {
    let mut server = RedisServer::stopped(Access::Open, Wire::Plain, Disk::Forgets);
    let store = store_at(&server);
    let cause = away(store.get(&key("a"))).await;
    assert!(cause.contains("refused"), "{cause}");
    away(store.take(&key("a"))).await;
    away(store.claim(&key("a"), b"x", LIFE)).await;
    away(store.renew_and_claim((&key("a"), LIFE), &key("b"), b"x", LIFE)).await;
    away(store.put(&key("a"), b"x", LIFE)).await;
    away(store.count(&key("a"), LIFE)).await;
    away(store.remove(&key("a"))).await;

    server.start_again();
    recovered(&store).await;
    store.put(&key("a"), b"x", LIFE).await.unwrap();
    assert_eq!(store.get(&key("a")).await, Ok(Some(b"x".to_vec())));
}

#[tokio::test]
async fn a_killed_server_is_away_until_it_is_back() {
    let mut server = RedisServer::start();
    let store = store_at(&server);
    store.put(&key("a"), b"x", LIFE).await.unwrap();
    server.kill();
    away(store.get(&key("a"))).await;
    away(store.get(&key("a"))).await;
    server.start_again();
    recovered(&store).await;
    assert_eq!(store.get(&key("a")).await, Ok(None));
}

#[tokio::test]
async fn a_server_that_writes_to_disk_forgets_neither_sessions_nor_used_ids_when_it_is_killed() {
    let mut server = RedisServer::with(Access::Open, Wire::Plain, Disk::Keeps);
    let store = store_at(&server);
    let used = Key::new(Kind::UsedRequest, "acme", "_1");
    store.put(&key("a"), b"alice", LIFE).await.unwrap();
    assert_eq!(store.claim(&used, b"flow", LIFE).await, Ok(Claim::Won));
    store.put(&key("taken"), b"once", LIFE).await.unwrap();
    assert_eq!(store.take(&key("taken")).await, Ok(Some(b"once".to_vec())));

    server.kill();
    server.start_again();
    recovered(&store).await;
    assert_eq!(store.get(&key("a")).await, Ok(Some(b"alice".to_vec())));
    assert_eq!(store.claim(&used, b"again", LIFE).await, Ok(Claim::Lost(b"flow".to_vec())));
    assert_eq!(store.take(&key("taken")).await, Ok(None));
}

#[tokio::test]
async fn a_frozen_server_is_away_soon_and_serves_again_when_it_goes_on() {
    let mut server = RedisServer::start();
    let store = store_at(&server);
    store.put(&key("a"), b"x", LIFE).await.unwrap();
    server.freeze();
    let cause = away(store.get(&key("a"))).await;
    assert!(cause.contains("no answer in time"), "{cause}");
    let cause = away(store.get(&key("a"))).await;
    assert!(cause.contains("not connected in time"), "{cause}");
    server.thaw();
    recovered(&store).await;
    assert_eq!(store.get(&key("a")).await, Ok(Some(b"x".to_vec())));
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_is_never_sent_again() {
    const LOST: u64 = 5;
    let mut server = RedisServer::start();
    let store = store_at(&server);
    let counter = Key::new(Kind::Attempts, "acme", "alice");
    for _ in 0..LOST {
        recovered(&store).await;
        server.freeze();
        away(store.count(&counter, LIFE)).await;
        server.thaw();
    }
    recovered(&store).await;
    // Each of the lost ones took effect or did not; a repeated one would have counted twice.
    let count = store.count(&counter, LIFE).await.unwrap();
    assert!((1..=LOST + 1).contains(&count), "{count}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_calls_share_one_connection() {
    let server = RedisServer::start();
    let store = std::sync::Arc::new(store_at(&server));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.ping().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let clients: String = cmd("CLIENT").arg("LIST").query(&mut server.admin()).unwrap();
    let ours: HashSet<&str> =
        clients.lines().filter(|client| client.contains("cmd=ping")).collect();
    assert_eq!(ours.len(), 1, "{clients}");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_at_most_one_call() {
    let server = RedisServer::start();
    let store = store_at(&server);
    store.ping().await.unwrap();
    let mut admin = server.admin();
    let closed: u64 =
        cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query(&mut admin).unwrap();
    assert_eq!(closed, 1);
    let _ = store.ping().await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_peer_that_accepts_and_says_nothing_is_away() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = store_by(&format!("redis://{}", silent.local_addr().unwrap()), None);
    away(store.ping()).await;
    away(store.ping()).await;
}

#[tokio::test]
async fn wrong_credentials_are_named_as_the_cause_and_not_shown() {
    for (access, wire) in [(Access::Password, Wire::Plain), (Access::User, Wire::Tls)] {
        let server = RedisServer::with(access, wire, Disk::Forgets);
        let store = store_by(&server.url_with_password("hunter2"), server.ca_file());
        let cause = away(store.ping()).await;
        assert!(cause.contains("refuses the user or the password"), "{cause}");
        assert!(!cause.contains("hunter2"), "{cause}");
    }
}

#[tokio::test]
async fn a_missing_password_is_named_as_the_cause() {
    let server = RedisServer::with(Access::Password, Wire::Plain, Disk::Forgets);
    let address = server.url().split_once('@').unwrap().1.to_owned();
    let cause = away(store_by(&format!("redis://{address}"), None).ping()).await;
    assert!(cause.contains("wants a password"), "{cause}");
}

#[tokio::test]
async fn a_password_that_is_set_right_at_the_server_is_enough_to_be_served() {
    let server = RedisServer::start();
    let mut admin = server.admin();
    let address = server.url().replace("redis://", "redis://late:word@");
    let store = store_by(&address, None);
    away(store.ping()).await;
    let user = ["SETUSER", "late", "on", ">word", "~*", "+@all"];
    let _: String = cmd("ACL").arg(&user).query(&mut admin).unwrap();
    recovered(&store).await;
}

#[tokio::test]
async fn a_server_that_another_authority_vouches_for_is_not_talked_to() {
    let server = RedisServer::with(Access::User, Wire::Tls, Disk::Forgets);
    let cause = away(store_by(&server.url(), Some(server.foreign_ca_file())).ping()).await;
    assert!(cause.contains("TLS") && cause.contains("certificate"), "{cause}");
}

#[tokio::test]
async fn a_client_without_tls_at_a_port_with_tls_is_away() {
    let server = RedisServer::with(Access::Open, Wire::Tls, Disk::Forgets);
    away(store_by(&server.url().replace("rediss:", "redis:"), None).ping()).await;
}

#[tokio::test]
async fn a_server_without_memory_is_full_and_still_readable() {
    let server = RedisServer::start();
    let store = store_at(&server);
    store.put(&key("a"), b"x", LIFE).await.unwrap();
    let limit = ["SET", "maxmemory", "1"];
    let _: String = cmd("CONFIG").arg(&limit).query(&mut server.admin()).unwrap();
    assert_eq!(store.put(&key("b"), b"x", LIFE).await, Err(StoreError::Full));
    assert_eq!(store.claim(&key("b"), b"x", LIFE).await, Err(StoreError::Full));
    assert_eq!(store.count(&key("b"), LIFE).await, Err(StoreError::Full));
    assert_eq!(store.get(&key("a")).await, Ok(Some(b"x".to_vec())));
    assert_eq!(store.take(&key("a")).await, Ok(Some(b"x".to_vec())));
}

#[tokio::test]
async fn a_foreign_value_under_our_key_is_an_error_and_not_an_absence() {
    let server = RedisServer::start();
    let store = store_at(&server);
    let name = format!("{PREFIX}{}", key("a").as_str());
    let _: u64 = cmd("LPUSH").arg(name).arg("x").query(&mut server.admin()).unwrap();
    assert!(matches!(store.get(&key("a")).await, Err(StoreError::Corrupt(_))));
    assert!(matches!(store.take(&key("a")).await, Err(StoreError::Corrupt(_))));
    assert!(matches!(store.claim(&key("a"), b"x", LIFE).await, Err(StoreError::Corrupt(_))));
    store.put(&key("text"), b"x", LIFE).await.unwrap();
    assert!(matches!(store.count(&key("text"), LIFE).await, Err(StoreError::Corrupt(_))));
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_command_that_the_user_may_not_use_is_named_without_its_arguments() {
    let server = RedisServer::with(Access::User, Wire::Plain, Disk::Forgets);
    let elsewhere = Options { prefix: "elsewhere:".into(), ..options(&server.url(), None) };
    let store = Redis::new(&elsewhere).unwrap();
    let cause = away(store.put(&key("ident"), b"precious", LIFE)).await;
    assert!(cause.contains("permission"), "{cause}");
    assert!(!cause.contains("ident") && !cause.contains("precious"), "{cause}");
}

#[tokio::test]
async fn everything_in_the_server_has_the_prefix_and_an_end() {
    let server = RedisServer::start();
    let store = store_at(&server);
    store.put(&key("put"), b"x", LIFE).await.unwrap();
    store.claim(&key("claimed"), b"x", LIFE).await.unwrap();
    store.renew_and_claim((&key("put"), LIFE), &key("both"), b"x", LIFE).await.unwrap();
    store.count(&key("counted"), LIFE).await.unwrap();
    store.count(&key("counted"), LIFE).await.unwrap();
    let contents = server.contents();
    assert_eq!(contents.len(), 4);
    for held in contents {
        assert!(held.key.starts_with(PREFIX), "{held:?}");
        assert!((3_590_000..=3_600_000).contains(&held.life), "{held:?}");
        assert!(held.value == b"x" || held.value == b"2", "{held:?}");
    }
}

#[tokio::test]
async fn two_prefixes_on_one_server_do_not_see_each_other() {
    let server = RedisServer::start();
    let (ours, url) = (store_at(&server), server.url());
    let theirs = Options { prefix: "other:".into(), ..options(&url, None) };
    let theirs = Redis::new(&theirs).unwrap();
    ours.put(&key("a"), b"x", LIFE).await.unwrap();
    assert_eq!(theirs.get(&key("a")).await, Ok(None));
    assert_eq!(theirs.claim(&key("a"), b"y", LIFE).await, Ok(Claim::Won));
}
