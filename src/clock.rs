//! Leaf: what time it is. Every room asks this trait; only `app` knows the system clock.

use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;

/// A source of wall-clock time in UTC.
pub trait Clock: Send + Sync {
    /// The current instant, always with a zero offset (Core 1.3.3: SAML times are UTC).
    fn now(&self) -> OffsetDateTime;
}

/// A clock that stands still until it is moved: for tests and for reproducible output.
#[derive(Debug)]
pub struct ManualClock {
    unix_millis: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `at`, cut to whole milliseconds.
    #[must_use]
    pub fn at(at: OffsetDateTime) -> Self {
        Self { unix_millis: AtomicI64::new(millis(at)) }
    }

    /// Moves the clock; a negative duration moves it back.
    pub fn advance(&self, by: time::Duration) {
        let by = i64::try_from(by.whole_milliseconds()).unwrap_or(i64::MAX);
        self.unix_millis.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        let nanos = i128::from(self.unix_millis.load(Ordering::SeqCst)) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_told_to() {
        let clock = ManualClock::at(datetime!(2026-01-02 03:04:05.678 UTC));
        assert_eq!(clock.now(), datetime!(2026-01-02 03:04:05.678 UTC));
        clock.advance(time::Duration::minutes(-5));
        assert_eq!(clock.now(), datetime!(2026-01-02 02:59:05.678 UTC));
    }
}
