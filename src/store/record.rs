//! Layer 1, store: the records, whatever backend keeps them. Every record belongs to a tenant
//! (B-37).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::given::Given;
use crate::limits;
use crate::password;
use crate::saml::authn_request::Comparison;
use crate::saml::{
    AcsUrl, EndpointUrl, EntityId, MessageId, NameIdKind, NameIdentifier, RelayState,
};

/// The name of a tenant, as it stands in addresses: 1 to 32 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(String);

impl TenantId {
    /// Takes a name from an address or a file; `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let good = (1..=32).contains(&text.len()) && text.bytes().all(allowed);
        good.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One partner's sales platform.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its name in addresses.
    pub id: TenantId,
    /// Switched off: every entry point refuses (conformance C-09).
    pub enabled: bool,
    /// What people call it.
    pub name: Names,
    /// Its entityID as an identity provider.
    pub entity_id: EntityId,
    /// The cloud that its customers are sent to: the name of a profile.
    pub cloud: String,
    /// What this tenant changes about that cloud.
    pub cloud_override: CloudOverride,
    /// The cloud's name for this sales platform (`xAccountType`).
    pub account_type: Option<String>,
    /// The partner's own account at the cloud (`bpId`).
    pub bp_id: Option<String>,
    /// The partner's site, where a journey can begin anew.
    pub portal_url: EndpointUrl,
    /// Whom to write to about technical matters.
    pub contact_email: Option<String>,
    /// What its own metadata says besides.
    pub published: Published,
    /// Where people sign in when they come without a session.
    pub sign_in: SignIn,
    /// Whether a customer of whom nothing is known has a cloud account.
    pub assume_linked: bool,
    /// Who a ticket must be made out to.
    pub ticket_audience: String,
}

/// What a tenant publishes about itself in the richer form of its metadata.
#[derive(Clone, Debug)]
pub struct Published {
    /// Where service providers may send people with an error.
    pub error_url: EndpointUrl,
    /// A picture and its width and height in pixels.
    pub logo: Option<(EndpointUrl, u16, u16)>,
    /// The domains whose names it may give.
    pub scopes: Vec<String>,
    /// How long a signed document may be used.
    pub valid_for: Duration,
}

/// A name, or the address of a text, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// English.
    pub en: String,
    /// Chinese; the English one where there is no other.
    pub zh: String,
}

/// What a tenant changes about its cloud: for test clouds, and where a contract differs.
#[derive(Clone, Debug, Default)]
pub struct CloudOverride {
    /// Another login link.
    pub login_url: Option<String>,
    /// Other hosts to land on.
    pub service_hosts: Option<Vec<String>>,
    /// Another page to land on.
    pub default_service: Option<String>,
    /// Another greatest age of a request.
    pub request_age: Option<Duration>,
    /// Another allowance for clocks that differ.
    pub clock_skew: Option<Duration>,
    /// Other documents to agree to.
    pub agreements: Option<Agreements>,
}

/// The documents that a customer agrees to when an account is opened: their addresses.
#[derive(Clone, Debug)]
pub struct Agreements {
    /// The cloud's user agreement.
    pub user_agreement: Names,
    /// The cloud's privacy statement.
    pub privacy_statement: Names,
    /// The version of both, where one is known.
    pub version: Option<String>,
}

/// Where a tenant's customers sign in.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// On the partner's own page, which sends them back with a ticket.
    Partner {
        /// The page.
        login_url: EndpointUrl,
        /// The query parameter that carries the continuation there.
        continue_parameter: String,
        /// The query parameter that is `true` where the person must prove anew who they are.
        force_parameter: String,
    },
    /// On our page, against the tenant's local users.
    Local,
}

/// What is known about a customer beyond what a ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer {
    /// May be signed in.
    pub enabled: bool,
    /// Has a cloud account.
    pub link: Link,
}

/// Whether a customer has a cloud account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Yes: the cloud knows the `xAccountId`.
    Linked,
    /// Not yet: the first login creates or binds one.
    Unlinked,
}

/// Somebody who signs in with a password here.
#[derive(Clone, Debug)]
pub struct LocalUser {
    /// The name on the sign-in page.
    pub login: String,
    /// The hash of the password.
    pub password: password::Hash,
    /// May sign in.
    pub enabled: bool,
    /// Who that is.
    pub person: Person,
}

/// A customer as the cloud gets to know them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The partner's id of the customer.
    pub user_id: PersonId,
    /// What the cloud knows the customer by (`xAccountId`): stable, opaque, never given to anybody
    /// else.
    pub account_id: PersonId,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mobile number, `0086-13800000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What else the partner says, by names of its own.
    #[serde(default, skip_serializing_if = "Given::is_empty")]
    pub attributes: Given,
}

impl Person {
    /// A customer of whom nothing but the ids is known.
    #[must_use]
    pub fn of(user_id: PersonId, account_id: PersonId) -> Self {
        let attributes = Given::nothing();
        Self { user_id, account_id, name: None, mobile: None, email: None, attributes }
    }
}

impl fmt::Debug for Person {
    /// Says nothing about the person (B-34).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(…)")
    }
}

/// An id of a customer: 1 to 128 characters, opaque. Never an e-mail address or a telephone number,
/// since those change hands (contract §11).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

impl PersonId {
    /// Takes an id as it stands; `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = !text.is_empty()
            && text.chars().count() <= limits::ACCOUNT_ID_CHARS
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@')
            && !text.starts_with('+');
        good.then(|| Self(text.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("an id of 1 to 128 characters, no e-mail address")
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.0
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonId(…)")
    }
}

