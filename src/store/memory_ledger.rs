//! Layer 1, embedded backend: what must survive, in this process, for tests and for a demo that
//! forgets. One lock makes every call one transaction.

mod marks;
mod name_ids;
mod tenancy;
mod uploads;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use self::tenancy::Tenancy;
use super::Answer;
use super::account::{
    Account, Entry, Intent, IntentId, IntentStep, LinkState, Message, MessageId, MessageState,
};
use super::ledger::{Accounts, Change, Commit, Intents, Lease, Outbox};
use super::record::{PersonId, TenantId};

/// Customers, intents and messages in maps of this process.
#[derive(Default)]
pub struct MemoryLedger {
    tables: Mutex<Tables>,
}

/// Tenant and customer.
type Who = (String, String);

#[derive(Default)]
struct Tables {
    accounts: BTreeMap<Who, Account>,
    /// Who has or had an `account_id` of a tenant.
    account_ids: HashMap<(String, String), Who>,
    intents: BTreeMap<String, Leased<Intent>>,
    messages: BTreeMap<String, Leased<Message>>,
    history: BTreeMap<Who, Vec<Entry>>,
    marks: marks::Table,
    tenancy: Tenancy,
    name_ids: name_ids::Values,
    uploads: uploads::History,
}

/// Something that one node at a time works on.
struct Leased<T> {
    row: T,
    until: Option<OffsetDateTime>,
}

impl<T> Leased<T> {
    fn is_free(&self, now: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

impl MemoryLedger {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Nothing panics between the halves of a change, so the tables are sound even in a poisoned
        // lock.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of a tenant that are wanted, in the order of their ids.
    fn accounts(&self, tenant: &TenantId, wanted: impl Fn(&Account) -> bool) -> Vec<Account> {
        let tables = self.lock();
        let all = tables.accounts.values().filter(|account| account.tenant == *tenant);
        all.filter(|account| wanted(account)).cloned().collect()
    }
}

impl Accounts for MemoryLedger {
    fn account<'a>(
        &'a self,
        tenant: &'a TenantId,
        user: &'a PersonId,
    ) -> Answer<'a, Option<Account>> {
        Box::pin(async move { Ok(self.lock().accounts.get(&who(tenant, user)).cloned()) })
    }

