//! Tests of what becomes of a link: the table, and random histories with loss, repetition and
//! disorder against a model of the cloud.

use proptest::prelude::*;
use time::macros::datetime;

use super::List::{Agrees, CanBeAsked, Unknown};
use super::*;
use crate::store::record::{PersonId, TenantId};

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

fn cloud(domain: &str) -> CloudAccount {
    CloudAccount {
        domain_id: domain.to_owned(),
        domain_name: format!("name of {domain}"),
        user_id: None,
        user_name: None,
    }
}

fn intent(name: &str) -> IntentId {
    IntentId(name.to_owned())
}

fn standing(state: LinkState) -> Account {
    let linked = matches!(state, LinkState::Linked | LinkState::Unlinking | LinkState::Conflict);
    Account {
        tenant: TenantId::parse("acme").unwrap(),
        user_id: PersonId::parse("cust-1").unwrap(),
        account_id: PersonId::parse("cust-1").unwrap(),
        suspended_at: None,
        admitted_at: None,
        state,
        since: NOW - Duration::days(2),
        cloud: linked.then(|| cloud("d1")),
        former: if state == LinkState::Unlinked { vec!["d0".to_owned()] } else { Vec::new() },
        intent: (state == LinkState::Creating).then(|| intent("i1")),
        version: 7,
    }
}

/// A short word for what comes of an event.
fn word(next: &Next) -> String {
    match next {
        Next::Becomes { account, tell, look } => {
            let mut word = account.state.name().to_owned();
            if let Some(tell) = tell {
                word = format!("{word}, tells {tell}");
            }
            if *look { format!("{word}, looks") } else { word }
        }
        Next::Same => "same".to_owned(),
        Next::Doubted => "doubted".to_owned(),
        Next::Refused(code) => format!("{code:?}"),
    }
}

/// What comes of `event` in every state, in the order of [`LinkState::ALL`].
fn row(event: &Event, list: List) -> Vec<String> {
    LinkState::ALL.iter().map(|state| word(&next(&standing(*state), event, list, NOW))).collect()
}

const LINKED: &str = "linked, tells account.linked";
const CONFLICT: &str = "conflict, tells account.conflict, looks";

