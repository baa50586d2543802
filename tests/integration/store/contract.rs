//! What every backend must do, as functions over the trait; `contract!` makes tests of them for one
//! backend.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skybridge::clock::ManualClock;
use skybridge::store::{Claim, Ephemeral, Key, Kind};
use time::OffsetDateTime;
use time::macros::datetime;

/// When the lists of these tests begin.
const START: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
/// Long enough to be there at the end of any test.
const LONG: Duration = Duration::from_hours(1);
/// Short enough to wait for its end, long enough to see its begin.
const SHORT: Duration = Duration::from_millis(400);
/// When a test gives up waiting for an entry to expire.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it asks meanwhile.
const BEAT: Duration = Duration::from_millis(10);
const RACERS: usize = 100;
const RACES: usize = 50;

/// A backend under test.
pub(crate) struct Subject {
    pub(crate) store: Arc<dyn Ephemeral>,
    /// The clock to move when entries shall expire; without one, real time passes.
    pub(crate) clock: Option<Arc<ManualClock>>,
    /// What must live as long as the store.
    pub(crate) _server: Box<dyn std::any::Any + Send + Sync>,
}

macro_rules! contract {
    ($subject:path) => {
        $crate::store::contract::contract!(@tests $subject:
            what_was_put_is_got_until_it_is_replaced_or_removed,
            an_unknown_key_is_none_for_every_reader,
            taking_removes,
            a_claim_is_won_once_and_shows_the_winner_to_the_losers,
            among_a_hundred_concurrent_takers_exactly_one_gets_the_value,
            among_a_hundred_concurrent_claimers_exactly_one_wins,
            concurrent_counts_are_each_counted_once,
            entries_expire,
            putting_gives_a_new_life,
            renewing_gives_a_new_life_and_brings_nothing_back,
            a_lost_claim_does_not_prolong_the_winners_life,
            a_count_ends_a_fixed_time_after_its_first_event,
            a_life_below_a_millisecond_is_short_and_not_refused,
            tenants_and_kinds_do_not_see_each_other,
            any_bytes_come_back_as_they_were,
            a_value_of_a_megabyte_comes_back,
            odd_characters_in_ids_make_distinct_keys,
            renew_and_claim_does_both,
            a_list_holds_each_member_until_its_own_end,
            members_of_one_list_added_at_once_are_all_there,
            a_key_of_another_form_is_no_list,
            the_store_answers_a_ping,
        );
    };
    (@tests $subject:path: $($name:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let subject: $crate::store::contract::Subject = $subject();
                $crate::store::contract::$name(&subject).await;
            }
        )+
    };
}
pub(crate) use contract;

fn key(id: &str) -> Key {
    Key::new(Kind::Pending, "acme", id)
}

impl Subject {
    /// Lets `life` pass where time can be told to.
    fn pass(&self, life: Duration) {
        if let Some(clock) = &self.clock {
            clock.advance(life.try_into().unwrap());
        }
    }

    /// Asks until the entry is gone, without writing to it.
    async fn wait_until_gone(&self, key: &Key) {
        let begun = Instant::now();
        let mut beat = tokio::time::interval(BEAT);
        while self.store.get(key).await.unwrap().is_some() {
            assert!(begun.elapsed() < PATIENCE, "{key:?} does not expire");
            beat.tick().await;
        }
    }
}

pub(crate) async fn what_was_put_is_got_until_it_is_replaced_or_removed(subject: &Subject) {
    let store = &subject.store;
    store.put(&key("a"), b"one", LONG).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(b"one".to_vec()));
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(b"one".to_vec()));
    store.put(&key("a"), b"two", LONG).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(b"two".to_vec()));
    store.remove(&key("a")).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
}

pub(crate) async fn an_unknown_key_is_none_for_every_reader(subject: &Subject) {
    assert_eq!(subject.store.get(&key("nobody")).await.unwrap(), None);
    assert_eq!(subject.store.take(&key("nobody")).await.unwrap(), None);
    subject.store.remove(&key("nobody")).await.unwrap();
}

pub(crate) async fn taking_removes(subject: &Subject) {
    subject.store.put(&key("a"), b"one", LONG).await.unwrap();
    assert_eq!(subject.store.take(&key("a")).await.unwrap(), Some(b"one".to_vec()));
    assert_eq!(subject.store.take(&key("a")).await.unwrap(), None);
    assert_eq!(subject.store.get(&key("a")).await.unwrap(), None);
}

