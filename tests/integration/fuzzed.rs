//! The targets of the fuzzers (`fuzz/`) over the inputs that fuzzers kept and those that they begin
//! with: every one is read or refused, and all that has to hold for every input holds. And what
//! whole runs of them found, as they wrote it down.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use targets::Target;

/// Most bytes that all kept inputs have.
const CORPORA_BYTES: u64 = 1_536 * 1024;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs that the fuzzer of a target kept.
fn kept(target: &Target) -> Vec<PathBuf> {
    let place = top().join("fuzz/corpus").join(target.name);
    let mut paths: Vec<_> =
        fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 50, "{} inputs of {}: its corpus was lost", paths.len(), target.name);
    paths
}

/// An input, and what it is called.
type Input = (String, Vec<u8>);

/// The inputs of this list at which the target panics.
fn faults(target: &Target, inputs: impl IntoIterator<Item = Input>) -> Vec<String> {
    inputs
        .into_iter()
        .filter(|(_, octets)| panic::catch_unwind(|| (target.run)(octets)).is_err())
        .map(|(name, _)| name)
        .collect()
}

/// The same for all targets, each on a thread of its own.
fn all_faults(inputs: fn(&Target) -> Vec<Input>) -> Vec<String> {
    std::thread::scope(|scope| {
        let of = |target| scope.spawn(move || faults(target, inputs(target)));
        let workers: Vec<_> = targets::ALL.iter().map(of).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn every_input_that_the_fuzzers_kept_is_read_or_refused() {
    let faults = all_faults(|target| {
        let read = |path: &PathBuf| (path.display().to_string(), fs::read(path).unwrap());
        kept(target).iter().map(read).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_input_that_the_fuzzers_begin_with_is_read_or_refused() {
    let faults = all_faults(|target| {
        let seeds = targets::seeds::of(target.name).into_iter().enumerate();
        seeds.map(|(number, seed)| (format!("seed {number} of {}", target.name), seed)).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_the_fuzzers_kept_stays_small() {
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let bytes: u64 = targets::ALL.iter().flat_map(kept).map(|it| size(&it)).sum();
    assert!(bytes < CORPORA_BYTES, "{bytes} bytes: fuzz/run --minimise");
}

#[test]
fn whole_runs_of_the_fuzzers_found_no_crash_no_hang_and_no_difference() {
    let document = fs::read_to_string(top().join("docs/fuzzing.md")).unwrap();
    assert!(document.starts_with("<!-- Made by runs: fuzz/run -->\n"));
    for Target { name, .. } in &targets::ALL {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("no whole run of {name} was written down"));
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 11, "{row}");
        assert_eq!(cells[5], "0", "{name} found something");
        let executions: u64 = cells[1].replace(',', "").parse().unwrap();
        assert!(executions > 10_000, "{name} was hardly run");
        let seconds = cells[10].rsplit(" --seconds ").next().unwrap().trim_end_matches('`');
        assert!(seconds.parse::<u64>().unwrap() >= 600, "{name}: {seconds} s");
    }
}
