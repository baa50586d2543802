//! Layer 1: the tables, brought up to date by numbered steps that only go forward. What was done is
//! written in the database, in the same transaction.

use tokio::time::{Instant, sleep, timeout_at};

use super::fault::{Fault, FaultKind};
use super::link::{Access, Link, Session};
use super::value::Statement;
use super::{OpenError, StoreError};
use crate::limits;

/// One step. Its number is its place in the list, from 1.
struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! steps {
    ($($name:literal),+ $(,)?) => {
        &[$(Step {
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

/// All steps. A step that was released is never changed: what it got wrong, a later one puts right.
const STEPS: &[Step] = steps![
    "0001_ledger",
    "0002_tenancy",
    "0003_linked_elsewhere",
    "0004_marks",
    "0005_name_ids",
    "0006_uploads",
    "0007_unsolicited"
];

const SQLITE_LOG: &str = "CREATE TABLE IF NOT EXISTS migrations \
    (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT";
const POSTGRES_LOG: &str = "CREATE TABLE IF NOT EXISTS migrations \
    (number BIGINT PRIMARY KEY, name TEXT NOT NULL)";
/// Of several nodes one goes on and the others wait, however long a step takes. The number means
/// nothing; it must only be the same everywhere.
const POSTGRES_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
    SELECT pg_advisory_xact_lock(5061746858219)";

/// Does the steps that are missing, all in one transaction.
pub(super) async fn bring_up_to_date(link: &Link) -> Result<(), OpenError> {
    let until = Instant::now() + limits::SQL_OPENING;
    loop {
        let outcome = timeout_at(until, go_forward(link)).await;
        match outcome.unwrap_or_else(|_| Err(Stop::Fault(Fault::late()))) {
            Ok(()) => return Ok(()),
            // Another process is making the same file.
            Err(Stop::Fault(Fault { kind: FaultKind::Busy, .. })) if Instant::now() < until => {
                sleep(limits::SQL_RETRY).await;
            }
            Err(Stop::Fault(fault)) => return Err(link.error(&fault).into()),
            Err(Stop::Store(error)) => return Err(error.into()),
            Err(Stop::Refused(error)) => return Err(error),
        }
    }
}

/// Why going forward stopped.
enum Stop {
    Fault(Fault),
    Store(StoreError),
    Refused(OpenError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

async fn go_forward(link: &Link) -> Result<(), Stop> {
    let mut session = link.session(Access::Write).await?;
    session.begin().await?;
    if session.is_sqlite() {
        session.plain(SQLITE_LOG).await?;
    } else {
        session.plain(POSTGRES_LOCK).await?;
        session.plain(POSTGRES_LOG).await?;
    }
    let done = done(&mut session, &link.place).await?;
    for (number, step) in (1..).zip(STEPS).skip(done) {
        let text = if session.is_sqlite() { step.sqlite } else { step.postgres };
        session.plain(text).await?;
        let log = Statement::new("INSERT INTO migrations (number, name) VALUES ($1, $2)");
        session.execute(&log.bind(number).bind(step.name)).await?;
        tracing::info!(database = link.place, step = step.name, "the tables were brought forward");
    }
    session.plain("COMMIT").await?;
    session.finish();
    Ok(())
}

/// How many of our steps were done; all that were done must be ours.
async fn done(session: &mut Session, place: &str) -> Result<usize, Stop> {
    let log = Statement::new("SELECT number, name FROM migrations ORDER BY number");
    let mut done = 0;
    for mut row in session.rows(&log).await? {
        let number: i64 = row.number().map_err(Stop::Store)?;
        let name = row.text().map_err(Stop::Store)?;
        let place = place.to_owned();
        match STEPS.get(done) {
            None => {
                let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
                return Err(Stop::Refused(OpenError::Newer { place, found: number, known }));
            }
            Some(step) if step.name != name => {
                return Err(Stop::Refused(OpenError::Foreign { place, number, name }));
            }
            Some(_) => done += 1,
        }
    }
    Ok(done)
}
