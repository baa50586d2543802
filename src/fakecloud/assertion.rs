//! What a verified Assertion has to say, and what it says. Apart room `fakecloud`; contract §4.2,
//! §4.3, §4.5.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::bounds;
use super::fault::{Fault, Finding};
use super::read::Element;
use super::{ASSERTION_NS, Addresses};
use crate::limits;

/// What the answer is measured against.
pub(crate) struct Expected<'a> {
    /// This cloud's own addresses.
    pub(crate) at: &'a Addresses,
    /// The entityID of the provisioned metadata.
    pub(crate) idp: &'a str,
    /// The ID of the request that is answered.
    pub(crate) request_id: &'a str,
    /// The partner's `bpId`.
    pub(crate) bp_id: &'a str,
    /// When the request was sent, if it asked for a fresh sign-in.
    pub(crate) fresh_since: Option<OffsetDateTime>,
    /// Now.
    pub(crate) now: OffsetDateTime,
}

/// What the Assertion said, for the console page and `GET /api/session`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The Issuer: the gateway's entityID.
    pub issuer: String,
    /// The Assertion's ID.
    pub assertion_id: String,
    /// The value of the `NameID`.
    pub name_id: String,
    /// `SessionIndex`, if there is one.
    pub session_index: Option<String>,
    /// When the Assertion was issued, as it was written.
    pub issue_instant: String,
    /// When the customer signed in, as it was written.
    pub authn_instant: String,
    /// How the customer signed in.
    pub authn_context: String,
    /// `Conditions/@NotBefore`, as it was written.
    pub not_before: Option<String>,
    /// `Conditions/@NotOnOrAfter`, as it was written.
    pub not_on_or_after: String,
    /// `SessionNotOnOrAfter`, as it was written.
    pub session_not_on_or_after: Option<String>,
    /// Every attribute in the order sent: name and value.
    pub attributes: Vec<(String, String)>,
}

impl Statement {
    /// The value of the attribute `name`, empty when there is none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// When the session has to end at the latest.
    pub(crate) fn session_end(&self) -> Option<OffsetDateTime> {
        self.session_not_on_or_after.as_deref().and_then(parse_instant)
    }
}

/// Checks every statement of `assertion`, which the caller has verified.
pub(crate) fn read(assertion: Element<'_>, expected: &Expected<'_>) -> Result<Statement, Finding> {
    let issuer = text_of(assertion, "Issuer")?;
    same(Fault::AssertionIssuerWrong, expected.idp, issuer.as_deref())?;
    version(assertion)?;
    issued_now(assertion, expected.now)?;
    let name_id = subject(assertion, expected)?;
    let (not_before, not_on_or_after) = conditions(assertion, expected)?;
    let authn = authn_statement(assertion, expected)?;
    let attributes = attributes(assertion, expected)?;
    let attribute = |name: &str| assertion.attribute(name).unwrap_or_default().to_owned();
    Ok(Statement {
        issuer: issuer.unwrap_or_default(),
        assertion_id: attribute("ID"),
        name_id,
        session_index: authn.session_index,
        issue_instant: attribute("IssueInstant"),
        authn_instant: authn.instant,
        authn_context: authn.context,
        not_before,
        not_on_or_after,
        session_not_on_or_after: authn.session_not_on_or_after,
        attributes,
    })
}

/// `Version` has to be 2.0 (Core 2.3.3, 3.2.2).
pub(crate) fn version(element: Element<'_>) -> Result<(), Finding> {
    same(Fault::VersionWrong, "2.0", element.attribute("Version"))
}

/// `IssueInstant` has to be about now.
pub(crate) fn issued_now(element: Element<'_>, now: OffsetDateTime) -> Result<(), Finding> {
    let issued = instant(element, "IssueInstant")?;
    if (issued - now).abs() > bounds::SKEW {
        let came = element.attribute("IssueInstant");
        let expected = format!("at most {} from {}", bounds::SKEW, shown(now));
        return Err(Finding::value(Fault::IssueInstantWrong, expected, came));
    }
    Ok(())
}

/// Whether `came` is exactly `expected`.
pub(crate) fn same(fault: Fault, expected: &str, came: Option<&str>) -> Result<(), Finding> {
    if came == Some(expected) {
        Ok(())
    } else {
        Err(Finding::value(fault, format!("“{expected}”"), came))
    }
}

/// The text of the one child `local`.
pub(crate) fn text_of(parent: Element<'_>, local: &str) -> Result<Option<String>, Finding> {
    parent.one(ASSERTION_NS, local)?.map(Element::text).transpose()
}

