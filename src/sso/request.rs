//! Layer 3, sso: an `AuthnRequest` on its way in. Everything that must hold before anybody is asked
//! to sign in is checked here, in one order, and what is left is an [`Ask`] (contract §3,
//! conformance ).

use std::sync::Arc;

use time::Duration;

use super::{Sso, Visit};
use crate::cloud::Profile;
use crate::cloud::registration::Registered;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::authn_request::{AuthnRequest, Comparison, ReplyTo};
use crate::saml::message::Received;
use crate::saml::names::{binding, name_id};
use crate::saml::verified::{Proof, Unsigned};
use crate::saml::{AcsUrl, EntityId, Unverified, Verified};
use crate::store::record::{Ask, Tenant, Unmet};

/// A checked request, with what is needed to answer it.
pub(super) struct Checked {
    /// What was asked.
    pub ask: Ask,
    /// Who asked.
    pub registered: Arc<Registered>,
    /// How long its id must be remembered.
    pub remember: std::time::Duration,
}

impl Sso {
    /// Checks a request that arrived at the SSO address of a tenant, or of one of its keys.
    pub(super) fn check_request(
        &self,
        visit: &Visit,
        kid: Option<&str>,
        unverified: Unverified<Received<AuthnRequest>>,
    ) -> Result<Checked, Refusal> {
        let issuer = unverified.claimed_issuer().clone();
        let about = |refusal: Refusal| refusal.about(issuer.as_str());
        let registered = self.registered(&visit.tenant, &issuer).map_err(about)?;
        let unsigned =
            if registered.requires_signature() { Unsigned::Refuse } else { Unsigned::Accept };
        let keys = &registered.service_provider.signing_keys;
        let verified = unverified.verify(keys, unsigned).map_err(|e| about(e.into()))?;
        self.check_verified(visit, kid, &registered, verified).map_err(about)
    }

    /// The registered service provider of that entityID.
    pub(super) fn registered(
        &self,
        tenant: &Tenant,
        issuer: &EntityId,
    ) -> Result<Arc<Registered>, Refusal> {
        let missing = || {
            if self.registrations.is_waiting(&tenant.id) {
                let cause = "expected the service provider's metadata, it could not be loaded yet";
                return Refusal::new(Code::MetadataMissing, cause);
            }
            let cause = "expected the Issuer of a registered service provider, found another";
            Refusal::new(Code::IssuerUnknown, cause)
        };
        self.registrations.get(&tenant.id, issuer).ok_or_else(missing)
    }

    fn check_verified(
        &self,
        visit: &Visit,
        kid: Option<&str>,
        registered: &Arc<Registered>,
        verified: Verified<Received<AuthnRequest>>,
    ) -> Result<Checked, Refusal> {
        let proof = verified.proof();
        let Received { message: request, relay_state } = verified.into_inner();
        self.check_destination(visit, kid, request.destination.as_deref(), proof)?;
        let acs = choose_acs(&request.reply_to, registered)?;
        let remember = self.check_time(&registered.profile, &request)?;
        let most = registered.profile.request.relay_state_bytes;
        if relay_state.as_ref().is_some_and(|state| state.as_str().len() > most) {
            let cause = format!("expected a RelayState of at most {most} bytes, found more");
            return Err(Refusal::new(Code::RelayStateTooLong, cause));
        }
        let ask = Ask {
            unmet: unmet(&request, visit, registered),
            contexts: request.requested_authn_context.map(|c| c.classes).unwrap_or_default(),
            id: request.id,
            sp: request.issuer,
            acs,
            relay_state,
            kid: kid.map(str::to_owned),
            force_authn: request.force_authn,
            is_passive: request.is_passive,
        };
        Ok(Checked { ask, registered: Arc::clone(registered), remember })
    }

    /// `Destination` is the very address at which the request arrived; a signed request must have
    /// one (saml-core-2.0-os §3.2.1, saml-bindings-2.0-os §3.4.5.2).
    fn check_destination(
        &self,
        visit: &Visit,
        kid: Option<&str>,
        found: Option<&str>,
        proof: Proof,
    ) -> Result<(), Refusal> {
        let expected = self.sso_url(&visit.tenant, kid);
        match found {
            Some(found) if found == expected => Ok(()),
            None if proof == Proof::NotAsked => Ok(()),
            found => {
                let found: String = found.unwrap_or("none").chars().take(200).collect();
                let cause = format!("expected Destination {expected}, found {found:?}");
                Err(Refusal::new(Code::DestinationWrong, cause))
            }
        }
    }

