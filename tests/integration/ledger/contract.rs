//! What every backend must do, as functions over the traits; `contract!` makes tests of them for
//! one backend.

use std::collections::HashSet;
use std::sync::Arc;

use skybridge::store::account::{
    Account, CloudAccount, Entry, Intent, IntentId, IntentStep, LinkState, Message, MessageId,
    MessageState,
};
use skybridge::store::ledger::{Change, Commit, Ledger};

use super::rows::{
    START, Subject, acme, after, bolt, customer, entry, intent, lease, linked, message, next,
    of_account, of_intent, of_messages, person,
};

const RACERS: usize = 100;

macro_rules! contract {
    ($subject:path) => {
        $crate::ledger::contract::contract!(@tests $subject:
            what_was_written_is_read_back_whole,
            nothing_is_found_where_nothing_was_written,
            a_version_replaces_only_the_one_before,
            of_a_hundred_commits_of_one_version_exactly_one_is_done,
            of_a_hundred_who_add_one_customer_exactly_one_does,
            an_account_id_is_never_given_to_anybody_else,
            of_a_hundred_who_want_one_account_id_exactly_one_gets_it,
            an_account_id_stays_as_it_is,
            a_cloud_account_belongs_to_one_customer_at_a_time,
            a_cloud_account_is_seen_to_be_linked_in_another_tenant,
            of_a_hundred_who_link_one_cloud_account_exactly_one_does,
            an_idempotency_key_names_one_intent,
            of_a_hundred_intents_under_one_key_exactly_one_is_written,
            a_refused_change_leaves_nothing_behind,
            history_keeps_its_order_and_its_customer,
            customers_are_paged_in_the_order_of_their_ids,
            customers_are_found_by_how_long_they_stand,
            among_a_hundred_who_lease_an_intent_exactly_one_gets_it,
            a_lease_ends_and_who_lost_it_cannot_write,
            a_lease_lasts_until_its_intent_is_to_go_on_at_another_time,
            a_finished_intent_is_not_leased,
            due_intents_come_in_order_and_not_before_their_time,
            many_takers_share_due_intents_and_messages_without_overlap,
            a_message_is_taken_again_after_its_lease_or_its_next_attempt,
            a_message_that_is_settled_stays_settled,
            a_dead_message_is_revived_by_its_tenant_only,
            the_store_is_reachable,
        );
    };
    (@tests $subject:path: $($name:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let subject: $crate::ledger::rows::Subject = $subject().await;
                $crate::ledger::contract::$name(&subject).await;
            }
        )+
    };
}
pub(crate) use contract;

