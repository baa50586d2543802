//! Config: a tenant, which is one partner sales platform, with its service providers, users and
//! customers.

use std::collections::HashSet;
use std::time::Duration;

use super::address::{BaseUrl, WebUrl};
use super::confidential::WebhookSecret;
use super::declare::section;
use super::partner_api::PartnerApi;
use super::place::FilePath;
use super::provider::{Published, ServiceProvider, check_sources};
use super::read::{Reader, join};
use super::value::{
    Code, EntityId, FirstLogin, KeyHash, LoginName, ParameterName, PersonId, Scope, ServiceHost,
    SignIn, Slug, TicketAlgorithm,
};
use crate::{limits, password};

/// First parts of a path that are the gateway's own, so no tenant can be called so.
const RESERVED: &[&str] = &["api", "assets", "console", "health", "metrics", "static"];

section! {
    /// One partner sales platform. Write one `[[tenant]]` for each, followed by its own tables.
    #[unique("id", "entity_id")]
    #[check(check_tenant)]
    pub struct Tenant, draft TenantDraft {
        /// The name in every address of the tenant, `/{id}/…`. Never change it: the cloud holds
        /// these addresses.
        id: Slug, eg "acme";
        /// The name that people see on pages.
        name: String, eg "Acme Cloud Store";
        /// The name on Chinese pages, where it is another one.
        name_zh: Option<String>, eg "示例云商城";
        /// Whether people may sign in. A disabled tenant answers every journey with a page that
        /// says so.
        enabled: bool = true;
        /// The entityID of this identity provider. Without it, `https://`, the host of
        /// `server.base_url`, `/` and the `id`. Never change it: the cloud holds it.
        entity_id: Option<EntityId>, eg "https://sso.partner.example/acme";
        /// The profile of the cloud that people are sent to: `huawei-cn`, `huawei-intl`,
        /// `huawei-eu`, `generic`, or one in `clouds.directory`.
        cloud: Slug, eg "huawei-cn";
        /// The identifier that the cloud assigned to this sales platform, where the profile asks
        /// for one.
        x_account_type: Option<Code>, eg "acme_IDP";
        /// The partner's own account id at the cloud, where the profile asks for one.
        bp_id: Option<Code>, eg "6d0d2b1c0e9a4f7f8a5b3c2d1e0f9a8b";
        /// The partner's site: where "back to the partner" and "start again" lead.
        portal_url: WebUrl, eg "https://shop.partner.example/";
        /// Whom clouds may write to about technical matters; stands in the richer form of our
        /// metadata.
        contact_email: Option<String>, eg "sso@partner.example";
        /// What the richer form of our metadata says besides.
        published as "metadata": Option<Published>;
        /// Who asks a person without a session to sign in: `partner`, on the partner's own login
        /// page, or `local`, on our sign-in page with the users below.
        sign_in: SignIn = "partner";
        /// The partner's login page. Required when `sign_in` is `partner`. It gets the address to
        /// come back to as a parameter.
        partner_login_url: Option<WebUrl>, eg "https://shop.partner.example/login";
        /// The name of that parameter.
        continue_parameter: ParameterName = "continue";
        /// The name of the parameter that is `true` where a service provider asks that the person
        /// proves anew who they are (`ForceAuthn`). The ticket that comes back must then say when
        /// they did (`authenticated_at`, in a signed ticket `auth_time`); an old time is refused.
        force_parameter: ParameterName = "force";
        /// Whether customers who are not listed below already have an account at the cloud. If not,
        /// their first journey goes to the page that creates or binds one.
        assume_linked: bool = false;
        /// Where customers without an account at the cloud open one: `cloud`, on the cloud's page,
        /// or `here`, on our page, which needs `partner_api`.
        first_login: FirstLogin = "cloud";
        /// The audience that a ticket must name. Without it, the entityID.
        ticket_audience: Option<String>, eg "https://sso.partner.example/acme";
        /// What differs from the cloud's profile, for test clouds and special agreements.
        cloud_override: Option<CloudOverride>;
        /// Access to the cloud's partner API.
        partner_api: Option<PartnerApi>;
        /// Where the partner wants to be told what becomes of customers. Without it messages are
        /// kept and can be sent later.
        webhook: Option<Webhook>;
        /// Keys of the partner's back end for the HTTP API.
        api_keys as "api_key": Vec<ApiKey> = [];
        /// Keys of the partner's back end that sign tickets.
        ticket_keys as "ticket_key": Vec<TicketKey> = [];
        /// Service providers that may ask this tenant to sign people in.
        service_providers as "service_provider": Vec<ServiceProvider> = [];
        /// Users who sign in with a password here.
        users as "user": Vec<User> = [];
        /// What is known about single customers of the partner.
        customers as "customer": Vec<Customer> = [];
    }
}

