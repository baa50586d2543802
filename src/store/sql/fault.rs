//! Layer 1: what an error of a database means to us. Its own texts are never passed on: they may
//! repeat values.

use std::borrow::Cow;
use std::io;

use sqlx::error::DatabaseError;

/// An error, read.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) fate: Fate,
    /// The cause for the log, without values or credentials.
    pub(super) text: Cow<'static, str>,
}

/// Which kind of error it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Away,
    /// Another process holds the lock of an `SQLite` file.
    Busy,
    Full,
    Corrupt,
    /// Two transactions were in each other's way, and the database let the other one win.
    Lost,
    /// A row breaks a unique constraint: its name on `PostgreSQL`, its columns on `SQLite`.
    Taken(String),
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It works; the database said no.
    Keep,
    /// It is broken, or ends at a server that cannot serve us now.
    Replace,
}

impl Fault {
    pub(super) fn of(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(said) => match said.try_downcast_ref() {
                Some(said) => Self::postgres(said),
                None => Self::sqlite(said.as_ref()),
            },
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Self::away("nobody listens there")
            }
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::away("its name or socket is not known")
            }
            // Which check of the certificate failed comes in the library's words.
            sqlx::Error::Io(error) => match error.get_ref().and_then(|e| e.downcast_ref()) {
                Some(tls) => Self::away(format!("TLS: {}", tls as &rustls::Error)),
                None => Self::away("the connection was lost"),
            },
            sqlx::Error::Tls(error) => Self::away(format!("TLS: {error}")),
            sqlx::Error::Protocol(_) => Self::away("it does not speak its protocol"),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::keep(FaultKind::Corrupt, "a column is of an unexpected type")
            }
            _ => Self::away("the connection cannot be used"),
        }
    }

    pub(super) fn late() -> Self {
        Self::away("no answer in time")
    }

    fn away(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: FaultKind::Away, fate: Fate::Replace, text: text.into() }
    }

    fn keep(kind: FaultKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, fate: Fate::Keep, text: text.into() }
    }

    /// By SQLSTATE (`PostgreSQL` documentation, appendix A).
    fn postgres(said: &sqlx::postgres::PgDatabaseError) -> Self {
        match said.code() {
            "23505" => {
                let name = said.constraint().unwrap_or_default().to_owned();
                Self::keep(FaultKind::Taken(name), "a unique constraint")
            }
            "40001" | "40P01" => Self::keep(FaultKind::Lost, "another transaction won"),
            "53100" => Self::keep(FaultKind::Full, "its disk is full"),
            "57014" => Self::keep(FaultKind::Away, "it did not finish in time"),
            "55P03" => Self::keep(FaultKind::Away, "a lock was not free in time"),
            "28000" | "28P01" => Self::away("it refuses the user or the password"),
            "3D000" => Self::away("there is no database of that name"),
            "42501" => Self::away("its user lacks a permission"),
            "42P01" | "42703" => Self::away("its tables are not those of this program"),
            "25006" => Self::away("it is a replica and takes no writes"),
            "53300" => Self::away("it takes no more connections"),
            "57P01" | "57P02" | "57P03" => Self::away("it is starting or stopping"),
            code if code.starts_with("22") || code.starts_with("23") => {
                Self::keep(FaultKind::Corrupt, format!("a row that is refused ({code})"))
            }
            code => Self::away(format!("error {code}")),
        }
    }

    /// By result code (<https://www.sqlite.org/rescode.html>): the low byte is the kind.
    fn sqlite(said: &dyn DatabaseError) -> Self {
        let code = said.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match (code & 0xFF, code) {
            (_, 1555 | 2067) => {
                let columns = said.message().rsplit(": ").next().unwrap_or_default().to_owned();
                Self::keep(FaultKind::Taken(columns), "a unique constraint")
            }
            (5 | 6, _) => Self::keep(FaultKind::Busy, "another process is writing to it"),
            (8, _) => Self::away("it may not be written to"),
            (10, _) => Self::away("its disk fails"),
            (11 | 26, _) => Self::keep(FaultKind::Corrupt, "the file is damaged or no database"),
            (13, _) => Self::keep(FaultKind::Full, "its disk is full"),
            (14, _) => Self::away("the file cannot be opened"),
            (18..=20, _) => {
                Self::keep(FaultKind::Corrupt, format!("a row that is refused ({code})"))
            }
            (_, code) => Self::away(format!("error {code}")),
        }
    }
}
