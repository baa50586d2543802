//! Layer 3, sso: logout messages of ours, signed with the tenant's active key where signatures are
//! made (conformance ). Which form they get, each binding knows.

use time::OffsetDateTime;

use super::Outcome;
use crate::cloud::registration::Registered;
use crate::limits;
use crate::refusal::Refusal;
use crate::saml::logout::{Answer, Demand, Signer};
use crate::saml::response::Status;
use crate::saml::{EndpointUrl, MessageId};
use crate::sso::request::as_time;
use crate::sso::{Sso, Visit};
use crate::store::leaving::Asker;
use crate::store::record::Participant;

impl Sso {
    /// The request that tells a participant of the end of its session, in the form that `form`
    /// gives it.
    pub(super) async fn logout_request<T>(
        &self,
        visit: &Visit,
        (registered, destination): (&Registered, &EndpointUrl),
        (participant, id, at): (&Participant, &MessageId, OffsetDateTime),
        form: impl FnOnce(&Demand<'_>, Signer<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let key = self.signing_key(&visit.tenant, None)?;
        let demand = Demand {
            id,
            issue_instant: at,
            not_on_or_after: at + as_time(limits::LOGOUT_REQUEST_LIFE),
            destination,
            issuer: &visit.tenant.entity_id,
            name_id: &participant.name_id,
            session_index: Some(&participant.session),
        };
        let signer = Signer { key: &key, declared: &registered.service_provider.declared };
        self.pool.run(|| form(&demand, signer)).await
    }

    /// The answer to who asked for a logout, in the form that `form` gives it.
    pub(super) async fn logout_response<T>(
        &self,
        visit: &Visit,
        (registered, destination): (&Registered, Option<&EndpointUrl>),
        (asker, (code, detail)): (&Asker, Outcome),
        form: impl FnOnce(&Answer<'_>, Signer<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let key = self.signing_key(&visit.tenant, None)?;
        let answer = Answer {
            id: &self.message_id()?,
            in_response_to: &asker.request,
            issue_instant: self.clock.now(),
            destination,
            issuer: &visit.tenant.entity_id,
            status: Status { code, detail, message: None },
        };
        let signer = Signer { key: &key, declared: &registered.service_provider.declared };
        self.pool.run(|| form(&answer, signer)).await
    }
}
