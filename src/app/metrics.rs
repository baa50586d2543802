//! App (layer 6): the numbers of [`crate::measure`] in the text format of Prometheus, and the task
//! that keeps them small.

use std::sync::Arc;
use std::time::Duration;

use metrics::{
    SetRecorderError, Unit, describe_counter, describe_gauge, describe_histogram, gauge,
};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tokio::time;

use super::log::Log;
use super::shutdown::Shutdown;
use crate::measure::{self, Kind, METRICS, Scale};

/// How often samples are folded into buckets: until then each takes memory.
const UPKEEP: Duration = Duration::from_secs(5);
/// Upper ends of the buckets of one operation, seconds: an RSA-2048 signature takes 0.25 to 0.6 ms,
/// a store near by 0.2 ms, and after 250 ms it counts as away.
const OPERATION: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// Upper ends of the buckets of one request, seconds: the aim is 10 ms, the limit 10 s.
const REQUEST: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Upper ends of the buckets of one job, seconds: a comparison reads 900 customers a second, and
/// one of ten minutes is told in the log.
const JOB: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 600.0, 1800.0, 3600.0];
/// A gauge that is always 1 and names the version.
const BUILD: &str = "skybridge_build_info";

/// The recorded numbers.
#[derive(Clone)]
pub struct Numbers(PrometheusHandle);

/// Why numbers cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The buckets are wrong: a mistake of this file.
    #[error("metrics cannot be set up: {0}")]
    Build(#[from] BuildError),
    /// This process records already.
    #[error("metrics are set up already")]
    Twice(#[from] SetRecorderError<PrometheusRecorder>),
}

impl Numbers {
    /// Begins to record, for the whole process, once. Before it nothing is recorded.
    ///
    /// # Errors
    /// [`MetricsError`].
    pub fn record() -> Result<Self, MetricsError> {
        let recorder = recorder()?;
        let numbers = Self(recorder.handle());
        metrics::set_global_recorder(recorder)?;
        describe();
        Ok(numbers)
    }

    /// All numbers, in the text format 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.render()
    }

    /// Keeps numbers small and tells of lost log lines, until the process leaves.
    pub async fn keep(self, log: Arc<Log>, shutdown: Shutdown) {
        let mut told = 0;
        let mut ticks = time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = shutdown.beginning() => return,
                _ = ticks.tick() => {}
            }
            self.0.run_upkeep();
            let lost = log.lost();
            if lost > told {
                tracing::warn!(lost = lost - told, "log lines were lost: their reader is too slow");
                told = lost;
            }
            measure::log_lost(lost);
        }
    }
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let Kind::Histogram(scale) = metric.kind {
            let buckets = match scale {
                Scale::Operation => OPERATION,
                Scale::Request => REQUEST,
                Scale::Job => JOB,
            };
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.into()), buckets)?;
        }
    }
    Ok(builder.build_recorder())
}

fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram(_) => describe_histogram!(metric.name, Unit::Seconds, metric.help),
        }
    }
    describe_gauge!(BUILD, "Always 1; the label names the version that runs.");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Code;

    /// What `/metrics` says after `happen`.
    fn after(happen: impl FnOnce()) -> String {
        let recorder = recorder().unwrap();
        metrics::with_local_recorder(&recorder, || {
            describe();
            happen();
        });
        Numbers(recorder.handle()).text()
    }

    #[test]
    fn everything_that_is_counted_is_published_with_its_meaning() {
        let text = after(|| {
            measure::step("deliver");
            measure::refused(Code::TicketExpired);
            measure::signing(Duration::from_micros(400));
            measure::store("take", Duration::from_micros(200));
            measure::store_failed("take");
            measure::request(Some("/{tenant}/launch"), 303, Duration::from_millis(3));
            measure::request(None, 404, Duration::from_millis(1));
            measure::connections("gateway", 7);
            measure::tasks(9);
            measure::tls_expires(1_800_000_000);
            measure::creation("done");
            measure::creations_in_hand(2);
            measure::webhook("delivered");
            measure::reconciliation("whole", Duration::from_secs(70));
            measure::unresolved_link_age(Duration::from_secs(90));
            measure::sp_clock("acme", "urn:sp", -1.5);
            measure::log_lost(3);
        });
        for metric in METRICS {
            assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{text}");
        }
        for line in [
            "skybridge_journey_steps_total{step=\"deliver\"} 1",
            "skybridge_refusals_total{code=\"SB-3002\",owner=\"you\"} 1",
            "skybridge_sp_clock_offset{tenant=\"acme\",sp=\"urn:sp\"} -1.5",
            "skybridge_signing_seconds_bucket{le=\"0.0005\"} 1",
            "skybridge_signing_seconds_bucket{le=\"0.00025\"} 0",
            "skybridge_store_seconds_count{operation=\"take\"} 1",
            "skybridge_store_failures_total{operation=\"take\"} 1",
            "skybridge_requests_total{route=\"/{tenant}/launch\",status=\"303\"} 1",
            "skybridge_requests_total{route=\"none\",status=\"404\"} 1",
            "skybridge_request_seconds_bucket{route=\"/{tenant}/launch\",le=\"0.005\"} 1",
            "skybridge_connections{listener=\"gateway\"} 7",
            "skybridge_tls_certificate_not_after_timestamp_seconds 1800000000",
            "skybridge_creations_total{outcome=\"done\"} 1",
            "skybridge_creations_in_hand 2",
            "skybridge_webhook_attempts_total{attempt=\"delivered\"} 1",
            "skybridge_reconciliations_total{outcome=\"whole\"} 1",
            "skybridge_reconciliation_seconds_bucket{outcome=\"whole\",le=\"60\"} 0",
            "skybridge_reconciliation_seconds_bucket{outcome=\"whole\",le=\"300\"} 1",
            "skybridge_unresolved_link_age_seconds 90",
            "skybridge_log_lines_lost_total 3",
            concat!("skybridge_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn without_a_recorder_counting_does_nothing() {
        measure::step("deliver");
        assert!(!after(|| {}).contains("skybridge_journey_steps_total{"));
    }
}
