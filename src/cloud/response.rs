//! Layer 2, cloud: what an answer to one cloud looks like: what is signed, which times it carries,
//! how the person is named (contract §4.2). `saml::response` can write all of it; here stands which
//! of it this cloud wants.

use serde::{Deserialize, Deserializer};
use time::Duration;

use super::value::{Uri, offset, optional_offset};
use crate::saml::NameIdKind;
use crate::saml::encryption::{EncryptionKey, Recipient, Unauthenticated};
use crate::saml::names::name_id;
use crate::saml::response::{Signed, Signing, Uses};
use crate::saml::signature::sign::PrefixList;
use crate::saml::sp_metadata::ServiceProvider;

/// Longest time that an assertion holds (conformance B-19 asks for minutes, not hours).
const LONGEST: Duration = Duration::minutes(15);

/// The rules of an answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseRules {
    /// What carries a signature.
    pub sign: Sign,
    /// The prefixes of `InclusiveNamespaces`. With `xsd` among them, values are typed `xsd:string`.
    #[serde(deserialize_with = "prefixes")]
    pub inclusive_namespaces: PrefixList,
    /// Whether the Assertion is encrypted for the service provider.
    pub encrypt: Encrypt,
    /// Whether a service provider whose metadata offers no better cipher gets CBC, in which nobody
    /// notices a change (conformance A-118).
    #[serde(default)]
    pub allow_cbc: bool,
    /// `Consent` of the Response; absent when not said.
    pub consent: Option<Uri>,
    /// `Format` of the Response's `Issuer`.
    pub issuer_format: IssuerFormat,
    /// `StatusMessage` of a success.
    pub status_message: StatusMessage,
    /// `AuthnContextClassRef`.
    pub authn_context: AuthnContext,
    /// `SubjectLocality`.
    pub subject_locality: SubjectLocality,
    /// `SessionIndex`.
    pub session_index: SessionIndex,
    /// `SessionNotOnOrAfter`.
    #[serde(default)]
    pub session_end: SessionEnd,
    /// Which of the attributes are sent.
    #[serde(default)]
    pub release: Release,
    /// Who is told of a person who gets no assertion because of who they are.
    #[serde(default)]
    pub refused: Refused,
    /// What becomes of an attribute without a value.
    pub absent_attribute: AbsentAttribute,
    /// How often an assertion may be gone by.
    #[serde(default)]
    pub uses: Uses,
    /// The times of `Conditions`.
    pub conditions: ConditionsWindow,
    /// The times of `SubjectConfirmationData`.
    pub subject_confirmation: ConfirmationWindow,
    /// The name identifier.
    pub name_id: NameIdRules,
}

/// What carries a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// The Assertion.
    Assertion,
    /// The Response.
    Response,
    /// The Assertion, then the Response around it.
    Both,
}

/// Whether the Assertion is encrypted, after it was signed and before the Response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encrypt {
    /// Never (contract §4.2).
    Never,
    /// Where the service provider's metadata has a key that can be used.
    WhenPossible,
    /// Always: a service provider without such a key gets no assertion.
    Always,
}

/// Nothing to encrypt with, where everything has to be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a key in the service provider's metadata that can be used to encrypt for it")]
pub struct NoEncryptionKey;

/// `Format` of the Response's `Issuer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerFormat {
    /// Said: an entityID.
    Entity,
    /// Not said, which means the same (saml-core-2.0-os §2.2.5).
    None,
}

/// `StatusMessage` of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusMessage {
    /// The URN of the status code once more (contract §4.2).
    RepeatCode,
    /// None.
    None,
}

/// `AuthnContextClassRef` of an answer: `honest`, or a URI that is always sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum AuthnContext {
    /// What really happened (conformance A-039).
    Honest,
    /// Always this class: the contract fixes it, and it claims nothing that might not be so.
    Fixed(Uri),
}

/// `SubjectLocality/@Address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectLocality {
    /// The service provider's entityID (contract §4.2).
    Sp,
    /// None: the person's address is nobody's business.
    None,
}

