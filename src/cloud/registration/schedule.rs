//! Layer 2, cloud: when metadata is fetched again. It is kept no longer than its `cacheDuration`
//! says (saml-metadata-2.0-os §2.3.2), and no longer than the operator wants.

use std::sync::Arc;
use std::time::Duration;

use super::{Entry, Fetch, Registrations, Report, Source};
use crate::limits;

impl Registrations {
    /// Loads anew what is due: what was loaded longer ago than `every` or than its own
    /// `cacheDuration`, though never more often than [`limits::METADATA_SOONEST`]; and what this
    /// run has not loaded yet. Like [`Registrations::refresh`] otherwise.
    pub async fn refresh_due(&self, fetch: &Arc<dyn Fetch>, every: Duration) -> Vec<Report> {
        let now = self.clock.now();
        self.refresh_those(fetch, |entry| {
            let fresh = entry.good.as_ref().filter(|good| good.is_fresh);
            fresh.is_none_or(|good| now - good.registered.loaded_at >= life(entry, every))
        })
        .await
    }

    /// How long until something is due, if what fails is tried again at its usual time.
    pub async fn rest(&self, every: Duration) -> Duration {
        let now = self.clock.now();
        let entries = self.entries.lock().await;
        let rests = entries.iter().filter_map(|entry| {
            let good = entry.good.as_ref()?;
            let age = now - good.registered.loaded_at;
            let age = Duration::try_from(age).unwrap_or_default();
            matches!(entry.registration.source, Source::Url(_) | Source::File(_))
                .then(|| life(entry, every).saturating_sub(age))
        });
        rests.min().unwrap_or(every).max(Duration::from_secs(1))
    }
}

/// How long the copy in use is kept.
fn life(entry: &Entry, every: Duration) -> Duration {
    let cache =
        entry.good.as_ref().and_then(|good| good.registered.service_provider.cache_duration);
    cache.map_or(every, |cache| cache.max(limits::METADATA_SOONEST).min(every))
}
