//! Benchmark: what it costs to refuse a hostile request (conformance B-04). Everybody can send one,
//! so the dearest must stay cheap: at most 5 ms of processor time and 1 MiB of memory.
//!
//! Each request of the tests' corpus is read as the gateway reads it, and sent through the whole
//! gateway, page included, in this process. Processor time is the thread's own; memory is the most
//! that was allocated beyond what was held before.
//!
//! ```text
//! cargo bench --bench hostile               about 30 s
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
use skybridge::saml::redirect;
use tokio::runtime::Runtime;

use support::gateway::TestGateway;
use support::gateway::browser::Browser;
use support::gateway::cloud::Request;
use support::gateway::hostile::{Hostile, corpus};

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
    name: &'static str,
    code: &'static str,
    bytes: usize,
    reading: Cost,
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
    let good = Hostile { name: "a good request", code: "-", query: Request::to("acme").query() };
    let mut rows: Vec<Row> =
        corpus().iter().map(|hostile| measure(&runtime, &browser, hostile, each)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.whole.processor));
    println!("{:>8} {:>8} {:>9} {:>9} {:>6}  request", "ms", "KiB", "ms read", "KiB read", "bytes");
    for row in &rows {
        print(row);
    }
    println!("\nfor comparison, the reading of a good one; its answer is measured elsewhere");
    let reading = reading(&good, each);
    print(&Row {
        name: good.name,
        code: good.code,
        bytes: good.query.len(),
        reading,
        whole: reading,
    });
    verdict(&rows, whole)
}

fn measure(runtime: &Runtime, browser: &Browser, hostile: &Hostile, each: Duration) -> Row {
    let path = format!("/acme/saml/sso?{}", hostile.query);
    // A new browser each time, as a stranger comes.
    let send = || runtime.block_on(async { browser.clone().get(&path).await });
    assert_eq!(send().code().as_deref(), Some(hostile.code), "{}", hostile.name);
    Row {
        name: hostile.name,
        code: hostile.code,
        bytes: hostile.query.len(),
        reading: reading(hostile, each),
        whole: cost(each, || drop(black_box(send()))),
    }
}

fn reading(hostile: &Hostile, each: Duration) -> Cost {
    cost(each, || drop(black_box(redirect::authn_request(black_box(&hostile.query)))))
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
    println!(
        "{:8.3} {:8} {:9.3} {:9} {bytes:6}  {code} {name}",
        ms(whole),
        kib(whole),
        ms(reading),
        kib(reading)
    );
}

/// Prints the dearest. A whole run fails above a bar; a quick one measures too little for that.
fn verdict(rows: &[Row], whole: bool) -> ExitCode {
    let slowest = rows.iter().max_by_key(|row| row.whole.processor).unwrap();
    let largest = rows.iter().max_by_key(|row| row.whole.memory).unwrap();
    let ms = slowest.whole.processor.as_secs_f64() * 1_000.0;
    let kib = largest.whole.memory.div_ceil(1024);
    println!("\n{} hostile requests", rows.len());
    println!("dearest {ms:.3} ms of processor time (bar 5): {}", slowest.name);
    println!("largest {kib} KiB of memory (bar 1024): {}", largest.name);
    let within = slowest.whole.processor <= MOST_TIME && largest.whole.memory <= MOST_MEMORY;
    if whole && !within {
        println!("above the bar");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
