//! Fuzzing, the part that only the fuzzers need: one call for each input, what it cost, and the
//! comparison with libxml2 and roxmltree. What is done with an input stands in `targets/`, which
//! the ordinary tests run too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use peak_alloc::PeakAlloc;

mod libxml2;
mod peers;
mod targets;

use targets::cost::{self, Cost};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Runs the target of this name on one input, and notes what the dearest request of it cost.
///
/// # Panics
/// When something that must hold does not: that is a finding.
pub fn fuzz(name: &'static str, octets: &[u8]) {
    static TARGET: OnceLock<&'static targets::Target> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        cost::count_memory(
            || {
                HEAP.reset_peak_usage();
                HEAP.current_usage()
            },
            || HEAP.peak_usage(),
        );
        targets::ALL.iter().find(|target| target.name == name).expect("a target of this name")
    });
    cost::take();
    (target.run)(octets);
    let found = cost::take();
    static RECORDS: Mutex<Records> = Mutex::new(Records::NONE);
    let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if records.beaten_by(found) {
        // One look may have met a busy machine: the least of several counts.
        let again = (0..4).map(|_| {
            (target.run)(octets);
            cost::take()
        });
        let least = again.fold(found, |least, cost| Cost {
            time: least.time.min(cost.time),
            memory: least.memory.min(cost.memory),
        });
        records.take(name, octets, least);
    }
    drop(records);
    if name == "differential" {
        peers::compare(octets);
    }
}

/// Where `SKYBRIDGE_FUZZ_SEEDS` names a directory, writes the seeds of all targets there, and ends.
///
/// # Panics
/// When they cannot be written.
pub fn seeds_only() {
    if let Some(directory) = std::env::var_os("SKYBRIDGE_FUZZ_SEEDS") {
        write_seeds(Path::new(&directory)).expect("room for seeds");
        std::process::exit(0);
    }
}

/// Writes every target's seeds into a directory of its name.
fn write_seeds(directory: &Path) -> io::Result<()> {
    for target in &targets::ALL {
        let place = directory.join(target.name);
        fs::create_dir_all(&place)?;
        for (number, seed) in targets::seeds::of(target.name).into_iter().enumerate() {
            fs::write(place.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}

/// The dearest inputs so far.
struct Records {
    time: Duration,
    memory: usize,
}

impl Records {
    const NONE: Self = Self { time: Duration::ZERO, memory: 0 };

    fn beaten_by(&self, cost: Cost) -> bool {
        cost.time > self.time || cost.memory > self.memory
    }

    /// Keeps the input where `SKYBRIDGE_FUZZ_RECORDS` says, if it is dearer than all before it.
    fn take(&mut self, name: &str, octets: &[u8], cost: Cost) {
        let Some(place) = std::env::var_os("SKYBRIDGE_FUZZ_RECORDS").map(PathBuf::from) else {
            return;
        };
        let keep = |what: &str, value: u128| {
            let line = format!("{{\"value\": {value}, \"bytes\": {}}}\n", octets.len());
            let written = fs::write(place.join(format!("{name}.{what}.json")), line)
                .and_then(|()| fs::write(place.join(format!("{name}.{what}.input")), octets));
            written.expect("room for the dearest inputs");
        };
        if cost.time > self.time {
            self.time = cost.time;
            keep("time", cost.time.as_nanos());
        }
        if cost.memory > self.memory {
            self.memory = cost.memory;
            keep("memory", cost.memory as u128);
        }
    }
}
