//! Benchmark: complete SSO rounds over loopback HTTP against the release binary with a real Redis.
//!
//! A round is one signed `AuthnRequest` in and one signed Response form out, its session in Redis.
//! What is measured is what the *gateway's process* spends: `utime + stime` of `/proc/PID/stat`,
//! the kernel's work for its sockets and its log included; Redis and this client are excluded. It
//! is divided by what the RSA-2048 signature alone costs with the same library, measured in the
//! same run, on one core, in the same unit: processor time.
//!
//! ```text
//! cargo bench --bench sso               about 45 s
//! cargo bench --bench sso -- --quick    about 5 s: that it works, not what it costs
//! cargo bench --bench sso -- --json     the same numbers for programs
//! ```

#![allow(clippy::unwrap_used)]

mod client;
mod cloud;
mod gateway;
mod load;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/support/redis/mod.rs"]
mod redis;
mod report;

use std::process::ExitCode;
use std::time::Duration;

use cloud::Cloud;
use gateway::Installation;
use redis::RedisServer;
use report::{Memory, Report};

/// How much is measured.
struct Extent {
    /// How long each load lasts.
    phase: Duration,
    /// How many requests are signed beforehand for each load, which ends when they are used up.
    requests: usize,
    /// How often the gateway is started.
    starts: usize,
    /// How many customers are signed in.
    sessions: usize,
}

const WHOLE: Extent =
    Extent { phase: Duration::from_secs(10), requests: 50_000, starts: 9, sessions: 200 };
const QUICK: Extent =
    Extent { phase: Duration::from_millis(500), requests: 2_500, starts: 3, sessions: 16 };

fn main() -> ExitCode {
    let (mut quick, mut json, mut bench) = (false, false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => quick = true,
            "--json" => json = true,
            "--bench" => bench = true,
            other => {
                eprintln!("{other} is not known: cargo bench --bench sso [-- --quick] [--json]");
                return ExitCode::from(2);
            }
        }
    }
    // Without `--bench` it is cargo test that calls: then it is enough to see that it works.
    let report = measure(if quick || !bench { &QUICK } else { &WHOLE });
    if json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    ExitCode::SUCCESS
}

fn measure(extent: &Extent) -> Report {
    let redis = RedisServer::start();
    let cloud = Cloud::new();
    let installation = Installation::new(&redis.url(), &cloud);
    let mut starts: Vec<_> = (1..extent.starts).map(|_| installation.start().ready).collect();
    let gateway = installation.start();
    starts.push(gateway.ready);
    let idle = gateway.resident();
    let cookies = gateway.sign_in(extent.sessions);
    let certificate = gateway.certificate();
    let mut bare = vec![load::bare(extent.phase / 10)];
    let mut loads = Vec::new();
    for connections in [1, 8] {
        let requests = cloud.requests(extent.requests);
        bare.push(load::bare(extent.phase / 10));
        let site = load::Site { gateway: &gateway, cookies: &cookies, requests: &requests };
        let (load, samples) = site.load(connections, extent.phase);
        for sample in &samples {
            cloud::check(sample, &certificate);
        }
        loads.push(load);
        bare.push(load::bare(extent.phase / 10));
    }
    let loaded = gateway.resident();
    Report { bare, loads, starts, memory: Memory { idle, loaded } }
}
