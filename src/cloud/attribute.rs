//! Layer 2, cloud: which attributes of a person one cloud gets, and the rules that their values
//! keep (contract §4.3).
//!
//! A required attribute that breaks its rule refuses the journey: without it the cloud could not
//! tell whom it let in. An optional one is decoration, such as the name that fills a form in
//! beforehand; a login must not fail for it, and the cloud must not get what it did not ask for. It
//! is sent as if it were absent, and the log says so.

use std::collections::BTreeMap;

use serde::Deserialize;

pub use super::pattern::Pattern;
use super::profile::Profile;
use super::response::{AbsentAttribute, Release};
use super::value::{Text, Uri};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::names::{ATTRNAME_UNSPECIFIED, ATTRNAME_URI};
use crate::saml::response::Attribute;
use crate::saml::sp_metadata::{EntityAttribute, RequestedAttribute, ServiceProvider};
use crate::store::given::Given;

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
    /// With [`Source::Given`], and only with it: the name under which the partner gives it.
    pub given_as: Option<Text>,
    /// Most values.
    #[serde(default = "one")]
    pub max_values: usize,
    /// To whom it goes: the values of which a service provider's metadata must have one, by the
    /// name of an attribute of the entity; one of these names is enough. To everybody when empty.
    #[serde(default)]
    pub only_for: BTreeMap<String, Vec<String>>,
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
    /// What the partner says under a name of its own. The one source of several values.
    Given,
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
    /// What else the partner says.
    pub given: &'a Given,
}

/// Who asks for attributes, as its metadata describes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker<'a> {
    /// The attributes that it requests.
    pub requested: &'a [RequestedAttribute],
    /// What is said about it.
    pub entity_attributes: &'a [EntityAttribute],
}

impl<'a> Asker<'a> {
    /// A service provider that names this group of attributes, or none.
    #[must_use]
    pub fn of(provider: &'a ServiceProvider, group: Option<u16>) -> Self {
        let service = provider.attribute_service(group);
        let requested = service.map_or(&[][..], |service| &service.requested);
        Self { requested, entity_attributes: &provider.entity_attributes }
    }
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
    /// It has too many values.
    #[error("to have at most {0} values")]
    Values(usize),
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
    /// The attributes of `person` for this service provider.
    ///
    /// # Errors
    /// The first required attribute whose value is absent or breaks a rule.
    pub fn attributes(
        &self,
        person: &Person<'_>,
        asker: Asker<'_>,
    ) -> Result<Released, AttributeFault> {
        let mut attributes = Vec::with_capacity(self.attributes.len());
        let mut withheld = Vec::new();
        for rule in self.released(asker) {
            let mut values = match rule.values(person) {
                Ok(values) => values,
                Err(broken) => {
                    let fault = AttributeFault { attribute: rule.name.to_string(), rule: broken };
                    match rule.presence {
                        Presence::Required => return Err(fault),
                        Presence::Optional => withheld.push(fault),
                    }
                    Vec::new()
                }
            };
            if self.depends_on_request(rule) {
                keep_wanted(&mut values, || self.requests(rule, asker));
            }
            match (values.is_empty(), self.response.absent_attribute) {
                (false, _) => {}
                (true, AbsentAttribute::Empty) => values.push(""),
                (true, AbsentAttribute::Omit) => continue,
            }
            attributes.push(Attribute {
                name: rule.name.to_string(),
                name_format: rule.name_format().to_owned(),
                friendly_name: rule.friendly_name.as_ref().map(ToString::to_string),
                values: values.into_iter().map(str::to_owned).collect(),
            });
        }
        Ok(Released { attributes, withheld })
    }

    /// The attributes that a service provider gets, whatever their values are.
    pub fn released<'a>(&'a self, asker: Asker<'a>) -> impl Iterator<Item = &'a AttributeRule> {
        self.attributes.iter().filter(move |rule| {
            rule.is_for(asker.entity_attributes)
                && (!self.depends_on_request(rule) || self.requests(rule, asker).next().is_some())
        })
    }

