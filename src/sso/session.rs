//! Layer 3, sso: sessions, and the cookie that binds a browser to what it began (B-26 to B-33).

use std::time::Duration;

use time::OffsetDateTime;

use super::{Browser, Sso};
use crate::limits;
use crate::random;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::store::mark::{Mark, MarkKind};
use crate::store::record::{FirstLogin, Person, Session, Tenant};
use crate::store::{Claim, Key, Kind};

/// How long people stay signed in.
#[derive(Clone, Copy, Debug)]
pub struct SessionLife {
    /// Without a visit.
    pub idle: Duration,
    /// In any case.
    pub absolute: Duration,
}

/// A session as the store remembers it. A store that fails over may remember one that was ended, so
/// it counts only once [`Sso::present`] has looked into the ledger (conformance V7).
pub(super) struct Remembered(pub(super) Session);

/// A proof of who somebody is, fresh from a ticket or a password.
#[derive(Debug)]
pub struct Proven {
    /// Who.
    pub person: Person,
    /// When, as far as somebody says.
    pub proved_at: Option<OffsetDateTime>,
    /// How: an authentication context class.
    pub class: &'static str,
}

impl Sso {
    /// Opens a session under a new token and ends the browser's old one (B-29).
    pub(super) async fn open_session(
        &self,
        tenant: &Tenant,
        browser: &Browser,
        proven: Proven,
        first_login: Option<FirstLogin>,
    ) -> Result<String, Refusal> {
        let now = self.clock.now();
        let session = Session {
            person: proven.person,
            authn_instant: now,
            proved_at: proven.proved_at,
            authn_class: proven.class.to_owned(),
            index: random::xml_id(&*self.random),
            first_login,
            journey: browser.journey.clone(),
        };
        let token = self.write_session(tenant, &session).await?;
        self.close_session(tenant, browser).await?;
        Ok(token)
    }

    /// Writes the browser's session, which has changed, under a new token that takes the place of
    /// the old one.
    pub(super) async fn change_session(
        &self,
        tenant: &Tenant,
        browser: &Browser,
        session: &Session,
    ) -> Result<String, Refusal> {
        let token = self.write_session(tenant, session).await?;
        if let Some(old) = &browser.session {
            self.store.remove(&session_key(tenant, old)).await?;
        }
        Ok(token)
    }

    async fn write_session(&self, tenant: &Tenant, session: &Session) -> Result<String, Refusal> {
        let token = random::token(&*self.random);
        let key = session_key(tenant, &token);
        self.store.put(&key, &encode(session)?, self.session_life.idle).await?;
        Ok(token)
    }

    /// The browser's session; reading it begins its idle time anew.
    pub(super) async fn session(
        &self,
        tenant: &Tenant,
        browser: &Browser,
    ) -> Result<Option<Remembered>, Refusal> {
        let Some(token) = &browser.session else { return Ok(None) };
        let key = session_key(tenant, token);
        let found = self.store.renew(&key, self.session_life.idle).await?;
        self.live(found)
    }

    /// The browser's session, and the claim of an id, in one round trip to the store.
    pub(super) async fn session_and_claim(
        &self,
        tenant: &Tenant,
        browser: &Browser,
        claim: (&Key, &[u8], Duration),
    ) -> Result<(Option<Remembered>, Claim), Refusal> {
        let (key, value, life) = claim;
        let Some(token) = &browser.session else {
            return Ok((None, self.store.claim(key, value, life).await?));
        };
        let session = session_key(tenant, token);
        let renewal = (&session, self.session_life.idle);
        let (found, claim) = self.store.renew_and_claim(renewal, key, value, life).await?;
        Ok((self.live(found)?, claim))
    }

    /// Ends the browser's session, if there is one: for good, whatever the store forgets.
    pub(super) async fn close_session(
        &self,
        tenant: &Tenant,
        browser: &Browser,
    ) -> Result<(), Refusal> {
        let Some(token) = &browser.session else { return Ok(()) };
        let key = session_key(tenant, token);
        // Only what is there is marked: anybody can make up cookies.
        let Some(octets) = self.store.get(&key).await? else { return Ok(()) };
        // What nobody can read lets nobody in.
        if let Ok(session) = decode(&octets) {
            // Before it is removed: who tries again after a failure must find it, or its mark.
            self.end(tenant, &session).await?;
        }
        Ok(self.store.remove(&key).await?)
    }

    /// Marks a session as ended, under whatever tokens it was written.
    pub(super) async fn end(&self, tenant: &Tenant, session: &Session) -> Result<(), Refusal> {
        let over = session.authn_instant + self.session_life.absolute;
        let mark = Mark {
            tenant: tenant.id.clone(),
            kind: MarkKind::EndedSession,
            id: session.index.clone(),
            until: over + limits::MARK_SPARE,
        };
        self.book.ledger().mark(&mark).await?;
        Ok(())
    }

    /// A stored session, unless its absolute time is over (B-30).
    fn live(&self, found: Option<Vec<u8>>) -> Result<Option<Remembered>, Refusal> {
        let Some(octets) = found else { return Ok(None) };
        let session: Session = decode(&octets)?;
        let age = self.clock.now() - session.authn_instant;
        Ok((age < self.session_life.absolute).then_some(Remembered(session)))
    }
}

fn session_key(tenant: &Tenant, token: &str) -> Key {
    Key::new(Kind::Session, tenant.id.as_str(), &secret::fingerprint(token))
}

/// A record as the ephemeral store keeps it.
pub(super) fn encode(record: &impl serde::Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(record)
        .map_err(|e| Refusal::new(Code::Internal, format!("a record cannot be written: {e}")))
}

/// A record from the ephemeral store. The error does not quote it: it may hold personal data.
pub(super) fn decode<T: serde::de::DeserializeOwned>(octets: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(octets).map_err(|e| {
        let place = format!("a stored record cannot be read at column {}", e.column());
        Refusal::new(Code::Internal, place)
    })
}
