//! The cloud's accounts: who they are, which customer of which platform each is linked to, and with
//! which partner it is associated. Apart room `fakecloud`; contract §1.1, §1.5, §1.8.
//!
//! One register for all who make accounts: provisioning, the partner API, the pages for people.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde::Serialize;
use time::OffsetDateTime;

use super::bounds;
use super::provision::XAccountType;
use crate::random::Random;
use crate::secret::{self, fingerprint};

/// A cloud account, as the checker sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The account's id, 32 hex digits: the `customer_id` of the partner API.
    pub domain_id: String,
    /// The account's name, unique in the cloud.
    pub domain_name: String,
    /// The id of its first user, 32 hex digits.
    pub user_id: String,
    /// The name of its first user.
    pub user_name: String,
    /// The mobile number, as it was given.
    pub mobile: Option<String>,
    /// The e-mail address, as it was given.
    pub email: Option<String>,
    /// The customer of a partner's platform who owns it.
    pub link: Option<Link>,
    /// The partner who sells to it.
    pub association: Option<Association>,
    /// Whether the partner has frozen it.
    pub frozen: bool,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Who made it.
    pub source: Source,
    #[serde(skip)]
    password: Option<Password>,
}

impl Account {
    /// Whether this is the account's password. An account without one opens by single sign-on only.
    pub(crate) fn opens_with(&self, password: &str) -> bool {
        self.password.as_ref().is_some_and(|known| {
            secret::same(known.fingerprint.as_bytes(), fingerprint(password).as_bytes())
        })
    }

    /// Whether it is this partner's at `now`.
    pub fn is_associated_with(&self, partner: &str, now: OffsetDateTime) -> bool {
        self.association.as_ref().is_some_and(|known| known.partner == partner && known.at <= now)
    }
}

/// A customer of a partner's platform: unique in the cloud (contract §1.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Link {
    /// The platform.
    #[serde(rename = "xAccountType")]
    pub account_type: XAccountType,
    /// The customer's id on it, at most 128 characters.
    #[serde(rename = "xAccountId")]
    pub account_id: String,
}

/// That a partner sells to an account. It is pending before `at`, in force from then on:
/// the cloud associates some time after it has made the account (contract §1.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Association {
    /// The partner's id, as provisioned in `bp_id`.
    pub partner: String,
    /// Who pays the cloud.
    pub terms: Terms,
    /// From when on.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl Association {
    /// What linking and creating bring about: the partner resells (contract §1.8).
    pub fn resale(partner: &str, at: OffsetDateTime) -> Self {
        Self { partner: partner.to_owned(), terms: Terms::Resale, at }
    }
}

/// The terms of an association (contract §1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// 代售: the customer pays the partner.
    Resale,
    /// 顾问销售: the customer pays the cloud.
    Referral,
}

/// Who made an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It was there from the start.
    Provisioned,
    /// The partner API.
    Api,
    /// A person, on the cloud's page.
    Page,
}

/// What an account is made from.
#[derive(Clone, Debug)]
pub(crate) struct NewAccount {
    /// Without one, 32 random characters.
    pub(crate) name: Option<String>,
    pub(crate) mobile: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) link: Option<Link>,
    pub(crate) association: Option<Association>,
    pub(crate) source: Source,
    pub(crate) now: OffsetDateTime,
}

/// Why an account cannot be made, or cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The customer has an account already.
    Link,
    /// An account has this name.
    Name,
    /// As many accounts as one number may have, have this number.
    Mobile,
    /// An account has this e-mail address.
    Email,
    /// The account belongs to a customer already.
    Account,
    /// There is no such account.
    Unknown,
    /// The house is full.
    Full,
}

/// All accounts, in the order of their making.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    all: BTreeMap<u64, Account>,
    next: u64,
    by_domain: HashMap<String, u64>,
    by_name: HashMap<String, u64>,
    by_link: HashMap<Link, u64>,
    /// How many accounts a mobile number or an e-mail address has.
    contacts: HashMap<String, usize>,
    /// Customers whose link was taken away: nobody links them again without being asked.
    unlinked: HashSet<Link>,
}

