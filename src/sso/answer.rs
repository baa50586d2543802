//! Layer 3, sso: from a request to what happens next: check it, find the session, decide, act.

use std::str;
use std::sync::Arc;

use super::beginning::Beginning;
use super::name::Naming;
use super::next::{self, Next, Presence, Proof, Situation};
use super::request::{Carried, Checked};
use super::sign_in::ticket::SKEW;
use super::watch::AtWork;
use super::{Browser, Delivery, Sso, Step, Turn, Visit, turn_away, unsolicited};
use crate::cloud::Profile;
use crate::cloud::registration::Registered;
use crate::refusal::{Code, Refusal};
use crate::saml::authn_context;
use crate::saml::{MessageId, RelayState};
use crate::secret;
use crate::store::record::{Ask, Customer, Link, Session, SignIn};
use crate::store::{Claim, Key, Kind};

/// What stands under a used request id while its journey waits: the browser's binding and the
/// journey's handle.
const SEPARATOR: char = ' ';

impl Sso {
    /// Answers a request that arrived at `/{tenant}/saml/sso`, or at the address of one key.
    ///
    /// # Errors
    /// Every way in which a request can be refused; nothing is then sent anywhere.
    pub async fn answer(
        &self,
        visit: &Visit,
        browser: &Browser,
        kid: Option<&str>,
        raw_query: &str,
    ) -> Result<Turn, Refusal> {
        let carried = Carried::Query(raw_query);
        let checked = self.check_request(visit, kid, carried, &mut AtWork)?;
        let sp = checked.ask.sp.clone();
        let answered = self.answer_checked(visit, browser, checked, Beginning::New).await;
        answered.map_err(|refusal| refusal.about(sp.as_str()))
    }

    pub(super) async fn answer_checked(
        &self,
        visit: &Visit,
        browser: &Browser,
        checked: Checked,
        beginning: Beginning,
    ) -> Result<Turn, Refusal> {
        let Checked { ask, registered, remember } = checked;
        let (binding, new_binding) = self.binding(browser);
        let handle = self.handle();
        let mine = secret::fingerprint(&binding);
        let id = ask.id.as_ref().map_or("", MessageId::as_str);
        let id = secret::fingerprint(&format!("{}{SEPARATOR}{id}", ask.sp));
        let key = Key::new(Kind::UsedRequest, visit.tenant.id.as_str(), &id);
        let value = format!("{mine}{SEPARATOR}{handle}");
        let claim = (&key, value.as_bytes(), remember);
        let (found, claim) = self.session_and_claim(&visit.tenant, browser, claim).await?;
        if let Claim::Lost(before) = claim {
            return self.once_more(visit, browser, &mine, &before).await;
        }
        let present = self.present(&visit.tenant, found).await?;
        let journey = present.as_ref().map_or(&browser.journey, |(session, _)| &session.journey);
        let journey = journey.clone();
        let asked = (&ask, &*registered);
        let mut turn = match decide(asked, present.as_ref(), None) {
            Next::SignIn => {
                if beginning == Beginning::New
                    && let Err(refusal) = self.count_beginning(&visit.tenant, browser).await
                {
                    // Or else who begins too many would leave all their IDs behind.
                    self.store.remove(&key).await?;
                    return Err(refusal);
                }
                let step = sign_in_step(visit, handle.clone(), ask.force_authn);
                self.park(&visit.tenant, &handle, &binding, (ask, &journey)).await?;
                Turn { binding: new_binding, ..Turn::of(step) }
            }
            next => self.act(visit, (ask, registered), session_of(present), next).await?,
        };
        turn.journey = Some(journey);
        Ok(turn)
    }

