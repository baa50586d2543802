//! Layer 1, embedded backend: entries in this process, for the demo, for tests and for a single
//! node that may lose its sessions when it restarts. It refuses when full and never forgets early.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::{Answer, Claim, Ephemeral, Key, StoreError, instant, millis};
use crate::clock::Clock;
use crate::limits;

/// Most expired entries that one write clears away. It adds at most one, so what has expired never
/// piles up, a write never stalls, and a store that still refuses for want of room holds no expired
/// entry.
const CLEARED_PER_WRITE: usize = 4;

/// Entries in a map of this process. One lock: an operation takes well under a microsecond, a login
/// needs three.
pub struct Memory {
    clock: Arc<dyn Clock>,
    most: usize,
    entries: Mutex<Entries>,
}

impl Memory {
    /// An empty store that takes [`limits::MEMORY_ENTRIES`] entries.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_room_for(limits::MEMORY_ENTRIES, clock)
    }

    /// An empty store that takes `most` entries.
    #[must_use]
    pub fn with_room_for(most: usize, clock: Arc<dyn Clock>) -> Self {
        Self { clock, most, entries: Mutex::default() }
    }

    /// How many entries are held, expired ones that are not yet cleared away included.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lock().by_key.len()
    }

    fn now(&self) -> i128 {
        instant(self.clock.now())
    }

    fn until(&self, life: Duration) -> i128 {
        self.now() + i128::from(millis(life))
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics between the two halves of a change, so the entries are sound even in a
        // poisoned lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, entries: &mut Entries, key: &Key, entry: Entry) -> Result<(), StoreError> {
        entries.clear_expired(self.now());
        if entries.by_key.len() >= self.most && !entries.by_key.contains_key(key.as_str()) {
            return Err(StoreError::Full);
        }
        entries.insert(key, entry);
        Ok(())
    }

    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        match self.lock().live(key, self.now()) {
            Some(entry) => entry.value.bytes().map(Some),
            None => Ok(None),
        }
    }

    fn try_claim(&self, key: &Key, value: &[u8], until: i128) -> Result<Claim, StoreError> {
        let mut entries = self.lock();
        if let Some(entry) = entries.live(key, self.now()) {
            return entry.value.bytes().map(Claim::Lost);
        }
        self.store(&mut entries, key, Entry { value: Value::Bytes(value.into()), until })?;
        Ok(Claim::Won)
    }

    fn count_one(&self, key: &Key, until: i128) -> Result<u64, StoreError> {
        let mut entries = self.lock();
        let (before, until) = match entries.live(key, self.now()) {
            Some(Entry { value: Value::Count(count), until }) => (*count, *until),
            Some(_) => return Err(StoreError::Corrupt("bytes where a counter should be".into())),
            None => (0, until),
        };
        let count = before.saturating_add(1);
        self.store(&mut entries, key, Entry { value: Value::Count(count), until })?;
        Ok(count)
    }

    fn enlist_one(
        &self,
        key: &Key,
        member: &[u8],
        (now, life): (i128, Duration),
    ) -> Result<(), StoreError> {
        let mut entries = self.lock();
        let (mut list, until) = match entries.live(key, self.now()) {
            Some(entry) => (entry.value.list()?.clone(), entry.until),
            None => (List::new(), 0),
        };
        list.retain(|(one, until)| *until > now && **one != *member);
        list.push((member.into(), now + i128::from(millis(life))));
        let until = until.max(self.until(life));
        self.store(&mut entries, key, Entry { value: Value::List(list), until })
    }
}

impl Ephemeral for Memory {
    fn put<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, ()> {
        Box::pin(async move {
            let entry = Entry { value: Value::Bytes(value.into()), until: self.until(life) };
            self.store(&mut self.lock(), key, entry)
        })
    }

    fn get<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move { self.read(key) })
    }

    fn renew<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut entries = self.lock();
            let Some(entry) = entries.live(key, self.now()) else { return Ok(None) };
            let value = entry.value.bytes()?;
            let entry =
                Entry { value: Value::Bytes(value.clone().into()), until: self.until(life) };
            self.store(&mut entries, key, entry)?;
            Ok(Some(value))
        })
    }

    fn take<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let now = self.now();
            match self.lock().remove(key).filter(|entry| entry.until > now) {
                Some(entry) => entry.value.bytes().map(Some),
                None => Ok(None),
            }
        })
    }

    fn claim<'a>(&'a self, key: &'a Key, value: &'a [u8], life: Duration) -> Answer<'a, Claim> {
        Box::pin(async move { self.try_claim(key, value, self.until(life)) })
    }

    fn count<'a>(&'a self, key: &'a Key, life: Duration) -> Answer<'a, u64> {
        Box::pin(async move { self.count_one(key, self.until(life)) })
    }

    fn remove<'a>(&'a self, key: &'a Key) -> Answer<'a, ()> {
        Box::pin(async move {
            self.lock().remove(key);
            Ok(())
        })
    }

    fn enlist<'a>(
        &'a self,
        key: &'a Key,
        member: &'a [u8],
        now: OffsetDateTime,
        life: Duration,
    ) -> Answer<'a, ()> {
        Box::pin(async move { self.enlist_one(key, member, (instant(now), life)) })
    }

    fn members<'a>(&'a self, key: &'a Key, now: OffsetDateTime) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            let entries = self.lock();
            let Some(entry) = entries.live(key, self.now()) else { return Ok(Vec::new()) };
            let live = entry.value.list()?.iter().filter(|(_, until)| *until > instant(now));
            Ok(live.map(|(member, _)| member.to_vec()).collect())
        })
    }

    fn strike<'a>(&'a self, key: &'a Key, member: &'a [u8]) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut entries = self.lock();
            let Some(entry) = entries.live(key, self.now()) else { return Ok(()) };
            let mut list = entry.value.list()?.clone();
            list.retain(|(one, _)| **one != *member);
            let entry = Entry { until: entry.until, value: Value::List(list) };
            self.store(&mut entries, key, entry)
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The entries, and their keys in the order in which they expire. Both always name the same keys.
#[derive(Default)]
struct Entries {
    by_key: HashMap<Arc<str>, Entry>,
    by_end: BTreeSet<(i128, Arc<str>)>,
}

