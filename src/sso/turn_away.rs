//! Layer 3, sso: the end of a journey that gives no assertion because of who is there: switched
//! off, without a cloud account, not proved anew. The person reads on our page what they can do;
//! the service provider that asked gets the standard's status, as far as its profile wants that
//! (saml-core-2.0-os §3.2.2.2, conformance A-043).

use std::sync::Arc;

use super::launch::Onward;
use super::next::Next;
use super::{Browser, Sso, Step, Turn, Visit};
use crate::cloud::registration::Registered;
use crate::cloud::response::Refused;
use crate::refusal::{Code, Refusal};
use crate::saml::names::status;
use crate::store::record::Ask;

impl Sso {
    /// Ends a journey whose request was checked.
    ///
    /// # Errors
    /// The refusal itself, where only our page shall say it.
    pub(super) async fn turn_away(
        &self,
        visit: &Visit,
        (ask, registered): (Ask, &Arc<Registered>),
        refusal: Refusal,
    ) -> Result<Step, Refusal> {
        let refusal = refusal.about(ask.sp.as_str());
        let refused = registered.profile.response.refused;
        if refused == Refused::Page || ask.id.is_none() {
            return Err(refusal);
        }
        let answer = self.decline(visit, registered, ask, status_of(refusal.code)).await;
        let answer = match answer {
            Ok(answer) => answer,
            // What the person is told matters more than why nobody else can be told.
            Err(why) => {
                let (tenant, cause) = (visit.tenant.id.as_str(), why);
                tracing::warn!(tenant, %cause, "a service provider is not told of a refusal");
                return Err(refusal);
            }
        };
        Ok(Step::TurnAway {
            refusal: Box::new(refusal),
            answer: Box::new(answer),
            is_at_once: refused == Refused::Service,
        })
    }

    /// The same for a journey that waited, when a sign-in for it is refused.
    ///
    /// # Errors
    /// The refusal itself, where only our page shall say it.
    pub(super) async fn turn_away_waiting(
        &self,
        visit: &Visit,
        browser: &Browser,
        onward: Onward<'_>,
        refusal: Refusal,
    ) -> Result<Turn, Refusal> {
        let Onward::Journey { handle } = onward else { return Err(refusal) };
        let tenant = &visit.tenant;
        let Ok(waiting) = self.look(tenant, handle, browser).await else { return Err(refusal) };
        let Ok(registered) = self.registered(tenant, &waiting.ask.sp) else { return Err(refusal) };
        if registered.profile.response.refused == Refused::Page || waiting.ask.id.is_none() {
            // Nothing is answered yet: somebody else may still sign in.
            return Err(refusal.about(waiting.ask.sp.as_str()));
        }
        let Ok(taken) = self.take(tenant, handle, browser).await else { return Err(refusal) };
        let step = self.turn_away(visit, (taken.ask, &registered), refusal).await?;
        Ok(Turn::of(step).on_journey(&taken.journey))
    }
}

/// Why a decision gives no assertion to who is there; none where it is not because of them.
pub(super) fn reason(next: Next) -> Option<Refusal> {
    Some(match next {
        Next::Disabled => {
            let cause = "expected an enabled customer, found one switched off";
            Refusal::new(Code::CustomerDisabled, cause)
        }
        Next::FirstLoginNotBegun => {
            let cause = "expected a linked customer or a first login begun here, found neither";
            Refusal::new(Code::FirstLoginNotBegun, cause)
        }
        Next::ProofNotFresh => {
            let cause = "expected a sign-in at the partner's since the request, found none said";
            Refusal::new(Code::ProofNotFresh, cause)
        }
        Next::Assert | Next::Decline(..) | Next::SignIn => return None,
    })
}

/// What the service provider is told.
pub(super) fn status_of(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::ProofNotFresh => (status::RESPONDER, status::AUTHN_FAILED),
        _ => (status::RESPONDER, status::REQUEST_DENIED),
    }
}
