//! Leaf: every number that the gateway publishes: its name, its meaning, and the one function that
//! counts it.
//!
//! Labels come from closed sets only (codes, steps, operations, route templates), never from a
//! request, and never name a tenant: the cost of monitoring must not grow with the number of
//! partners or with what strangers send. But the clock of a service provider is its own, so that
//! number names each one that is registered. Until `app` installs a recorder all of these do
//! nothing.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::refusal::Code;

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, and begins at 0 with the process.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution, in seconds, counted into buckets.
    Histogram(Scale),
}

/// Which durations a histogram tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From 0.1 ms: one operation of the processor or of a near store.
    Operation,
    /// From 1 ms: a whole request.
    Request,
    /// From 0.1 s: work of seconds to an hour that nobody waits for.
    Job,
}

/// One published number.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it means, for whoever reads `/metrics`.
    pub help: &'static str,
}

const STEPS: &str = "skybridge_journey_steps_total";
const REFUSALS: &str = "skybridge_refusals_total";
const SIGNING: &str = "skybridge_signing_seconds";
const STORE: &str = "skybridge_store_seconds";
const STORE_FAILURES: &str = "skybridge_store_failures_total";
const REQUESTS: &str = "skybridge_requests_total";
const REQUEST: &str = "skybridge_request_seconds";
const CONNECTIONS: &str = "skybridge_connections";
const TASKS: &str = "skybridge_tasks";
const TLS_EXPIRES: &str = "skybridge_tls_certificate_not_after_timestamp_seconds";
const CREATIONS: &str = "skybridge_creations_total";
const CREATIONS_IN_HAND: &str = "skybridge_creations_in_hand";
const WEBHOOKS: &str = "skybridge_webhook_attempts_total";
const RECONCILIATIONS: &str = "skybridge_reconciliations_total";
const RECONCILIATION: &str = "skybridge_reconciliation_seconds";
const UNRESOLVED_AGE: &str = "skybridge_unresolved_link_age_seconds";
const SP_CLOCK: &str = "skybridge_sp_clock_offset";
const LOG_LOST: &str = "skybridge_log_lines_lost_total";

/// Everything that is published.
pub const METRICS: &[Metric] = &[
    Metric {
        name: STEPS,
        kind: Kind::Counter,
        help: "Steps of journeys, by what was done: sign_in, go_to_cloud, deliver, ...",
    },
    Metric {
        name: REFUSALS,
        kind: Kind::Counter,
        help: "Journeys that ended early, by code and by whose move it is.",
    },
    Metric {
        name: SIGNING,
        kind: Kind::Histogram(Scale::Operation),
        help: "Time to sign one message, waiting for a free signer included.",
    },
    Metric {
        name: STORE,
        kind: Kind::Histogram(Scale::Operation),
        help: "Time of one call to the session store, by operation.",
    },
    Metric {
        name: STORE_FAILURES,
        kind: Kind::Counter,
        help: "Calls to the session store that failed, by operation.",
    },
    Metric {
        name: REQUESTS,
        kind: Kind::Counter,
        help: "Answered requests, by route template and status.",
    },
    Metric {
        name: REQUEST,
        kind: Kind::Histogram(Scale::Request),
        help: "Time from a request's head to its answer's head, by route template.",
    },
    Metric { name: CONNECTIONS, kind: Kind::Gauge, help: "Open connections." },
    Metric {
        name: TASKS,
        kind: Kind::Gauge,
        help: "Tasks that have not ended: one for each connection, and a fixed number beside.",
    },
    Metric {
        name: TLS_EXPIRES,
        kind: Kind::Gauge,
        help: "When the certificate of the gateway's own TLS expires, in seconds since 1970.",
    },
    Metric {
        name: CREATIONS,
        kind: Kind::Counter,
        help: "Turns of work on creations of accounts, by what came of each: done, failed, \
               waiting, taken_over, stopped.",
    },
    Metric {
        name: CREATIONS_IN_HAND,
        kind: Kind::Gauge,
        help: "Creations of accounts that this node is working on.",
    },
    Metric {
        name: WEBHOOKS,
        kind: Kind::Counter,
        help: "Attempts to bring a message to a partner, by how they ended: delivered, failed, ...",
    },
    Metric {
        name: RECONCILIATIONS,
        kind: Kind::Counter,
        help: "Comparisons of a tenant's links with the cloud's list, by outcome: whole, part, \
               failed, busy.",
    },
    Metric {
        name: RECONCILIATION,
        kind: Kind::Histogram(Scale::Job),
        help: "Time of one comparison of a tenant's links with the cloud's list, by outcome.",
    },
    Metric {
        name: UNRESOLVED_AGE,
        kind: Kind::Gauge,
        help: "For how long the link that is unresolved longest has been so, 0 if there is none: \
               a first login or creation under way, an end in doubt, a conflict.",
    },
    Metric {
        name: SP_CLOCK,
        kind: Kind::Gauge,
        help: "By how many seconds a service provider's clock seems to be behind ours, by its last \
               requests; negative: ahead.",
    },
    Metric {
        name: LOG_LOST,
        kind: Kind::Counter,
        help: "Log lines that were dropped because the log's reader was too slow.",
    },
];

