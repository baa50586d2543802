//! Links compared with the simulated cloud's list by the real client: over several pages, through
//! the faults of its script.

use std::sync::Mutex;

use serde_json::json;
use skybridge::account::link::{Event, List};
use skybridge::account::{Done, Evidence, Mode, Reconciler, Report, Stop, confirmed};
use skybridge::store::account::LinkState;
use tokio::time::{Duration, Instant};

use super::{Arc, Node, Stage, person, tenant};

impl Stage {
    fn reconciler(&self, node: &Node) -> Reconciler {
        Reconciler::new(
            (Arc::clone(&node.book), node.creations.remotes().clone()),
            Arc::<skybridge::store::memory::Memory>::clone(&self.store),
            Arc::clone(&self.clock),
            Arc::clone(&self.random),
        )
    }
}

impl Node {
    /// Customers who went to the cloud's page, and of whom nothing was heard since.
    async fn first_logins(&self, who: &[String]) {
        let evidence = Evidence(json!({ "source": "test" }));
        for one in who {
            let (tenant, person) = (tenant(), person(one));
            self.book.meet(&tenant, &person, LinkState::None).await.unwrap();
            let key = (&tenant, &person.user_id);
            let sent = Event::FirstLoginSent;
            self.book.happen(key, &sent, List::CanBeAsked, &evidence).await.unwrap();
        }
    }

    async fn in_state(&self, who: &[String], state: LinkState) -> usize {
        let mut count = 0;
        for one in who {
            count += usize::from(self.account(one).await.state == state);
        }
        count
    }
}

fn crowd(size: usize) -> Vec<String> {
    (0..size).map(|number| format!("li-{number:04}")).collect()
}

async fn compare(reconciler: &Reconciler) -> Result<Report, Stop> {
    reconciler.run(&tenant(), Mode::Repair, &|_, _| ()).await
}

#[tokio::test(start_paused = true)]
async fn every_lost_notification_is_made_good_within_the_budget() {
    let (stage, who) = (Stage::new(), crowd(950));
    let node = stage.node();
    node.first_logins(&who).await;
    stage.bound(&who);
    let (begun, seen) = (Instant::now(), Mutex::new(Vec::new()));
    let watching = |read, of| seen.lock().unwrap().push((read, of));
    let report = stage.reconciler(&node).run(&tenant(), Mode::Repair, &watching).await.unwrap();
    assert!(report.whole && !report.leaves_work(), "{report:?}");
    assert_eq!(report.count(Done::Repaired), who.len());
    assert_eq!(node.in_state(&who, LinkState::Linked).await, who.len());
    assert_eq!(seen.lock().unwrap().last(), Some(&(950, 950)));
    // Ten pages, and at most nine calls a second.
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    node.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_stays_away_takes_nothing_away_and_one_that_stutters_is_read_to_its_end() {
    let (stage, who) = (Stage::new(), crowd(250));
    let node = stage.node();
    let reconciler = stage.reconciler(&node);
    node.first_logins(&who).await;
    stage.bound(&who);
    compare(&reconciler).await.unwrap();
    for effect in [json!({ "error": {} }), json!({ "reset": "before_commit" })] {
        let rule = |when| json!([{ "api": "list_customers", "when": when, "effect": effect }]);
        stage.faults(&rule(json!("every")));
        tokio::time::sleep(Duration::from_mins(15)).await;
        let failed = compare(&reconciler).await;
        assert!(matches!(failed, Err(Stop::List(_))), "{failed:?}");
        assert_eq!(node.in_state(&who, LinkState::Linked).await, who.len());
    }
    for effect in [json!({ "throttle": { "seconds": 3 } }), json!({ "error": {} })] {
        stage.faults(&json!([
            { "api": "list_customers", "when": { "percent": 30 }, "effect": effect }
        ]));
        tokio::time::sleep(Duration::from_mins(15)).await;
        let report = compare(&reconciler).await.unwrap();
        assert!(report.whole && report.findings.is_empty(), "{report:?}");
    }
    node.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_confirmed_for_its_own_customer_only() {
    let (stage, who) = (Stage::new(), crowd(2));
    let node = stage.node();
    stage.bound(&who[..1]);
    let domain_id = stage.accounts(&who[0])[0].domain_id.clone();
    let remote = node.creations.remotes().of(&tenant()).unwrap();
    let asked = async |who: &str, domain_id: &str| {
        confirmed(&**remote, &person(who).account_id, domain_id).await.unwrap()
    };
    assert!(asked(&who[0], &domain_id).await);
    assert!(!asked(&who[1], &domain_id).await);
    assert!(!asked(&who[0], "0123456789abcdef0123456789abcdef").await);
    stage.faults(&json!([{ "api": "list_customers", "when": "every", "effect": { "error": {} } }]));
    assert!(!matches!(
        confirmed(&**remote, &person(&who[0]).account_id, &domain_id).await,
        Ok(true)
    ));
    node.leave().await;
}
