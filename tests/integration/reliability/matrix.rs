//! The crash matrix: every durable action of a journey, as a clean run shows them, times before and
//! after, times three ways in which it goes on.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use skybridge::random::{Random as _, SequenceRandom};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::report::{Section, Size};
use crate::support::site::{Site, TENANT};
use crate::support::tap::{Kill, Moment, Tap};

/// Most cells at one time.
const AT_ONCE: usize = 12;
/// How often a cell is begun anew in which another node was faster.
const TRIES: usize = 12;
/// Within which links can be compared.
const COMPARED: Duration = Duration::from_mins(3);
/// How many cells a sample has.
const SAMPLE: usize = 6;

/// How it goes on after the crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// The gateway is started again and whoever waited tries again at once.
    RetryAtOnce,
    /// Another node, which ran all the time, takes over.
    AnotherNode,
    /// Nobody is there for a while; then a gateway is started, and only later somebody comes.
    NobodyForAWhile,
}

/// All three.
pub(super) const RECOVERIES: &[Recovery] =
    &[Recovery::RetryAtOnce, Recovery::AnotherNode, Recovery::NobodyForAWhile];

/// One crash.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// What a clean run does.
    pub(super) script: Arc<[String]>,
    /// At which of these.
    pub(super) at: usize,
    /// On which side of it.
    pub(super) moment: Moment,
    /// What comes then.
    pub(super) recovery: Recovery,
}

impl Cell {
    /// Sets the trap.
    pub(super) fn strike(&self, tap: &Tap, kill: Kill) {
        tap.strike(&self.script, (self.at, self.moment), kill);
    }
}

/// What is wrong after a recovery.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Links that the gateway does not know in the end, or of which the partner was never told.
    pub(super) lost: usize,
    /// More than one account at the cloud, link, or message to the partner.
    pub(super) doubled: usize,
    /// Assertions for, or consoles of, another account.
    pub(super) wrong: usize,
    /// Accounts at the cloud that the gateway does not know after the deadline, and creations that
    /// are not over by then.
    pub(super) orphans: usize,
    /// For people.
    pub(super) notes: String,
}

impl Faults {
    /// What can be said at any time after the deadline: what the cloud has, the gateway knows.
    pub(super) async fn orphans(&mut self, site: &Site, customer: &str) {
        let accounts = site.accounts_of(customer);
        let kept = site.kept(customer).await;
        let open = "SELECT count(*) FROM intents WHERE step NOT IN ('done', 'failed')";
        let open = site.count(open).await;
        let known = kept.as_ref().and_then(|kept| kept.domain_id.as_deref());
        let linked = kept.as_ref().is_some_and(|kept| kept.state == "linked");
        for account in &accounts {
            if !linked || known != Some(&account.domain_id) {
                self.orphans += 1;
                _ = write!(self.notes, "orphan: {account:?} is kept as {kept:?}; ");
            }
        }
        if open != 0 {
            self.orphans += 1;
            _ = write!(self.notes, "{open} creations are not over; ");
        }
    }

    /// What must be so when the customer is done.
    pub(super) async fn end(&mut self, site: &Site, customer: &str) {
        self.links(site, customer).await;
        for exchange in site.cloud.exchanges() {
            let said = exchange.response_xml.unwrap_or_default();
            if said.contains("Assertion") && !said.contains(&format!(">{customer}<")) {
                self.wrong += 1;
                _ = write!(self.notes, "asserted: {said}; ");
            }
        }
    }

    /// One account, one link, one message to the partner.
    pub(super) async fn links(&mut self, site: &Site, customer: &str) {
        let accounts = site.accounts_of(customer);
        self.doubled += accounts.len().saturating_sub(1);
        let kept = site.kept(customer).await;
        let linked = kept.as_ref().filter(|kept| kept.state == "linked");
        let known = linked.and_then(|kept| kept.domain_id.as_deref());
        match (known, accounts.as_slice()) {
            (Some(known), [account]) if known == account.domain_id => {}
            (Some(_), [_]) => self.wrong += 1,
            (_, _) => self.lost += 1,
        }
        let told = site.told(customer).await;
        self.lost += usize::from(told == 0);
        self.doubled += usize::from(told > 1);
        if !self.none() {
            _ = write!(self.notes, "kept {kept:?}, told {told} times, at the cloud {accounts:?}");
        }
    }

    /// Puts what was found at a place to the rest.
    pub(super) fn add(&mut self, found: &Self, place: &str) {
        self.lost += found.lost;
        self.doubled += found.doubled;
        self.wrong += found.wrong;
        self.orphans += found.orphans;
        if !found.none() {
            _ = writeln!(self.notes, "{place}: {found:?}");
        }
    }

    /// Fails if anything was wrong.
    pub(super) fn expect_none(&self) {
        assert!(self.none(), "{self:?}\n{}", self.notes.replace("; ", "\n"));
    }

    fn none(&self) -> bool {
        self.lost + self.doubled + self.wrong + self.orphans == 0
    }
}

