//! Layer 1: the connections to a database, and what can be done over one: read, write, or do
//! several things together or not at all.
//!
//! A connection goes back to the pool only when we know that nothing is under way on it. After a
//! lost answer, a late one or a caller that went away it is thrown away, and with it whatever was
//! not committed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Instant;

use sqlx::{ColumnIndex, Decode, PgConnection, SqliteConnection, Type};
use sqlx::{TypeInfo as _, ValueRef as _, raw_sql};
use tokio::time::timeout;

use super::StoreError;
use super::fault::{Fate, Fault, FaultKind};
use super::options::Target;
use super::pool::{Kept, Pool};
use super::value::{Row, Statement, Value};
use crate::{limits, measure};

/// The connections to one database.
pub(super) struct Link {
    pools: Pools,
    /// Which database, for people; without credentials.
    pub(super) place: String,
}

enum Pools {
    /// `SQLite` has one writer at a time: waiting for one connection is fairer than asking again
    /// and again for the file's lock.
    Sqlite {
        readers: Pool<SqliteConnection>,
        writer: Pool<SqliteConnection>,
    },
    Postgres(Pool<PgConnection>),
}

impl Pools {
    fn give_up_idle(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.give_up_idle();
                writer.give_up_idle();
            }
            Self::Postgres(pool) => pool.give_up_idle(),
        }
    }
}

/// What a connection is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// How a transaction ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All of it is durable.
    Done,
    /// A statement did not find its row, or another transaction won. Nothing was written.
    Missed,
    /// A row breaks a unique constraint: its name on `PostgreSQL`, its columns on `SQLite`. Nothing
    /// was written.
    Taken(String),
}

impl Link {
    /// Connections are made when they are needed.
    pub(super) fn new(target: Target) -> Result<Self, StoreError> {
        let place = target.place();
        let pools = match target {
            Target::Sqlite { file, options } => {
                // Only ever made, never opened: closing a file gives up the locks that this process
                // has on it, and with them those of SQLite.
                let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
                match made {
                    Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                        return Err(StoreError::Away(format!("{place}: {error}")));
                    }
                    _ => {}
                }
                let pool = |most| Pool::new(*options.clone(), most);
                Pools::Sqlite { readers: pool(limits::SQL_READERS), writer: pool(1) }
            }
            Target::Postgres { options, .. } => {
                Pools::Postgres(Pool::new(*options, limits::SQL_CONNECTIONS))
            }
        };
        Ok(Self { pools, place })
    }

    /// The rows that a statement gives. One that writes is a transaction of its own.
    pub(super) async fn rows(
        &self,
        operation: &'static str,
        access: Access,
        statement: Statement,
    ) -> Result<Vec<Row>, StoreError> {
        self.bounded(operation, async {
            let mut session = self.session(access).await?;
            let rows = session.rows(&statement).await;
            session.finish_if_clean(&rows);
            rows
        })
        .await
    }

    /// Does all statements in one transaction, each of which must change exactly one row.
    pub(super) async fn together(
        &self,
        operation: &'static str,
        statements: &[Statement],
    ) -> Result<Ending, StoreError> {
        self.bounded(operation, self.transaction(statements)).await
    }

    async fn transaction(&self, statements: &[Statement]) -> Result<Ending, Fault> {
        let mut session = self.session(Access::Write).await?;
        session.begin().await?;
        for statement in statements {
            let ending = match session.execute(statement).await {
                Ok(1) => continue,
                Ok(_) | Err(Fault { kind: FaultKind::Lost, .. }) => Ending::Missed,
                Err(Fault { kind: FaultKind::Taken(what), .. }) => Ending::Taken(what),
                Err(fault) => return Err(fault),
            };
            session.plain("ROLLBACK").await?;
            session.finish();
            return Ok(ending);
        }
        session.plain("COMMIT").await?;
        session.finish();
        Ok(Ending::Done)
    }

    /// Within the deadline, measured.
    async fn bounded<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let outcome = match timeout(limits::SQL_DEADLINE, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::late()),
        };
        if matches!(outcome, Err(Fault { fate: Fate::Replace, .. })) {
            self.pools.give_up_idle();
        }
        measure::store(operation, begun.elapsed());
        outcome.map_err(|fault| {
            measure::store_failed(operation);
            self.error(&fault)
        })
    }

    /// What a fault is to the store's users.
    pub(super) fn error(&self, fault: &Fault) -> StoreError {
        match fault.kind {
            FaultKind::Full => StoreError::Full,
            FaultKind::Corrupt => StoreError::Corrupt(format!("{}: {}", self.place, fault.text)),
            _ => StoreError::Away(format!("{}: {}", self.place, fault.text)),
        }
    }

    /// A connection of our own for a while.
    pub(super) async fn session(&self, access: Access) -> Result<Session, Fault> {
        let session = match (&self.pools, access) {
            (Pools::Sqlite { readers, .. }, Access::Read) => {
                readers.get().await.map(Session::Sqlite)
            }
            (Pools::Sqlite { writer, .. }, Access::Write) => {
                writer.get().await.map(Session::Sqlite)
            }
            (Pools::Postgres(pool), _) => pool.get().await.map(Session::Postgres),
        };
        session.map_err(Fault::of)
    }
}