section! {
    /// What differs from the cloud's profile, for one tenant.
    #[check(check_override)]
    pub struct CloudOverride, draft CloudOverrideDraft {
        /// The cloud's login link, without parameters.
        login_url: Option<WebUrl>, eg "https://auth.cloud.example/authui/saml/login";
        /// The hosts that a `service` may lead to, instead of those in the profile.
        service_hosts: Option<Vec<ServiceHost>>, eg ["console.cloud.example"];
        /// Where people land who name no `service`.
        default_service: Option<WebUrl>, eg "https://console.cloud.example/iam/";
        /// How old an `AuthnRequest` may be, at most an hour.
        request_age: Option<Duration>, eg "5m";
        /// How far the cloud's clock may be from ours, at most ten minutes.
        clock_skew: Option<Duration>, eg "1m";
        /// The documents that customers agree to on our page, instead of those in the profile.
        agreements: Option<Agreements>;
    }
}

section! {
    /// The documents that customers agree to on our page when it opens an account for them.
    pub struct Agreements, draft AgreementsDraft {
        /// The cloud's user agreement.
        user_agreement: WebUrl, eg "https://www.cloud.example/en/user-agreement";
        /// The same in Chinese, where it has another address.
        user_agreement_zh: Option<WebUrl>, eg "https://www.cloud.example/zh/user-agreement";
        /// The cloud's privacy statement.
        privacy_statement: WebUrl, eg "https://www.cloud.example/en/privacy";
        /// The same in Chinese, where it has another address.
        privacy_statement_zh: Option<WebUrl>, eg "https://www.cloud.example/zh/privacy";
        /// The version of both, for the record of the consent.
        version: Option<String>, eg "2026-03";
    }
}

section! {
    /// A key with which the partner's back end calls the HTTP API. Several may be valid at one
    /// time, to change them without a gap.
    #[unique("id", "sha256")]
    pub struct ApiKey, draft ApiKeyDraft {
        /// The name of the key in the log.
        id: Code, eg "2026-a";
        /// The SHA-256 of the key. The key itself, at least 32 random bytes, only the partner
        /// holds.
        sha256: KeyHash, eg "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        /// What may be called with the key.
        scopes: Vec<Scope> = ["tickets", "customers", "creations", "webhooks"], eg ["tickets"];
    }
}

section! {
    /// The partner's address for signed messages; see `docs/webhooks.md`.
    #[check(check_webhook)]
    pub struct Webhook, draft WebhookDraft {
        /// The address that messages are posted to. Redirects are not followed.
        url: WebUrl, eg "https://shop.partner.example/hooks/skybridge";
        /// What signs the messages: one secret, or the new and the old one while they are changed.
        secrets: Vec<WebhookSecret>, eg [{ file = "partner/webhook.key" }];
    }
}

section! {
    /// A public key that verifies the partner's tickets.
    #[unique("id")]
    pub struct TicketKey, draft TicketKeyDraft {
        /// The `kid` that tickets name.
        id: Code, eg "partner-2026";
        /// The public key in PEM, or a JWK set.
        file: FilePath, eg "partner/ticket-key.pem";
        /// The one algorithm that is accepted with this key.
        algorithm: TicketAlgorithm, eg "EdDSA";
    }
}

section! {
    /// A user who signs in with a password on our page, when `sign_in` is `local`.
    #[unique("login", "user_id")]
    pub struct User, draft UserDraft {
        /// What the user types as name, capitals included.
        login: LoginName, eg "alice";
        /// The password's hash, made by `skybridge user hash-password`.
        password_hash: password::Hash, eg { env = "ALICE_PASSWORD_HASH" };
        /// The stable id on the partner's platform. It is never given to another person.
        user_id: PersonId, eg "cust-1001";
        /// The id that the cloud knows the customer by (`xAccountId`). Without it, the `user_id`.
        account_id: Option<PersonId>, eg "cust-1001";
        /// The name that is sent to the cloud.
        name: Option<String>, eg "alice_acme";
        /// The mobile number that is sent to the cloud, country code first.
        mobile: Option<String>, eg "0086-13800000000";
        /// The e-mail address that is sent to the cloud.
        email: Option<String>, eg "alice@partner.example";
        /// Whether the user may sign in.
        enabled: bool = true;
        /// Whether the user already has an account at the cloud. Without it, `assume_linked` of the
        /// tenant.
        linked: Option<bool>, eg true;
    }
}

