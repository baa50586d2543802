//! Room app (layer 6): what the configuration file declares, as the records and parts that the
//! rooms below work with. What only shows here (an unknown cloud, a file that is no key) is a
//! complaint with the option's name.

mod provider;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::partner_api;
use crate::account::webhook::{Hook, Hooks, Secret};
use crate::cloud::api;
use crate::cloud::overlay::Overrides;
use crate::cloud::registration::Registration;
use crate::cloud::{Clouds, Profile, ProfileFault};
use crate::config::{self, Complaint, Config};
use crate::saml::{EndpointUrl, EntityId};
use crate::sso::sign_in::jwt::{TicketAlgorithm, TicketKey};
use crate::sso::sign_in::{ApiKey, Partner, Partners, Scope};
use crate::store::directory::Declared;
use crate::store::given::Given;
use crate::store::record::{
    Agreements, CloudOverride, Customer, Link, LocalUser, Names, Person, PersonId, SignIn, Tenant,
    TenantId,
};

/// Everything that the tenants of a file declare.
#[derive(Default)]
pub struct Records {
    /// Tenants, customers, local users.
    pub directory: Declared,
    /// Each tenant's cloud with the tenant's changes.
    pub clouds: HashMap<TenantId, Arc<Profile>>,
    /// Every profile by its name.
    pub profiles: Clouds,
    /// The service providers.
    pub registrations: Vec<Registration>,
    /// Access to partner APIs, of the tenants that have it.
    pub partner_apis: Vec<api::Settings>,
    /// The tenants whose customers open accounts on our own page.
    pub own_pages: HashSet<TenantId>,
    /// API keys and ticket keys.
    pub partners: Partners,
    /// Where partners want to be told what becomes of customers.
    pub hooks: Hooks,
}

impl Records {
    /// Builds the records.
    ///
    /// # Errors
    /// Every complaint at once.
    pub fn of(config: &Config) -> Result<Self, Vec<Complaint>> {
        let mut records = Self::default();
        let mut complaints = Vec::new();
        let extra = config.clouds.directory.as_ref().map(config::Directory::as_path);
        let clouds = match Clouds::load(extra) {
            Ok(clouds) => clouds,
            Err(faults) => {
                return Err(faults
                    .into_iter()
                    .map(|fault| complaint("clouds.directory", "sound profiles", fault))
                    .collect());
            }
        };
        for (index, declared) in config.tenants.iter().enumerate() {
            let place = format!("tenant[{}]", index + 1);
            let mut reader =
                TenantReader { config, clouds: &clouds, place, complaints: Vec::new() };
            reader.add(declared, &mut records);
            complaints.append(&mut reader.complaints);
        }
        records.profiles = clouds;
        if complaints.is_empty() { Ok(records) } else { Err(complaints) }
    }
}

fn complaint(path: &str, expected: &str, found: impl std::fmt::Display) -> Complaint {
    let (path, expected) = (path.to_owned(), expected.to_owned());
    Complaint { path, expected, found: found.to_string(), hint: None }
}

/// Reads one `[[tenant]]`.
struct TenantReader<'a> {
    config: &'a Config,
    clouds: &'a Clouds,
    place: String,
    complaints: Vec<Complaint>,
}