impl Accounts {
    /// Makes an account. One mobile number may have `per_mobile` accounts, an e-mail address one.
    pub(crate) fn create(
        &mut self,
        new: NewAccount,
        per_mobile: usize,
        random: &dyn Random,
    ) -> Result<&Account, Taken> {
        let uses = |contact: &Option<String>| contact.as_deref().map_or(0, |c| self.uses(c));
        let taken = |taken: bool, by: Taken| if taken { Err(by) } else { Ok(()) };
        taken(self.all.len() >= bounds::REGISTER, Taken::Full)?;
        taken(new.link.as_ref().is_some_and(|link| self.by_link.contains_key(link)), Taken::Link)?;
        taken(new.name.as_ref().is_some_and(|name| self.by_name.contains_key(name)), Taken::Name)?;
        taken(uses(&new.mobile) >= per_mobile && new.mobile.is_some(), Taken::Mobile)?;
        taken(uses(&new.email) > 0, Taken::Email)?;
        let name = new.name.unwrap_or_else(|| random_name(random));
        let account = Account {
            domain_id: random_id(random),
            user_id: random_id(random),
            user_name: name.clone(),
            domain_name: name,
            mobile: new.mobile,
            email: new.email,
            link: new.link,
            association: new.association,
            frozen: false,
            created_at: new.now,
            source: new.source,
            password: new.password.map(|text| Password { fingerprint: fingerprint(&text) }),
        };
        Ok(self.insert(account))
    }

    /// The account of a customer.
    pub(crate) fn of(&self, link: &Link) -> Option<&Account> {
        self.by_link.get(link).and_then(|at| self.all.get(at))
    }

    /// The account of this name.
    pub(crate) fn named(&self, domain_name: &str) -> Option<&Account> {
        self.by_name.get(domain_name).and_then(|at| self.all.get(at))
    }

    /// How many accounts have this mobile number or e-mail address.
    pub(crate) fn uses(&self, contact: &str) -> usize {
        self.contacts.get(contact).copied().unwrap_or_default()
    }

    /// Whether the link of this customer was taken away and not given back.
    pub(crate) fn was_unlinked(&self, link: &Link) -> bool {
        self.unlinked.contains(link)
    }

    /// Gives an existing account to a customer and associates it.
    pub(crate) fn bind(
        &mut self,
        domain_name: &str,
        link: Link,
        association: Association,
    ) -> Result<&Account, Taken> {
        let at = *self.by_name.get(domain_name).ok_or(Taken::Unknown)?;
        let account = self.all.get_mut(&at).ok_or(Taken::Unknown)?;
        if account.link.is_some() {
            return Err(Taken::Account);
        }
        if self.by_link.contains_key(&link) {
            return Err(Taken::Link);
        }
        account.link = Some(link.clone());
        account.association = Some(association);
        self.unlinked.remove(&link);
        self.by_link.insert(link, at);
        Ok(account)
    }

    /// Takes the link away from a customer; the account and its association stay. Returns the
    /// account as it is now.
    pub(crate) fn unbind(&mut self, link: &Link) -> Option<&Account> {
        let at = self.by_link.remove(link)?;
        let account = self.all.get_mut(&at)?;
        account.link = None;
        self.unlinked.insert(link.clone());
        Some(account)
    }

