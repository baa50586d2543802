//! Layer 3, sso: an `AuthnRequest` on its way in. Everything that must hold before anybody is asked
//! to sign in is checked here, in one order, and what is left is an [`Ask`] (contract §3,
//! conformance ).

use std::sync::Arc;

use time::Duration;

use super::{Sso, Visit};
use crate::cloud::Profile;
use crate::cloud::registration::Registered;
use crate::cloud::response::AuthnContext;
use crate::cloud::skew::Verdict;
use crate::limits;
use crate::measure;
use crate::refusal::{Code, Refusal};
use crate::saml::authn_request::{AskedSubject, AuthnRequest, ReplyTo};
use crate::saml::message::Received;
use crate::saml::names::{authn_context as names, binding};
use crate::saml::verified::{Proof, Unsigned};
use crate::saml::{AcsUrl, EntityId, Unverified, Verified, authn_context};
use crate::store::record::{Ask, AskedNameId, SignIn, Tenant, Unmet};

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
        let age = self.clock.now() - request.issue_instant;
        note_skew(&visit.tenant, registered, age);
        let remember = check_time(&registered.profile, age)?;
        let most = registered.profile.request.relay_state_bytes;
        if relay_state.as_ref().is_some_and(|state| state.as_str().len() > most) {
            let cause = format!("expected a RelayState of at most {most} bytes, found more");
            return Err(Refusal::new(Code::RelayStateTooLong, cause));
        }
        let name_id = name_id(&request, registered);
        let unnamed = name_id.is_none().then_some(Unmet::NameId);
        let unmet = unmet(&request, visit, registered).or(unnamed);
        let context = request.requested_authn_context;
        let comparison = context.as_ref().map(|asked| asked.comparison).unwrap_or_default();
        let ask = Ask {
            unmet,
            contexts: context.map(|asked| asked.classes).unwrap_or_default(),
            comparison,
            name_id: name_id.unwrap_or_default(),
            subject: request.subject.and_then(|subject| match subject {
                AskedSubject::Named(subject) => Some(subject),
                AskedSubject::Otherwise => None,
            }),
            attribute_service: request.attribute_consuming_service_index,
            id: Some(request.id),
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
}

/// Checks the age by `IssueInstant` (conformance A-107); gives how long the id must be remembered
/// (B-18).
pub(super) fn check_time(profile: &Profile, age: Duration) -> Result<std::time::Duration, Refusal> {
    let rules = &profile.request;
    let (max_age, skew) = (as_time(rules.max_age), as_time(rules.skew));
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

/// Notes what a request says about its sender's clock, and tells the operator in time.
fn note_skew(tenant: &Tenant, registered: &Registered, age: Duration) {
    let allowed = as_time(registered.profile.request.skew);
    let verdict = registered.skew.note(age, allowed);
    let offset = registered.skew.offset().unwrap_or_default();
    let (tenant, sp) = (tenant.id.as_str(), registered.service_provider.entity_id.as_str());
    measure::sp_clock(tenant, sp, offset.as_seconds_f64());
    let (seconds, most) = (offset.whole_seconds(), allowed.whole_seconds());
    match verdict {
        Verdict::Same => {}
        Verdict::Wide => tracing::warn!(
            tenant,
            sp,
            "its clock is {seconds} s behind ours (negative: ahead); beyond {most} s its requests \
             are refused: set both by NTP"
        ),
        Verdict::Near => tracing::info!(tenant, sp, "its clock is near ours again"),
    }
}

pub(super) fn as_time(duration: std::time::Duration) -> Duration {
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

/// The kind of name identifier that the request gets: what its policy asks for, or what it names
/// its subject by, or what the service provider prefers. `None` where that is not given.
fn name_id(request: &AuthnRequest, registered: &Registered) -> Option<AskedNameId> {
    let sp = &registered.service_provider;
    let policy = request.name_id_policy.as_ref();
    let of_subject = request.subject.as_ref().and_then(|subject| match subject {
        AskedSubject::Named(subject) => subject.format.as_deref(),
        AskedSubject::Otherwise => None,
    });
    let asked = policy.and_then(|policy| policy.format.as_deref()).or(of_subject);
    let kind = registered.profile.response.name_id.choose(asked, &sp.name_id_formats)?;
    let qualifier = policy.and_then(|policy| policy.sp_name_qualifier.as_deref());
    // Affiliations are not offered: nobody speaks for another service provider.
    qualifier.is_none_or(|qualifier| qualifier == sp.entity_id.as_str()).then_some(AskedNameId {
        kind,
        qualified: qualifier.is_some(),
        may_create: policy.is_none_or(|policy| policy.allow_create),
    })
}

/// What the request asks for that nobody's sign-in could give.
fn unmet(request: &AuthnRequest, visit: &Visit, registered: &Registered) -> Option<Unmet> {
    if request.subject == Some(AskedSubject::Otherwise) {
        return Some(Unmet::Subject);
    }
    let sp = &registered.service_provider;
    let index = request.attribute_consuming_service_index;
    if index.is_some() && sp.attribute_service(index).is_none() {
        return Some(Unmet::Other);
    }
    let us = visit.tenant.entity_id.as_str();
    if !request.idp_list.is_empty() && !request.idp_list.iter().any(|idp| idp == us) {
        return Some(Unmet::Idp);
    }
    // Of declarations of context none is known here.
    let context = request.requested_authn_context.as_ref()?;
    let is_met = |class: &str| authn_context::met(&context.classes, context.comparison, class);
    let hopeless = context.classes.is_empty() || !possible(visit, registered).any(is_met);
    hopeless.then_some(Unmet::AuthnContext)
}

/// The classes of which one may be asserted once somebody is signed in.
fn possible<'a>(visit: &Visit, registered: &'a Registered) -> impl Iterator<Item = &'a str> {
    let (always, by_password) = match &registered.profile.response.authn_context {
        AuthnContext::Fixed(class) => (class.as_str(), None),
        AuthnContext::Honest => {
            let local = matches!(visit.tenant.sign_in, SignIn::Local);
            (names::PREVIOUS_SESSION, local.then_some(names::PASSWORD_PROTECTED_TRANSPORT))
        }
    };
    std::iter::once(always).chain(by_password)
}
