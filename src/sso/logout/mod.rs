//! Layer 3, sso: the end of a session (saml-profiles-2.0-os §4.4, contract §1.10; conformance A-085
//! to ). It may come by plain redirect, or by a message of a service provider; those
//! who were told about the session are told of its end: directly where they can be called, and then
//! one after another through the browser.
//!
//! Our own session ends first, whatever becomes of the others; then nobody can get a new assertion
//! by it while the browser is under way.

mod back;
mod called;
mod end;
mod message;
mod ours;
mod walk;

pub use back::{BackChannel, Call, Calling};
pub use called::Answered;
pub(super) use end::names_for_ever;
pub(super) use walk::endpoint;
pub use walk::{Telling, Way};

use self::back::Told;
use self::end::Ended;
use super::session::{decode, encode};
use super::watch::AtWork;
use super::{Browser, SessionChange, Sso, Step, Turn, Visit};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::Parameter;
use crate::saml::names::status;
use crate::secret;
use crate::store::leaving::{EndRequest, Heard, Leaving};
use crate::store::record::{Participant, Tenant};
use crate::store::{Key, Kind};

impl Sso {
    /// Ends the browser's session, if it has one, and tells those who know of it.
    ///
    /// # Errors
    /// A store's refusal: a session that could not be ended is not reported as ended (conformance
    /// V7).
    pub async fn log_out(&self, visit: &Visit, browser: &Browser) -> Result<Turn, Refusal> {
        let others = self.end_own(&visit.tenant, browser).await?;
        let turn = self.leave(visit, browser, (None, others)).await?;
        Ok(Turn { session: SessionChange::Close, ..turn })
    }

    /// What comes to `/{tenant}/saml/logout` in a query: a message, or nothing at all (contract
    /// §1.10).
    ///
    /// # Errors
    /// Every way in which a message can be refused.
    pub async fn hear(
        &self,
        visit: &Visit,
        browser: &Browser,
        raw_query: &str,
    ) -> Result<Turn, Refusal> {
        match self.message_of(visit, raw_query, &mut AtWork)? {
            None => self.log_out(visit, browser).await,
            Some(heard) => self.act_on(visit, browser, heard).await,
        }
    }

    /// Takes a message that was posted to `/{tenant}/saml/logout`, which shows no cookie: it is
    /// checked, and acted on at the address that follows (conformance B-27).
    ///
    /// # Errors
    /// Every way in which a message can be refused; nothing is then kept.
    pub async fn hear_form(
        &self,
        visit: &Visit,
        browser: &Browser,
        form: (&str, &[u8]),
    ) -> Result<Turn, Refusal> {
        let heard = self.message_in_form(visit, form, &mut AtWork)?;
        let handle = self.handle();
        let key = heard_key(&visit.tenant, &handle);
        self.store.put(&key, &encode(&heard)?, limits::ARRIVED_LIFE).await?;
        Ok(Turn::of(Step::Heard { handle }).on_journey(&browser.journey))
    }

    /// Acts on a message that was posted, now that the browser shows its cookies.
    ///
    /// # Errors
    /// [`Code::JourneyGone`], or what [`Sso::hear`] refuses.
    pub async fn heard(
        &self,
        visit: &Visit,
        browser: &Browser,
        handle: &str,
    ) -> Result<Turn, Refusal> {
        let found = self.store.take(&heard_key(&visit.tenant, handle)).await?;
        let octets = found.ok_or_else(|| gone("a posted message"))?;
        self.act_on(visit, browser, decode(&octets)?).await
    }

    async fn act_on(
        &self,
        visit: &Visit,
        browser: &Browser,
        heard: Heard,
    ) -> Result<Turn, Refusal> {
        match heard {
            Heard::Request(request) => {
                let sp = request.asker.sp.clone();
                self.asked_to_end(visit, browser, *request).await.map_err(|r| r.about(sp.as_str()))
            }
            Heard::Response(response) => self.was_told(visit, browser, response).await,
        }
    }