/// An event, whether the list can be asked, and what comes of it in the states none, first-login,
/// creating, linked, unlinking, unlinked, conflict.
type Row = (Event, List, [&'static str; 7]);

fn check(table: Vec<Row>) {
    for (event, list, expected) in table {
        assert_eq!(row(&event, list), expected, "{event:?} with the list {list:?}");
    }
}

#[test]
fn what_we_do_has_its_place_in_every_state() {
    check(vec![
        (Event::Declared, Unknown, [LINKED, "same", "same", "same", "same", "same", "same"]),
        (
            Event::FirstLoginSent,
            Unknown,
            [
                "first-login",
                "first-login",
                "CreationUnderWay",
                "same",
                "first-login, tells account.unlinked",
                "first-login",
                "LinkConflict",
            ],
        ),
        (
            Event::CreationBegun(intent("i2")),
            CanBeAsked,
            [
                "creating",
                "creating",
                "CreationUnderWay",
                "AlreadyLinked",
                "LinkConflict",
                "creating",
                "LinkConflict",
            ],
        ),
        (
            Event::CreationMade(intent("i1"), cloud("d1")),
            CanBeAsked,
            [LINKED, LINKED, LINKED, "same", LINKED, LINKED, LINKED],
        ),
        (
            Event::CreationMade(intent("i2"), cloud("d2")),
            CanBeAsked,
            [LINKED, LINKED, "LinkUnexpected", CONFLICT, LINKED, LINKED, LINKED],
        ),
        (
            Event::CreationRefused(intent("i1"), Retry::OfPartner),
            CanBeAsked,
            ["same", "same", "none, tells account.creation-failed", "same", "same", "same", "same"],
        ),
        (
            Event::CreationRefused(intent("i1"), Retry::OfCustomer),
            CanBeAsked,
            ["same", "same", "none", "same", "same", "same", "same"],
        ),
    ]);
}

#[test]
fn what_the_cloud_says_of_a_beginning_has_its_place_in_every_state() {
    check(vec![
        (
            Event::BindNotified(cloud("d1")),
            Unknown,
            [
                "LinkUnexpected",
                LINKED,
                LINKED,
                "same",
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
            ],
        ),
        (
            Event::BindNotified(cloud("d2")),
            CanBeAsked,
            [
                "LinkUnexpected",
                "doubted",
                "doubted",
                "doubted",
                "doubted",
                "LinkUnexpected",
                "doubted",
            ],
        ),
        (
            Event::BindNotified(cloud("d2")),
            Agrees,
            ["LinkUnexpected", LINKED, LINKED, LINKED, LINKED, "LinkUnexpected", LINKED],
        ),
        (
            Event::BindNotified(cloud("d2")),
            Unknown,
            [
                "LinkUnexpected",
                LINKED,
                LINKED,
                CONFLICT,
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
            ],
        ),
        (
            Event::Listed(cloud("d1"), NOW),
            CanBeAsked,
            [LINKED, LINKED, LINKED, "same", LINKED, LINKED, LINKED],
        ),
    ]);
}

#[test]
fn what_the_cloud_says_of_an_end_has_its_place_in_every_state() {
    check(vec![
        (
            Event::UnbindNotified("d1".to_owned()),
            Unknown,
            [
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
                "unlinked, tells account.unlinked",
                "same",
                "LinkUnexpected",
                "LinkUnexpected",
            ],
        ),
        (
            Event::UnbindNotified("d1".to_owned()),
            CanBeAsked,
            [
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
                "unlinking, looks",
                "same",
                "LinkUnexpected",
                "doubted",
            ],
        ),
        (
            Event::UnbindNotified("d0".to_owned()),
            CanBeAsked,
            [
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
                "LinkUnexpected",
                "same",
                "doubted",
            ],
        ),
        (
            Event::NotListed(NOW),
            CanBeAsked,
            [
                "same",
                "none",
                "same",
                "unlinking, looks",
                "unlinked, tells account.unlinked",
                "same",
                "same",
            ],
        ),
    ]);
}

#[test]
fn a_bind_of_an_account_whose_link_has_ended_needs_the_list() {
    let account = Account { former: vec!["d1".to_owned()], ..standing(LinkState::FirstLogin) };
    let event = Event::BindNotified(cloud("d1"));
    assert_eq!(next(&account, &event, List::CanBeAsked, NOW), Next::Doubted);
    let refused = Next::Refused(Code::LinkUnexpected);
    assert_eq!(next(&account, &event, List::Unknown, NOW), refused);
    assert!(
        word(&next(&account, &Event::Listed(cloud("d1"), NOW), List::CanBeAsked, NOW))
            .starts_with("linked")
    );
}

#[test]
fn an_end_that_was_notified_before_is_not_believed_again_without_the_list() {
    let account = Account { former: vec!["d1".to_owned()], ..standing(LinkState::Linked) };
    let event = Event::UnbindNotified("d1".to_owned());
    assert_eq!(word(&next(&account, &event, List::Unknown, NOW)), "unlinking, looks");
}

#[test]
fn a_list_that_was_asked_for_before_the_last_change_says_nothing() {
    for state in LinkState::ALL {
        let account = standing(*state);
        let before = account.since - Duration::seconds(1);
        for event in [Event::Listed(cloud("d2"), before), Event::NotListed(before)] {
            assert_eq!(next(&account, &event, List::CanBeAsked, NOW), Next::Same, "{state:?}");
        }
    }
}

#[test]
fn one_list_without_the_customer_is_not_the_end() {
    let fresh = Account { since: NOW - Duration::minutes(1), ..standing(LinkState::Linked) };
    let event = Event::NotListed(NOW);
    assert_eq!(next(&fresh, &event, List::CanBeAsked, NOW), Next::Same);
    let doubtful = Account { since: NOW - Duration::minutes(1), ..standing(LinkState::Unlinking) };
    assert_eq!(next(&doubtful, &event, List::CanBeAsked, NOW), Next::Same);
}

#[test]
fn switching_off_changes_nothing_else() {
    for state in LinkState::ALL {
        let before = standing(*state);
        let Next::Becomes { account: off, tell: None, look: false } =
            next(&before, &Event::Suspended, List::Unknown, NOW)
        else {
            panic!("{state:?}")
        };
        let version = before.version + 1;
        assert_eq!(*off, Account { suspended_at: Some(NOW), version, ..before.clone() });
        assert_eq!(next(&off, &Event::Suspended, List::Unknown, NOW), Next::Same);
        let Next::Becomes { account: on, .. } = next(&off, &Event::Resumed, List::Unknown, NOW)
        else {
            panic!("{state:?}")
        };
        let admitted_at = Some(NOW);
        assert_eq!(*on, Account { admitted_at, version: version + 1, ..before });
    }
}

/// What a random history does.
#[derive(Clone, Debug)]
enum Move {
    Click,
    /// The cloud creates or binds this account for the customer.
    CloudBinds(u8),
    CloudUnbinds,
    /// A notification that was ever made arrives, perhaps once more.
    Notify(prop::sample::Index),
    /// Someone asks the list; its answer arrives at once, or when others have been.
    Ask,
    Answer(prop::sample::Index),
    Create,
    CreateAnswered,
    CreateRefused,
    Suspend,
    Resume,
    Wait(u16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => Just(Move::Click),
        4 => (0..3u8).prop_map(Move::CloudBinds),
        2 => Just(Move::CloudUnbinds),
        6 => any::<prop::sample::Index>().prop_map(Move::Notify),
        2 => Just(Move::Ask),
        2 => any::<prop::sample::Index>().prop_map(Move::Answer),
        2 => Just(Move::Create),
        2 => Just(Move::CreateAnswered),
        1 => Just(Move::CreateRefused),
        1 => Just(Move::Suspend),
        1 => Just(Move::Resume),
        2 => (0..2000u16).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 1..60)
}

/// The customer here, and the cloud's side as it truly is.
struct World {
    account: Account,
    list: List,
    now: OffsetDateTime,
    bound: Option<String>,
    ever: Vec<String>,
    notifications: Vec<Event>,
    answers: Vec<Event>,
    suspended: bool,
}

impl World {
    fn new(list: List) -> Self {
        let account = Account { since: NOW, version: 1, ..standing(LinkState::None) };
        Self {
            account,
            list,
            now: NOW,
            bound: None,
            ever: Vec::new(),
            notifications: Vec::new(),
            answers: Vec::new(),
            suspended: false,
        }
    }

    fn happen(&mut self, event: &Event) {
        let before = self.account.clone();
        // Where the list can be asked, a notification brings its answer along.
        let list = match (self.list, event, &self.bound) {
            (List::CanBeAsked, Event::BindNotified(said), Some(bound))
                if said.domain_id == *bound =>
            {
                List::Agrees
            }
            (list, ..) => list,
        };
        if let Next::Becomes { account, .. } = next(&before, event, list, self.now) {
            assert_eq!(account.version, before.version + 1);
            if let (Event::BindNotified(cloud), List::Unknown) = (event, list) {
                let revived = account.state == LinkState::Linked
                    && before.state != LinkState::Linked
                    && before.former.contains(&cloud.domain_id);
                assert!(!revived, "an old notification revived a link that had ended");
            }
            self.account = *account;
        }
    }

    fn answer(&self) -> Event {
        match &self.bound {
            Some(domain) => Event::Listed(cloud(domain), self.now),
            None => Event::NotListed(self.now),
        }
    }

    fn step(&mut self, step: &Move) {
        self.now += Duration::seconds(1);
        match step {
            Move::Click => self.happen(&Event::FirstLoginSent),
            Move::CloudBinds(number) if self.bound.is_none() => {
                let domain = format!("d{number}");
                self.ever.push(domain.clone());
                self.notifications.push(Event::BindNotified(cloud(&domain)));
                self.bound = Some(domain);
            }
            Move::CloudUnbinds => {
                self.notifications.extend(self.bound.take().map(Event::UnbindNotified));
            }
            Move::Notify(index) if !self.notifications.is_empty() => {
                let event = index.get(&self.notifications).clone();
                self.happen(&event);
            }
            Move::Ask => self.answers.push(self.answer()),
            Move::Answer(index) if !self.answers.is_empty() => {
                let event = index.get(&self.answers).clone();
                self.happen(&event);
            }
            Move::Create => self.happen(&Event::CreationBegun(intent("i1"))),
            // The cloud answers with what is bound, or binds.
            Move::CreateAnswered if self.account.intent.is_some() => {
                let domain = self.bound.get_or_insert_with(|| "d9".to_owned()).clone();
                self.ever.push(domain.clone());
                self.happen(&Event::CreationMade(intent("i1"), cloud(&domain)));
            }
            Move::CreateRefused => {
                self.happen(&Event::CreationRefused(intent("i1"), Retry::OfPartner));
            }
            Move::Suspend => {
                self.suspended = true;
                self.happen(&Event::Suspended);
            }
            Move::Resume => {
                self.suspended = false;
                self.happen(&Event::Resumed);
            }
            Move::Wait(seconds) => self.now += Duration::seconds(i64::from(*seconds)),
            _ => {}
        }
    }

    fn check(&self) {
        let account = &self.account;
        if account.state == LinkState::Linked {
            let domain = &account.cloud.as_ref().unwrap().domain_id;
            assert!(self.ever.contains(domain), "linked with an account that never was theirs");
        }
        assert_eq!(account.state == LinkState::Creating, account.intent.is_some());
        assert_eq!(account.suspended_at.is_some(), self.suspended, "V7: only the partner decides");
        assert_eq!(account.account_id, standing(LinkState::None).account_id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_of_events_links_wrongly_and_lists_always_bring_the_truth(
        moves in moves(),
        can_ask in any::<bool>(),
    ) {
        let mut world = World::new(if can_ask { List::CanBeAsked } else { List::Unknown });
        for step in &moves {
            world.step(step);
            world.check();
        }
        // What every creation comes to, and then two lists: V5.
        world.happen(&Event::CreationRefused(intent("i1"), Retry::OfPartner));
        for _ in 0..2 {
            world.now += Duration::days(2);
            let answer = world.answer();
            world.happen(&answer);
            world.check();
        }
        match (&world.bound, world.account.state) {
            (Some(domain), LinkState::Linked) => {
                prop_assert_eq!(domain, &world.account.cloud.unwrap().domain_id);
            }
            (None, LinkState::None | LinkState::Unlinked | LinkState::Conflict) => {}
            other => prop_assert!(false, "after two lists: {:?}", other),
        }
    }
}
