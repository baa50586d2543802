//! Layer 2, cloud: an API that fails again and again is left alone for a while, so that waiting for
//! it does not fill the gateway and the cloud is not hit while it is down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which an API is left alone: more than one call makes.
const FAILURES: u32 = 6;
/// How long it is left alone; then one call may try.
const REST: Duration = Duration::from_secs(10);

/// The state of each API, in this process.
#[derive(Default)]
pub(super) struct Breaker(Mutex<HashMap<&'static str, State>>);

#[derive(Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

/// How an attempt ended, as far as the API's health goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered, if only with a refusal.
    Answers,
    /// It did not, or said that it cannot.
    Fails,
}

impl Breaker {
    /// Asks before an attempt; an error says how long the API still rests.
    pub(super) fn ask(&self, api: &'static str) -> Result<(), Duration> {
        let now = Instant::now();
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(api).or_default();
        match state.rests_until {
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                // This one tries for all; if nothing is heard of it, the next may after a rest.
                state.rests_until = Some(now + REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells how an attempt ended.
    pub(super) fn tell(&self, api: &'static str, health: Health) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(api).or_default();
        if health == Health::Answers {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.rests_until = Some(Instant::now() + REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn broken() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.ask("list").is_ok());
            breaker.tell("list", Health::Fails);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_that_fails_in_a_row_rests_and_others_do_not() {
        let breaker = broken();
        assert_eq!(breaker.ask("list"), Err(REST));
        assert!(breaker.ask("check").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_rest_one_call_tries_for_all() {
        let breaker = broken();
        advance(REST).await;
        assert!(breaker.ask("list").is_ok());
        assert!(breaker.ask("list").is_err());
        breaker.tell("list", Health::Answers);
        assert!(breaker.ask("list").is_ok());
        assert!(breaker.ask("list").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_fails_is_another_rest() {
        let breaker = broken();
        advance(REST).await;
        assert!(breaker.ask("list").is_ok());
        breaker.tell("list", Health::Fails);
        assert_eq!(breaker.ask("list"), Err(REST));
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_forgives_earlier_failures() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.tell("list", Health::Fails);
            }
            breaker.tell("list", Health::Answers);
        }
        assert!(breaker.ask("list").is_ok());
    }
}
