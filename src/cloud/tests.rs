//! The built-in profiles beside the contract, and the rule that clouds are data.

use std::fs;
use std::path::{Path, PathBuf};

use super::attribute::{AttributeRule, Presence, Source};
use super::response::{Encrypt, NameQualifier, Refused, Sign, SubjectLocality};
use super::{Clouds, FirstLogin};
use crate::saml::names::{binding, ns};
use crate::saml::response::Signed;
use crate::saml::sp_metadata::{self, ServiceProvider, Trust};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_directory_in_metadata_is_built_in() {
    let mut directories: Vec<_> = fs::read_dir(Path::new(ROOT).join("metadata"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    directories.sort();
    assert_eq!(Clouds::load(None).unwrap().names().collect::<Vec<_>>(), directories);
}

#[test]
fn each_site_hands_over_at_its_own_hosts() {
    let clouds = Clouds::load(None).unwrap();
    for (name, auth, console) in [
        ("huawei-cn", "auth.huaweicloud.com", "console.huaweicloud.com"),
        ("huawei-intl", "auth-intl.huaweicloud.com", "console-intl.huaweicloud.com"),
        ("huawei-eu", "auth.eu.huaweicloud.com", "console.eu.huaweicloud.com"),
    ] {
        let profile = clouds.get(name).unwrap();
        let link = profile.login_link("ZXT", FirstLogin::Yes, None).unwrap();
        let expected = format!(
            "https://{auth}/authui/saml/login?xAccountType=ZXT&isFirstLogin=true\
             &service=https%3A%2F%2F{console}%2Fiam%2F"
        );
        assert_eq!(link, expected);
        for other in ["console.huaweicloud.com", "console-intl.huaweicloud.com"] {
            let service = format!("https://{other}/");
            let linked = profile.login_link("ZXT", FirstLogin::No, Some(&service)).is_ok();
            assert_eq!(linked, other == console, "{name} {other}");
        }
        assert_eq!(profile.hosts.sign_in.as_ref().unwrap().as_str(), auth);
        assert_eq!(profile.hosts.console.as_ref().unwrap().as_str(), console);
    }
}

#[test]
fn the_sites_differ_in_hosts_names_and_association_codes_only() {
    let clouds = Clouds::load(None).unwrap();
    let cn = clouds.get("huawei-cn").unwrap();
    for (name, resale) in [("huawei-cn", "2"), ("huawei-intl", "3"), ("huawei-eu", "3")] {
        let site = clouds.get(name).unwrap();
        assert_eq!(site.request, cn.request);
        assert_eq!(site.response, cn.response);
        assert_eq!(site.attributes, cn.attributes);
        let association = site.association.as_ref().unwrap();
        assert_eq!(association.referral.as_str(), "1");
        assert_eq!(association.resale.as_str(), resale);
    }
}

#[test]
fn the_answer_is_what_the_contract_asks_for() {
    let profile = Clouds::load(None).unwrap().get("huawei-cn").unwrap();
    let rules = &profile.response;
    assert_eq!(rules.name_id.name_qualifier, NameQualifier::Sp);
    assert_eq!(rules.subject_locality, SubjectLocality::Sp);
    assert_eq!((rules.encrypt, rules.allow_cbc), (Encrypt::Never, false));
    assert!(rules.subject_confirmation.not_before.is_some());
    let signing = rules.signing(&wanting(""));
    assert!(signing.prefixes.contains("xsd"));
    assert_eq!(rules.refused, Refused::Page);
    let source = |name: &str| {
        let rule = profile.attributes.iter().find(|rule| rule.name.as_str() == name).unwrap();
        (rule.source, rule.presence)
    };
    assert_eq!(source("xUserId"), (Source::AccountId, Presence::Required));
    assert_eq!(source("xAccountId"), source("xUserId"));
}

/// A service provider whose metadata says this of signed assertions.
fn wanting(attribute: &str) -> ServiceProvider {
    let metadata = format!(
        "<EntityDescriptor xmlns=\"{}\" entityID=\"urn:sp\"><SPSSODescriptor {attribute} \
         protocolSupportEnumeration=\"{}\"><AssertionConsumerService index=\"0\" \
         Location=\"https://sp.example/acs\" Binding=\"{}\"/></SPSSODescriptor></EntityDescriptor>",
        ns::METADATA,
        ns::PROTOCOL,
        binding::POST
    );
    let now = time::OffsetDateTime::UNIX_EPOCH;
    sp_metadata::read(metadata.as_bytes(), None, Trust::Origin, now).unwrap()
}

// Conformance A-100.
#[test]
fn an_assertion_is_signed_where_metadata_wants_it_whatever_the_profile_says() {
    let mut rules = Clouds::load(None).unwrap().get("generic").unwrap().response.clone();
    for (sign, silent, wanted) in [
        (Sign::Assertion, Signed::Assertion, Signed::Assertion),
        (Sign::Response, Signed::Response, Signed::Both),
        (Sign::Both, Signed::Both, Signed::Both),
    ] {
        rules.sign = sign;
        for (attribute, expected) in [
            ("", silent),
            ("WantAssertionsSigned=\"false\"", silent),
            ("WantAssertionsSigned=\"true\"", wanted),
            ("WantAssertionsSigned=\"1\"", wanted),
        ] {
            assert_eq!(rules.signing(&wanting(attribute)).what, expected, "{sign:?} {attribute}");
        }
    }
}

#[test]
fn a_standard_service_provider_gets_what_the_standard_says() {
    let profile = Clouds::load(None).unwrap().get("generic").unwrap();
    assert!(profile.response.subject_confirmation.not_before.is_none());
    assert!(profile.login.is_none());
    let known = ["urn:oid:", "urn:oasis:names:tc:SAML:attribute:"];
    let uri = |rule: &AttributeRule| known.iter().any(|it| rule.name.as_str().starts_with(it));
    assert!(profile.attributes.iter().all(uri));
}

#[test]
fn no_code_names_a_cloud() {
    let mut faults = Vec::new();
    for path in sources(&Path::new(ROOT).join("src")) {
        if path.components().any(|part| part.as_os_str() == "fakecloud") || is_test(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            // Comments explain, and `eg` gives the example that the manual of the configuration
            // prints.
            let code = line.split("//").next().unwrap_or_default();
            let code = code.split(", eg ").next().unwrap_or_default();
            if code.to_ascii_lowercase().contains("huawei") {
                faults.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    let rule = "what is particular to a cloud belongs into its metadata/<cloud>/profile.toml";
    assert!(faults.is_empty(), "{rule}:\n{}", faults.join("\n"));
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
                    .into_iter()
                    .filter(|path| path.extension() == Some("rs".as_ref()))
                    .collect()
            }
        })
        .collect()
}
