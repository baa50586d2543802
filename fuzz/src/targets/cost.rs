//! Fuzzing: what the dearest request of an input cost. Only the gateway's own work is counted, not
//! what a target does to prepare it or to check its outcome.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What a request cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Processor time of this thread.
    pub(crate) time: Duration,
    /// The most memory that was held beyond what was held before, bytes; 0 where nobody counts.
    pub(crate) memory: usize,
}

const NOTHING: Cost = Cost { time: Duration::ZERO, memory: 0 };
thread_local!(static DEAREST: Cell<Cost> = const { Cell::new(NOTHING) });

/// What begins to count memory and says what is held, and what says the most since then.
type Counter = (fn() -> usize, fn() -> usize);
static COUNTER: OnceLock<Counter> = OnceLock::new();

/// Has memory counted.
#[allow(dead_code, reason = "the tests do not count it")]
pub(crate) fn count_memory(begin: fn() -> usize, most: fn() -> usize) {
    _ = COUNTER.set((begin, most));
}

/// Does the work of one request, and remembers what it cost.
pub(super) fn of<T>(work: impl FnOnce() -> T) -> T {
    let counter = COUNTER.get();
    let held = counter.map_or(0, |(begin, _)| begin());
    let begun = processor_time();
    let done = work();
    let time = processor_time().saturating_sub(begun);
    let memory = counter.map_or(0, |(_, most)| most().saturating_sub(held));
    DEAREST.with(|dearest| {
        let before = dearest.get();
        dearest.set(Cost { time: time.max(before.time), memory: memory.max(before.memory) });
    });
    done
}

/// The cost of the dearest request since the last call.
#[allow(dead_code, reason = "the tests do not weigh")]
pub(crate) fn take() -> Cost {
    DEAREST.take()
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}
