//! App (layer 6): compares links with the clouds' lists on a schedule that all nodes share, and
//! publishes for how long links have been unresolved.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::parts::{Assembly, System};
use super::shutdown::Shutdown;
use crate::account::{Done, Mode, Reconciler, Report, Stop};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::record::TenantId;
use crate::{limits, measure};

/// How often each tenant's links are compared. Tenants that are switched off or have no partner API
/// are not among them.
pub struct Schedule {
    reconciler: Arc<Reconciler>,
    clock: Arc<dyn Clock>,
    tenants: Vec<(TenantId, Duration)>,
}

impl Schedule {
    /// The schedule of a configuration.
    #[must_use]
    pub fn of(config: &Config, built: &Assembly, system: &System) -> Self {
        let every = |tenant: &crate::config::Tenant| {
            let api = tenant.partner_api.as_ref().filter(|_| tenant.enabled)?;
            Some((TenantId::parse(tenant.id.as_str())?, api.reconcile_every))
        };
        Self {
            reconciler: Arc::new(reconciler(built, system)),
            clock: Arc::clone(&system.clock),
            tenants: config.tenants.iter().filter_map(every).collect(),
        }
    }

    /// Compares until the process leaves. What is under way then is left: whatever is written is
    /// whole, and another node begins anew.
    pub async fn keep(self, shutdown: Shutdown) {
        if self.tenants.is_empty() {
            return;
        }
        tokio::select! {
            () = shutdown.beginning() => {}
            () = self.keep_on() => {}
        }
    }

    async fn keep_on(&self) {
        let mut under_way = JoinSet::new();
        loop {
            for (tenant, every) in &self.tenants {
                while under_way.len() >= limits::RECONCILE_AT_ONCE {
                    under_way.join_next().await;
                }
                match self.reconciler.is_due(tenant).await {
                    Ok(false) => {}
                    Ok(true) => {
                        let reconciler = Arc::clone(&self.reconciler);
                        under_way.spawn(turn(reconciler, tenant.clone(), *every));
                    }
                    Err(error) => {
                        tracing::warn!(tenant = tenant.as_str(), %error, "links are not compared");
                    }
                }
            }
            self.publish_age().await;
            let rest = sleep(limits::RECONCILE_POLL);
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    () = &mut rest => break,
                    Some(_) = under_way.join_next() => {}
                }
            }
        }
    }

    async fn publish_age(&self) {
        let mut oldest = None;
        for (tenant, _) in &self.tenants {
            match self.reconciler.oldest_unresolved(tenant).await {
                Ok(since) => oldest = [oldest, since].into_iter().flatten().min(),
                // An age that is not known is not published as a small one.
                Err(_) => return,
            }
        }
        let age = oldest.map_or(time::Duration::ZERO, |since| self.clock.now() - since);
        measure::unresolved_link_age(age.try_into().unwrap_or_default());
    }
}

/// What compares, over the parts of a gateway.
#[must_use]
pub fn reconciler(built: &Assembly, system: &System) -> Reconciler {
    let remotes = built.sso.creations().remotes().clone();
    Reconciler::new(
        (Arc::clone(&built.book), remotes),
        Arc::clone(&built.store),
        Arc::clone(&system.clock),
        Arc::clone(&system.random),
    )
}

async fn turn(reconciler: Arc<Reconciler>, tenant: TenantId, every: Duration) {
    let (begun, far) = (Instant::now(), Far::default());
    let watching = |read, of| far.note(read, of);
    let ended = watched(&tenant, &far, reconciler.run(&tenant, Mode::Repair, &watching)).await;
    let outcome = match &ended {
        Ok(report) => {
            log(report);
            if report.whole { "whole" } else { "part" }
        }
        Err(Stop::Busy) => "busy",
        Err(stop) => {
            tracing::warn!(tenant = tenant.as_str(), %stop, "links are not compared");
            "failed"
        }
    };
    measure::reconciliation(outcome, begun.elapsed());
    if let Err(error) = reconciler.ended(&tenant, every, &ended).await {
        tracing::warn!(tenant = tenant.as_str(), %error, "links are compared again in a minute");
    }
}

/// How much of the list is read.
#[derive(Default)]
struct Far {
    read: AtomicU64,
    of: AtomicU64,
}

impl Far {
    fn note(&self, read: u64, of: u64) {
        self.read.store(read, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
    }
}

/// Says so while a comparison takes unusually long.
async fn watched<T>(tenant: &TenantId, far: &Far, comparison: impl Future<Output = T>) -> T {
    let (begun, mut comparison) = (Instant::now(), pin!(comparison));
    loop {
        if let Ok(ended) = timeout(limits::RECONCILE_LONG, &mut comparison).await {
            return ended;
        }
        let tenant = tenant.as_str();
        let (read, of) = (far.read.load(Ordering::Relaxed), far.of.load(Ordering::Relaxed));
        let minutes = begun.elapsed().as_secs() / 60;
        tracing::warn!(tenant, minutes, read, of, "links are compared for unusually long");
    }
}

fn log(report: &Report) {
    let Report { tenant, whole, listed, customers, .. } = report;
    let repaired = report.count(Done::Repaired);
    let held_back = report.count(Done::HeldBack);
    let for_a_person = report.count(Done::NeedsAPerson) + report.count(Done::LinkedElsewhere);
    if held_back + for_a_person > 0 {
        tracing::warn!(
            tenant,
            whole,
            listed,
            customers,
            repaired,
            held_back,
            for_a_person,
            "links were compared, and somebody must look: skybridge reconcile --dry-run"
        );
    } else {
        tracing::info!(tenant, whole, listed, customers, repaired, "links were compared");
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use tracing::subscriber::set_default;

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines of a comparison that takes so long and is a third through.
    async fn said_in(minutes: u64) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).json();
        // With one subscriber only, `tracing` asks whichever thread comes first whether anybody
        // listens.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let logging = set_default(subscriber.finish());
        let (tenant, far) = (TenantId::parse("acme").unwrap(), Far::default());
        far.note(100, 300);
        let comparison = async {
            sleep(Duration::from_mins(minutes)).await;
            minutes
        };
        assert_eq!(watched(&tenant, &far, comparison).await, minutes);
        drop(logging);
        let said = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        said.lines().map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_comparison_that_takes_unusually_long_is_told_again_and_again_until_it_ends() {
        assert_eq!(said_in(9).await, Vec::<String>::new());
        let lines = said_in(25).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        for (line, minutes) in lines.iter().zip([10, 20]) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["level"], "WARN");
            let fields = &line["fields"];
            assert_eq!((&fields["tenant"], &fields["minutes"]), (&"acme".into(), &minutes.into()));
            assert_eq!((&fields["read"], &fields["of"]), (&100.into(), &300.into()));
        }
    }
}