fn subject(assertion: Element<'_>, expected: &Expected<'_>) -> Result<String, Finding> {
    let missing = |came: &str| Finding::new(Fault::NameIdMissing, "a Subject with a NameID", came);
    let subject = assertion.one(ASSERTION_NS, "Subject")?.ok_or_else(|| missing("no Subject"))?;
    let name_id = subject.one(ASSERTION_NS, "NameID")?.ok_or_else(|| missing("no NameID"))?;
    let value = name_id.text()?;
    if value.is_empty() {
        return Err(missing("an empty NameID"));
    }
    same(Fault::NameIdFormatWrong, TRANSIENT, name_id.attribute("Format"))?;
    let qualifier = name_id.attribute("NameQualifier");
    same(Fault::NameQualifierWrong, &expected.at.entity_id, qualifier)?;
    confirmation(subject, expected)?;
    Ok(value)
}

fn confirmation(subject: Element<'_>, expected: &Expected<'_>) -> Result<(), Finding> {
    let bearer = "one SubjectConfirmation by bearer with SubjectConfirmationData";
    let found = subject.one(ASSERTION_NS, "SubjectConfirmation")?;
    let method = found.and_then(|c| c.attribute("Method"));
    let data = match found.filter(|_| method == Some(BEARER)) {
        Some(confirmation) => confirmation.one(ASSERTION_NS, "SubjectConfirmationData")?,
        None => None,
    };
    let Some(data) = data else {
        return Err(Finding::value(Fault::ConfirmationMissing, bearer, method));
    };
    same(Fault::RecipientWrong, &expected.at.acs, data.attribute("Recipient"))?;
    let in_response_to = data.attribute("InResponseTo");
    same(Fault::ConfirmationElsewhere, expected.request_id, in_response_to)?;
    let faults = (Fault::ConfirmationTooEarly, Fault::ConfirmationExpired);
    window(data, expected.now, faults)
}

fn conditions(
    assertion: Element<'_>,
    expected: &Expected<'_>,
) -> Result<(Option<String>, String), Finding> {
    let Some(conditions) = assertion.one(ASSERTION_NS, "Conditions")? else {
        return Err(Finding::value(Fault::ConditionsMissing, "Conditions", None));
    };
    window(conditions, expected.now, (Fault::ConditionsTooEarly, Fault::ConditionsExpired))?;
    let restrictions = conditions.all(ASSERTION_NS, "AudienceRestriction");
    let entity_id = &expected.at.entity_id;
    if restrictions.is_empty() {
        return Err(Finding::value(Fault::AudienceWrong, format!("“{entity_id}”"), None));
    }
    // Core 2.5.1.4: every restriction has to admit us; inside one, any Audience does.
    for restriction in restrictions {
        let mut audiences = Vec::new();
        for audience in restriction.all(ASSERTION_NS, "Audience") {
            audiences.push(audience.text()?);
        }
        if !audiences.contains(entity_id) {
            let came = audiences.join(", ");
            return Err(Finding::new(Fault::AudienceWrong, format!("“{entity_id}”"), came));
        }
    }
    let attribute = |name: &str| conditions.attribute(name).map(str::to_owned);
    Ok((attribute("NotBefore"), attribute("NotOnOrAfter").unwrap_or_default()))
}

/// `NotBefore` is optional, `NotOnOrAfter` is not: an answer without an end could be kept for ever.
fn window(
    element: Element<'_>,
    now: OffsetDateTime,
    (early, expired): (Fault, Fault),
) -> Result<(), Finding> {
    if element.attribute("NotBefore").is_some() {
        let from = instant(element, "NotBefore")?;
        if now + bounds::SKEW < from {
            let came = element.attribute("NotBefore");
            return Err(Finding::value(early, format!("NotBefore up to {}", shown(now)), came));
        }
    }
    let until = instant(element, "NotOnOrAfter")?;
    if now - bounds::SKEW >= until {
        let came = element.attribute("NotOnOrAfter");
        return Err(Finding::value(expired, format!("NotOnOrAfter after {}", shown(now)), came));
    }
    Ok(())
}

struct Authn {
    instant: String,
    context: String,
    session_index: Option<String>,
    session_not_on_or_after: Option<String>,
}