/// What came of a whole matrix.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The actions of a clean run.
    pub(super) actions: Vec<String>,
    /// Cells that there are.
    pub(super) cells: usize,
    /// Cells in which the gateway died where it should.
    pub(super) covered: usize,
    /// Everything that was wrong.
    pub(super) faults: Faults,
    /// How long all of it took.
    pub(super) took: Duration,
}

impl Tally {
    /// Fails if anything was wrong.
    pub(super) fn expect_none(&self) {
        self.faults.expect_none();
        assert_eq!(self.covered, self.cells, "cells in which the gateway did not die");
    }

    /// Writes it down.
    pub(super) fn write(&self, name: &str, title: &str, size: Size) {
        let faults = &self.faults;
        Section::of([
            ("durable actions of a clean run", self.actions.len()),
            ("cells: actions × before, after × three recoveries", self.cells),
            ("cells covered", self.covered),
            ("failures: links lost", faults.lost),
            ("failures: accounts, links or messages doubled", faults.doubled),
            ("failures: assertions for a wrong account", faults.wrong),
            ("failures: orphans after the deadline", faults.orphans),
        ])
        .took(self.took)
        .steps("The actions", &self.actions)
        .write(name, title, size);
    }
}

/// The actions of a journey: the shortest of three clean runs. A gateway that has just started does
/// things of its own, which may fall into one of them.
pub(super) async fn script<F: Future<Output = Vec<String>>>(clean: impl Fn() -> F) -> Vec<String> {
    let mut shortest = clean().await;
    for _ in 0..2 {
        let again = clean().await;
        if again.len() < shortest.len() {
            shortest = again;
        }
    }
    shortest
}

/// Runs the cells of a journey, or a sample of them. The journey gives `None` where the gateway did
/// not come to the place at which it was to die, which may be because another node was faster; then
/// it is begun anew.
pub(super) async fn run<F>(
    name: &'static str,
    size: Size,
    (script, recoveries): (Vec<String>, &[Recovery]),
    journey: fn(Cell) -> F,
) -> Tally
where
    F: Future<Output = Option<Faults>> + Send + 'static,
{
    let (begun, script): (_, Arc<[String]>) = (Instant::now(), script.into());
    let mut cells = Vec::new();
    for at in 0..script.len() {
        for moment in [Moment::Before, Moment::After] {
            for &recovery in recoveries {
                cells.push(Cell { script: Arc::clone(&script), at, moment, recovery });
            }
        }
    }
    if size == Size::Sample {
        cells = sample(cells);
    }
    let mut tally = Tally { actions: script.to_vec(), cells: cells.len(), ..Tally::default() };
    let (places, done) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(AtomicUsize::new(0)));
    let (total, mut running) = (cells.len(), JoinSet::new());
    for cell in cells {
        let (places, done) = (Arc::clone(&places), Arc::clone(&done));
        running.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let mut outcome = None;
            for _ in 0..TRIES {
                outcome = journey(cell.clone()).await;
                if outcome.is_some() {
                    break;
                }
            }
            let number = done.fetch_add(1, Ordering::Relaxed) + 1;
            if size == Size::Full {
                println!("{name}: {number} of {total} after {:?}", begun.elapsed());
            }
            (cell, outcome)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (cell, outcome) = ended.unwrap();
        let action = &cell.script[cell.at];
        let Cell { at, moment, recovery, .. } = &cell;
        let place = format!("{name}, {moment:?} action {} ({action}), {recovery:?}", at + 1);
        let Some(found) = outcome else {
            println!("{place}: the gateway did not come there");
            continue;
        };
        tally.covered += 1;
        tally.faults.add(&found, &place);
    }
    tally.took = begun.elapsed();
    tally
}

/// Always the same few.
fn sample(mut cells: Vec<Cell>) -> Vec<Cell> {
    let random = SequenceRandom::new(3);
    let mut chosen = Vec::new();
    while chosen.len() < SAMPLE && !cells.is_empty() {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let number = u32::from_le_bytes(bytes) as usize % cells.len();
        chosen.push(cells.swap_remove(number));
    }
    chosen
}

/// Compares the links with the cloud's list, as an operator does, and again while that cannot be
/// done: the list may fail, and a dead gateway that was at it holds others up for a minute.
pub(super) async fn compared(site: &Site) {
    let done = until(COMPARED, || async {
        let (code, said) = site.run(&["reconcile", "--tenant", TENANT]).await;
        // 3: the neighbour is told, of whom the gateway knows nothing.
        assert!(matches!(code, Some(1 | 3)), "{said}");
        code == Some(3)
    });
    assert!(done.await, "the links cannot be compared");
}

/// Waits until something is so; false when it is not in time.
pub(super) async fn until<F: Future<Output = bool>>(
    within: Duration,
    holds: impl Fn() -> F,
) -> bool {
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(50));
    while !holds().await {
        if begun.elapsed() > within {
            return false;
        }
        beat.tick().await;
    }
    true
}
