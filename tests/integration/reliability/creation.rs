//! The crash matrix of an account's creation by the partner's API: from the partner's call to the
//! customer's link.

use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::time::interval;

use super::matrix::{self, Cell, Faults, RECOVERIES, Recovery, run, until};
use crate::support::gateway::API_KEY;
use crate::support::report::Size;
use crate::support::site::{self, Node, PATIENCE, Site, TENANT};
use crate::support::visitor::{Landed, Visitor};

const CUSTOMER: &str = "cust-1";
/// Within which a creation that was begun is over, whatever happens to one gateway: the lease of
/// the dead one, and time to look and ask.
pub(super) const DEADLINE: Duration = Duration::from_secs(150);
/// What passes for the time of a lease, except where another node takes over in a full run: there
/// it is waited for.
pub(super) const LEASE_IS_OVER: &str = "UPDATE intents SET leased_until = 0";

/// The partner's back end, which wants an account for a customer.
pub(super) struct Partner<'a> {
    customer: &'a str,
}

impl<'a> Partner<'a> {
    /// The one who wants it for that customer.
    pub(super) fn of(customer: &'a str) -> Self {
        Self { customer }
    }

    /// Asks for the account, and gives the creation's address.
    pub(super) async fn asks(&self, node: &Node) -> Result<String, reqwest::Error> {
        let name = self.customer.replace('-', "_");
        let body = json!({ "user_id": self.customer, "domain_name": format!("shop_{name}") });
        let call = site::client().post(format!("{}/api/v1/{TENANT}/customers", node.origin()));
        let key = format!("order-{}", self.customer);
        let call = call.bearer_auth(API_KEY).header("idempotency-key", key).json(&body);
        let answer = patiently(call, 202).await?;
        Ok(answer["status_url"].as_str().unwrap().to_owned())
    }

    /// Switches the customer off.
    pub(super) async fn suspends(&self, node: &Node) -> Result<(), reqwest::Error> {
        let path = format!("/api/v1/{TENANT}/customers/{}/suspend", self.customer);
        let call = site::client().post(format!("{}{path}", node.origin())).bearer_auth(API_KEY);
        let answer = patiently(call, 200).await?;
        assert_eq!(answer["suspended"], true, "{answer}");
        Ok(())
    }

    /// Asks, and waits until the creation is over.
    pub(super) async fn creates(&self, node: &Node) -> Result<(), reqwest::Error> {
        let address = self.asks(node).await?;
        let (begun, mut beat) = (Instant::now(), interval(Duration::from_millis(50)));
        while state(node, &address).await? != "done" {
            assert!(begun.elapsed() < DEADLINE, "the creation is not over in time");
            beat.tick().await;
        }
        Ok(())
    }
}

/// The answer of a gateway, which may have been too busy at first.
async fn patiently(call: RequestBuilder, expected: u16) -> Result<Value, reqwest::Error> {
    let (begun, mut beat) = (Instant::now(), interval(Duration::from_millis(100)));
    loop {
        beat.tick().await;
        let answer = call.try_clone().unwrap().send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.as_u16() == 503 && begun.elapsed() < PATIENCE {
            continue;
        }
        assert_eq!(status.as_u16(), expected, "{text}");
        return Ok(serde_json::from_str(&text).unwrap());
    }
}

/// Whether no creation is open.
pub(super) async fn is_over(site: &Site) -> bool {
    site.count("SELECT count(*) FROM intents WHERE step NOT IN ('done', 'failed')").await == 0
}

