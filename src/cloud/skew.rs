//! Layer 2, cloud: how far a service provider's clock is from ours, as its requests tell. A clock
//! that runs away stops all journeys at once, on the day when it has run far enough; so it is seen
//! before.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use time::Duration;

/// How many requests the estimate looks back on.
const WINDOW: usize = 16;
/// A place without a request.
const EMPTY: i64 = i64::MAX;

/// The ages of a service provider's last requests when they arrived: travel, and the difference of
/// the clocks. The youngest of them travelled least, so it tells most about the clocks. No lock.
#[derive(Debug)]
pub struct Skew {
    milliseconds: [AtomicI64; WINDOW],
    next: AtomicUsize,
    is_wide: AtomicBool,
}

impl Default for Skew {
    fn default() -> Self {
        Self {
            milliseconds: std::array::from_fn(|_| AtomicI64::new(EMPTY)),
            next: AtomicUsize::new(0),
            is_wide: AtomicBool::new(false),
        }
    }
}

/// What one more request says about the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Same,
    /// They differ by more than half of what is allowed, as of now.
    Wide,
    /// They do not any more.
    Near,
}

impl Skew {
    /// Notes the age of a request whose signature was checked; `allowed` is how far the clocks may
    /// differ.
    pub fn note(&self, age: Duration, allowed: Duration) -> Verdict {
        let age = i64::try_from(age.whole_milliseconds()).unwrap_or(EMPTY - 1);
        let place = self.next.fetch_add(1, Ordering::Relaxed) % WINDOW;
        self.milliseconds[place].store(age, Ordering::Relaxed);
        let is_wide = self.offset().is_some_and(|offset| offset.abs() > allowed / 2);
        match (self.is_wide.swap(is_wide, Ordering::Relaxed), is_wide) {
            (false, true) => Verdict::Wide,
            (true, false) => Verdict::Near,
            _ => Verdict::Same,
        }
    }

    /// How far our clock is ahead of theirs, at most: negative where theirs is ahead. `None` before
    /// the first request.
    #[must_use]
    pub fn offset(&self) -> Option<Duration> {
        let youngest = self.milliseconds.iter().map(|age| age.load(Ordering::Relaxed)).min();
        youngest.filter(|age| *age != EMPTY).map(Duration::milliseconds)
    }

    /// What to do about the clocks, where they differ by more than half of what is `allowed`.
    #[must_use]
    pub fn advice(&self, allowed: Duration) -> Option<String> {
        let offset = self.offset().filter(|offset| offset.abs() > allowed / 2)?;
        let (seconds, most) = (offset.whole_seconds(), allowed.whole_seconds());
        let (whose, seconds) =
            if seconds < 0 { ("ahead of", -seconds) } else { ("behind", seconds) };
        Some(format!(
            "Its clock is {seconds} s {whose} ours, and beyond {most} s its requests are refused. \
             Have both machines set their clocks by NTP."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Duration = Duration::minutes(3);

    fn seconds(skew: &Skew) -> Option<i64> {
        skew.offset().map(Duration::whole_seconds)
    }

    #[test]
    fn the_youngest_of_the_last_requests_tells_the_difference() {
        let skew = Skew::default();
        assert_eq!(skew.offset(), None);
        for age in [9, 4, 60] {
            assert_eq!(skew.note(Duration::seconds(age), ALLOWED), Verdict::Same);
        }
        assert_eq!(seconds(&skew), Some(4));
        for _ in 0..WINDOW {
            skew.note(Duration::seconds(20), ALLOWED);
        }
        assert_eq!(seconds(&skew), Some(20), "what is long ago does not count");
    }

    #[test]
    fn a_clock_that_runs_away_is_told_once_and_so_is_its_return() {
        let skew = Skew::default();
        assert_eq!(skew.note(Duration::seconds(-89), ALLOWED), Verdict::Same);
        assert_eq!(skew.note(Duration::seconds(-91), ALLOWED), Verdict::Wide);
        assert_eq!(skew.note(Duration::seconds(-92), ALLOWED), Verdict::Same);
        let mut verdicts = Vec::new();
        for _ in 0..=WINDOW {
            verdicts.push(skew.note(Duration::seconds(1), ALLOWED));
        }
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Near).count(), 1);
    }

    #[test]
    fn advice_is_given_where_the_clocks_differ_much_and_names_whose_is_ahead() {
        for (age, part) in [
            (-120, Some("120 s ahead of ours")),
            (100, Some("100 s behind ours")),
            (89, None),
            (-90, None),
        ] {
            let skew = Skew::default();
            assert_eq!(skew.advice(ALLOWED), None);
            skew.note(Duration::seconds(age), ALLOWED);
            let advice = skew.advice(ALLOWED);
            assert_eq!(advice.is_some(), part.is_some(), "{age}");
            assert!(advice.is_none_or(|advice| advice.contains(part.unwrap_or_default())));
        }
    }

    #[test]
    fn one_slow_journey_says_nothing_about_clocks() {
        let skew = Skew::default();
        skew.note(Duration::seconds(1), ALLOWED);
        assert_eq!(skew.note(Duration::minutes(10), ALLOWED), Verdict::Same);
    }
}
