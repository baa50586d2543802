//! Layer 1, durable backend: one implementation over `SQLite` (one machine) and `PostgreSQL` from
//! version 12 on (several). Both run the same SQL; `schema` brings a database up to date, `link`
//! holds the connections, and the other files are the traits of [`ledger`](super::ledger).
//!
//! Races are judged by unique constraints and versions in the database. When the answer to a call
//! is lost it may have taken effect, and the caller is told that the store is away: nothing is ever
//! sent twice. A lost connection is replaced by itself.
//!
//! What a `PostgreSQL` user needs: to own its database or a schema of its own, since the program
//! makes its tables itself.

mod accounts;
mod fault;
mod intents;
mod link;
mod marks;
mod name_ids;
mod options;
mod outbox;
mod pool;
mod schema;
mod tenancy;
mod uploads;
mod value;

pub use self::options::{BadOptions, Options};

use self::link::Link;
use super::StoreError;

/// What must survive, in a database.
pub struct Sql {
    link: Link,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The options cannot work whatever the database does.
    #[error(transparent)]
    Options(#[from] BadOptions),
    /// The database does not answer as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A later version of the program has changed the database.
    #[error(
        "{place} was changed by a later version of the program (step {found}, this one knows \
         {known}); use that version, or restore a backup from before"
    )]
    Newer {
        /// Which database.
        place: String,
        /// The last step that was done there.
        found: i64,
        /// The last step that this program knows.
        known: i64,
    },
    /// Somebody else's steps were done in the database.
    #[error("{place} was not made by this program: its step {number} is called {name}")]
    Foreign {
        /// Which database.
        place: String,
        /// The step.
        number: i64,
        /// Its name there.
        name: String,
    },
}

impl Sql {
    /// Opens the database that `options` name and brings it up to date. Any number of nodes may do
    /// so at once: one does the work and the others wait for it. An `SQLite` file that is not there
    /// is made, readable by its owner only.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let link = Link::new(options::target(options)?)?;
        schema::bring_up_to_date(&link).await?;
        Ok(Self { link })
    }

    /// The same database as it is, for somebody who only reads: nothing is brought up to date, and
    /// what an older version of the program has left may be unreadable.
    ///
    /// # Errors
    /// [`OpenError`]. An `SQLite` file must be there.
    pub fn look(options: &Options) -> Result<Self, OpenError> {
        Ok(Self { link: Link::new(options::target(options)?)? })
    }
}
