//! The first login of a customer without an account: from the accepted assertion to an account that
//! is created or bound, and a session. Apart room `fakecloud`; contract §1.3, §1.4, §7.6.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::accounts::{Account, Association, Link, NewAccount, Source, Taken};
use super::bind_refusal::BindRefusal;
use super::bss::rules;
use super::fault::{Fault, Finding};
use super::form::Form;
use super::knobs::Registrations;
use super::notification::Holder;
use super::state::{Session, State};
use super::visit::{Browsers, Visit};
use super::{FakeCloud, Site, bounds};
use crate::random;
use crate::secret::fingerprint;

/// A customer whose assertion was accepted and who has no account yet.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) link: Link,
    /// Where they were going.
    pub(crate) service: String,
    /// The fingerprint of the browser's cookie.
    pub(crate) browser: String,
    /// The session that begins when they have an account.
    pub(crate) session: Session,
    /// When the assertion was accepted.
    pub(crate) at: OffsetDateTime,
    /// Set when they have an account.
    pub(crate) arrived: Option<Arrived>,
}

/// A newcomer who has an account now.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    /// The account that they got here. Nothing where it turned out that they had one: another tab
    /// was quicker, and has told the partner.
    pub(crate) holder: Option<Holder>,
}

/// The first logins that are under way, by the fingerprint of their name in addresses.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    known: HashMap<String, Newcomer>,
}

impl Newcomers {
    fn insert(&mut self, name: String, newcomer: Newcomer) -> Result<(), Finding> {
        if self.known.len() >= bounds::NEWCOMERS {
            let now = newcomer.at;
            self.known.retain(|_, old| now - old.at < bounds::NEWCOMER_LIFE);
        }
        if self.known.len() >= bounds::NEWCOMERS {
            let came = self.known.len().to_string();
            return Err(Finding::new(Fault::TooManyNewcomers, "a free place", came));
        }
        self.known.insert(name, newcomer);
        Ok(())
    }
}

/// Why a customer gets no account now.
pub(crate) enum NoAccount {
    /// The first login itself is over: there is no form to show again.
    Ended(Finding),
    /// The form says something that will not do.
    Refused(Finding),
    /// The account exists and must not be bound.
    NotBindable(BindRefusal),
}

impl From<Finding> for NoAccount {
    fn from(finding: Finding) -> Self {
        Self::Refused(finding)
    }
}

impl FakeCloud {
    /// Remembers a newcomer. Returns their name in addresses.
    pub(crate) fn receive(&self, newcomer: Newcomer) -> Result<String, Finding> {
        let name = random::token(&*self.random);
        self.state().newcomers.insert(fingerprint(&name), newcomer)?;
        Ok(name)
    }

    /// The newcomer of this name, in their own browser and in time.
    pub(crate) fn newcomer(&self, name: &str, visit: &Visit) -> Result<Newcomer, Finding> {
        let over = |came: &str| {
            let life = bounds::NEWCOMER_LIFE;
            let expected = format!("an address that was given out within the last {life}");
            Finding::new(Fault::FirstLoginOver, expected, came)
        };
        let newcomer = self.state().newcomers.known.get(&fingerprint(name)).cloned();
        let newcomer = newcomer.ok_or_else(|| over("an unknown one"))?;
        if self.now() - newcomer.at >= bounds::NEWCOMER_LIFE {
            return Err(over("an older one"));
        }
        if self.browsers == Browsers::ByCookie && !visit.is_from(&newcomer.browser) {
            let expected = "the browser that the assertion came in";
            return Err(Finding::new(Fault::OtherBrowser, expected, "another one"));
        }
        Ok(newcomer)
    }

