//! Layer 2, cloud: which attributes of a person one cloud gets, and the rules that their values
//! keep (contract §4.3).
//!
//! A required attribute that breaks its rule refuses the journey: without it the cloud could not
//! tell whom it let in. An optional one is decoration, such as the name that fills a form in
//! beforehand; a login must not fail for it, and the cloud must not get what it did not ask for. It
//! is sent as if it were absent, and the log says so.

use serde::Deserialize;

use super::profile::Profile;
use super::response::{AbsentAttribute, Release};
use super::value::{Text, Uri};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::names::{ATTRNAME_UNSPECIFIED, ATTRNAME_URI};
use crate::saml::response::Attribute;
use crate::saml::sp_metadata::RequestedAttribute;
use crate::saml::xml::is_xml_char;

/// One attribute of the list in a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeRule {
    /// `Name`.
    pub name: Text,
    /// `NameFormat`; the URI one when not said (saml-core-2.0-os §8.2.2).
    pub name_format: Option<Uri>,
    /// `FriendlyName`; absent when not said.
    pub friendly_name: Option<Text>,
    /// Where the value comes from.
    pub source: Source,
    /// Whether the cloud can do without it.
    pub presence: Presence,
    /// Longest value in characters.
    pub max_chars: usize,
    /// The form of the value.
    pub pattern: Pattern,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The person's id on the partner's platform.
    UserId,
    /// The id that the cloud knows the person by.
    AccountId,
    /// The identifier that the cloud gave the platform.
    AccountType,
    /// The partner's own account at the cloud.
    BpId,
    /// The person's name.
    Name,
    /// The person's mobile number.
    Mobile,
    /// The person's e-mail address.
    Email,
    /// What all service providers know the person by, where this one's metadata needs that
    /// (saml-subject-id-attr-v1.0 §3.3).
    SubjectId,
    /// What this service provider alone knows the person by, where its metadata needs that (§3.4).
    PairwiseId,
}

/// Whether the cloud can do without an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Without a right value there is no answer.
    Required,
    /// Without a right value it is sent as absent.
    Optional,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Any text without control characters.
    Text,
    /// An opaque id: no white space, and neither an e-mail address (no `@`) nor a phone number (no
    /// `+` in front), since those change hands while the id stays with the account (contract §11).
    OpaqueId,
    /// An e-mail address as HTML forms take it (contract §4.3).
    Email,
    /// `country code-number`, the country code with `00` in front: `0086-13800000000` (contract
    /// §4.3).
    Mobile,
    /// An account name of the cloud: 5 to 32 letters, digits, `_` or `-`, no digit in front, and
    /// not beginning with
    /// `op_` or `shadow_` (contract §7.6).
    DomainName,
}

/// What is known about a person who is sent to the cloud. Personal: it has no `Debug` and goes to
/// no log.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// The stable id on the partner's platform.
    pub user_id: &'a str,
    /// The id that the cloud knows the person by.
    pub account_id: &'a str,
    /// The identifier that the cloud gave the platform.
    pub account_type: Option<&'a str>,
    /// The partner's own account at the cloud.
    pub bp_id: Option<&'a str>,
    /// The name.
    pub name: Option<&'a str>,
    /// The mobile number.
    pub mobile: Option<&'a str>,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// The subject identifier for all, with its scope, if it was asked for.
    pub subject_id: Option<&'a str>,
    /// The subject identifier for one, with its scope, if it was asked for.
    pub pairwise_id: Option<&'a str>,
}

/// What goes to the cloud.
#[derive(Clone, PartialEq, Eq)]
pub struct Released {
    /// The attributes in the order of the profile.
    pub attributes: Vec<Attribute>,
    /// Optional attributes whose value was not sent because it breaks a rule: warnings for the log.
    pub withheld: Vec<AttributeFault>,
}

/// A rule that an attribute breaks. It never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the attribute {attribute} {rule} (contract §4.3)")]
pub struct AttributeFault {
    /// The attribute's name.
    pub attribute: String,
    /// The rule.
    pub rule: BrokenRule,
}

/// What was expected of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// It has no value.
    #[error("to have a value")]
    Required,
    /// It is too long.
    #[error("to have at most {0} characters")]
    Length(usize),
    /// It has the wrong form.
    #[error("to be {}", .0.expectation())]
    Form(Pattern),
}

impl From<AttributeFault> for Refusal {
    fn from(fault: AttributeFault) -> Self {
        Self::new(Code::AttributeUnusable, fault.to_string())
    }
}

