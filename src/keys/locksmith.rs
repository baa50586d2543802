//! What an operator does with keys: make, import, promote, retire, look. Each call is one saved
//! change or none.

use super::make::{self, Material, Recipe};
use super::{
    Certificate, KeyError, KeyRecord, KeyRing, KeySet, KeyState, KeyStore, Kid, MasterKey, import,
};
use crate::clock::Clock;
use crate::random::Random;

/// How often a change is tried anew when somebody else changed the same tenant's keys meanwhile.
const TRIES: usize = 16;

/// Works on the keys of all tenants of one store.
#[derive(Clone, Copy)]
pub struct Locksmith<'a> {
    /// Where the keys are.
    pub store: &'a dyn KeyStore,
    /// What they are sealed under.
    pub master: &'a MasterKey,
    /// When keys are made.
    pub clock: &'a dyn Clock,
    /// Where ids, nonces and serial numbers come from.
    pub random: &'a dyn Random,
}

/// A key that was made or imported.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its name.
    pub kid: Kid,
    /// Active when it is the tenant's first key, next otherwise.
    pub state: KeyState,
    /// Its certificate.
    pub certificate: Certificate,
}

impl Locksmith<'_> {
    /// The tenant's keys, opened.
    ///
    /// # Errors
    /// [`KeyError::NoKeys`], and whatever [`KeyRing::open`] finds.
    pub fn ring(&self, tenant: &str) -> Result<KeyRing, KeyError> {
        let set = self.store.load(tenant)?;
        let set = set.ok_or_else(|| KeyError::NoKeys { tenant: tenant.to_owned() })?;
        KeyRing::open(&set, self.master)
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::Years`], [`KeyError::Host`], [`KeyError::Making`], and those of the store and
    /// the seal.
    pub fn make(&self, tenant: &str, recipe: &Recipe) -> Result<Added, KeyError> {
        self.add(tenant, &make::make(recipe, self.clock.now(), self.random)?)
    }

    /// Takes a key that exists: the PEM text of a private key and of its certificate. Whether the
    /// certificate is still valid is not judged here: see [`Certificate::warning`].
    ///
    /// # Errors
    /// When the texts are not a usable pair, [`KeyError::AlreadyThere`], and those of the store and
    /// the seal.
    pub fn import(
        &self,
        tenant: &str,
        private_key: &str,
        certificate: &str,
    ) -> Result<Added, KeyError> {
        self.add(tenant, &import::read(private_key, certificate)?)
    }

    /// The certificate that [`Self::import`] would take over. Nothing is kept.
    ///
    /// # Errors
    /// When the texts are not a usable pair.
    pub fn inspect(private_key: &str, certificate: &str) -> Result<Certificate, KeyError> {
        Ok(import::read(private_key, certificate)?.certificate)
    }

    /// Makes `kid` the active key; the active one becomes a previous one.
    ///
    /// # Errors
    /// [`KeyError::UnknownKid`], [`KeyError::AlreadyActive`], [`KeyError::AlreadyRetired`], and
    /// those of the store and the seal.
    pub fn promote(&self, tenant: &str, kid: &Kid) -> Result<(), KeyError> {
        self.change(tenant, |set| set.promote(kid))
    }

    /// Retires `kid` and destroys its private half.
    ///
    /// # Errors
    /// [`KeyError::UnknownKid`], [`KeyError::ActiveStays`], [`KeyError::AlreadyRetired`], and those
    /// of the store and the seal.
    pub fn retire(&self, tenant: &str, kid: &Kid) -> Result<(), KeyError> {
        self.change(tenant, |set| set.retire(kid))
    }

    fn add(&self, tenant: &str, material: &Material) -> Result<Added, KeyError> {
        let now = self.clock.now();
        let certificate = &material.certificate;
        self.change(tenant, |set| {
            if let Some(twin) = set.records.iter().find(|key| key.certificate == certificate.der())
            {
                return Err(KeyError::AlreadyThere(twin.kid.clone()));
            }
            let kid = free_kid(set, || Kid::fresh(now.date(), self.random))?;
            let sealed = self.master.seal(&material.private, (tenant, &kid), self.random)?;
            let state = set.add(KeyRecord {
                kid: kid.clone(),
                state: KeyState::Next,
                created: now.replace_nanosecond(0).unwrap_or(now),
                certificate: certificate.der().to_vec(),
                sealed: Some(sealed),
            });
            Ok(Added { kid, state, certificate: certificate.clone() })
        })
    }

    /// Loads, edits and saves. The set is opened before and after: nothing is added to or promoted
    /// in a ring that the gateway could not use, and never under a second master key.
    fn change<T>(
        &self,
        tenant: &str,
        edit: impl Fn(&mut KeySet) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        for _ in 0..TRIES {
            let mut set = self.store.load(tenant)?.unwrap_or_else(|| KeySet::empty(tenant));
            if !set.records.is_empty() {
                KeyRing::open(&set, self.master)?;
            }
            let done = edit(&mut set)?;
            KeyRing::open(&set, self.master)?;
            match self.store.save(&set) {
                Err(KeyError::Conflict { .. }) => {}
                saved => return saved.map(|()| done),
            }
        }
        Err(KeyError::Conflict { tenant: tenant.to_owned() })
    }
}

/// An id that the tenant has not used. Twenty random bits collide once in thousands of keys of one
/// day.
fn free_kid(set: &KeySet, fresh: impl Fn() -> Kid) -> Result<Kid, KeyError> {
    (0..TRIES)
        .map(|_| fresh())
        .find(|kid| set.records.iter().all(|record| record.kid != *kid))
        .ok_or_else(|| KeyError::Making("no free key id was found".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::keys::fixtures::{NOW, key_a, key_b, master, pem};
    use crate::keys::{FileStore, KeySize};
    use crate::random::SequenceRandom;

    struct Shop {
        dir: tempfile::TempDir,
        master: MasterKey,
        clock: ManualClock,
        random: SequenceRandom,
    }

    impl Shop {
        fn new() -> Self {
            Self {
                dir: tempfile::tempdir().unwrap(),
                master: master(),
                clock: ManualClock::at(NOW),
                random: SequenceRandom::new(1),
            }
        }

        fn store(&self) -> FileStore {
            FileStore::new(self.dir.path())
        }

        fn with<T>(&self, work: impl Fn(Locksmith<'_>) -> T) -> T {
            work(Locksmith {
                store: &self.store(),
                master: &self.master,
                clock: &self.clock,
                random: &self.random,
            })
        }

        fn import(&self, key: &Material) -> Result<Added, KeyError> {
            let private = pem("PRIVATE KEY", &key.private);
            let certificate = pem("CERTIFICATE", key.certificate.der());
            self.with(|smith| smith.import("acme", &private, &certificate))
        }
    }

    #[test]
    fn a_rotation_goes_from_new_over_promote_to_retire() {
        let shop = Shop::new();
        let first = shop.import(&key_a()).unwrap();
        assert_eq!(first.state, KeyState::Active);
        let second = shop.import(&key_b()).unwrap();
        assert_eq!(second.state, KeyState::Next);

        shop.with(|smith| smith.promote("acme", &second.kid)).unwrap();
        let ring = shop.with(|smith| smith.ring("acme")).unwrap();
        assert_eq!(ring.active().kid, second.kid);
        assert_eq!(ring.by_kid(&first.kid).map(|key| key.state), Some(KeyState::Previous));

        shop.with(|smith| smith.retire("acme", &first.kid)).unwrap();
        let ring = shop.with(|smith| smith.ring("acme")).unwrap();
        assert!(ring.by_kid(&first.kid).is_none());
        assert_eq!(ring.retired()[0].kid, first.kid);
    }

    #[test]
    fn a_made_key_can_sign_for_its_tenant_only() {
        let shop = Shop::new();
        let recipe = Recipe { host: "a.example".into(), size: KeySize::Rsa2048, years: 1 };
        let made = shop.with(|smith| smith.make("acme", &recipe)).unwrap();
        assert!(made.kid.as_str().starts_with("2026-11-21-"));
        assert_eq!(
            shop.with(|smith| smith.ring("other")).unwrap_err(),
            KeyError::NoKeys { tenant: "other".into() }
        );
    }

    #[test]
    fn one_certificate_is_not_taken_twice() {
        let shop = Shop::new();
        let first = shop.import(&key_a()).unwrap();
        assert_eq!(shop.import(&key_a()).err(), Some(KeyError::AlreadyThere(first.kid)));
    }

    #[test]
    fn nothing_is_added_under_a_second_master_key() {
        let mut shop = Shop::new();
        shop.import(&key_a()).unwrap();
        shop.master = MasterKey::from_bytes(&[8; 32]).unwrap();
        assert!(matches!(shop.import(&key_b()), Err(KeyError::WrongMasterKey { .. })));
        shop.master = master();
        assert_eq!(shop.with(|smith| smith.ring("acme")).unwrap().keys().count(), 1);
    }

    #[test]
    fn a_refused_change_saves_nothing() {
        let shop = Shop::new();
        let first = shop.import(&key_a()).unwrap();
        let before = shop.store().load("acme").unwrap();
        assert!(shop.with(|smith| smith.retire("acme", &first.kid)).is_err());
        assert_eq!(shop.store().load("acme").unwrap(), before);
    }

    #[test]
    fn a_taken_id_is_not_given_again() {
        let shop = Shop::new();
        let first = shop.import(&key_a()).unwrap();
        let set = shop.store().load("acme").unwrap().unwrap();
        assert!(matches!(free_kid(&set, || first.kid.clone()), Err(KeyError::Making(_))));
    }

    #[test]
    fn many_who_promote_at_once_leave_a_whole_ring() {
        let shop = Shop::new();
        let first = shop.import(&key_a()).unwrap();
        let second = shop.import(&key_b()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for kid in [&second.kid, &first.kid] {
                        match shop.with(|smith| smith.promote("acme", kid)) {
                            Ok(()) | Err(KeyError::AlreadyActive(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        let set = shop.store().load("acme").unwrap().unwrap();
        assert_eq!(set.records.len(), 2);
        set.check().unwrap();
    }
}