/// `SessionIndex` of the `AuthnStatement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionIndex {
    /// Sent, so that a later logout can name the session.
    Send,
    /// Left out.
    Omit,
}

/// `SessionNotOnOrAfter` of the `AuthnStatement`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEnd {
    /// Sent: when our session ends in any case, the service provider's shall end too.
    Send,
    /// Left out.
    #[default]
    Omit,
}

/// Which of the profile's attributes a service provider gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// All of them.
    #[default]
    All,
    /// The required ones, and those that its metadata requests (conformance A-042).
    Requested,
    /// The required ones, and those that its metadata says it cannot do without.
    Needed,
}

/// Who is told where a request is good and its person gets no assertion: switched off, without an
/// account at the cloud, not proved anew (conformance A-043).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// The person, on our page.
    #[default]
    Page,
    /// The person, on our page, with a button that takes the status to the service provider.
    PageThenService,
    /// The service provider, at once.
    Service,
}

/// What becomes of an attribute without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbsentAttribute {
    /// It is sent with an empty value (contract §4.3).
    Empty,
    /// It is left out.
    Omit,
}

/// The times of `Conditions`, counted from the instant of issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionsWindow {
    /// `NotBefore`: zero or negative.
    #[serde(rename = "not_before_seconds", deserialize_with = "offset")]
    pub not_before: Duration,
    /// `NotOnOrAfter`: positive.
    #[serde(rename = "not_on_or_after_seconds", deserialize_with = "offset")]
    pub not_on_or_after: Duration,
}

/// The times of `SubjectConfirmationData`, counted from the instant of issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationWindow {
    /// `NotBefore`: zero or negative. saml-profiles-2.0-os §4.1.4.2 forbids it; contract §4.2 shows
    /// it.
    #[serde(default, rename = "not_before_seconds", deserialize_with = "optional_offset")]
    pub not_before: Option<Duration>,
    /// `NotOnOrAfter`: positive.
    #[serde(rename = "not_on_or_after_seconds", deserialize_with = "offset")]
    pub not_on_or_after: Duration,
}

/// How the person is named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameIdRules {
    /// What is given to who asks for nothing in particular.
    pub format: NameIdKind,
    /// What else is given to who asks for it, in the request or by the order in its metadata.
    #[serde(default)]
    pub on_request: Vec<NameIdKind>,
    /// `NameQualifier`.
    pub name_qualifier: NameQualifier,
    /// `SPNameQualifier`.
    pub sp_name_qualifier: SpNameQualifier,
}

/// `NameQualifier` of the name identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameQualifier {
    /// The service provider's entityID (contract §4.2).
    Sp,
    /// Our entityID (saml-core-2.0-os §8.3.7).
    Idp,
    /// Left out.
    None,
}

/// `SPNameQualifier` of the name identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpNameQualifier {
    /// The service provider's entityID.
    Sp,
    /// The same where the request asks for it (conformance A-033).
    AsAsked,
    /// Left out, which says the same: the namespace is the requester's own (contract §4.2).
    None,
}

impl ResponseRules {
    /// How answers to a service provider are signed: by what its metadata says that it can verify,
    /// and the Assertion in any case where it wants that (conformance ).
    #[must_use]
    pub fn signing(&self, provider: &ServiceProvider) -> Signing {
        let what = match (self.sign, provider.want_assertions_signed) {
            (Sign::Assertion, _) => Signed::Assertion,
            (Sign::Response, false) => Signed::Response,
            (Sign::Response, true) | (Sign::Both, _) => Signed::Both,
        };
        let declared = provider.declared.clone();
        Signing { what, prefixes: self.inclusive_namespaces.clone(), declared }
    }