    /// A request whose id was used before. The same browser reloading a page that still waits sees
    /// that page again; everybody else is refused (B-18).
    async fn once_more(
        &self,
        visit: &Visit,
        browser: &Browser,
        mine: &str,
        before: &[u8],
    ) -> Result<Turn, Refusal> {
        let replayed = || {
            let cause = "expected a request ID that was not used, found a used one";
            Refusal::new(Code::RequestReplayed, cause)
        };
        let before = str::from_utf8(before).map_err(|_| replayed())?;
        let (theirs, handle) = before.split_once(SEPARATOR).ok_or_else(replayed)?;
        if !secret::same(theirs.as_bytes(), mine.as_bytes()) {
            return Err(replayed());
        }
        match self.look(&visit.tenant, handle, browser).await {
            Ok(pending) => {
                let step = sign_in_step(visit, handle.to_owned(), pending.ask.force_authn);
                Ok(Turn::of(step).on_journey(&pending.journey))
            }
            Err(refusal) if refusal.code == Code::JourneyGone => Err(replayed()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Continues a parked journey once its person has signed in.
    ///
    /// # Errors
    /// [`Code::JourneyGone`], [`Code::JourneyElsewhere`], or what [`Sso::answer`] refuses.
    pub async fn resume(
        &self,
        visit: &Visit,
        browser: &Browser,
        handle: &str,
    ) -> Result<Turn, Refusal> {
        let pending = self.look(&visit.tenant, handle, browser).await?;
        let found = self.session(&visit.tenant, browser).await?;
        let present = self.present(&visit.tenant, found).await?;
        let registered = self.registered(&visit.tenant, &pending.ask.sp)?;
        if pending.ask.id.is_none() {
            let relay_state = pending.ask.relay_state.as_ref().map(RelayState::as_str);
            unsolicited::permitted(&registered, relay_state)?;
        }
        let asked = (&pending.ask, &*registered);
        let decided = decide(asked, present.as_ref(), Some(pending.since));
        if decided == Next::SignIn {
            let step = sign_in_step(visit, handle.to_owned(), pending.ask.force_authn);
            return Ok(Turn::of(step).on_journey(&pending.journey));
        }
        let pending = self.take(&visit.tenant, handle, browser).await?;
        let turn = self.act(visit, (pending.ask, registered), session_of(present), decided).await?;
        Ok(turn.on_journey(&pending.journey))
    }

    async fn act(
        &self,
        visit: &Visit,
        (ask, registered): (Ask, Arc<Registered>),
        session: Option<Session>,
        next: Next,
    ) -> Result<Turn, Refusal> {
        let customer = session.as_ref().map(|s| self.pseudonym(&visit.tenant, &s.person));
        let step = match (next, session) {
            (Next::Assert, Some(session)) => {
                Step::Deliver(Box::new(self.tell(visit, &registered, ask, session).await?))
            }
            (Next::Decline(code, detail), _) => {
                let declined = self.decline(visit, &registered, ask, (code, detail)).await?;
                Step::Deliver(Box::new(declined))
            }
            (next, _) => {
                let Some(refusal) = turn_away::reason(next) else {
                    let cause = "a decision that does not fit its session";
                    return Err(Refusal::new(Code::Internal, cause));
                };
                self.turn_away(visit, (ask, &registered), refusal).await?
            }
        };
        let turn = Turn::of(step);
        Ok(match customer {
            Some(name) => turn.for_customer(name),
            None => turn,
        })
    }

    /// Tells the service provider who is there, if the person can be named as it asks.
    async fn tell(
        &self,
        visit: &Visit,
        registered: &Registered,
        ask: Ask,
        session: Session,
    ) -> Result<Delivery, Refusal> {
        match self.name(visit, registered, &ask, &session).await? {
            Naming::Named(name_id) => {
                self.take_part(visit, registered, &session, name_id.as_ref()).await?;
                self.assert(visit, registered, ask, (session, name_id)).await
            }
            Naming::Unavailable(..) if ask.id.is_none() => {
                let cause = "expected a customer who can be named as the service asks, found none";
                Err(Refusal::new(Code::NameIdUnavailable, cause).about(ask.sp.as_str()))
            }
            Naming::Unavailable(code, detail) => {
                self.decline(visit, registered, ask, (code, detail)).await
            }
        }
    }
}

fn decide(
    (ask, registered): (&Ask, &Registered),
    present: Option<&(Session, Customer)>,
    asked_at: Option<time::OffsetDateTime>,
) -> Next {
    let presence = match present {
        None => Presence::Nobody,
        Some((session, customer)) => {
            let class = super::issue::class_ref(&registered.profile, session);
            Presence::Somebody {
                proof: proof(session, asked_at),
                enabled: customer.enabled,
                link: link_with(&registered.profile, customer.link),
                first_login_begun: session.first_login.is_some(),
                context_met: authn_context::met(&ask.contexts, ask.comparison, class),
            }
        }
    };
    next::next(situation(ask, presence))
}

/// What the decision about a request depends on.
pub(super) fn situation(ask: &Ask, presence: Presence) -> Situation {
    Situation {
        presence,
        force_authn: ask.force_authn,
        is_passive: ask.is_passive,
        unmet: ask.unmet,
    }
}

/// Whether a session began with a proof that is newer than a request that waited.
fn proof(session: &Session, asked_at: Option<time::OffsetDateTime>) -> Proof {
    match asked_at {
        Some(asked_at) if session.authn_instant >= asked_at => match session.proved_at {
            // The partner says whole seconds, by its own clock.
            Some(proved_at) if proved_at + SKEW >= asked_at => Proof::Fresh,
            _ => Proof::Unsaid,
        },
        _ => Proof::Before,
    }
}

/// How the customer stands with what the service provider belongs to: one whose profile has no
/// login link is no cloud, and asks for no account there.
pub(super) fn link_with(profile: &Profile, link: Link) -> Link {
    if profile.login.is_some() { link } else { Link::Linked }
}

fn session_of(present: Option<(Session, Customer)>) -> Option<Session> {
    present.map(|(session, _)| session)
}

/// Where the tenant's people sign in, with the way back.
fn sign_in_step(visit: &Visit, handle: String, force_authn: bool) -> Step {
    match &visit.tenant.sign_in {
        SignIn::Local => Step::SignInHere { handle: Some(handle) },
        SignIn::Partner { login_url, continue_parameter, force_parameter } => {
            let separator = if login_url.as_str().contains('?') { '&' } else { '?' };
            // Or else the partner's page answers from a session of its own.
            let force =
                if force_authn { format!("&{force_parameter}=true") } else { String::new() };
            let url = format!("{login_url}{separator}{continue_parameter}={handle}{force}");
            Step::SignInAtPartner { url }
        }
    }
}

/// Whether the customer has a cloud account decides how the cloud is asked to log them in.
pub(super) fn first_login(link: Link) -> crate::cloud::FirstLogin {
    match link {
        Link::Linked => crate::cloud::FirstLogin::No,
        Link::Unlinked => crate::cloud::FirstLogin::Yes,
    }
}
