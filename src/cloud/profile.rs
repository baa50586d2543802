//! Layer 2, cloud: the profile of one cloud, as `metadata/<name>/profile.toml` holds it (contract
//! §1.8, §2, §3, §5). An unknown key is a fault: a rule that is misspelt would otherwise be
//! silently off.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use super::agreement::Agreements;
use super::api;
use super::attribute::AttributeRule;
use super::login::Login;
use super::response::ResponseRules;
use super::value::{HostName, ProfileName, Text, seconds};
use crate::limits;

/// Everything that is particular to one cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name, which is the name of the directory.
    pub name: ProfileName,
    /// What people read.
    pub display: Display,
    /// The cloud's other hosts, where they are known.
    pub hosts: Hosts,
    /// The hand-off link; without it journeys begin at the service provider.
    pub login: Option<Login>,
    /// What is asked of the cloud's requests.
    pub request: RequestRules,
    /// What an answer looks like.
    pub response: ResponseRules,
    /// The attributes of a person that the cloud gets, in the order in which they are sent.
    pub attributes: Vec<AttributeRule>,
    /// How the end of a session is told.
    pub logout: Logout,
    /// The form of our own metadata.
    pub metadata_form: MetadataForm,
    /// How the cloud's partner API counts associations between customer and partner.
    pub association: Option<Association>,
    /// The cloud's partner API, where it has one.
    pub partner_api: Option<api::Rules>,
    /// What a customer agrees to when an account is opened, where it is known.
    pub agreements: Option<Agreements>,
}

/// The cloud's name on pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Display {
    /// On English pages.
    pub en: Text,
    /// On Chinese pages.
    pub zh: Text,
}

/// Hosts of the cloud (contract §6, environment addresses).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// Where its service provider lives.
    pub sign_in: Option<HostName>,
    /// Where its console lives.
    pub console: Option<HostName>,
    /// Its API for tokens.
    pub identity_api: Option<HostName>,
    /// Its API for partners.
    pub partner_api: Option<HostName>,
}

/// What is asked of an `AuthnRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRules {
    /// Whether it must be signed even if the service provider's metadata does not say so.
    pub require_signature: bool,
    /// How old it may be; older by more than the skew it is refused. At most
    /// [`limits::REQUEST_AGE`].
    #[serde(rename = "max_age_seconds", deserialize_with = "seconds")]
    pub max_age: Duration,
    /// How far the cloud's clock may be from ours, in both directions. At most
    /// [`limits::CLOCK_SKEW`] (conformance A-107 asks for 3 to 5 minutes).
    #[serde(rename = "skew_seconds", deserialize_with = "seconds")]
    pub skew: Duration,
    /// Longest `RelayState` that is echoed, bytes; at most [`limits::RELAY_STATE_BYTES`].
    pub relay_state_bytes: usize,
}

/// How the end of a session is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logout {
    /// By `LogoutRequest` and `LogoutResponse` (saml-profiles-2.0-os §4.4), both ways, with each
    /// service provider whose metadata lists a place for them.
    Saml,
    /// By plain redirect to our logout address (contract §1.10); no message is sent or taken.
    #[default]
    Redirect,
}

/// How our metadata is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataForm {
    /// Only what contract §5 names.
    Plain,
    /// Everything that helps a service provider that reads the standard.
    Rich,
}

/// Codes of the association between customer and partner (contract §1.8).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Association {
    /// The customer pays the cloud.
    pub referral: Text,
    /// The partner pays the cloud and bills the customer.
    pub resale: Text,
}

