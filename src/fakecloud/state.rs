//! What the simulated cloud remembers: platforms, accounts, requests that wait for an answer,
//! console sessions. Apart room `fakecloud`; contract §4.5 (outstanding-request lookup, one use).
//! All of it is bounded and in memory.

use std::collections::HashMap;
use std::sync::Arc;

use time::OffsetDateTime;

use super::accounts::Accounts;
use super::assertion::Statement;
use super::bounds;
use super::bss;
use super::fault::{Fault, Finding};
use super::first_login::Newcomers;
use super::knobs::Knobs;
use super::notification::Notifications;
use super::provision::{Platform, XAccountType};
use super::record::Record;
use super::script::Faults;

/// Everything that changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) knobs: Knobs,
    pub(crate) platforms: HashMap<XAccountType, Arc<Platform>>,
    /// The last signed redirect of each platform, for the knob that sends it again.
    pub(crate) last_redirects: HashMap<XAccountType, String>,
    pub(crate) accounts: Accounts,
    pub(crate) bss: bss::Memory,
    pub(crate) faults: Faults,
    pub(crate) outstanding: Outstanding,
    pub(crate) newcomers: Newcomers,
    pub(crate) notifications: Notifications,
    pub(crate) sessions: Sessions,
    pub(crate) record: Record,
}

/// Whether the link said that the customer comes for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstLogin {
    Yes,
    No,
}

/// A request that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) account_type: XAccountType,
    pub(crate) relay_state: String,
    pub(crate) first_login: FirstLogin,
    pub(crate) service: String,
    /// The fingerprint of the browser's cookie.
    pub(crate) browser: String,
    pub(crate) at: OffsetDateTime,
    /// It asked for a fresh sign-in.
    pub(crate) force_authn: bool,
    pub(crate) answered: bool,
}

/// The requests that may be answered, by ID. Answered ones stay until they expire, so that a second
/// answer is told apart from an answer to nothing.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    sent: HashMap<String, Sent>,
}

impl Outstanding {
    /// Remembers a request. Full is a fault: nothing is forgotten early.
    pub(crate) fn insert(&mut self, id: String, sent: Sent) -> Result<(), Finding> {
        if self.sent.len() >= bounds::OUTSTANDING {
            let now = sent.at;
            self.sent.retain(|_, old| now - old.at < bounds::OUTSTANDING_LIFE * 2);
        }
        if self.sent.len() >= bounds::OUTSTANDING {
            let came = self.sent.len().to_string();
            return Err(Finding::new(Fault::TooManyOutstanding, "a free place", came));
        }
        self.sent.insert(id, sent);
        Ok(())
    }

    /// The request that `id` names, if it may still be answered.
    pub(crate) fn waiting(&self, id: Option<&str>, now: OffsetDateTime) -> Result<&Sent, Finding> {
        let expected = "InResponseTo with the ID of a request of ours";
        let sent = id.and_then(|id| self.sent.get(id));
        let sent = sent.ok_or_else(|| Finding::value(Fault::RequestUnknown, expected, id))?;
        if sent.answered {
            return Err(Finding::value(Fault::RequestAnswered, "a first answer", id));
        }
        if now - sent.at >= bounds::OUTSTANDING_LIFE {
            let expected = format!("an answer within {}", bounds::OUTSTANDING_LIFE);
            let came = format!("one after {}", now - sent.at);
            return Err(Finding::new(Fault::RequestExpired, expected, came));
        }
        Ok(sent)
    }

    /// Uses the request up. Of two answers at once only one gets through.
    pub(crate) fn use_up(&mut self, id: &str, now: OffsetDateTime) -> Result<(), Finding> {
        self.waiting(Some(id), now)?;
        if let Some(sent) = self.sent.get_mut(id) {
            sent.answered = true;
        }
        Ok(())
    }
}

