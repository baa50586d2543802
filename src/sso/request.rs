//! Layer 3, sso: an `AuthnRequest` on its way in. Everything that must hold before anybody is asked
//! to sign in is checked here, in one order, and what is left is an [`Ask`] (contract §3,
//! conformance ).

use std::sync::Arc;

use time::Duration;

use super::watch::{Check, Watch};
use super::{Sso, Visit};
use crate::cloud::Profile;
use crate::cloud::registration::Registered;
use crate::cloud::response::AuthnContext;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::authn_request::{AskedSubject, AuthnRequest, ReplyTo, RequestedAuthnContext};
use crate::saml::message::Received;
use crate::saml::names::{authn_context as names, binding};
use crate::saml::verified::{Proof, Unsigned};
use crate::saml::{AcsUrl, EntityId, Verified, authn_context, post, redirect};
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

/// How a request was carried here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried<'a> {
    /// By HTTP-Redirect: the raw query.
    Query(&'a str),
    /// By HTTP-POST: the raw query, in which there is nothing, and the body.
    Form(&'a str, &'a [u8]),
}

impl Sso {
    /// Checks a request that arrived at the SSO address of a tenant, or of one of its keys.
    pub(super) fn check_request(
        &self,
        visit: &Visit,
        kid: Option<&str>,
        carried: Carried<'_>,
        watch: &mut impl Watch,
    ) -> Result<Checked, Refusal> {
        self.signing_key(&visit.tenant, kid)?;
        watch.held(Check::Key, || match kid {
            Some(kid) => format!("the address names the key {kid}, which signs"),
            None => "the address names none: the active key signs".to_owned(),
        });
        let unverified = match carried {
            Carried::Query(raw) => redirect::authn_request(raw)?,
            Carried::Form(raw_query, body) => post::read::<AuthnRequest>(raw_query, body)?,
        };
        watch.held(Check::Message, || "an AuthnRequest as the schema has it".to_owned());
        let issuer = unverified.claimed_issuer().clone();
        let about = |refusal: Refusal| refusal.about(issuer.as_str());
        let registered = self.registered(&visit.tenant, &issuer).map_err(about)?;
        watch.held(Check::Issuer, || registered_as(&registered));
        let unsigned =
            if registered.requires_signature() { Unsigned::Refuse } else { Unsigned::Accept };
        let keys = &registered.service_provider.signing_keys;
        let verified = unverified.verify(keys, unsigned).map_err(|e| about(e.into()))?;
        watch.held(Check::Signature, || match verified.proof() {
            Proof::Signature(by) => format!("{}, by a key of its metadata", by.uri()),
            Proof::NotAsked => "none, and none is asked for".to_owned(),
        });
        self.check_verified((visit, kid), &registered, verified, watch).map_err(about)
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
        (visit, kid): (&Visit, Option<&str>),
        registered: &Arc<Registered>,
        verified: Verified<Received<AuthnRequest>>,
        watch: &mut impl Watch,
    ) -> Result<Checked, Refusal> {
        let proof = verified.proof();
        let Received { message: request, relay_state } = verified.into_inner();
        let destination = request.destination.as_deref();
        self.check_destination(visit, kid, destination, proof)?;
        watch.held(Check::Destination, || destination.unwrap_or("none, unsigned").to_owned());
        let acs = choose_acs(&request.reply_to, registered)?;
        watch.held(Check::ReplyTo, || acs.to_string());
        let age = self.clock.now() - request.issue_instant;
        watch.dated(&visit.tenant, registered, age);
        let remember = check_time(&registered.profile, age)?;
        watch.held(Check::Time, || aged(&registered.profile, age));
        let most = registered.profile.request.relay_state_bytes;
        let state_bytes = relay_state.as_ref().map(|state| state.as_str().len());
        if state_bytes.is_some_and(|bytes| bytes > most) {
            let cause = format!("expected a RelayState of at most {most} bytes, found more");
            return Err(Refusal::new(Code::RelayStateTooLong, cause));
        }
        watch.held(Check::RelayState, || match state_bytes {
            Some(bytes) => format!("{bytes} of at most {most} bytes"),
            None => "none".to_owned(),
        });
        let name_id = name_id(&request, registered);
        let unmet = match unmet(&request, visit, registered, watch) {
            None if name_id.is_none() => Some(Unmet::NameId),
            unmet => unmet,
        };
        if let (Some(name_id), None) = (name_id, unmet) {
            watch.held(Check::NameId, || name_id.kind.uri().unwrap_or("none").to_owned());
        }
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

/// What [`check_time`] looked at, for people.
pub(super) fn aged(profile: &Profile, age: Duration) -> String {
    let rules = &profile.request;
    let (max_age, skew) = (rules.max_age.as_secs(), rules.skew.as_secs());
    let (seconds, way) =
        (age.whole_seconds().abs(), if age.is_negative() { "ahead" } else { "old" });
    format!("{seconds} s {way}; at most {} s old or {skew} s ahead", max_age + skew)
}

/// What a registered service provider is here, for people.
pub(super) fn registered_as(registered: &Registered) -> String {
    let keys = registered.service_provider.signing_keys.len();
    let sp = &registered.service_provider.entity_id;
    format!("{sp}, registered, profile {}, {keys} signing key(s)", registered.profile.name)
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
fn unmet(
    request: &AuthnRequest,
    visit: &Visit,
    registered: &Registered,
    watch: &mut impl Watch,
) -> Option<Unmet> {
    if request.subject == Some(AskedSubject::Otherwise) {
        return Some(Unmet::Subject);
    }
    watch.held(Check::Subject, || match &request.subject {
        Some(_) => "one person, by a NameID; compared with who signs in".to_owned(),
        None => "nobody in particular".to_owned(),
    });
    let sp = &registered.service_provider;
    let index = request.attribute_consuming_service_index;
    if index.is_some() && sp.attribute_service(index).is_none() {
        return Some(Unmet::Other);
    }
    watch.held(Check::Attributes, || match index {
        Some(index) => format!("the group of attributes {index} of its metadata"),
        None => "no group of attributes in particular".to_owned(),
    });
    let us = visit.tenant.entity_id.as_str();
    if !request.idp_list.is_empty() && !request.idp_list.iter().any(|idp| idp == us) {
        return Some(Unmet::Idp);
    }
    watch.held(Check::IdpList, || match request.idp_list.len() {
        0 => "any identity provider".to_owned(),
        many => format!("{us}, one of {many} that are listed"),
    });
    let context = request.requested_authn_context.as_ref();
    if context.is_some_and(|asked| is_hopeless(asked, visit, registered)) {
        return Some(Unmet::AuthnContext);
    }
    watch.held(Check::AuthnContext, || match context {
        Some(asked) => {
            let comparison = format!("{:?}", asked.comparison).to_lowercase();
            format!("{comparison} {}", asked.classes.join(", "))
        }
        None => "any".to_owned(),
    });
    None
}

/// Whether no way to sign in gives the context that is asked for. Of declarations none is known
/// here.
fn is_hopeless(asked: &RequestedAuthnContext, visit: &Visit, registered: &Registered) -> bool {
    let is_met = |class: &str| authn_context::met(&asked.classes, asked.comparison, class);
    asked.classes.is_empty() || !possible(visit, registered).any(is_met)
}

/// The classes of which one may be asserted once somebody is signed in.
pub(super) fn possible<'a>(
    visit: &Visit,
    registered: &'a Registered,
) -> impl Iterator<Item = &'a str> {
    let (always, by_password) = match &registered.profile.response.authn_context {
        AuthnContext::Fixed(class) => (class.as_str(), None),
        AuthnContext::Honest => {
            let local = matches!(visit.tenant.sign_in, SignIn::Local);
            (names::PREVIOUS_SESSION, local.then_some(names::PASSWORD_PROTECTED_TRANSPORT))
        }
    };
    std::iter::once(always).chain(by_password)
}
