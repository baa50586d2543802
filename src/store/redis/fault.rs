//! Layer 1: what an error of Redis means to us. Its own texts are never passed on: they may repeat
//! a command with its arguments.

use redis::{ErrorKind, RedisError};

/// An error, read.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) fate: Fate,
    /// The cause for the log, without keys, values or credentials.
    pub(super) text: &'static str,
}

/// Which error of the store it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Away,
    Full,
    Corrupt,
    /// Nothing was done: another node of the cluster serves the key.
    Elsewhere(Redirection),
}

/// Which other node serves a key, as the asked one said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirection {
    /// Slot and address.
    pub(super) detail: String,
    pub(super) stay: Stay,
}

/// For how long a redirection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// From now on (`MOVED`).
    ForGood,
    /// For this command: the slot is on its way there (`ASK`).
    Once,
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
            "MOVED" => return Self::elsewhere(detail, Stay::ForGood),
            "ASK" => return Self::elsewhere(detail, Stay::Once),
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
            "NOREPLICAS" => (Fate::Keep, "too few of its replicas keep up; it takes no writes"),
            "CLUSTERDOWN" => (Fate::Keep, "its cluster is down, or does not serve every slot"),
            "TRYAGAIN" => (Fate::Keep, "its cluster is moving the slot of the key"),
            _ => (Fate::Replace, "it answers with an error that is not known here"),
        };
        Self { kind: FaultKind::Away, fate, text }
    }

    fn elsewhere(detail: &str, stay: Stay) -> Self {
        Self {
            kind: FaultKind::Elsewhere(Redirection { detail: detail.to_owned(), stay }),
            fate: Fate::Keep,
            text: "it is part of a cluster; the address must begin with redis+cluster",
        }
    }

    fn corrupt(text: &'static str) -> Self {
        Self { kind: FaultKind::Corrupt, fate: Fate::Keep, text }
    }
}