    /// Whom to encrypt an Assertion for, out of a service provider's `keys`; `None` to send it as
    /// it is.
    ///
    /// # Errors
    /// [`NoEncryptionKey`] when it must be encrypted and cannot be.
    pub fn recipient<'k>(
        &self,
        keys: &'k [EncryptionKey],
    ) -> Result<Option<Recipient<'k>>, NoEncryptionKey> {
        let unauthenticated =
            if self.allow_cbc { Unauthenticated::Accept } else { Unauthenticated::Refuse };
        let chosen = || Recipient::choose(keys, unauthenticated);
        match self.encrypt {
            Encrypt::Never => Ok(None),
            Encrypt::WhenPossible => Ok(chosen()),
            Encrypt::Always => chosen().map(Some).ok_or(NoEncryptionKey),
        }
    }

    /// What about these rules an operator should know, though they are followed.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        (self.allow_cbc && self.encrypt != Encrypt::Never).then_some(
            "response.allow_cbc: assertions may be encrypted with CBC, in which nobody notices a \
             change; switch it off as soon as the service provider can decrypt GCM",
        )
    }

    /// What the single values do not tell.
    pub(super) fn problems(&self) -> Vec<String> {
        let conditions = (Some(self.conditions.not_before), self.conditions.not_on_or_after);
        let confirmation =
            (self.subject_confirmation.not_before, self.subject_confirmation.not_on_or_after);
        let mut problems = self.name_id.problems();
        let windows = [("conditions", conditions), ("subject_confirmation", confirmation)]
            .into_iter()
            .filter(|(_, (start, end))| {
                let start = start.unwrap_or(Duration::ZERO);
                start.is_positive() || !end.is_positive() || start < -LONGEST || *end > LONGEST
            })
            .map(|(window, _)| {
                format!(
                    "response.{window}: expected not_before_seconds of -900 to 0 and \
                     not_on_or_after_seconds of 1 to 900"
                )
            });
        problems.extend(windows);
        problems
    }
}

impl NameIdRules {
    /// The kind that a request gets which asks for the format `asked`, from a service provider
    /// whose metadata lists `listed`; `None` where that is not given (conformance A-033).
    #[must_use]
    pub fn choose(&self, asked: Option<&str>, listed: &[String]) -> Option<NameIdKind> {
        match asked.filter(|asked| *asked != name_id::UNSPECIFIED) {
            Some(asked) => NameIdKind::of_uri(asked).filter(|kind| self.gives(*kind)),
            None => Some(self.preferred(listed)),
        }
    }

    /// The first kind in the service provider's own order that is given, or the usual one.
    fn preferred(&self, listed: &[String]) -> NameIdKind {
        if self.format == NameIdKind::None {
            return self.format;
        }
        let listed = listed.iter().filter(|uri| *uri != name_id::UNSPECIFIED);
        let mut known = listed.filter_map(|uri| NameIdKind::of_uri(uri));
        known.find(|kind| self.gives(*kind)).unwrap_or(self.format)
    }

    fn gives(&self, kind: NameIdKind) -> bool {
        self.format == kind || self.on_request.contains(&kind)
    }

    /// Every kind that can be given, the usual one first.
    pub fn kinds(&self) -> impl Iterator<Item = NameIdKind> {
        let others = self.on_request.iter().copied().filter(|kind| *kind != self.format);
        std::iter::once(self.format).chain(others)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.kinds().any(|kind| kind == NameIdKind::Persistent)
            && self.name_qualifier == NameQualifier::Sp
        {
            let expected = "response.name_id.name_qualifier: expected idp or none with persistent \
                            identifiers (saml-core-2.0-os §8.3.7)";
            problems.push(expected.to_owned());
        }
        if self.on_request.contains(&NameIdKind::None) {
            let expected = "response.name_id.on_request: expected formats that can be asked for";
            problems.push(expected.to_owned());
        }
        problems
    }
}

impl TryFrom<String> for AuthnContext {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "honest" { Ok(Self::Honest) } else { Uri::parse(&text).map(Self::Fixed) }
    }
}

