//! Layer 3, sso: logout messages on their way in. Everything that must hold before a session is
//! touched is checked here; what is left is a [`Heard`] (conformance ).

use super::carries;
use crate::cloud::registration::Registered;
use crate::refusal::{Code, Refusal};
use crate::saml::logout::{LogoutRequest, LogoutResponse, Principal};
use crate::saml::message::{Message, Received};
use crate::saml::names::name_id;
use crate::saml::types::format_instant;
use crate::saml::verified::Unsigned;
use crate::saml::xml::{Limits, parse};
use crate::saml::{
    EntityId, MessageId, NameIdentifier, Parameter, Unverified, encryption, post, redirect, soap,
};
use crate::secret;
use crate::sso::request::{aged, as_time, check_time, registered_as};
use crate::sso::watch::{AtWork, Check, Watch};
use crate::sso::{Sso, Visit};
use crate::store::leaving::{Asker, EndRequest, EndResponse, Heard};
use crate::store::record::Tenant;
use crate::store::{Claim, Key, Kind};

impl Sso {
    /// The message in a query, if there is one.
    pub(in crate::sso) fn message_of(
        &self,
        visit: &Visit,
        raw_query: &str,
        watch: &mut impl Watch,
    ) -> Result<Option<Heard>, Refusal> {
        Ok(match carries(raw_query)? {
            None => None,
            Some(Parameter::Request) => {
                let request = (redirect::read(raw_query)?, Destination::Required);
                Some(self.check_logout_request(visit, request, watch)?.into())
            }
            Some(Parameter::Response) => {
                Some(self.check_logout_response(visit, redirect::read(raw_query)?, watch)?)
            }
        })
    }

    /// The message in a form.
    pub(in crate::sso) fn message_in_form(
        &self,
        visit: &Visit,
        (raw_query, body): (&str, &[u8]),
        watch: &mut impl Watch,
    ) -> Result<Heard, Refusal> {
        let raw = std::str::from_utf8(body).unwrap_or_default();
        match carries(raw)? {
            Some(Parameter::Response) => {
                self.check_logout_response(visit, post::read(raw_query, body)?, watch)
            }
            Some(Parameter::Request) | None => {
                let request = (post::read(raw_query, body)?, Destination::Required);
                Ok(self.check_logout_request(visit, request, watch)?.into())
            }
        }
    }

    /// The request in an envelope. It came to its address directly, and need not say which.
    pub(super) fn request_in_envelope(
        &self,
        visit: &Visit,
        envelope: &[u8],
    ) -> Result<EndRequest, Refusal> {
        let unverified = soap::read(envelope)?;
        self.check_logout_request(visit, (unverified, Destination::Optional), &mut AtWork)
    }

    fn check_logout_request(
        &self,
        visit: &Visit,
        (unverified, destination): (Unverified<Received<LogoutRequest>>, Destination),
        watch: &mut impl Watch,
    ) -> Result<EndRequest, Refusal> {
        watch.held(Check::Message, || "a LogoutRequest as the schema has it".to_owned());
        let sp = unverified.claimed_issuer().clone();
        let about = |refusal: Refusal| refusal.about(sp.as_str());
        let (registered, received) = self.signed(visit, unverified, watch).map_err(about)?;
        let Received { message: request, relay_state } = received;
        let head = (&request, destination);
        self.check_logout_head(visit, &registered, head, watch).map_err(about)?;
        let skew = as_time(registered.profile.request.skew);
        if request.not_on_or_after.is_some_and(|until| self.clock.now() >= until + skew) {
            let cause = "expected a LogoutRequest before its NotOnOrAfter, found it later";
            return Err(about(Refusal::new(Code::RequestExpired, cause)));
        }
        watch.held(Check::End, || match request.not_on_or_after {
            Some(until) => format_instant(until),
            None => "none".to_owned(),
        });
        let name_id = self.named(&visit.tenant, request.principal).map_err(about)?;
        watch.held(Check::Name, || {
            let format = name_id.format.as_deref().unwrap_or(name_id::UNSPECIFIED);
            format!("a NameID, {format}")
        });
        Ok(EndRequest {
            asker: Asker {
                sp,
                request: request.id,
                relay_state,
                asynchronous: request.asynchronous,
            },
            name_id,
            session_indexes: request.session_indexes,
        })
    }

    fn check_logout_response(
        &self,
        visit: &Visit,
        unverified: Unverified<Received<LogoutResponse>>,
        watch: &mut impl Watch,
    ) -> Result<Heard, Refusal> {
        watch.held(Check::Message, || "a LogoutResponse as the schema has it".to_owned());
        let sp = unverified.claimed_issuer().clone();
        let about = |refusal: Refusal| refusal.about(sp.as_str());
        let (registered, received) = self.signed(visit, unverified, watch).map_err(about)?;
        let Received { message: response, relay_state } = received;
        let head = (&response, Destination::Required);
        self.check_logout_head(visit, &registered, head, watch).map_err(about)?;
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
        watch: &mut impl Watch,
    ) -> Result<(std::sync::Arc<Registered>, Received<T>), Refusal> {
        let registered = self.registered(&visit.tenant, unverified.claimed_issuer())?;
        watch.held(Check::Issuer, || registered_as(&registered));
        let keys = &registered.service_provider.signing_keys;
        let verified = unverified.verify(keys, Unsigned::Refuse)?;
        watch.held(Check::Signature, || "by a key of its metadata".to_owned());
        Ok((registered, verified.into_inner()))
    }

    /// What is checked of both kinds of message, wherever they came.
    pub(super) fn check_logout_head(
        &self,
        visit: &Visit,
        registered: &Registered,
        (message, destination): (&impl Dated, Destination),
        watch: &mut impl Watch,
    ) -> Result<(), Refusal> {
        let expected = self.logout_url(&visit.tenant);
        let is_absent = message.destination().is_none() && destination == Destination::Optional;
        if !is_absent && message.destination() != Some(expected.as_str()) {
            let found: String = message.destination().unwrap_or("none").chars().take(200).collect();
            let cause = format!("expected Destination {expected}, found {found:?}");
            return Err(Refusal::new(Code::DestinationWrong, cause));
        }
        watch.held(Check::Destination, || expected);
        let age = self.clock.now() - message.issue_instant();
        check_time(&registered.profile, age)?;
        watch.held(Check::Time, || aged(&registered.profile, age));
        Ok(())
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

/// Whether a message has to say where it was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// It came through the browser, and could have been sent elsewhere.
    Required,
    /// It came directly.
    Optional,
}

/// What is checked of both kinds of message.
pub(super) trait Dated {
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