struct Entry {
    value: Value,
    /// Milliseconds of Unix time from which on the entry is gone.
    until: i128,
}

enum Value {
    Bytes(Box<[u8]>),
    Count(u64),
    /// Members, each with the millisecond from which on it is gone.
    List(List),
}

type List = Vec<(Box<[u8]>, i128)>;

impl Value {
    fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
            Self::Count(_) | Self::List(_) => {
                Err(StoreError::Corrupt("another value where bytes should be".into()))
            }
        }
    }

    fn list(&self) -> Result<&List, StoreError> {
        match self {
            Self::List(list) => Ok(list),
            Self::Bytes(_) | Self::Count(_) => {
                Err(StoreError::Corrupt("another value where a list should be".into()))
            }
        }
    }
}

impl Entries {
    fn live(&self, key: &Key, now: i128) -> Option<&Entry> {
        self.by_key.get(key.as_str()).filter(|entry| entry.until > now)
    }

    fn insert(&mut self, key: &Key, entry: Entry) {
        self.remove(key);
        let name: Arc<str> = key.as_str().into();
        self.by_end.insert((entry.until, name.clone()));
        self.by_key.insert(name, entry);
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let (name, entry) = self.by_key.remove_entry(key.as_str())?;
        self.by_end.remove(&(entry.until, name));
        Some(entry)
    }

    fn clear_expired(&mut self, now: i128) {
        for _ in 0..CLEARED_PER_WRITE {
            let Some(first) = self.by_end.first().filter(|(until, _)| *until <= now) else {
                return;
            };
            self.by_key.remove(&first.1);
            self.by_end.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::store::Kind;
    use time::macros::datetime;

    const MINUTE: Duration = Duration::from_mins(1);

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(datetime!(2026-01-02 03:04:05 UTC)))
    }

    fn key(id: usize) -> Key {
        Key::new(Kind::UsedRequest, "acme", &id.to_string())
    }

    #[tokio::test]
    async fn a_full_store_refuses_the_new_and_keeps_the_old() {
        let memory = Memory::with_room_for(2, clock());
        memory.put(&key(1), b"one", MINUTE).await.unwrap();
        assert_eq!(memory.claim(&key(2), b"two", MINUTE).await, Ok(Claim::Won));

        assert_eq!(memory.put(&key(3), b"three", MINUTE).await, Err(StoreError::Full));
        assert_eq!(memory.claim(&key(3), b"three", MINUTE).await, Err(StoreError::Full));
        assert_eq!(memory.count(&key(3), MINUTE).await, Err(StoreError::Full));

        assert_eq!(memory.put(&key(1), b"uno", MINUTE).await, Ok(()));
        assert_eq!(memory.claim(&key(2), b"dos", MINUTE).await, Ok(Claim::Lost(b"two".to_vec())));
        assert_eq!(memory.get(&key(1)).await, Ok(Some(b"uno".to_vec())));
    }

    #[tokio::test]
    async fn a_full_store_has_room_again_once_something_expired_or_was_removed() {
        let clock = clock();
        let memory = Memory::with_room_for(1, clock.clone());
        memory.put(&key(1), b"one", MINUTE).await.unwrap();
        clock.advance(time::Duration::minutes(1));
        assert_eq!(memory.put(&key(2), b"two", MINUTE).await, Ok(()));
        assert_eq!(memory.put(&key(3), b"three", MINUTE).await, Err(StoreError::Full));
        memory.remove(&key(2)).await.unwrap();
        assert_eq!(memory.put(&key(3), b"three", MINUTE).await, Ok(()));
    }

    #[tokio::test]
    async fn an_entry_is_there_until_its_last_millisecond() {
        let clock = clock();
        let memory = Memory::new(clock.clone());
        memory.put(&key(1), b"one", MINUTE).await.unwrap();
        clock.advance(time::Duration::milliseconds(59_999));
        assert_eq!(memory.get(&key(1)).await, Ok(Some(b"one".to_vec())));
        clock.advance(time::Duration::milliseconds(1));
        assert_eq!(memory.get(&key(1)).await, Ok(None));
        assert_eq!(memory.take(&key(1)).await, Ok(None));
    }

    #[tokio::test]
    async fn writing_clears_away_what_has_expired() {
        let clock = clock();
        let memory = Memory::new(clock.clone());
        for id in 0..1_000 {
            memory.put(&key(id), b"old", MINUTE).await.unwrap();
        }
        clock.advance(time::Duration::minutes(2));
        for id in 0..1_000 {
            memory.put(&key(1_000 + id % 10), b"new", MINUTE).await.unwrap();
        }
        assert_eq!(memory.held(), 10);
        assert_eq!(memory.lock().by_end.len(), 10);
    }

    #[tokio::test]
    async fn an_expired_claim_can_be_won_again() {
        let clock = clock();
        let memory = Memory::new(clock.clone());
        assert_eq!(memory.claim(&key(1), b"first", MINUTE).await, Ok(Claim::Won));
        clock.advance(time::Duration::minutes(1));
        assert_eq!(memory.claim(&key(1), b"second", MINUTE).await, Ok(Claim::Won));
    }
}
