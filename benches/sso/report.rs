//! What was measured, where, and with which versions: as text and as JSON.

use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::load::Load;

/// Everything that one run measured.
pub(crate) struct Report {
    /// Bare signatures per second of processor time, measured several times between the loads.
    pub(crate) bare: Vec<f64>,
    /// The loads.
    pub(crate) loads: Vec<Load>,
    /// From exec to ready, each start.
    pub(crate) starts: Vec<Duration>,
    /// The gateway's memory.
    pub(crate) memory: Memory,
}

/// Resident memory of the gateway, bytes.
pub(crate) struct Memory {
    /// Ready, and never used.
    pub(crate) idle: u64,
    /// Right after the last load.
    pub(crate) loaded: u64,
}

impl Report {
    fn bare(&self) -> f64 {
        median(&self.bare)
    }

    fn ready_ms(&self) -> f64 {
        median(&self.starts.iter().map(|&start| milliseconds(start)).collect::<Vec<_>>())
    }

    /// The numbers for programs.
    pub(crate) fn json(&self) -> Value {
        let loads: Vec<_> = self
            .loads
            .iter()
            .map(|load| {
                json!({
                    "connections": load.connections,
                    "rounds": load.rounds,
                    "seconds": load.seconds,
                    "server_cpu_seconds": load.processor,
                    "rounds_per_server_cpu_second": load.per_processor_second(),
                    "ratio": load.per_processor_second() / self.bare(),
                    "rounds_per_second": load.per_second(),
                    "p50_ms": milliseconds(load.percentile(50)),
                    "p99_ms": milliseconds(load.percentile(99)),
                    "fully_verified": load.verified,
                })
            })
            .collect();
        json!({
            "bare_rsa_2048_signatures_per_cpu_second": self.bare(),
            "loads": loads,
            "resident_idle_bytes": self.memory.idle,
            "resident_after_load_bytes": self.memory.loaded,
            "ready_ms": self.ready_ms(),
            "starts": self.starts.len(),
            "machine": machine(),
            "versions": versions(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "machine    {}", machine())?;
        writeln!(f, "versions   {}", versions().join(", "))?;
        writeln!(f, "bare       {:.0} RSA-2048 signatures per CPU second", self.bare())?;
        for load in &self.loads {
            let connections = load.connections;
            writeln!(
                f,
                "sso        {:.0} rounds per server CPU second, ratio {:.2}, {connections} \
                 connection{}",
                load.per_processor_second(),
                load.per_processor_second() / self.bare(),
                if connections == 1 { "" } else { "s" },
            )?;
            writeln!(
                f,
                "           {:.0} rounds per second, p50 {:.2} ms, p99 {:.2} ms; {} rounds, \
                 {} fully verified",
                load.per_second(),
                milliseconds(load.percentile(50)),
                milliseconds(load.percentile(99)),
                load.rounds,
                load.verified,
            )?;
        }
        let Memory { idle, loaded } = self.memory;
        writeln!(f, "memory     {:.1} MB idle, {:.1} MB after the loads", mb(idle), mb(loaded))?;
        let starts = self.starts.len();
        writeln!(f, "ready      {:.0} ms after exec, median of {starts} starts", self.ready_ms())?;
        writeln!(f, "           CPU of the gateway only: Redis and the client are excluded")
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[allow(clippy::cast_precision_loss, reason = "memory is far smaller than 2^52")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

fn versions() -> Vec<String> {
    let first_line = |program: &str| {
        let said = Command::new(program).arg("--version").output();
        let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        said.unwrap_or_default().lines().next().unwrap_or("unknown").to_owned()
    };
    let redis = first_line("redis-server");
    let redis = redis.split(' ').find_map(|word| word.strip_prefix("v=")).unwrap_or("unknown");
    vec![
        format!("skybridge {}", env!("CARGO_PKG_VERSION")),
        format!("aws-lc-rs {}", locked("aws-lc-rs")),
        format!("redis-server {redis}"),
        first_line("rustc"),
    ]
}

/// The version of a dependency in the lock file.
fn locked(name: &str) -> &'static str {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let entry = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""));
    entry.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown")
}
