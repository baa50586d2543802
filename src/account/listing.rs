//! Layer 3, account: the cloud's list of the partner's customers, read page by page. The cloud
//! cannot be asked for one `xAccountId` (contract §7.7), and the list may change while it is read:
//! so whether somebody is *not* on it is known only from a reading that was whole.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::remote::Remote;
use crate::cloud::api::{Failure, Filter, Listed, ListedCustomer, Page};
use crate::limits;
use crate::store::account::CloudAccount;

/// A reading of the list.
pub struct Listing {
    /// When it began: what it says is true of some moment since.
    pub began: OffsetDateTime,
    /// How much of the list was read.
    pub extent: Extent,
    customers: HashMap<String, Found>,
}

/// How much of a list was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, and it stood still meanwhile.
    Whole,
    /// A part: somebody who was looked for was found early, or the list changed while it was read.
    Part,
}

/// What a reading says about a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    /// The customer has this account.
    Has(&'a CloudAccount),
    /// The customer is not on the list.
    Lacks,
    /// Nothing certain: the reading was not whole, or there are several accounts.
    Nothing,
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Which customers. Whoever the filter leaves out is not on the listing.
    pub filter: &'a Filter,
    /// How far.
    pub until: Until<'a>,
}

/// How far to read.
#[derive(Clone, Copy, Debug)]
pub enum Until<'a> {
    /// To the end.
    End,
    /// Until this `xAccountId` is found.
    Found(&'a str),
}

enum Found {
    One(CloudAccount),
    Several,
}

/// Told after every page: how many customers were read, and how many there are.
pub type Watching<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

impl Listing {
    /// Reads the list from `began`, which is now.
    ///
    /// # Errors
    /// [`Failure`]: then nothing is known.
    pub async fn read(
        remote: &dyn Remote,
        began: OffsetDateTime,
        Reading { filter, until }: Reading<'_>,
        watching: Watching<'_>,
    ) -> Result<Self, Failure> {
        let mut listing = Self { began, extent: Extent::Part, customers: HashMap::new() };
        let (mut page, mut ids) = (Page::first(), HashSet::new());
        let (mut total, mut stands_still) = (None, true);
        for _ in 0..limits::LIST_PAGES {
            let Listed { customers, count } = remote.list(filter, page).await?;
            stands_still &= *total.get_or_insert(count) == count;
            let is_last = customers.is_empty() || !page.has_next(count);
            for customer in customers {
                ids.insert(customer.account.id.clone());
                listing.add(customer, remote.account_type());
            }
            let read = ids.len() as u64;
            watching(read, count);
            if let Until::Found(account_id) = until
                && listing.customers.contains_key(account_id)
            {
                return Ok(listing);
            }
            if is_last {
                let is_whole = stands_still && read == count;
                listing.extent = if is_whole { Extent::Whole } else { Extent::Part };
                return Ok(listing);
            }
            page = page.next();
        }
        Ok(listing)
    }

