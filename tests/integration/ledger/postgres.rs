//! The contract over a real `PostgreSQL`, and what happens when it does not play its part (D-01,
//! D-03, D-04).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use skybridge::limits;
use skybridge::store::StoreError;
use skybridge::store::ledger::{Accounts as _, Commit};
use skybridge::store::sql::{OpenError, Options, Sql};
use sqlx::{PgConnection, Row as _, raw_sql};
use tokio::task::JoinSet;

use super::contract::contract;
use super::rows::{Subject, acme, customer, of_account, person};
use crate::support::postgres::{Disk, PostgresServer, shared};

/// Within which a call must end when the server does not answer.
const SOON: Duration = Duration::from_secs(4);
/// Within which the store must work again after the server does (D-01).
const RECOVERY: Duration = Duration::from_secs(10);
/// How often it is asked meanwhile.
const BEAT: Duration = Duration::from_millis(20);

pub(crate) fn options(url: String) -> Options {
    Options { url: url.into(), ca_file: None }
}

pub(crate) async fn postgres() -> Subject {
    let url = shared().database().await;
    let ledger = Arc::new(Sql::open(&options(url)).await.unwrap());
    Subject { ledger, _keep: Box::new(()) }
}

contract!(postgres);

/// Asks until the store works again.
async fn wait_until_back(store: &Sql) {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(BEAT);
    while store.reachable().await.is_err() {
        assert!(begun.elapsed() < RECOVERY, "the store does not come back");
        beat.tick().await;
    }
}

