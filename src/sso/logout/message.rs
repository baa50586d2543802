//! Layer 3, sso: logout messages on their way in. Everything that must hold before a session is
//! touched is checked here; what is left is a [`Heard`] (conformance ).

use super::carries;
use crate::cloud::registration::Registered;
use crate::refusal::{Code, Refusal};
use crate::saml::logout::{LogoutRequest, LogoutResponse, Principal};
use crate::saml::message::{Message, Received};
use crate::saml::verified::Unsigned;
use crate::saml::xml::{Limits, parse};
use crate::saml::{
    EntityId, MessageId, NameIdentifier, Parameter, Unverified, encryption, post, redirect,
};
use crate::secret;
use crate::sso::request::{as_time, check_time};
use crate::sso::{Sso, Visit};
use crate::store::leaving::{Asker, EndRequest, EndResponse, Heard};
use crate::store::record::Tenant;
use crate::store::{Claim, Key, Kind};

impl Sso {
    /// The message in a query, if there is one.
    pub(super) fn message_of(
        &self,
        visit: &Visit,
        raw_query: &str,
    ) -> Result<Option<Heard>, Refusal> {
        Ok(match carries(raw_query)? {
            None => None,
            Some(Parameter::Request) => {
                Some(self.check_logout_request(visit, redirect::read(raw_query)?)?)
            }
            Some(Parameter::Response) => {
                Some(self.check_logout_response(visit, redirect::read(raw_query)?)?)
            }
        })
    }

    /// The message in a form.
    pub(super) fn message_in_form(
        &self,
        visit: &Visit,
        (raw_query, body): (&str, &[u8]),
    ) -> Result<Heard, Refusal> {
        let raw = std::str::from_utf8(body).unwrap_or_default();
        match carries(raw)? {
            Some(Parameter::Response) => {
                self.check_logout_response(visit, post::read(raw_query, body)?)
            }
            Some(Parameter::Request) | None => {
                self.check_logout_request(visit, post::read(raw_query, body)?)
            }
        }
    }

    fn check_logout_request(
        &self,
        visit: &Visit,
        unverified: Unverified<Received<LogoutRequest>>,
    ) -> Result<Heard, Refusal> {
        let sp = unverified.claimed_issuer().clone();
        let about = |refusal: Refusal| refusal.about(sp.as_str());
        let (registered, received) = self.signed(visit, unverified).map_err(about)?;
        let Received { message: request, relay_state } = received;
        self.check_logout_head(visit, &registered, &request).map_err(about)?;
        let skew = as_time(registered.profile.request.skew);
        if request.not_on_or_after.is_some_and(|until| self.clock.now() >= until + skew) {
            let cause = "expected a LogoutRequest before its NotOnOrAfter, found it later";
            return Err(about(Refusal::new(Code::RequestExpired, cause)));
        }
        let name_id = self.named(&visit.tenant, request.principal).map_err(about)?;
        Ok(Heard::Request(Box::new(EndRequest {
            asker: Asker {
                sp,
                request: request.id,
                relay_state,
                asynchronous: request.asynchronous,
            },
            name_id,
            session_indexes: request.session_indexes,
        })))
    }

    fn check_logout_response(
        &self,
        visit: &Visit,
        unverified: Unverified<Received<LogoutResponse>>,
    ) -> Result<Heard, Refusal> {
        let sp = unverified.claimed_issuer().clone();
        let about = |refusal: Refusal| refusal.about(sp.as_str());
        let (registered, received) = self.signed(visit, unverified).map_err(about)?;
        let Received { message: response, relay_state } = received;
        self.check_logout_head(visit, &registered, &response).map_err(about)?;
        let handle = relay_state.map(String::from).unwrap_or_default();
        let is_complete = response.is_complete();
        Ok(Heard::Response(EndResponse {
            sp,
            request: response.in_response_to,
            handle,
            is_complete,
        }))
    }

    /// The message, whose signature is proved: logout messages are never taken without (A-085,
    /// C-47).
    fn signed<T: Message>(
        &self,
        visit: &Visit,
        unverified: Unverified<Received<T>>,
    ) -> Result<(std::sync::Arc<Registered>, Received<T>), Refusal> {
        let registered = self.registered(&visit.tenant, unverified.claimed_issuer())?;
        let keys = &registered.service_provider.signing_keys;
        let verified = unverified.verify(keys, Unsigned::Refuse)?;
        Ok((registered, verified.into_inner()))
    }

    fn check_logout_head(
        &self,
        visit: &Visit,
        registered: &Registered,
        message: &impl Dated,
    ) -> Result<(), Refusal> {
        let expected = self.logout_url(&visit.tenant);
        if message.destination() != Some(expected.as_str()) {
            let found: String = message.destination().unwrap_or("none").chars().take(200).collect();
            let cause = format!("expected Destination {expected}, found {found:?}");
            return Err(Refusal::new(Code::DestinationWrong, cause));
        }
        let age = self.clock.now() - message.issue_instant();
        check_time(&registered.profile, age).map(drop)
    }

    /// Where logout messages come.
    pub(in crate::sso) fn logout_url(&self, tenant: &Tenant) -> String {
        format!("{}/{}/saml/logout", self.base_url, tenant.id)
    }

    /// The name that a request gives, decrypted where it is encrypted.
    fn named(&self, tenant: &Tenant, principal: Principal) -> Result<NameIdentifier, Refusal> {
        let octets = match principal {
            Principal::Named(name_id) => return Ok(name_id),
            Principal::Encrypted(octets) => octets,
        };
        let limits = Limits { bytes: octets.len(), ..Limits::MESSAGE };
        let document = parse(octets.as_bytes(), limits)?;
        let ring = self.rings.get(tenant.id.as_str())?;
        let keys: Vec<_> = ring.decryption_keys().collect();
        let decrypted = encryption::decrypt_id(document.root(), &keys)?;
        Ok(NameIdentifier::read(decrypted.name_id())?)
    }

    /// Uses the id of a request up: a request that comes again ends nothing again.
    pub(super) async fn claim_logout(&self, tenant: &Tenant, asker: &Asker) -> Result<(), Refusal> {
        let id = secret::fingerprint(&format!("logout {} {}", asker.sp, asker.request));
        let key = Key::new(Kind::UsedRequest, tenant.id.as_str(), &id);
        let registered = self.registered(tenant, &asker.sp)?;
        let rules = &registered.profile.request;
        let life = rules.max_age + 2 * rules.skew + crate::limits::ARRIVED_LIFE;
        match self.store.claim(&key, b"logout", life).await? {
            Claim::Won => Ok(()),
            Claim::Lost(_) => {
                let cause = "expected a LogoutRequest that was not used, found a used one";
                Err(Refusal::new(Code::RequestReplayed, cause))
            }
        }
    }
}

/// What is checked of both kinds of message.
trait Dated {
    fn destination(&self) -> Option<&str>;
    fn issue_instant(&self) -> time::OffsetDateTime;
}

impl Dated for LogoutRequest {
    fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    fn issue_instant(&self) -> time::OffsetDateTime {
        self.issue_instant
    }
}

impl Dated for LogoutResponse {
    fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    fn issue_instant(&self) -> time::OffsetDateTime {
        self.issue_instant
    }
}

/// Whether an answer is to the request that waits for one.
pub(super) fn answers(response: &EndResponse, (sp, request): (&EntityId, &MessageId)) -> bool {
    response.sp == *sp && response.request.as_ref() == Some(request)
}
