//! The rings of all tenants, as a running gateway holds them: read without a lock, replaced as a
//! whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{KeyError, KeyRing, KeySet, KeyStore, MasterKey};

/// The opened key rings of every tenant.
pub struct Rings {
    store: Arc<dyn KeyStore>,
    master: MasterKey,
    held: ArcSwap<HashMap<String, Held>>,
    /// Reloads go one after the other, so that an older picture never replaces a newer one.
    reloading: Mutex<()>,
}

/// One tenant's ring and what it was opened from.
#[derive(Clone)]
struct Held {
    source: Option<Arc<KeySet>>,
    ring: Result<Arc<KeyRing>, KeyError>,
}

/// What a reload found.
#[derive(Debug, Default)]
#[must_use = "problems must reach the log"]
pub struct Reload {
    /// Tenants whose keys are new or changed, and in use from now on.
    pub changed: Vec<String>,
    /// Tenants whose keys could not be taken, and why. What was in use for them before stays in
    /// use.
    pub problems: Vec<(String, KeyError)>,
}

impl Rings {
    /// Opens the keys of all tenants in `store`. A tenant whose keys are unusable does not keep the
    /// others away; it is among the problems.
    ///
    /// # Errors
    /// When the store itself cannot be read.
    pub fn open(store: Arc<dyn KeyStore>, master: MasterKey) -> Result<(Self, Reload), KeyError> {
        let held = ArcSwap::from_pointee(HashMap::new());
        let rings = Self { store, master, held, reloading: Mutex::new(()) };
        let reload = rings.reload()?;
        Ok((rings, reload))
    }

    /// The ring of `tenant`. Takes no lock and waits for nothing.
    ///
    /// # Errors
    /// [`KeyError::NoKeys`], or why the tenant's keys could not be used.
    pub fn get(&self, tenant: &str) -> Result<Arc<KeyRing>, KeyError> {
        match self.held.load().get(tenant) {
            Some(held) => held.ring.clone(),
            None => Err(KeyError::NoKeys { tenant: tenant.to_owned() }),
        }
    }

    /// Takes over what changed in the store. Keys that cannot be read, or are gone, never drop a
    /// good copy that is in use. Blocks while it reads and opens: call it off the threads that
    /// answer.
    ///
    /// # Errors
    /// When the store itself cannot be read; then nothing changes.
    pub fn reload(&self) -> Result<Reload, KeyError> {
        let _turn = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.held.load_full();
        let mut after = HashMap::with_capacity(before.len());
        let mut reload = Reload::default();
        for (tenant, loaded) in self.store.load_all()? {
            let held = self.refresh(&tenant, loaded, before.get(&tenant), &mut reload);
            after.insert(tenant, held);
        }
        for (tenant, held) in before.iter() {
            if !after.contains_key(tenant) {
                reload
                    .problems
                    .push((tenant.clone(), KeyError::Vanished { tenant: tenant.clone() }));
                after.insert(tenant.clone(), held.clone());
            }
        }
        self.held.store(Arc::new(after));
        Ok(reload)
    }

    fn refresh(
        &self,
        tenant: &str,
        loaded: Result<KeySet, KeyError>,
        before: Option<&Held>,
        reload: &mut Reload,
    ) -> Held {
        if let (Ok(set), Some(held)) = (&loaded, before)
            && held.source.as_deref() == Some(set)
        {
            return held.clone();
        }
        let opened = loaded.and_then(|set| Ok((KeyRing::open(&set, &self.master)?, set)));
        match (opened, before) {
            (Ok((ring, set)), _) => {
                reload.changed.push(tenant.to_owned());
                Held { source: Some(Arc::new(set)), ring: Ok(Arc::new(ring)) }
            }
            (Err(error), Some(held)) if held.ring.is_ok() => {
                reload.problems.push((tenant.to_owned(), error));
                held.clone()
            }
            (Err(error), _) => {
                reload.problems.push((tenant.to_owned(), error.clone()));
                Held { source: None, ring: Err(error) }
            }
        }
    }
}

