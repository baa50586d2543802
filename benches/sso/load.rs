//! The loads: closed loops over kept connections, and the bare signature that they are compared
//! with.

use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;

use crate::cloud::{Request, Sample, is_delivery};
use crate::gateway::Gateway;

/// One answer in so many is taken apart.
const SAMPLE: usize = 500;
/// How much of a load comes before its measurement.
const WARM_UP: u32 = 10;

/// What one load came to.
pub(crate) struct Load {
    /// Connections at one time.
    pub(crate) connections: usize,
    /// Rounds that were measured.
    pub(crate) rounds: usize,
    /// How long they took, seconds.
    pub(crate) seconds: f64,
    /// What the gateway spent on them, seconds of a processor.
    pub(crate) processor: f64,
    /// How long each took, ascending.
    pub(crate) latencies: Vec<Duration>,
    /// How many were taken apart.
    pub(crate) verified: usize,
}

impl Load {
    /// Rounds per second of the gateway's processor time.
    #[allow(clippy::cast_precision_loss, reason = "rounds are far fewer than 2^52")]
    pub(crate) fn per_processor_second(&self) -> f64 {
        self.rounds as f64 / self.processor
    }

    /// Rounds per second that passed.
    #[allow(clippy::cast_precision_loss, reason = "rounds are far fewer than 2^52")]
    pub(crate) fn per_second(&self) -> f64 {
        self.rounds as f64 / self.seconds
    }

    /// The latency below which that many of a hundred rounds stayed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

/// Where a load goes, and with what.
pub(crate) struct Site<'a> {
    /// The gateway.
    pub(crate) gateway: &'a Gateway,
    /// The session cookies of its customers.
    pub(crate) cookies: &'a [String],
    /// The requests; each is used once.
    pub(crate) requests: &'a [Request],
}

impl Site<'_> {
    /// Keeps so many connections busy for `time`, or until all requests are used. Every answer is
    /// checked; those that are picked out for a full check come back.
    pub(crate) fn load(&self, connections: usize, time: Duration) -> (Load, Vec<Sample>) {
        let next = AtomicUsize::new(0);
        self.drive(connections, time / WARM_UP, &next);
        let processor = self.gateway.processor_time();
        let begun = Instant::now();
        let (mut latencies, samples) = self.drive(connections, time, &next);
        let seconds = begun.elapsed().as_secs_f64();
        let processor = self.gateway.processor_time() - processor;
        latencies.sort_unstable();
        let (rounds, verified) = (latencies.len(), samples.len());
        (Load { connections, rounds, seconds, processor, latencies, verified }, samples)
    }

    fn drive(
        &self,
        connections: usize,
        time: Duration,
        next: &AtomicUsize,
    ) -> (Vec<Duration>, Vec<Sample>) {
        let end = Instant::now() + time;
        thread::scope(|scope| {
            let browsers: Vec<_> =
                (0..connections).map(|_| scope.spawn(move || self.browse(end, next))).collect();
            browsers.into_iter().fold((Vec::new(), Vec::new()), |mut all, browser| {
                let (latencies, samples) = browser.join().unwrap();
                all.0.extend(latencies);
                all.1.extend(samples);
                all
            })
        })
    }

    fn browse(&self, end: Instant, next: &AtomicUsize) -> (Vec<Duration>, Vec<Sample>) {
        let mut client = self.gateway.connect();
        let (mut latencies, mut samples) = (Vec::new(), Vec::new());
        let mut begun = Instant::now();
        while begun < end {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = self.requests.get(number) else { break };
            let cookie = &self.cookies[number % self.cookies.len()];
            begun = Instant::now();
            let answer = client.get(&request.target, &format!("Cookie: {cookie}\r\n")).unwrap();
            latencies.push(begun.elapsed());
            assert!(answer.status() == 200 && is_delivery(answer.body()), "{}", answer.body());
            if number.is_multiple_of(SAMPLE) {
                samples.push(request.answered_by(answer.body()));
            }
        }
        (latencies, samples)
    }
}

/// Bare RSA-2048 signatures per second of this thread's processor time.
#[allow(clippy::cast_precision_loss, reason = "signatures are far fewer than 2^52")]
pub(crate) fn bare(time: Duration) -> f64 {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let random = SystemRandom::new();
    // As long as the canonical SignedInfo of an Assertion.
    let octets = [b'x'; 900];
    let mut signature = vec![0; key.public_modulus_len()];
    let (begun, before, mut signatures) = (Instant::now(), thread_time(), 0_u64);
    while begun.elapsed() < time {
        key.sign(&RSA_PKCS1_SHA256, &random, black_box(&octets), &mut signature).unwrap();
        black_box(&signature);
        signatures += 1;
    }
    signatures as f64 / (thread_time() - before)
}

/// Processor time that this thread has spent, seconds.
fn thread_time() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: f64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds / 1e9
}