fn authn_statement(assertion: Element<'_>, expected: &Expected<'_>) -> Result<Authn, Finding> {
    let missing = |came| {
        let expected = "an AuthnStatement with an AuthnContextClassRef";
        Finding::new(Fault::AuthnStatementMissing, expected, came)
    };
    let statement = assertion
        .one(ASSERTION_NS, "AuthnStatement")?
        .ok_or_else(|| missing("no AuthnStatement"))?;
    let at = instant(statement, "AuthnInstant")?;
    let stale = expected.fresh_since.is_some_and(|since| at < since - bounds::SKEW);
    if at > expected.now + bounds::SKEW || stale {
        let bounds = expected.fresh_since.map_or_else(String::new, |s| format!("{} to ", shown(s)));
        let allowed = format!("{bounds}{}", shown(expected.now));
        let came = statement.attribute("AuthnInstant");
        return Err(Finding::value(Fault::AuthnInstantWrong, allowed, came));
    }
    let over = statement.attribute("SessionNotOnOrAfter");
    if over.is_some() && instant(statement, "SessionNotOnOrAfter")? <= expected.now - bounds::SKEW {
        let allowed = format!("after {}", shown(expected.now));
        return Err(Finding::value(Fault::SessionOver, allowed, over));
    }
    let locality = statement.one(ASSERTION_NS, "SubjectLocality")?;
    let address = locality.and_then(|l| l.attribute("Address"));
    same(Fault::LocalityWrong, &expected.at.entity_id, address)?;
    let context = match statement.one(ASSERTION_NS, "AuthnContext")? {
        Some(context) => text_of(context, "AuthnContextClassRef")?,
        None => None,
    };
    let owned = |value: Option<&str>| value.map(str::to_owned);
    Ok(Authn {
        instant: owned(statement.attribute("AuthnInstant")).unwrap_or_default(),
        context: context
            .filter(|c| !c.is_empty())
            .ok_or_else(|| missing("no AuthnContextClassRef"))?,
        session_index: owned(statement.attribute("SessionIndex")),
        session_not_on_or_after: owned(over),
    })
}

fn attributes(
    assertion: Element<'_>,
    expected: &Expected<'_>,
) -> Result<Vec<(String, String)>, Finding> {
    let mut found: Vec<(String, String)> = Vec::new();
    for statement in assertion.all(ASSERTION_NS, "AttributeStatement") {
        for attribute in statement.all(ASSERTION_NS, "Attribute") {
            let name = attribute.attribute("Name").unwrap_or_default().to_owned();
            let values = attribute.all(ASSERTION_NS, "AttributeValue");
            if values.len() > 1 || found.iter().any(|(known, _)| *known == name) {
                let fault = Fault::AttributeTwice;
                return Err(Finding::value(fault, "each attribute once, one value", Some(&name)));
            }
            let value = values.first().map(|value| value.text()).transpose()?;
            found.push((name, value.unwrap_or_default()));
        }
    }
    let get = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    for name in ["xUserId", "xAccountId"] {
        if get(name).is_none_or(str::is_empty) {
            let came = get(name);
            return Err(Finding::value(
                Fault::AccountIdMissing,
                format!("a value of {name}"),
                came,
            ));
        }
    }
    for (name, most) in [
        ("xUserId", limits::ACCOUNT_ID_CHARS),
        ("xAccountId", limits::ACCOUNT_ID_CHARS),
        ("email", bounds::EMAIL_CHARS),
    ] {
        let length = get(name).unwrap_or_default().chars().count();
        if length > most {
            let (allowed, came) = (format!("{name} of at most {most}"), format!("{length}"));
            return Err(Finding::new(Fault::AttributeTooLong, allowed, came));
        }
    }
    let account = get("xAccountId").unwrap_or_default();
    same(Fault::AccountIdsDiffer, account, get("xUserId"))?;
    same(Fault::PartnerWrong, expected.bp_id, get("bpId"))?;
    Ok(found)
}

fn instant(element: Element<'_>, name: &str) -> Result<OffsetDateTime, Finding> {
    let came = element.attribute(name);
    came.and_then(parse_instant).ok_or_else(|| {
        let expected = format!("{name} as a UTC time such as 2026-01-02T03:04:05.678Z");
        Finding::value(Fault::TimeUnreadable, expected, came)
    })
}

/// SAML times are UTC and say so with a `Z` (Core 1.3.3).
fn parse_instant(text: &str) -> Option<OffsetDateTime> {
    if !text.ends_with('Z') {
        return None;
    }
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

fn shown(at: OffsetDateTime) -> String {
    super::request::instant(at)
}

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