/// A connection that is thrown away when dropped before [`Session::finish`].
pub(super) enum Session {
    Sqlite(Kept<SqliteConnection>),
    Postgres(Kept<PgConnection>),
}

/// A query with its values, on whichever database the session is.
macro_rules! query {
    ($text:expr, $values:expr) => {{
        let mut query = sqlx::query($text);
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text.clone()),
                Value::Number(number) => query.bind(*number),
            };
        }
        query
    }};
}

impl Session {
    /// Begins a transaction; on `SQLite` as the writer from the start, since a reader that becomes
    /// one may find that somebody else wrote meanwhile.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(_) => self.plain("BEGIN IMMEDIATE").await,
            Self::Postgres(_) => self.plain("BEGIN").await,
        }
    }

    /// Runs a text of statements without values.
    pub(super) async fn plain(&mut self, text: &'static str) -> Result<(), Fault> {
        match self {
            Self::Sqlite(on) => raw_sql(text).execute(&mut **on).await.map(drop),
            Self::Postgres(on) => raw_sql(text).execute(&mut **on).await.map(drop),
        }
        .map_err(Fault::of)
    }

    /// Runs a statement and says how many rows it changed.
    pub(super) async fn execute(&mut self, statement: &Statement) -> Result<u64, Fault> {
        match self {
            Self::Sqlite(on) => query!(statement.sqlite, &statement.values)
                .execute(&mut **on)
                .await
                .map(|done| done.rows_affected()),
            Self::Postgres(on) => query!(statement.postgres, &statement.values)
                .execute(&mut **on)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(Fault::of)
    }

    /// Runs a statement and gives its rows.
    pub(super) async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Fault> {
        let rows = match self {
            Self::Sqlite(on) => query!(statement.sqlite, &statement.values)
                .fetch_all(&mut **on)
                .await
                .and_then(|rows| rows.iter().map(row).collect()),
            Self::Postgres(on) => query!(statement.postgres, &statement.values)
                .fetch_all(&mut **on)
                .await
                .and_then(|rows| rows.iter().map(row).collect()),
        };
        rows.map_err(Fault::of)
    }

    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Gives the connection back: nothing is under way on it.
    pub(super) fn finish(self) {
        match self {
            Self::Sqlite(on) => on.give_back(),
            Self::Postgres(on) => on.give_back(),
        }
    }

    /// Gives the connection back unless the outcome of a single statement says that it is broken.
    fn finish_if_clean<T>(self, outcome: &Result<T, Fault>) {
        match outcome {
            Err(Fault { fate: Fate::Replace, .. }) => drop(self),
            _ => self.finish(),
        }
    }
}

fn row<R: sqlx::Row>(row: &R) -> Result<Row, sqlx::Error>
where
    usize: ColumnIndex<R>,
    for<'r> Option<i64>: Decode<'r, R::Database>,
    for<'r> Option<String>: Decode<'r, R::Database>,
    Option<i64>: Type<R::Database>,
    Option<String>: Type<R::Database>,
{
    let value = |column: usize| {
        let raw = row.try_get_raw(column)?;
        let is_number = ["INT8", "INTEGER"].contains(&raw.type_info().name());
        if is_number {
            row.try_get(column).map(Value::Number)
        } else {
            row.try_get(column).map(Value::Text)
        }
    };
    (0..row.len()).map(value).collect::<Result<_, _>>().map(Row::new)
}
