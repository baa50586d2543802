//! Layer 3, sso: the hand-off: from a ticket or a password to a session, and off to the cloud's
//! login link (contract §1.2, §2), or back into the journey that was waiting.

use super::answer::first_login;
use super::session::Proven;
use super::sign_in::local::Typed;
use super::{Browser, SessionChange, Sso, Step, Turn, Visit};
use crate::refusal::{Code, Refusal};
use crate::store::record::{Customer, FirstLogin, Link, Person, SignIn, Tenant};

impl Sso {
    /// Redeems a ticket, opens a session, and goes on: to the journey that waits, or to the cloud.
    ///
    /// # Errors
    /// The ticket's refusals, [`Code::ServiceNotAllowed`], [`Code::CustomerDisabled`], or a
    /// store's.
    pub async fn launch(
        &self,
        visit: &Visit,
        browser: &Browser,
        ticket: &str,
        onward: Onward<'_>,
    ) -> Result<Turn, Refusal> {
        if let Onward::Cloud { service } = onward {
            self.check_service(&visit.tenant, service)?;
        }
        let redeemed = self.redeem(&visit.tenant, ticket).await?;
        let service = redeemed.service.as_deref();
        let onward = match onward {
            // What the ticket says is signed or kept by us; what the address says anybody may have
            // written.
            Onward::Cloud { service: asked } => Onward::Cloud { service: service.or(asked) },
            waiting @ Onward::Journey { .. } => waiting,
        };
        match self.enter(visit, browser, redeemed.proven, onward).await {
            Err(refusal) if refusal.code == Code::CustomerDisabled => {
                self.turn_away_waiting(visit, browser, onward, refusal).await
            }
            entered => entered,
        }
    }

    /// Checks a password, opens a session, and goes on.
    ///
    /// # Errors
    /// [`Code::SignInElsewhere`], or a store's refusal. What was typed wrongly is a
    /// [`Step::SignInAgain`].
    pub async fn sign_in(
        &self,
        visit: &Visit,
        browser: &Browser,
        typed: &Typed<'_>,
        onward: Onward<'_>,
    ) -> Result<Turn, Refusal> {
        local_only(&visit.tenant)?;
        let entered = match self.check_password(&visit.tenant, browser, typed).await {
            Ok(proven) => self.enter(visit, browser, proven, onward).await,
            Err(refusal) => Err(refusal),
        };
        match entered {
            Ok(turn) => Ok(turn),
            Err(refusal) if refusal.code == Code::CustomerDisabled => {
                self.turn_away_waiting(visit, browser, onward, refusal).await
            }
            Err(refusal) => {
                let again = matches!(
                    refusal.code,
                    Code::WrongCredentials | Code::TooManyAttempts | Code::FormExpired
                );
                if !again {
                    return Err(refusal);
                }
                let handle = match onward {
                    Onward::Journey { handle } => Some(handle.to_owned()),
                    Onward::Cloud { .. } => None,
                };
                let (_, binding) = self.binding(browser);
                let username = typed.username.to_owned();
                let step = Step::SignInAgain { handle, problem: refusal.code, username };
                Ok(Turn { binding, ..Turn::of(step) })
            }
        }
    }

    /// Our sign-in page.
    ///
    /// # Errors
    /// [`Code::SignInElsewhere`] where the partner signs people in.
    pub fn sign_in_page(
        &self,
        visit: &Visit,
        browser: &Browser,
        handle: Option<String>,
    ) -> Result<Turn, Refusal> {
        local_only(&visit.tenant)?;
        let (_, binding) = self.binding(browser);
        Ok(Turn { binding, ..Turn::of(Step::SignInHere { handle }) })
    }

    /// Off to the cloud with the session that is there, or to signing in. Who has no account there
    /// goes to the page that opens one.
    ///
    /// # Errors
    /// [`Code::ServiceNotAllowed`], [`Code::CustomerDisabled`], [`Code::NoLoginLink`], or a store's
    /// refusal.
    pub async fn go_to_cloud(
        &self,
        visit: &Visit,
        browser: &Browser,
        service: Option<&str>,
        door: Door,
    ) -> Result<Turn, Refusal> {
        self.check_service(&visit.tenant, service)?;
        let found = self.session(&visit.tenant, browser).await?;
        let Some((mut session, customer)) = self.present(&visit.tenant, found).await? else {
            return match &visit.tenant.sign_in {
                SignIn::Local => self.sign_in_page(visit, browser, None),
                // The partner's site knows the customer and starts the journey with a ticket.
                SignIn::Partner { .. } => {
                    let url = visit.tenant.portal_url.to_string();
                    Ok(Turn::of(Step::SignInAtPartner { url }))
                }
            };
        };
        let link = enabled(customer)?;
        let begun = session.first_login.take();
        let waiting = begun.as_ref().and_then(|begun| begun.service.as_deref());
        let service = service.or(waiting);
        let goal = (link, service);
        let (step, first_login) = self.onward(visit, &session.person, goal, door).await?;
        let mut turn = Turn::of(step)
            .for_customer(self.pseudonym(&visit.tenant, &session.person))
            .on_journey(&session.journey);
        session.first_login = first_login;
        if session.first_login != begun {
            let token = self.change_session(&visit.tenant, browser, &session).await?;
            turn.session = SessionChange::Open(token);
        }
        Ok(turn)
    }

