//! A tenant's keys, opened and ready to sign.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

use super::{Certificate, KeyError, KeyRecord, KeySet, KeyState, Kid, MasterKey};
use crate::saml::encryption::DecryptionKey;
use crate::saml::key::{KeyKind, SigningKey};

/// A key that can sign.
pub struct Key {
    /// Its name within the tenant, and the last segment of its own SSO URL.
    pub kid: Kid,
    /// What it may do; never [`KeyState::Retired`].
    pub state: KeyState,
    /// When it was made or imported.
    pub created: OffsetDateTime,
    /// Its certificate, for metadata.
    pub certificate: Certificate,
    signer: Arc<SigningKey>,
    decryption: Option<DecryptionKey>,
}

impl Key {
    /// What signs, prepared once and shared by all who sign with it.
    #[must_use]
    pub fn signer(&self) -> &Arc<SigningKey> {
        &self.signer
    }

    /// What decrypts texts that were encrypted for this key's certificate; EC keys have nothing.
    #[must_use]
    pub fn decryption(&self) -> Option<&DecryptionKey> {
        self.decryption.as_ref()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.kid, self.state.word())
    }
}

/// What remains of a retired key: enough to tell which certificate signed what, and nothing to sign
/// with.
#[derive(Clone, Debug)]
pub struct RetiredKey {
    /// The name that it had.
    pub kid: Kid,
    /// When it was made or imported.
    pub created: OffsetDateTime,
    /// Its certificate.
    pub certificate: Certificate,
}

/// All keys of one tenant, opened. There is always exactly one active key.
#[derive(Debug)]
pub struct KeyRing {
    active: Key,
    others: Vec<Key>,
    retired: Vec<RetiredKey>,
}

impl KeyRing {
    /// Opens what a store keeps, and checks all of it: the rules of [`KeySet::check`], every seal,
    /// every certificate, and that private and public halves belong together.
    ///
    /// # Errors
    /// [`KeyError::NoKeys`], [`KeyError::RingBroken`], one of the seal's errors.
    pub fn open(set: &KeySet, master: &MasterKey) -> Result<Self, KeyError> {
        set.check()?;
        let mut active = None;
        let mut others = Vec::new();
        let mut retired = Vec::new();
        for record in &set.records {
            let certificate = Certificate::from_der(&record.certificate)
                .map_err(|error| broken(set, format!("key {}: {error}", record.kid)))?;
            match record.state {
                KeyState::Active => active = Some(open(set, record, certificate, master)?),
                KeyState::Next | KeyState::Previous => {
                    others.push(open(set, record, certificate, master)?);
                }
                KeyState::Retired => retired.push(RetiredKey {
                    kid: record.kid.clone(),
                    created: record.created,
                    certificate,
                }),
            }
        }
        let active = active.ok_or_else(|| KeyError::NoKeys { tenant: set.tenant.clone() })?;
        Ok(Self { active, others, retired })
    }

    /// The key that signs wherever no other is named.
    #[must_use]
    pub fn active(&self) -> &Key {
        &self.active
    }

    /// The key for a request that arrived at the SSO URL of `kid`. That URL stands in that key's
    /// metadata only, so whoever used it holds that certificate: next, active and previous keys
    /// answer, retired ones do not (design §7).
    #[must_use]
    pub fn by_kid(&self, kid: &Kid) -> Option<&Key> {
        self.keys().find(|key| key.kid == *kid)
    }

    /// Every key that can sign, the active one first, then oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.active).chain(&self.others)
    }

    /// What decrypts texts for this tenant: during a rotation peers use the former certificate for
    /// a while and the next one early (conformance A-092).
    pub fn decryption_keys(&self) -> impl Iterator<Item = &DecryptionKey> {
        self.keys().filter_map(Key::decryption)
    }

    /// The retired keys, oldest first.
    #[must_use]
    pub fn retired(&self) -> &[RetiredKey] {
        &self.retired
    }
}