    /// What it says about the customer with this `xAccountId`.
    #[must_use]
    pub fn says(&self, account_id: &str) -> Says<'_> {
        match (self.customers.get(account_id), self.extent) {
            (Some(Found::One(cloud)), _) => Says::Has(cloud),
            (None, Extent::Whole) => Says::Lacks,
            (Some(Found::Several), _) | (None, Extent::Part) => Says::Nothing,
        }
    }

    /// The `xAccountId` of everybody on it who came by the tenant's platform.
    pub fn account_ids(&self) -> impl Iterator<Item = &str> {
        self.customers.keys().map(String::as_str)
    }

    fn add(&mut self, customer: ListedCustomer, platform: &str) {
        let Some(account_id) = customer.x_account_id else { return };
        if customer.x_account_type.is_some_and(|of| of != platform) {
            return;
        }
        let cloud = CloudAccount {
            domain_id: customer.account.id,
            domain_name: customer.account.name,
            user_id: None,
            user_name: None,
        };
        match self.customers.entry(account_id) {
            Entry::Vacant(vacant) => {
                vacant.insert(Found::One(cloud));
            }
            Entry::Occupied(mut there) => {
                let same =
                    matches!(there.get(), Found::One(one) if one.domain_id == cloud.domain_id);
                if !same {
                    there.insert(Found::Several);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use time::macros::datetime;

    use super::*;
    use crate::account::fixtures::{Played, customer};
    use crate::account::remote::Asking;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    /// A list of pages: who is on each, and how many it says there are in all.
    struct Pages(Mutex<std::vec::IntoIter<(Vec<ListedCustomer>, u64)>>);

    impl Pages {
        fn of(pages: Vec<(Vec<ListedCustomer>, u64)>) -> Self {
            Self(Mutex::new(pages.into_iter()))
        }

        fn unread(&self) -> usize {
            self.0.lock().unwrap().len()
        }
    }

    impl Played for Pages {
        fn list<'a>(&'a self, _: &'a Filter, _: Page) -> Asking<'a, Result<Listed, Failure>> {
            let page = self.0.lock().unwrap().next();
            let (customers, count) = page.expect("a page that is there");
            Box::pin(async move { Ok(Listed { customers, count }) })
        }
    }

    /// A full page of others, numbered from `first`.
    fn others(first: usize) -> Vec<ListedCustomer> {
        (first..first + 100).map(|n| customer(&format!("x-{n}"), "acme_IDP", n)).collect()
    }

    async fn read(pages: &Pages, until: Until<'_>) -> Listing {
        let reading = Reading { filter: &Filter::All, until };
        Listing::read(pages, NOW, reading, &|_, _| ()).await.unwrap()
    }

    #[tokio::test]
    async fn a_whole_list_knows_who_is_on_it_and_who_is_not() {
        let last = vec![customer("li", "acme_IDP", 900), customer("wu", "other_IDP", 901)];
        let pages = Pages::of(vec![(others(0), 102), (last, 102)]);
        let listing = read(&pages, Until::End).await;
        assert_eq!(listing.extent, Extent::Whole);
        let Says::Has(cloud) = listing.says("li") else { panic!("li is on it") };
        assert_eq!(cloud.domain_id, "d900");
        assert_eq!(listing.says("wu"), Says::Lacks, "another platform's wu is another person");
        assert_eq!(listing.account_ids().count(), 101);
    }

    #[tokio::test]
    async fn a_list_that_changes_while_it_is_read_lacks_nobody() {
        for pages in [
            vec![(others(0), 102), (vec![customer("li", "acme_IDP", 900)], 101)],
            // Somebody in front left: the one at the edge moved to a page that was read.
            vec![(others(0), 102), (vec![customer("li", "acme_IDP", 900)], 102)],
        ] {
            let listing = read(&Pages::of(pages), Until::End).await;
            assert_eq!(listing.extent, Extent::Part);
            assert!(matches!(listing.says("li"), Says::Has(_)));
            assert_eq!(listing.says("wu"), Says::Nothing);
        }
    }

    #[tokio::test]
    async fn reading_ends_where_the_customer_is_found() {
        let pages = Pages::of(vec![(others(0), 300), (others(100), 300), (others(200), 300)]);
        let listing = read(&pages, Until::Found("x-150")).await;
        assert!(matches!(listing.says("x-150"), Says::Has(_)));
        assert_eq!(listing.says("x-299"), Says::Nothing);
        assert_eq!(pages.unread(), 1);
    }

    #[tokio::test]
    async fn two_accounts_of_one_customer_say_nothing() {
        let twins = vec![customer("li", "acme_IDP", 1), customer("li", "acme_IDP", 2)];
        let listing = read(&Pages::of(vec![(twins, 2)]), Until::End).await;
        assert_eq!(listing.says("li"), Says::Nothing);
    }
}