/// What is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ProfileFault {
    /// The file or directory, or the name of a profile that is built in.
    pub place: String,
    /// What is expected and what is there; several lines for a fault of syntax.
    pub problem: String,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    display: Display,
    #[serde(default)]
    hosts: Hosts,
    login: Option<Login>,
    request: RequestRules,
    response: ResponseRules,
    #[serde(default)]
    attribute: Vec<AttributeRule>,
    logout: Option<WrittenLogout>,
    metadata: WrittenMetadata,
    association: Option<Association>,
    partner_api: Option<api::Rules>,
    agreements: Option<Agreements>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLogout {
    by: Logout,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMetadata {
    form: MetadataForm,
}

impl Profile {
    /// Reads a profile from its text and checks it.
    ///
    /// # Errors
    /// Every fault that can be told, each with `place`.
    pub fn read(name: &ProfileName, place: &str, text: &str) -> Result<Self, Vec<ProfileFault>> {
        let fault = |problem: String| ProfileFault { place: place.to_owned(), problem };
        let written: Written = toml::from_str(text)
            .map_err(|error| vec![fault(error.to_string().trim_end().to_owned())])?;
        let profile = Self {
            name: name.clone(),
            display: written.display,
            hosts: written.hosts,
            login: written.login,
            request: written.request,
            response: written.response,
            attributes: written.attribute,
            logout: written.logout.map(|logout| logout.by).unwrap_or_default(),
            metadata_form: written.metadata.form,
            association: written.association,
            partner_api: written.partner_api,
            agreements: written.agreements,
        };
        let problems = profile.problems();
        if problems.is_empty() {
            Ok(profile)
        } else {
            Err(problems.into_iter().map(fault).collect())
        }
    }

    /// What no single value tells: limits and agreement of the parts.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.request.problems();
        problems.extend(self.response.problems());
        problems.extend(self.login.iter().flat_map(Login::problems));
        problems.extend(self.partner_api.iter().flat_map(api::Rules::problems));
        let mut names = HashSet::new();
        for rule in &self.attributes {
            problems.extend(rule.problems());
            if !names.insert(rule.name.as_str()) {
                problems
                    .push(format!("attribute: expected each name once, found {} twice", rule.name));
            }
        }
        problems
    }
}

impl RequestRules {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_age.is_zero() || self.max_age > limits::REQUEST_AGE {
            let most = limits::REQUEST_AGE.as_secs();
            problems.push(format!("request.max_age_seconds: expected 1 to {most}"));
        }
        if self.skew > limits::CLOCK_SKEW {
            let most = limits::CLOCK_SKEW.as_secs();
            problems.push(format!("request.skew_seconds: expected at most {most}"));
        }
        if !(80..=limits::RELAY_STATE_BYTES).contains(&self.relay_state_bytes) {
            let most = limits::RELAY_STATE_BYTES;
            problems.push(format!("request.relay_state_bytes: expected 80 to {most}"));
        }
        problems
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cloud::built_in;

    /// The text of the profile that is built in under `name`.
    pub(crate) fn text_of(name: &str) -> &'static str {
        built_in::PROFILES.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Reads `text` as the profile `test`.
    pub(crate) fn read(text: &str) -> Result<Profile, Vec<ProfileFault>> {
        Profile::read(&ProfileName::parse("test").unwrap(), "test", text)
    }

    fn problem(text: &str) -> String {
        read(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_unknown_key_is_a_fault_with_its_line() {
        let text = text_of("generic").replace("max_age_seconds", "max_age");
        let problem = problem(&text);
        assert!(problem.contains("max_age") && problem.contains("line "), "{problem}");
    }

    #[test]
    fn every_fault_of_agreement_is_told_at_once() {
        let text = text_of("generic")
            .replace("max_age_seconds = 120", "max_age_seconds = 0")
            .replace("skew_seconds = 180", "skew_seconds = 601")
            .replace("relay_state_bytes = 2048", "relay_state_bytes = 9999");
        let problem = problem(&text);
        for key in ["max_age_seconds", "skew_seconds", "relay_state_bytes"] {
            assert!(problem.contains(key), "{problem}");
        }
    }

    #[test]
    fn an_attribute_is_named_once() {
        let text = text_of("huawei-cn").replace("name = \"bpId\"", "name = \"email\"");
        assert!(problem(&text).contains("found email twice"));
    }

    #[test]
    fn a_profile_without_login_link_or_attributes_is_whole() {
        let text = text_of("generic");
        let (before, rest) = text.split_once("[[attribute]]").unwrap();
        let (_, after) = rest.split_once("[metadata]").unwrap();
        let profile = read(&format!("{before}[metadata]{after}")).unwrap();
        assert!(profile.login.is_none() && profile.attributes.is_empty());
    }
}
