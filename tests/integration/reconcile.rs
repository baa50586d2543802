//! `skybridge reconcile`, as an operator runs it beside a gateway: what it finds, repairs, prints
//! and ends with.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skybridge::fakecloud::Script;
use tokio::time::interval;

use crate::support::site::{NEIGHBOUR, Node, PATIENCE, Site, TENANT};
use crate::support::visitor::{Landed, Visitor};

const CUSTOMER: &str = "cust-new";

/// The command with more options: its exit code and what it said.
async fn reconcile(site: &Site, options: &[&str]) -> (Option<i32>, String) {
    site.run(&[&["reconcile", "--tenant", TENANT], options].concat()).await
}

/// The JSON that it printed.
async fn report(site: &Site, options: &[&str], code: i32) -> Value {
    let (ended, said) = reconcile(site, &[options, &["--json"]].concat()).await;
    assert_eq!(ended, Some(code), "{said}");
    let mut values = serde_json::Deserializer::from_str(&said).into_iter();
    values.next().unwrap().unwrap_or_else(|_| panic!("{said}"))
}

/// What it found about a customer.
fn found<'a>(report: &'a Value, customer: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["account_id"] == customer);
    found.unwrap_or_else(|| panic!("{customer} is not in {report}"))
}

/// Waits for the comparison that a gateway makes when it starts; the next one is minutes away.
async fn settled(node: &Node) {
    let (begun, mut beat) = (Instant::now(), interval(Duration::from_millis(50)));
    while !node.log().contains("links were compared") {
        assert!(begun.elapsed() < PATIENCE, "{}", node.log());
        beat.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_notification_is_told_by_a_dry_run_and_made_good_by_the_command() {
    let site = Site::new().await;
    let node = site.node().await;
    settled(&node).await;
    // The cloud knows both of them, and the gateway has heard of neither account.
    let mut neighbour = Visitor::new(NEIGHBOUR, &site, &node);
    assert_eq!(neighbour.arrives().await.unwrap(), Landed::Console(NEIGHBOUR.to_owned()));
    let mut visitor = Visitor::new(CUSTOMER, &site, &node);
    let landed = visitor.arrives().await.unwrap();
    let Landed::Newcomer(page) = landed else { panic!("{landed:?}") };
    assert!(visitor.creates(&page).await.is_some());
    let domain_id = site.accounts_of(CUSTOMER)[0].domain_id.clone();

    let dry = report(&site, &["--dry-run"], 3).await;
    assert_eq!((&dry["tenant"], &dry["whole"]), (&json!(TENANT), &json!(true)));
    assert_eq!(
        (&dry["listed"], &dry["customers"], &dry["links"]),
        (&json!(2), &json!(2), &json!(0))
    );
    for customer in [CUSTOMER, NEIGHBOUR] {
        let found = found(&dry, customer);
        assert_eq!(
            (&found["what"], &found["done"]),
            (&json!("not-linked-here"), &json!("possible"))
        );
        assert_eq!((&found["from"], &found["to"]), (&json!("first-login"), &json!("linked")));
        assert_eq!(site.kept(customer).await.unwrap().state, "first-login");
    }
    assert_eq!(found(&dry, CUSTOMER)["domain_id"], *domain_id);
    let (code, said) = reconcile(&site, &["--dry-run"]).await;
    assert_eq!(code, Some(3), "{said}");
    for words in [CUSTOMER, "2 would be repaired", "nothing was changed (--dry-run)"] {
        assert!(said.contains(words), "{words} is not in {said}");
    }

    let repaired = report(&site, &[], 0).await;
    for customer in [CUSTOMER, NEIGHBOUR] {
        assert_eq!(found(&repaired, customer)["done"], "repaired");
    }
    let kept = site.kept(CUSTOMER).await.unwrap();
    assert_eq!((kept.state.as_str(), kept.domain_id), ("linked", Some(domain_id)));
    assert_eq!(site.told(CUSTOMER).await, 1);
    let (code, said) = reconcile(&site, &[]).await;
    assert_eq!((code, said.contains("everything agrees")), (Some(0), true), "{said}");
    assert_eq!(report(&site, &["--dry-run"], 0).await["findings"], json!([]));
    assert_eq!(visitor.arrives().await.unwrap(), Landed::Console(CUSTOMER.to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_must_look_at_what_failed_and_what_was_wrongly_typed_end_differently() {
    let site = Site::new().await;
    let left = report(&site, &[], 3).await;
    let found = found(&left, NEIGHBOUR);
    assert_eq!((&found["what"], &found["done"]), (&json!("unknown"), &json!("needs-a-person")));
    let (code, said) = reconcile(&site, &[]).await;
    assert_eq!((code, said.contains("1 left: somebody must look")), (Some(3), true), "{said}");

    let effect = json!({ "throttle": { "seconds": 50 } });
    let rule = json!({ "api": "list_customers", "when": "every", "effect": effect });
    let script: Script = serde_json::from_value(json!({ "rules": [rule] })).unwrap();
    site.cloud.set_faults(script).unwrap();
    for options in [&["--dry-run"][..], &["--json"]] {
        let (code, said) = reconcile(&site, options).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("429") && !said.contains("findings"), "{said}");
    }
    for (line, code, words) in [
        (&["reconcile"][..], 2, "--tenant"),
        (&["reconcile", "--tenant", TENANT, "--dry-run", "--accept-losses"], 2, "cannot be used"),
        (&["reconcile", "--tenant", "nobody"], 1, "no tenant \"nobody\""),
    ] {
        let (ended, said) = site.run(line).await;
        assert_eq!((ended, said.contains(words)), (Some(code), true), "{said}");
    }
}
