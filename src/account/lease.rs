//! Layer 3, account: work that one node alone shall do, held through the session store. It saves
//! calls; it protects nothing: what is written is judged by versions and constraints, so two nodes
//! that both believe to hold the work only do it twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::limits;
use crate::random::{self, Random};
use crate::store::record::TenantId;
use crate::store::{Claim, Ephemeral, Key, Kind, StoreError};

/// A part of the lease: how often it is renewed.
const EVERY: Duration = Duration::from_secs(limits::RECONCILE_LEASE.as_secs() / 4);

/// A tenant's work, in the hands of this node.
pub(super) struct Held {
    store: Arc<dyn Ephemeral>,
    key: Key,
    token: String,
}

impl Held {
    /// Takes the work, unless another node has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn take(
        store: &Arc<dyn Ephemeral>,
        (kind, tenant): (Kind, &TenantId),
        random: &dyn Random,
    ) -> Result<Option<Self>, StoreError> {
        let (key, token) = (Key::new(kind, tenant.as_str(), ""), random::token(random));
        Ok(match store.claim(&key, token.as_bytes(), limits::RECONCILE_LEASE).await? {
            Claim::Won => Some(Self { store: Arc::clone(store), key, token }),
            Claim::Lost(_) => None,
        })
    }

    /// Keeps the work in hand; comes back only when it is lost. A store that is away for a moment
    /// loses nothing.
    pub(super) async fn keep(&self) {
        let mut kept = Instant::now();
        while kept.elapsed() < limits::RECONCILE_LEASE {
            sleep(EVERY).await;
            match self.store.renew(&self.key, limits::RECONCILE_LEASE).await {
                Ok(Some(token)) if token == self.token.as_bytes() => kept = Instant::now(),
                Ok(_) => return,
                Err(_) => {}
            }
        }
    }

    /// Gives the work back. Where that fails, it comes free by itself.
    pub(super) async fn give_back(self) {
        let held = self.store.get(&self.key).await;
        let is_ours = matches!(held, Ok(Some(token)) if token == self.token.as_bytes());
        if is_ours && let Err(error) = self.store.remove(&self.key).await {
            tracing::warn!(%error, "a comparison with the cloud's list is not given back");
        }
    }
}
