//! A cloud that loses notifications, does not answer calls that it has carried out, and refuses
//! others by the dozen: every link comes to be known all the same, within the budget of calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use skybridge::fakecloud::{Api, Calls, Script};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::creation::{Partner, is_over};
use super::matrix::{Faults, compared, until};
use crate::support::report::{Section, Size};
use crate::support::site::{Node, Site};
use crate::support::visitor::{Landed, Visitor};

/// Within which all creations are over: a call without an answer takes half a minute, and a lost
/// one is looked for again and again.
const DEADLINE: Duration = Duration::from_mins(10);
/// How many customers come at one time.
const AT_ONCE: usize = 8;

fn script(amount: Size) -> Script {
    // A call that is never answered takes the client's whole patience, too long for a sample; and
    // a sample must not depend on dice.
    let (silence, lost) = match amount {
        Size::Sample => (json!({ "reset": "after_commit" }), json!({ "calls": [3, 6] })),
        Size::Full => (json!({ "never": "after_commit" }), json!({ "percent": 30 })),
    };
    let rules = json!([
        { "api": "notification", "when": lost, "effect": "lose" },
        { "api": "create_customer", "when": { "calls": [3, 9] },
          "effect": { "throttle": { "seconds": 2 } } },
        { "api": "create_customer", "when": { "calls": [40, 60] },
          "effect": { "throttle": "silent" } },
        { "api": "create_customer", "when": { "percent": 10 }, "effect": silence },
        { "api": "list_customers", "when": { "calls": [2, 5] },
          "effect": { "throttle": { "date_in": 2 } } },
        { "api": "list_customers", "when": { "percent": 10 }, "effect": { "reset": "after_commit" } },
    ]);
    serde_json::from_value(json!({ "seed": 11, "rules": rules })).unwrap()
}

/// Through the cloud's page. Gives whether the notification was lost.
async fn logs_in(mut visitor: Visitor) -> bool {
    let landed = visitor.arrives().await.unwrap();
    let Landed::Newcomer(page) = landed else { panic!("{landed:?}") };
    let Some(told) = visitor.creates(&page).await else { return true };
    let answer = visitor.carries(&told).await.unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
    false
}

async fn all_log_in(site: &Site, node: &Node, customers: &[String]) -> usize {
    let (places, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for customer in customers {
        let (visitor, places) = (Visitor::new(customer, site, node), Arc::clone(&places));
        running.spawn(async move {
            let _place = places.acquire().await.unwrap();
            logs_in(visitor).await
        });
    }
    let lost = running.join_all().await;
    lost.into_iter().filter(|lost| *lost).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_comes_to_be_known_with_a_cloud_that_loses_much() {
    let amount = Size::wanted();
    let each: u64 = if amount == Size::Full { 150 } else { 12 };
    let (begun, site) = (Instant::now(), Site::new().await);
    let nodes = [site.node().await, site.node().await];
    site.cloud.set_faults(script(amount)).unwrap();
    let named = |kind: &str| (0..each).map(|n| format!("{kind}-{n}")).collect::<Vec<_>>();
    let (by_page, by_api) = (named("page"), named("api"));
    for (number, customer) in by_api.iter().enumerate() {
        Partner::of(customer).asks(&nodes[number % 2]).await.unwrap();
    }
    let lost = all_log_in(&site, &nodes[0], &by_page).await;
    assert!(lost > 0, "the cloud lost nothing");
    until(DEADLINE, || is_over(&site)).await;
    let created = begun.elapsed();
    compared(&site).await;
    let mut faults = Faults::default();
    for customer in by_page.iter().chain(&by_api) {
        faults.orphans(&site, customer).await;
        faults.links(&site, customer).await;
    }
    let calls = site.cloud.calls();
    println!("{lost} notifications lost; {calls:?}; created after {created:?}");
    faults.expect_none();
    assert_eq!(beyond_budget(&calls), 0, "{calls:?}");
    let section = told((each, lost), &calls, &faults).took(begun.elapsed());
    section.write("lossy", "A cloud that loses much", amount);
}

/// Calls that the cloud refused because there were too many, by no script's order.
fn beyond_budget(calls: &BTreeMap<Api, Calls>) -> u64 {
    calls.values().map(|calls| calls.throttled).sum()
}

/// The numbers of a run.
fn told((each, lost): (u64, usize), calls: &BTreeMap<Api, Calls>, faults: &Faults) -> Section {
    let number = |count: u64| usize::try_from(count).unwrap();
    let of = |api: Api| calls.get(&api).copied().unwrap_or_default();
    Section::of([
        ("first logins on the cloud's page", number(each)),
        ("of them, notifications lost", lost),
        ("accounts created by the API", number(each)),
        ("calls to create", number(of(Api::CreateCustomer).calls)),
        ("of them, refused or not answered by the script", number(of(Api::CreateCustomer).faulted)),
        ("calls for the list", number(of(Api::ListCustomers).calls)),
        ("of them, refused or not answered by the script", number(of(Api::ListCustomers).faulted)),
        ("failures: calls beyond 10 in a second", number(beyond_budget(calls))),
        ("failures: links lost", faults.lost),
        ("failures: accounts, links or messages doubled", faults.doubled),
        ("failures: links with a wrong account", faults.wrong),
        ("failures: orphans in the end", faults.orphans),
    ])
}
