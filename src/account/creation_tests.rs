//! Tests of creations against a model of the cloud that loses answers, commits late and refuses,
//! and of nodes that die at every call.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use proptest::prelude::*;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;
use crate::account::fixtures::Played;
use crate::account::plan::Outcome;
use crate::account::remote::{Asking, Remote};
use crate::account::work::cloud_account;
use crate::clock::ManualClock;
use crate::cloud::api::{
    self, AssociationKind, Creation, FieldFault, Filter, Listed, ListedCustomer, NewCustomer, Page,
};
use crate::random::SequenceRandom;
use crate::store::account::{Account, CloudAccount};
use crate::store::ledger::Ledger;
use crate::store::memory_ledger::MemoryLedger;
use crate::store::record::PersonId;

const START: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// What the cloud does with one call that creates.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// The account exists; its association comes later.
    Unconfirmed,
    /// No answer; the account is made, or not.
    Silent(bool),
    /// The node dies during the call; the account is made, or not.
    Dies(bool),
    /// 429 or the like.
    Busy,
    /// A rule of the cloud.
    Refused,
}

/// What the cloud does with one call that lists.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ListFault {
    None,
    Away,
    /// The node dies during the call.
    Dies,
}

#[derive(Default)]
struct State {
    create: VecDeque<Fault>,
    list: VecDeque<ListFault>,
    /// By `xAccountId`: the account, and since when it is on the list.
    accounts: HashMap<String, (CloudAccount, OffsetDateTime)>,
    created: u32,
    asked: Vec<&'static str>,
}

/// The cloud.
struct Model {
    clock: Arc<ManualClock>,
    /// How long a new account is not on the list.
    lag: time::Duration,
    state: Mutex<State>,
}

fn failure(code: Code, lasting: Lasting, effect: Effect) -> Failure {
    let cause = "expected success".to_owned();
    Failure { code, lasting, effect, answer: None, field: None, cause }
}

fn busy() -> Failure {
    let lasting = Lasting::Transient { retry_after: Some(Duration::from_secs(20)) };
    failure(Code::CloudThrottled, lasting, Effect::Nothing)
}

impl Model {
    fn make(&self, new: &NewCustomer) -> api::Account {
        let mut state = self.state.lock().unwrap();
        state.created += 1;
        let id = format!("d{}", state.created);
        let name = new.domain_name.clone().unwrap_or_else(|| format!("made-up-{id}"));
        let account = api::Account { id, name };
        let listed = self.clock.now() + self.lag;
        let kept = (cloud_account(account.clone()), listed);
        state.accounts.insert(new.x_account_id.clone(), kept);
        account
    }

    fn asked_to_create(&self, new: &NewCustomer) -> Option<Creation> {
        let fault = {
            let mut state = self.state.lock().unwrap();
            state.asked.push("create");
            // The name is looked at first: what the same call finds taken may be its own doing.
            let name = new.domain_name.as_ref();
            let taken = |(account, _): &(CloudAccount, _)| name == Some(&account.domain_name);
            let fault = state.create.pop_front().unwrap_or(Fault::None);
            let answers = !matches!(fault, Fault::Busy | Fault::Dies(_) | Fault::Silent(_));
            if answers && state.accounts.values().any(taken) {
                let code = Code::AccountNameTaken;
                return Some(Creation::Refused(failure(code, Lasting::Final, Effect::Nothing)));
            }
            if answers && state.accounts.contains_key(&new.x_account_id) {
                let code = Code::AccountIdKnown;
                return Some(Creation::MaybeOurs(failure(code, Lasting::Final, Effect::Nothing)));
            }
            let is_there = state.accounts.contains_key(&new.x_account_id);
            match fault {
                Fault::Silent(true) if is_there => Fault::Silent(false),
                Fault::Dies(true) if is_there => Fault::Dies(false),
                other => other,
            }
        };
        match fault {
            Fault::None => Some(Creation::Created(self.make(new))),
            Fault::Unconfirmed => Some(Creation::CreatedUnconfirmed(self.make(new))),
            Fault::Silent(commits) => {
                commits.then(|| self.make(new));
                let lasting = Lasting::Transient { retry_after: None };
                Some(Creation::Unknown(failure(Code::CloudAway, lasting, Effect::Unknown)))
            }
            Fault::Dies(commits) => {
                commits.then(|| self.make(new));
                None
            }
            Fault::Busy => Some(Creation::Refused(busy())),
            Fault::Refused => {
                let code = Code::ContactUsed;
                Some(Creation::Refused(failure(code, Lasting::Final, Effect::Nothing)))
            }
        }
    }

