//! Layer 3, sso: how often something may happen (conformance B-42). Only a rate limit: while the
//! store is away it lets everybody pass, and says so (D-02).

use std::time::Duration;

use super::Sso;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::store::record::Tenant;
use crate::store::{Key, Kind};

/// Most of something in a time.
pub(super) struct Limit {
    /// What is counted, for the log.
    pub what: &'static str,
    /// Most of it.
    pub most: u64,
    /// In which time.
    pub window: Duration,
    /// What becomes of one too many.
    pub code: Code,
}

impl Sso {
    /// Counts one more of those that `of` names; that name is not kept.
    ///
    /// # Errors
    /// The limit's code.
    pub(super) async fn count(
        &self,
        tenant: &Tenant,
        of: &str,
        limit: &Limit,
    ) -> Result<(), Refusal> {
        let Limit { what, most, window, code } = *limit;
        let key = Key::new(Kind::Attempts, tenant.id.as_str(), &secret::fingerprint(of));
        match self.store.count(&key, window).await {
            Ok(count) if count > most => {
                let cause = format!("expected at most {most} {what}, found {count}");
                Err(Refusal::new(code, cause))
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(tenant = %tenant.id, %error, "{what} not counted");
                Ok(())
            }
        }
    }
}