    /// Every account, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.all.values()
    }

    /// Has exactly `wanted` for the customers of a platform who have accounts from the start. Those
    /// that stay keep their ids; accounts that others have made are left alone.
    pub(crate) fn provision(
        &mut self,
        account_type: &XAccountType,
        wanted: &HashSet<String>,
        association: &Association,
        random: &dyn Random,
    ) -> Result<(), Taken> {
        let of_platform = |link: &Link| link.account_type == *account_type;
        self.unlinked.retain(|link| !of_platform(link));
        let theirs = |account: &&Account| {
            account.source == Source::Provisioned && account.link.as_ref().is_some_and(of_platform)
        };
        let known: Vec<Account> = self.iter().filter(theirs).cloned().collect();
        if self.all.len() - known.len() + wanted.len() > bounds::REGISTER {
            return Err(Taken::Full);
        }
        for account in known {
            self.remove(&account);
            if account.link.as_ref().is_some_and(|link| wanted.contains(&link.account_id)) {
                self.insert(Account { association: Some(association.clone()), ..account });
            }
        }
        // In order, so that the same ids come out of the same sequence of random bytes.
        let mut wanted: Vec<&String> = wanted.iter().collect();
        wanted.sort_unstable();
        for account_id in wanted {
            let link = Link { account_type: account_type.clone(), account_id: account_id.clone() };
            if !self.by_link.contains_key(&link) {
                self.prebind(link, association, random)?;
            }
        }
        Ok(())
    }

    /// Makes an account for a customer who is to have had one from the start.
    pub(crate) fn prebind(
        &mut self,
        link: Link,
        association: &Association,
        random: &dyn Random,
    ) -> Result<&Account, Taken> {
        let new = NewAccount {
            name: None,
            mobile: None,
            email: None,
            password: None,
            link: Some(link),
            association: Some(association.clone()),
            source: Source::Provisioned,
            now: association.at,
        };
        self.create(new, 1, random)
    }

    fn insert(&mut self, account: Account) -> &Account {
        let at = self.next;
        self.next += 1;
        self.by_domain.insert(account.domain_id.clone(), at);
        self.by_name.insert(account.domain_name.clone(), at);
        if let Some(link) = &account.link {
            self.unlinked.remove(link);
            self.by_link.insert(link.clone(), at);
        }
        for contact in [&account.mobile, &account.email].into_iter().flatten() {
            *self.contacts.entry(contact.clone()).or_default() += 1;
        }
        self.all.entry(at).or_insert(account)
    }

    fn remove(&mut self, account: &Account) {
        if let Some(at) = self.by_domain.remove(&account.domain_id) {
            self.all.remove(&at);
        }
        self.by_name.remove(&account.domain_name);
        if let Some(link) = &account.link {
            self.by_link.remove(link);
        }
        for contact in [&account.mobile, &account.email].into_iter().flatten() {
            if let Some(uses) = self.contacts.get_mut(contact) {
                *uses -= 1;
            }
        }
    }
}