impl std::fmt::Debug for Rings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rings({} tenants)", self.held.load().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::fixtures::{key_a, key_b, master, record};
    use crate::keys::{FileStore, KeyState, Kid};
    use std::fs;

    struct House {
        dir: tempfile::TempDir,
        store: Arc<FileStore>,
        rings: Rings,
    }

    impl House {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let store = Arc::new(FileStore::new(dir.path()));
            store.save(&set("acme")).unwrap();
            let (rings, reload) = Rings::open(store.clone(), master()).unwrap();
            assert_eq!(reload.changed, ["acme"]);
            assert!(reload.problems.is_empty());
            Self { dir, store, rings }
        }

        fn active(&self, tenant: &str) -> String {
            self.rings.get(tenant).unwrap().active().kid.to_string()
        }

        fn damage(&self, tenant: &str) {
            fs::write(self.dir.path().join(format!("{tenant}.keys.json")), "{").unwrap();
        }
    }

    fn set(tenant: &str) -> KeySet {
        let records = vec![
            record(tenant, "k1", KeyState::Active, &key_a()),
            record(tenant, "k2", KeyState::Next, &key_b()),
        ];
        KeySet { tenant: tenant.into(), version: 0, records }
    }

    fn kid(text: &str) -> Kid {
        text.parse().unwrap()
    }

    #[test]
    fn a_reload_takes_over_what_the_operator_changed() {
        let house = House::new();
        let mut changed = house.store.load("acme").unwrap().unwrap();
        changed.promote(&kid("k2")).unwrap();
        house.store.save(&changed).unwrap();
        house.store.save(&set("zeta")).unwrap();
        assert_eq!(house.active("acme"), "k1");

        let mut reload = house.rings.reload().unwrap();
        reload.changed.sort();
        assert_eq!(reload.changed, ["acme", "zeta"]);
        assert_eq!(house.active("acme"), "k2");
        assert_eq!(house.active("zeta"), "k1");
    }

    #[test]
    fn what_did_not_change_is_not_opened_again() {
        let house = House::new();
        let before = house.rings.get("acme").unwrap();
        let reload = house.rings.reload().unwrap();
        assert!(reload.changed.is_empty() && reload.problems.is_empty());
        assert!(Arc::ptr_eq(&before, &house.rings.get("acme").unwrap()));
    }

    #[test]
    fn a_damaged_file_never_drops_the_good_copy_and_is_reported_each_time() {
        let house = House::new();
        house.damage("acme");
        for _ in 0..2 {
            let reload = house.rings.reload().unwrap();
            assert!(
                matches!(&reload.problems[..], [(tenant, KeyError::FileBroken { .. })] if tenant == "acme")
            );
            assert_eq!(house.active("acme"), "k1");
        }
    }

    #[test]
    fn keys_that_do_not_open_never_drop_the_good_copy() {
        let house = House::new();
        let mut changed = house.store.load("acme").unwrap().unwrap();
        changed.records[0].sealed = changed.records[1].sealed.clone();
        house.store.save(&changed).unwrap();
        let reload = house.rings.reload().unwrap();
        assert!(matches!(&reload.problems[..], [(_, KeyError::SealedElsewhere { .. })]));
        assert_eq!(house.active("acme"), "k1");
    }

    #[test]
    fn keys_that_are_gone_stay_in_use_and_are_reported() {
        let house = House::new();
        fs::remove_file(house.dir.path().join("acme.keys.json")).unwrap();
        let reload = house.rings.reload().unwrap();
        assert!(matches!(&reload.problems[..], [(_, KeyError::Vanished { .. })]));
        assert_eq!(house.active("acme"), "k1");
    }

    #[test]
    fn one_tenants_bad_keys_do_not_keep_the_others_away_and_recover() {
        let house = House::new();
        house.damage("zeta");
        let fresh = Rings::open(house.store.clone(), master());
        let (rings, reload) = fresh.unwrap();
        assert_eq!(reload.changed, ["acme"]);
        assert_eq!(reload.problems.len(), 1);
        assert!(matches!(
            rings.get("zeta"),
            Err(KeyError::OpenToOthers { .. } | KeyError::FileBroken { .. })
        ));

        fs::remove_file(house.dir.path().join("zeta.keys.json")).unwrap();
        house.store.save(&set("zeta")).unwrap();
        assert_eq!(rings.reload().unwrap().changed, ["zeta"]);
        assert!(rings.get("zeta").is_ok());
    }

    #[test]
    fn a_tenant_without_keys_is_told_how_to_make_one() {
        let error = House::new().rings.get("nobody").unwrap_err();
        assert_eq!(error, KeyError::NoKeys { tenant: "nobody".into() });
    }
}