/// A customer who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who it is.
    pub person: Person,
    /// When the session began: with a proof of who the person is, or with the partner's word.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub authn_instant: OffsetDateTime,
    /// When the person really proved who they are, as far as somebody says: here at a sign-in by
    /// password, or at the partner's site before (conformance A-028).
    #[serde(default, with = "time::serde::timestamp::milliseconds::option")]
    pub proved_at: Option<OffsetDateTime>,
    /// How: an authentication context class.
    pub authn_class: String,
    /// The session's index in assertions.
    pub index: String,
    /// The first login that this session was sent into, until its link is known (conformance V2).
    #[serde(default)]
    pub first_login: Option<FirstLogin>,
    /// The journey that opened it, as it stands in the log.
    pub journey: String,
}

/// A first login that was begun at the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstLogin {
    /// Where the customer was going: a permitted page of the cloud. Opened once they are linked.
    #[serde(default)]
    pub service: Option<String>,
}

/// A checked request that waits for its person to sign in. Taken once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What was asked.
    pub ask: Ask,
    /// The browser that asked, as the fingerprint of its cookie (B-33).
    pub browser: String,
    /// When it came: who must prove their presence proves it after this.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub since: OffsetDateTime,
    /// The journey, as it stands in the log.
    pub journey: String,
}

/// A checked request that came by HTTP-POST and waits for its browser to show its cookies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// What was asked.
    pub ask: Ask,
    /// How many seconds its id must be remembered (B-18).
    pub remember: u64,
    /// The journey, as it stands in the log.
    pub journey: String,
}

/// What is left of an `AuthnRequest` once all is checked: what the answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its id; none where nobody asked (saml-profiles-2.0-os §4.1.5).
    pub id: Option<MessageId>,
    /// The service provider.
    pub sp: EntityId,
    /// Where the answer goes, as the service provider's metadata lists it.
    pub acs: AcsUrl,
    /// What to echo.
    pub relay_state: Option<RelayState>,
    /// The key that the address named.
    pub kid: Option<String>,
    /// A fresh proof of presence is asked for.
    pub force_authn: bool,
    /// No page may be shown.
    pub is_passive: bool,
    /// The authentication contexts that are asked for; empty when none is.
    pub contexts: Vec<String>,
    /// How the given one has to compare with them.
    #[serde(default)]
    pub comparison: Comparison,
    /// The name identifier that is asked for.
    #[serde(default)]
    pub name_id: AskedNameId,
    /// The person who is asked for, if one is.
    #[serde(default)]
    pub subject: Option<NameIdentifier>,
    /// Which group of attributes of the service provider's metadata is asked for.
    #[serde(default)]
    pub attribute_service: Option<u16>,
    /// Why it cannot be answered with an assertion: a second-level status code.
    pub unmet: Option<Unmet>,
}

/// What was settled about the name identifier of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedNameId {
    /// Its kind.
    pub kind: NameIdKind,
    /// Whether it must say for which service provider it is.
    pub qualified: bool,
    /// Whether a new one may be made where the service provider knows none (erratum E14).
    pub may_create: bool,
}

impl Default for AskedNameId {
    fn default() -> Self {
        Self { kind: NameIdKind::Transient, qualified: false, may_create: true }
    }
}

/// Somebody who was told about a session, and has to be told of its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The session, as `SessionIndex` names it.
    pub session: String,
    /// The service provider.
    pub sp: EntityId,
    /// How it knows the customer.
    pub name_id: NameIdentifier,
}

/// What a request asks for that cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unmet {
    /// Another name identifier.
    NameId,
    /// A person who is named in a way that nobody here is.
    Subject,
    /// Another authentication context, whoever signs in.
    AuthnContext,
    /// Another identity provider.
    Idp,
    /// Something that is not offered.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_an_address_or_a_number_to_call() {
        assert!(PersonId::parse("cust-0001").is_some());
        assert!(PersonId::parse(&"x".repeat(128)).is_some());
        for bad in ["", "a b", "a@b.example", "+8613800000000", "a\n", &"x".repeat(129)] {
            assert!(PersonId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_person_never_prints() {
        let person = Person {
            user_id: PersonId::parse("canary-1").unwrap(),
            account_id: PersonId::parse("canary-2").unwrap(),
            name: Some("canary-3".to_owned()),
            mobile: None,
            email: None,
            attributes: serde_json::from_str(r#"{"canary-4":"canary-5"}"#).unwrap(),
        };
        assert!(!format!("{person:?} {:?}", person.user_id).contains("canary"));
    }

    #[test]
    fn a_tenants_name_fits_into_an_address() {
        assert!(TenantId::parse("acme-2").is_some());
        for bad in ["", "Acme", "a/b", "a.b", &"x".repeat(33)] {
            assert!(TenantId::parse(bad).is_none(), "{bad}");
        }
    }
}
