//! Layer 3, sso: one-time tickets (design §6). The partner's back end asks for one by the API, or
//! signs one itself (see [`super::jwt`]); the browser brings it to `/{tenant}/launch`.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::Sso;
use super::super::session::{Proven, decode, encode};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::names::authn_context;
use crate::secret;
use crate::store::given::Given as GivenAttributes;
use crate::store::mark::{Mark, MarkKind, Marked};
use crate::store::record::{Person, PersonId, Tenant};
use crate::store::{Claim, Key, Kind};

/// How far the partner's clock may be from ours.
pub(in crate::sso) const SKEW: time::Duration = time::Duration::seconds(5);
/// How long the answer to an idempotency key is remembered.
const IDEMPOTENCY_LIFE: Duration = Duration::from_hours(24);

/// Whether a call that is done once was made before.
pub(in crate::sso) enum Called {
    /// It was not: do it.
    First,
    /// It was: answer as then.
    Again,
}

/// Who a ticket is about, and where they want to go.
#[derive(Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The partner's id of the customer.
    pub sub: String,
    /// What the cloud knows the customer by, where it differs from `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What else there is to say, by names of the partner's.
    #[serde(default, skip_serializing_if = "GivenAttributes::is_empty")]
    pub attributes: GivenAttributes,
    /// The page of the cloud to open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When the person proved to the partner who they are, in seconds since 1970 (`OpenID` Connect
    /// Core 1.0 §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}

impl Claims {
    /// The person.
    ///
    /// # Errors
    /// [`Code::TicketClaims`] naming the claim, never its value.
    pub fn person(&self) -> Result<Person, Refusal> {
        let id = |name: &str, text: &str| {
            PersonId::parse(text).ok_or_else(|| {
                let rule = "1 to 128 characters, no white space, no e-mail address";
                Refusal::new(
                    Code::TicketClaims,
                    format!("expected {name} of {rule}, found another"),
                )
            })
        };
        for (name, value) in
            [("name", &self.name), ("mobile", &self.mobile), ("email", &self.email)]
        {
            if value.as_ref().is_some_and(|v| v.chars().count() > limits::ATTRIBUTE_CHARS) {
                let most = limits::ATTRIBUTE_CHARS;
                let cause = format!("expected {name} of at most {most} characters, found more");
                return Err(Refusal::new(Code::TicketClaims, cause));
            }
        }
        Ok(Person {
            user_id: id("sub", &self.sub)?,
            account_id: id("account_id", self.account_id.as_ref().unwrap_or(&self.sub))?,
            name: self.name.clone(),
            mobile: self.mobile.clone(),
            email: self.email.clone(),
            attributes: self.attributes.clone(),
        })
    }

    /// When the person proved to the partner who they are, if it says so.
    ///
    /// # Errors
    /// [`Code::TicketClaims`] for what lies ahead, or is no time.
    pub fn proved_at(&self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, Refusal> {
        let Some(seconds) = self.auth_time else { return Ok(None) };
        match OffsetDateTime::from_unix_timestamp(seconds) {
            Ok(at) if at <= now + SKEW => Ok(Some(at)),
            _ => {
                let cause = "expected auth_time now or before, found another";
                Err(Refusal::new(Code::TicketClaims, cause))
            }
        }
    }
}

/// A redeemed ticket.
pub struct Redeemed {
    /// Who it proves.
    pub proven: Proven,
    /// The page of the cloud that it asks for.
    pub service: Option<String>,
}

/// A ticket that was given out.
#[derive(Debug)]
pub struct Given {
    /// The address to send the browser to. It works once.
    pub url: String,
    /// How long it works, in seconds.
    pub expires_in: u64,
}

impl Sso {
    /// Gives out a ticket. The same idempotency key with the same claims gets the same answer and
    /// no second ticket.
    ///
    /// # Errors
    /// [`Code::TicketClaims`], [`Code::ServiceNotAllowed`], [`Code::IdempotencyConflict`], or a
    /// store's refusal.
    pub async fn give_ticket(
        &self,
        tenant: &Tenant,
        idempotency_key: &str,
        claims: &Claims,
    ) -> Result<Given, Refusal> {
        claims.person()?;
        claims.proved_at(self.clock.now())?;
        self.check_service(tenant, claims.service.as_deref())?;
        let record = encode(claims)?;
        let body = digest(&SHA256, &record);
        let ticket = self.derive_ticket(tenant, idempotency_key, body.as_ref());
        let id = secret::fingerprint(idempotency_key);
        let key = Key::new(Kind::Idempotency, tenant.id.as_str(), &id);
        match self.called(&key, body.as_ref(), IDEMPOTENCY_LIFE).await? {
            Called::First => {
                let key = ticket_key(tenant, &ticket);
                self.store.put(&key, &record, limits::TICKET_LIFE).await?;
            }
            Called::Again => {}
        }
        let url = format!("{}/{}/launch?ticket={ticket}", self.base_url, tenant.id);
        Ok(Given { url, expires_in: limits::TICKET_LIFE.as_secs() })
    }