/// Runs as many tasks as there are racers, released at once, and gives their results in order.
async fn race<T, F>(subject: &Subject, racer: impl Fn(Arc<dyn Ledger>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(RACERS));
    let tasks: Vec<_> = (0..RACERS)
        .map(|number| {
            let run = racer(subject.ledger.clone(), number);
            let gate = gate.clone();
            tokio::spawn(async move {
                gate.wait().await;
                run.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Lets all commit at once: one must be done, and all others must end that way.
async fn race_of(subject: &Subject, others: Commit, change: impl Fn(usize) -> Change) {
    let ends = race(subject, |ledger, racer| {
        let change = change(racer);
        async move { ledger.commit(&change).await.unwrap() }
    });
    let ends = ends.await;
    assert_eq!(ends.iter().filter(|end| **end == Commit::Done).count(), 1);
    assert_eq!(ends.iter().filter(|end| **end == others).count(), RACERS - 1);
}

async fn account(subject: &Subject, id: &str) -> Option<Account> {
    subject.ledger.account(&acme(), &person(id)).await.unwrap()
}

async fn history(subject: &Subject, id: &str) -> Vec<Entry> {
    subject.ledger.history(&acme(), &person(id)).await.unwrap()
}

async fn leased(subject: &Subject, id: &str, from: i64, until: i64) -> Option<Intent> {
    subject.ledger.lease(&IntentId(id.to_owned()), lease(from, until)).await.unwrap()
}

async fn taken(subject: &Subject, from: i64, until: i64) -> Vec<String> {
    let taken = subject.ledger.take_due(lease(from, until), 10).await.unwrap();
    taken.into_iter().map(|message| message.id.0).collect()
}

async fn in_state(subject: &Subject, state: MessageState) -> Vec<Message> {
    subject.ledger.messages(&acme(), state, 10).await.unwrap()
}

pub(crate) async fn what_was_written_is_read_back_whole(subject: &Subject) {
    let full = Account {
        suspended_at: Some(after(3)),
        admitted_at: Some(after(2)),
        state: LinkState::Creating,
        cloud: Some(CloudAccount {
            domain_id: "d-1".into(),
            domain_name: "名 \"quoted\" 'too'; --".into(),
            user_id: Some("u-1".into()),
            user_name: Some(String::new()),
        }),
        former: vec!["d-0".into(), "[\",".into()],
        intent: Some(IntentId("i-1".into())),
        ..customer("alice-Ünï-云")
    };
    let plan = Intent {
        idempotency_key: Some("key".into()),
        step: IntentStep::Asking,
        attempts: 7,
        next_at: after(60),
        outcome: Some("{}".into()),
        ..intent("i-1")
    };
    let told = Message { problem: Some("503".into()), attempts: 2, ..message("m-1") };
    let line = Entry { refused: Some("SB-1".into()), ..entry("alice-Ünï-云", "created") };
    let change = Change {
        account: Some(full.clone()),
        intent: Some(plan.clone()),
        history: vec![line.clone()],
        messages: vec![told.clone()],
    };
    subject.write(&change).await;
    assert_eq!(account(subject, "alice-Ünï-云").await, Some(full.clone()));
    let known = subject.ledger.account_known_as(&acme(), &full.account_id).await.unwrap();
    assert_eq!(known, Some(full));
    assert_eq!(subject.ledger.intent(&acme(), &plan.id).await.unwrap(), Some(plan.clone()));
    assert_eq!(subject.ledger.intent_asked(&acme(), "key").await.unwrap(), Some(plan));
    assert_eq!(history(subject, "alice-Ünï-云").await, [line]);
    assert_eq!(in_state(subject, MessageState::Waiting).await, [told]);
    subject.write(&of_account(customer("bob"))).await;
    assert_eq!(account(subject, "bob").await, Some(customer("bob")));
}

pub(crate) async fn nothing_is_found_where_nothing_was_written(subject: &Subject) {
    subject.write(&of_account(customer("alice"))).await;
    subject.write(&of_intent(intent("i-1"))).await;
    let ledger = &subject.ledger;
    assert_eq!(account(subject, "bob").await, None);
    assert_eq!(ledger.account(&bolt(), &person("alice")).await.unwrap(), None);
    assert_eq!(ledger.account_known_as(&acme(), &person("alice")).await.unwrap(), None);
    assert_eq!(ledger.account_known_as(&bolt(), &person("x-alice")).await.unwrap(), None);
    assert_eq!(ledger.intent(&bolt(), &IntentId("i-1".into())).await.unwrap(), None);
    assert_eq!(ledger.intent(&acme(), &IntentId("i-2".into())).await.unwrap(), None);
    assert_eq!(ledger.intent_asked(&acme(), "").await.unwrap(), None);
    assert_eq!(leased(subject, "i-2", 0, 9).await, None);
    assert_eq!(ledger.history(&acme(), &person("alice")).await.unwrap(), []);
    assert_eq!(ledger.page(&bolt(), None, 10).await.unwrap(), []);
    assert_eq!(in_state(subject, MessageState::Dead).await, []);
}

pub(crate) async fn a_version_replaces_only_the_one_before(subject: &Subject) {
    let first = customer("alice");
    let second = Account { state: LinkState::FirstLogin, ..next(&first) };
    assert_eq!(subject.commit(&of_account(second.clone())).await, Commit::Stale);
    subject.write(&of_account(first.clone())).await;
    assert_eq!(subject.commit(&of_account(first.clone())).await, Commit::Stale);
    assert_eq!(subject.commit(&of_account(next(&second))).await, Commit::Stale);
    subject.write(&of_account(second.clone())).await;
    assert_eq!(subject.commit(&of_account(second.clone())).await, Commit::Stale);
    assert_eq!(account(subject, "alice").await, Some(second));

    let first = intent("i-1");
    let second = Intent { version: 2, step: IntentStep::Asking, ..first.clone() };
    assert_eq!(subject.commit(&of_intent(second.clone())).await, Commit::Stale);
    subject.write(&of_intent(first.clone())).await;
    assert_eq!(subject.commit(&of_intent(first.clone())).await, Commit::Stale);
    let foreign = Intent { tenant: bolt(), ..second.clone() };
    assert_eq!(subject.commit(&of_intent(foreign)).await, Commit::Stale);
    subject.write(&of_intent(second.clone())).await;
    assert_eq!(subject.ledger.intent(&acme(), &first.id).await.unwrap(), Some(second));
}

pub(crate) async fn of_a_hundred_commits_of_one_version_exactly_one_is_done(subject: &Subject) {
    let mut now = customer("alice");
    subject.write(&of_account(now.clone())).await;
    for round in 1..=5 {
        race_of(subject, Commit::Stale, |racer| Change {
            account: Some(next(&now)),
            history: vec![entry("alice", &format!("{round}"))],
            messages: vec![message(&format!("m-{round}-{racer}"))],
            ..Change::default()
        })
        .await;
        now = account(subject, "alice").await.unwrap();
        assert_eq!(now.version, round + 1);
    }
    let events: Vec<_> = history(subject, "alice").await.into_iter().map(|e| e.event).collect();
    assert_eq!(events, ["1", "2", "3", "4", "5"]);
    assert_eq!(in_state(subject, MessageState::Waiting).await.len(), 5);
}

pub(crate) async fn of_a_hundred_who_add_one_customer_exactly_one_does(subject: &Subject) {
    race_of(subject, Commit::Stale, |_| of_account(linked("alice", "d-1"))).await;
    assert_eq!(account(subject, "alice").await, Some(linked("alice", "d-1")));
}

pub(crate) async fn an_account_id_is_never_given_to_anybody_else(subject: &Subject) {
    subject.write(&of_account(linked("alice", "d-1"))).await;
    let ended = Account { state: LinkState::Unlinked, ..next(&linked("alice", "d-1")) };
    subject.write(&of_account(ended)).await;
    let thief = Account { account_id: person("x-alice"), ..customer("bob") };
    assert_eq!(subject.commit(&of_account(thief.clone())).await, Commit::AccountIdTaken);
    assert_eq!(account(subject, "bob").await, None);
    let elsewhere = Account { tenant: bolt(), ..thief };
    subject.write(&of_account(elsewhere)).await;
}

pub(crate) async fn of_a_hundred_who_want_one_account_id_exactly_one_gets_it(subject: &Subject) {
    race_of(subject, Commit::AccountIdTaken, |racer| {
        of_account(Account { account_id: person("x"), ..customer(&format!("c-{racer}")) })
    })
    .await;
    assert_eq!(subject.ledger.page(&acme(), None, RACERS).await.unwrap().len(), 1);
}

pub(crate) async fn an_account_id_stays_as_it_is(subject: &Subject) {
    subject.write(&of_account(customer("alice"))).await;
    let other = Account { account_id: person("other"), ..next(&customer("alice")) };
    assert_eq!(subject.commit(&of_account(other)).await, Commit::Stale);
    assert_eq!(account(subject, "alice").await, Some(customer("alice")));
}

pub(crate) async fn a_cloud_account_belongs_to_one_customer_at_a_time(subject: &Subject) {
    let alice = linked("alice", "d-1");
    subject.write(&of_account(alice.clone())).await;
    subject.write(&of_account(customer("bob"))).await;
    let bob = Account { version: 2, ..linked("bob", "d-1") };
    assert_eq!(subject.commit(&of_account(bob.clone())).await, Commit::CloudAccountTaken);
    let new = of_account(linked("carol", "d-1"));
    assert_eq!(subject.commit(&new).await, Commit::CloudAccountTaken);

    let ending = Account { state: LinkState::Unlinking, ..next(&alice) };
    subject.write(&of_account(ending.clone())).await;
    assert_eq!(subject.commit(&of_account(bob.clone())).await, Commit::CloudAccountTaken);

    let ended = Account { state: LinkState::Unlinked, ..next(&ending) };
    subject.write(&of_account(ended.clone())).await;
    subject.write(&of_account(bob.clone())).await;
    let again = Account { state: LinkState::Linked, ..next(&ended) };
    assert_eq!(subject.commit(&of_account(again)).await, Commit::CloudAccountTaken);
    // To have heard of it is not to hold it, and tenants do not meet.
    subject.write(&of_account(Account { state: LinkState::Conflict, ..next(&ended) })).await;
    subject.write(&of_account(Account { tenant: bolt(), ..linked("alice", "d-1") })).await;
    // Who holds it may go on holding it.
    subject.write(&of_account(next(&bob))).await;
}

pub(crate) async fn a_cloud_account_is_seen_to_be_linked_in_another_tenant(subject: &Subject) {
    let elsewhere = async |tenant| subject.ledger.linked_elsewhere(&tenant, "d-1").await.unwrap();
    let alice = linked("alice", "d-1");
    subject.write(&of_account(alice.clone())).await;
    assert!(elsewhere(bolt()).await);
    assert!(!elsewhere(acme()).await, "their own tenant is not elsewhere");
    let ending = Account { state: LinkState::Unlinking, ..next(&alice) };
    subject.write(&of_account(ending.clone())).await;
    assert!(elsewhere(bolt()).await);
    subject.write(&of_account(Account { state: LinkState::Unlinked, ..next(&ending) })).await;
    assert!(!elsewhere(bolt()).await);
}

pub(crate) async fn of_a_hundred_who_link_one_cloud_account_exactly_one_does(subject: &Subject) {
    for racer in 0..RACERS {
        subject.write(&of_account(customer(&format!("c-{racer}")))).await;
    }
    race_of(subject, Commit::CloudAccountTaken, |racer| {
        let id = format!("c-{racer}");
        Change {
            account: Some(Account { version: 2, ..linked(&id, "d-1") }),
            history: vec![entry(&id, "bound")],
            ..Change::default()
        }
    })
    .await;
    let all = subject.ledger.page(&acme(), None, RACERS).await.unwrap();
    let holders: Vec<_> = all.iter().filter(|one| one.state == LinkState::Linked).collect();
    assert_eq!(holders.len(), 1);
    for one in &all {
        let lines = history(subject, one.user_id.as_str()).await.len();
        assert_eq!(lines, usize::from(one.state == LinkState::Linked));
    }
}

pub(crate) async fn an_idempotency_key_names_one_intent(subject: &Subject) {
    let keyed = |id: &str| Intent { idempotency_key: Some("k".into()), ..intent(id) };
    subject.write(&of_intent(keyed("i-1"))).await;
    let second = subject.commit(&of_intent(keyed("i-2"))).await;
    assert_eq!(second, Commit::IdempotencyKeyTaken);
    assert_eq!(subject.commit(&of_intent(keyed("i-1"))).await, Commit::Stale);
    subject.write(&of_intent(Intent { tenant: bolt(), ..keyed("i-3") })).await;
    subject.write(&of_intent(intent("i-4"))).await;
    subject.write(&of_intent(intent("i-5"))).await;
    let found = subject.ledger.intent_asked(&bolt(), "k").await.unwrap().unwrap();
    assert_eq!(found.id, IntentId("i-3".into()));
}

pub(crate) async fn of_a_hundred_intents_under_one_key_exactly_one_is_written(subject: &Subject) {
    race_of(subject, Commit::IdempotencyKeyTaken, |racer| {
        let id = format!("i-{racer}");
        of_intent(Intent { idempotency_key: Some("k".into()), ..intent(&id) })
    })
    .await;
    assert_eq!(subject.ledger.lease_due(lease(1, 2), RACERS).await.unwrap().len(), 1);
}

pub(crate) async fn a_refused_change_leaves_nothing_behind(subject: &Subject) {
    let known = Intent { idempotency_key: Some("k".into()), ..intent("i-1") };
    subject
        .write(&Change {
            account: Some(linked("alice", "d-1")),
            intent: Some(known.clone()),
            messages: vec![message("m-1")],
            ..Change::default()
        })
        .await;
    let good = Change {
        account: Some(customer("bob")),
        intent: Some(intent("i-2")),
        history: vec![entry("bob", "created")],
        messages: vec![message("m-2")],
    };
    let thief = Account { account_id: person("x-alice"), ..customer("bob") };
    let refused = [
        (Change { account: Some(next(&customer("bob"))), ..good.clone() }, Commit::Stale),
        (Change { account: Some(thief), ..good.clone() }, Commit::AccountIdTaken),
        (Change { account: Some(linked("bob", "d-1")), ..good.clone() }, Commit::CloudAccountTaken),
        (Change { intent: Some(intent("i-1")), ..good.clone() }, Commit::Stale),
        (
            Change { intent: Some(Intent { id: IntentId("i-2".into()), ..known }), ..good.clone() },
            Commit::IdempotencyKeyTaken,
        ),
        (Change { messages: vec![message("m-2"), message("m-1")], ..good.clone() }, Commit::Stale),
    ];
    for (change, expected) in refused {
        assert_eq!(subject.commit(&change).await, expected);
        assert_eq!(account(subject, "bob").await, None, "{expected:?}");
        let left = subject.ledger.intent(&acme(), &IntentId("i-2".into())).await.unwrap();
        assert_eq!(left, None, "{expected:?}");
        assert_eq!(history(subject, "bob").await, [], "{expected:?}");
        assert_eq!(in_state(subject, MessageState::Waiting).await.len(), 1, "{expected:?}");
    }
    subject.write(&good).await;
    assert_eq!(history(subject, "bob").await.len(), 1);
}

pub(crate) async fn history_keeps_its_order_and_its_customer(subject: &Subject) {
    // Clocks of nodes differ: the order is that of writing.
    let line = |event: &str, at| Entry { at: after(at), ..entry("alice", event) };
    subject.write(&Change { history: vec![line("a", 5), line("b", 4)], ..Change::default() }).await;
    let foreign = Entry { tenant: bolt(), ..line("foreign", 0) };
    let others = vec![entry("bob", "other"), foreign, line("c", 3)];
    subject.write(&Change { history: others, ..Change::default() }).await;
    assert_eq!(history(subject, "alice").await, [line("a", 5), line("b", 4), line("c", 3)]);
}

pub(crate) async fn customers_are_paged_in_the_order_of_their_ids(subject: &Subject) {
    // In the order of their bytes, which is not that of a dictionary.
    let ids = ["10", "9", "B", "_", "a", "b", "ß", "云"];
    for id in ["b", "云", "_", "10", "a", "B", "ß", "9"] {
        subject.write(&of_account(customer(id))).await;
    }
    subject.write(&of_account(Account { tenant: bolt(), ..customer("0") })).await;
    let mut seen: Vec<Account> = Vec::new();
    loop {
        let after = seen.last().map(|last| last.user_id.clone());
        let page = subject.ledger.page(&acme(), after.as_ref(), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    let seen: Vec<_> = seen.iter().map(|one| one.user_id.as_str()).collect();
    assert_eq!(seen, ids);
}

pub(crate) async fn customers_are_found_by_how_long_they_stand(subject: &Subject) {
    let since = |id: &str, state, at| Account { state, since: after(at), ..customer(id) };
    subject.write(&of_account(since("late", LinkState::FirstLogin, 9))).await;
    subject.write(&of_account(since("second", LinkState::Creating, 2))).await;
    subject.write(&of_account(since("first", LinkState::FirstLogin, 1))).await;
    subject.write(&of_account(since("other", LinkState::None, 0))).await;
    let foreign = Account { tenant: bolt(), ..since("foreign", LinkState::Creating, 0) };
    subject.write(&of_account(foreign)).await;
    let standing = async |states: &[LinkState], before, at_most| {
        let found = subject.ledger.standing(&acme(), states, after(before), at_most).await;
        let found = found.unwrap().into_iter();
        found.map(|one| one.user_id.as_str().to_owned()).collect::<Vec<_>>()
    };
    let waiting = [LinkState::FirstLogin, LinkState::Creating];
    assert_eq!(standing(&waiting, 9, 10).await, ["first", "second"]);
    assert_eq!(standing(&waiting, 10, 10).await, ["first", "second", "late"]);
    assert_eq!(standing(&waiting, 10, 1).await, ["first"]);
    assert_eq!(standing(LinkState::ALL, 2, 10).await, ["other", "first"]);
    assert!(standing(&[], 10, 10).await.is_empty());
}

pub(crate) async fn among_a_hundred_who_lease_an_intent_exactly_one_gets_it(subject: &Subject) {
    subject.write(&of_intent(Intent { next_at: after(3600), ..intent("i-1") })).await;
    for round in 0..5 {
        let got = race(subject, |ledger, _| async move {
            let id = IntentId("i-1".into());
            ledger.lease(&id, lease(round * 10, round * 10 + 10)).await.unwrap()
        });
        let got: Vec<_> = got.await.into_iter().flatten().collect();
        assert_eq!(got.len(), 1, "round {round}");
        assert_eq!(i64::try_from(got[0].version).unwrap(), round + 2);
    }
}

pub(crate) async fn a_lease_ends_and_who_lost_it_cannot_write(subject: &Subject) {
    subject.write(&of_intent(intent("i-1"))).await;
    let slow = leased(subject, "i-1", 0, 10).await.unwrap();
    assert_eq!(leased(subject, "i-1", 9, 20).await, None);
    let quick = leased(subject, "i-1", 10, 20).await.unwrap();
    let late = Intent { version: slow.version + 1, step: IntentStep::Asking, ..slow };
    let change = Change {
        intent: Some(late),
        account: Some(customer("alice")),
        history: vec![entry("alice", "late")],
        ..Change::default()
    };
    assert_eq!(subject.commit(&change).await, Commit::Stale);
    assert_eq!(account(subject, "alice").await, None);
    let ours = Intent { version: quick.version + 1, step: IntentStep::Asking, ..quick };
    subject.write(&of_intent(ours.clone())).await;
    assert_eq!(subject.ledger.intent(&acme(), &ours.id).await.unwrap(), Some(ours));
}

pub(crate) async fn a_lease_lasts_until_its_intent_is_to_go_on_at_another_time(subject: &Subject) {
    subject.write(&of_intent(intent("i-1"))).await;
    let held = leased(subject, "i-1", 0, 100).await.unwrap();
    let asking = Intent { version: held.version + 1, step: IntentStep::Asking, ..held };
    subject.write(&of_intent(asking.clone())).await;
    assert_eq!(leased(subject, "i-1", 1, 50).await, None);
    assert_eq!(subject.ledger.lease_due(lease(1, 50), 10).await.unwrap(), []);
    let later = Intent { version: asking.version + 1, next_at: after(5), attempts: 1, ..asking };
    subject.write(&of_intent(later.clone())).await;
    assert_eq!(subject.ledger.lease_due(lease(4, 50), 10).await.unwrap(), []);
    let again = Intent { version: later.version + 1, ..later };
    assert_eq!(subject.ledger.lease_due(lease(5, 50), 10).await.unwrap(), [again]);
}

pub(crate) async fn a_finished_intent_is_not_leased(subject: &Subject) {
    for (id, step) in [("done", IntentStep::Done), ("failed", IntentStep::Failed)] {
        subject.write(&of_intent(Intent { step, ..intent(id) })).await;
        assert_eq!(leased(subject, id, 1, 2).await, None);
    }
    assert_eq!(subject.ledger.lease_due(lease(1, 2), 10).await.unwrap(), []);
}

pub(crate) async fn due_intents_come_in_order_and_not_before_their_time(subject: &Subject) {
    for (id, at) in [("third", 3), ("first", 1), ("fourth", 4), ("second", 2)] {
        subject.write(&of_intent(Intent { next_at: after(at), ..intent(id) })).await;
    }
    let foreign = Intent { tenant: bolt(), next_at: START, ..intent("zeroth") };
    subject.write(&of_intent(foreign)).await;
    let due = async |now, at_most| {
        let due = subject.ledger.lease_due(lease(now, 1000), at_most).await.unwrap();
        due.into_iter().map(|intent| intent.id.0).collect::<Vec<_>>()
    };
    assert_eq!(due(3, 2).await, ["zeroth", "first"]);
    assert_eq!(due(3, 10).await, ["second", "third"]);
    assert!(due(3, 10).await.is_empty());
    assert_eq!(due(4, 10).await, ["fourth"]);
}

pub(crate) async fn many_takers_share_due_intents_and_messages_without_overlap(subject: &Subject) {
    for number in 0..60 {
        subject
            .write(&Change {
                intent: Some(intent(&format!("i-{number}"))),
                messages: vec![message(&format!("m-{number}"))],
                ..Change::default()
            })
            .await;
    }
    let shares = race(subject, |ledger, _| async move {
        let intents = ledger.lease_due(lease(1, 100), 2).await.unwrap();
        let messages = ledger.take_due(lease(1, 100), 2).await.unwrap();
        assert!(intents.len() <= 2 && messages.len() <= 2);
        let intents = intents.into_iter().map(|intent| intent.id.0);
        intents.chain(messages.into_iter().map(|message| message.id.0)).collect::<Vec<_>>()
    });
    let mut taken = shares.await.concat();
    // Who passes over what others are taking may come back with less, and comes again.
    taken.extend(
        subject.ledger.lease_due(lease(1, 100), 60).await.unwrap().into_iter().map(|i| i.id.0),
    );
    taken.extend(
        subject.ledger.take_due(lease(1, 100), 60).await.unwrap().into_iter().map(|m| m.id.0),
    );
    assert_eq!(taken.len(), 120);
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 120);
}

pub(crate) async fn a_message_is_taken_again_after_its_lease_or_its_next_attempt(
    subject: &Subject,
) {
    let later = Message { next_at: after(7), ..message("m-2") };
    subject.write(&of_messages([later, message("m-1")])).await;
    assert_eq!(taken(subject, 1, 10).await, ["m-1"]);
    assert!(taken(subject, 6, 10).await.is_empty());
    assert_eq!(taken(subject, 10, 20).await, ["m-1", "m-2"]);
    let retry = Message {
        attempts: 1,
        next_at: after(12),
        problem: Some("timeout".into()),
        ..message("m-1")
    };
    subject.ledger.settle(&retry).await.unwrap();
    assert!(taken(subject, 11, 30).await.is_empty());
    let again = subject.ledger.take_due(lease(12, 30), 10).await.unwrap();
    assert_eq!(again, [retry]);
}

pub(crate) async fn a_message_that_is_settled_stays_settled(subject: &Subject) {
    subject.write(&of_messages([message("m-1")])).await;
    assert_eq!(taken(subject, 1, 10).await, ["m-1"]);
    let delivered = Message { state: MessageState::Delivered, attempts: 1, ..message("m-1") };
    subject.ledger.settle(&delivered).await.unwrap();
    let late = Message { attempts: 1, problem: Some("timeout".into()), ..message("m-1") };
    subject.ledger.settle(&late).await.unwrap();
    assert!(taken(subject, 100, 200).await.is_empty());
    assert_eq!(in_state(subject, MessageState::Delivered).await, [delivered]);
    assert_eq!(in_state(subject, MessageState::Waiting).await, []);
    subject.ledger.settle(&message("nobody")).await.unwrap();
}

pub(crate) async fn a_dead_message_is_revived_by_its_tenant_only(subject: &Subject) {
    let second = Message { created_at: after(-1), ..message("m-2") };
    subject.write(&of_messages([message("m-1"), second.clone(), message("m-3")])).await;
    for message in [message("m-1"), second] {
        let dead = Message {
            state: MessageState::Dead,
            attempts: 9,
            problem: Some("410".into()),
            ..message
        };
        subject.ledger.settle(&dead).await.unwrap();
    }
    let dead: Vec<_> = in_state(subject, MessageState::Dead).await;
    assert_eq!(dead.iter().map(|dead| dead.id.0.as_str()).collect::<Vec<_>>(), ["m-2", "m-1"]);
    assert_eq!(subject.ledger.messages(&acme(), MessageState::Dead, 1).await.unwrap().len(), 1);
    assert_eq!(subject.ledger.messages(&bolt(), MessageState::Dead, 9).await.unwrap(), []);

    let id = MessageId("m-1".into());
    assert!(!subject.ledger.revive(&bolt(), &id, after(50)).await.unwrap());
    assert!(subject.ledger.revive(&acme(), &id, after(50)).await.unwrap());
    assert!(!subject.ledger.revive(&acme(), &id, after(50)).await.unwrap());
    assert!(!subject.ledger.revive(&acme(), &MessageId("m-3".into()), START).await.unwrap());
    assert_eq!(taken(subject, 49, 60).await, ["m-3"]);
    let again = subject.ledger.take_due(lease(50, 60), 10).await.unwrap();
    assert_eq!((again[0].id.0.as_str(), again[0].attempts), ("m-1", 0));
}

pub(crate) async fn the_store_is_reachable(subject: &Subject) {
    subject.ledger.reachable().await.unwrap();
}
