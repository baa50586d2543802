//! Room demo (layer 6): all journeys without a browser, and what must be refused. It sees gateway
//! and cloud from outside only, so the same check drives a deployed gateway with a simulated cloud.
//!
//! Read in this order: `journeys`, `newcomers`, `creating`, `opening`, `refusals` (what is walked),
//! `stage` (the hops), `telling`, `reading`, `browser`, `form`, `report`, `keep`.

mod browser;
mod creating;
mod form;
mod journeys;
mod keep;
mod newcomers;
mod opening;
mod reading;
mod refusals;
mod report;
mod stage;
mod telling;

use std::sync::Arc;

use secrecy::SecretString;

pub use keep::keep;
pub use report::{Colour, Hop, Report, Verdict};

use super::people::{CUSTOMERS, LOCAL_USERS};
use super::ticket::{self, Customer, Signer};
use super::{BRAVO, DIRECT, Error, TENANT, partner};
use crate::app::parts::System;
use crate::cloud::registration::Registrations;
use stage::Stage;

/// What is checked. What is not known is reported as not run.
#[derive(Clone)]
pub struct Target {
    gateway: String,
    cloud: String,
    tenant: String,
    api_key: Option<SecretString>,
    signer: Option<Signer>,
    /// The partner's site, where it is the demo's.
    partner: Option<String>,
    /// What the linked customer is called at the demo's partner.
    login: String,
    linked: Customer,
    unlinked: Option<Customer>,
    local: Option<Local>,
    direct: Option<Direct>,
    registrations: Option<Arc<Registrations>>,
}

/// A user who signs in at the gateway.
#[derive(Clone)]
struct Local {
    tenant: String,
    login: String,
    password: String,
    account: String,
}

/// A tenant with the same API key, whose customers open accounts on our page.
#[derive(Clone)]
struct Direct {
    tenant: String,
    unlinked: Customer,
}

impl Target {
    /// A gateway that runs elsewhere, in front of a simulated cloud that it is registered with.
    /// `linked` and `unlinked` are the partner's ids of customers with and without a cloud account.
    #[must_use]
    pub fn deployed(
        (gateway, cloud): (&str, &str),
        tenant: &str,
        api_key: Option<SecretString>,
        linked: &str,
        unlinked: Option<&str>,
    ) -> Self {
        let customer = |id: &str| Customer { user_id: id.to_owned(), ..Customer::default() };
        Self {
            gateway: gateway.trim_end_matches('/').to_owned(),
            cloud: cloud.trim_end_matches('/').to_owned(),
            tenant: tenant.to_owned(),
            api_key,
            signer: None,
            partner: None,
            login: String::new(),
            linked: customer(linked),
            unlinked: unlinked.map(customer),
            local: None,
            direct: None,
            registrations: None,
        }
    }
}

impl super::Demo {
    /// This demo as a target.
    ///
    /// # Errors
    /// [`Error::Part`] when the ticket key cannot be used.
    pub fn target(&self) -> Result<Target, Error> {
        let local = &LOCAL_USERS[0];
        Ok(Target {
            gateway: self.addresses.gateway.clone(),
            cloud: self.addresses.cloud.clone(),
            tenant: TENANT.to_owned(),
            api_key: Some(self.secrets.api_key.clone()),
            signer: Some(partner::signer(&self.secrets)?),
            partner: Some(self.addresses.partner.clone()),
            login: CUSTOMERS[0].login.to_owned(),
            linked: partner::customer(&CUSTOMERS[0], None),
            unlinked: Some(partner::customer(&CUSTOMERS[1], None)),
            local: Some(Local {
                tenant: BRAVO.to_owned(),
                login: local.login.to_owned(),
                password: local.password.to_owned(),
                account: local.user_id.to_owned(),
            }),
            direct: Some(Direct {
                tenant: DIRECT.to_owned(),
                unlinked: partner::customer(&CUSTOMERS[2], None),
            }),
            registrations: Some(Arc::clone(&self.registrations)),
        })
    }
}

/// Walks everything; `watch` sees each hop as it ends.
///
/// # Errors
/// [`Error::Part`] when there is no HTTP client. What is wrong with the target is in the report.
pub async fn run(
    target: Target,
    system: System,
    watch: Box<dyn FnMut(&Hop)>,
) -> Result<Report, Error> {
    let client = partner::client()?;
    let certificates = keep::certificates(&client, &target).await;
    let mut stage = Stage::new(target, system, client, watch);
    stage.case("before all", Stage::learn_knobs).await;
    journeys::all(&mut stage).await;
    newcomers::all(&mut stage).await;
    creating::all(&mut stage).await;
    opening::all(&mut stage).await;
    refusals::all(&mut stage).await;
    Ok(Report { hops: stage.hops, messages: stage.messages, certificates })
}
