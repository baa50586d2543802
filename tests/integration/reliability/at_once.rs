//! A hundred browsers of one customer at three gateways at once, all in their first login: one
//! account and one link come of it.

use std::time::Instant;

use tokio::task::JoinSet;

use super::matrix::Faults;
use crate::support::report::{Section, Size};
use crate::support::site::{Node, Site};
use crate::support::visitor::{Landed, Visitor};

const NODES: usize = 3;
/// Rounds on one site: its cloud remembers only so many.
const ROUNDS_A_SITE: usize = 25;

/// What one browser saw.
#[derive(Default)]
struct Seen {
    /// Answers that a gateway was too busy, after each of which the browser asked again.
    busy: usize,
    /// Notifications that this browser carried.
    carried: usize,
    /// Consoles of somebody else.
    wrong: usize,
}

/// A customer who clicks and goes where it leads.
async fn comes_in(mut visitor: Visitor) -> Seen {
    let mut seen = Seen::default();
    match visitor.arrives().await.unwrap() {
        Landed::Console(whose) => seen.wrong += usize::from(whose != visitor.customer),
        Landed::Newcomer(page) => {
            if let Some(told) = visitor.creates(&page).await {
                let answer = visitor.carries(&told).await.unwrap();
                assert!(answer.status.is_success(), "{answer:?}");
                seen.carried += 1;
            }
        }
    }
    seen.busy = visitor.busy;
    seen
}

async fn round(site: &Site, nodes: &[Node], customer: &str, browsers: usize) -> (Seen, Faults) {
    let mut running = JoinSet::new();
    for browser in 0..browsers {
        running.spawn(comes_in(Visitor::new(customer, site, &nodes[browser % NODES])));
    }
    let mut all = Seen::default();
    while let Some(seen) = running.join_next().await {
        let seen = seen.unwrap();
        all.busy += seen.busy;
        all.carried += seen.carried;
        all.wrong += seen.wrong;
    }
    let mut faults = Faults { wrong: all.wrong, ..Faults::default() };
    faults.orphans(site, customer).await;
    faults.links(site, customer).await;
    (all, faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_logins_of_one_customer_at_once_make_one_account_and_one_link() {
    let amount = Size::wanted();
    let (rounds, browsers) = match amount {
        Size::Sample => (2, 40),
        Size::Full => (200, 100),
    };
    let (begun, mut all, mut carried, mut busy) = (Instant::now(), Faults::default(), 0, 0);
    let mut stage = None;
    for number in 0..rounds {
        if number % ROUNDS_A_SITE == 0 {
            let site = Site::new().await;
            stage = Some(([site.node().await, site.node().await, site.node().await], site));
        }
        let (nodes, site) = stage.as_ref().unwrap();
        let (seen, found) = round(site, nodes, &format!("cust-{number}"), browsers).await;
        carried += seen.carried;
        busy += seen.busy;
        all.add(&found, &format!("round {number}"));
        if amount == Size::Full && number % 10 == 9 {
            println!("at once: {} of {rounds} rounds after {:?}", number + 1, begun.elapsed());
        }
    }
    println!("{rounds} rounds in {:?}, {carried} carried, {busy} busy", begun.elapsed());
    all.expect_none();
    Section::of([
        ("rounds", rounds),
        ("nodes", NODES),
        ("first logins at once in each round", browsers),
        ("answers that a gateway was too busy; the browser asked again", busy),
        ("notifications that browsers carried", carried),
        ("failures: links lost", all.lost),
        ("failures: accounts, links or messages doubled", all.doubled),
        ("failures: consoles of a wrong account", all.wrong),
        ("failures: orphans", all.orphans),
    ])
    .took(begun.elapsed())
    .write("at-once", "A hundred first logins of one customer at once", amount);
}