impl Profile {
    /// The attributes of `person` for this service provider, whose metadata asks for `requested`.
    ///
    /// # Errors
    /// The first required attribute whose value is absent or breaks a rule.
    pub fn attributes(
        &self,
        person: &Person<'_>,
        requested: &[RequestedAttribute],
    ) -> Result<Released, AttributeFault> {
        let mut attributes = Vec::with_capacity(self.attributes.len());
        let mut withheld = Vec::new();
        for rule in self.released(requested) {
            let value = match rule.value(person) {
                Ok(value) => value,
                Err(broken) => {
                    let fault = AttributeFault { attribute: rule.name.to_string(), rule: broken };
                    match rule.presence {
                        Presence::Required => return Err(fault),
                        Presence::Optional => withheld.push(fault),
                    }
                    None
                }
            };
            let value = match (value, self.response.absent_attribute) {
                (Some(value), _) => value,
                (None, AbsentAttribute::Empty) => "",
                (None, AbsentAttribute::Omit) => continue,
            };
            attributes.push(Attribute {
                name: rule.name.to_string(),
                name_format: rule.name_format().to_owned(),
                friendly_name: rule.friendly_name.as_ref().map(ToString::to_string),
                values: vec![value.to_owned()],
            });
        }
        Ok(Released { attributes, withheld })
    }
}

impl Profile {
    /// The attributes that a service provider gets whose metadata asks for `requested`, whatever
    /// their values are.
    pub fn released<'a>(
        &'a self,
        requested: &'a [RequestedAttribute],
    ) -> impl Iterator<Item = &'a AttributeRule> {
        self.attributes.iter().filter(move |rule| {
            self.response.release == Release::All
                || rule.presence == Presence::Required
                || requested.iter().any(|wanted| rule.is_wanted(wanted))
        })
    }
}

impl AttributeRule {
    fn name_format(&self) -> &str {
        self.name_format.as_ref().map_or(ATTRNAME_URI, Uri::as_str)
    }

    /// Whether a service provider means this attribute: by name and format, never by friendly name
    /// (conformance A-011).
    fn is_wanted(&self, wanted: &RequestedAttribute) -> bool {
        let format = wanted.name_format.as_deref();
        wanted.name == self.name.as_str()
            && format
                .is_none_or(|format| format == ATTRNAME_UNSPECIFIED || format == self.name_format())
    }

    /// The person's value, if there is one. A blank text is none (conformance A-001).
    fn value<'p>(&self, person: &Person<'p>) -> Result<Option<&'p str>, BrokenRule> {
        let Some(value) = person.value(self.source).filter(|value| !value.trim().is_empty()) else {
            return match self.presence {
                Presence::Required => Err(BrokenRule::Required),
                Presence::Optional => Ok(None),
            };
        };
        if value.chars().count() > self.max_chars {
            return Err(BrokenRule::Length(self.max_chars));
        }
        if !self.pattern.fits(value) {
            return Err(BrokenRule::Form(self.pattern));
        }
        Ok(Some(value))
    }

    /// What the single values do not tell.
    pub(super) fn problem(&self) -> Option<String> {
        let most = limits::ATTRIBUTE_CHARS;
        (!(1..=most).contains(&self.max_chars))
            .then(|| format!("attribute {}: expected max_chars of 1 to {most}", self.name))
    }
}

impl<'a> Person<'a> {
    fn value(&self, source: Source) -> Option<&'a str> {
        match source {
            Source::UserId => Some(self.user_id),
            Source::AccountId => Some(self.account_id),
            Source::AccountType => self.account_type,
            Source::BpId => self.bp_id,
            Source::Name => self.name,
            Source::Mobile => self.mobile,
            Source::Email => self.email,
            Source::SubjectId => self.subject_id,
            Source::PairwiseId => self.pairwise_id,
        }
    }
}

impl Pattern {
    /// Whether `value`, which is not empty, has this form.
    #[must_use]
    pub fn fits(self, value: &str) -> bool {
        match self {
            Self::Text => {
                !value.trim().is_empty() && value.chars().all(|c| is_xml_char(c) && !c.is_control())
            }
            Self::OpaqueId => {
                !value.starts_with('+')
                    && !value.contains(|c: char| {
                        c == '@' || c.is_whitespace() || c.is_control() || !is_xml_char(c)
                    })
            }
            Self::Email => is_email(value),
            Self::Mobile => is_mobile(value),
            Self::DomainName => is_domain_name(value),
        }
    }

