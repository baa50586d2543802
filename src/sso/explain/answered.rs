//! Layer 3, sso: explains a `Response` or an `Assertion`. This gateway takes none: it is looked at
//! as its service provider would, by the certificates that we publish (saml-profiles-2.0-os
//! §4.1.4.3).

use time::OffsetDateTime;

use super::{End, Explanation, Outcome, Row};
use crate::saml::names::{ns, status};
use crate::saml::outline::outline;
use crate::saml::pasted::Pasted;
use crate::saml::signature::verify::{Place, verify};
use crate::saml::types::{format_instant, parse_instant};
use crate::saml::xml::{Document, Element, Limits};
use crate::saml::{EntityId, Error, VerifyingKey};
use crate::sso::{Sso, Visit};

impl Sso {
    pub(super) fn explain_answer(&self, into: &mut Explanation, visit: &Visit, pasted: &Pasted) {
        let Some(document) = &pasted.document else { return };
        let note = "this gateway sends such messages and takes none: looked at as a service \
                    provider would";
        into.notes.push(note.to_owned());
        let root = document.root();
        let us = visit.tenant.entity_id.as_str();
        let issuer = text(root, "Issuer").or_else(|| text(assertion(root)?, "Issuer"));
        let is_ours = issuer == Some(us);
        let mut rows = vec![row("Issuer", is_ours, || match issuer {
            _ if is_ours => format!("{us}, this tenant"),
            Some(other) => format!("expected {us}, found {other:?}"),
            None => format!("expected {us}, found none"),
        })];
        let signed = self.signed_by_us(visit, root);
        rows.push(match &signed {
            Ok((what, by, _)) => row("Signature", true, || format!("of the {what}, by {by}")),
            Err(why) => row("Signature", false, || why.clone()),
        });
        if let Ok((_, _, content)) = &signed {
            // From here on only what was signed counts.
            let said = content.root();
            into.message.get_or_insert_with(|| outline(said));
            self.look_at_content(&mut rows, visit, (root, said));
        }
        if encrypted(root) {
            into.notes.push(
                "its assertion is encrypted: only the service provider can open it, and a \
                 signature of the assertion itself is inside"
                    .to_owned(),
            );
        }
        let faults: Vec<_> = rows.iter().filter(|row| row.end == End::Failed).collect();
        let (good, what) = match faults.first() {
            None => (
                true,
                "a good answer of this tenant's; whether it was used before, its \
                            service provider knows"
                    .to_owned(),
            ),
            Some(row) => (false, format!("a service provider would refuse it: {}", row.name)),
        };
        into.when("whoever takes it", Outcome::Found { good, what });
        into.checks = rows;
    }

    /// What was signed, by which key of ours: the whole, or else the assertion in it.
    fn signed_by_us(
        &self,
        visit: &Visit,
        root: Element<'_>,
    ) -> Result<(String, String, Document), String> {
        let ring = self.rings.get(visit.tenant.id.as_str()).map_err(|error| error.to_string())?;
        let current = ring.keys().map(|key| (&key.kid, key.state.word(), &key.certificate));
        let retired = ring.retired().iter().map(|key| (&key.kid, "retired", &key.certificate));
        let keys: Vec<_> = current.chain(retired).collect();
        let try_on = |element: Element<'_>| {
            let mut last = Error::SignatureMissing;
            for (kid, state, certificate) in &keys {
                let Ok(key) = VerifyingKey::from_certificate(certificate.der()) else { continue };
                let signed = verify(element, &[key], Place::AfterIssuer, Limits::MESSAGE);
                match signed.and_then(|signed| signed.read()) {
                    Ok(content) => return Ok((format!("key {kid}, {state}"), content)),
                    Err(error) => last = error,
                }
            }
            Err(match last {
                Error::SignatureInvalid { .. } => Error::SignatureInvalid { keys: keys.len() },
                other => other,
            })
        };
        let inner = assertion(root).filter(|inner| *inner != root);
        match (try_on(root), inner) {
            (Ok((by, content)), _) => Ok((root.local().to_owned(), by, content)),
            (Err(Error::SignatureMissing), Some(inner)) => match try_on(inner) {
                Ok((by, content)) => Ok(("Assertion".to_owned(), by, content)),
                Err(error) => Err(error.to_string()),
            },
            (Err(error), _) => Err(error.to_string()),
        }
    }

    /// Status, audience, address and times; `said` is what was signed.
    fn look_at_content(
        &self,
        rows: &mut Vec<Row>,
        visit: &Visit,
        (root, said): (Element<'_>, Element<'_>),
    ) {
        let code = child(root, ns::PROTOCOL, "Status")
            .and_then(|it| child(it, ns::PROTOCOL, "StatusCode"));
        if let Some(code) = code.and_then(|code| code.attribute("Value")) {
            rows.push(row("Status", code == status::SUCCESS, || code.to_owned()));
        }
        let Some(assertion) = assertion(said) else { return };
        let conditions = child(assertion, ns::ASSERTION, "Conditions");
        let audience = conditions
            .and_then(|it| child(it, ns::ASSERTION, "AudienceRestriction"))
            .and_then(|it| text(it, "Audience"));
        let sp = audience.and_then(|audience| EntityId::parse(audience).ok());
        let registered = sp.and_then(|sp| self.registrations.get(&visit.tenant.id, &sp));
        rows.push(row("Audience", registered.is_some(), || match audience {
            Some(audience) if registered.is_some() => format!("{audience}, registered here"),
            other => format!("expected a registered service provider, found {other:?}"),
        }));
        if let (Some(registered), Some(to)) = (&registered, root.attribute("Destination")) {
            let listed = registered.service_provider.acs_by_url(to).is_some();
            rows.push(row("Destination", listed, || {
                let is = if listed { "which" } else { "expected an address that" };
                format!("{to:?}, {is} its metadata lists")
            }));
        }
        if let Some(conditions) = conditions {
            rows.push(in_time(conditions, self.clock.now()));
        }
    }
}

/// Whether the assertion holds now.
fn in_time(conditions: Element<'_>, now: OffsetDateTime) -> Row {
    let at = |name: &'static str| {
        conditions.attribute(name).and_then(|text| parse_instant(name, text).ok())
    };
    let (from, until) = (at("NotBefore"), at("NotOnOrAfter"));
    let has_begun = from.is_none_or(|from| now >= from);
    let is_over = until.is_some_and(|until| now >= until);
    let edge = |at: Option<OffsetDateTime>| at.map_or("ever".to_owned(), format_instant);
    row("Time", has_begun && !is_over, || {
        format!("holds from {} until {}; it is {}", edge(from), edge(until), format_instant(now))
    })
}

fn row(name: &'static str, holds: bool, what: impl FnOnce() -> String) -> Row {
    let end = if holds { End::Held } else { End::Failed };
    Row { name, end, what: what() }
}

fn child<'d>(element: Element<'d>, namespace: &str, local: &str) -> Option<Element<'d>> {
    element.children().find(|child| child.is(namespace, local))
}

fn text<'d>(element: Element<'d>, local: &str) -> Option<&'d str> {
    child(element, ns::ASSERTION, local)?.text().ok()
}

/// The assertion that is this element, or in it.
fn assertion(element: Element<'_>) -> Option<Element<'_>> {
    if element.is(ns::ASSERTION, "Assertion") {
        return Some(element);
    }
    child(element, ns::ASSERTION, "Assertion")
}

fn encrypted(root: Element<'_>) -> bool {
    root.is(ns::ASSERTION, "EncryptedAssertion")
        || child(root, ns::ASSERTION, "EncryptedAssertion").is_some()
}
