//! Layer 2, cloud: the link that hands a person to the cloud (contract §2), and the rule for the
//! page that they may land on. That page is an open redirect at the cloud unless it is held to a
//! list (conformance C-22).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

use super::profile::Profile;
use super::value::{ParameterName, ServiceHost};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::EndpointUrl;
use crate::saml::types::is_loopback;

/// What `encodeURIComponent` leaves as it is (ECMA-262 §19.2.6.4). The rest becomes `%XX` in upper
/// case (RFC 3986 §2.1); the cloud's samples print lower case, and a decoder takes both.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The hand-off link of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The link without parameters.
    pub url: EndpointUrl,
    /// The parameter with the identifier that the cloud gave the sales platform.
    pub account_type_parameter: ParameterName,
    /// The parameter that says whether the person has an account at the cloud: `true` if not.
    pub first_login_parameter: ParameterName,
    /// The parameter with the page to land on.
    pub service_parameter: ParameterName,
    /// Where people land who name no page.
    pub default_service: String,
    /// The hosts that a page to land on may have.
    pub service_hosts: Vec<ServiceHost>,
}

/// Whether the person is sent to the cloud for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstLogin {
    /// No account of the cloud is bound to them yet: the cloud offers to create or bind one.
    Yes,
    /// An account is bound.
    No,
}

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The cloud has no login link: journeys begin at the service provider.
    #[error("expected a cloud with a login link, the profile {profile} has none")]
    NoLoginLink {
        /// The profile.
        profile: String,
    },
    /// The tenant has no identifier from the cloud.
    #[error("expected the identifier that the cloud gave the platform, the tenant has none")]
    NoAccountType,
    /// The page to land on is not one that people are sent to. The text never repeats the page: it
    /// may hold secrets.
    #[error("expected a page on a listed host, found {found} (contract §2)")]
    Service {
        /// What is wrong with it.
        found: &'static str,
    },
    /// The link is longer than browsers and proxies take.
    #[error("expected a link of at most {} bytes, found {found}", limits::URL_BYTES)]
    TooLong {
        /// Its length.
        found: usize,
    },
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        let code = match error {
            LinkError::NoLoginLink { .. } => Code::NoLoginLink,
            LinkError::NoAccountType => Code::Internal,
            LinkError::Service { .. } | LinkError::TooLong { .. } => Code::ServiceNotAllowed,
        };
        Self::new(code, error.to_string())
    }
}

impl Profile {
    /// The link that takes a person to the cloud. `service` goes into it byte for byte,
    /// percent-encoded.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn login_link(
        &self,
        account_type: &str,
        first_login: FirstLogin,
        service: Option<&str>,
    ) -> Result<String, LinkError> {
        let no_link = || LinkError::NoLoginLink { profile: self.name.to_string() };
        let login = self.login.as_ref().ok_or_else(no_link)?;
        if account_type.is_empty() {
            return Err(LinkError::NoAccountType);
        }
        let service = service.unwrap_or(&login.default_service);
        login.permit(service).map_err(|found| LinkError::Service { found })?;
        let first_login = match first_login {
            FirstLogin::Yes => "true",
            FirstLogin::No => "false",
        };
        let link = format!(
            "{}?{}={}&{}={first_login}&{}={}",
            login.url,
            login.account_type_parameter,
            utf8_percent_encode(account_type, COMPONENT),
            login.first_login_parameter,
            login.service_parameter,
            utf8_percent_encode(service, COMPONENT),
        );
        if link.len() > limits::URL_BYTES {
            return Err(LinkError::TooLong { found: link.len() });
        }
        Ok(link)
    }
}

