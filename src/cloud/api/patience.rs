//! Layer 2, cloud: how long to wait before a call is made again: what the cloud asks for, else
//! longer each time, and never everybody at once (contract §7.1; RFC 9110 §10.2.3; D-07).

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::limits;
use crate::random::Random;

/// The longest wait before the second attempt; it doubles with each.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait of ours.
const LONGEST: Duration = Duration::from_secs(8);

/// What a header `Retry-After` asks for, as seconds or as a date, at most
/// [`limits::API_RETRY_AFTER`]. What is neither asks for nothing.
pub(super) fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if value.bytes().all(|b| b.is_ascii_digit()) && !value.is_empty() {
        // More digits than a number holds ask for a very long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let at = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        Duration::try_from(at - now).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(limits::API_RETRY_AFTER))
}

/// How long to wait after attempt number `attempt`, from 1: some time up to a bound that doubles,
/// on top of what was asked for.
pub(super) fn pause(attempt: u32, asked: Option<Duration>, random: &dyn Random) -> Duration {
    let bound = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    match asked {
        Some(asked) => asked + FIRST.mul_f64(share),
        // Never less than half of the bound: the other side needs some rest.
        None => bound.mul_f64(0.5 + share / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::random::SequenceRandom;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_a_date() {
        let wait = |value| retry_after(value, NOW);
        assert_eq!(wait("3"), Some(Duration::from_secs(3)));
        assert_eq!(wait(" 0 "), Some(Duration::ZERO));
        assert_eq!(wait("Fri, 02 Jan 2026 03:04:12 GMT"), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_wait_is_never_negative_and_never_without_bound() {
        let wait = |value| retry_after(value, NOW);
        assert_eq!(wait("Fri, 02 Jan 2026 03:00:00 GMT"), Some(Duration::ZERO));
        for long in ["86400", "99999999999999999999999999", "Sat, 02 Jan 2027 03:04:12 GMT"] {
            assert_eq!(wait(long), Some(limits::API_RETRY_AFTER), "{long}");
        }
        for nonsense in ["", "-5", "1.5", "soon", "+3"] {
            assert_eq!(wait(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn each_wait_is_longer_in_its_bound_and_two_nodes_wait_differently() {
        let random = SequenceRandom::new(3);
        for (attempt, bound) in [(1, 500), (2, 1000), (3, 2000), (9, 8000), (u32::MAX, 8000)] {
            let bound = Duration::from_millis(bound);
            for _ in 0..50 {
                let wait = pause(attempt, None, &random);
                assert!(wait >= bound / 2 && wait <= bound, "{attempt}: {wait:?}");
            }
        }
        assert_ne!(pause(1, None, &random), pause(1, None, &random));
    }

    #[test]
    fn what_is_asked_for_is_waited_at_least() {
        let random = SequenceRandom::new(3);
        let asked = Duration::from_secs(2);
        let wait = pause(1, Some(asked), &random);
        assert!(wait >= asked && wait <= asked + FIRST, "{wait:?}");
    }
}