section! {
    /// What is known about one customer who is signed in by ticket.
    #[unique("user_id")]
    pub struct Customer, draft CustomerDraft {
        /// The stable id on the partner's platform, as tickets name it.
        user_id: PersonId, eg "cust-2001";
        /// Whether the customer already has an account at the cloud. Without it, `assume_linked` of
        /// the tenant.
        linked: Option<bool>, eg true;
        /// Whether the customer may be sent to the cloud.
        enabled: bool = true;
    }
}

impl Tenant {
    /// The entityID, stated or derived.
    pub fn entity_id(&self, base: &BaseUrl) -> EntityId {
        self.entity_id.clone().unwrap_or_else(|| EntityId::derived(base.host(), &self.id))
    }

    /// The audience that tickets must name, stated or derived.
    pub fn ticket_audience(&self, base: &BaseUrl) -> String {
        let derived = || self.entity_id(base).to_string();
        self.ticket_audience.clone().unwrap_or_else(derived)
    }
}

impl User {
    /// The id that the cloud knows the user by.
    pub fn account_id(&self) -> &PersonId {
        self.account_id.as_ref().unwrap_or(&self.user_id)
    }
}

fn check_tenant(tenant: &TenantDraft, reader: &mut Reader<'_>) {
    if let Some(id) = &tenant.id
        && RESERVED.contains(&id.as_str())
    {
        let expected = format!("a name other than {}", RESERVED.join(", "));
        reader.fault(&join(&tenant.path, "id"), &expected, &format!("{:?}", id.as_str()), None);
    }
    if let (Some(SignIn::Partner), Some(None)) = (tenant.sign_in, &tenant.partner_login_url) {
        let expected = "the partner's login page, because `sign_in` is \"partner\"";
        let hint = Some("or write sign_in = \"local\"".into());
        reader.fault(&join(&tenant.path, "partner_login_url"), expected, "nothing", hint);
    }
    if let (Some(one), Some(other)) = (&tenant.continue_parameter, &tenant.force_parameter)
        && one == other
    {
        let path = join(&tenant.path, "force_parameter");
        let expected = "another name than that of `continue_parameter`";
        reader.fault(&path, expected, &format!("{:?}", other.to_string()), None);
    }
    if let Some(providers) = &tenant.service_providers {
        check_sources(&tenant.path, providers, reader);
    }
    if let (Some(users), Some(customers)) = (&tenant.users, &tenant.customers) {
        check_people(&tenant.path, users, customers, reader);
    }
}

fn check_webhook(draft: &WebhookDraft, reader: &mut Reader<'_>) {
    if let Some(secrets) = &draft.secrets
        && !(1..=2).contains(&secrets.len())
    {
        let path = join(&draft.path, "secrets");
        reader.fault(
            &path,
            "one secret, or two while they are changed",
            &secrets.len().to_string(),
            None,
        );
    }
}

fn check_override(draft: &CloudOverrideDraft, reader: &mut Reader<'_>) {
    for (key, value, most) in [
        ("request_age", draft.request_age, limits::REQUEST_AGE),
        ("clock_skew", draft.clock_skew, limits::CLOCK_SKEW),
    ] {
        if let Some(Some(value)) = value
            && value > most
        {
            let expected = format!("at most \"{}m\"", most.as_secs() / 60);
            let found = format!("{} s", value.as_secs());
            reader.fault(&join(&draft.path, key), &expected, &found, None);
        }
    }
}

/// One account at the cloud belongs to one person, and one person is described once.
fn check_people(path: &str, users: &[User], customers: &[Customer], reader: &mut Reader<'_>) {
    let mut accounts = HashSet::new();
    for (index, user) in users.iter().enumerate() {
        if !accounts.insert(user.account_id()) {
            let key = if user.account_id.is_some() { "account_id" } else { "user_id" };
            let path = format!("{path}.user[{}].{key}", index + 1);
            let found = "the account of another user";
            reader.fault(&path, "an account that no other user has", found, None);
        }
    }
    for (index, customer) in customers.iter().enumerate() {
        if users.iter().any(|user| user.user_id == customer.user_id) {
            let path = format!("{path}.customer[{}].user_id", index + 1);
            let hint = Some("say `linked` and `enabled` at the user".into());
            reader.fault(&path, "a customer who is no local user", "the id of one", hint);
        }
    }
}
