//! How often each API is called, and when that is too often: ten calls in any one second by one
//! partner. Apart room `fakecloud`; contract §7.1.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::fakecloud::bounds;
use crate::fakecloud::script::Api;

/// How often an API was called since this cloud began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// All calls.
    pub calls: u64,
    /// Of them, without good credentials.
    pub refused: u64,
    /// Of them, refused with 429 because there were too many.
    pub throttled: u64,
    /// Of them, those that the fault script changed.
    pub faulted: u64,
}

/// What is known of past calls.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    counts: BTreeMap<Api, Calls>,
    /// The calls of the last second that were let through, by API and partner.
    windows: HashMap<(Api, String), VecDeque<OffsetDateTime>>,
}

impl Meter {
    /// The numbers of an API, to count in.
    pub(super) fn count(&mut self, api: Api) -> &mut Calls {
        self.counts.entry(api).or_default()
    }

    /// All numbers.
    pub(super) fn counts(&self) -> BTreeMap<Api, Calls> {
        self.counts.clone()
    }

    /// Lets a call through, or says how long to wait.
    pub(super) fn pass(
        &mut self,
        api: Api,
        partner: &str,
        now: OffsetDateTime,
    ) -> Result<(), Duration> {
        let window = self.windows.entry((api, partner.to_owned())).or_default();
        while window.front().is_some_and(|first| *first + Duration::SECOND <= now) {
            window.pop_front();
        }
        match window.front() {
            Some(first) if window.len() >= bounds::CALLS_A_SECOND => {
                Err(*first + Duration::SECOND - now)
            }
            _ => {
                window.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn ten_calls_pass_in_any_one_second_for_each_api_and_partner() {
        let start = datetime!(2026-01-02 03:04:05 UTC);
        let mut meter = Meter::default();
        let mut pass =
            |api, partner: &str, ms| meter.pass(api, partner, start + Duration::milliseconds(ms));
        for call in 0..10 {
            pass(Api::ListCustomers, "a", call * 50).unwrap();
        }
        let wait = pass(Api::ListCustomers, "a", 999).unwrap_err();
        assert_eq!(wait, Duration::MILLISECOND);
        pass(Api::CreateCustomer, "a", 999).unwrap();
        pass(Api::ListCustomers, "b", 999).unwrap();
        pass(Api::ListCustomers, "a", 1000).unwrap();
        assert_eq!(pass(Api::ListCustomers, "a", 1000).unwrap_err(), Duration::milliseconds(50));
        pass(Api::ListCustomers, "a", 1050).unwrap();
    }
}
