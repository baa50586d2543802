//! Layer 2, cloud: how often one partner may call one API, all nodes together (contract §7.1;
//! conformance D-07).
//!
//! Time is cut into slots, and each slot belongs to the node that claims it in the shared store.
//! With n slots a second no sliding second holds more than n + 1 calls, so nine slots keep within a
//! limit of ten; that the last part of a slot is never used leaves room for calls that travel at
//! different speeds and for clocks that are not quite equal.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use crate::clock::Clock;
use crate::limits;
use crate::store::record::TenantId;
use crate::store::{Claim, Ephemeral, Key, Kind, StoreError};

const SECOND: i128 = 1_000_000_000;

/// One tenant's budget.
pub(super) struct Budget {
    tenant: TenantId,
    store: Arc<dyn Ephemeral>,
    clock: Arc<dyn Clock>,
    slots_per_second: i128,
    /// The last slot of each API that this node asked for: no slot is asked for twice, and while
    /// the store is away this alone keeps the pace.
    asked: Mutex<HashMap<&'static str, i128>>,
}

/// The next free slot begins after the caller's patience ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exhausted {
    /// When a slot may be free.
    pub(super) retry_after: Duration,
}

impl Budget {
    pub(super) fn new(
        tenant: TenantId,
        requests_per_second: NonZeroU32,
        (store, clock): (Arc<dyn Ephemeral>, Arc<dyn Clock>),
    ) -> Self {
        let slots_per_second = i128::from(requests_per_second.get());
        Self { tenant, store, clock, slots_per_second, asked: Mutex::default() }
    }

    /// Waits until this node may call `api` once, at most for `patience`.
    pub(super) async fn take(
        &self,
        api: &'static str,
        patience: Duration,
    ) -> Result<(), Exhausted> {
        let last = self.now() + nanos(patience);
        loop {
            let (slot, begin) = self.next(api, last)?;
            let until = duration(begin - self.now());
            let key = Key::new(Kind::ApiSlot, self.tenant.as_str(), &format!("{api}:{slot}"));
            let claim = self.store.claim(&key, b"", until + limits::CLOCK_DRIFT).await;
            match claim {
                Ok(Claim::Won) => {}
                Ok(Claim::Lost(_)) => continue,
                Err(error) => self.alone(api, &error),
            }
            sleep(duration(begin - self.now())).await;
            return Ok(());
        }
    }

    /// The next slot that this node has not asked for, and the time from which it may be used.
    fn next(&self, api: &'static str, last: i128) -> Result<(i128, i128), Exhausted> {
        let now = self.now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = asked.entry(api).or_insert(i128::MIN);
        // Round up by half a slot: the running slot counts only while it is in its first half.
        let half = SECOND / self.slots_per_second / 2;
        let slot = self.slot_at(now + half).max(before.saturating_add(1));
        let begin = self.begin_of(slot);
        if begin > last {
            return Err(Exhausted { retry_after: duration(begin - now) });
        }
        *before = slot;
        Ok((slot, begin))
    }

    fn slot_at(&self, nanos: i128) -> i128 {
        (nanos * self.slots_per_second).div_euclid(SECOND)
    }

    /// The first nanosecond of a slot.
    fn begin_of(&self, slot: i128) -> i128 {
        (slot * SECOND + self.slots_per_second - 1).div_euclid(self.slots_per_second)
    }

    fn now(&self) -> i128 {
        self.clock.now().unix_timestamp_nanos()
    }

    /// A limit fails open (conformance D-02): each node keeps the pace by itself.
    fn alone(&self, api: &'static str, error: &StoreError) {
        let tenant = self.tenant.as_str();
        tracing::warn!(tenant, api, budget = "own pace", %error, "calls are not counted together");
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 4)
}

/// Zero for what is past.
fn duration(nanos: i128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{AwayStore, RuntimeClock};
    use super::*;
    use crate::store::memory::Memory;

    const LONG: Duration = Duration::from_mins(1);

    fn tenant() -> TenantId {
        TenantId::parse("acme").unwrap()
    }

    fn budget(store: &Arc<dyn Ephemeral>, clock: &Arc<dyn Clock>) -> Arc<Budget> {
        let nine = NonZeroU32::new(9).unwrap();
        Arc::new(Budget::new(tenant(), nine, (Arc::clone(store), Arc::clone(clock))))
    }

    /// When each of `calls` was let through, in milliseconds, sorted.
    async fn times(nodes: &[Arc<Budget>], calls: usize) -> Vec<i128> {
        let mut tasks = tokio::task::JoinSet::new();
        for call in 0..calls {
            let node = Arc::clone(&nodes[call % nodes.len()]);
            tasks.spawn(async move {
                node.take("list", LONG).await.unwrap();
                node.now() / 1_000_000
            });
        }
        let mut times = tasks.join_all().await;
        times.sort_unstable();
        times
    }

    fn most_in_a_second(times: &[i128]) -> usize {
        let from = |from: i128| times.iter().filter(|at| (from..from + 1000).contains(*at)).count();
        times.iter().map(|at| from(*at)).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn three_nodes_together_stay_below_ten_calls_in_any_second() {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
        let store: Arc<dyn Ephemeral> = Arc::new(Memory::new(Arc::clone(&clock)));
        let nodes: Vec<_> = (0..3).map(|_| budget(&store, &clock)).collect();
        let times = times(&nodes, 60).await;
        assert!(most_in_a_second(&times) <= 10, "{times:?}");
        // 60 calls need 59 slots of a ninth of a second, and hardly more.
        let took = times.last().unwrap() - times[0];
        assert!((6_450..6_800).contains(&took), "{took} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_store_each_node_keeps_the_pace_by_itself() {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
        let store: Arc<dyn Ephemeral> = Arc::new(AwayStore);
        let times = times(&[budget(&store, &clock)], 30).await;
        assert!(most_in_a_second(&times) <= 10, "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn apis_and_tenants_have_budgets_of_their_own() {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
        let store: Arc<dyn Ephemeral> = Arc::new(Memory::new(Arc::clone(&clock)));
        let one = budget(&store, &clock);
        let other = TenantId::parse("other").unwrap();
        let nine = NonZeroU32::new(9).unwrap();
        let other = Budget::new(other, nine, (store, Arc::clone(&clock)));
        one.take("list", LONG).await.unwrap();
        let begun = one.now();
        one.take("check", Duration::from_millis(60)).await.unwrap();
        other.take("list", Duration::from_millis(60)).await.unwrap();
        assert!(one.now() - begun < 120_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_told_so_at_once() {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
        let store: Arc<dyn Ephemeral> = Arc::new(Memory::new(Arc::clone(&clock)));
        let node = budget(&store, &clock);
        for _ in 0..3 {
            node.take("list", LONG).await.unwrap();
        }
        let begun = node.now();
        let refused = node.take("list", Duration::ZERO).await.unwrap_err();
        assert_eq!(node.now(), begun, "the refusal waited");
        assert!(refused.retry_after <= Duration::from_millis(112), "{refused:?}");
        assert!(node.take("list", LONG).await.is_ok(), "the refusal used a slot up");
    }
}
