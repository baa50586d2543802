//! Main room: the system's clock and the system's generator of random bytes, the only place that
//! names them.

use time::OffsetDateTime;

use crate::clock::Clock;
use crate::random::Random;

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// The generator of the cryptographic library, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).expect("the library's generator is seeded or has aborted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_does_not_repeat_itself() {
        let mut blocks = [[0u8; 32]; 2];
        for block in &mut blocks {
            SystemRandom.fill(block);
        }
        assert_ne!(blocks[0], blocks[1]);
    }

    #[test]
    fn the_clock_tells_utc() {
        assert!(SystemClock.now().offset().is_utc());
    }
}