    fn expectation(self) -> &'static str {
        match self {
            Self::Text => "text without control characters",
            Self::OpaqueId => "an opaque id without white space, no e-mail address or phone number",
            Self::Email => "an e-mail address",
            Self::Mobile => "a mobile number such as 0086-13800000000",
            Self::DomainName => {
                "5 to 32 letters, digits, _ or -, no digit in front, not beginning with op_ or \
                 shadow_"
            }
        }
    }
}

/// The expression that contract §4.3 quotes and HTML defines for `<input type=email>`.
fn is_email(value: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
            && domain.split('.').all(is_label)
    })
}

/// `00`, a country code of 1 to 4 digits, a hyphen, a number of 4 to 15 digits (ITU-T E.164 allows
/// no more).
fn is_mobile(value: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    value.strip_prefix("00").and_then(|rest| rest.split_once('-')).is_some_and(
        |(country, number)| {
            (1..=4).contains(&country.len())
                && !country.starts_with('0')
                && digits(country)
                && (4..=15).contains(&number.len())
                && digits(number)
        },
    )
}

fn is_domain_name(value: &str) -> bool {
    (5..=32).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !value.starts_with(|c: char| c.is_ascii_digit())
        && !value.starts_with("op_")
        && !value.starts_with("shadow_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::profile::tests::{read, text_of};

    const ALICE: Person<'_> = Person {
        user_id: "cust-1001",
        account_id: "acc-1001",
        account_type: Some("acme_IDP"),
        bp_id: Some("6d0d2b1c"),
        name: Some("alice_acme"),
        mobile: Some("0086-13800000000"),
        email: Some("alice@partner.example"),
        subject_id: None,
        pairwise_id: None,
    };

    fn release(profile: &str, person: &Person<'_>) -> Result<Released, AttributeFault> {
        read(text_of(profile)).unwrap().attributes(person, &[])
    }

    /// Friendly name and only value of each attribute.
    fn pairs(released: &Released) -> Vec<(&str, &str)> {
        released
            .attributes
            .iter()
            .map(|a| match (a.friendly_name.as_deref(), a.values.as_slice()) {
                (Some(name), [value]) => (name, value.as_str()),
                _ => panic!("expected a friendly name and one value: {a:?}"),
            })
            .collect()
    }

    #[test]
    fn six_attributes_go_out_in_the_contracts_order() {
        let released = release("huawei-cn", &ALICE).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(
            pairs(&released),
            [
                ("xUserId", "acc-1001"),
                ("xAccountId", "acc-1001"),
                ("bpId", "6d0d2b1c"),
                ("email", "alice@partner.example"),
                ("name", "alice_acme"),
                ("mobile", "0086-13800000000"),
            ]
        );
        assert!(released.attributes.iter().all(|a| a.friendly_name.as_ref() == Some(&a.name)));
        assert!(released.withheld.is_empty());
    }

    #[test]
    fn only_what_metadata_requests_is_released_where_the_profile_says_so() {
        let text = text_of("generic")
            .replace("sign = \"both\"", "sign = \"both\"\nrelease = \"requested\"");
        let profile = read(&text).unwrap();
        let wanted = |name: &str, format: Option<&str>| RequestedAttribute {
            name: name.to_owned(),
            name_format: format.map(str::to_owned),
            required: false,
        };
        let mail = "urn:oid:0.9.2342.19200300.100.1.3";
        for (requested, expected) in [
            (vec![], &["uid"][..]),
            (vec![wanted(mail, None)], &["uid", "mail"]),
            (vec![wanted(mail, Some(ATTRNAME_URI)), wanted("urn:other", None)], &["uid", "mail"]),
            (vec![wanted(mail, Some("urn:x"))], &["uid"]),
            (vec![wanted("mail", None)], &["uid"]),
        ] {
            let released = profile.attributes(&ALICE, &requested).ok().unwrap();
            let names: Vec<_> = pairs(&released).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expected, "{requested:?}");
        }
    }

    #[test]
    fn an_absent_value_is_empty_or_left_out_as_the_profile_says() {
        let person = Person { email: None, name: Some(""), mobile: None, ..ALICE };
        let released = release("huawei-cn", &person).unwrap_or_else(|fault| panic!("{fault}"));
        let empty = [("email", ""), ("name", ""), ("mobile", "")];
        assert_eq!(pairs(&released)[3..], empty);
        assert!(released.withheld.is_empty(), "absence is no fault");
        let released = release("generic", &person).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(pairs(&released), [("uid", "cust-1001")]);
    }

    // Conformance A-001.
    #[test]
    fn a_blank_value_is_none() {
        for blank in ["", " ", "\u{3000} \u{A0}"] {
            let released = release("generic", &Person { name: Some(blank), ..ALICE });
            let released = released.unwrap_or_else(|fault| panic!("{fault}"));
            assert!(pairs(&released).iter().all(|(name, _)| *name != "displayName"), "{blank:?}");
            assert!(release("huawei-cn", &Person { account_id: blank, ..ALICE }).is_err());
        }
    }

    #[test]
    fn a_login_does_not_fail_for_a_decorative_value_but_the_cloud_does_not_get_it() {
        let long = format!("{}@partner.example", "a".repeat(60));
        let person = Person {
            email: Some(&long),
            name: Some("爱丽丝-canary"),
            mobile: Some("13800000000"),
            ..ALICE
        };
        let released = release("huawei-cn", &person).unwrap_or_else(|fault| panic!("{fault}"));
        let empty = [("email", ""), ("name", ""), ("mobile", "")];
        assert_eq!(pairs(&released)[3..], empty);
        let rules: Vec<_> =
            released.withheld.iter().map(|f| (f.attribute.as_str(), f.rule)).collect();
        assert_eq!(
            rules,
            [
                ("email", BrokenRule::Length(64)),
                ("name", BrokenRule::Form(Pattern::DomainName)),
                ("mobile", BrokenRule::Form(Pattern::Mobile)),
            ]
        );
        assert!(!released.withheld[1].to_string().contains("canary"));
    }

    #[test]
    fn a_required_value_that_breaks_its_rule_refuses() {
        let long = "a".repeat(129);
        for (account_id, rule) in [
            ("", BrokenRule::Required),
            (long.as_str(), BrokenRule::Length(128)),
            ("alice@partner.example", BrokenRule::Form(Pattern::OpaqueId)),
            ("+8613800000000", BrokenRule::Form(Pattern::OpaqueId)),
            ("a b", BrokenRule::Form(Pattern::OpaqueId)),
            ("a\u{0}", BrokenRule::Form(Pattern::OpaqueId)),
            ("a\u{FFFE}", BrokenRule::Form(Pattern::OpaqueId)),
        ] {
            let fault = release("huawei-cn", &Person { account_id, ..ALICE }).err();
            assert_eq!(fault, Some(AttributeFault { attribute: "xUserId".into(), rule }));
        }
        let fault = release("huawei-cn", &Person { bp_id: None, ..ALICE }).err().unwrap();
        assert_eq!(fault.attribute, "bpId");
        assert_eq!(Refusal::from(fault).code, Code::AttributeUnusable);
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let ids = ["é".repeat(128), "é".repeat(129)];
        assert!(release("huawei-cn", &Person { account_id: &ids[0], ..ALICE }).is_ok());
        assert!(release("huawei-cn", &Person { account_id: &ids[1], ..ALICE }).is_err());
    }

    #[test]
    fn an_email_is_what_html_forms_take() {
        for right in ["a@b", "a.b+c@d-e.example", "!#$%&'*+/=?^_`{|}~-@x.y"] {
            assert!(Pattern::Email.fits(right), "{right}");
        }
        let label = "a".repeat(64);
        for wrong in [
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a b@c",
            "é@b",
            "a@é",
            "a@b.",
            &format!("a@{label}"),
        ] {
            assert!(!Pattern::Email.fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_mobile_number_names_its_country() {
        for right in ["0086-13800000000", "001-2025550123", "00852-61234567"] {
            assert!(Pattern::Mobile.fits(right), "{right}");
        }
        for wrong in [
            "13800000000",
            "86-13800000000",
            "+86-13800000000",
            "0086 13800000000",
            "0086-",
            "00-13800000000",
            "000-13800000000",
            "0086-138000000001234567",
            "0086-1380000000a",
            "0086-٣٨٠٠٠",
        ] {
            assert!(!Pattern::Mobile.fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_domain_name_is_the_contracts() {
        for right in ["alice", "_alice", "-alice", "a1234", &"a".repeat(32)] {
            assert!(Pattern::DomainName.fits(right), "{right}");
        }
        for wrong in [
            "alic",
            &"a".repeat(33),
            "1alice",
            "12345",
            "op_alice",
            "shadow_alice",
            "ali ce",
            "爱丽丝爱丽",
        ] {
            assert!(!Pattern::DomainName.fits(wrong), "{wrong}");
        }
    }
}