/// How far the creation is.
async fn state(node: &Node, address: &str) -> Result<String, reqwest::Error> {
    let call = site::client().get(format!("{}{address}", node.origin()));
    let answer = patiently(call.bearer_auth(API_KEY), 200).await?;
    assert_ne!(answer["state"], "failed", "{answer}");
    Ok(answer["state"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

/// The customer clicks, and must land in their own console.
async fn lands(site: &Site, node: &Node) -> Faults {
    let mut visitor = Visitor::new(CUSTOMER, site, node);
    let mut faults = Faults::default();
    match visitor.arrives().await.unwrap() {
        Landed::Console(whose) => faults.wrong += usize::from(whose != CUSTOMER),
        Landed::Newcomer(_) => faults.lost += 1,
    }
    faults
}

/// What the cloud does with the first call to create.
#[derive(Clone, Copy)]
enum Cloud {
    /// It answers.
    Answers,
    /// It makes the account and does not answer: the gateway has to look on the list.
    IsSilent,
}

impl Cloud {
    async fn site(self) -> Site {
        let site = Site::new().await;
        let rules = match self {
            Self::Answers => json!([]),
            Self::IsSilent => json!([{ "api": "create_customer", "when": { "call": 1 },
                                       "effect": { "reset": "after_commit" } }]),
        };
        let script = serde_json::from_value(json!({ "rules": rules })).unwrap();
        site.cloud.set_faults(script).unwrap();
        site
    }
}

async fn clean(cloud: Cloud) -> Vec<String> {
    let site = cloud.site().await;
    let (node, tap) = site.tapped_node().await;
    tap.watch();
    Partner::of(CUSTOMER).creates(&node).await.unwrap();
    let actions = tap.actions();
    let mut faults = lands(&site, &node).await;
    faults.end(&site, CUSTOMER).await;
    faults.expect_none();
    actions
}

async fn crash_with_an_answer(cell: Cell) -> Option<Faults> {
    crash(cell, Cloud::Answers).await
}

async fn crash_without_an_answer(cell: Cell) -> Option<Faults> {
    crash(cell, Cloud::IsSilent).await
}

async fn crash(cell: Cell, cloud: Cloud) -> Option<Faults> {
    let site = cloud.site().await;
    let (first, tap) = site.tapped_node().await;
    let second = match cell.recovery {
        Recovery::AnotherNode => Some(site.node().await),
        _ => None,
    };
    cell.strike(&tap, first.killer());
    if Partner::of(CUSTOMER).creates(&first).await.is_ok() && !tap.struck() {
        return None;
    }
    assert!(tap.struck(), "the gateway died by itself: {}", first.log());
    if Size::wanted() == Size::Sample || cell.recovery != Recovery::AnotherNode {
        site.change(LEASE_IS_OVER).await;
    }
    let node = match second {
        Some(second) => second,
        None => site.node().await,
    };
    if cell.recovery == Recovery::RetryAtOnce {
        Partner::of(CUSTOMER).asks(&node).await.unwrap();
    }
    until(DEADLINE, || is_over(&site)).await;
    let mut faults = Faults::default();
    faults.orphans(&site, CUSTOMER).await;
    // Whoever was not answered asks again, sooner or later; with the same key it is the same wish.
    Partner::of(CUSTOMER).creates(&node).await.unwrap();
    let landed = lands(&site, &node).await;
    faults.wrong += landed.wrong;
    faults.lost += landed.lost;
    faults.end(&site, CUSTOMER).await;
    Some(faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_account_is_lost_or_doubled_wherever_a_gateway_dies_in_a_creation() {
    let size = Size::wanted();
    let script = (matrix::script(|| clean(Cloud::Answers)).await, RECOVERIES);
    let tally = run("creation", size, script, crash_with_an_answer).await;
    println!("{tally:?}");
    tally.expect_none();
    tally.write("creation", "Crash matrix: creating an account", size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_account_is_lost_or_doubled_wherever_a_gateway_dies_when_the_cloud_does_not_answer() {
    let size = Size::wanted();
    let script = (matrix::script(|| clean(Cloud::IsSilent)).await, RECOVERIES);
    let tally = run("silence", size, script, crash_without_an_answer).await;
    println!("{tally:?}");
    tally.expect_none();
    let title = "Crash matrix: creating an account, and the cloud does not answer the call";
    tally.write("creation-unanswered", title, size);
}