    /// Ends what a service provider asks to end. From here on it gets an answer, whatever happens
    ///
    async fn asked_to_end(
        &self,
        visit: &Visit,
        browser: &Browser,
        request: EndRequest,
    ) -> Result<Turn, Refusal> {
        self.claim_logout(&visit.tenant, &request.asker).await?;
        match self.ended(visit, browser, &request).await {
            Ok(Ended { others, session, .. }) => {
                let turn = self.leave(visit, browser, (Some(request.asker), others)).await?;
                Ok(Turn { session, ..turn })
            }
            Err(outcome) => self.answer_logout(visit, &request.asker, outcome).await,
        }
    }

    /// Begins to tell the others, or ends at once where there are none, or where what is to be done
    /// cannot be kept: our session has ended already.
    async fn leave(
        &self,
        visit: &Visit,
        browser: &Browser,
        (asker, rest): (Option<crate::store::leaving::Asker>, Vec<Participant>),
    ) -> Result<Turn, Refusal> {
        let Told { done, missed, rest } = self.tell_directly(visit, rest).await;
        if rest.is_empty() {
            return self.finish(visit, asker.as_ref(), missed).await;
        }
        let (binding, new_binding) = self.binding(browser);
        let leaving = Leaving {
            browser: secret::fingerprint(&binding),
            asker,
            current: None,
            rest,
            done,
            missed,
            journey: browser.journey.clone(),
        };
        let handle = self.handle();
        if let Err(refusal) = self.keep_leaving(&visit.tenant, &handle, &leaving).await {
            let tenant = visit.tenant.id.as_str();
            tracing::warn!(tenant, %refusal, "a logout ends before everybody is told");
            let Leaving { asker, rest, mut missed, .. } = leaving;
            missed.extend(rest.into_iter().map(|participant| participant.sp));
            return self.finish(visit, asker.as_ref(), missed).await;
        }
        Ok(Turn { binding: new_binding, ..Turn::of(Step::Leaving { handle }) })
    }

    async fn keep_leaving(
        &self,
        tenant: &Tenant,
        handle: &str,
        leaving: &Leaving,
    ) -> Result<(), Refusal> {
        let key = leaving_key(tenant, handle);
        Ok(self.store.put(&key, &encode(leaving)?, limits::PENDING_LIFE).await?)
    }

    /// A logout under way, if this browser began it.
    async fn leaving(
        &self,
        tenant: &Tenant,
        browser: &Browser,
        handle: &str,
    ) -> Result<Leaving, Refusal> {
        let found = self.store.get(&leaving_key(tenant, handle)).await?;
        let leaving: Leaving = decode(&found.ok_or_else(|| gone("a logout under way"))?)?;
        let mine = browser.binding.as_deref().map(secret::fingerprint).unwrap_or_default();
        if secret::same(mine.as_bytes(), leaving.browser.as_bytes()) {
            return Ok(leaving);
        }
        let cause = "expected the browser that began the logout, found another";
        Err(Refusal::new(Code::JourneyElsewhere, cause))
    }
}

/// How a logout went: top-level and second-level status code.
type Outcome = (&'static str, Option<&'static str>);

/// All is ended.
const SUCCESS: Outcome = (status::SUCCESS, None);
/// Our own session is ended; somebody could not be told.
const PARTIAL: Outcome = (status::SUCCESS, Some(status::PARTIAL_LOGOUT));
/// There is no such session.
const UNKNOWN: Outcome = (status::REQUESTER, Some(status::UNKNOWN_PRINCIPAL));
/// It could not be ended.
const FAILED: Outcome = (status::RESPONDER, None);

fn gone(what: &str) -> Refusal {
    Refusal::new(Code::JourneyGone, format!("expected {what}, found none"))
}

fn heard_key(tenant: &Tenant, handle: &str) -> Key {
    Key::new(Kind::Heard, tenant.id.as_str(), &secret::fingerprint(handle))
}

fn leaving_key(tenant: &Tenant, handle: &str) -> Key {
    Key::new(Kind::Leaving, tenant.id.as_str(), &secret::fingerprint(handle))
}

/// Whether a query or form carries a message of either kind.
fn carries(raw: &str) -> Result<Option<Parameter>, Refusal> {
    Ok(Parameter::of(raw)?)
}
