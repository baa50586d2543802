//! The tables of both databases: made once, never for a later program, and with rules of their own.

use std::sync::Arc;

use skybridge::store::StoreError;
use skybridge::store::ledger::{Accounts as _, Commit};
use skybridge::store::sql::{OpenError, Options, Sql};
use skybridge::store::tenancy::{Copies as _, Kept};
use sqlx::{Executor as _, Row as _, raw_sql};

use super::rows::{customer, entry, next, of_account};
use super::tenancy::copy;
use super::{postgres, sqlite};
use crate::support::postgres::shared;

/// What nobody may do to the tables, whatever their permissions.
const FORBIDDEN: &[&str] = &[
    "UPDATE history SET event = 'other'",
    "DELETE FROM history",
    "DELETE FROM accounts",
    "UPDATE accounts SET account_id = 'other'",
    "UPDATE accounts SET user_id = 'other'",
    "UPDATE accounts SET state = 'other'",
    "UPDATE registrations SET metadata = 'other'",
    "DELETE FROM registrations",
];

/// Lets four nodes open one new database at once.
async fn open_four(options: &Options) -> Sql {
    let gate = Arc::new(tokio::sync::Barrier::new(4));
    let openers: Vec<_> = (0..4)
        .map(|_| {
            let (options, gate) = (options.clone(), gate.clone());
            tokio::spawn(async move {
                gate.wait().await;
                Sql::open(&options).await.unwrap()
            })
        })
        .collect();
    let mut last = None;
    for (number, opener) in openers.into_iter().enumerate() {
        let store = opener.await.unwrap();
        let change = of_account(customer(&format!("c-{number}")));
        assert_eq!(store.commit(&change).await, Ok(Commit::Done));
        last = Some(store);
    }
    last.unwrap()
}

/// Asserts that a later program's database, and somebody else's, are left alone.
macro_rules! foreign_steps {
    ($options:expr, $outside:expr) => {
        let (options, outside) = (&$options, &mut $outside);
        let done: i64 = outside.fetch_one("SELECT count(*) FROM migrations").await.unwrap().get(0);
        assert!(done > 0);
        let later = "INSERT INTO migrations (number, name) VALUES (9999, '9999_later')";
        raw_sql(later).execute(&mut *outside).await.unwrap();
        let newer = Sql::open(options).await.err().unwrap();
        assert!(matches!(newer, OpenError::Newer { found: 9999, .. }), "{newer}");
        let other = "DELETE FROM migrations; INSERT INTO migrations VALUES (1, '0001_other')";
        raw_sql(other).execute(&mut *outside).await.unwrap();
        let foreign = Sql::open(options).await.err().unwrap();
        assert!(matches!(foreign, OpenError::Foreign { number: 1, .. }), "{foreign}");
    };
}

/// Asserts that the tables hold their rules against everybody.
macro_rules! rules {
    ($store:expr, $outside:expr) => {
        let mut change = of_account(customer("alice"));
        change.history.push(entry("alice", "seen"));
        assert_eq!($store.commit(&change).await, Ok(Commit::Done));
        assert_eq!($store.keep(&copy("a", 0)).await, Ok(Kept::New));
        for forbidden in FORBIDDEN {
            let outcome = raw_sql(*forbidden).execute(&mut $outside).await;
            assert!(outcome.is_err(), "{forbidden}");
        }
        let newer = of_account(next(&customer("alice")));
        assert_eq!($store.commit(&newer).await, Ok(Commit::Done));
    };
}

fn name(url: &str) -> String {
    url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_nodes_make_the_tables_of_sqlite_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let _store = open_four(&sqlite::options(folder.path())).await;
        let mut outside = sqlite::outside(folder.path()).await;
        let accounts = outside.fetch_one("SELECT count(*) FROM accounts").await.unwrap();
        assert_eq!(accounts.get::<i64, _>(0), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_nodes_make_the_tables_of_postgres_once() {
    for _ in 0..5 {
        let url = shared().database().await;
        let _store = open_four(&postgres::options(url.clone())).await;
        let mut outside = shared().admin(&name(&url)).await;
        let accounts = outside.fetch_one("SELECT count(*) FROM accounts").await.unwrap();
        assert_eq!(accounts.get::<i64, _>(0), 4);
    }
}

#[tokio::test]
async fn a_later_programs_sqlite_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlite::options(folder.path());
    Sql::open(&options).await.unwrap();
    let mut outside = sqlite::outside(folder.path()).await;
    foreign_steps!(options, outside);
}

#[tokio::test]
async fn a_later_programs_postgres_database_is_left_alone() {
    let url = shared().database().await;
    let options = postgres::options(url.clone());
    Sql::open(&options).await.unwrap();
    let mut outside = shared().admin(&name(&url)).await;
    foreign_steps!(options, outside);
}

#[tokio::test]
async fn the_tables_of_sqlite_hold_their_rules_against_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sql::open(&sqlite::options(folder.path())).await.unwrap();
    let mut outside = sqlite::outside(folder.path()).await;
    rules!(store, outside);
}

#[tokio::test]
async fn the_tables_of_postgres_hold_their_rules_against_everybody() {
    let url = shared().database().await;
    let store = Sql::open(&postgres::options(url.clone())).await.unwrap();
    let mut outside = shared().admin(&name(&url)).await;
    raw_sql("TRUNCATE history").execute(&mut outside).await.unwrap_err();
    rules!(store, outside);
}

#[tokio::test]
async fn a_value_that_a_database_cannot_keep_is_an_error_and_writes_nothing() {
    let url = shared().database().await;
    let store = Sql::open(&postgres::options(url)).await.unwrap();
    let mut change = of_account(customer("alice"));
    change.history.push(entry("alice", "nul \0"));
    let refused = store.commit(&change).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    change.history.clear();
    assert_eq!(store.commit(&change).await, Ok(Commit::Done));
}
