//! Leaf: what the log's one line per request says about a journey. A handler puts these into the
//! extensions of its response, `app` reads them there; so nobody else writes that line, and nobody
//! writes it twice.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::random::{self, Random};
use crate::refusal::{Code, Refusal};

/// The short id under which a journey stands in the log, and which a person quotes from an error
/// page.
///
/// Every request arrives with a fresh one in its extensions. A handler that continues a journey
/// puts the journey's own into its response instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JourneyId(Arc<str>);

impl JourneyId {
    /// A new journey.
    pub fn fresh(random: &dyn Random) -> Self {
        Self(random::short_id(random).into())
    }

    /// An id that was written down by [`as_str`](Self::as_str). `None` if it cannot have been: ids
    /// come back through stores and forms, and go into the log.
    pub fn parse(text: &str) -> Option<Self> {
        let right =
            text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        right.then(|| Self(text.into()))
    }

    /// The id as it is shown, logged and stored: ten digits and capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JourneyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a request came to, for the log. All fields may hold text that a stranger chose: the log
/// escapes it. None may hold a token, an assertion or a person's name (B-34).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The tenant, if the address named one that exists.
    pub tenant: Option<String>,
    /// The entityID of the service provider.
    pub sp: Option<String>,
    /// The customer's pseudonym ([`crate::secret::Pseudonyms`]).
    pub customer: Option<String>,
    /// What was done, such as `deliver`: the name that [`crate::measure::step`] counts.
    pub step: Option<&'static str>,
    /// Why the journey ended early.
    pub code: Option<Code>,
    /// The cause behind the code, with expectation and fact.
    pub cause: Option<String>,
}

impl Outcome {
    /// The outcome of a refusal.
    pub fn refused(refusal: &Refusal) -> Self {
        Self {
            sp: refusal.sp.clone(),
            code: Some(refusal.code),
            cause: Some(refusal.cause.clone()),
            ..Self::default()
        }
    }
}

/// Where a request came from, after listed proxies were believed and everybody else was not. In the
/// extensions of every request. It says nothing about the host: our own address comes from the
/// configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The browser's address, or that of the nearest party which is no listed proxy.
    pub address: IpAddr,
    /// How the request travelled on its first, public stretch.
    pub transport: Transport,
}

/// How a request travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over TLS.
    Tls,
    /// In the clear.
    Plain,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SequenceRandom;

    #[test]
    fn a_journey_id_survives_being_written_down() {
        let id = JourneyId::fresh(&SequenceRandom::new(1));
        assert_eq!(JourneyId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn what_is_no_journey_id_is_not_taken_for_one() {
        for wrong in ["", "ABCDEFGHJ", "ABCDEFGHJK2", "abcdefghjk", "ABCDE\nGHJK", "ABCDEFGHÄ"] {
            assert_eq!(JourneyId::parse(wrong), None, "{wrong:?}");
        }
    }
}