pub(crate) async fn a_claim_is_won_once_and_shows_the_winner_to_the_losers(subject: &Subject) {
    let store = &subject.store;
    assert_eq!(store.claim(&key("a"), b"first", LONG).await.unwrap(), Claim::Won);
    let lost = Claim::Lost(b"first".to_vec());
    assert_eq!(store.claim(&key("a"), b"second", LONG).await.unwrap(), lost);
    assert_eq!(store.claim(&key("a"), b"first", LONG).await.unwrap(), lost);
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(b"first".to_vec()));
}

pub(crate) async fn among_a_hundred_concurrent_takers_exactly_one_gets_the_value(
    subject: &Subject,
) {
    for race in 0..RACES {
        let key = key(&race.to_string());
        subject.store.put(&key, b"prize", LONG).await.unwrap();
        let takers = spawn_racers(subject, |store, _| {
            let key = key.clone();
            async move { store.take(&key).await.unwrap() }
        });
        let got: Vec<_> = takers.await.into_iter().flatten().collect();
        assert_eq!(got, [b"prize"], "race {race}");
    }
}

pub(crate) async fn among_a_hundred_concurrent_claimers_exactly_one_wins(subject: &Subject) {
    for race in 0..RACES {
        let key = key(&race.to_string());
        let claimers = spawn_racers(subject, |store, racer| {
            let key = key.clone();
            async move { store.claim(&key, racer.to_string().as_bytes(), LONG).await.unwrap() }
        });
        let ends = claimers.await;
        let won: Vec<_> = (0..RACERS).filter(|racer| ends[*racer] == Claim::Won).collect();
        assert_eq!(won.len(), 1, "race {race}");
        let lost = Claim::Lost(won[0].to_string().into_bytes());
        assert_eq!(ends.iter().filter(|end| **end == lost).count(), RACERS - 1, "race {race}");
    }
}

pub(crate) async fn concurrent_counts_are_each_counted_once(subject: &Subject) {
    let key = Key::new(Kind::Attempts, "acme", "alice");
    let counts = spawn_racers(subject, |store, _| {
        let key = key.clone();
        async move { store.count(&key, LONG).await.unwrap() }
    });
    let seen: HashSet<u64> = counts.await.into_iter().collect();
    assert_eq!(seen, (1..=RACERS as u64).collect());
}

