//! What is kept of a tenant's keys, the rules that hold for it, and the trait of the places that
//! keep it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{KeyError, Kid, Sealed};

/// Where keys are kept. Calls may block: the gateway makes them at start and on reload, never while
/// it answers.
pub trait KeyStore: Send + Sync {
    /// The keys of all tenants that have some, in no particular order. One whose keys cannot be
    /// read, or break a rule of [`KeySet::check`], does not keep the others away.
    ///
    /// # Errors
    /// When the place itself cannot be read.
    fn load_all(&self) -> Result<Vec<Loaded>, KeyError>;

    /// The keys of `tenant`, or `None` when it has none yet.
    ///
    /// # Errors
    /// When they cannot be read, or break a rule of [`KeySet::check`].
    fn load(&self, tenant: &str) -> Result<Option<KeySet>, KeyError>;

    /// Keeps `set` in place of what is there, with a version one higher; all of it or nothing.
    ///
    /// # Errors
    /// [`KeyError::Conflict`] when what is there has another version than `set` (0: nothing is
    /// there).
    fn save(&self, set: &KeySet) -> Result<(), KeyError>;
}

/// A tenant's name and its keys, or why they cannot be had.
pub type Loaded = (String, Result<KeySet, KeyError>);

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Will follow the active key. Signs for whoever comes by its own SSO URL: they hold its
    /// metadata.
    Next,
    /// Signs wherever no other key is named. There is exactly one.
    Active,
    /// Was active. Still signs for whoever comes by its own SSO URL, until it is retired.
    Previous,
    /// Never signs again: its private half is destroyed. The certificate stays for the record.
    Retired,
}

impl KeyState {
    /// The state in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Previous => "previous",
            Self::Retired => "retired",
        }
    }
}

/// One key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Its name within the tenant.
    pub kid: Kid,
    /// What it may do.
    pub state: KeyState,
    /// When it was made or imported.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// Its certificate in DER.
    #[serde(with = "base64_text")]
    pub certificate: Vec<u8>,
    /// The private key, sealed; nothing once the key is retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
}

/// All keys of one tenant: the unit that is loaded, changed and saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// Whose keys.
    pub tenant: String,
    /// Which edition of them was loaded; 0 before the first save.
    pub version: u64,
    /// The keys, oldest first.
    pub records: Vec<KeyRecord>,
}

impl KeySet {
    /// A set without keys, for a tenant that has none yet.
    #[must_use]
    pub fn empty(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), version: 0, records: Vec::new() }
    }

    /// Checks the rules that need no master key: ids differ, exactly one key is active, and exactly
    /// the retired ones have no private half. A set without keys breaks none.
    ///
    /// # Errors
    /// [`KeyError::RingBroken`] with the rule.
    pub fn check(&self) -> Result<(), KeyError> {
        let broken =
            |fault: String| Err(KeyError::RingBroken { tenant: self.tenant.clone(), fault });
        let mut seen = HashSet::new();
        for record in &self.records {
            let kid = &record.kid;
            if !seen.insert(kid) {
                return broken(format!("key {kid} is there twice"));
            }
            match (record.state, &record.sealed) {
                (KeyState::Retired, Some(_)) => {
                    return broken(format!("key {kid} is retired but has a private half"));
                }
                (KeyState::Retired, None) | (_, Some(_)) => {}
                (state, None) => {
                    let state = state.word();
                    return broken(format!("key {kid} is {state} but has no private half"));
                }
            }
        }
        let active = self.records.iter().filter(|key| key.state == KeyState::Active).count();
        match active {
            0 if self.records.is_empty() => Ok(()),
            1 => Ok(()),
            count => broken(format!("{count} keys are active, and exactly one must be")),
        }
    }

    /// Adds a key: active when it is the first, next otherwise.
    pub(super) fn add(&mut self, mut record: KeyRecord) -> KeyState {
        record.state = if self.records.is_empty() { KeyState::Active } else { KeyState::Next };
        let state = record.state;
        self.records.push(record);
        state
    }

    /// Makes `kid` the active key. The one that was active becomes a previous one. A previous key
    /// may be promoted again: that is the way back.
    pub(super) fn promote(&mut self, kid: &Kid) -> Result<(), KeyError> {
        match self.find(kid)?.state {
            KeyState::Active => return Err(KeyError::AlreadyActive(kid.clone())),
            KeyState::Retired => return Err(KeyError::AlreadyRetired(kid.clone())),
            KeyState::Next | KeyState::Previous => {}
        }
        for record in &mut self.records {
            if record.state == KeyState::Active {
                record.state = KeyState::Previous;
            }
        }
        self.find(kid)?.state = KeyState::Active;
        Ok(())
    }

    /// Retires `kid` for good and forgets its private half.
    pub(super) fn retire(&mut self, kid: &Kid) -> Result<(), KeyError> {
        let record = self.find(kid)?;
        match record.state {
            KeyState::Active => return Err(KeyError::ActiveStays(kid.clone())),
            KeyState::Retired => return Err(KeyError::AlreadyRetired(kid.clone())),
            KeyState::Next | KeyState::Previous => {}
        }
        record.state = KeyState::Retired;
        record.sealed = None;
        Ok(())
    }

    fn find(&mut self, kid: &Kid) -> Result<&mut KeyRecord, KeyError> {
        let tenant = &self.tenant;
        self.records
            .iter_mut()
            .find(|record| record.kid == *kid)
            .ok_or_else(|| KeyError::UnknownKid { tenant: tenant.clone(), kid: kid.clone() })
    }
}