    /// Makes an account for a newcomer. Returns the token of the session that begins; asking twice,
    /// by a double click or in two tabs, makes no second account.
    pub(crate) fn create_account(
        &self,
        name: &str,
        visit: &Visit,
        form: &Form,
    ) -> Result<String, NoAccount> {
        self.settle(name, visit, |state, newcomer, association| {
            let wanted = Wanted::read(form, self.site)?;
            if state.knobs.registrations == Registrations::Exceeded {
                let expected = "fewer registrations from this client";
                let finding = Finding::new(Fault::RegistrationsExceeded, expected, "too many");
                return Err(finding.into());
            }
            let account = NewAccount {
                name: Some(wanted.name.clone()),
                mobile: wanted.mobile.clone(),
                email: wanted.email.clone(),
                password: Some(wanted.password.clone()),
                link: Some(newcomer.link.clone()),
                association: Some(association),
                source: Source::Page,
                now: self.now(),
            };
            let made = state.accounts.create(account, bounds::ACCOUNTS_A_MOBILE, &*self.random);
            made.map(Holder::from).map_err(|taken| NoAccount::Refused(wanted.refused(taken)))
        })
    }

    /// Gives an existing account to a newcomer who knows its password. Returns the token of the
    /// session that begins.
    pub(crate) fn bind_account(
        &self,
        name: &str,
        visit: &Visit,
        form: &Form,
    ) -> Result<String, NoAccount> {
        let account_name = form.filled("account_name").unwrap_or_default();
        let password = form.get("password").unwrap_or_default();
        self.settle(name, visit, |state, newcomer, association| {
            let known = state.accounts.named(account_name).filter(|a| a.opens_with(password));
            let account = known.ok_or_else(|| {
                let came = Some(account_name);
                Finding::value(Fault::WrongPassword, "an account and its password", came)
            })?;
            if let Some(reason) = state.knobs.bind_refusals.get(account_name) {
                return Err(NoAccount::NotBindable(*reason));
            }
            if is_elsewhere(account, &association) {
                return Err(NoAccount::NotBindable(BindRefusal::AssociatedElsewhere));
            }
            let bound = state.accounts.bind(account_name, newcomer.link.clone(), association);
            bound.map(Holder::from).map_err(|_| {
                let expected = "an account of no other customer";
                Finding::value(Fault::AccountOfAnother, expected, Some(account_name)).into()
            })
        })
    }

    /// Has `get` find an account for the newcomer, unless they have one by now, and opens the
    /// session. Of two at once only one gets through to `get`.
    fn settle(
        &self,
        name: &str,
        visit: &Visit,
        get: impl FnOnce(&mut State, &Newcomer, Association) -> Result<Holder, NoAccount>,
    ) -> Result<String, NoAccount> {
        let newcomer = self.newcomer(name, visit).map_err(NoAccount::Ended)?;
        let association = self.association(&newcomer.link).map_err(NoAccount::Ended)?;
        {
            let mut state = self.state();
            let name = fingerprint(name);
            let waits = state.newcomers.known.get(&name).is_some_and(|n| n.arrived.is_none());
            if waits {
                let has_one = state.accounts.of(&newcomer.link).is_some();
                let holder =
                    if has_one { None } else { Some(get(&mut state, &newcomer, association)?) };
                if let Some(known) = state.newcomers.known.get_mut(&name) {
                    known.arrived = Some(Arrived { holder });
                }
            }
        }
        self.open_session(newcomer.session).map_err(NoAccount::Ended)
    }

    /// The association of an account with the partner whose customer comes (代售, contract §1.3).
    fn association(&self, link: &Link) -> Result<Association, Finding> {
        let state = self.state();
        let platform = state.platforms.get(&link.account_type).ok_or_else(|| {
            let came = Some(link.account_type.as_str());
            Finding::value(Fault::AccountTypeUnknown, "a provisioned xAccountType", came)
        })?;
        Ok(Association::resale(&platform.bp_id, self.now()))
    }
}

/// Whether another partner sells to the account.
fn is_elsewhere(account: &Account, wanted: &Association) -> bool {
    account.association.as_ref().is_some_and(|known| known.partner != wanted.partner)
}

/// What a customer wants their new account to be (contract §7.6).
struct Wanted {
    name: String,
    mobile: Option<String>,
    email: Option<String>,
    password: String,
}

