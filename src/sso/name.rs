//! Layer 3, sso: how an answer names its person (saml-core-2.0-os §8.3, conformance,
//! What was asked for was settled when the request was checked; here is found who
//! that is.

use aws_lc_rs::hmac;

use super::{Sso, Visit};
use crate::cloud::attribute::Pattern;
use crate::cloud::registration::Registered;
use crate::cloud::response::{NameIdRules, NameQualifier, SpNameQualifier};
use crate::random;
use crate::refusal::Refusal;
use crate::saml::names::status;
use crate::saml::{EntityId, NameIdKind, NameIdentifier};
use crate::store::name_id::Pair;
use crate::store::record::{Ask, Session, Tenant};

/// What came of naming a person.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// So; or not at all, where the profile says so.
    Named(Option<NameIdentifier>),
    /// The request cannot be met: top-level and second-level status.
    Unavailable(&'static str, &'static str),
}

const NO_SUCH_NAME: Naming = Naming::Unavailable(status::REQUESTER, status::INVALID_NAME_ID_POLICY);

impl Sso {
    /// Names the session's person for the service provider that asks.
    pub(super) async fn name(
        &self,
        visit: &Visit,
        registered: &Registered,
        ask: &Ask,
        session: &Session,
    ) -> Result<Naming, Refusal> {
        let kind = ask.name_id.kind;
        let person = &session.person;
        let value = match kind {
            NameIdKind::None => return Ok(unless_somebody_is_wanted(ask)),
            NameIdKind::Transient => Some(self.transient(&visit.tenant, &ask.sp, session)),
            NameIdKind::Persistent => self.persistent(&visit.tenant, ask, session).await?,
            NameIdKind::Email => person.email.clone().filter(|email| Pattern::Email.fits(email)),
            NameIdKind::Unspecified => Some(person.account_id.as_str().to_owned()),
        };
        let Some(value) = value else { return Ok(NO_SUCH_NAME) };
        let rules = &registered.profile.response.name_id;
        let us = &visit.tenant.entity_id;
        let named = qualified(value, kind, rules, (us, &ask.sp, ask.name_id.qualified));
        let parties = (us.as_str(), ask.sp.as_str());
        if ask.subject.as_ref().is_some_and(|wanted| !named.is(wanted, parties)) {
            return Ok(Naming::Unavailable(status::RESPONDER, status::UNKNOWN_PRINCIPAL));
        }
        Ok(Naming::Named(Some(named)))
    }

    /// A value for one session at one service provider: the same each time that it asks, without
    /// being kept anywhere, and nobody else can tell whose it is.
    pub(super) fn transient(&self, tenant: &Tenant, sp: &EntityId, session: &Session) -> String {
        let mut about = hmac::Context::with_key(&self.name_seed);
        for part in [tenant.id.as_str(), sp.as_str(), &session.index] {
            about.update(&(part.len() as u64).to_be_bytes());
            about.update(part.as_bytes());
        }
        let mut octets = [0; 20];
        octets.copy_from_slice(&about.sign().as_ref()[..20]);
        random::xml_id_of(&octets)
    }

    /// The value by which the service provider knows the person for ever. A new one is made only
    /// where that is allowed.
    async fn persistent(
        &self,
        tenant: &Tenant,
        ask: &Ask,
        session: &Session,
    ) -> Result<Option<String>, Refusal> {
        let user = &session.person.user_id;
        let pair = Pair { tenant: &tenant.id, sp: &ask.sp, user };
        if !ask.name_id.may_create {
            return Ok(self.name_ids.name_id(pair).await?);
        }
        Ok(Some(self.known_as(pair).await?))
    }

    /// What the ledger keeps of a pair for ever, made now if there was nothing.
    pub(super) async fn known_as(&self, pair: Pair<'_>) -> Result<String, Refusal> {
        let fresh = random::xml_id(&*self.random);
        Ok(self.name_ids.name_id_or(pair, &fresh, self.clock.now()).await?)
    }
}

/// A subject that is named must be matched (conformance A-036), which nothing does without a name.
fn unless_somebody_is_wanted(ask: &Ask) -> Naming {
    match ask.subject {
        None => Naming::Named(None),
        Some(_) => Naming::Unavailable(status::RESPONDER, status::UNKNOWN_PRINCIPAL),
    }
}

/// The identifier with the qualifiers that the profile gives it, and the one that was asked for.
fn qualified(
    value: String,
    kind: NameIdKind,
    rules: &NameIdRules,
    (us, sp, asked): (&EntityId, &EntityId, bool),
) -> NameIdentifier {
    let of = |party: &EntityId| Some(party.as_str().to_owned());
    NameIdentifier {
        value,
        format: kind.uri().map(str::to_owned),
        name_qualifier: match rules.name_qualifier {
            NameQualifier::Sp => of(sp),
            NameQualifier::Idp => of(us),
            NameQualifier::None => None,
        },
        sp_name_qualifier: match rules.sp_name_qualifier {
            SpNameQualifier::Sp => of(sp),
            SpNameQualifier::AsAsked if asked => of(sp),
            SpNameQualifier::AsAsked | SpNameQualifier::None => None,
        },
    }
}