impl TenantReader<'_> {
    fn complain(&mut self, key: &str, expected: &str, found: impl std::fmt::Display) {
        self.complaints.push(complaint(&format!("{}.{key}", self.place), expected, found));
    }

    /// Takes a value or complains about its option.
    fn take<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        expected: &str,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|found| self.complain(key, expected, found)).ok()
    }

    fn add(&mut self, declared: &config::Tenant, records: &mut Records) {
        let profile = self.profile(declared);
        let tenant = self.tenant(declared);
        let partner = self.partner(declared);
        let hook = declared.webhook.as_ref().map(|webhook| self.hook(webhook));
        let users: Vec<_> = declared.users.iter().filter_map(|user| self.user(user)).collect();
        let customers = customers(declared);
        let (Some(profile), Some(tenant)) = (profile, tenant) else { return };
        self.needs(declared, &profile);
        if let Some(api) = &declared.partner_api {
            records.partner_apis.extend(self.partner_api(api, (&tenant, &profile)));
        }
        if declared.first_login == config::FirstLogin::Here {
            records.own_pages.extend(self.own_page(declared, (&tenant, &profile)));
        }
        let id = tenant.id.clone();
        let profile = Arc::new(profile);
        let service_providers = declared.service_providers.iter().enumerate();
        for (index, provider) in service_providers.filter(|(_, provider)| provider.enabled) {
            let registration = self.registration((&id, &profile), index, provider);
            records.registrations.extend(registration);
        }
        records.clouds.insert(id.clone(), profile);
        if let Some(Some(hook)) = hook {
            records.hooks.insert(id.clone(), hook);
        }
        records.partners.add(id, partner);
        records.directory.add(tenant, customers, users);
    }

    fn profile(&mut self, declared: &config::Tenant) -> Option<Profile> {
        let profile = self.named_profile("cloud", declared.cloud.as_str())?;
        let overrides = match Overrides::try_from(&cloud_override(declared)) {
            Ok(overrides) => overrides,
            Err(faults) => {
                self.misfits(faults);
                return None;
            }
        };
        match overrides.onto(&profile) {
            Ok(changed) => Some(changed),
            Err(faults) => {
                self.misfits(faults);
                None
            }
        }
    }

    /// The profile of that name, which stands at `option`.
    fn named_profile(&mut self, option: &str, name: &str) -> Option<Arc<Profile>> {
        let found = self.clouds.get(name);
        if found.is_none() {
            let known: Vec<_> = self.clouds.names().collect();
            self.complain(option, &format!("one of {}", known.join(", ")), format!("{name:?}"));
        }
        found
    }

    fn misfits(&mut self, faults: Vec<ProfileFault>) {
        for fault in faults {
            self.complain("cloud_override", "changes that fit the profile", fault.problem);
        }
    }

    /// What the profile's login link and required attributes need of the tenant.
    fn needs(&mut self, declared: &config::Tenant, profile: &Profile) {
        use crate::cloud::attribute::{Presence, Source as From};
        if profile.login.is_some() && declared.x_account_type.is_none() {
            self.complain("x_account_type", "the cloud's name for this sales platform", "nothing");
        }
        let required = profile.attributes.iter().filter(|rule| rule.presence == Presence::Required);
        if required.clone().any(|rule| rule.source == From::BpId) && declared.bp_id.is_none() {
            self.complain("bp_id", "the partner's account id at the cloud", "nothing");
        }
    }

    /// The tenant, where our page can open accounts.
    fn own_page(
        &mut self,
        declared: &config::Tenant,
        (tenant, profile): (&Tenant, &Profile),
    ) -> Option<TenantId> {
        if declared.partner_api.is_none() {
            let found = "`first_login = \"here\"` without one";
            self.complain("partner_api", "the table, by which our page opens accounts", found);
            return None;
        }
        if profile.agreements.is_none() {
            let found = format!("{:?}, which has none", profile.name.as_str());
            let expected =
                "a cloud whose profile names its agreements, or `cloud_override.agreements`";
            self.complain("cloud", expected, found);
            return None;
        }
        Some(tenant.id.clone())
    }

    fn partner_api(
        &mut self,
        declared: &config::PartnerApi,
        of: (&Tenant, &Profile),
    ) -> Option<api::Settings> {
        match partner_api::settings(declared, of, &self.config.keys.master_key) {
            Ok(settings) => Some(settings),
            Err(misfit) => {
                let key = format!("partner_api.{}", misfit.key);
                self.complain(key.trim_end_matches('.'), misfit.expected, misfit.found);
                None
            }
        }
    }

    fn tenant(&mut self, declared: &config::Tenant) -> Option<Tenant> {
        let base = &self.config.server.base_url;
        let entity_id = declared.entity_id(base).to_string();
        let id = TenantId::parse(declared.id.as_str()).ok_or("another text");
        let portal_url = EndpointUrl::parse(declared.portal_url.as_str());
        let sign_in = match (declared.sign_in, &declared.partner_login_url) {
            (config::SignIn::Partner, Some(url)) => {
                EndpointUrl::parse(url.as_str()).map(|login_url| SignIn::Partner {
                    login_url,
                    continue_parameter: declared.continue_parameter.to_string(),
                    force_parameter: declared.force_parameter.to_string(),
                })
            }
            _ => Ok(SignIn::Local),
        };
        Some(Tenant {
            id: self.take("id", "a tenant's name", id)?,
            enabled: declared.enabled,
            name: Names {
                en: declared.name.clone(),
                zh: declared.name_zh.clone().unwrap_or_else(|| declared.name.clone()),
            },
            entity_id: self.take("entity_id", "an entityID", EntityId::parse(&entity_id))?,
            cloud: declared.cloud.to_string(),
            cloud_override: cloud_override(declared),
            account_type: declared.x_account_type.as_ref().map(ToString::to_string),
            bp_id: declared.bp_id.as_ref().map(ToString::to_string),
            portal_url: self.take("portal_url", "an https address", portal_url)?,
            contact_email: declared.contact_email.clone(),
            published: self.published(declared)?,
            sign_in: self.take("partner_login_url", "an https address", sign_in)?,
            assume_linked: declared.assume_linked,
            ticket_audience: declared.ticket_audience(base),
        })
    }

    fn partner(&mut self, declared: &config::Tenant) -> Partner {
        let api_keys = declared.api_keys.iter().map(|key| ApiKey {
            id: key.id.to_string(),
            sha256: *key.sha256.as_bytes(),
            scopes: key.scopes.iter().copied().map(scope).collect(),
        });
        let mut partner = Partner { api_keys: api_keys.collect(), ticket_keys: Vec::new() };
        for (index, key) in declared.ticket_keys.iter().enumerate() {
            let algorithm = match key.algorithm {
                config::TicketAlgorithm::EdDsa => TicketAlgorithm::EdDsa,
                config::TicketAlgorithm::Es256 => TicketAlgorithm::Es256,
                config::TicketAlgorithm::Rs256 => TicketAlgorithm::Rs256,
            };
            let read = fs::read_to_string(key.file.as_path())
                .map_err(|error| error.to_string())
                .and_then(|text| TicketKey::read(key.id.as_str(), algorithm, &text));
            let option = format!("ticket_key[{}].file", index + 1);
            let keys = self.take(&option, "a public key as PEM, or a JWKS", read);
            partner.ticket_keys.extend(keys.into_iter().flatten());
        }
        partner
    }

    fn hook(&mut self, declared: &config::Webhook) -> Option<Hook> {
        let url = EndpointUrl::parse(declared.url.as_str());
        let url = self.take("webhook.url", "an https address", url);
        let secret = |secret: &config::WebhookSecret| {
            Secret::parse(secret.as_secret().expose_secret()).ok_or("another text")
        };
        let secrets = declared.secrets.iter().map(secret).collect::<Result<_, _>>();
        let secrets = self.take("webhook.secrets", "whsec_ and 24 to 64 bytes in base64", secrets);
        Some(Hook { url: url?, secrets: secrets? })
    }

    fn user(&mut self, declared: &config::User) -> Option<LocalUser> {
        let id = |text: &str| PersonId::parse(text).ok_or("another text");
        let rule = "an id of at most 128 characters that is no e-mail address";
        Some(LocalUser {
            login: declared.login.to_string(),
            password: declared.password_hash.clone(),
            enabled: declared.enabled,
            person: Person {
                user_id: self.take("user", rule, id(declared.user_id.as_str()))?,
                account_id: self.take("user", rule, id(declared.account_id().as_str()))?,
                name: declared.name.clone(),
                mobile: declared.mobile.clone(),
                email: declared.email.clone(),
                attributes: Given::nothing(),
            },
        })
    }
}