fn open(
    set: &KeySet,
    record: &KeyRecord,
    certificate: Certificate,
    master: &MasterKey,
) -> Result<Key, KeyError> {
    let kid = &record.kid;
    let sealed = record
        .sealed
        .as_ref()
        .ok_or_else(|| broken(set, format!("key {kid} has no private half")))?;
    let private = master.open(sealed, (&set.tenant, kid))?;
    let signer = SigningKey::new(&private, &record.certificate)
        .map_err(|error| broken(set, format!("key {kid}: {error}")))?;
    let decryption = match signer.kind() {
        KeyKind::Rsa(_) => Some(DecryptionKey::from_pkcs8(&private)),
        KeyKind::P256 | KeyKind::P384 => None,
    };
    let decryption =
        decryption.transpose().map_err(|error| broken(set, format!("key {kid}: {error}")))?;
    Ok(Key {
        kid: kid.clone(),
        state: record.state,
        created: record.created,
        certificate,
        signer: Arc::new(signer),
        decryption,
    })
}

fn broken(set: &KeySet, fault: String) -> KeyError {
    KeyError::RingBroken { tenant: set.tenant.clone(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Sealed;
    use crate::keys::fixtures::{key_a, key_b, master, record};

    fn set() -> KeySet {
        let records = vec![
            record("acme", "old", KeyState::Retired, &key_b()),
            record("acme", "now", KeyState::Active, &key_a()),
            record("acme", "soon", KeyState::Next, &key_b()),
        ];
        KeySet { tenant: "acme".into(), version: 3, records }
    }

    fn kid(text: &str) -> Kid {
        text.parse().unwrap()
    }

    fn fault(set: &KeySet) -> String {
        KeyRing::open(set, &master()).unwrap_err().to_string()
    }

    #[test]
    fn a_ring_signs_with_its_active_key_and_with_the_key_of_the_url() {
        let ring = KeyRing::open(&set(), &master()).unwrap();
        assert_eq!(ring.active().kid, kid("now"));
        assert_eq!(ring.active().signer().certificate(), key_a().certificate.der());
        assert_eq!(ring.by_kid(&kid("now")).map(|key| key.state), Some(KeyState::Active));
        assert_eq!(ring.by_kid(&kid("soon")).map(|key| key.state), Some(KeyState::Next));
        assert_eq!(ring.keys().count(), 2);
    }

    #[test]
    fn a_previous_key_answers_at_its_own_url() {
        let mut set = set();
        set.promote(&kid("soon")).unwrap();
        let ring = KeyRing::open(&set, &master()).unwrap();
        assert_eq!(ring.active().kid, kid("soon"));
        assert_eq!(ring.by_kid(&kid("now")).map(|key| key.state), Some(KeyState::Previous));
    }

    #[test]
    fn a_retired_key_never_signs_but_its_certificate_is_remembered() {
        let ring = KeyRing::open(&set(), &master()).unwrap();
        assert!(ring.by_kid(&kid("old")).is_none());
        assert_eq!(ring.retired()[0].certificate, key_b().certificate);
    }

    #[test]
    fn a_set_without_keys_is_no_ring() {
        let error = KeyRing::open(&KeySet::empty("acme"), &master()).unwrap_err();
        assert!(error.to_string().contains("skybridge keys new --tenant acme"));
    }

    #[test]
    fn swapped_certificates_are_found() {
        let mut set = set();
        set.records[1].certificate = set.records[2].certificate.clone();
        assert!(fault(&set).contains("another key's"));
    }

    #[test]
    fn a_damaged_certificate_is_found_even_on_a_retired_key() {
        let mut set = set();
        set.records[0].certificate.truncate(100);
        assert!(fault(&set).contains("key old: the certificate cannot be read"));
    }

    #[test]
    fn a_private_key_moved_from_another_record_is_found() {
        let mut set = set();
        set.records[1].sealed = set.records[2].sealed.clone();
        assert!(matches!(
            KeyRing::open(&set, &master()),
            Err(KeyError::SealedElsewhere { kid: at, .. }) if at == kid("now")
        ));
        set.records[1].sealed = Some(Sealed::from_bytes(vec![]));
        assert!(matches!(KeyRing::open(&set, &master()), Err(KeyError::SealBroken { .. })));
    }
}