/// The cause that a call ends with, which must be that the store is away, and soon.
async fn away<T: std::fmt::Debug>(call: impl Future<Output = Result<T, StoreError>>) -> String {
    let begun = Instant::now();
    let outcome = call.await;
    assert!(begun.elapsed() < SOON, "a call took {:?}", begun.elapsed());
    match outcome {
        Err(StoreError::Away(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_under_load_loses_nothing_and_is_found_again() {
    let mut server = PostgresServer::start(Disk::Keeps);
    let store = Arc::new(Sql::open(&options(server.database().await)).await.unwrap());
    let ends = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..20)
        .map(|writer| {
            let (store, ends) = (store.clone(), ends.clone());
            tokio::spawn(async move {
                let (mut done, mut failed) = (Vec::new(), 0);
                let mut beat = tokio::time::interval(BEAT);
                for number in 0.. {
                    if ends.load(Ordering::Relaxed) {
                        break;
                    }
                    beat.tick().await;
                    let id = format!("{writer}-{number}");
                    match store.commit(&of_account(customer(&id))).await {
                        Ok(Commit::Done) => done.push(id),
                        Err(StoreError::Away(_)) => failed += 1,
                        other => panic!("{other:?}"),
                    }
                }
                (done, failed)
            })
        })
        .collect();
    for _ in 0..2 {
        wait_until_written(&store, 100).await;
        server.kill();
        assert!(away(store.reachable()).await.contains("127.0.0.1"));
        server.start_again();
        wait_until_back(&store).await;
    }
    wait_until_written(&store, 300).await;
    ends.store(true, Ordering::Relaxed);
    let mut failures = 0;
    for writer in writers {
        let (done, failed) = writer.await.unwrap();
        failures += failed;
        for id in done {
            assert_eq!(store.account(&acme(), &person(&id)).await, Ok(Some(customer(&id))));
        }
    }
    assert!(failures > 0, "the kills must have been in somebody's way");
}

/// Waits until there are that many customers.
async fn wait_until_written(store: &Sql, customers: usize) {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(BEAT);
    while store.page(&acme(), None, customers).await.is_ok_and(|page| page.len() < customers) {
        assert!(begun.elapsed() < Duration::from_mins(1), "nobody writes");
        beat.tick().await;
    }
}

/// Reads so often at once; afterwards the store keeps the connections that it took.
async fn read_at_once(store: &Arc<Sql>, times: usize) {
    let mut readers = JoinSet::new();
    for _ in 0..times {
        let store = Arc::clone(store);
        readers.spawn(async move { store.account(&acme(), &person("alice")).await });
    }
    assert!(readers.join_all().await.iter().all(|found| *found == Ok(None)));
}

/// Ends all connections to a database but the one that says so, and says how many there were.
async fn end_connections(admin: &mut PgConnection) -> i64 {
    let text = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    raw_sql(text).fetch_one(admin).await.unwrap().get(0)
}

#[tokio::test]
async fn of_connections_that_broke_while_nobody_used_them_at_most_one_is_noticed() {
    let url = shared().database().await;
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let store = Arc::new(Sql::open(&options(url)).await.unwrap());
    let mut admin = shared().admin(&name).await;
    let (tenant, alice) = (acme(), person("alice"));
    let read = || store.account(&tenant, &alice);

    // Used a moment ago: whoever comes first may find out, and nobody after.
    read_at_once(&store, 8).await;
    assert!(end_connections(&mut admin).await > 1, "the test needs some that are kept");
    if let Err(error) = read().await {
        assert!(matches!(error, StoreError::Away(_)), "{error:?}");
    }
    for _ in 0..8 {
        assert_eq!(read().await, Ok(None));
    }

    // Not used for a while: they are asked before, and nobody finds out.
    read_at_once(&store, 8).await;
    assert!(end_connections(&mut admin).await > 0);
    tokio::time::pause();
    tokio::time::advance(limits::SQL_TRUST).await;
    tokio::time::resume();
    for _ in 0..8 {
        assert_eq!(read().await, Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_away_in_time_and_found_again() {
    let server = PostgresServer::start(Disk::Forgets);
    let store = Sql::open(&options(server.database().await)).await.unwrap();
    store.reachable().await.unwrap();
    server.freeze();
    let cause = away(store.commit(&of_account(customer("alice")))).await;
    assert!(cause.contains("in time"), "{cause}");
    away(store.account(&acme(), &person("alice"))).await;
    server.thaw();
    wait_until_back(&store).await;
    let found = store.account(&acme(), &person("alice")).await.unwrap();
    assert!(found.is_none() || found == Some(customer("alice")));
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_ends_the_call_and_not_the_store() {
    let server = shared();
    let url = server.database().await;
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let store = Sql::open(&options(url)).await.unwrap();
    let mut admin = server.admin(&name).await;
    raw_sql("BEGIN; LOCK TABLE accounts").execute(&mut admin).await.unwrap();
    away(store.commit(&of_account(customer("alice")))).await;
    raw_sql("ROLLBACK").execute(&mut admin).await.unwrap();
    assert_eq!(store.commit(&of_account(customer("alice"))).await, Ok(Commit::Done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_that_go_away_leave_the_store_usable() {
    let store = Sql::open(&options(shared().database().await)).await.unwrap();
    for wait in 0..100 {
        let change = of_account(customer(&format!("c-{wait}")));
        let patience = Duration::from_micros(wait * 100);
        let _ = tokio::time::timeout(patience, store.commit(&change)).await;
    }
    assert_eq!(store.commit(&of_account(customer("alice"))).await, Ok(Commit::Done));
}

#[tokio::test]
async fn the_server_is_reached_over_tls_and_on_its_socket() {
    let server = shared();
    let over_tls = Options {
        url: server.database_over_tls(None).await.into(),
        ca_file: Some(server.ca_file()),
    };
    for options in [over_tls, options(server.database_on_socket().await)] {
        let store = Sql::open(&options).await.unwrap();
        assert_eq!(store.commit(&of_account(customer("alice"))).await, Ok(Commit::Done));
    }
}

#[tokio::test]
async fn a_server_for_which_nobody_vouches_is_refused() {
    let server = shared();
    let url = server.database_over_tls(None).await;
    let cause = refusal(options(url.clone())).await;
    assert!(cause.contains("TLS"), "{cause}");
    let foreign = tempfile::tempdir().unwrap();
    crate::support::redis::write_certificates(foreign.path());
    let ca_file: PathBuf = foreign.path().join("ca.pem");
    let cause = refusal(Options { url: url.into(), ca_file: Some(ca_file) }).await;
    assert!(cause.contains("TLS"), "{cause}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_being_repeated() {
    let server = shared();
    let url = server.database_over_tls(Some("hunter2")).await;
    let cause = refusal(Options { url: url.into(), ca_file: Some(server.ca_file()) }).await;
    assert!(cause.contains("refuses the user or the password"), "{cause}");
    assert!(!cause.contains("hunter2"), "{cause}");
    let nowhere = server.database().await.replace("/test", "/nowhere");
    let cause = refusal(options(nowhere)).await;
    assert!(cause.contains("no database of that name"), "{cause}");
}

async fn refusal(options: Options) -> String {
    match Sql::open(&options).await {
        Err(OpenError::Store(StoreError::Away(cause))) => cause,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is opened"),
    }
}