    fn listed(&self, filter: &Filter) -> Option<Result<Listed, Failure>> {
        let mut state = self.state.lock().unwrap();
        state.asked.push("list");
        match state.list.pop_front().unwrap_or(ListFault::None) {
            ListFault::None => {}
            ListFault::Away => return Some(Err(busy())),
            ListFault::Dies => return None,
        }
        let now = self.clock.now();
        let wanted = |account: &CloudAccount, at: OffsetDateTime| match filter {
            Filter::Id(id) => account.domain_id == *id,
            Filter::Since(since) => at >= *since,
            _ => true,
        };
        let listed = state.accounts.iter().filter(|(_, (_, at))| *at <= now);
        let listed = listed.filter(|(_, (account, at))| wanted(account, *at));
        let customers: Vec<_> = listed
            .map(|(x_account_id, (account, at))| ListedCustomer {
                account: api::Account {
                    id: account.domain_id.clone(),
                    name: account.domain_name.clone(),
                },
                x_account_id: Some(x_account_id.clone()),
                x_account_type: Some("acme_IDP".to_owned()),
                association: AssociationKind::Resale,
                associated_on: Some(*at),
                is_frozen: false,
            })
            .collect();
        let count = customers.len() as u64;
        Some(Ok(Listed { customers, count }))
    }
}