impl Wanted {
    fn read(form: &Form, site: Site) -> Result<Self, Finding> {
        let name = form.filled("account_name").unwrap_or_default().to_owned();
        if !rules::is_account_name(&name) {
            let came = Some(name.as_str());
            return Err(Finding::value(Fault::AccountNameWrong, ACCOUNT_NAME, came));
        }
        // The number comes with its country in front, as in the assertion; the register has it
        // without, as in the partner API.
        let mobile = form.filled("mobile").map(|m| m.trim_start_matches("0086-").to_owned());
        let wrong = |mobile: &String| {
            mobile.len() > 32 || !mobile.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        };
        if let Some(mobile) = mobile.as_ref().filter(|mobile| wrong(mobile)) {
            return Err(Finding::value(Fault::ContactWrong, "a mobile number", Some(mobile)));
        }
        let email = form.filled("email").map(|text| {
            let wrong = || Finding::value(Fault::ContactWrong, "an e-mail address", Some(text));
            rules::email(text).ok_or_else(wrong)
        });
        let email = email.transpose()?;
        let (needed, there) = match site {
            Site::Cn => ("a mobile number", mobile.is_some()),
            Site::Intl | Site::Eu => ("an e-mail address", email.is_some()),
        };
        if !there {
            return Err(Finding::value(Fault::ContactWrong, needed, None));
        }
        let password = form.get("password").unwrap_or_default().to_owned();
        let contacts = [&mobile, &email];
        if let Err(came) = judge_password(&password, &name, contacts.into_iter().flatten()) {
            return Err(Finding::new(Fault::PasswordWeak, PASSWORD, came));
        }
        Ok(Self { name, mobile, email, password })
    }

    fn refused(&self, taken: Taken) -> Finding {
        let came = |fault, value: &str| Finding::value(fault, "one that is free", Some(value));
        let contact = |value: &Option<String>| value.clone().unwrap_or_default();
        match taken {
            Taken::Mobile => came(Fault::ContactTaken, &contact(&self.mobile)),
            Taken::Email => came(Fault::ContactTaken, &contact(&self.email)),
            Taken::Full => Finding::new(Fault::TooManyAccounts, "a free place", "none"),
            Taken::Link | Taken::Name | Taken::Account | Taken::Unknown => {
                came(Fault::AccountNameTaken, &self.name)
            }
        }
    }
}

/// At least eight characters of two kinds, without name or contact. The error says what came,
/// without the password.
fn judge_password<'a>(
    password: &str,
    name: &str,
    mut contacts: impl Iterator<Item = &'a String>,
) -> Result<(), &'static str> {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    let reversed: String = name.chars().rev().collect();
    if password.chars().count() < 8 {
        Err("a shorter one")
    } else if kinds.iter().filter(|kind| password.contains(**kind)).count() < 2 {
        Err("one kind of characters")
    } else if password == name || password == reversed {
        Err("the account name")
    } else if contacts.any(|contact| password.contains(contact.as_str())) {
        Err("one with the mobile number or e-mail address in it")
    } else {
        Ok(())
    }
}

const ACCOUNT_NAME: &str = "5 to 32 letters, digits, “_” or “-”, no digit first, without the \
                            prefixes “op_” and “shadow_”";
const PASSWORD: &str = "at least 8 characters of two kinds, other than the name and without the \
                        mobile number or e-mail address";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakecloud::XAccountType;
    use crate::fakecloud::assertion::Statement;
    use time::macros::datetime;

    #[test]
    fn a_full_house_refuses_until_old_first_logins_are_over() {
        let at = datetime!(2026-01-02 03:04:05 UTC);
        let account_type = XAccountType::parse("T").unwrap();
        let newcomer = Newcomer {
            link: Link { account_type: account_type.clone(), account_id: String::new() },
            service: String::new(),
            browser: String::new(),
            session: Session {
                account_type,
                statement: Statement::default(),
                algorithm: String::new(),
                certificate: Vec::new(),
                opened: at,
                ends: at,
            },
            at,
            arrived: None,
        };
        let mut newcomers = Newcomers::default();
        for number in 0..bounds::NEWCOMERS {
            newcomers.insert(number.to_string(), newcomer.clone()).unwrap();
        }
        let full = newcomers.insert("one".to_owned(), newcomer.clone()).unwrap_err();
        assert_eq!(full.fault, Fault::TooManyNewcomers);
        let later = Newcomer { at: at + bounds::NEWCOMER_LIFE, ..newcomer };
        newcomers.insert("one".to_owned(), later).unwrap();
        assert_eq!(newcomers.known.len(), 1);
    }
}