    /// The SSO address of a tenant, or of one of its keys (design §7).
    pub(super) fn sso_url(&self, tenant: &Tenant, kid: Option<&str>) -> String {
        let plain = format!("{}/{}/saml/sso", self.base_url, tenant.id);
        kid.map_or_else(|| plain.clone(), |kid| format!("{plain}/{kid}"))
    }

    /// Checks `IssueInstant` (conformance A-107); gives how long the id must be remembered (B-18).
    fn check_time(
        &self,
        profile: &Profile,
        request: &AuthnRequest,
    ) -> Result<std::time::Duration, Refusal> {
        let rules = &profile.request;
        let (max_age, skew) = (as_time(rules.max_age), as_time(rules.skew));
        let age = self.clock.now() - request.issue_instant;
        let seconds = age.whole_seconds();
        if age > max_age + skew {
            let most = (max_age + skew).whole_seconds();
            let cause = format!("expected an IssueInstant at most {most} s old, found {seconds} s");
            return Err(Refusal::new(Code::RequestExpired, cause));
        }
        if age < -skew {
            let most = skew.whole_seconds();
            let cause =
                format!("expected an IssueInstant at most {most} s ahead, found {} s", -seconds);
            return Err(Refusal::new(Code::RequestFromFuture, cause));
        }
        Ok(rules.max_age + 2 * rules.skew + limits::PENDING_LIFE)
    }
}

fn as_time(duration: std::time::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::MAX)
}

/// The ACS that the request asks for, if metadata lists it for HTTP-POST (conformance A-023 to
/// A-027, B-15).
fn choose_acs(reply_to: &ReplyTo, registered: &Registered) -> Result<AcsUrl, Refusal> {
    let asked_binding = match reply_to {
        ReplyTo::Default { binding } | ReplyTo::Url { binding, .. } => binding.as_deref(),
        ReplyTo::Index(_) => None,
    };
    if asked_binding.is_some_and(|asked| asked != binding::POST) {
        let cause = "expected ProtocolBinding HTTP-POST, found another";
        return Err(Refusal::new(Code::BindingUnsupported, cause));
    }
    let sp = &registered.service_provider;
    let found = match reply_to {
        ReplyTo::Default { .. } => sp.default_acs(),
        ReplyTo::Url { url, .. } => sp.acs_by_url(url),
        ReplyTo::Index(index) => sp.acs_by_index(*index),
    };
    found.map(|acs| acs.location.clone()).ok_or_else(|| {
        let cause = "expected an AssertionConsumerService that metadata lists for HTTP-POST";
        Refusal::new(Code::AcsForeign, cause)
    })
}

/// What the request asks for that nobody's sign-in could give.
fn unmet(request: &AuthnRequest, visit: &Visit, registered: &Registered) -> Option<Unmet> {
    let sp = registered.service_provider.entity_id.as_str();
    if request.names_subject {
        // The subject would have to match strongly (saml-core-2.0-os §3.4.1.4).
        return Some(Unmet::Other);
    }
    let lists_index = |index| {
        registered.service_provider.attribute_services.iter().any(|service| service.index == index)
    };
    if request.attribute_consuming_service_index.is_some_and(|index| !lists_index(index)) {
        return Some(Unmet::Other);
    }
    let us = visit.tenant.entity_id.as_str();
    if !request.idp_list.is_empty() && !request.idp_list.iter().any(|idp| idp == us) {
        return Some(Unmet::Idp);
    }
    let given = registered.profile.response.name_id.format.uri();
    if let Some(policy) = &request.name_id_policy {
        let format = policy.format.as_deref().unwrap_or(name_id::UNSPECIFIED);
        let qualifier = policy.sp_name_qualifier.as_deref().unwrap_or(sp);
        if (format != name_id::UNSPECIFIED && format != given) || qualifier != sp {
            return Some(Unmet::NameId);
        }
    }
    let context = request.requested_authn_context.as_ref()?;
    let impossible = context.comparison == Comparison::Better || context.classes.is_empty();
    impossible.then_some(Unmet::AuthnContext)
}
