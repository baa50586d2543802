//! Layer 3, sso: makes Assertions and other answers. The one place where a [`Delivery`] comes into
//! being (design §6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::scoped_id::ScopedIds;
use super::{Sso, Visit};
use crate::cloud::attribute::Asker;
use crate::cloud::registration::Registered;
use crate::cloud::response::{
    AuthnContext, IssuerFormat, ResponseRules, SessionEnd, SessionIndex, StatusMessage,
    SubjectLocality,
};
use crate::cloud::{self, Profile};
use crate::keys::{Key, KeyRing};
use crate::refusal::{Code, Refusal};
use crate::saml::encryption::Envelope;
use crate::saml::names::{name_id, status};
use crate::saml::response::{
    Assertion, Attribute, AuthnStatement, Confirmation, NameId, Response, Signing, Status, Window,
};
use crate::saml::{AcsUrl, EntityId, MessageId, NameIdentifier, RelayState, SigningKey};
use crate::store::record::{Ask, Person, Session, Tenant};

/// A signed message on its way to an ACS that metadata lists. Only this file makes one.
#[derive(Debug)]
pub struct Delivery {
    acs: AcsUrl,
    saml_response: String,
    relay_state: Option<RelayState>,
    sp: EntityId,
}

impl Delivery {
    /// Where it goes.
    #[must_use]
    pub fn acs(&self) -> &AcsUrl {
        &self.acs
    }

    /// The Response in base64, one line (saml-bindings-2.0-os §3.5.4).
    #[must_use]
    pub fn saml_response(&self) -> &str {
        &self.saml_response
    }

    /// What to echo.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// Whom it is for.
    #[must_use]
    pub fn sp(&self) -> &EntityId {
        &self.sp
    }
}

/// The ids that one answer needs, and its instant.
struct Fresh {
    response: MessageId,
    assertion: MessageId,
    now: OffsetDateTime,
}

/// Everything that one answer is made of, owned, so that it can be signed elsewhere.
struct Draft {
    fresh: Fresh,
    ask: Ask,
    issuer: EntityId,
    profile: std::sync::Arc<Profile>,
    status: Status<'static>,
    told: Option<Told>,
    signing: Signing,
}

/// What is asserted.
struct Told {
    session: Session,
    name_id: Option<NameIdentifier>,
    attributes: Vec<Attribute>,
    session_end: Option<OffsetDateTime>,
    class: String,
}

impl Sso {
    /// The key that answers: the active one, or the one that the address names (design §7).
    pub(super) fn signing_key(
        &self,
        tenant: &Tenant,
        kid: Option<&str>,
    ) -> Result<std::sync::Arc<SigningKey>, Refusal> {
        let ring = self.rings.get(tenant.id.as_str())?;
        Ok(std::sync::Arc::clone(key_of(&ring, kid)?.signer()))
    }

    /// Asserts who the session's customer is.
    pub(super) async fn assert(
        &self,
        visit: &Visit,
        registered: &Registered,
        ask: Ask,
        (session, name_id): (Session, Option<NameIdentifier>),
    ) -> Result<Delivery, Refusal> {
        let scoped = self.scoped_ids(&visit.tenant, registered, &session.person).await?;
        let attributes = attributes((&visit.tenant, &scoped), registered, &ask, &session.person)?;
        let session_end = match registered.profile.response.session_end {
            SessionEnd::Send => Some(session.authn_instant + self.session_life.absolute),
            SessionEnd::Omit => None,
        };
        let class = class_ref(&registered.profile, &session).to_owned();
        let message = match registered.profile.response.status_message {
            StatusMessage::RepeatCode => Some(status::SUCCESS),
            StatusMessage::None => None,
        };
        let status = Status { message, ..Status::SUCCESS };
        let told = Some(Told { session, name_id, attributes, session_end, class });
        self.deliver(visit, registered, ask, (status, told)).await
    }

    /// Answers with a status instead of an assertion.
    pub(super) async fn decline(
        &self,
        visit: &Visit,
        registered: &Registered,
        ask: Ask,
        (code, detail): (&'static str, &'static str),
    ) -> Result<Delivery, Refusal> {
        let status = Status { code, detail: Some(detail), message: None };
        self.deliver(visit, registered, ask, (status, None)).await
    }

    async fn deliver(
        &self,
        visit: &Visit,
        registered: &Registered,
        ask: Ask,
        (status, told): (Status<'static>, Option<Told>),
    ) -> Result<Delivery, Refusal> {
        // Metadata may have changed while the journey waited: the address must still be listed.
        if registered.service_provider.acs_by_url(ask.acs.as_str()).is_none() {
            let cause = "expected an AssertionConsumerService that metadata still lists";
            return Err(Refusal::new(Code::AcsForeign, cause));
        }
        let key = self.signing_key(&visit.tenant, ask.kid.as_deref())?;
        let envelope = match told {
            None => None,
            Some(_) => self.envelope(visit, registered)?,
        };
        let draft = Draft {
            fresh: Fresh {
                response: self.message_id()?,
                assertion: self.message_id()?,
                now: self.clock.now(),
            },
            ask,
            issuer: visit.tenant.entity_id.clone(),
            profile: std::sync::Arc::clone(&registered.profile),
            status,
            told,
            signing: registered.profile.response.signing(&registered.service_provider),
        };
        self.pool
            .run(move || {
                let saml_response = STANDARD.encode(draft.sign(&key, envelope)?);
                let Ask { acs, relay_state, sp, .. } = draft.ask;
                Ok(Delivery { acs, saml_response, relay_state, sp })
            })
            .await
    }

    /// What an assertion for this service provider is encrypted into, if it is.
    pub(super) fn envelope<'r>(
        &self,
        visit: &Visit,
        registered: &'r Registered,
    ) -> Result<Option<Envelope<'r>>, Refusal> {
        let sp = &registered.service_provider;
        let recipient = registered.profile.response.recipient(&sp.encryption_keys);
        let Some(recipient) =
            recipient.map_err(|e| Refusal::new(Code::EncryptionKeyMissing, e.to_string()))?
        else {
            return Ok(None);
        };
        if !recipient.cipher().is_authenticated() {
            let (tenant, cipher) = (&visit.tenant.id, recipient.cipher().uri());
            tracing::warn!(%tenant, sp = %sp.entity_id, cipher, "assertion encrypted weakly");
        }
        Ok(Some(Envelope::new(recipient, &*self.random)))
    }
}