    /// The requests of an attribute that count.
    fn requests<'a>(
        &self,
        rule: &'a AttributeRule,
        asker: Asker<'a>,
    ) -> impl Iterator<Item = &'a RequestedAttribute> + use<'a> {
        let any = self.response.release == Release::Requested;
        asker.requested.iter().filter(move |one| (any || one.required) && rule.is_wanted(one))
    }

    /// Whether the attribute goes only to who requests it.
    fn depends_on_request(&self, rule: &AttributeRule) -> bool {
        self.response.release != Release::All && rule.presence == Presence::Optional
    }
}

/// Leaves the values that the service provider wants: all, unless it names some in every request
/// of the attribute that counts (saml-metadata-2.0-os §2.4.4.2).
fn keep_wanted<'a, R: Iterator<Item = &'a RequestedAttribute>>(
    values: &mut Vec<&str>,
    requests: impl Fn() -> R,
) {
    if requests().all(|one| !one.values.is_empty()) {
        values.retain(|value| requests().any(|one| one.values.iter().any(|it| it == value)));
    }
}

fn one() -> usize {
    1
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

    /// Whether it goes to a service provider of which its metadata says this (conformance A-042).
    fn is_for(&self, entity_attributes: &[EntityAttribute]) -> bool {
        let meets = |one: &EntityAttribute| {
            let listed = self.only_for.get(&one.name);
            listed.is_some_and(|listed| one.values.iter().any(|value| listed.contains(value)))
        };
        self.only_for.is_empty() || entity_attributes.iter().any(meets)
    }

    /// The person's values. A blank text is none (conformance A-001).
    fn values<'p>(&self, person: &Person<'p>) -> Result<Vec<&'p str>, BrokenRule> {
        let mut values = match (self.source, &self.given_as) {
            (Source::Given, Some(name)) => {
                person.given.values(name.as_str()).iter().map(String::as_str).collect()
            }
            (source, _) => person.value(source).into_iter().collect::<Vec<_>>(),
        };
        values.retain(|value| !value.trim().is_empty());
        if values.is_empty() && self.presence == Presence::Required {
            return Err(BrokenRule::Required);
        }
        if values.len() > self.max_values {
            return Err(BrokenRule::Values(self.max_values));
        }
        for value in &values {
            if value.chars().count() > self.max_chars {
                return Err(BrokenRule::Length(self.max_chars));
            }
            if !self.pattern.fits(value) {
                return Err(BrokenRule::Form(self.pattern));
            }
        }
        Ok(values)
    }

    /// What the single values do not tell.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let most = limits::ATTRIBUTE_CHARS;
        if !(1..=most).contains(&self.max_chars) {
            wrong.push(format!("max_chars of 1 to {most}"));
        }
        match (self.source, &self.given_as) {
            (Source::Given, None) => wrong.push("given_as, because of source = \"given\"".into()),
            (Source::Given, Some(name)) if !Given::is_name(name.as_str()) => {
                wrong.push("given_as of 1 to 64 letters, digits, _, -, . or :".into());
            }
            (Source::Given, Some(_)) | (_, None) => {}
            (_, Some(_)) => wrong.push("source = \"given\", because of given_as".into()),
        }
        let most = if self.source == Source::Given { limits::GIVEN_VALUES } else { 1 };
        if !(1..=most).contains(&self.max_values) {
            wrong.push(format!("max_values of 1 to {most} with this source"));
        }
        if self.only_for.iter().any(|(name, values)| name.is_empty() || values.is_empty()) {
            wrong.push("a name and at least one value of each of only_for".into());
        }
        let told = |wrong: String| format!("attribute {}: expected {wrong}", self.name);
        wrong.into_iter().map(told).collect()
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
            // Those have names, and several values.
            Source::Given => None,
        }
    }
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
        given: &Given::nothing(),
    };

    fn release(profile: &str, person: &Person<'_>) -> Result<Released, AttributeFault> {
        read(text_of(profile)).unwrap().attributes(person, Asker::default())
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
            values: Vec::new(),
        };
        let mail = "urn:oid:0.9.2342.19200300.100.1.3";
        for (requested, expected) in [
            (vec![], &["uid"][..]),
            (vec![wanted(mail, None)], &["uid", "mail"]),
            (vec![wanted(mail, Some(ATTRNAME_URI)), wanted("urn:other", None)], &["uid", "mail"]),
            (vec![wanted(mail, Some("urn:x"))], &["uid"]),
            (vec![wanted("mail", None)], &["uid"]),
        ] {
            let asker = Asker { requested: &requested, ..Asker::default() };
            let released = profile.attributes(&ALICE, asker).ok().unwrap();
            let names: Vec<_> = pairs(&released).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expected, "{requested:?}");
        }
    }

    const GROUPS: &str = "urn:oid:1.3.6.1.4.1.5923.1.5.1.1";

    /// The generic profile, with this in it, and an attribute of several values.
    fn with_groups(release: &str, presence: &str, more: &str) -> Result<Profile, String> {
        let attribute = format!(
            "[[attribute]]\nname = \"{GROUPS}\"\npresence = \"{presence}\"\nmax_chars = 8\n\
             pattern = \"text\"\n{more}\n[logout]"
        );
        let text = text_of("generic")
            .replace("sign = \"both\"", &format!("sign = \"both\"\nrelease = \"{release}\""))
            .replace("[logout]", &attribute);
        read(&text).map_err(|faults| faults[0].to_string())
    }

    fn given(values: &[&str]) -> Given {
        serde_json::from_value(serde_json::json!({ "groups": values })).unwrap()
    }

    /// What somebody who belongs to `groups` has in that attribute; the rule that it breaks.
    fn groups(
        profile: &Profile,
        groups: &[&str],
        asker: Asker<'_>,
    ) -> Result<Option<Vec<String>>, BrokenRule> {
        let person = Person { given: &given(groups), ..ALICE };
        let released = profile.attributes(&person, asker).map_err(|fault| fault.rule)?;
        if let Some(fault) = released.withheld.first() {
            return Err(fault.rule);
        }
        let mut named = released.attributes.into_iter().filter(|one| one.name == GROUPS);
        Ok(named.next().map(|one| one.values))
    }

    const FROM_PARTNER: &str = "source = \"given\"\ngiven_as = \"groups\"\nmax_values = 3";

    // Conformance A-113.
    #[test]
    fn several_values_keep_their_order_and_the_rules_of_each() {
        let texts = |values: &[&str]| Some(values.iter().map(ToString::to_string).collect());
        let optional = with_groups("all", "optional", FROM_PARTNER).unwrap();
        for (values, expected) in [
            (&["b", "a", "b"][..], Ok(texts(&["b", "a", "b"]))),
            (&["b", " ", ""], Ok(texts(&["b"]))),
            (&["", " ", "", "", "a"], Ok(texts(&["a"]))),
            (&[], Ok(None)),
            (&["a", "b", "c", "d"], Err(BrokenRule::Values(3))),
            (&["a", "too-long!"], Err(BrokenRule::Length(8))),
            (&["a", "b\n"], Err(BrokenRule::Form(Pattern::Text))),
        ] {
            assert_eq!(groups(&optional, values, Asker::default()), expected, "{values:?}");
        }
        let required = with_groups("all", "required", FROM_PARTNER).unwrap();
        assert_eq!(groups(&required, &[" "], Asker::default()), Err(BrokenRule::Required));
        let single = FROM_PARTNER.replace("\nmax_values = 3", "");
        let single = with_groups("all", "optional", &single).unwrap();
        assert_eq!(groups(&single, &["a"], Asker::default()), Ok(texts(&["a"])));
        assert_eq!(groups(&single, &["a", "b"], Asker::default()), Err(BrokenRule::Values(1)));
    }

    // The contract has one value of each attribute (§4.3), and none that partners name.
    #[test]
    fn what_a_partner_gives_by_names_of_its_own_goes_to_no_cloud() {
        let before = release("huawei-cn", &ALICE).ok().unwrap();
        let person = Person { given: &given(&["a", "b"]), ..ALICE };
        assert!(release("huawei-cn", &person).ok().unwrap() == before);
    }

    fn requested(name: &str, required: bool, values: &[&str]) -> RequestedAttribute {
        let values = values.iter().map(ToString::to_string).collect();
        RequestedAttribute { name: name.to_owned(), name_format: None, required, values }
    }

    #[test]
    fn only_wanted_values_go_out_and_in_one_manner_only_what_is_needed() {
        let texts = |values: &[&str]| Some(values.iter().map(ToString::to_string).collect());
        let [all, some, needed] = ["all", "requested", "needed"]
            .map(|release| with_groups(release, "optional", FROM_PARTNER).unwrap());
        let (a, b) = (requested(GROUPS, false, &["a"]), requested(GROUPS, true, &["b", "x"]));
        let any = requested(GROUPS, false, &[]);
        let whole = texts(&["a", "b", "c"]);
        for (profile, wanted, expected) in [
            (&all, vec![], whole.clone()),
            (&all, vec![a.clone()], whole.clone()),
            (&some, vec![], None),
            (&some, vec![any.clone()], whole.clone()),
            (&some, vec![a.clone()], texts(&["a"])),
            (&some, vec![a.clone(), b.clone()], texts(&["a", "b"])),
            (&some, vec![a.clone(), any.clone()], whole.clone()),
            (&some, vec![requested(GROUPS, false, &["z"])], None),
            (&needed, vec![any.clone(), a.clone()], None),
            (&needed, vec![b.clone()], texts(&["b"])),
            (&needed, vec![b.clone(), any.clone(), a.clone()], texts(&["b"])),
        ] {
            let asker = Asker { requested: &wanted, ..Asker::default() };
            assert_eq!(groups(profile, &["a", "b", "c"], asker), Ok(expected), "{wanted:?}");
        }
        // What the profile calls required goes out as it is.
        let required = with_groups("requested", "required", FROM_PARTNER).unwrap();
        let asker = Asker { requested: &[a], ..Asker::default() };
        assert_eq!(groups(&required, &["a", "b", "c"], asker), Ok(whole));
    }

    // Conformance A-042.
    #[test]
    fn an_attribute_goes_to_those_of_whom_metadata_says_what_the_profile_wants() {
        let only = format!(
            "{FROM_PARTNER}\nonly_for = {{ \"urn:category\" = [\"urn:one\", \"urn:two\"], \
             \"urn:assurance\" = [\"high\"] }}"
        );
        let entity = |name: &str, values: &[&str]| EntityAttribute {
            name: name.to_owned(),
            values: values.iter().map(ToString::to_string).collect(),
        };
        for presence in ["optional", "required"] {
            let profile = with_groups("all", presence, &only).unwrap();
            for (says, gets) in [
                (vec![], false),
                (vec![entity("urn:category", &["urn:three"])], false),
                (vec![entity("urn:category", &["urn:One", "high"])], false),
                (vec![entity("urn:other", &["urn:one"])], false),
                (vec![entity("urn:category", &["urn:three", "urn:two"])], true),
                (vec![entity("urn:other", &[]), entity("urn:assurance", &["high"])], true),
            ] {
                let asker = Asker { entity_attributes: &says, ..Asker::default() };
                let got = groups(&profile, &["a"], asker).unwrap();
                assert_eq!(got.is_some(), gets, "{says:?}");
            }
            // Nothing is missed where it does not go.
            assert_eq!(groups(&profile, &[], Asker::default()), Ok(None));
        }
    }

    #[test]
    fn an_attribute_without_source_or_to_nobody_is_a_fault_of_the_profile() {
        for (more, word) in [
            ("source = \"given\"", "given_as, because"),
            ("source = \"given\"\ngiven_as = \"a b\"", "given_as of 1 to 64"),
            ("source = \"name\"\ngiven_as = \"groups\"", "source = \"given\""),
            ("source = \"name\"\nmax_values = 2", "max_values of 1 to 1"),
            ("source = \"name\"\nmax_values = 0", "max_values of 1 to 1"),
            ("source = \"given\"\ngiven_as = \"a\"\nmax_values = 65", "max_values of 1 to 64"),
            ("source = \"name\"\nonly_for = { \"urn:a\" = [] }", "at least one value"),
        ] {
            let fault = with_groups("all", "optional", more).unwrap_err();
            assert!(fault.contains(word) && fault.contains(GROUPS), "{fault}");
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
}
