//! The contract over `SQLite`, and what only a file can do: be opened again, be private, be held by
//! another process.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skybridge::store::StoreError;
use skybridge::store::ledger::{Accounts as _, Commit};
use skybridge::store::sql::{Options, Sql};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Row as _, raw_sql};

use super::contract::contract;
use super::rows::{Subject, acme, customer, entry, next, of_account, person};

/// The file of a store in a folder of the test.
pub(crate) fn options(folder: &Path) -> Options {
    Options { url: format!("sqlite:{}/ledger.db", folder.display()).into(), ca_file: None }
}

/// Another process's connection to the same file.
pub(crate) async fn outside(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("ledger.db"));
    options.disable_statement_logging().connect().await.unwrap()
}

pub(crate) async fn sqlite() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Sql::open(&options(folder.path())).await.unwrap());
    Subject { ledger, _keep: Box::new(folder) }
}

contract!(sqlite);

#[tokio::test]
async fn a_file_that_is_opened_again_holds_all_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let first = Sql::open(&options(folder.path())).await.unwrap();
    let mut change = of_account(customer("alice"));
    change.history.push(entry("alice", "seen"));
    assert_eq!(first.commit(&change).await, Ok(Commit::Done));
    // Not closed, as in a crash; the second one reads what is on the disk.
    let second = Sql::open(&options(folder.path())).await.unwrap();
    assert_eq!(second.account(&acme(), &person("alice")).await, Ok(Some(customer("alice"))));
    assert_eq!(second.history(&acme(), &person("alice")).await.unwrap().len(), 1);
    drop(first);
    assert_eq!(second.commit(&of_account(next(&customer("alice")))).await, Ok(Commit::Done));
}

#[tokio::test]
async fn the_file_and_its_journal_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sql::open(&options(folder.path())).await.unwrap();
    store.commit(&of_account(customer("alice"))).await.unwrap();
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the file, its journal and its index");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn what_was_committed_is_flushed_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let _store = Sql::open(&options(folder.path())).await.unwrap();
    let mut outside = outside(folder.path()).await;
    let mode = sqlx::query("PRAGMA journal_mode").fetch_one(&mut outside).await.unwrap();
    assert_eq!(mode.get::<String, _>(0), "wal");
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_away_in_time_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sql::open(&options(folder.path())).await.unwrap();
    let mut outside = outside(folder.path()).await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut outside).await.unwrap();
    let begun = Instant::now();
    let refused = store.commit(&of_account(customer("alice"))).await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(
        matches!(&refused, Err(StoreError::Away(cause)) if cause.contains("another process")),
        "{refused:?}"
    );
    // Readers are in nobody's way.
    assert_eq!(store.account(&acme(), &person("alice")).await, Ok(None));
    raw_sql("ROLLBACK").execute(&mut outside).await.unwrap();
    assert_eq!(store.commit(&of_account(customer("alice"))).await, Ok(Commit::Done));
}

#[tokio::test]
async fn callers_that_go_away_leave_the_store_usable() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sql::open(&options(folder.path())).await.unwrap();
    for wait in 0..50 {
        let change = of_account(customer(&format!("c-{wait}")));
        let patience = Duration::from_micros(wait * 100);
        let _ = tokio::time::timeout(patience, store.commit(&change)).await;
    }
    assert_eq!(store.commit(&of_account(customer("alice"))).await, Ok(Commit::Done));
}

#[tokio::test]
async fn a_file_that_cannot_be_made_or_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = options(&folder.path().join("nowhere"));
    let error = Sql::open(&nowhere).await.err().unwrap().to_string();
    assert!(error.contains("nowhere/ledger.db"), "{error}");
    fs::write(folder.path().join("ledger.db"), "no database at all, but long enough").unwrap();
    let error = Sql::open(&options(folder.path())).await.err().unwrap().to_string();
    assert!(error.contains("no database"), "{error}");
}