fn scope(declared: config::Scope) -> Scope {
    match declared {
        config::Scope::Tickets => Scope::Tickets,
        config::Scope::Customers => Scope::Customers,
        config::Scope::Creations => Scope::Creations,
        config::Scope::Webhooks => Scope::Webhooks,
        config::Scope::ServiceProviders => Scope::ServiceProviders,
    }
}

/// What the tenant changes about its cloud.
fn cloud_override(declared: &config::Tenant) -> CloudOverride {
    let Some(changes) = &declared.cloud_override else { return CloudOverride::default() };
    let texts = |hosts: &Vec<config::ServiceHost>| hosts.iter().map(ToString::to_string).collect();
    CloudOverride {
        login_url: changes.login_url.as_ref().map(|url| url.as_str().to_owned()),
        service_hosts: changes.service_hosts.as_ref().map(texts),
        default_service: changes.default_service.as_ref().map(|url| url.as_str().to_owned()),
        request_age: changes.request_age,
        clock_skew: changes.clock_skew,
        agreements: changes.agreements.as_ref().map(agreements),
    }
}

fn agreements(declared: &config::Agreements) -> Agreements {
    let both = |en: &config::WebUrl, zh: &Option<config::WebUrl>| Names {
        en: en.as_str().to_owned(),
        zh: zh.as_ref().unwrap_or(en).as_str().to_owned(),
    };
    Agreements {
        user_agreement: both(&declared.user_agreement, &declared.user_agreement_zh),
        privacy_statement: both(&declared.privacy_statement, &declared.privacy_statement_zh),
        version: declared.version.clone(),
    }
}

/// The customers of whom something is declared, the local users among them.
fn customers(declared: &config::Tenant) -> Vec<(PersonId, Customer)> {
    let link = |linked: Option<bool>| {
        if linked.unwrap_or(declared.assume_linked) { Link::Linked } else { Link::Unlinked }
    };
    let users = declared.users.iter().map(|user| (&user.user_id, user.enabled, user.linked));
    let others = declared.customers.iter().map(|one| (&one.user_id, one.enabled, one.linked));
    users
        .chain(others)
        .filter_map(|(id, enabled, linked)| {
            let customer = Customer { enabled, link: link(linked) };
            Some((PersonId::parse(id.as_str())?, customer))
        })
        .collect()
}
