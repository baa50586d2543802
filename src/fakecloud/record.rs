//! What went over the wire: the last exchanges, for people and for checkers that keep every
//! message. Apart room
//! `fakecloud`. The messages hold personal fields; this is a test instrument, and they never reach
//! a log.

use std::collections::VecDeque;

use serde::Serialize;

use super::bounds;
use super::fault::Finding;

/// One login, from the link to the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// When it began: a UTC time with milliseconds.
    pub at: String,
    /// The platform, as far as it is known.
    #[serde(rename = "xAccountType")]
    pub x_account_type: Option<String>,
    /// The ID of the `AuthnRequest`.
    pub request_id: Option<String>,
    /// The address that the browser was redirected to, with the signed query.
    pub redirect_url: Option<String>,
    /// The `AuthnRequest` before deflation.
    pub authn_request_xml: Option<String>,
    /// The `SAMLResponse` field after base64, if it is UTF-8.
    pub response_xml: Option<String>,
    /// The `RelayState` that came back.
    pub relay_state: Option<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// The stable code of a refusal, such as `FC-318`.
    pub code: Option<String>,
    /// What was expected and what came, of a refusal.
    pub sentence: Option<String>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The request is out; no answer came yet.
    Waiting,
    /// The answer was accepted: a console session opened, or the first login goes on.
    Accepted,
    /// The link or the answer was refused; `code` says why.
    Refused,
}

impl Exchange {
    /// An exchange of which nothing is known yet but its time.
    pub(crate) fn begun(at: String) -> Self {
        Self {
            at,
            x_account_type: None,
            request_id: None,
            redirect_url: None,
            authn_request_xml: None,
            response_xml: None,
            relay_state: None,
            verdict: Verdict::Waiting,
            code: None,
            sentence: None,
        }
    }

    /// Closes the exchange with a verdict.
    pub(crate) fn close(&mut self, refusal: Option<&Finding>) {
        self.verdict = if refusal.is_some() { Verdict::Refused } else { Verdict::Accepted };
        self.code = refusal.map(|finding| finding.fault.to_string());
        self.sentence = refusal.map(ToString::to_string);
    }
}

/// The last exchanges, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Record {
    exchanges: VecDeque<Exchange>,
}

impl Record {
    /// Remembers an exchange and forgets the oldest if there are too many.
    pub(crate) fn push(&mut self, exchange: Exchange) {
        if self.exchanges.len() == bounds::EXCHANGES {
            self.exchanges.pop_front();
        }
        self.exchanges.push_back(exchange);
    }

    /// Takes out the exchange that waits for the answer to `request_id`.
    pub(crate) fn take_waiting(&mut self, request_id: &str) -> Option<Exchange> {
        let at = self.exchanges.iter().position(|exchange| {
            exchange.verdict == Verdict::Waiting
                && exchange.request_id.as_deref() == Some(request_id)
        })?;
        self.exchanges.remove(at)
    }

    /// A copy of all.
    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.exchanges.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_bounded_and_forgets_the_oldest() {
        let mut record = Record::default();
        for number in 0..=bounds::EXCHANGES {
            record.push(Exchange::begun(number.to_string()));
        }
        let all = record.all();
        assert_eq!(all.len(), bounds::EXCHANGES);
        assert_eq!(all[0].at, "1");
    }
}