/// Counts one step of a journey: `sign_in`, `go_to_cloud`, `deliver` and the like. For `app`, which
/// counts what the [`crate::journey::Outcome`] of a response says: nobody else has to.
pub fn step(step: &'static str) {
    counter!(STEPS, "step" => step).increment(1);
}

/// Counts one refusal. For `app`, like [`step`].
pub fn refused(code: Code) {
    counter!(REFUSALS, "code" => code.to_string(), "owner" => code.entry().owner.key())
        .increment(1);
}

/// Notes how long one signature took.
pub fn signing(took: Duration) {
    histogram!(SIGNING).record(took);
}

/// Notes how long one call to the store took, such as `take`.
pub fn store(operation: &'static str, took: Duration) {
    histogram!(STORE, "operation" => operation).record(took);
}

/// Counts one call to the store that failed.
pub fn store_failed(operation: &'static str) {
    counter!(STORE_FAILURES, "operation" => operation).increment(1);
}

/// Notes one answered request. `route` is the template, such as `/{tenant}/launch`; none if no
/// route matched.
pub fn request(route: Option<&str>, status: u16, took: Duration) {
    let route: String = route.unwrap_or("none").to_owned();
    counter!(REQUESTS, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(REQUEST, "route" => route).record(took);
}

/// Notes how many connections are open on one listener, such as `gateway`.
pub fn connections(listener: &'static str, open: usize) {
    #[allow(clippy::cast_precision_loss, reason = "connections are far fewer than 2^52")]
    gauge!(CONNECTIONS, "listener" => listener).set(open as f64);
}

/// Notes how many tasks have not ended.
pub fn tasks(alive: usize) {
    #[allow(clippy::cast_precision_loss, reason = "tasks are far fewer than 2^52")]
    gauge!(TASKS).set(alive as f64);
}

/// Notes when the TLS certificate in use expires, in seconds since 1970.
pub fn tls_expires(unix_seconds: i64) {
    #[allow(clippy::cast_precision_loss, reason = "seconds of this age are far below 2^52")]
    gauge!(TLS_EXPIRES).set(unix_seconds as f64);
}

/// Counts one turn of work on a creation, by what came of it: `done`, `failed`, `waiting`,
/// `taken_over`, `stopped`.
pub fn creation(outcome: &'static str) {
    counter!(CREATIONS, "outcome" => outcome).increment(1);
}

/// Notes how many creations this node is working on.
pub fn creations_in_hand(number: usize) {
    #[allow(clippy::cast_precision_loss, reason = "creations in hand are few")]
    gauge!(CREATIONS_IN_HAND).set(number as f64);
}

/// Counts one attempt to bring a message to a partner, by how it ended.
pub fn webhook(attempt: &'static str) {
    counter!(WEBHOOKS, "attempt" => attempt).increment(1);
}

/// Counts one comparison of a tenant's links with the cloud's list, by its outcome: `whole`,
/// `part`, `failed`, `busy`; and how long it took.
pub fn reconciliation(outcome: &'static str, took: Duration) {
    counter!(RECONCILIATIONS, "outcome" => outcome).increment(1);
    histogram!(RECONCILIATION, "outcome" => outcome).record(took);
}

/// Notes for how long the link that is unresolved longest has been so.
pub fn unresolved_link_age(age: Duration) {
    gauge!(UNRESOLVED_AGE).set(age.as_secs_f64());
}

/// Notes by how many seconds the clock of a registered service provider is behind ours.
pub fn sp_clock(tenant: &str, sp: &str, seconds: f64) {
    gauge!(SP_CLOCK, "tenant" => tenant.to_owned(), "sp" => sp.to_owned()).set(seconds);
}

/// Notes how many log lines were lost since the start.
pub fn log_lost(lines: u64) {
    counter!(LOG_LOST).absolute(lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        for metric in METRICS {
            let counts = metric.name.ends_with("_total");
            assert_eq!(counts, metric.kind == Kind::Counter, "{}", metric.name);
            let ends = |end: &&str| metric.name.ends_with(*end);
            let is_moment = ["_timestamp_seconds", "_age_seconds"].iter().any(ends);
            let seconds = metric.name.ends_with("_seconds") && !is_moment;
            assert_eq!(seconds, matches!(metric.kind, Kind::Histogram(_)), "{}", metric.name);
            assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        }
    }
}