    fn account_known_as<'a>(
        &'a self,
        tenant: &'a TenantId,
        account_id: &'a PersonId,
    ) -> Answer<'a, Option<Account>> {
        Box::pin(async move {
            let tables = self.lock();
            let owner = tables.account_ids.get(&who(tenant, account_id));
            Ok(owner.and_then(|owner| tables.accounts.get(owner)).cloned())
        })
    }

    fn linked_elsewhere<'a>(
        &'a self,
        tenant: &'a TenantId,
        domain_id: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let tables = self.lock();
            let mut others = tables.accounts.values().filter(|other| other.tenant != *tenant);
            Ok(others.any(|other| linked(other) == Some(domain_id)))
        })
    }

    fn standing<'a>(
        &'a self,
        tenant: &'a TenantId,
        states: &'a [LinkState],
        before: OffsetDateTime,
        at_most: usize,
    ) -> Answer<'a, Vec<Account>> {
        Box::pin(async move {
            let mut found = self.accounts(tenant, |account| {
                states.contains(&account.state) && account.since < before
            });
            found.sort_by_key(|account| account.since);
            found.truncate(at_most);
            Ok(found)
        })
    }

    fn page<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<&'a PersonId>,
        at_most: usize,
    ) -> Answer<'a, Vec<Account>> {
        Box::pin(async move {
            let after = after.map_or("", PersonId::as_str);
            let mut found = self.accounts(tenant, |account| account.user_id.as_str() > after);
            found.truncate(at_most);
            Ok(found)
        })
    }

    fn history<'a>(&'a self, tenant: &'a TenantId, user: &'a PersonId) -> Answer<'a, Vec<Entry>> {
        Box::pin(async move {
            Ok(self.lock().history.get(&who(tenant, user)).cloned().unwrap_or_default())
        })
    }

    fn commit<'a>(&'a self, change: &'a Change) -> Answer<'a, Commit> {
        Box::pin(async move {
            let mut tables = self.lock();
            let judged = tables.judge(change);
            if judged == Commit::Done {
                tables.apply(change);
            }
            Ok(judged)
        })
    }

    fn reachable(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Intents for MemoryLedger {
    fn intent<'a>(&'a self, tenant: &'a TenantId, id: &'a IntentId) -> Answer<'a, Option<Intent>> {
        Box::pin(async move {
            let tables = self.lock();
            let found = tables.intents.get(&id.0).map(|leased| &leased.row);
            Ok(found.filter(|intent| intent.tenant == *tenant).cloned())
        })
    }

    fn intent_asked<'a>(
        &'a self,
        tenant: &'a TenantId,
        idempotency_key: &'a str,
    ) -> Answer<'a, Option<Intent>> {
        Box::pin(async move { Ok(self.lock().asked(tenant, idempotency_key).cloned()) })
    }

    fn lease<'a>(&'a self, id: &'a IntentId, lease: Lease) -> Answer<'a, Option<Intent>> {
        Box::pin(async move {
            let mut tables = self.lock();
            Ok(tables.intents.get_mut(&id.0).and_then(|leased| take(leased, lease)))
        })
    }

    fn lease_due(&self, lease: Lease, at_most: usize) -> Answer<'_, Vec<Intent>> {
        Box::pin(async move {
            let mut tables = self.lock();
            let mut due: Vec<_> = tables.intents.values_mut().collect();
            due.retain(|leased| leased.row.next_at <= lease.now);
            due.sort_by_key(|leased| leased.row.next_at);
            Ok(due.into_iter().filter_map(|leased| take(leased, lease)).take(at_most).collect())
        })
    }
}

impl Outbox for MemoryLedger {
    fn take_due(&self, lease: Lease, at_most: usize) -> Answer<'_, Vec<Message>> {
        Box::pin(async move {
            let mut tables = self.lock();
            let mut due: Vec<_> = tables.messages.values_mut().collect();
            due.retain(|leased| {
                let waits = leased.row.state == MessageState::Waiting;
                waits && leased.row.next_at <= lease.now && leased.is_free(lease.now)
            });
            due.sort_by_key(|leased| leased.row.next_at);
            due.truncate(at_most);
            for leased in &mut due {
                leased.until = Some(lease.until);
            }
            Ok(due.into_iter().map(|leased| leased.row.clone()).collect())
        })
    }

    fn settle<'a>(&'a self, message: &'a Message) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut tables = self.lock();
            if let Some(leased) = tables.messages.get_mut(&message.id.0)
                && leased.row.state == MessageState::Waiting
            {
                let Message { state, attempts, next_at, ref problem, .. } = *message;
                let row = Message {
                    state,
                    attempts,
                    next_at,
                    problem: problem.clone(),
                    ..leased.row.clone()
                };
                *leased = Leased { row, until: None };
            }
            Ok(())
        })
    }

    fn messages<'a>(
        &'a self,
        tenant: &'a TenantId,
        state: MessageState,
        at_most: usize,
    ) -> Answer<'a, Vec<Message>> {
        Box::pin(async move {
            let tables = self.lock();
            let mut found: Vec<_> = tables.messages.values().map(|leased| &leased.row).collect();
            found.retain(|message| message.tenant == *tenant && message.state == state);
            found.sort_by_key(|message| message.created_at);
            Ok(found.into_iter().take(at_most).cloned().collect())
        })
    }

    fn revive<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a MessageId,
        now: OffsetDateTime,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut tables = self.lock();
            let Some(leased) = tables.messages.get_mut(&id.0) else { return Ok(false) };
            if leased.row.tenant != *tenant || leased.row.state != MessageState::Dead {
                return Ok(false);
            }
            leased.row.state = MessageState::Waiting;
            leased.row.attempts = 0;
            leased.row.next_at = now;
            leased.until = None;
            Ok(true)
        })
    }
}

