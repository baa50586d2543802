//! App (layer 6): how the process leaves. Readiness goes off first, the load balancer has time to
//! notice, then doors close, and whatever is under way is finished (D-15).

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{self, Instant};

/// The handle on leaving that all listeners, probes and background tasks share.
#[derive(Clone, Debug)]
pub struct Shutdown {
    phase: watch::Sender<Phase>,
    pace: Pace,
}

/// How much time leaving may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long new connections are still taken after readiness went off.
    pub readiness_grace: Duration,
    /// How long requests that are under way may take after that.
    pub drain: Duration,
}

/// How far leaving has come. It only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Staying,
    /// Doors close at this instant: one for all, also for connections that were taken after the
    /// beginning.
    Leaving(Instant),
    AtOnce,
}

impl Shutdown {
    /// A handle for a process that stays until [`begin`](Self::begin).
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { phase: watch::Sender::new(Phase::Staying), pace }
    }

    /// Begins to leave; calling it again changes nothing.
    pub fn begin(&self) {
        self.phase.send_if_modified(|now| {
            let first = *now == Phase::Staying;
            if first {
                *now = Phase::Leaving(Instant::now() + self.pace.readiness_grace);
            }
            first
        });
    }

    /// Leaves without waiting for anything.
    pub fn at_once(&self) {
        self.phase.send_replace(Phase::AtOnce);
    }

    /// Whether the process is leaving: it is not ready any more.
    #[must_use]
    pub fn begun(&self) -> bool {
        *self.phase.borrow() != Phase::Staying
    }

    /// Waits until leaving has begun: background tasks stop here.
    pub async fn beginning(&self) {
        self.reached(|now| now != Phase::Staying).await;
    }

    /// Waits until doors close: `readiness_grace` after the beginning.
    pub async fn closing(&self) {
        if let Phase::Leaving(closes) = self.reached(|now| now != Phase::Staying).await {
            self.until(closes).await;
        }
    }

    /// Waits until the time for requests under way is over: `drain` after the call.
    pub async fn drained(&self) {
        self.until(Instant::now() + self.pace.drain).await;
    }

    /// Waits until `end`, or until nothing is to be waited for any more.
    async fn until(&self, end: Instant) {
        tokio::select! {
            () = time::sleep_until(end) => {}
            _ = self.reached(|now| now == Phase::AtOnce) => {}
        }
    }

    async fn reached(&self, wanted: impl Fn(Phase) -> bool) -> Phase {
        let mut phases = self.phase.subscribe();
        let reached = phases.wait_for(|now| wanted(*now)).await;
        *reached.expect("the sender lives in self")
    }
}

/// Waits for SIGTERM or SIGINT and begins to leave; the next one leaves at once. Never returns by
/// itself.
///
/// # Errors
/// When the process may not handle signals.
pub async fn on_signals(shutdown: Shutdown) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        if shutdown.begun() {
            tracing::warn!(signal = name, "leaving at once");
            shutdown.at_once();
        } else {
            tracing::info!(signal = name, "leaving: not ready any more, then closing and draining");
            shutdown.begin();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { readiness_grace: Duration::from_secs(5), drain: Duration::from_secs(30) };

    #[tokio::test(start_paused = true)]
    async fn doors_close_a_grace_after_readiness_went_off() {
        let shutdown = Shutdown::new(PACE);
        assert!(!shutdown.begun());
        shutdown.begin();
        let begun = Instant::now();
        assert!(shutdown.begun());
        shutdown.closing().await;
        assert_eq!(begun.elapsed().as_secs(), 5);
        shutdown.drained().await;
        assert_eq!(begun.elapsed().as_secs(), 35);
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_signal_ends_all_waiting() {
        let shutdown = Shutdown::new(PACE);
        let begun = Instant::now();
        shutdown.begin();
        shutdown.at_once();
        shutdown.begin();
        shutdown.closing().await;
        shutdown.drained().await;
        assert_eq!(begun.elapsed().as_secs(), 0);
    }
}
