//! Layer 3, sso: a logout goes through the browser from one service provider to the next. Each is
//! told on a page of ours, which the browser's way back leads to when a service provider does not
//! answer: after a time, or by the person's choice, it is left out, and who asked is told so
//! (conformance ).

use super::message::answers;
use super::{Outcome, PARTIAL, SUCCESS, gone};
use crate::cloud::registration::Registered;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::sp_metadata::{Binding, LogoutEndpoint};
use crate::saml::{EntityId, RelayState};
use crate::sso::request::as_time;
use crate::sso::{Browser, Sso, Step, Turn, Visit};
use crate::store::leaving::{Asker, EndResponse, Leaving, Told};

/// How a logout message leaves through the browser.
#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    /// By this address.
    Redirect {
        /// The address with the message in its query.
        url: String,
    },
    /// By a form.
    Post {
        /// Where it is posted: as the service provider's metadata lists it.
        action: String,
        /// `SAMLRequest` or `SAMLResponse`.
        parameter: &'static str,
        /// The message, in base64.
        message: String,
        /// `RelayState`, if there is one.
        relay_state: Option<String>,
    },
}

/// A page that tells one service provider of the logout.
#[derive(Debug, PartialEq, Eq)]
pub struct Telling {
    /// The message.
    pub way: Way,
    /// Whom it tells.
    pub sp: EntityId,
    /// The logout's handle.
    pub handle: String,
    /// How many were told, this one included.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// The browser goes on by itself: not where it has come back from there without an answer.
    pub is_first_try: bool,
}

impl Sso {
    /// The page of a logout under way.
    ///
    /// # Errors
    /// [`Code::JourneyGone`], [`Code::JourneyElsewhere`], or a store's refusal.
    pub async fn leaving_page(
        &self,
        visit: &Visit,
        browser: &Browser,
        handle: &str,
    ) -> Result<Turn, Refusal> {
        let mut leaving = self.leaving(&visit.tenant, browser, handle).await?;
        let patience = as_time(limits::LOGOUT_PATIENCE);
        let is_over = |told: &Told| self.clock.now() - told.at >= patience;
        if leaving.current.as_ref().is_some_and(is_over) {
            give_up(&mut leaving);
        }
        self.go_on(visit, handle, leaving).await
    }

    /// Leaves out the service provider that does not answer, because the person says so.
    ///
    /// # Errors
    /// As [`Sso::leaving_page`]; [`Code::FormExpired`].
    pub async fn skip(
        &self,
        visit: &Visit,
        browser: &Browser,
        (handle, form_token): (&str, &str),
    ) -> Result<Turn, Refusal> {
        let mut leaving = self.leaving(&visit.tenant, browser, handle).await?;
        Self::check_form(browser, form_token)?;
        give_up(&mut leaving);
        self.keep_leaving(&visit.tenant, handle, &leaving).await?;
        Ok(Turn::of(Step::Leaving { handle: handle.to_owned() }).on_journey(&leaving.journey))
    }

    /// Takes the answer of a service provider that was told.
    pub(super) async fn was_told(
        &self,
        visit: &Visit,
        browser: &Browser,
        response: EndResponse,
    ) -> Result<Turn, Refusal> {
        let handle = response.handle.clone();
        let mut leaving = self.leaving(&visit.tenant, browser, &handle).await?;
        let is_awaited = leaving
            .current
            .take_if(|told| answers(&response, (&told.participant.sp, &told.request)));
        let Some(told) = is_awaited else {
            return Err(gone("a LogoutRequest that this answers").about(response.sp.as_str()));
        };
        let list = if response.is_complete { &mut leaving.done } else { &mut leaving.missed };
        list.push(told.participant.sp);
        self.keep_leaving(&visit.tenant, &handle, &leaving).await?;
        Ok(Turn::of(Step::Leaving { handle }).on_journey(&leaving.journey))
    }

