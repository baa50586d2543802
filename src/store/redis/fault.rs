//! Layer 1: what an error of Redis means to us. Its own texts are never passed on: they may repeat
//! a command with its arguments.

use redis::{ErrorKind, RedisError};

/// An error, read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) fate: Fate,
    /// The cause for the log, without keys, values or credentials.
    pub(super) text: &'static str,
}

/// Which error of the store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Away,
    Full,
    Corrupt,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It works; the server said no.
    Keep,
    /// It is broken, or ends at a server that cannot serve us now; a new one may end at another.
    Replace,
}

impl Fault {
    pub(super) fn of(error: RedisError) -> Self {
        let kind = error.kind();
        // What the server said: to a command, to one of a pipeline, or to one of a transaction.
        if let Some([(_, first), ..]) = error.into_server_errors().as_deref() {
            return Self::said(first.code(), first.details().unwrap_or_default());
        }
        let text = match kind {
            ErrorKind::AuthenticationFailed => "it refuses the user or the password",
            ErrorKind::Parse => "it does not speak the Redis protocol",
            ErrorKind::UnexpectedReturnType => {
                return Self::corrupt("an answer of an unexpected type");
            }
            ErrorKind::Io => "the connection was lost",
            _ => "it refuses the greeting; is the database number right?",
        };
        Self { kind: FaultKind::Away, fate: Fate::Replace, text }
    }

    /// What the server said, by the first word of its error.
    fn said(code: &str, detail: &str) -> Self {
        let (fate, text) = match code {
            "OOM" => {
                let text = "it is out of memory";
                return Self { kind: FaultKind::Full, fate: Fate::Keep, text };
            }
            "WRONGTYPE" => return Self::corrupt("a key holds another type of value"),
            "ERR" if detail.contains("not an integer") => {
                return Self::corrupt("a key holds no counter");
            }
            "ERR" => (Fate::Keep, "it does not know a command; Redis 7.0 or later is needed"),
            "NOPERM" => (Fate::Keep, "its user lacks a permission on a command or on our keys"),
            "MISCONF" => (Fate::Keep, "it cannot save to disk and takes no writes"),
            "NOAUTH" => (Fate::Replace, "it wants a password"),
            "WRONGPASS" => (Fate::Replace, "it refuses the user or the password"),
            "LOADING" => (Fate::Replace, "it is still loading its data"),
            "READONLY" | "MASTERDOWN" => (Fate::Replace, "it is a replica and takes no writes"),
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" => {
                (Fate::Replace, "it is part of a cluster, which is not supported")
            }
            _ => (Fate::Replace, "it answers with an error that is not known here"),
        };
        Self { kind: FaultKind::Away, fate, text }
    }

    fn corrupt(text: &'static str) -> Self {
        Self { kind: FaultKind::Corrupt, fate: Fate::Keep, text }
    }
}
