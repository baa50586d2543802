//! Layer 3, sso: requests that come by HTTP-POST. They come from another site, so the browser keeps
//! its cookies to itself (`SameSite=Lax`) and nobody can tell yet whose session is meant. The
//! request is checked, kept for a moment, and answered when the browser has followed a redirect to
//! an address of ours (conformance B-27).
//!
//! That address holds for one use, because the request's id does, and the use binds it to the
//! browser: the same rules as for a request by HTTP-Redirect, whose whole text anybody can open
//! anywhere as well.

use std::time::Duration;

use super::beginning::Beginning;
use super::request::{Carried, Checked};
use super::session::{decode, encode};
use super::watch::AtWork;
use super::{Browser, Sso, Step, Turn, Visit};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::store::record::{Arrived, Tenant};
use crate::store::{Key, Kind};

impl Sso {
    /// Takes a request that was posted to `/{tenant}/saml/sso`, or to the address of one key.
    ///
    /// # Errors
    /// Every way in which a request can be refused; nothing is then kept or sent anywhere.
    pub async fn arrive(
        &self,
        visit: &Visit,
        browser: &Browser,
        kid: Option<&str>,
        (raw_query, body): (&str, &[u8]),
    ) -> Result<Turn, Refusal> {
        let carried = Carried::Form(raw_query, body);
        let Checked { ask, remember, .. } = self.check_request(visit, kid, carried, &mut AtWork)?;
        self.count_beginning(&visit.tenant, browser).await?;
        let arrived = Arrived {
            remember: remember.as_secs().saturating_add(1),
            journey: browser.journey.clone(),
            ask,
        };
        let handle = self.handle();
        let key = arrived_key(&visit.tenant, &handle);
        self.store.put(&key, &encode(&arrived)?, limits::ARRIVED_LIFE).await?;
        Ok(Turn::of(Step::Arrived { handle }))
    }

    /// Answers a request that was posted, now that the browser shows its cookies.
    ///
    /// # Errors
    /// [`Code::JourneyGone`], or what [`Sso::answer`] refuses.
    pub async fn answer_arrived(
        &self,
        visit: &Visit,
        browser: &Browser,
        handle: &str,
    ) -> Result<Turn, Refusal> {
        let found = self.store.get(&arrived_key(&visit.tenant, handle)).await?;
        let octets = found.ok_or_else(|| {
            Refusal::new(Code::JourneyGone, "expected a posted request, found none")
        })?;
        let Arrived { ask, remember, journey } = decode(&octets)?;
        let sp = ask.sp.clone();
        let registered = self.registered(&visit.tenant, &sp)?;
        let checked = Checked { ask, registered, remember: Duration::from_secs(remember) };
        let browser = Browser { journey, ..browser.clone() };
        let answered = self.answer_checked(visit, &browser, checked, Beginning::Counted).await;
        answered.map_err(|refusal| refusal.about(sp.as_str()))
    }
}

fn arrived_key(tenant: &Tenant, handle: &str) -> Key {
    Key::new(Kind::Arrived, tenant.id.as_str(), &secret::fingerprint(handle))
}
