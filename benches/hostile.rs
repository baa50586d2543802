//! Benchmark: what it costs to refuse a hostile request (conformance B-04, B-06). Everybody can
//! send one, so the dearest must stay cheap: at most 5 ms of processor time and 1 MiB of memory,
//! and no more of either than a good request that is as large as can be.
//!
//! Each request of the tests' corpus, by HTTP-Redirect and HTTP-POST, to log in and to log out, is
//! read as the gateway reads it, and sent through the whole gateway, page included, in this
//! process; what is hostile at other addresses, only the latter. Processor time is the thread's
//! own; memory is the most that was allocated beyond what was held before, with one copy of the
//! body as the gateway has to take it in.
//!
//! ```text
//! cargo bench --bench hostile               about 2 min
//! cargo bench --bench hostile -- --quick    about 5 s: that it works, not what it costs
//! ```

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use skybridge::saml::logout::LogoutRequest;
use skybridge::saml::{AuthnRequest, post, redirect};
use tokio::runtime::Runtime;

use support::gateway::TestGateway;
use support::gateway::browser::Browser;
use support::gateway::hostile::{Hostile, greatest, messages, others};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The bar of processor time.
const MOST_TIME: Duration = Duration::from_millis(5);
/// The bar of memory, bytes.
const MOST_MEMORY: usize = 1024 * 1024;

/// What one request costs.
#[derive(Clone, Copy)]
struct Cost {
    processor: Duration,
    memory: usize,
}

struct Row {
    name: String,
    code: &'static str,
    bytes: usize,
    /// Of a SAML message.
    reading: Option<Cost>,
    whole: Cost,
}

fn main() -> ExitCode {
    let given = |name: &str| std::env::args().any(|argument| argument == name);
    // Without `--bench` it is cargo test that calls: then it is enough to see that it works.
    let whole = given("--bench") && !given("--quick");
    let each = Duration::from_millis(if whole { 100 } else { 1 });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gateway = runtime.block_on(TestGateway::new());
    let browser = gateway.browser();
    let mut rows: Vec<Row> = messages(0)
        .iter()
        .map(|hostile| (hostile, Some(reading(hostile, each))))
        .chain(others(0).iter().map(|hostile| (hostile, None)))
        .map(|(hostile, reading)| measure(&runtime, &browser, hostile, (reading, each)))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.whole.processor));
    println!("{:>8} {:>8} {:>9} {:>9} {:>6}  request", "ms", "KiB", "ms read", "KiB read", "bytes");
    for row in &rows {
        print(row);
    }
    println!("\nfor comparison, good ones as large as can be, read and verified again and again");
    let good: Vec<Row> = greatest(0)
        .iter()
        .map(|good| measure(&runtime, &browser, good, (Some(reading(good, each)), each)))
        .collect();
    good.iter().for_each(print);
    verdict((&rows, &good), whole)
}

fn measure(
    runtime: &Runtime,
    browser: &Browser,
    hostile: &Hostile,
    (reading, each): (Option<Cost>, Duration),
) -> Row {
    // A new browser each time, as a stranger comes.
    let send = || runtime.block_on(hostile.sent_by(browser));
    let is_good = hostile.code == "-";
    assert!(is_good || send().code().as_deref() == Some(hostile.code), "{}", hostile.name);
    Row {
        name: hostile.name.clone(),
        code: hostile.code,
        bytes: hostile.target.len() + hostile.body.as_ref().map_or(0, |(_, body)| body.len()),
        reading,
        whole: cost(each, || drop(black_box(send()))),
    }
}

fn reading(hostile: &Hostile, each: Duration) -> Cost {
    let query = hostile.target.split_once('?').map_or("", |(_, query)| query);
    let is_logout = hostile.target.contains("/saml/logout");
    cost(each, || match (&hostile.body, is_logout) {
        (None, false) => drop(black_box(redirect::authn_request(black_box(query)))),
        (None, true) => drop(black_box(redirect::read::<LogoutRequest>(black_box(query)))),
        (Some((_, body)), false) => {
            drop(black_box(post::read::<AuthnRequest>(query, black_box(body.as_bytes()))));
        }
        (Some((_, body)), true) => {
            drop(black_box(post::read::<LogoutRequest>(query, black_box(body.as_bytes()))));
        }
    })
}

/// What `work` costs once, by the mean of as many as fit into that time.
fn cost(each: Duration, work: impl Fn()) -> Cost {
    work();
    let held = HEAP.current_usage();
    HEAP.reset_peak_usage();
    work();
    let memory = HEAP.peak_usage().saturating_sub(held);
    let (begun, before, mut times) = (Instant::now(), thread_time(), 0_u32);
    while begun.elapsed() < each || times == 0 {
        work();
        times += 1;
    }
    Cost { processor: thread_time().saturating_sub(before) / times, memory }
}

/// The processor time that this thread has used.
fn thread_time() -> Duration {
    // Giving the processor away once makes the kernel write down what was used so far.
    std::thread::yield_now();
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn print(row: &Row) {
    let Row { name, code, bytes, reading, whole } = row;
    let ms = |cost: &Cost| cost.processor.as_secs_f64() * 1_000.0;
    let kib = |cost: &Cost| cost.memory.div_ceil(1024);
    let read = match reading {
        Some(reading) => format!("{:9.3} {:9}", ms(reading), kib(reading)),
        None => format!("{:>9} {:>9}", "-", "-"),
    };
    println!("{:8.3} {:8} {read} {bytes:6}  {code} {name}", ms(whole), kib(whole));
}

/// Prints the dearest. A whole run fails above a bar; a quick one measures too little for that.
fn verdict((rows, good): (&[Row], &[Row]), whole: bool) -> ExitCode {
    let slowest = |rows: &[Row]| rows.iter().map(|row| row.whole.processor).max().unwrap();
    let largest = |rows: &[Row]| rows.iter().map(|row| row.whole.memory).max().unwrap();
    let (time, memory) = (slowest(rows), largest(rows));
    let (good_time, good_memory) = (slowest(good), largest(good));
    let of = |is_it: &dyn Fn(&Cost) -> bool| {
        rows.iter().find(|row| is_it(&row.whole)).map_or("", |row| row.name.as_str())
    };
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    println!("\n{} hostile requests", rows.len());
    println!(
        "dearest {:.3} ms of processor time (bars: 5, and {:.3} for a good one): {}",
        ms(time),
        ms(good_time),
        of(&|cost| cost.processor == time)
    );
    println!(
        "largest {} KiB of memory (bars: 1024, and {} for a good one): {}",
        memory.div_ceil(1024),
        good_memory.div_ceil(1024),
        of(&|cost| cost.memory == memory)
    );
    let within = time <= MOST_TIME.min(good_time) && memory <= MOST_MEMORY.min(good_memory);
    if whole && !within {
        println!("above a bar");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
