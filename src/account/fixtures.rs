//! Layer 3, account: clouds that tests play, and one that only lists.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::account::remote::{Asking, Remote};
use crate::cloud::api::{
    Account, AssociationKind, Availability, Creation, Effect, Failure, Filter, Language, Lasting,
    Listed, ListedCustomer, NewCustomer, Page, Rules, Subject,
};
use crate::refusal::Code;

/// Who is listed by one reading of the list after the other; the last one stays.
pub(super) struct Lists(Mutex<State>);

struct State {
    lists: VecDeque<Vec<ListedCustomer>>,
    /// How the list behaves otherwise.
    trouble: Trouble,
}

/// What goes wrong with a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing.
    None,
    /// It ends before its end: it says that there are more than it gives.
    EndsEarly,
    /// Its second page fails.
    SecondPageFails,
}

impl Lists {
    pub(super) fn of(lists: impl IntoIterator<Item = Vec<ListedCustomer>>) -> Self {
        let lists = lists.into_iter().collect();
        Self(Mutex::new(State { lists, trouble: Trouble::None }))
    }

    pub(super) fn always(customers: impl IntoIterator<Item = ListedCustomer>) -> Self {
        Self::of([customers.into_iter().collect()])
    }

    /// From now on the list says this.
    pub(super) fn becomes(&self, customers: impl IntoIterator<Item = ListedCustomer>) {
        self.0.lock().unwrap().lists = VecDeque::from([customers.into_iter().collect()]);
    }

    pub(super) fn trouble(&self, trouble: Trouble) {
        self.0.lock().unwrap().trouble = trouble;
    }

    fn page(&self, page: Page) -> Result<Listed, Failure> {
        let mut state = self.0.lock().unwrap();
        let all = match state.lists.len() {
            1 => state.lists[0].clone(),
            _ => state.lists.pop_front().expect("a list that is there"),
        };
        let begin = usize::try_from(page.offset).unwrap();
        let limit = usize::try_from(page.limit).unwrap();
        let mut count = all.len() as u64;
        match state.trouble {
            Trouble::None => {}
            Trouble::EndsEarly => count += 1,
            Trouble::SecondPageFails if begin > 0 => return Err(away()),
            Trouble::SecondPageFails => count = count.max(page.limit + 1),
        }
        let customers = all.into_iter().skip(begin).take(limit).collect();
        Ok(Listed { customers, count })
    }
}

/// A customer of that platform with the account `d{id}`.
pub(super) fn customer(x_account_id: &str, platform: &str, id: usize) -> ListedCustomer {
    ListedCustomer {
        account: Account { id: format!("d{id}"), name: format!("name {id}") },
        x_account_id: Some(x_account_id.to_owned()),
        x_account_type: Some(platform.to_owned()),
        association: AssociationKind::Resale,
        associated_on: None,
        is_frozen: false,
    }
}

fn away() -> Failure {
    Failure {
        code: Code::CloudAway,
        lasting: Lasting::Transient { retry_after: None },
        effect: Effect::Nothing,
        answer: None,
        field: None,
        cause: "expected a page, found none".to_owned(),
    }
}

impl Played for Lists {
    fn list<'a>(&'a self, _: &'a Filter, page: Page) -> Asking<'a, Result<Listed, Failure>> {
        Box::pin(async move { self.page(page) })
    }
}

/// A cloud that a test plays. What a test does not play, nobody may ask for.
pub(crate) trait Played: Send + Sync {
    fn fits(&self, _: &NewCustomer) -> Result<(), Failure> {
        unreachable!("nobody creates")
    }

    fn create<'a>(&'a self, _: &'a NewCustomer) -> Asking<'a, Creation> {
        unreachable!("nobody creates")
    }

    fn list<'a>(&'a self, _: &'a Filter, _: Page) -> Asking<'a, Result<Listed, Failure>> {
        unreachable!("nobody lists")
    }
}

impl<T: Played> Remote for T {
    fn account_type(&self) -> &'static str {
        "acme_IDP"
    }

    fn rules(&self) -> &Rules {
        unreachable!("nobody asks for them")
    }

    fn contact(&self, _: &str) -> Result<String, Failure> {
        unreachable!("nobody is reached")
    }

    fn check<'a>(
        &'a self,
        _: Subject<'a>,
        _: Language,
    ) -> Asking<'a, Result<Availability, Failure>> {
        unreachable!("nobody checks")
    }

    fn send_code<'a>(&'a self, _: &'a str, _: Language) -> Asking<'a, Result<(), Failure>> {
        unreachable!("nobody sends")
    }

    fn fits(&self, new: &NewCustomer) -> Result<(), Failure> {
        Played::fits(self, new)
    }

    fn create<'a>(&'a self, new: &'a NewCustomer) -> Asking<'a, Creation> {
        Played::create(self, new)
    }

    fn list<'a>(&'a self, filter: &'a Filter, page: Page) -> Asking<'a, Result<Listed, Failure>> {
        Played::list(self, filter, page)
    }
}
