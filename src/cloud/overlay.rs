//! Layer 2, cloud: what one tenant changes in its cloud's profile: for test clouds and special
//! agreements.

use std::time::Duration;

use super::agreement::{Agreements, Document};
use super::login::Login;
use super::profile::{Profile, ProfileFault};
use super::value::{ServiceHost, Text};
use crate::saml::EndpointUrl;
use crate::store::record::{self, CloudOverride, Names};

/// What differs from the profile; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The login link without parameters.
    pub login_url: Option<EndpointUrl>,
    /// The hosts that a page to land on may have.
    pub service_hosts: Option<Vec<ServiceHost>>,
    /// Where people land who name no page.
    pub default_service: Option<String>,
    /// Whether requests must be signed.
    pub require_signature: Option<bool>,
    /// How old a request may be.
    pub max_age: Option<Duration>,
    /// How far the cloud's clock may be from ours.
    pub skew: Option<Duration>,
    /// What customers agree to.
    pub agreements: Option<Agreements>,
}

impl TryFrom<&CloudOverride> for Overrides {
    type Error = Vec<ProfileFault>;

    /// Reads what a tenant's record says.
    fn try_from(written: &CloudOverride) -> Result<Self, Vec<ProfileFault>> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, problem| {
            faults.push(ProfileFault { place: format!("cloud_override.{key}"), problem });
        };
        let login_url = written.login_url.as_deref().and_then(|text| {
            EndpointUrl::parse(text).map_err(|error| fault("login_url", error.to_string())).ok()
        });
        let service_hosts = written.service_hosts.as_ref().map(|hosts| {
            let mut listed = Vec::with_capacity(hosts.len());
            for host in hosts {
                match ServiceHost::parse(host) {
                    Ok(host) => listed.push(host),
                    Err(problem) => fault("service_hosts", problem),
                }
            }
            listed
        });
        let agreements = written.agreements.as_ref().and_then(|written| {
            let read = agreements(written);
            read.map_err(|(key, problem)| fault(&format!("agreements.{key}"), problem)).ok()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            login_url,
            service_hosts,
            default_service: written.default_service.clone(),
            require_signature: None,
            max_age: written.request_age,
            skew: written.clock_skew,
            agreements,
        })
    }
}

impl Overrides {
    /// The profile with these changes, checked like one that was written so.
    ///
    /// # Errors
    /// What does not fit, all of it, with the profile's name as the place.
    pub fn onto(&self, profile: &Profile) -> Result<Profile, Vec<ProfileFault>> {
        let mut changed = profile.clone();
        let mut problems = Vec::new();
        match &mut changed.login {
            Some(login) => self.change_login(login),
            None if self.touches_login() => {
                problems.push("expected a profile with a login link, this one has none".to_owned());
            }
            None => {}
        }
        let request = &mut changed.request;
        request.require_signature = self.require_signature.unwrap_or(request.require_signature);
        request.max_age = self.max_age.unwrap_or(request.max_age);
        request.skew = self.skew.unwrap_or(request.skew);
        if let Some(agreements) = &self.agreements {
            changed.agreements = Some(agreements.clone());
        }
        problems.extend(changed.problems());
        if problems.is_empty() {
            return Ok(changed);
        }
        let place = format!("the changed profile {}", profile.name);
        let fault = |problem| ProfileFault { place: place.clone(), problem };
        Err(problems.into_iter().map(fault).collect())
    }

    fn touches_login(&self) -> bool {
        self.login_url.is_some() || self.service_hosts.is_some() || self.default_service.is_some()
    }

    fn change_login(&self, login: &mut Login) {
        if let Some(url) = &self.login_url {
            login.url = url.clone();
        }
        if let Some(hosts) = &self.service_hosts {
            login.service_hosts.clone_from(hosts);
        }
        if let Some(service) = &self.default_service {
            login.default_service.clone_from(service);
        }
    }
}