impl Draft {
    fn sign(&self, key: &SigningKey, envelope: Option<Envelope<'_>>) -> Result<String, Refusal> {
        let rules = &self.profile.response;
        let response = Response {
            id: &self.fresh.response,
            in_response_to: self.ask.id.as_ref(),
            issue_instant: self.fresh.now,
            destination: &self.ask.acs,
            issuer: &self.issuer,
            issuer_format: match rules.issuer_format {
                IssuerFormat::Entity => Some(name_id::ENTITY),
                IssuerFormat::None => None,
            },
            consent: rules.consent.as_ref().map(cloud::value::Uri::as_str),
            status: self.status,
            assertion: self.told.as_ref().map(|told| self.assertion(rules, told)),
        };
        Ok(match envelope {
            None => response.sign(key, &self.signing)?,
            Some(envelope) => response.seal(key, &self.signing, envelope)?,
        })
    }

    fn assertion<'a>(&'a self, rules: &ResponseRules, told: &'a Told) -> Assertion<'a> {
        let now = self.fresh.now;
        let sp = self.ask.sp.as_str();
        Assertion {
            id: &self.fresh.assertion,
            name_id: told.name_id.as_ref().map(|named| NameId {
                format: named.format.as_deref().unwrap_or(name_id::UNSPECIFIED),
                name_qualifier: named.name_qualifier.as_deref(),
                sp_name_qualifier: named.sp_name_qualifier.as_deref(),
                value: &named.value,
            }),
            audience: &self.ask.sp,
            conditions: Window {
                not_before: now + rules.conditions.not_before,
                not_on_or_after: now + rules.conditions.not_on_or_after,
            },
            uses: rules.uses,
            confirmation: Confirmation {
                not_before: rules.subject_confirmation.not_before.map(|offset| now + offset),
                not_on_or_after: now + rules.subject_confirmation.not_on_or_after,
            },
            attributes: &told.attributes,
            authn: AuthnStatement {
                instant: authn_instant(&told.session),
                session_index: match rules.session_index {
                    SessionIndex::Send => Some(&told.session.index),
                    SessionIndex::Omit => None,
                },
                session_not_on_or_after: told.session_end,
                locality: match rules.subject_locality {
                    SubjectLocality::Sp => Some(sp),
                    SubjectLocality::None => None,
                },
                class_ref: &told.class,
            },
        }
    }
}

/// The key that the address names, or the active one.
pub(super) fn key_of<'r>(ring: &'r KeyRing, kid: Option<&str>) -> Result<&'r Key, Refusal> {
    let Some(kid) = kid else { return Ok(ring.active()) };
    let found = kid.parse().ok().and_then(|kid| ring.by_kid(&kid));
    found.ok_or_else(|| {
        let cause = "expected the address of a key that may sign, found another";
        Refusal::new(Code::KeyUnknown, cause)
    })
}

/// When the person proved who they are, as far as it is known: never after we learned of it.
fn authn_instant(session: &Session) -> OffsetDateTime {
    session.proved_at.map_or(session.authn_instant, |at| at.min(session.authn_instant))
}

/// The authentication context class that is asserted about a session (conformance A-039).
pub(super) fn class_ref<'a>(profile: &'a Profile, session: &'a Session) -> &'a str {
    match &profile.response.authn_context {
        AuthnContext::Honest => &session.authn_class,
        AuthnContext::Fixed(class) => class.as_str(),
    }
}

/// The attributes that a service provider gets of a person. Decorative values that break its rules
/// are withheld: a login must not fail for them, but the log says so.
fn attributes(
    (tenant, scoped): (&Tenant, &ScopedIds),
    registered: &Registered,
    ask: &Ask,
    person: &Person,
) -> Result<Vec<Attribute>, Refusal> {
    let person = cloud::Person {
        user_id: person.user_id.as_str(),
        account_id: person.account_id.as_str(),
        account_type: tenant.account_type.as_deref(),
        bp_id: tenant.bp_id.as_deref(),
        name: person.name.as_deref(),
        mobile: person.mobile.as_deref(),
        email: person.email.as_deref(),
        subject_id: scoped.shared.as_deref(),
        pairwise_id: scoped.pairwise.as_deref(),
        given: &person.attributes,
    };
    let asker = Asker::of(&registered.service_provider, ask.attribute_service);
    let released = registered.profile.attributes(&person, asker);
    let released = released.map_err(|e| Refusal::new(Code::AttributeUnusable, e.to_string()))?;
    for fault in &released.withheld {
        tracing::warn!(tenant = %tenant.id, %fault, "attribute withheld");
    }
    Ok(released.attributes)
}
