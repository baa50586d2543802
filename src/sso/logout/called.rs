//! Layer 3, sso: a service provider calls by SOAP to end somebody's sessions, and is answered by
//! the same call (saml-bindings-2.0-os §3.2, conformance A-104). No browser is there: whoever else
//! can only be told through one is not told, and the answer says so.

use super::back::Told;
use super::{Outcome, PARTIAL, SUCCESS};
use crate::refusal::Refusal;
use crate::sso::{Browser, Sso, Visit};
use crate::store::leaving::EndRequest;

/// The answer to a call.
#[derive(Debug)]
pub struct Answered {
    /// The envelope, signed inside.
    pub envelope: String,
    /// Whom it is for.
    pub sp: crate::saml::EntityId,
}

impl Sso {
    /// Ends what a service provider asks to end in an envelope.
    ///
    /// # Errors
    /// Every way in which a message can be refused; after that it is always answered.
    pub async fn hear_call(
        &self,
        visit: &Visit,
        caller: &Browser,
        envelope: &[u8],
    ) -> Result<Answered, Refusal> {
        let request = self.request_in_envelope(visit, envelope)?;
        let about = |refusal: Refusal| refusal.about(request.asker.sp.as_str());
        self.claim_logout(&visit.tenant, &request.asker).await.map_err(about)?;
        // Whatever cookies a program sends, they prove nothing about the person.
        let nobody = Browser { session: None, binding: None, ..caller.clone() };
        let outcome = self.end_without_browser(visit, &nobody, &request).await;
        let registered = self.registered(&visit.tenant, &request.asker.sp).map_err(about)?;
        let answered = (&request.asker, outcome);
        let answer =
            self.logout_response(visit, (&registered, None), answered, |it, by| Ok(it.soap(by)?));
        let envelope = answer.await.map_err(about)?;
        Ok(Answered { envelope, sp: request.asker.sp })
    }

    async fn end_without_browser(
        &self,
        visit: &Visit,
        nobody: &Browser,
        request: &EndRequest,
    ) -> Outcome {
        match self.ended(visit, nobody, request).await {
            Ok(ended) => {
                let Told { missed, rest, .. } = self.tell_directly(visit, ended.others).await;
                if missed.is_empty() && rest.is_empty() { SUCCESS } else { PARTIAL }
            }
            Err(outcome) => outcome,
        }
    }
}