/// Only the fingerprint is kept, and it is not shown.
#[derive(Clone, PartialEq, Eq)]
struct Password {
    fingerprint: String,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// 32 hex digits.
fn random_id(random: &dyn Random) -> String {
    let mut bytes = [0u8; 16];
    random.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// 32 characters that are a valid account name: a letter, then hex digits.
fn random_name(random: &dyn Random) -> String {
    format!("h{}", &random_id(random)[1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SequenceRandom;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn link(id: &str) -> Link {
        Link { account_type: XAccountType::parse("T").unwrap(), account_id: id.to_owned() }
    }

    fn association() -> Association {
        Association::resale("bp", NOW)
    }

    fn new(name: &str) -> NewAccount {
        NewAccount {
            name: Some(name.to_owned()),
            mobile: None,
            email: None,
            password: None,
            link: None,
            association: None,
            source: Source::Page,
            now: NOW,
        }
    }

    struct House {
        accounts: Accounts,
        random: SequenceRandom,
    }

    impl House {
        fn new() -> Self {
            Self { accounts: Accounts::default(), random: SequenceRandom::new(3) }
        }

        fn create(&mut self, new: NewAccount, per_mobile: usize) -> Result<Account, Taken> {
            self.accounts.create(new, per_mobile, &self.random).cloned()
        }

        fn provision(&mut self, ids: &[&str]) {
            let wanted = ids.iter().map(|id| (*id).to_owned()).collect();
            let account_type = link("").account_type;
            self.accounts.provision(&account_type, &wanted, &association(), &self.random).unwrap();
        }
    }

    #[test]
    fn an_account_has_ids_of_32_hex_digits_and_a_name_that_the_cloud_would_take() {
        let account = House::new().create(NewAccount { name: None, ..new("") }, 1).unwrap();
        for id in [&account.domain_id, &account.user_id] {
            assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
        assert_eq!(account.domain_name.len(), 32);
        assert!(account.domain_name.starts_with('h'));
        assert_ne!(account.domain_id, account.user_id);
    }

    #[test]
    fn customer_name_and_contacts_are_taken_once() {
        let mut house = House::new();
        let mobile = Some("13800000000".to_owned());
        let email = Some("a@b.example".to_owned());
        let full = NewAccount {
            link: Some(link("c1")),
            mobile: mobile.clone(),
            email: email.clone(),
            ..new("first")
        };
        house.create(full, 1).unwrap();
        let fault = |house: &mut House, new| house.create(new, 1).unwrap_err();
        assert_eq!(fault(&mut house, new("first")), Taken::Name);
        let again = NewAccount { link: Some(link("c1")), ..new("other") };
        assert_eq!(fault(&mut house, again), Taken::Link);
        let again = NewAccount { mobile, ..new("other") };
        assert_eq!(fault(&mut house, again.clone()), Taken::Mobile);
        house.create(again, 2).unwrap();
        assert_eq!(fault(&mut house, NewAccount { email, ..new("third") }), Taken::Email);
        assert_eq!(house.accounts.iter().count(), 2, "a refusal leaves nothing behind");
    }

    #[test]
    fn an_account_is_bound_to_one_customer_and_can_be_unbound() {
        let mut house = House::new();
        house.create(new("theirs"), 1).unwrap();
        let bind = |house: &mut House, name: &str, id: &str| {
            house.accounts.bind(name, link(id), association()).cloned()
        };
        assert_eq!(bind(&mut house, "nobody", "c1"), Err(Taken::Unknown));
        bind(&mut house, "theirs", "c1").unwrap();
        assert_eq!(bind(&mut house, "theirs", "c2"), Err(Taken::Account));
        house.create(new("other"), 1).unwrap();
        assert_eq!(bind(&mut house, "other", "c1"), Err(Taken::Link));
        assert_eq!(house.accounts.of(&link("c1")).unwrap().domain_name, "theirs");
        assert_eq!(house.accounts.unbind(&link("c1")).unwrap().link, None);
        assert!(house.accounts.was_unlinked(&link("c1")));
        assert_eq!(house.accounts.of(&link("c1")), None);
        bind(&mut house, "other", "c1").unwrap();
        assert!(!house.accounts.was_unlinked(&link("c1")));
    }

    #[test]
    fn an_association_is_in_force_from_its_time_on_and_only_for_its_partner() {
        let mut house = House::new();
        let later = NOW + time::Duration::SECOND;
        let pending = Association { at: later, ..association() };
        let new = NewAccount { association: Some(pending), ..new("theirs") };
        let account = house.create(new, 1).unwrap();
        assert!(!account.is_associated_with("bp", NOW));
        assert!(account.is_associated_with("bp", later));
        assert!(!account.is_associated_with("other", later));
    }

    #[test]
    fn provisioning_again_keeps_who_stays_and_removes_who_does_not() {
        let mut house = House::new();
        house.provision(&["a", "b"]);
        let made = house.create(NewAccount { link: Some(link("c")), ..new("by_page") }, 1);
        made.unwrap();
        let before = house.accounts.of(&link("a")).unwrap().domain_id.clone();
        house.provision(&["a", "c", "d"]);
        assert_eq!(house.accounts.of(&link("a")).unwrap().domain_id, before);
        assert_eq!(house.accounts.of(&link("b")), None);
        assert_eq!(house.accounts.of(&link("c")).unwrap().source, Source::Page);
        assert!(house.accounts.of(&link("d")).is_some());
        assert_eq!(house.accounts.iter().count(), 3);
    }

    #[test]
    fn a_password_opens_its_account_and_is_never_shown() {
        let password = Some("Abcd1234".to_owned());
        let account = House::new().create(NewAccount { password, ..new("theirs") }, 1).unwrap();
        assert!(account.opens_with("Abcd1234"));
        assert!(!account.opens_with("abcd1234"));
        let shown = format!("{account:?}") + &serde_json::to_string(&account).unwrap();
        assert!(!shown.contains("Abcd1234") && !shown.contains(&fingerprint("Abcd1234")));
        assert!(!House::new().create(new("theirs"), 1).unwrap().opens_with(""));
    }
}
