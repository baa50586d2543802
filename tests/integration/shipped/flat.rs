//! Malformed requests leave nothing behind: memory, descriptors, threads and tasks of the program
//! stay as they were (conformance B-06, C-07).

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Shipped;
use super::flood::{Arsenal, Client};
use crate::support::gateway::process::{Process, seconds_since_start};
use crate::support::report::{Section, Size};
use crate::support::shipped;

/// How many are sent in a run of all tests to the debug build and to the program as it is shipped,
/// and in a full run on the release build.
const FEW: usize = 4_000;
const SAMPLE: usize = 20_000;
const FULL: usize = 1_000_000;
/// How many send at once.
const CLIENTS: usize = 8;
/// How often it is measured while they are sent.
const MEASUREMENTS: usize = 10;
/// How many are sent before, in either kind of run: until everything was done once, all grows.
const WARM_UP: [usize; 2] = [4_000, 50_000];
/// For how long what is sent is refused for its own reasons and not for its age.
const FRESH: Duration = Duration::from_secs(30);
/// How much more memory may be in use at the end than after the warm-up, KiB: the allocator keeps
/// what it was given in pieces of all sizes. Of a million requests, a leak of nine octets each
/// would be seen.
const MEMORY: u64 = 8 * 1024;
/// The same for descriptors, threads and tasks: connections to the stores come and go.
const COUNT: u64 = 8;
/// The same for the lines of `/metrics`: the first refusal of each kind adds some, up to a fixed
/// number.
const SERIES: u64 = 200;
/// Within which all connections of clients that left are gone.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    memory: u64,
    descriptors: u64,
    threads: u64,
    tasks: u64,
    series: u64,
}

impl Held {
    /// Waits until the clients' connections are gone, and measures.
    async fn by(process: &Process) -> Self {
        let (begun, mut beat) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
        let numbers = loop {
            beat.tick().await;
            let numbers = process.numbers().await;
            if number(&numbers, "skybridge_connections{listener=\"gateway\"}") == 0 {
                break numbers;
            }
            assert!(begun.elapsed() < PATIENCE, "connections are kept of clients that left");
        };
        let proc = format!("/proc/{}", process.id());
        let line = |file: &str, name: &str| {
            let text = fs::read_to_string(format!("{proc}/{file}")).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Self {
            // What it wrote itself. Of the program's pages it has more when others end that share
            // them.
            memory: line("status", "RssAnon:"),
            descriptors: fs::read_dir(format!("{proc}/fd")).unwrap().count() as u64,
            threads: line("status", "Threads:"),
            tasks: number(&numbers, "skybridge_tasks"),
            series: numbers.lines().filter(|line| !line.starts_with('#')).count() as u64,
        }
    }

    fn numbers(self) -> [(&'static str, u64, u64); 5] {
        [
            ("KiB of memory", self.memory, MEMORY),
            ("descriptors", self.descriptors, COUNT),
            ("threads", self.threads, COUNT),
            ("tasks", self.tasks, COUNT),
            ("lines of `/metrics`", self.series, SERIES),
        ]
    }
}

/// A number that the gateway publishes.
fn number(numbers: &str, name: &str) -> u64 {
    let line = numbers.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name} in {numbers}")).trim().parse().unwrap()
}

/// Sends that share of the requests by all clients at once; gives answers that were no refusal.
async fn send(
    process: &Process,
    arsenal: &Arc<Arsenal>,
    (round, requests): (usize, usize),
) -> Vec<String> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (arsenal, address) = (Arc::clone(arsenal), process.address);
        let seed = (round * CLIENTS + client) as u64;
        clients.spawn(async move {
            let mut client = Client::new(&arsenal, address, seed);
            client.send(requests / CLIENTS).await;
            client.wrong
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_leave_memory_descriptors_and_tasks_flat() {
    // Without the release build a million would take very long, and prove less.
    let (size, sample) = match shipped() {
        Some(_) => (Size::wanted(), SAMPLE),
        None => (Size::Sample, FEW),
    };
    let requests = size.choose(sample, FULL);
    let begun = Instant::now();
    let Shipped { process, _redis } = Shipped::start().await;
    let (mut wrong, mut unserved, mut held) = (Vec::new(), 0, Vec::new());
    let mut arsenal = (Instant::now(), Arc::new(Arsenal::new(seconds_since_start())));
    for round in 0..=MEASUREMENTS {
        if arsenal.0.elapsed() > FRESH {
            arsenal = (Instant::now(), Arc::new(Arsenal::new(seconds_since_start())));
        }
        let warm_up = size.choose(WARM_UP[0], WARM_UP[1]);
        let share = if round == 0 { warm_up } else { requests / MEASUREMENTS };
        wrong.extend(send(&process, &arsenal.1, (round, share)).await);
        unserved += usize::from(!process.serves_a_customer().await);
        held.push(Held::by(&process).await);
        println!("{:?} after {} s", held[round], begun.elapsed().as_secs());
    }
    assert!(wrong.is_empty(), "{} wrong, such as {}", wrong.len(), wrong[0]);
    assert_eq!(unserved, 0, "good requests were not answered");
    let mut section = Section::of([
        ("malformed requests before the first measurement", size.choose(WARM_UP[0], WARM_UP[1])),
        ("malformed requests", requests / MEASUREMENTS / CLIENTS * CLIENTS * MEASUREMENTS),
        ("failures: answers that were no refusal", wrong.len()),
        ("failures: good requests between them that were not answered", unserved),
    ]);
    for which in 0..held[0].numbers().len() {
        let of = |held: &Held| held.numbers()[which].1;
        let (name, first, allowance) = held[0].numbers()[which];
        let last = held[MEASUREMENTS - 2..].iter().map(of).min().expect("three");
        let most = held.iter().map(of).max().expect("some");
        assert!(last <= first + allowance, "{name}: {first} became {last}: {held:?}");
        section.line(&format!("{name}: after the warm-up"), first);
        section.line(&format!("{name}: in the end"), last);
        section.line(&format!("{name}: most in between"), most);
    }
    let pace = (requests as u128 * 1000) / begun.elapsed().as_millis().max(1);
    section.line("requests a second, with eight clients on the same machine", pace);
    section.took(begun.elapsed()).write("malformed", "A million malformed requests", size);
}
