//! Tests of the comparison with the cloud's list: what is repaired, and above all what is not.

use std::sync::Arc;

use time::macros::datetime;

use super::super::fixtures::{Lists, Trouble, customer};
use super::*;
use crate::clock::ManualClock;
use crate::cloud::api::ListedCustomer;
use crate::random::SequenceRandom;
use crate::store::account::CloudAccount;
use crate::store::ledger::{Accounts as _, Change, Commit};
use crate::store::memory::Memory;
use crate::store::memory_ledger::MemoryLedger;

const START: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

struct House {
    clock: Arc<ManualClock>,
    ledger: Arc<MemoryLedger>,
    list: Arc<Lists>,
    store: Arc<dyn Ephemeral>,
    reconciler: Arc<Reconciler>,
}

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn id(text: &str) -> PersonId {
    PersonId::parse(text).unwrap()
}

fn ours(x_account_id: &str, number: usize) -> ListedCustomer {
    customer(x_account_id, "acme_IDP", number)
}

impl House {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let ledger = Arc::new(MemoryLedger::default());
        let list = Arc::new(Lists::always([]));
        let store: Arc<dyn Ephemeral> = Arc::new(Memory::new(Arc::<ManualClock>::clone(&clock)));
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::new(1));
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let kept = Arc::<MemoryLedger>::clone(&ledger);
        let book = Arc::new(Book::new(kept, Arc::clone(&time), Arc::clone(&random)));
        let remote: Arc<dyn Remote> = Arc::<Lists>::clone(&list);
        let remotes = Remotes::new([(acme(), remote)]);
        let reconciler = Reconciler::new((book, remotes), Arc::clone(&store), time, random);
        Self { clock, ledger, list, store, reconciler: Arc::new(reconciler) }
    }

    /// A customer who stands so for two days, linked with `d{number}` where the state has a link.
    async fn has(&self, user: &str, state: LinkState, number: usize) {
        let linked = matches!(state, LinkState::Linked | LinkState::Unlinking);
        let cloud = linked.then(|| CloudAccount {
            domain_id: format!("d{number}"),
            domain_name: format!("name {number}"),
            user_id: None,
            user_name: None,
        });
        let account = Account {
            tenant: acme(),
            user_id: id(user),
            account_id: id(&format!("x-{user}")),
            suspended_at: None,
            admitted_at: None,
            state,
            since: START - time::Duration::days(2),
            cloud,
            former: Vec::new(),
            intent: None,
            version: 1,
        };
        self.write(account).await;
    }

    async fn write(&self, account: Account) {
        let change = Change { account: Some(account), ..Change::default() };
        assert_eq!(self.ledger.commit(&change).await.unwrap(), Commit::Done);
    }

    fn wait(&self, time: std::time::Duration) {
        self.clock.advance(time.try_into().unwrap());
    }

    async fn state(&self, user: &str) -> LinkState {
        self.ledger.account(&acme(), &id(user)).await.unwrap().unwrap().state
    }

    async fn run(&self, mode: Mode) -> Report {
        self.wait(std::time::Duration::from_mins(15));
        self.reconciler.run(&acme(), mode, &|_, _| ()).await.unwrap()
    }
}

fn whats(report: &Report) -> Vec<(What, Done)> {
    report.findings.iter().map(|found| (found.what, found.done)).collect()
}

#[tokio::test]
async fn a_lost_notification_is_made_good() {
    let house = House::new();
    for (user, state) in [
        ("a", LinkState::None),
        ("b", LinkState::FirstLogin),
        ("c", LinkState::Unlinked),
        ("d", LinkState::Conflict),
    ] {
        house.has(user, state, 0).await;
    }
    house.list.becomes([ours("x-a", 1), ours("x-b", 2), ours("x-c", 3), ours("x-d", 4)]);
    let report = house.run(Mode::Repair).await;
    assert_eq!(whats(&report), [(What::NotLinkedHere, Done::Repaired); 4]);
    assert!(!report.leaves_work());
    for user in ["a", "b", "c", "d"] {
        assert_eq!(house.state(user).await, LinkState::Linked, "{user}");
    }
    let again = house.run(Mode::Repair).await;
    assert!(again.findings.is_empty(), "{again:?}");
    assert_eq!((again.customers, again.links, again.listed), (4, 4, 4));
}