    /// Notes a call that is done once. `body` stands for what was asked.
    ///
    /// # Errors
    /// [`Code::IdempotencyConflict`] when something else was asked before; a store's refusal.
    pub(in crate::sso) async fn called(
        &self,
        key: &Key,
        body: &[u8],
        life: Duration,
    ) -> Result<Called, Refusal> {
        match self.store.claim(key, body, life).await? {
            Claim::Won => Ok(Called::First),
            Claim::Lost(before) if secret::same(&before, body) => Ok(Called::Again),
            Claim::Lost(_) => {
                let cause = "expected the same body for the same idempotency key, found another";
                Err(Refusal::new(Code::IdempotencyConflict, cause))
            }
        }
    }

    /// Redeems a ticket of either kind.
    pub(in crate::sso) async fn redeem(
        &self,
        tenant: &Tenant,
        ticket: &str,
    ) -> Result<Redeemed, Refusal> {
        if ticket.is_empty() || ticket.len() > limits::TICKET_BYTES {
            let cause = format!("expected a ticket of 1 to {} bytes", limits::TICKET_BYTES);
            return Err(Refusal::new(Code::TicketUnreadable, cause));
        }
        // Our own tickets have no dot; a JWT has two (RFC 7515 §3.1).
        if ticket.contains('.') {
            return self.redeem_signed(tenant, ticket).await;
        }
        let found = self.store.take(&ticket_key(tenant, ticket)).await?;
        let octets = found.ok_or_else(|| {
            let cause = "expected a ticket that was given out and not used, found none";
            Refusal::new(Code::TicketUsed, cause)
        })?;
        self.use_up(tenant, MarkKind::UsedTicket, ticket).await?;
        let claims: Claims = decode(&octets)?;
        let proven = Proven {
            person: claims.person()?,
            proved_at: claims.proved_at(self.clock.now())?,
            class: authn_context::PREVIOUS_SESSION,
        };
        Ok(Redeemed { proven, service: claims.service })
    }

    /// Marks a ticket as used. Its second use would sign somebody in, so that is written where no
    /// failover undoes it (conformance D-03).
    pub(super) async fn use_up(
        &self,
        tenant: &Tenant,
        kind: MarkKind,
        id: &str,
    ) -> Result<(), Refusal> {
        let mark = Mark {
            tenant: tenant.id.clone(),
            kind,
            id: secret::fingerprint(id),
            until: self.clock.now() + 2 * limits::TICKET_LIFE + limits::MARK_SPARE,
        };
        match self.book.ledger().mark(&mark).await? {
            Marked::Now => Ok(()),
            Marked::Before => {
                let cause = "expected a ticket that was not used, found a used one";
                Err(Refusal::new(Code::TicketUsed, cause))
            }
        }
    }

    /// The ticket for a call: unpredictable without our seed, the same for the same call on every
    /// node, so that nothing that could be redeemed needs to be stored for repeating the answer.
    fn derive_ticket(&self, tenant: &Tenant, idempotency_key: &str, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.ticket_seed);
        for part in [tenant.id.as_str().as_bytes(), idempotency_key.as_bytes(), body] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        URL_SAFE_NO_PAD.encode(context.sign())
    }
}

fn ticket_key(tenant: &Tenant, ticket: &str) -> Key {
    Key::new(Kind::Ticket, tenant.id.as_str(), &secret::fingerprint(ticket))
}