impl Login {
    /// Whether people may be sent to `service`.
    ///
    /// The text itself is judged, before any parser has tidied it up: between `https://` and the
    /// path there must be exactly a listed host. Whatever another parser might read differently
    /// (user information, backslashes, tabs, upper case, IDNs, dots at the end, percent-encoded
    /// hosts) therefore never passes. A parser then has to agree.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn permit(&self, service: &str) -> Result<(), &'static str> {
        if !service.bytes().all(|b| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b)) {
            return Err("characters that a URL cannot have");
        }
        let (scheme, rest) = service.split_once("://").ok_or("no absolute URL")?;
        if !matches!(scheme, "https" | "http") {
            return Err("a scheme other than https");
        }
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        if !self.service_hosts.iter().any(|host| host.as_str() == authority) {
            return Err("a host that is not listed");
        }
        let url = Url::parse(service).map_err(|_| "no absolute URL")?;
        let host = authority.split_once(':').map_or(authority, |(host, _)| host);
        if url.host_str() != Some(host) || !url.username().is_empty() || url.password().is_some() {
            return Err("a host that is not listed");
        }
        if scheme == "http" && !is_loopback(&url) {
            return Err("plain http to another machine");
        }
        // A path of `//host` is harmless here, but becomes another host where somebody redirects to
        // the bare path.
        if url.path().starts_with("//") {
            return Err("a path that begins with two slashes");
        }
        Ok(())
    }

    /// What the single values do not tell.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.url.as_str().contains('?') {
            problems.push("login.url: expected a link without parameters".to_owned());
        }
        let names =
            [&self.account_type_parameter, &self.first_login_parameter, &self.service_parameter];
        if names[0] == names[1] || names[0] == names[2] || names[1] == names[2] {
            problems.push("login: expected three different parameters".to_owned());
        }
        if let Err(found) = self.permit(&self.default_service) {
            problems.push(format!("login.default_service: expected a listed page, found {found}"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::profile::tests::{read, text_of};

    /// Pages that are not on a listed host, or that some parser could take to be elsewhere
    /// (conformance C-22).
    const ELSEWHERE: &[&str] = &[
        "",
        " ",
        "/iam/",
        "//console.huaweicloud.com/",
        "///console.huaweicloud.com/",
        "https:/console.huaweicloud.com/",
        "https:console.huaweicloud.com/",
        "https:///console.huaweicloud.com/",
        "https://",
        "https://?console.huaweicloud.com/",
        "console.huaweicloud.com",
        "http://console.huaweicloud.com/",
        "HTTPS://console.huaweicloud.com/",
        "ftp://console.huaweicloud.com/",
        "javascript:alert(1)",
        "javascript://console.huaweicloud.com/%0aalert(1)",
        "data:text/html,https://console.huaweicloud.com/",
        "data://console.huaweicloud.com/",
        "https://console.huaweicloud.com.evil.example/",
        "https://evil.example/https://console.huaweicloud.com/",
        "https://evil.example#https://console.huaweicloud.com/",
        "https://evil.example?https://console.huaweicloud.com/",
        "https://evilconsole.huaweicloud.com/",
        "https://huaweicloud.com/",
        "https://console.huaweicloud.com@evil.example/",
        "https://console.huaweicloud.com:x@evil.example/",
        "https://user@console.huaweicloud.com/",
        "https://user:password@console.huaweicloud.com/",
        "https://@console.huaweicloud.com/",
        "https://console.huaweicloud.com\\@evil.example/",
        "https://evil.example\\@console.huaweicloud.com/",
        "https:\\\\console.huaweicloud.com\\",
        "https://console.huaweicloud.com\\.evil.example/",
        "https://console.huaweicloud.com:443/",
        "https://console.huaweicloud.com:8443/",
        "https://console.huaweicloud.com:/",
        "https://Console.HuaweiCloud.com/",
        "https://console.huaweicloud.com./",
        "https://console.huaweicloud.com%2eevil.example/",
        "https://console%2ehuaweicloud.com/",
        "https://%63onsole.huaweicloud.com/",
        "https://console.huaweicloud.com%00.evil.example/",
        "https://cоnsole.huaweicloud.com/",
        "https://console。huaweicloud.com/",
        "https://ｃonsole.huaweicloud.com/",
        "https://xn--cnsole-9dg.huaweicloud.com/",
        "https://console.huaweicloud.com\r\nSet-Cookie: a=b",
        "https://console.huaweicloud.com/\r\nSet-Cookie: a=b",
        "https://console.huaweicloud.com\t.evil.example/",
        "ht\ttps://console.huaweicloud.com/",
        "\u{1}https://console.huaweicloud.com/",
        " https://console.huaweicloud.com/",
        "https://console.huaweicloud.com/ ",
        "https://console.huaweicloud.com/a b",
        "https://console.huaweicloud.com/\0",
        "https://console.huaweicloud.com/控制台",
        "https://console.huaweicloud.com//evil.example/",
        "https://console.huaweicloud.com/.//evil.example/",
        "https://console.huaweicloud.com/..//evil.example/",
        "https://console.huaweicloud.com/\\evil.example/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://0x7f000001/",
        "blob:https://console.huaweicloud.com/1",
        "view-source:https://console.huaweicloud.com/",
    ];

    fn profile() -> Profile {
        read(text_of("huawei-cn")).unwrap()
    }

    fn link(service: Option<&str>) -> Result<String, LinkError> {
        profile().login_link("acme_IDP", FirstLogin::No, service)
    }

    #[test]
    fn the_link_is_the_contracts() {
        assert_eq!(
            profile().login_link("ZXT", FirstLogin::Yes, None).unwrap(),
            "https://auth.huaweicloud.com/authui/saml/login?xAccountType=ZXT&isFirstLogin=true\
             &service=https%3A%2F%2Fconsole.huaweicloud.com%2Fiam%2F"
        );
        assert!(link(None).unwrap().contains("&isFirstLogin=false&"));
    }

    #[test]
    fn a_deep_link_arrives_byte_for_byte() {
        let service = "https://console.huaweicloud.com/ecm/?region=cn-north-4&a=%2f+b#/ecs/manager/list?x='1'&y=(2)";
        let link = link(Some(service)).unwrap();
        let (_, value) = link.split_once("&service=").unwrap();
        assert!(!value.contains(['&', '#', '+', '/', '?', '=']), "{value}");
        assert_eq!(percent_encoding::percent_decode_str(value).decode_utf8().unwrap(), service);
    }

    #[test]
    fn an_account_type_cannot_add_parameters() {
        let link = profile().login_link("a&service=b", FirstLogin::No, None).unwrap();
        assert!(link.contains("?xAccountType=a%26service%3Db&isFirstLogin="), "{link}");
        assert_eq!(profile().login_link("", FirstLogin::No, None), Err(LinkError::NoAccountType));
    }

    #[test]
    fn only_pages_on_listed_hosts_are_linked() {
        for right in [
            "https://console.huaweicloud.com",
            "https://console.huaweicloud.com/",
            "https://console.huaweicloud.com?locale=zh-cn",
            "https://www.huaweicloud.com/product/ecs.html#a",
        ] {
            assert!(link(Some(right)).is_ok(), "{right}");
        }
        for wrong in ELSEWHERE {
            let found = link(Some(wrong));
            assert!(matches!(found, Err(LinkError::Service { .. })), "{wrong:?} gave {found:?}");
        }
    }

    #[test]
    fn a_listed_port_is_part_of_the_host() {
        let mut login = profile().login.unwrap();
        login.service_hosts = vec![
            ServiceHost::parse("cloud.localhost:9000").unwrap(),
            ServiceHost::parse("console.example:8443").unwrap(),
        ];
        assert_eq!(login.permit("http://cloud.localhost:9000/iam/"), Ok(()));
        assert_eq!(login.permit("https://console.example:8443/"), Ok(()));
        for wrong in [
            "http://cloud.localhost/iam/",
            "http://cloud.localhost:9001/iam/",
            "http://console.example:8443/",
            "https://console.example/",
        ] {
            assert!(login.permit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_that_is_too_long_is_refused() {
        let service = format!("https://console.huaweicloud.com/{}", "a".repeat(limits::URL_BYTES));
        assert!(matches!(link(Some(&service)), Err(LinkError::TooLong { .. })));
    }

    #[test]
    fn a_refusal_never_repeats_the_page() {
        let error = link(Some("https://evil.example/?token=canary")).unwrap_err();
        let refusal = Refusal::from(error);
        assert_eq!(refusal.code, Code::ServiceNotAllowed);
        assert!(!refusal.to_string().contains("canary"));
    }

    #[test]
    fn a_cloud_without_login_link_says_so() {
        let profile = read(text_of("generic")).unwrap();
        let error = profile.login_link("a", FirstLogin::No, None).unwrap_err();
        assert_eq!(Refusal::from(error).code, Code::NoLoginLink);
    }

    #[test]
    fn a_profile_whose_own_default_is_not_listed_is_a_fault() {
        let text = text_of("huawei-cn").replace("    \"console.huaweicloud.com\",\n", "");
        let faults = read(&text).unwrap_err();
        assert!(faults[0].problem.starts_with("login.default_service"), "{faults:?}");
    }
}