/// Reads the documents, or tells which one is at fault.
fn agreements(written: &record::Agreements) -> Result<Agreements, (&'static str, String)> {
    let document = |key: &'static str, names: &Names| {
        let read = |text: &str| EndpointUrl::parse(text).map_err(|error| (key, error.to_string()));
        Ok(Document { en: read(&names.en)?, zh: read(&names.zh)? })
    };
    let version = written.version.as_deref().map(Text::parse).transpose();
    Ok(Agreements {
        user_agreement: document("user_agreement", &written.user_agreement)?,
        privacy_statement: document("privacy_statement", &written.privacy_statement)?,
        version: version.map_err(|problem| ("version", problem))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::login::FirstLogin;
    use crate::cloud::profile::tests::{read, text_of};

    fn test_cloud() -> Overrides {
        Overrides {
            login_url: Some(
                EndpointUrl::parse("http://cloud.localhost:9000/authui/saml/login").unwrap(),
            ),
            service_hosts: Some(vec![ServiceHost::parse("cloud.localhost:9000").unwrap()]),
            default_service: Some("http://cloud.localhost:9000/iam/".to_owned()),
            require_signature: Some(false),
            max_age: Some(Duration::from_secs(5)),
            skew: Some(Duration::from_secs(1)),
            agreements: None,
        }
    }

    #[test]
    fn a_test_cloud_is_a_profile_with_changes() {
        let profile = read(text_of("huawei-cn")).unwrap();
        let changed = test_cloud().onto(&profile).unwrap();
        let link = changed.login_link("t", FirstLogin::No, None).unwrap();
        assert!(link.starts_with("http://cloud.localhost:9000/authui/saml/login?"), "{link}");
        assert!(
            changed
                .login_link("t", FirstLogin::No, Some("https://console.huaweicloud.com/"))
                .is_err()
        );
        assert_eq!(changed.request.max_age, Duration::from_secs(5));
        assert_eq!(changed.request.skew, Duration::from_secs(1));
        assert!(!changed.request.require_signature);
        assert_eq!(changed.response, profile.response);
    }

    #[test]
    fn a_tenants_record_is_read_and_its_faults_are_told() {
        let mut record = CloudOverride {
            login_url: Some("http://cloud.localhost:9000/authui/saml/login".to_owned()),
            service_hosts: Some(vec!["cloud.localhost:9000".to_owned()]),
            default_service: Some("http://cloud.localhost:9000/iam/".to_owned()),
            request_age: Some(Duration::from_secs(5)),
            clock_skew: Some(Duration::from_secs(1)),
            agreements: None,
        };
        let expected = Overrides { require_signature: None, ..test_cloud() };
        assert_eq!(Overrides::try_from(&record), Ok(expected));
        record.login_url = Some("http://cloud.example/".to_owned());
        record.service_hosts = Some(vec!["*.example".to_owned(), "A.example".to_owned()]);
        assert_eq!(Overrides::try_from(&record).unwrap_err().len(), 3);
    }

    #[test]
    fn documents_that_the_cloud_s_contract_names_take_the_place_of_the_profile_s() {
        let names = |path: &str| Names {
            en: format!("https://cloud.example/en/{path}"),
            zh: format!("https://cloud.example/zh/{path}"),
        };
        let written = record::Agreements {
            user_agreement: names("agreement"),
            privacy_statement: names("privacy"),
            version: Some("2026-03".to_owned()),
        };
        let record =
            CloudOverride { agreements: Some(written.clone()), ..CloudOverride::default() };
        let overrides = Overrides::try_from(&record).unwrap();
        // Also where the profile has none.
        for name in ["huawei-cn", "huawei-eu"] {
            let changed = overrides.onto(&read(text_of(name)).unwrap()).unwrap();
            let agreements = changed.agreements.unwrap();
            let agreement = agreements.user_agreement;
            assert_eq!(agreement.en.as_str(), "https://cloud.example/en/agreement");
            assert_eq!(agreement.zh.as_str(), "https://cloud.example/zh/agreement");
            assert_eq!(agreements.version.unwrap().as_str(), "2026-03");
        }
        let plain = Names { zh: "http://cloud.example/".to_owned(), ..names("privacy") };
        let wrong = record::Agreements { privacy_statement: plain, ..written };
        let record = CloudOverride { agreements: Some(wrong), ..CloudOverride::default() };
        let faults = Overrides::try_from(&record).unwrap_err();
        assert_eq!(faults[0].place, "cloud_override.agreements.privacy_statement");
    }

    #[test]
    fn nothing_changed_is_the_same_profile() {
        let profile = read(text_of("huawei-cn")).unwrap();
        assert_eq!(Overrides::default().onto(&profile).unwrap(), profile);
    }

    #[test]
    fn changes_that_do_not_fit_are_all_told() {
        let profile = read(text_of("huawei-cn")).unwrap();
        let overrides = Overrides {
            default_service: Some("https://evil.example/".to_owned()),
            skew: Some(Duration::from_hours(1)),
            ..Overrides::default()
        };
        let faults = overrides.onto(&profile).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_login_link_cannot_be_changed_where_there_is_none() {
        let profile = read(text_of("generic")).unwrap();
        let overrides = Overrides { skew: None, ..test_cloud() };
        assert_eq!(overrides.onto(&profile).unwrap_err().len(), 1);
        let overrides = Overrides { max_age: Some(Duration::from_mins(1)), ..Overrides::default() };
        assert!(overrides.onto(&profile).is_ok());
    }
}
