//! Every fault of the cloud's script, at every call of a creation.

use std::time::Duration;

use serde_json::{Value, json};
use skybridge::account::{Outcome, Wanted};
use skybridge::fakecloud::Api;
use skybridge::store::account::{IntentStep, LinkState};

use super::{Stage, named, one_account};

fn rule(api: &str, when: &Value, effect: &Value) -> Value {
    json!({ "api": api, "when": when, "effect": effect })
}

/// Every fault of a call, by what it is called.
fn effects() -> Vec<Value> {
    vec![
        json!({ "late_ms": 3000 }),
        json!({ "late_ms": 40000 }),
        json!({ "never": "before_commit" }),
        json!({ "never": "after_commit" }),
        json!({ "reset": "before_commit" }),
        json!({ "reset": "after_commit" }),
        json!({ "error": {} }),
        json!({ "error": { "at": "after_commit" } }),
        json!({ "error": { "code": "CBC.99000004", "at": "before_commit" } }),
        json!({ "error": { "code": "CBC.99000004", "at": "after_commit" } }),
        json!({ "error": { "code": "CBC.99000050", "at": "after_commit" } }),
        json!({ "throttle": { "seconds": 3 } }),
        json!({ "throttle": { "date_in": 3 } }),
        json!({ "throttle": "silent" }),
    ]
}

/// A customer with a name that nobody else has.
struct Someone {
    id: String,
    wanted: Wanted,
}

impl Someone {
    fn number(number: usize) -> Self {
        Self { id: format!("li-{number}"), wanted: named(&format!("shop-{number}")) }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_comes_of_every_fault_of_the_first_call_and_of_the_first_list() {
    let stage = Stage::new();
    let (node, mut number) = (stage.node(), 0);
    for create in effects() {
        for list in [json!({ "late_ms": 0 })].into_iter().chain(effects()) {
            let first = json!({ "call": 1 });
            stage.faults(&json!([
                rule("create_customer", &first, &create),
                rule("list_customers", &first, &list),
            ]));
            number += 1;
            let li = Someone::number(number);
            let begun = node.begin(&li.id, &li.wanted).await;
            let over = node.over(&begun).await;
            assert_eq!(over.step, IntentStep::Done, "{create} {list}: {:?}", over.outcome);
            one_account(&stage, &node, &li.id).await;
        }
    }
    node.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_fails_for_minutes_is_waited_for() {
    let stage = Stage::new();
    let node = stage.node();
    for (number, effect) in effects().into_iter().enumerate() {
        let calls = json!({ "calls": [1, 5] });
        stage.faults(&json!([
            rule("create_customer", &calls, &effect),
            rule("list_customers", &calls, &effect),
        ]));
        let li = Someone::number(number);
        let begun = node.begin(&li.id, &li.wanted).await;
        let over = node.over(&begun).await;
        assert_eq!(over.step, IntentStep::Done, "{effect}: {:?}", over.outcome);
        one_account(&stage, &node, &li.id).await;
    }
    node.leave().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_refuses_for_good_ends_with_our_code_and_no_account() {
    let stage = Stage::new();
    let node = stage.node();
    for (number, (code, ours)) in [
        ("CBC.99000030", "SB-6103"),
        ("CBC.99000038", "SB-6101"),
        ("CBC.99005035", "SB-6113"),
        ("CBC.0151", "SB-6114"),
        ("CBC.0101", "SB-6116"),
    ]
    .into_iter()
    .enumerate()
    {
        let effect = json!({ "error": { "code": code } });
        stage.faults(&json!([rule("create_customer", &json!({ "call": 1 }), &effect)]));
        let li = Someone::number(number);
        let begun = node.begin(&li.id, &li.wanted).await;
        let over = node.over(&begun).await;
        assert_eq!(over.step, IntentStep::Failed);
        assert_eq!(Outcome::of(&over).code.as_deref(), Some(ours), "{code}");
        assert!(stage.accounts(&li.id).is_empty());
        assert_eq!(node.account(&li.id).await.state, LinkState::None);
    }
    node.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dies_at_any_moment_is_followed_by_another() {
    let stage = Stage::new();
    let (second, mut number) = (stage.node(), 0);
    for create in effects() {
        // A call may take 15 seconds; a pause is some seconds.
        for moment in [1, 5, 20, 70, 1_000, 4_000, 14_000, 16_000, 17_500] {
            stage.faults(&json!([rule("create_customer", &json!({ "call": 1 }), &create)]));
            number += 1;
            let li = Someone::number(number);
            let first = stage.node();
            let begun = first.begin(&li.id, &li.wanted).await;
            tokio::time::sleep(Duration::from_millis(moment)).await;
            first.die().await;
            let over = second.over(&begun).await;
            assert_eq!(over.step, IntentStep::Done, "{create} {moment}: {:?}", over.outcome);
            one_account(&stage, &second, &li.id).await;
        }
    }
    second.leave().await;
}

#[tokio::test(start_paused = true)]
async fn three_nodes_work_on_many_creations_and_each_is_made_once() {
    let stage = Stage::new();
    stage.faults(&json!([
        rule("create_customer", &json!({ "percent": 30 }), &json!({ "never": "after_commit" })),
        rule("list_customers", &json!({ "percent": 30 }), &json!({ "throttle": "silent" })),
    ]));
    let nodes = [stage.node(), stage.node(), stage.node()];
    let mut begun = Vec::new();
    for number in 0..60 {
        let li = Someone::number(number);
        let intent = nodes[number % 3].begin(&li.id, &li.wanted).await;
        begun.push((li.id, intent));
    }
    for (id, intent) in &begun {
        let over = nodes[0].over(intent).await;
        assert_eq!(over.step, IntentStep::Done, "{id}: {:?}", over.outcome);
        one_account(&stage, &nodes[0], id).await;
    }
    let calls = &stage.cloud.calls()[&Api::CreateCustomer];
    assert!(calls.faulted > 0, "{calls:?}");
    assert_eq!(calls.throttled, 0, "the budget holds: {calls:?}");
    for node in nodes {
        node.leave().await;
    }
}
