//! Layer 3, sso: journeys that wait for their browser to come back from a sign-in page. Each has a
//! handle of its own, so two tabs do not meet; each is bound to the browser that began it, and is
//! taken once (B-33, C-35).

use super::session::{decode, encode};
use super::{Browser, Sso};
use crate::limits;
use crate::random;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::store::record::{Ask, Pending, Tenant};
use crate::store::{Key, Kind};

impl Sso {
    /// Parks a checked request under `handle`.
    pub(super) async fn park(
        &self,
        tenant: &Tenant,
        handle: &str,
        binding: &str,
        (ask, journey): (Ask, &str),
    ) -> Result<(), Refusal> {
        let pending = Pending {
            ask,
            browser: secret::fingerprint(binding),
            since: self.clock.now(),
            journey: journey.to_owned(),
        };
        let key = pending_key(tenant, handle);
        Ok(self.store.put(&key, &encode(&pending)?, limits::PENDING_LIFE).await?)
    }

    /// Looks at a parked request without taking it.
    pub(super) async fn look(
        &self,
        tenant: &Tenant,
        handle: &str,
        browser: &Browser,
    ) -> Result<Pending, Refusal> {
        let found = self.store.get(&pending_key(tenant, handle)).await?;
        Self::of_this_browser(found, browser)
    }

    /// Takes a parked request: among any number of takers one gets it.
    pub(super) async fn take(
        &self,
        tenant: &Tenant,
        handle: &str,
        browser: &Browser,
    ) -> Result<Pending, Refusal> {
        // Another browser with the same handle must not be able to destroy the journey: look before
        // taking.
        self.look(tenant, handle, browser).await?;
        let found = self.store.take(&pending_key(tenant, handle)).await?;
        Self::of_this_browser(found, browser)
    }

    fn of_this_browser(found: Option<Vec<u8>>, browser: &Browser) -> Result<Pending, Refusal> {
        let octets = found.ok_or_else(|| {
            Refusal::new(Code::JourneyGone, "expected a parked journey, found none")
        })?;
        let pending: Pending = decode(&octets)?;
        let mine = browser.binding.as_deref().map(secret::fingerprint).unwrap_or_default();
        if secret::same(mine.as_bytes(), pending.browser.as_bytes()) {
            return Ok(pending);
        }
        let cause = "expected the browser that began the journey, found another";
        Err(Refusal::new(Code::JourneyElsewhere, cause).about(pending.ask.sp.as_str()))
    }

    /// A fresh handle for a journey.
    pub(super) fn handle(&self) -> String {
        random::token(&*self.random)
    }
}

fn pending_key(tenant: &Tenant, handle: &str) -> Key {
    Key::new(Kind::Pending, tenant.id.as_str(), &secret::fingerprint(handle))
}