impl Tables {
    /// How a change would end.
    fn judge(&self, change: &Change) -> Commit {
        let account = change.account.as_ref().map_or(Commit::Done, |to| self.judge_account(to));
        if account != Commit::Done {
            return account;
        }
        let intent = change.intent.as_ref().map_or(Commit::Done, |to| self.judge_intent(to));
        let known = |message: &Message| self.messages.contains_key(&message.id.0);
        match intent {
            Commit::Done if change.messages.iter().any(known) => Commit::Stale,
            other => other,
        }
    }

    fn judge_account(&self, to: &Account) -> Commit {
        let who = who(&to.tenant, &to.user_id);
        let there = self.accounts.get(&who);
        let same_id = there.is_none_or(|there| there.account_id == to.account_id);
        if there.map_or(0, |there| there.version) + 1 != to.version || !same_id {
            return Commit::Stale;
        }
        let owner = self.account_ids.get(&self::who(&to.tenant, &to.account_id));
        if owner.is_some_and(|owner| *owner != who) {
            return Commit::AccountIdTaken;
        }
        let Some(domain) = linked(to) else { return Commit::Done };
        let taken = |(owner, other): (&Who, &Account)| {
            *owner != who && other.tenant == to.tenant && linked(other) == Some(domain)
        };
        if self.accounts.iter().any(taken) { Commit::CloudAccountTaken } else { Commit::Done }
    }

    fn judge_intent(&self, to: &Intent) -> Commit {
        let there = self.intents.get(&to.id.0).map(|leased| &leased.row);
        let same =
            there.is_none_or(|there| there.tenant == to.tenant && there.user_id == to.user_id);
        if there.map_or(0, |there| there.version) + 1 != to.version || !same {
            return Commit::Stale;
        }
        let key = to.idempotency_key.as_deref();
        match key.and_then(|key| self.asked(&to.tenant, key)) {
            Some(other) if other.id != to.id => Commit::IdempotencyKeyTaken,
            _ => Commit::Done,
        }
    }

    fn apply(&mut self, change: &Change) {
        if let Some(account) = &change.account {
            let owner = who(&account.tenant, &account.user_id);
            self.account_ids.insert(who(&account.tenant, &account.account_id), owner.clone());
            self.accounts.insert(owner, account.clone());
        }
        if let Some(intent) = &change.intent {
            let there = self.intents.get(&intent.id.0);
            let until = there.filter(|there| there.row.next_at == intent.next_at);
            let until = until.and_then(|there| there.until);
            self.intents.insert(intent.id.0.clone(), Leased { row: intent.clone(), until });
        }
        for entry in &change.history {
            let who = who(&entry.tenant, &entry.user_id);
            self.history.entry(who).or_default().push(entry.clone());
        }
        for message in &change.messages {
            let row = Leased { row: message.clone(), until: None };
            self.messages.insert(message.id.0.clone(), row);
        }
    }

    fn asked(&self, tenant: &TenantId, key: &str) -> Option<&Intent> {
        self.intents.values().map(|leased| &leased.row).find(|intent| {
            intent.tenant == *tenant && intent.idempotency_key.as_deref() == Some(key)
        })
    }
}

fn who(tenant: &TenantId, person: &PersonId) -> Who {
    (tenant.as_str().to_owned(), person.as_str().to_owned())
}

/// The cloud account that a customer holds against all others.
fn linked(account: &Account) -> Option<&str> {
    let held = matches!(account.state, LinkState::Linked | LinkState::Unlinking);
    account.cloud.as_ref().filter(|_| held).map(|cloud| cloud.domain_id.as_str())
}

/// Takes an intent, if it is unfinished and nobody holds it.
fn take(leased: &mut Leased<Intent>, lease: Lease) -> Option<Intent> {
    let finished = matches!(leased.row.step, IntentStep::Done | IntentStep::Failed);
    if finished || !leased.is_free(lease.now) {
        return None;
    }
    leased.until = Some(lease.until);
    leased.row.version += 1;
    Some(leased.row.clone())
}
