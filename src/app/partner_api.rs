//! Room app (layer 6): the clients of the clouds' partner APIs, one for each tenant whose
//! configuration declares one.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;

use super::api_transport::ApiTransport;
use super::parts::{StartError, System};
use crate::cloud::Profile;
use crate::cloud::api::{AccessKey, Client, Credentials, Login, Settings, Site, Tools};
use crate::cloud::value::HostName;
use crate::config::{self, MasterKey};
use crate::saml::EndpointUrl;
use crate::store::Ephemeral;
use crate::store::record::{Tenant, TenantId};

/// The clients by tenant.
pub type Clients = HashMap<TenantId, Arc<Client>>;

/// What is expected at an option and what is there.
pub(super) struct Misfit {
    /// The option within `[tenant.partner_api]`; empty for the table.
    pub(super) key: &'static str,
    pub(super) expected: &'static str,
    pub(super) found: String,
}

/// What a tenant's client is told.
///
/// # Errors
/// What the profile lacks and the configuration does not state.
pub(super) fn settings(
    declared: &config::PartnerApi,
    (tenant, profile): (&Tenant, &Profile),
    master: &MasterKey,
) -> Result<Settings, Misfit> {
    let misfit = |key, expected, found: &str| Misfit { key, expected, found: found.to_owned() };
    let Some(rules) = profile.partner_api.clone() else {
        let found = format!("{:?}, which says nothing about one", profile.name.as_str());
        return Err(misfit("", "a cloud whose profile has a partner API", &found));
    };
    let Some(account_type) = tenant.account_type.clone() else {
        return Err(misfit(
            "",
            "an `x_account_type` of the tenant, which the API asks for",
            "none",
        ));
    };
    let address = |key, stated: &Option<config::WebUrl>, host: Option<&str>| {
        let text = match (stated, host) {
            (Some(url), _) => url.as_str().to_owned(),
            (None, Some(host)) => format!("https://{host}"),
            (None, None) => {
                let expected = "an https address, because the cloud's profile names no host";
                return Err(misfit(key, expected, "nothing"));
            }
        };
        EndpointUrl::parse(&text)
            .map_err(|error| misfit(key, "an https address", &error.to_string()))
    };
    let hosts = &profile.hosts;
    let credentials = match declared.credentials() {
        Some(config::Credentials::AccessKey { id, secret }) => Credentials::AccessKey {
            key: AccessKey { id: id.to_string(), secret: secret.as_secret().clone() },
            account: declared.account.as_ref().map(ToString::to_string),
        },
        Some(config::Credentials::User { domain, name, password }) => {
            let host = hosts.identity_api.as_ref().map(HostName::as_str);
            Credentials::Token {
                login: Login {
                    domain: domain.to_string(),
                    user: name.to_string(),
                    password: password.as_secret().clone(),
                },
                identity_api: address("identity_url", &declared.identity_url, host)?,
                seed: token_seed(master),
            }
        }
        None => return Err(misfit("access_key", "an access key or a user", "neither")),
    };
    let host = hosts.partner_api.as_ref().map(HostName::as_str);
    Ok(Settings {
        tenant: tenant.id.clone(),
        credentials,
        partner_api: address("url", &declared.url, host)?,
        site: Site { account_type, rules, association: profile.association.clone() },
        requests_per_second: declared.requests_per_second,
    })
}

/// The clients. They share budgets and tokens with those of other nodes through `store`.
///
/// # Errors
/// [`StartError`] when TLS cannot be set up.
pub(super) fn clients(
    settings: Vec<Settings>,
    store: &Arc<dyn Ephemeral>,
    system: &System,
) -> Result<Clients, StartError> {
    if settings.is_empty() {
        return Ok(Clients::new());
    }
    let transport = ApiTransport::new();
    let tools = Tools {
        store: Arc::clone(store),
        clock: Arc::clone(&system.clock),
        random: Arc::clone(&system.random),
        transport: Arc::new(transport.map_err(|error| StartError::Part(error.to_string()))?),
    };
    let client = |settings: Settings| {
        (settings.tenant.clone(), Arc::new(Client::new(settings, tools.clone())))
    };
    Ok(settings.into_iter().map(client).collect())
}

/// Another key than the master key itself: each purpose has its own.
fn token_seed(master: &MasterKey) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, master.expose());
    let tag = hmac::sign(&key, b"cloud API tokens");
    tag.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