/// A console session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) account_type: XAccountType,
    pub(crate) statement: Statement,
    pub(crate) algorithm: String,
    pub(crate) certificate: Vec<u8>,
    pub(crate) opened: OffsetDateTime,
    pub(crate) ends: OffsetDateTime,
}

/// Console sessions by the fingerprint of their cookie.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: HashMap<String, Session>,
}

impl Sessions {
    /// Opens a session. Full is a fault.
    pub(crate) fn open(&mut self, name: String, session: Session) -> Result<(), Finding> {
        if self.open.len() >= bounds::SESSIONS {
            let now = session.opened;
            self.open.retain(|_, old| old.ends > now);
        }
        if self.open.len() >= bounds::SESSIONS {
            let came = self.open.len().to_string();
            return Err(Finding::new(Fault::TooManySessions, "a free place", came));
        }
        self.open.insert(name, session);
        Ok(())
    }

    /// The session of this name, if it has not ended.
    pub(crate) fn get(&self, name: &str, now: OffsetDateTime) -> Option<&Session> {
        self.open.get(name).filter(|session| session.ends > now)
    }

    /// Ends the session of this name.
    pub(crate) fn end(&mut self, name: &str) -> Option<Session> {
        self.open.remove(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn sent(at: OffsetDateTime) -> Sent {
        Sent {
            account_type: XAccountType::parse("T").unwrap(),
            relay_state: String::new(),
            first_login: FirstLogin::No,
            service: String::new(),
            browser: String::new(),
            at,
            force_authn: false,
            answered: false,
        }
    }

    #[test]
    fn a_request_is_answered_once_and_in_time() {
        let now = datetime!(2026-01-02 03:04:05 UTC);
        let mut outstanding = Outstanding::default();
        outstanding.insert("_a".to_owned(), sent(now)).unwrap();
        let late = now + bounds::OUTSTANDING_LIFE;
        let fault = |result: Result<(), Finding>| result.unwrap_err().fault;
        assert_eq!(fault(outstanding.use_up("_a", late)), Fault::RequestExpired);
        assert_eq!(fault(outstanding.use_up("_b", now)), Fault::RequestUnknown);
        outstanding.use_up("_a", now).unwrap();
        assert_eq!(fault(outstanding.use_up("_a", now)), Fault::RequestAnswered);
    }

    #[test]
    fn a_full_house_refuses_until_old_requests_have_expired() {
        let now = datetime!(2026-01-02 03:04:05 UTC);
        let mut outstanding = Outstanding::default();
        for number in 0..bounds::OUTSTANDING {
            outstanding.insert(format!("_{number}"), sent(now)).unwrap();
        }
        let full = outstanding.insert("_one".to_owned(), sent(now)).unwrap_err();
        assert_eq!(full.fault, Fault::TooManyOutstanding);
        let later = now + bounds::OUTSTANDING_LIFE * 2;
        outstanding.insert("_one".to_owned(), sent(later)).unwrap();
    }

    #[test]
    fn a_session_ends_by_the_clock_and_a_full_house_refuses() {
        let now = datetime!(2026-01-02 03:04:05 UTC);
        let session = Session {
            account_type: XAccountType::parse("T").unwrap(),
            statement: Statement::default(),
            algorithm: String::new(),
            certificate: Vec::new(),
            opened: now,
            ends: now + bounds::SESSION_LIFE,
        };
        let mut sessions = Sessions::default();
        for number in 0..bounds::SESSIONS {
            sessions.open(number.to_string(), session.clone()).unwrap();
        }
        assert!(sessions.get("0", now).is_some());
        assert!(sessions.get("0", now + bounds::SESSION_LIFE).is_none());
        let full = sessions.open("one".to_owned(), session.clone()).unwrap_err();
        assert_eq!(full.fault, Fault::TooManySessions);
        let later = Session { opened: session.ends, ..session };
        sessions.open("one".to_owned(), later).unwrap();
    }
}