fn prefixes<'de, D: Deserializer<'de>>(from: D) -> Result<PrefixList, D::Error> {
    let prefixes = Vec::<String>::deserialize(from)?;
    PrefixList::new(prefixes.iter().map(String::as_str)).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::profile::tests::{read, text_of};

    #[test]
    fn an_assertion_cannot_hold_for_long_or_begin_later() {
        for (from, to) in [
            ("not_on_or_after_seconds = 300", "not_on_or_after_seconds = 901"),
            ("not_on_or_after_seconds = 300", "not_on_or_after_seconds = 0"),
            ("not_before_seconds = -180", "not_before_seconds = 1"),
            ("not_before_seconds = -180", "not_before_seconds = -172800"),
        ] {
            let faults = read(&text_of("generic").replacen(from, to, 1)).unwrap_err();
            assert!(faults[0].problem.starts_with("response.conditions"), "{faults:?}");
        }
    }

    #[test]
    fn encryption_is_a_choice_of_three_and_cbc_one_of_its_own_that_warns() {
        let profile = |from: &str, to: &str| read(&text_of("generic").replace(from, to));
        let when_possible = "encrypt = \"when-possible\"";
        let rules = profile("", "").unwrap().response;
        assert_eq!((rules.encrypt, rules.allow_cbc), (Encrypt::WhenPossible, false));
        assert_eq!(rules.warning(), None);
        assert!(matches!(rules.recipient(&[]), Ok(None)));
        let always = profile(when_possible, "encrypt = \"always\"").unwrap().response;
        assert!(matches!(always.recipient(&[]), Err(NoEncryptionKey)));
        let cbc =
            profile(when_possible, "encrypt = \"always\"\nallow_cbc = true").unwrap().response;
        assert!(cbc.warning().is_some_and(|text| text.contains("CBC")));
        // Conformance A-116: nothing else can be configured.
        for wrong in
            ["encrypt = \"cbc\"", "encrypt = \"when-possible\"\ncipher = \"tripledes-cbc\""]
        {
            assert!(profile(when_possible, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_identifier_is_what_was_asked_for_or_what_metadata_prefers_or_the_usual_one() {
        let rules = read(text_of("generic")).unwrap().response.name_id;
        let cloud = read(text_of("huawei-cn")).unwrap().response.name_id;
        let [email, persistent] = [name_id::EMAIL, name_id::PERSISTENT].map(str::to_owned);
        let both = [email.clone(), persistent.clone()];
        for (asked, listed, of_generic, of_cloud) in [
            (None, &[][..], Some(NameIdKind::Transient), Some(NameIdKind::Transient)),
            (None, &both, Some(NameIdKind::Email), Some(NameIdKind::Transient)),
            (
                Some(name_id::UNSPECIFIED),
                &both[1..],
                Some(NameIdKind::Persistent),
                Some(NameIdKind::Transient),
            ),
            (
                Some(name_id::TRANSIENT),
                &both,
                Some(NameIdKind::Transient),
                Some(NameIdKind::Transient),
            ),
            (Some(name_id::PERSISTENT), &[], Some(NameIdKind::Persistent), None),
            (Some("urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"), &[], None, None),
            (Some("urn:oasis:names:tc:SAML:2.0:nameid-format:Persistent"), &[], None, None),
        ] {
            assert_eq!(rules.choose(asked, listed), of_generic, "{asked:?}");
            assert_eq!(cloud.choose(asked, listed), of_cloud, "{asked:?}");
        }
    }

    #[test]
    fn a_persistent_identifier_is_never_qualified_by_the_service_provider() {
        let text = text_of("generic");
        let text = text.replacen("name_qualifier = \"none\"", "name_qualifier = \"sp\"", 1);
        assert!(read(&text).unwrap_err()[0].problem.contains("name_qualifier"));
    }

    #[test]
    fn the_context_is_honest_or_a_uri() {
        assert_eq!(AuthnContext::try_from("honest".to_owned()), Ok(AuthnContext::Honest));
        assert!(AuthnContext::try_from("urn:oasis:x".to_owned()).is_ok());
        assert!(AuthnContext::try_from("password".to_owned()).is_err());
    }

    #[test]
    fn a_prefix_is_an_xml_name() {
        let text = text_of("generic").replace("namespaces = []", "namespaces = [\"x:d\"]");
        assert!(read(&text).is_err());
    }
}
