//! Layer 3, sso: which sessions end, and who knew of them (conformance ).

use super::{FAILED, Outcome, UNKNOWN};
use crate::limits;
use crate::refusal::Refusal;
use crate::saml::NameIdentifier;
use crate::saml::names::name_id;
use crate::secret;
use crate::sso::participant::list_of;
use crate::sso::session::{decode, encode};
use crate::sso::{Browser, SessionChange, Sso, Visit};
use crate::store::leaving::EndRequest;
use crate::store::mark::{Mark, MarkKind};
use crate::store::record::{Participant, PersonId, Tenant};
use crate::store::{Key, Kind};

/// What came of a request.
pub(super) struct Ended {
    /// There was such a session, or may have been one that is over.
    is_known: bool,
    /// Who else knew of what has ended.
    pub(super) others: Vec<Participant>,
    /// What becomes of the browser's cookie.
    pub(super) session: SessionChange,
}

impl Sso {
    /// Ends the browser's own session; gives those who knew of it.
    pub(super) async fn end_own(
        &self,
        tenant: &Tenant,
        browser: &Browser,
    ) -> Result<Vec<Participant>, Refusal> {
        let Some(found) = self.session(tenant, browser).await? else {
            return self.close_session(tenant, browser).await.map(|()| Vec::new());
        };
        let (user, index) = (found.0.person.user_id.clone(), found.0.index.clone());
        self.close_session(tenant, browser).await?;
        let known = self.participants(tenant, &user).await?;
        let known: Vec<_> = known.into_iter().filter(|it| it.session == index).collect();
        self.strike(tenant, &user, &known).await?;
        Ok(known)
    }

    /// Ends what a service provider asks to end, or says what it is to be answered instead.
    pub(super) async fn ended(
        &self,
        visit: &Visit,
        browser: &Browser,
        request: &EndRequest,
    ) -> Result<Ended, Outcome> {
        match self.end_asked(visit, browser, request).await {
            Ok(ended) if ended.is_known => Ok(ended),
            Ok(_) => Err(UNKNOWN),
            Err(refusal) => {
                let tenant = visit.tenant.id.as_str();
                tracing::warn!(tenant, %refusal, "a session could not be ended as asked");
                Err(FAILED)
            }
        }
    }

    /// Ends the sessions that a service provider took part in and asks to end: those of its
    /// `SessionIndex`es, or all of the person whom it names. The person is known by the browser's
    /// session, by a `SessionIndex`, or by a name that the service provider knows for ever.
    async fn end_asked(
        &self,
        visit: &Visit,
        browser: &Browser,
        request: &EndRequest,
    ) -> Result<Ended, Refusal> {
        let tenant = &visit.tenant;
        let own = self.session(tenant, browser).await?.map(|found| found.0);
        let mut users = Vec::new();
        users.extend(own.as_ref().map(|session| session.person.user_id.clone()));
        for index in &request.session_indexes {
            let found = self.store.get(&index_key(tenant, index)).await?;
            let user: Option<PersonId> = found.map(|octets| decode(&octets)).transpose()?;
            users.extend(user.filter(|user| !users.contains(user)));
        }
        let named = self.known_for_ever(tenant, request).await?;
        // Whom we know so is known also where no session of theirs is left.
        let is_known = named.is_some();
        users.extend(named.filter(|user| !users.contains(user)));
        let mut ended = Ended { is_known, others: Vec::new(), session: SessionChange::Keep };
        for user in users {
            let known = self.participants(tenant, &user).await?;
            let asked = asked_for(visit, request, &known);
            if asked.is_empty() {
                continue;
            }
            ended.is_known = true;
            for index in &asked {
                self.end_index(tenant, index).await?;
            }
            if own.as_ref().is_some_and(|session| asked.contains(&session.index)) {
                self.close_session(tenant, browser).await?;
                ended.session = SessionChange::Close;
            }
            let over = |it: &Participant| asked.contains(&it.session);
            let over: Vec<_> = known.into_iter().filter(over).collect();
            self.strike(tenant, &user, &over).await?;
            ended.others.extend(over.into_iter().filter(|it| it.sp != request.asker.sp));
        }
        Ok(ended)
    }

    /// The person whom the service provider knows for ever by the name in its request, where that
    /// says nothing of a session.
    async fn known_for_ever(
        &self,
        tenant: &Tenant,
        request: &EndRequest,
    ) -> Result<Option<PersonId>, Refusal> {
        if !names_for_ever(tenant, request) {
            return Ok(None);
        }
        let EndRequest { asker, name_id, .. } = request;
        Ok(self.name_ids.known_by(&tenant.id, &asker.sp, &name_id.value).await?)
    }

    /// Marks a session as ended of which only the index is known.
    async fn end_index(&self, tenant: &Tenant, index: &str) -> Result<(), Refusal> {
        let mark = Mark {
            tenant: tenant.id.clone(),
            kind: MarkKind::EndedSession,
            id: index.to_owned(),
            until: self.clock.now() + self.session_life.absolute + limits::MARK_SPARE,
        };
        self.book.ledger().mark(&mark).await?;
        Ok(())
    }

    /// Notes whose session an index names, for requests that come without the browser's session.
    pub(in crate::sso) async fn note_index(
        &self,
        tenant: &Tenant,
        (index, user): (&str, &PersonId),
    ) -> Result<(), Refusal> {
        let key = index_key(tenant, index);
        Ok(self.store.put(&key, &encode(user)?, self.session_life.absolute).await?)
    }

    /// Everybody who was told about a person's sessions.
    async fn participants(
        &self,
        tenant: &Tenant,
        user: &PersonId,
    ) -> Result<Vec<Participant>, Refusal> {
        let key = list_of(tenant, user);
        let members = self.store.members(&key, self.clock.now()).await?;
        members.iter().map(|octets| decode(octets)).collect()
    }

    async fn strike(
        &self,
        tenant: &Tenant,
        user: &PersonId,
        over: &[Participant],
    ) -> Result<(), Refusal> {
        let key = list_of(tenant, user);
        for participant in over {
            self.store.strike(&key, &encode(participant)?).await?;
        }
        Ok(())
    }
}

/// Whether a request may name its person by what the service provider knows for ever, and says
/// nothing of a session.
pub(in crate::sso) fn names_for_ever(tenant: &Tenant, request: &EndRequest) -> bool {
    let EndRequest { asker, name_id, session_indexes } = request;
    let persistent = NameIdentifier {
        value: name_id.value.clone(),
        format: Some(name_id::PERSISTENT.to_owned()),
        name_qualifier: None,
        sp_name_qualifier: None,
    };
    let parties = (tenant.entity_id.as_str(), asker.sp.as_str());
    session_indexes.is_empty() && persistent.is(name_id, parties)
}

/// The indexes of the sessions that a request means, of those that are known of one person.
fn asked_for(visit: &Visit, request: &EndRequest, known: &[Participant]) -> Vec<String> {
    let EndRequest { asker, name_id, session_indexes } = request;
    let parties = (visit.tenant.entity_id.as_str(), asker.sp.as_str());
    let mut asked = Vec::new();
    for participant in known {
        let listed = session_indexes.is_empty() || session_indexes.contains(&participant.session);
        if participant.sp == asker.sp
            && listed
            && participant.name_id.is(name_id, parties)
            && !asked.contains(&participant.session)
        {
            asked.push(participant.session.clone());
        }
    }
    asked
}

fn index_key(tenant: &Tenant, index: &str) -> Key {
    Key::new(Kind::SessionOwner, tenant.id.as_str(), &secret::fingerprint(index))
}