impl Played for Model {
    fn fits(&self, new: &NewCustomer) -> Result<(), Failure> {
        match &new.domain_name {
            Some(name) if name.len() < 5 => Err(FieldFault {
                field: "domain_name",
                expected: "5 letters".to_owned(),
                found: "fewer".to_owned(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn create<'a>(&'a self, new: &'a NewCustomer) -> Asking<'a, Creation> {
        Box::pin(async {
            match self.asked_to_create(new) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }

    fn list<'a>(&'a self, filter: &'a Filter, _: Page) -> Asking<'a, Result<Listed, Failure>> {
        Box::pin(async {
            match self.listed(filter) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

/// A gateway's part that creates, and the cloud.
struct House {
    clock: Arc<ManualClock>,
    cloud: Arc<Model>,
    book: Arc<Book>,
    creations: Creations,
}

fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn person(id: &str) -> Person {
    let user_id = PersonId::parse(id).unwrap();
    let account_id = PersonId::parse(&format!("x-{id}")).unwrap();
    Person::of(user_id, account_id)
}

impl House {
    fn new(create: &[Fault], list: &[ListFault], lag: time::Duration) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let state = State {
            create: create.iter().copied().collect(),
            list: list.iter().copied().collect(),
            ..State::default()
        };
        let cloud = Arc::new(Model { clock: Arc::clone(&clock), lag, state: Mutex::new(state) });
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::default());
        let random: Arc<dyn Random> = Arc::new(SequenceRandom::new(1));
        let book = Book::new(ledger, Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&random));
        let book = Arc::new(book);
        let remotes = Remotes::new([(tenant(), Arc::clone(&cloud) as Arc<dyn Remote>)]);
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let creations = Creations::new(Arc::clone(&book), remotes, time, random);
        Self { clock, cloud, book, creations }
    }

    fn calm() -> Self {
        Self::new(&[], &[], time::Duration::ZERO)
    }

    async fn begin(
        &self,
        who: &str,
        name: Option<&str>,
        key: Option<&str>,
    ) -> Result<Intent, Code> {
        let wanted = Wanted { domain_name: name.map(str::to_owned), ..Wanted::default() };
        let evidence = Evidence(json!({ "source": "test" }));
        let person = person(who);
        let wish = Request {
            person: &person,
            wished_by: if key.is_some() { Wisher::Partner } else { Wisher::Customer },
            wanted: &wanted,
            idempotency_key: key,
            evidence: &evidence,
        };
        self.creations.begin(&tenant(), wish).await.map_err(|refused| refused.code)
    }

    /// Lets what is due happen; a node that dies is one that is dropped in the middle.
    async fn round(&self) {
        for intent in self.creations.due(16).await.unwrap() {
            // Whatever does not come to its end at once hangs in a call: there the node dies.
            tokio::select! {
                biased;
                worked = self.creations.work(intent) => drop(worked.unwrap()),
                () = std::future::ready(()) => {}
            }
        }
    }

    /// Rounds, 15 seconds apart, until the intent is over or `most` is.
    async fn until_over(&self, id: &IntentId, most: time::Duration) -> Intent {
        let end = self.clock.now() + most;
        loop {
            self.round().await;
            let intent = self.creations.find(&tenant(), id).await.unwrap();
            if is_over(&intent) || self.clock.now() >= end {
                return intent;
            }
            self.clock.advance(time::Duration::seconds(15));
        }
    }

    async fn account(&self, who: &str) -> Account {
        self.book.find(&tenant(), &person(who).user_id).await.unwrap()
    }

    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.cloud.state.lock().unwrap().asked)
    }

    fn created(&self) -> u32 {
        self.cloud.state.lock().unwrap().created
    }
}

const HOURS: time::Duration = time::Duration::hours(2);

#[tokio::test(start_paused = true)]
async fn an_account_is_created_linked_and_told_to_the_partner() {
    let house = House::calm();
    let begun = house.begin("li", Some("li-shop"), Some("key-1")).await.unwrap();
    assert_eq!(house.account("li").await.state, LinkState::Creating);
    assert!(house.asked().is_empty(), "the intent is written before the first call");
    let done = house.until_over(&begun.id, HOURS).await;
    assert_eq!(done.step, IntentStep::Done);
    assert_eq!(house.asked(), ["create"]);
    let account = house.account("li").await;
    assert_eq!(account.state, LinkState::Linked);
    assert_eq!(account.cloud.unwrap().domain_id, "d1");
    assert!(!done.plan.contains("li-shop"), "personal values are gone: {}", done.plan);
    let ledger = house.book.ledger();
    let told = ledger.messages(&tenant(), crate::store::account::MessageState::Waiting, 9).await;
    let kinds: Vec<_> = told.unwrap().into_iter().map(|message| message.kind).collect();
    assert_eq!(kinds, ["account.linked"]);
    let history = ledger.history(&tenant(), &person("li").user_id).await.unwrap();
    let events: Vec<_> = history.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["met", "creation-begun", "creation-made"]);
}

#[tokio::test(start_paused = true)]
async fn one_key_is_one_creation() {
    let house = House::calm();
    let first = house.begin("li", Some("li-shop"), Some("key-1")).await.unwrap();
    assert_eq!(house.begin("li", Some("li-shop"), Some("key-1")).await.unwrap(), first);
    let other = house.begin("li", Some("wu-shop"), Some("key-1")).await;
    assert_eq!(other, Err(Code::IdempotencyConflict));
    let other = house.begin("wu", Some("li-shop"), Some("key-1")).await;
    assert_eq!(other, Err(Code::IdempotencyConflict));
    let other = house.begin("li", Some("li-shop"), Some("key-2")).await;
    assert_eq!(other, Err(Code::CreationUnderWay));
    house.until_over(&first.id, HOURS).await;
    assert_eq!(house.begin("li", Some("li-shop"), Some("key-1")).await.unwrap().id, first.id);
    let other = house.begin("li", Some("li-shop"), Some("key-3")).await;
    assert_eq!(other, Err(Code::AlreadyLinked));
    assert_eq!(house.asked(), ["create"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_the_creation_under_way_is_the_one_that_is_meant() {
    let house = House::calm();
    let first = house.begin("li", Some("li-shop"), None).await.unwrap();
    let second = house.begin("li", Some("li-shop-2"), None).await.unwrap();
    assert_eq!(first.id, second.id);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_who_begin_at_once_make_one_creation() {
    let house = Arc::new(House::calm());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let house = Arc::clone(&house);
        let key = if number % 2 == 0 { Some("key") } else { None };
        tasks.spawn(async move { house.begin("li", Some("li-shop"), key).await });
    }
    let begun = tasks.join_all().await;
    let mut ids: Vec<_> = begun.into_iter().flatten().map(|intent| intent.id.0).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_breaks_a_rule_of_the_cloud_writes_nothing() {
    let house = House::calm();
    let refused = house.begin("li", Some("li"), Some("key-1")).await;
    assert_eq!(refused, Err(Code::AccountNameUnusable));
    let known = house.book.ledger().account(&tenant(), &person("li").user_id).await.unwrap();
    assert!(known.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_refuses_ends_with_its_code_and_the_customer_can_try_again() {
    let house = House::new(&[Fault::Refused], &[], time::Duration::ZERO);
    let begun = house.begin("li", Some("li-shop"), Some("key-1")).await.unwrap();
    let failed = house.until_over(&begun.id, HOURS).await;
    assert_eq!(failed.step, IntentStep::Failed);
    assert_eq!(Outcome::of(&failed).code(), Some(Code::ContactUsed));
    assert!(!failed.plan.contains("li-shop"));
    assert_eq!(house.account("li").await.state, LinkState::None);
    let again = house.begin("li", Some("li-shop"), Some("key-2")).await.unwrap();
    assert_eq!(house.until_over(&again.id, HOURS).await.step, IntentStep::Done);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_created_but_was_never_answered_is_found_on_the_list() {
    let house = House::new(&[Fault::Silent(true)], &[], time::Duration::ZERO);
    let begun = house.begin("li", None, None).await.unwrap();
    let done = house.until_over(&begun.id, HOURS).await;
    assert_eq!(done.step, IntentStep::Done);
    assert_eq!(house.asked(), ["create", "list"]);
    assert_eq!(house.created(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_list_shows_late_is_not_created_twice() {
    let lag = time::Duration::minutes(5);
    let house = House::new(&[Fault::Silent(true)], &[], lag);
    let begun = house.begin("li", Some("li-shop"), None).await.unwrap();
    let done = house.until_over(&begun.id, HOURS).await;
    assert_eq!(done.step, IntentStep::Done);
    assert_eq!(house.created(), 1);
    assert_eq!(house.account("li").await.cloud.unwrap().domain_id, "d1");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_the_cloud_has_for_somebody_else_ends_it_when_the_list_is_settled() {
    let house = House::calm();
    let foreign = CloudAccount {
        domain_id: "d9".to_owned(),
        domain_name: "foreign".to_owned(),
        user_id: None,
        user_name: None,
    };
    let never = START + time::Duration::days(9);
    house.cloud.state.lock().unwrap().accounts.insert("x-li".to_owned(), (foreign, never));
    let begun = house.begin("li", None, None).await.unwrap();
    let failed = house.until_over(&begun.id, HOURS).await;
    assert_eq!(Outcome::of(&failed).code(), Some(Code::AccountIdKnown));
    assert!(house.clock.now() - START >= limits::ASSOCIATION_WAIT);
    assert_eq!(house.account("li").await.state, LinkState::None);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_notified_first_ends_the_creation_without_another_call() {
    let house = House::new(&[Fault::Busy], &[], time::Duration::ZERO);
    let begun = house.begin("li", None, None).await.unwrap();
    house.round().await;
    let bound = CloudAccount {
        domain_id: "d7".to_owned(),
        domain_name: "bound".to_owned(),
        user_id: None,
        user_name: None,
    };
    let event = Event::BindNotified(bound);
    let (tenant, user) = (tenant(), person("li").user_id);
    let evidence = Evidence(json!({}));
    house.book.happen((&tenant, &user), &event, List::Agrees, &evidence).await.unwrap();
    let done = house.until_over(&begun.id, HOURS).await;
    assert_eq!(done.step, IntentStep::Done);
    assert_eq!(Outcome::of(&done).domain_id.as_deref(), Some("d7"));
    assert_eq!(house.created(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_busy_cloud_is_not_asked_again_before_the_time_that_it_names() {
    let house = House::new(&[Fault::Busy], &[], time::Duration::ZERO);
    let begun = house.begin("li", None, None).await.unwrap();
    house.round().await;
    house.clock.advance(time::Duration::seconds(19));
    house.round().await;
    assert_eq!(house.asked(), ["create"]);
    let waiting = house.creations.find(&tenant(), &begun.id).await.unwrap();
    assert_eq!(Outcome::of(&waiting).code(), Some(Code::CloudThrottled));
    house.clock.advance(time::Duration::seconds(1));
    house.round().await;
    assert_eq!(house.asked(), ["create"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_sees_the_end_as_soon_as_it_is_written() {
    let house = House::calm();
    let begun = house.begin("li", None, None).await.unwrap();
    let patience = Duration::from_secs(10);
    let tenant = tenant();
    let (settled, ()) =
        tokio::join!(house.creations.settled(&tenant, &begun.id, patience), house.round());
    assert!(is_over(&settled.unwrap()));
    let other = house.begin("wu", None, None).await.unwrap();
    let open = house.creations.settled(&tenant, &other.id, patience).await.unwrap();
    assert!(!is_over(&open), "patience ends");
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let one = prop_oneof![
        2 => Just(Fault::None),
        2 => Just(Fault::Unconfirmed),
        3 => any::<bool>().prop_map(Fault::Silent),
        3 => any::<bool>().prop_map(Fault::Dies),
        2 => Just(Fault::Busy),
        1 => Just(Fault::Refused),
    ];
    prop::collection::vec(one, 0..6)
}

fn list_faults() -> impl Strategy<Value = Vec<ListFault>> {
    let one = prop_oneof![Just(ListFault::None), Just(ListFault::Away), Just(ListFault::Dies)];
    prop::collection::vec(one, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_fails_and_whoever_dies_no_account_is_doubled_and_none_is_lost(
        create in faults(),
        list in list_faults(),
        lag in 0..9_i64,
        named in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let house = House::new(&create, &list, time::Duration::minutes(lag));
            let begun = house.begin("li", named.then_some("li-shop"), None).await.unwrap();
            let end = house.until_over(&begun.id, HOURS).await;
            let account = house.account("li").await;
            prop_assert!(house.created() <= 1, "doubled");
            match (end.step, house.created()) {
                (IntentStep::Done, 1) => {
                    prop_assert_eq!(account.state, LinkState::Linked);
                    prop_assert_eq!(account.cloud.unwrap().domain_id, "d1");
                }
                (IntentStep::Failed, 0) => {
                    prop_assert_eq!(account.state, LinkState::None);
                    prop_assert_eq!(Outcome::of(&end).code(), Some(Code::ContactUsed));
                }
                other => prop_assert!(false, "{:?}", other),
            }
            Ok(())
        })?;
    }
}