/// Runs as many tasks as there are racers, released at once, and gives their results in order.
async fn spawn_racers<T, F>(
    subject: &Subject,
    racer: impl Fn(Arc<dyn Ephemeral>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(RACERS));
    let tasks: Vec<_> = (0..RACERS)
        .map(|number| {
            let run = racer(subject.store.clone(), number);
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

pub(crate) async fn entries_expire(subject: &Subject) {
    let store = &subject.store;
    store.put(&key("put"), b"x", SHORT).await.unwrap();
    assert_eq!(store.get(&key("put")).await.unwrap(), Some(b"x".to_vec()));
    store.claim(&key("claimed"), b"x", SHORT).await.unwrap();
    assert_eq!(store.get(&key("claimed")).await.unwrap(), Some(b"x".to_vec()));
    subject.pass(SHORT);
    subject.wait_until_gone(&key("put")).await;
    subject.wait_until_gone(&key("claimed")).await;
    assert_eq!(store.take(&key("put")).await.unwrap(), None);
    assert_eq!(store.claim(&key("claimed"), b"y", LONG).await.unwrap(), Claim::Won);
}

pub(crate) async fn putting_gives_a_new_life(subject: &Subject) {
    let store = &subject.store;
    store.put(&key("long"), b"x", SHORT).await.unwrap();
    store.put(&key("long"), b"x", LONG).await.unwrap();
    store.put(&key("short"), b"x", LONG).await.unwrap();
    store.put(&key("short"), b"x", SHORT).await.unwrap();
    subject.pass(SHORT);
    subject.wait_until_gone(&key("short")).await;
    assert_eq!(store.get(&key("long")).await.unwrap(), Some(b"x".to_vec()));
}

pub(crate) async fn renewing_gives_a_new_life_and_brings_nothing_back(subject: &Subject) {
    let store = &subject.store;
    store.put(&key("a"), b"x", SHORT).await.unwrap();
    store.put(&key("b"), b"y", SHORT).await.unwrap();
    assert_eq!(store.renew(&key("a"), LONG).await.unwrap(), Some(b"x".to_vec()));
    subject.pass(SHORT);
    subject.wait_until_gone(&key("b")).await;
    assert_eq!(store.get(&key("a")).await.unwrap(), Some(b"x".to_vec()));
    store.remove(&key("a")).await.unwrap();
    assert_eq!(store.renew(&key("a"), LONG).await.unwrap(), None);
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
}

pub(crate) async fn a_lost_claim_does_not_prolong_the_winners_life(subject: &Subject) {
    let store = &subject.store;
    store.claim(&key("a"), b"first", SHORT).await.unwrap();
    let lost = store.claim(&key("a"), b"second", LONG).await.unwrap();
    assert_eq!(lost, Claim::Lost(b"first".to_vec()));
    subject.pass(SHORT);
    subject.wait_until_gone(&key("a")).await;
}

pub(crate) async fn a_count_ends_a_fixed_time_after_its_first_event(subject: &Subject) {
    let key = Key::new(Kind::Attempts, "acme", "alice");
    let other = Key::new(Kind::Attempts, "acme", "bob");
    for expected in 1..=3 {
        assert_eq!(subject.store.count(&key, SHORT).await.unwrap(), expected);
    }
    assert_eq!(subject.store.count(&other, LONG).await.unwrap(), 1);
    subject.pass(SHORT);
    let begun = Instant::now();
    let mut beat = tokio::time::interval(BEAT);
    // Each of these counts is an event too, so this ends only if events do not prolong the count.
    while subject.store.count(&key, SHORT).await.unwrap() != 1 {
        assert!(begun.elapsed() < PATIENCE, "the count does not end");
        beat.tick().await;
    }
    assert_eq!(subject.store.count(&other, LONG).await.unwrap(), 2);
}

pub(crate) async fn a_life_below_a_millisecond_is_short_and_not_refused(subject: &Subject) {
    subject.store.put(&key("a"), b"x", Duration::ZERO).await.unwrap();
    subject.store.claim(&key("b"), b"x", Duration::from_nanos(1)).await.unwrap();
    subject.pass(Duration::from_millis(1));
    subject.wait_until_gone(&key("a")).await;
    subject.wait_until_gone(&key("b")).await;
}

pub(crate) async fn tenants_and_kinds_do_not_see_each_other(subject: &Subject) {
    let store = &subject.store;
    let mine = Key::new(Kind::Session, "acme", "1");
    let others = [
        Key::new(Kind::Session, "bolt", "1"),
        Key::new(Kind::Pending, "acme", "1"),
        Key::new(Kind::Session, "acme:1", ""),
        Key::new(Kind::Session, "", "acme:1"),
    ];
    store.put(&mine, b"mine", LONG).await.unwrap();
    for other in &others {
        assert_eq!(store.get(other).await.unwrap(), None, "{other:?}");
        assert_eq!(store.take(other).await.unwrap(), None, "{other:?}");
        store.remove(other).await.unwrap();
        assert_eq!(store.claim(other, b"other", LONG).await.unwrap(), Claim::Won, "{other:?}");
    }
    assert_eq!(store.get(&mine).await.unwrap(), Some(b"mine".to_vec()));
}

pub(crate) async fn any_bytes_come_back_as_they_were(subject: &Subject) {
    let all: Vec<u8> = (0..=255).collect();
    for value in [&all[..], b"", b"\0", b"\r\n$-1\r\n", b"12", &[0xFF, 0xFE]] {
        subject.store.put(&key("a"), value, LONG).await.unwrap();
        assert_eq!(subject.store.get(&key("a")).await.unwrap(), Some(value.to_vec()));
        let lost = subject.store.claim(&key("a"), b"late", LONG).await.unwrap();
        assert_eq!(lost, Claim::Lost(value.to_vec()));
        assert_eq!(subject.store.take(&key("a")).await.unwrap(), Some(value.to_vec()));
    }
}

pub(crate) async fn a_value_of_a_megabyte_comes_back(subject: &Subject) {
    let value: Vec<u8> = (0..1_048_576_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    subject.store.put(&key("a"), &value, LONG).await.unwrap();
    assert!(subject.store.get(&key("a")).await.unwrap() == Some(value.clone()));
}

pub(crate) async fn odd_characters_in_ids_make_distinct_keys(subject: &Subject) {
    let ids =
        ["", " ", ":", "%3A", "a\r\nGET b", "*", "{a}", "\0", "é", "e\u{301}", "云", "A", "a"];
    for id in ids {
        subject.store.put(&key(id), id.as_bytes(), LONG).await.unwrap();
    }
    for id in ids {
        assert_eq!(
            subject.store.get(&key(id)).await.unwrap(),
            Some(id.as_bytes().to_vec()),
            "{id:?}"
        );
    }
}

pub(crate) async fn renew_and_claim_does_both(subject: &Subject) {
    let store = &subject.store;
    let session = Key::new(Kind::Session, "acme", "s");
    let used = Key::new(Kind::UsedRequest, "acme", "_1");
    let nothing = store.renew_and_claim((&session, LONG), &used, b"flow-1", LONG).await.unwrap();
    assert_eq!(nothing, (None, Claim::Won));
    store.put(&session, b"alice", LONG).await.unwrap();
    let second = store.renew_and_claim((&session, LONG), &used, b"flow-2", LONG).await.unwrap();
    assert_eq!(second, (Some(b"alice".to_vec()), Claim::Lost(b"flow-1".to_vec())));
    assert_eq!(store.get(&used).await.unwrap(), Some(b"flow-1".to_vec()));
}

pub(crate) async fn a_list_holds_each_member_until_its_own_end(subject: &Subject) {
    let (store, list) = (&subject.store, key("list"));
    let after = |seconds: i64| START + time::Duration::seconds(seconds);
    let members = async |at: OffsetDateTime| {
        let mut members = store.members(&list, at).await.unwrap();
        members.sort_unstable();
        members
    };
    assert_eq!(members(START).await, Vec::<Vec<u8>>::new());
    store.enlist(&list, b"short", START, Duration::from_mins(1)).await.unwrap();
    store.enlist(&list, b"long", START, Duration::from_mins(10)).await.unwrap();
    assert_eq!(members(after(59)).await, [b"long".to_vec(), b"short".to_vec()]);
    assert_eq!(members(after(60)).await, [b"long".to_vec()]);
    // Again gives a new life, and is no second member.
    store.enlist(&list, b"short", after(30), Duration::from_mins(1)).await.unwrap();
    assert_eq!(members(after(60)).await, [b"long".to_vec(), b"short".to_vec()]);
    store.strike(&list, b"long").await.unwrap();
    store.strike(&list, b"never there").await.unwrap();
    assert_eq!(members(after(60)).await, [b"short".to_vec()]);
    // Who comes later clears away what is over.
    store.enlist(&list, &[0, 255], after(90), Duration::from_mins(1)).await.unwrap();
    assert_eq!(members(START).await, [vec![0, 255]]);
    store.remove(&list).await.unwrap();
    assert_eq!(members(START).await, Vec::<Vec<u8>>::new());
}

pub(crate) async fn members_of_one_list_added_at_once_are_all_there(subject: &Subject) {
    let list = key("crowd");
    spawn_racers(subject, |store, number| async move {
        let member = number.to_string().into_bytes();
        store.enlist(&key("crowd"), &member, START, LONG).await.unwrap();
    })
    .await;
    assert_eq!(subject.store.members(&list, START).await.unwrap().len(), RACERS);
}

pub(crate) async fn a_key_of_another_form_is_no_list(subject: &Subject) {
    let store = &subject.store;
    store.put(&key("bytes"), b"x", LONG).await.unwrap();
    assert!(store.enlist(&key("bytes"), b"y", START, LONG).await.is_err());
    assert!(store.members(&key("bytes"), START).await.is_err());
    assert_eq!(store.get(&key("bytes")).await.unwrap(), Some(b"x".to_vec()));
    store.enlist(&key("list"), b"y", START, LONG).await.unwrap();
    assert!(store.get(&key("list")).await.is_err());
}

pub(crate) async fn the_store_answers_a_ping(subject: &Subject) {
    subject.store.ping().await.unwrap();
}