    /// That `service` is a page of the tenant's cloud.
    pub(super) fn check_service(
        &self,
        tenant: &Tenant,
        service: Option<&str>,
    ) -> Result<(), Refusal> {
        let profile = self.clouds.get(&tenant.id);
        let login = profile.and_then(|profile| profile.login.as_ref());
        match (login, service) {
            (Some(login), Some(service)) => login.permit(service).map_err(|found| {
                let cause = format!("expected a service on a listed host, found {found}");
                Refusal::new(Code::ServiceNotAllowed, cause)
            }),
            (None, Some(_)) => {
                Err(Refusal::new(Code::NoLoginLink, "expected a cloud with a login link"))
            }
            (_, None) => Ok(()),
        }
    }

    /// Opens a session for a proven person and goes on.
    async fn enter(
        &self,
        visit: &Visit,
        browser: &Browser,
        proven: Proven,
        onward: Onward<'_>,
    ) -> Result<Turn, Refusal> {
        let tenant = &visit.tenant;
        let link = self.link(tenant, &proven.person).await?;
        let customer = self.pseudonym(tenant, &proven.person);
        let (step, first_login) = match onward {
            // A waiting journey began at the cloud: who has no account there yet must come from the
            // partner's site.
            Onward::Journey { handle } => (Step::Continue { handle: handle.to_owned() }, None),
            Onward::Cloud { service } => {
                let goal = (link, service);
                self.onward(visit, &proven.person, goal, Door::Chosen).await?
            }
        };
        let token = self.open_session(tenant, browser, proven, first_login).await?;
        let turn = Turn { session: SessionChange::Open(token), ..Turn::of(step) };
        Ok(turn.for_customer(customer))
    }

    /// Off to the cloud, or to our page that opens an account there; and the first login that
    /// begins so.
    async fn onward(
        &self,
        visit: &Visit,
        person: &Person,
        (link, service): (Link, Option<&str>),
        door: Door,
    ) -> Result<(Step, Option<FirstLogin>), Refusal> {
        let step = Step::GoToCloud { url: login_link(visit, link, service)? };
        if link == Link::Linked {
            return Ok((step, None));
        }
        if door == Door::Chosen && self.opens_here(&visit.tenant, person).await? {
            let service = service.map(str::to_owned);
            return Ok((Step::OpenAccountHere { service }, None));
        }
        self.first_login_begins(&visit.tenant.id, person).await?;
        Ok((step, Some(FirstLogin { service: service.map(str::to_owned) })))
    }

    /// Whether the customer has a cloud account, if they may be signed in at all.
    async fn link(&self, tenant: &Tenant, person: &Person) -> Result<Link, Refusal> {
        enabled(self.customer(tenant, person).await?)
    }
}

/// Whether a customer has a cloud account, if they may be signed in at all.
pub(super) fn enabled(customer: Customer) -> Result<Link, Refusal> {
    if customer.enabled {
        return Ok(customer.link);
    }
    let cause = "expected an enabled customer, found one switched off";
    Err(Refusal::new(Code::CustomerDisabled, cause))
}

/// Which page opens an account for whoever has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The one that the tenant chose.
    Chosen,
    /// The cloud's own, which also binds an account that is there.
    OfCloud,
}

/// Where to go once somebody is signed in.
#[derive(Clone, Copy, Debug)]
pub enum Onward<'a> {
    /// To the cloud, to this page of it or its default one.
    Cloud {
        /// The page.
        service: Option<&'a str>,
    },
    /// To the journey that waits under this handle.
    Journey {
        /// The handle.
        handle: &'a str,
    },
}

fn login_link(visit: &Visit, link: Link, service: Option<&str>) -> Result<String, Refusal> {
    let account_type = visit.tenant.account_type.as_deref().unwrap_or_default();
    Ok(visit.profile.login_link(account_type, first_login(link), service)?)
}

fn local_only(tenant: &Tenant) -> Result<(), Refusal> {
    match tenant.sign_in {
        SignIn::Local => Ok(()),
        SignIn::Partner { .. } => {
            let cause =
                "expected a tenant with local users, found one that signs in at the partner";
            Err(Refusal::new(Code::SignInElsewhere, cause))
        }
    }
}