/// Octets as base64 in a text format.
mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn kid(text: &str) -> Kid {
        text.parse().unwrap()
    }

    fn record(id: &str, state: KeyState) -> KeyRecord {
        let retired = state == KeyState::Retired;
        KeyRecord {
            kid: kid(id),
            state,
            created: datetime!(2026-11-21 10:00 UTC),
            certificate: vec![0x30],
            sealed: (!retired).then(|| Sealed::from_bytes(vec![1])),
        }
    }

    fn set(states: &[KeyState]) -> KeySet {
        let records =
            states.iter().enumerate().map(|(at, state)| record(&format!("k{at}"), *state));
        KeySet { tenant: "acme".into(), version: 1, records: records.collect() }
    }

    fn states(set: &KeySet) -> Vec<KeyState> {
        set.records.iter().map(|record| record.state).collect()
    }

    use KeyState::{Active, Next, Previous, Retired};

    #[test]
    fn exactly_one_key_of_a_ring_is_active() {
        assert_eq!(set(&[]).check(), Ok(()));
        assert_eq!(set(&[Retired, Active, Next, Previous]).check(), Ok(()));
        for bad in [set(&[Next]), set(&[Retired]), set(&[Active, Active])] {
            assert!(matches!(bad.check(), Err(KeyError::RingBroken { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_ring_with_one_id_twice_is_refused() {
        let mut bad = set(&[Active, Next]);
        bad.records[1].kid = bad.records[0].kid.clone();
        assert!(bad.check().unwrap_err().to_string().contains("k0 is there twice"));
    }

    #[test]
    fn exactly_the_retired_keys_have_no_private_half() {
        let mut bad = set(&[Active, Retired]);
        bad.records[1].sealed = Some(Sealed::from_bytes(vec![1]));
        assert!(bad.check().unwrap_err().to_string().contains("retired but has"));
        let mut bad = set(&[Active, Next]);
        bad.records[1].sealed = None;
        assert!(bad.check().unwrap_err().to_string().contains("next but has no"));
    }

    #[test]
    fn the_first_key_is_active_and_the_others_wait() {
        let mut keys = KeySet::empty("acme");
        assert_eq!(keys.add(record("k0", Retired)), Active);
        assert_eq!(keys.add(record("k1", Active)), Next);
        assert_eq!(states(&keys), [Active, Next]);
    }

    #[test]
    fn promoting_makes_the_former_key_previous_and_can_be_taken_back() {
        let mut keys = set(&[Active, Next]);
        keys.promote(&kid("k1")).unwrap();
        assert_eq!(states(&keys), [Previous, Active]);
        keys.promote(&kid("k0")).unwrap();
        assert_eq!(states(&keys), [Active, Previous]);
        assert_eq!(keys.promote(&kid("k0")), Err(KeyError::AlreadyActive(kid("k0"))));
    }

    #[test]
    fn retiring_destroys_the_private_half_for_good() {
        let mut keys = set(&[Previous, Active]);
        keys.retire(&kid("k0")).unwrap();
        assert_eq!(states(&keys), [Retired, Active]);
        assert_eq!(keys.records[0].sealed, None);
        assert_eq!(keys.check(), Ok(()));
        assert_eq!(keys.retire(&kid("k0")), Err(KeyError::AlreadyRetired(kid("k0"))));
        assert_eq!(keys.promote(&kid("k0")), Err(KeyError::AlreadyRetired(kid("k0"))));
    }

    #[test]
    fn the_active_key_cannot_be_retired() {
        let mut keys = set(&[Active, Next]);
        assert_eq!(keys.retire(&kid("k0")), Err(KeyError::ActiveStays(kid("k0"))));
        assert_eq!(states(&keys), [Active, Next]);
    }

    #[test]
    fn a_key_that_is_not_there_is_named() {
        let mut keys = set(&[Active]);
        let unknown = KeyError::UnknownKid { tenant: "acme".into(), kid: kid("k9") };
        assert_eq!(keys.promote(&kid("k9")), Err(unknown.clone()));
        assert_eq!(keys.retire(&kid("k9")), Err(unknown));
    }
}
