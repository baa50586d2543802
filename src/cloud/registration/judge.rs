//! Layer 2, cloud: whether a copy of metadata is good.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Entry, RefreshError, Registered, Registration, Source};
use crate::saml::sp_metadata::{self, Lifetime, Trust};

/// A good copy.
#[derive(Clone)]
pub(super) struct Good {
    pub(super) octets: Arc<[u8]>,
    pub(super) registered: Arc<Registered>,
    /// Whether this run has it from its source, or from another node's: the copies of earlier runs
    /// may have been overtaken.
    pub(super) is_fresh: bool,
    pub(super) is_in_history: bool,
}

/// Reads a copy and holds it against the one in use.
pub(super) fn judge(
    entries: &[Entry],
    at: usize,
    octets: Arc<[u8]>,
    (now, lifetime): (OffsetDateTime, Lifetime),
) -> Result<Good, RefreshError> {
    let Entry { registration, good } = &entries[at];
    let old = good.as_ref().map(|good| &good.registered.service_provider);
    let trust = match registration.trust.as_slice() {
        [] => Trust::Origin,
        keys => Trust::Signature(keys),
    };
    let wanted = old.map(|old| &old.entity_id).or(registration.wanted.as_ref());
    let new = sp_metadata::read(&octets, wanted, trust, now).map_err(RefreshError::Metadata)?;
    new.lives_within(lifetime, now).map_err(RefreshError::Metadata)?;
    // The configuration does not ask what was uploaded.
    let is_upload = |registration: &Registration| matches!(registration.source, Source::Upload(_));
    let is_taken = |other: &Entry| {
        other.registration.tenant == registration.tenant
            && is_upload(&other.registration) <= is_upload(registration)
            && other
                .good
                .as_ref()
                .is_some_and(|good| good.registered.service_provider.entity_id == new.entity_id)
    };
    if entries.iter().enumerate().any(|(other, entry)| other != at && is_taken(entry)) {
        return Err(RefreshError::Taken { entity_id: new.entity_id });
    }
    // Who uploads was shown what changes.
    if let Some(old) = old.filter(|_| !is_upload(registration)) {
        if new.signing_keys.is_empty() && !old.signing_keys.is_empty() {
            return Err(RefreshError::KeysGone);
        }
        if let (Some(new), Some(old)) = (new.valid_until, old.valid_until)
            && new < old
        {
            return Err(RefreshError::Older);
        }
    }
    let registered = Registered {
        service_provider: new,
        request_signatures: registration.request_signatures,
        profile: Arc::clone(&registration.profile),
        unsolicited: registration.unsolicited.clone(),
        reach: registration.source.reach(),
        skew: good.as_ref().map(|good| Arc::clone(&good.registered.skew)).unwrap_or_default(),
        loaded_at: now,
    };
    let registered = Arc::new(registered);
    Ok(Good { octets, registered, is_fresh: false, is_in_history: false })
}
