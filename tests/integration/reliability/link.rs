//! The crash matrix of a first login on the cloud's page: from the partner's click to the link
//! notification that the browser carries.

use super::matrix::{self, Cell, Faults, RECOVERIES, Recovery, compared, run};
use crate::support::report::Size;
use crate::support::site::Site;
use crate::support::visitor::{Fields, Landed, Visitor};

const CUSTOMER: &str = "cust-1";

/// A customer on their way.
struct Journey {
    visitor: Visitor,
    /// The notification that the browser holds.
    told: Option<Fields>,
    faults: Faults,
}

impl Journey {
    fn of(visitor: Visitor) -> Self {
        Self { visitor, told: None, faults: Faults::default() }
    }

    /// Goes on to the end, from the notification where there is one, else from the partner's page.
    async fn goes_on(&mut self) -> Result<(), reqwest::Error> {
        if self.told.is_none() {
            match self.visitor.arrives().await? {
                Landed::Console(whose) => {
                    self.faults.wrong += usize::from(whose != CUSTOMER);
                    return Ok(());
                }
                Landed::Newcomer(page) => self.told = self.visitor.creates(&page).await,
            }
        }
        if let Some(told) = &self.told {
            let answer = self.visitor.carries(told).await?;
            assert!(answer.status.is_success(), "{answer:?}");
            self.told = None;
        }
        Ok(())
    }
}

async fn clean() -> Vec<String> {
    let site = Site::new().await;
    let (node, tap) = site.tapped_node().await;
    tap.watch();
    let mut journey = Journey::of(Visitor::new(CUSTOMER, &site, &node));
    journey.goes_on().await.unwrap();
    let actions = tap.actions();
    journey.goes_on().await.unwrap();
    journey.faults.end(&site, CUSTOMER).await;
    journey.faults.expect_none();
    actions
}

async fn crash(cell: Cell) -> Option<Faults> {
    let site = Site::new().await;
    let (first, tap) = site.tapped_node().await;
    let second = match cell.recovery {
        Recovery::AnotherNode => Some(site.node().await),
        _ => None,
    };
    cell.strike(&tap, first.killer());
    let mut journey = Journey::of(Visitor::new(CUSTOMER, &site, &first));
    if journey.goes_on().await.is_ok() {
        return None;
    }
    assert!(tap.struck(), "the gateway died by itself: {}", first.log());
    let node = match second {
        Some(second) => second,
        None => site.node().await,
    };
    if cell.recovery == Recovery::NobodyForAWhile {
        // The browser was closed, and with it the notification is gone.
        journey = Journey::of(Visitor::new(CUSTOMER, &site, &node));
        compared(&site).await;
        journey.faults.orphans(&site, CUSTOMER).await;
    }
    journey.visitor.moves_to(&node);
    journey.goes_on().await.unwrap();
    journey.faults.orphans(&site, CUSTOMER).await;
    journey.goes_on().await.unwrap();
    journey.faults.end(&site, CUSTOMER).await;
    Some(journey.faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_link_is_lost_or_doubled_wherever_a_gateway_dies_in_a_first_login() {
    let size = Size::wanted();
    let script = (matrix::script(clean).await, RECOVERIES);
    let tally = run("first login", size, script, crash).await;
    println!("{tally:?}");
    tally.expect_none();
    tally.write("first-login", "Crash matrix: first login and link notification", size);
}
