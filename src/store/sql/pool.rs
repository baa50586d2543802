//! Layer 1: connections that are kept open between calls.
//!
//! The database crate's own pool asks a connection whether it is alive before each use and again
//! after it. On `SQLite`, whose connections are threads, that costs more than the question itself
//! (measured for one row by its key: 73 µs of processor time, and 19 µs without); on `PostgreSQL`
//! two round trips. Here only one that nobody used for a while is asked, and where one turns out
//! to be broken, all that wait beside it are given up.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{ConnectOptions as _, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::limits;

/// Connections to one database. They are made when they are needed.
pub(super) struct Pool<C: Connection>(Arc<Shared<C>>);

struct Shared<C: Connection> {
    options: C::Options,
    places: Arc<Semaphore>,
    /// The one that was used last is the last.
    idle: Mutex<Vec<Idle<C>>>,
}

struct Idle<C> {
    connection: C,
    made: Instant,
    since: Instant,
}

/// A connection in use. It is closed when dropped, and with it whatever is under way on it, unless
/// it was given back.
pub(super) struct Kept<C: Connection> {
    connection: C,
    made: Instant,
    shared: Arc<Shared<C>>,
    place: OwnedSemaphorePermit,
}

impl<C: Connection> Pool<C> {
    /// At most `most` connections.
    pub(super) fn new(options: C::Options, most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most));
        Self(Arc::new(Shared { options, places, idle: Mutex::default() }))
    }

    /// A connection, for nobody else meanwhile. Who came first is served first. However long that
    /// takes is the caller's matter.
    pub(super) async fn get(&self) -> Result<Kept<C>, sqlx::Error> {
        let shared = &self.0;
        let place = Arc::clone(&shared.places).acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = |connection, made| {
            let shared = Arc::clone(shared);
            Kept { connection, made, shared, place }
        };
        let last = shared.idle().pop();
        if let Some(Idle { mut connection, made, since }) = last {
            if since.elapsed() < limits::SQL_TRUST {
                return Ok(kept(connection, made));
            }
            if let Ok(Ok(())) = timeout(limits::SQL_ALIVE, connection.ping()).await {
                return Ok(kept(connection, made));
            }
            // The others were used even longer ago.
            self.give_up_idle();
        }
        Ok(kept(shared.options.connect().await?, Instant::now()))
    }

    /// Closes what nobody uses: one connection turned out to be broken, or to end at a server that
    /// does not serve us any more, and the others will be no better.
    pub(super) fn give_up_idle(&self) {
        let gone = mem::take(&mut *self.0.idle());
        drop(gone);
    }
}

impl<C: Connection> Shared<C> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        // Nothing panics while it holds the list.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Connection> Kept<C> {
    /// Gives it back: nothing is under way on it.
    pub(super) fn give_back(self) {
        let Self { connection, made, shared, place } = self;
        let now = Instant::now();
        let mut idle = shared.idle();
        if made + limits::SQL_CONNECTION_LIFE > now {
            idle.push(Idle { connection, made, since: now });
        }
        if idle.first().is_some_and(|first| first.since + limits::SQL_IDLE < now) {
            idle.remove(0);
        }
        drop(idle);
        drop(place);
    }
}

impl<C: Connection> Deref for Kept<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C: Connection> DerefMut for Kept<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{Row as _, SqliteConnection, raw_sql};

    use super::*;

    fn pool(folder: &Path, most: usize) -> Pool<SqliteConnection> {
        let file = folder.join("pool.db");
        Pool::new(SqliteConnectOptions::new().filename(file).create_if_missing(true), most)
    }

    async fn run(kept: &mut Kept<SqliteConnection>, text: &'static str) -> Result<(), sqlx::Error> {
        raw_sql(text).execute(&mut **kept).await.map(drop)
    }

    async fn count(kept: &mut Kept<SqliteConnection>, text: &'static str) -> i64 {
        raw_sql(text).fetch_one(&mut **kept).await.unwrap().get(0)
    }

    /// What a connection alone sees: gone when it is closed.
    const OWN: &str = "CREATE TEMP TABLE own (n INTEGER)";
    const ASK_OWN: &str = "SELECT n FROM own";

    #[tokio::test]
    async fn a_transaction_that_was_dropped_half_way_hands_its_connection_to_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(folder.path(), 1);
        let mut first = pool.get().await.unwrap();
        run(&mut first, OWN).await.unwrap();
        run(&mut first, "CREATE TABLE rows (n INTEGER)").await.unwrap();
        run(&mut first, "BEGIN IMMEDIATE; INSERT INTO rows VALUES (1)").await.unwrap();
        assert_eq!(count(&mut first, "SELECT count(*) FROM rows").await, 1);
        drop(first);
        // There is one place: whoever comes next would get that very connection.
        let mut next = pool.get().await.unwrap();
        assert!(run(&mut next, ASK_OWN).await.is_err(), "the connection was handed on");
        assert_eq!(count(&mut next, "SELECT count(*) FROM rows").await, 0);
        run(&mut next, "BEGIN IMMEDIATE; INSERT INTO rows VALUES (2); COMMIT").await.unwrap();
        assert_eq!(count(&mut next, "SELECT count(*) FROM rows").await, 1);
    }

    #[tokio::test]
    async fn what_was_given_back_is_used_again_until_it_is_old_or_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(folder.path(), 1);
        let mut kept = pool.get().await.unwrap();
        run(&mut kept, OWN).await.unwrap();
        kept.give_back();
        let mut kept = pool.get().await.unwrap();
        run(&mut kept, ASK_OWN).await.unwrap();
        kept.made -= limits::SQL_CONNECTION_LIFE;
        kept.give_back();
        let mut kept = pool.get().await.unwrap();
        run(&mut kept, OWN).await.expect("the old connection was used again");
        kept.give_back();
        pool.give_up_idle();
        let mut kept = pool.get().await.unwrap();
        run(&mut kept, OWN).await.expect("the connection that was given up was used again");
    }

    #[tokio::test]
    async fn no_more_connections_are_in_use_than_there_are_places_also_when_some_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(folder.path(), 2);
        for _ in 0..3 {
            let (one, two) = (pool.get().await.unwrap(), pool.get().await.unwrap());
            assert_eq!(pool.0.places.available_permits(), 0);
            one.give_back();
            drop(two);
        }
        assert_eq!(pool.0.places.available_permits(), 2);
        assert_eq!(pool.0.idle().len(), 1);
    }
}
