//! Layer 3, sso: service providers that are told of the end of a session directly, by SOAP, without
//! the browser (saml-bindings-2.0-os §3.2, saml-profiles-2.0-os §4.4.3; conformance A-104). All at
//! the same time, so that the person waits for the slowest only, and no longer than a call may
//! take.

use std::pin::Pin;

use futures_util::future::join_all;

use super::message::Destination;
use crate::cloud::registration::{Reach, Registered};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::logout::LogoutResponse;
use crate::saml::verified::Unsigned;
use crate::saml::{EndpointUrl, EntityId, MessageId, soap};
use crate::sso::watch::AtWork;
use crate::sso::{Sso, Visit};
use crate::store::record::Participant;

/// Calls service providers without a browser between. `app` brings the HTTP client.
pub trait BackChannel: Send + Sync {
    /// Posts an envelope, once, and gives the octets of the answer, if its status is 200. Bounded
    /// in time and, by [`limits::BODY_BYTES`], in size; follows nothing.
    ///
    /// # Errors
    /// What failed, for the log.
    fn call<'a>(&'a self, call: Call<'a>) -> Calling<'a>;
}

/// What a call gives.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    /// The address.
    pub url: &'a EndpointUrl,
    /// Where it may lead.
    pub reach: Reach,
    /// What is posted.
    pub envelope: String,
}

/// What came of telling service providers directly.
#[derive(Default)]
pub(super) struct Told {
    /// Who has ended the session.
    pub(super) done: Vec<EntityId>,
    /// Who could not be told, or has not ended it, and can be told in no other way.
    pub(super) missed: Vec<EntityId>,
    /// Who is left to be told through the browser.
    pub(super) rest: Vec<Participant>,
}

impl Sso {
    /// Tells those of the participants who can be told without the browser.
    pub(super) async fn tell_directly(&self, visit: &Visit, all: Vec<Participant>) -> Told {
        let mut told = Told::default();
        let mut known = Vec::new();
        for participant in all {
            match self.registered(&visit.tenant, &participant.sp) {
                Ok(registered)
                    if registered.service_provider.logout_by_soap.is_some()
                        && known.len() < limits::LOGOUT_CALLS =>
                {
                    known.push((participant, registered));
                }
                _ => told.rest.push(participant),
            }
        }
        let calls = known.iter().map(|(sp, registered)| self.tell_by_soap(visit, registered, sp));
        let results = join_all(calls).await;
        for ((participant, registered), result) in known.into_iter().zip(results) {
            let Err(refusal) = result else {
                told.done.push(participant.sp);
                continue;
            };
            let (tenant, sp) = (visit.tenant.id.as_str(), participant.sp.as_str());
            tracing::warn!(tenant, sp, %refusal, "a service provider was not logged out by SOAP");
            if registered.service_provider.logout.is_empty() {
                told.missed.push(participant.sp);
            } else {
                told.rest.push(participant);
            }
        }
        told
    }

    async fn tell_by_soap(
        &self,
        visit: &Visit,
        registered: &Registered,
        participant: &Participant,
    ) -> Result<(), Refusal> {
        let Some(url) = &registered.service_provider.logout_by_soap else {
            return Err(unmet("a SingleLogoutService by SOAP, found none"));
        };
        let (id, now) = (self.message_id()?, self.clock.now());
        let (to, about) = ((registered, url), (participant, &id, now));
        let envelope =
            self.logout_request(visit, to, about, |demand, by| Ok(demand.soap(by)?)).await?;
        let call = Call { url, reach: registered.reach, envelope };
        let octets = self.back_channel.call(call).await;
        let octets = octets.map_err(|cause| Refusal::new(Code::MetadataMissing, cause))?;
        self.check_soap_answer(visit, registered, (&id, &octets))
    }

    /// That it is the good answer of this service provider to this request.
    fn check_soap_answer(
        &self,
        visit: &Visit,
        registered: &Registered,
        (request, octets): (&MessageId, &[u8]),
    ) -> Result<(), Refusal> {
        let sp = &registered.service_provider;
        let unverified = soap::read::<LogoutResponse>(octets)?;
        if *unverified.claimed_issuer() != sp.entity_id {
            return Err(unmet("an answer of the service provider that was asked, found another's"));
        }
        let verified = unverified.verify(&sp.signing_keys, Unsigned::Refuse)?;
        let response = verified.into_inner().message;
        if response.in_response_to.as_ref() != Some(request) {
            return Err(unmet("an answer to the request, found one to another"));
        }
        let head = (&response, Destination::Optional);
        self.check_logout_head(visit, registered, head, &mut AtWork)?;
        if response.is_complete() { Ok(()) } else { Err(unmet("Success, found another status")) }
    }
}

/// An answer that is not as it must be. It is for the log; nobody is shown it.
fn unmet(cause: &str) -> Refusal {
    Refusal::new(Code::BadSchema, format!("expected {cause}"))
}
