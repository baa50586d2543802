//! Layer 3, sso: answers that nobody asked for (saml-profiles-2.0-os §4.1.5): a journey that begins
//! at the partner's site and ends at a service provider other than the cloud. Off for each service
//! provider whose registration does not turn it on (conformance A-083): who can make a browser open
//! an address could sign its person in there.

use super::{Browser, Onward, Sso, Step, Turn, Visit};
use crate::cloud::registration::{Registered, Unsolicited};
use crate::refusal::{Code, Refusal};
use crate::saml::{EntityId, NameIdKind, RelayState};
use crate::store::record::{Ask, AskedNameId};

/// Where a journey that begins here shall end.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The entityID of the service provider.
    pub sp: &'a str,
    /// What it shall get with the answer.
    pub relay_state: Option<&'a str>,
}

impl Sso {
    /// Goes to a service provider that asked for nothing: with a ticket, or with the session that
    /// is there.
    ///
    /// # Errors
    /// [`Code::ServiceUnknown`], [`Code::RelayStateNotAllowed`], those of [`Sso::launch`], or a
    /// store's refusal.
    pub async fn go_to_service(
        &self,
        visit: &Visit,
        browser: &Browser,
        destination: Destination<'_>,
        ticket: Option<&str>,
    ) -> Result<Turn, Refusal> {
        let ask = self.unasked(visit, destination)?;
        self.count_beginning(&visit.tenant, browser).await?;
        let (binding, new_binding) = self.binding(browser);
        let handle = self.handle();
        self.park(&visit.tenant, &handle, &binding, (ask, &browser.journey)).await?;
        let turn = match ticket {
            Some(ticket) => {
                let onward = Onward::Journey { handle: &handle };
                self.launch(visit, browser, ticket, onward).await?
            }
            None => Turn::of(Step::Continue { handle }),
        };
        Ok(Turn { binding: new_binding, ..turn })
    }

    /// What the service provider would have asked for, had it asked for nothing in particular.
    fn unasked(&self, visit: &Visit, destination: Destination<'_>) -> Result<Ask, Refusal> {
        let sp = EntityId::parse(destination.sp).map_err(|_| unknown())?;
        let registered = self.registrations.get(&visit.tenant.id, &sp).ok_or_else(unknown)?;
        permitted(&registered, destination.relay_state)?;
        let relay_state = destination.relay_state.map(RelayState::parse).transpose()?;
        let acs = registered.service_provider.default_acs().ok_or_else(unknown)?;
        Ok(Ask {
            id: None,
            acs: acs.location.clone(),
            relay_state,
            kid: None,
            force_authn: false,
            is_passive: false,
            contexts: Vec::new(),
            comparison: crate::saml::authn_request::Comparison::Exact,
            name_id: usual_name(&registered),
            subject: None,
            attribute_service: None,
            unmet: None,
            sp,
        })
    }
}

/// That the registration lets the service provider have an answer that it did not ask for: at the
/// beginning, and once more when it is given, since the registration may have changed meanwhile.
///
/// # Errors
/// [`Code::ServiceUnknown`], [`Code::RelayStateNotAllowed`].
pub(super) fn permitted(registered: &Registered, relay_state: Option<&str>) -> Result<(), Refusal> {
    let sp = registered.service_provider.entity_id.as_str();
    let Unsolicited::Allowed { relay_states } = &registered.unsolicited else {
        return Err(unknown().about(sp));
    };
    // What an address says anybody may have written (conformance B-16).
    let listed = |asked: &str| relay_states.iter().any(|listed| listed == asked);
    if relay_state.is_some_and(|asked| !listed(asked)) {
        let cause = "expected a RelayState that the registration lists, found another";
        return Err(Refusal::new(Code::RelayStateNotAllowed, cause).about(sp));
    }
    Ok(())
}

/// Unknown, switched off and not turned on look the same (conformance C-12).
fn unknown() -> Refusal {
    let cause = "expected a service provider that takes unsolicited answers, found none";
    Refusal::new(Code::ServiceUnknown, cause)
}

fn usual_name(registered: &Registered) -> AskedNameId {
    let rules = &registered.profile.response.name_id;
    let listed = &registered.service_provider.name_id_formats;
    let kind = rules.choose(None, listed).unwrap_or(NameIdKind::Transient);
    AskedNameId { kind, ..AskedNameId::default() }
}
