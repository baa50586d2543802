//! App (layer 6): forgets marks whose time is over, so that the ledger does not grow with every
//! sign-in and logout.

use std::sync::Arc;
use std::time::Duration;

use super::shutdown::Shutdown;
use crate::clock::Clock;
use crate::limits;
use crate::random::Random;
use crate::store::StoreError;
use crate::store::ledger::Ledger;

/// Forgets until the process leaves. Any number of nodes may do so.
pub async fn forget(
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    shutdown: Shutdown,
) {
    loop {
        tokio::select! {
            () = shutdown.beginning() => return,
            () = tokio::time::sleep(pause(&*random)) => {}
        }
        if let Err(error) = sweep(&*ledger, &*clock).await {
            tracing::warn!(%error, "marks are not forgotten; it is tried again");
        }
    }
}

/// Forgets all whose time is over, a part at a time.
async fn sweep(ledger: &dyn Ledger, clock: &dyn Clock) -> Result<(), StoreError> {
    while ledger.forget_marks(clock.now(), limits::MARKS_AT_ONCE).await? == limits::MARKS_AT_ONCE {}
    Ok(())
}

/// Nodes that do it at different times are not in each other's way.
fn pause(random: &dyn Random) -> Duration {
    let mut byte = [0];
    random.fill(&mut byte);
    limits::MARK_SWEEP.mul_f64(0.5 + f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;
    use tokio::time;

    use super::super::shutdown::Pace;
    use super::*;
    use crate::clock::ManualClock;
    use crate::random::SequenceRandom;
    use crate::store::mark::{Mark, MarkKind, Marked, Marks as _};
    use crate::store::memory_ledger::MemoryLedger;
    use crate::store::record::TenantId;

    #[tokio::test(start_paused = true)]
    async fn marks_are_forgotten_within_a_while_of_their_time_and_never_before() {
        let clock = Arc::new(ManualClock::at(datetime!(2026-01-02 03:04:05 UTC)));
        let ledger = Arc::new(MemoryLedger::default());
        let mark = |number: usize, seconds| Mark {
            tenant: TenantId::parse("acme").unwrap(),
            kind: MarkKind::UsedJti,
            id: number.to_string(),
            until: clock.now() + Duration::from_secs(seconds),
        };
        let over: Vec<_> = (0..=2 * limits::MARKS_AT_ONCE).map(|n| mark(n, 60)).collect();
        let standing = mark(over.len(), 61);
        for mark in over.iter().chain([&standing]) {
            assert_eq!(ledger.mark(mark).await, Ok(Marked::Now));
        }
        let pace = Pace { readiness_grace: Duration::ZERO, drain: Duration::ZERO };
        let shutdown = Shutdown::new(pace);
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::new(1));
        let work = forget(Arc::clone(&ledger) as _, clock.clone(), random, shutdown.clone());
        let work = tokio::spawn(work);
        time::sleep(2 * limits::MARK_SWEEP).await;
        assert_eq!(ledger.mark(&over[0]).await, Ok(Marked::Before));

        clock.advance(::time::Duration::seconds(60));
        time::sleep(2 * limits::MARK_SWEEP).await;
        for mark in &over {
            assert_eq!(ledger.mark(mark).await, Ok(Marked::Now));
        }
        assert_eq!(ledger.mark(&standing).await, Ok(Marked::Before));
        shutdown.begin();
        work.await.unwrap();
    }
}
