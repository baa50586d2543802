//! Layer 2, cloud: what one tenant changes in its cloud's profile: for test clouds and special agreements.

use std::time::Duration;

use super::login::Login;
use super::profile::{Profile, ProfileFault};
use super::value::ServiceHost;
use crate::saml::EndpointUrl;

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
