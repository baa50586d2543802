//! Layer 3, sso: who was told about a session, and has to be told of its end (saml-profiles-2.0-os
//! §4.4, conformance ). One list for each customer: a service provider may end all its
//! sessions of one.

use super::session::encode;
use super::{Sso, Visit};
use crate::cloud::profile::Logout;
use crate::cloud::registration::Registered;
use crate::refusal::Refusal;
use crate::saml::NameIdentifier;
use crate::secret;
use crate::store::record::{Participant, PersonId, Session, Tenant};
use crate::store::{Key, Kind};

impl Sso {
    /// Notes that a service provider is about to be told about a session, where the end of one is
    /// told by messages. Before it is told: nobody may know of a session whose end they would not
    /// hear of.
    pub(super) async fn take_part(
        &self,
        visit: &Visit,
        registered: &Registered,
        session: &Session,
        name_id: Option<&NameIdentifier>,
    ) -> Result<(), Refusal> {
        let sp = &registered.service_provider;
        let Some(name_id) = name_id else { return Ok(()) };
        if registered.profile.logout != Logout::Saml || !sp.hears_of_logout() {
            return Ok(());
        }
        let participant = Participant {
            session: session.index.clone(),
            sp: sp.entity_id.clone(),
            name_id: name_id.clone(),
        };
        let key = list_of(&visit.tenant, &session.person.user_id);
        let (now, life) = (self.clock.now(), self.session_life.absolute);
        let member = encode(&participant)?;
        // Neither waits for the other, so that they cost one round trip.
        let (noted, enlisted) = tokio::join!(
            self.note_index(&visit.tenant, (&session.index, &session.person.user_id)),
            self.store.enlist(&key, &member, now, life),
        );
        noted?;
        Ok(enlisted?)
    }
}

pub(super) fn list_of(tenant: &Tenant, user: &PersonId) -> Key {
    let id = secret::fingerprint(user.as_str());
    Key::new(Kind::Participants, tenant.id.as_str(), &id)
}