    /// Tells the next, or ends.
    async fn go_on(
        &self,
        visit: &Visit,
        handle: &str,
        mut leaving: Leaving,
    ) -> Result<Turn, Refusal> {
        let journey = leaving.journey.clone();
        let is_first_try = leaving.current.is_none();
        loop {
            // Who comes back without an answer carries the same request once more.
            let told = match leaving.current.take() {
                Some(told) => told,
                None => match leaving.rest.pop() {
                    Some(participant) => {
                        Told { participant, request: self.message_id()?, at: self.clock.now() }
                    }
                    None => break,
                },
            };
            let number = leaving.done.len() + leaving.missed.len() + 1;
            let of = number + leaving.rest.len();
            match self.tell_of_end(visit, handle, &told).await {
                Ok(way) => {
                    let sp = told.participant.sp.clone();
                    leaving.current = Some(told);
                    self.keep_leaving(&visit.tenant, handle, &leaving).await?;
                    let handle = handle.to_owned();
                    let telling = Telling { way, sp, handle, number, of, is_first_try };
                    return Ok(Turn::of(Step::Tell(Box::new(telling))).on_journey(&journey));
                }
                Err(refusal) => {
                    let tenant = visit.tenant.id.as_str();
                    tracing::warn!(tenant, %refusal, "a service provider cannot be logged out");
                    leaving.missed.push(told.participant.sp);
                }
            }
        }
        self.keep_leaving(&visit.tenant, handle, &leaving).await?;
        let turn = self.finish(visit, leaving.asker.as_ref(), leaving.missed).await?;
        Ok(turn.on_journey(&journey))
    }

    /// The end, when all were told but those who were missed.
    pub(super) async fn finish(
        &self,
        visit: &Visit,
        asker: Option<&Asker>,
        missed: Vec<EntityId>,
    ) -> Result<Turn, Refusal> {
        match asker {
            None => Ok(Turn::of(Step::SignedOut { missed })),
            Some(asker) if missed.is_empty() => self.answer_logout(visit, asker, SUCCESS).await,
            Some(asker) => self.answer_logout(visit, asker, PARTIAL).await,
        }
    }

    /// The request that tells a service provider, signed.
    async fn tell_of_end(&self, visit: &Visit, handle: &str, told: &Told) -> Result<Way, Refusal> {
        let registered = self.registered(&visit.tenant, &told.participant.sp)?;
        let endpoint = endpoint(&registered)?;
        let (to, about) = (&endpoint.location, (&told.participant, &told.request, told.at));
        let demand = self.logout_request(visit, (&registered, to), about, |demand, signer| {
            Ok(match endpoint.binding {
                Binding::Redirect => Way::Redirect { url: demand.redirect(signer, handle)? },
                Binding::Post => Way::Post {
                    action: to.to_string(),
                    parameter: "SAMLRequest",
                    message: demand.post(signer)?,
                    relay_state: Some(handle.to_owned()),
                },
            })
        });
        demand.await
    }

    /// Answers who asked for the logout: always signed, and always, where they wait for it.
    pub(super) async fn answer_logout(
        &self,
        visit: &Visit,
        asker: &Asker,
        outcome: Outcome,
    ) -> Result<Turn, Refusal> {
        let signed_out = || Turn::of(Step::SignedOut { missed: Vec::new() });
        if asker.asynchronous {
            return Ok(signed_out());
        }
        let registered = self.registered(&visit.tenant, &asker.sp)?;
        let Ok(endpoint) = endpoint(&registered) else { return Ok(signed_out()) };
        let to = endpoint.response_location.as_ref().unwrap_or(&endpoint.location);
        let relay_state = asker.relay_state.as_ref().map(RelayState::as_str);
        let answered = (asker, outcome);
        let answer =
            self.logout_response(visit, (&registered, Some(to)), answered, |answer, signer| {
                Ok(match endpoint.binding {
                    Binding::Redirect => {
                        Way::Redirect { url: answer.redirect(signer, relay_state)? }
                    }
                    Binding::Post => Way::Post {
                        action: to.to_string(),
                        parameter: "SAMLResponse",
                        message: answer.post(signer)?,
                        relay_state: relay_state.map(str::to_owned),
                    },
                })
            });
        let way = Box::new(answer.await?);
        Ok(Turn::of(Step::LogoutAnswered { way, sp: asker.sp.clone() }))
    }
}

/// The service provider that was asked last is left out.
fn give_up(leaving: &mut Leaving) {
    leaving.missed.extend(leaving.current.take().map(|told| told.participant.sp));
}

/// Where logout messages go: by HTTP-Redirect where it is offered, which costs the browser least.
pub(in crate::sso) fn endpoint(registered: &Registered) -> Result<&LogoutEndpoint, Refusal> {
    let offered = &registered.service_provider.logout;
    let of = |binding| offered.iter().find(move |endpoint| endpoint.binding == binding);
    of(Binding::Redirect).or_else(|| of(Binding::Post)).ok_or_else(|| {
        let cause = "expected a SingleLogoutService in the service provider's metadata, found none";
        Refusal::new(Code::MetadataMissing, cause)
    })
}