#[tokio::test]
async fn a_link_that_two_lists_lack_ends_and_one_that_a_single_list_lacks_comes_back() {
    let house = House::new();
    house.has("a", LinkState::Linked, 1).await;
    house.has("b", LinkState::Linked, 2).await;
    let report = house.run(Mode::Repair).await;
    assert_eq!(whats(&report), [(What::NotListed, Done::Repaired); 2]);
    assert_eq!(house.state("a").await, LinkState::Unlinking);
    house.list.becomes([ours("x-b", 2)]);
    house.run(Mode::Repair).await;
    assert_eq!(house.state("a").await, LinkState::Unlinked);
    assert_eq!(house.state("b").await, LinkState::Linked);
}

#[tokio::test]
async fn a_list_that_fails_or_ends_early_takes_nothing_away() {
    let house = House::new();
    house.has("a", LinkState::Linked, 1).await;
    house.has("b", LinkState::None, 2).await;
    house.list.trouble(Trouble::SecondPageFails);
    house.list.becomes((0..100).map(|n| ours(&format!("x-other-{n}"), 1000 + n)));
    let failed = house.reconciler.run(&acme(), Mode::Repair, &|_, _| ()).await;
    assert!(matches!(failed, Err(Stop::List(_))), "{failed:?}");

    house.list.trouble(Trouble::EndsEarly);
    house.list.becomes([ours("x-b", 2)]);
    for _ in 0..3 {
        let report = house.run(Mode::Repair).await;
        assert!(!report.whole && report.leaves_work(), "{report:?}");
    }
    assert_eq!(house.state("a").await, LinkState::Linked);
    assert_eq!(house.state("b").await, LinkState::Linked, "who is on it is on it");
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let house = House::new();
    house.has("a", LinkState::Linked, 1).await;
    house.has("b", LinkState::FirstLogin, 2).await;
    house.list.becomes([ours("x-b", 2)]);
    let report = house.run(Mode::DryRun).await;
    let possible = [(What::NotListed, Done::Possible), (What::NotLinkedHere, Done::Possible)];
    assert_eq!(whats(&report), possible);
    assert_eq!(report.findings[0].to, Some(LinkState::Unlinking));
    assert_eq!(report.findings[1].to, Some(LinkState::Linked));
    assert!(report.leaves_work());
    assert_eq!(house.state("a").await, LinkState::Linked);
    assert_eq!(house.state("b").await, LinkState::FirstLogin);
    assert!(house.ledger.history(&acme(), &id("a")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_that_lacks_too_many_is_not_believed_until_a_person_has_looked() {
    let house = House::new();
    for number in 0..20 {
        house.has(&format!("u{number:02}"), LinkState::Linked, number).await;
    }
    // As with the access key of another partner.
    for _ in 0..3 {
        let report = house.run(Mode::Repair).await;
        assert_eq!(report.count(Done::HeldBack), 20);
        assert_eq!(house.state("u00").await, LinkState::Linked);
    }
    house.run(Mode::RepairAll).await;
    house.run(Mode::RepairAll).await;
    assert_eq!(house.state("u00").await, LinkState::Unlinked);
}

#[tokio::test]
async fn strangers_doubles_and_contradictions_are_told_and_left_alone() {
    let house = House::new();
    house.has("a", LinkState::Linked, 1).await;
    house.has("b", LinkState::Conflict, 0).await;
    house.has("c", LinkState::None, 0).await;
    house.list.becomes([
        ours("x-a", 1),
        ours("x-nobody", 7),
        ours("x-c", 8),
        ours("x-c", 9),
        customer("x-b", "bravo_IDP", 10),
    ]);
    let report = house.run(Mode::Repair).await;
    let for_a_person = |what| (what, Done::NeedsAPerson);
    assert_eq!(
        whats(&report),
        [What::Conflict, What::SeveralAccounts, What::Unknown].map(for_a_person)
    );
    assert_eq!(house.state("c").await, LinkState::None);
    assert_eq!(report.findings[2].account_id, "x-nobody");
}

#[tokio::test]
async fn an_account_that_somebody_else_has_is_not_adopted() {
    let house = House::new();
    house.has("a", LinkState::None, 0).await;
    house.has("b", LinkState::None, 0).await;
    house.has("c", LinkState::Linked, 2).await;
    let bravo = TenantId::parse("bravo").unwrap();
    let there = house.ledger.account(&acme(), &id("c")).await.unwrap().unwrap();
    let cloud = there.cloud.clone().map(|cloud| CloudAccount { domain_id: "d1".into(), ..cloud });
    house.write(Account { tenant: bravo, cloud, ..there }).await;
    house.list.becomes([ours("x-a", 1), ours("x-b", 2), ours("x-c", 2)]);
    let report = house.run(Mode::Repair).await;
    assert_eq!(
        whats(&report),
        [(What::NotLinkedHere, Done::LinkedElsewhere), (What::NotLinkedHere, Done::NeedsAPerson),]
    );
    assert_eq!(house.state("a").await, LinkState::None);
    assert_eq!(house.state("b").await, LinkState::Conflict);
    assert_eq!(house.state("c").await, LinkState::Linked);
}

#[tokio::test]
async fn one_node_compares_at_a_time_and_gives_the_work_back() {
    let house = House::new();
    let busy = |_, _| ();
    let key = Key::new(Kind::Reconciling, "acme", "");
    house.store.claim(&key, b"another node", limits::RECONCILE_LEASE).await.unwrap();
    let refused = house.reconciler.run(&acme(), Mode::Repair, &busy).await;
    assert!(matches!(refused, Err(Stop::Busy)), "{refused:?}");
    house.wait(limits::RECONCILE_LEASE);
    for _ in 0..2 {
        house.reconciler.run(&acme(), Mode::Repair, &busy).await.unwrap();
    }
}

const HOUR: std::time::Duration = std::time::Duration::from_hours(1);

impl House {
    async fn is_due(&self) -> bool {
        self.reconciler.is_due(&acme()).await.unwrap()
    }

    async fn has_turn(&self) -> Result<Report, Stop> {
        let ended = self.reconciler.run(&acme(), Mode::Repair, &|_, _| ()).await;
        self.reconciler.ended(&acme(), HOUR, &ended).await.unwrap();
        ended
    }
}

#[tokio::test]
async fn a_tenant_is_due_once_in_a_while_and_sooner_while_something_is_unresolved() {
    let house = House::new();
    assert!(house.is_due().await);
    assert!(!house.is_due().await, "another node has the turn");
    assert!(house.has_turn().await.unwrap().whole);
    house.wait(HOUR.saturating_sub(limits::RECONCILE_LEASE));
    assert!(!house.is_due().await);
    house.wait(limits::RECONCILE_LEASE);
    house.has("a", LinkState::Conflict, 0).await;
    assert!(house.is_due().await);
    assert_eq!(
        house.reconciler.oldest_unresolved(&acme()).await.unwrap(),
        Some(START - time::Duration::days(2))
    );
    house.has_turn().await.unwrap();
    assert!(!house.is_due().await);
    house.wait(limits::RECONCILE_SOON);
    assert!(house.is_due().await);
}

#[tokio::test]
async fn a_comparison_that_failed_is_due_again_in_minutes_whatever_is_unresolved() {
    let house = House::new();
    house.has("a", LinkState::Conflict, 0).await;
    house.list.trouble(Trouble::EndsEarly);
    assert!(house.is_due().await);
    assert!(!house.has_turn().await.unwrap().whole);
    house.wait(limits::RECONCILE_RETRY.saturating_sub(limits::RECONCILE_LEASE));
    assert!(!house.is_due().await);
    house.wait(limits::RECONCILE_LEASE);
    assert!(house.is_due().await);
}

#[tokio::test]
async fn a_turn_that_a_dead_node_had_or_whose_answer_was_lost_is_had_again_after_a_minute() {
    for state in [LinkState::None, LinkState::Conflict] {
        let house = House::new();
        house.has("a", state, 0).await;
        assert!(house.is_due().await);
        house.has_turn().await.unwrap();
        house.wait(HOUR);
        while house.is_due().await {}
        house.wait(limits::RECONCILE_LEASE);
        assert!(house.is_due().await, "nobody compared");
    }
}

#[tokio::test]
async fn a_turn_that_another_node_was_at_is_had_again_after_a_minute() {
    let house = House::new();
    assert!(house.is_due().await);
    let key = Key::new(Kind::Reconciling, "acme", "");
    house.store.claim(&key, b"another node", limits::RECONCILE_LEASE).await.unwrap();
    assert!(matches!(house.has_turn().await, Err(Stop::Busy)));
    house.wait(limits::RECONCILE_LEASE);
    assert!(house.is_due().await);
    house.has_turn().await.unwrap();
}
