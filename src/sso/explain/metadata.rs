//! Layer 3, sso: explains metadata: a service provider's by the linter and by what is registered,
//! an identity provider's by comparison with our own.

use super::{End, Explanation, Outcome, Row};
use crate::saml::EntityId;
use crate::saml::lint::{Question, Severity, lint};
use crate::saml::names::ns;
use crate::saml::pasted::Pasted;
use crate::saml::sp_metadata::Lifetime;
use crate::saml::xml::Element;
use crate::sso::{Sso, Visit};

impl Sso {
    pub(super) fn explain_metadata(&self, into: &mut Explanation, visit: &Visit, pasted: &Pasted) {
        let Some(document) = &pasted.document else { return };
        // The document can be large, and its own reader has more to say about it.
        into.message = None;
        let entities = document.all().filter(|it| it.is(ns::METADATA, "EntityDescriptor"));
        let has = |entity: Element<'_>, role| entity.children_named(ns::METADATA, role).count() > 0;
        let (mut providers, mut others) = (0, Vec::new());
        for entity in entities {
            if has(entity, "SPSSODescriptor") {
                providers += 1;
                into.checks.push(self.registered_row(visit, entity));
            } else if has(entity, "IDPSSODescriptor") {
                others.push(entity);
            }
        }
        if providers == 0 && !others.is_empty() {
            for entity in others {
                self.explain_own(into, visit, entity);
            }
            return;
        }
        let question =
            Question { wanted: None, now: self.clock.now(), lifetime: Lifetime::default() };
        into.findings = lint(&pasted.octets, &question);
        let errors = into.findings.iter().filter(|it| it.fault.severity == Severity::Error).count();
        let what = match errors {
            0 => "it can be registered".to_owned(),
            errors => format!("it cannot be registered: {errors} error(s)"),
        };
        into.when("whoever uploads it", Outcome::Found { good: errors == 0, what });
    }

    fn registered_row(&self, visit: &Visit, entity: Element<'_>) -> Row {
        let id = entity.attribute("entityID").unwrap_or_default();
        let known = EntityId::parse(id).ok();
        let known = known.and_then(|id| self.registrations.get(&visit.tenant.id, &id));
        let tenant = &visit.tenant.id;
        let (end, what) = match known {
            Some(known) => {
                let profile = &known.profile.name;
                (End::Held, format!("{id}, registered with {tenant}, profile {profile}"))
            }
            None => (
                End::Failed,
                format!("{id}, not registered: skybridge sp add --tenant {tenant} FILE"),
            ),
        };
        Row { name: "Registered", end, what }
    }

    /// An identity provider's metadata: is it ours, and does it still hold?
    fn explain_own(&self, into: &mut Explanation, visit: &Visit, entity: Element<'_>) {
        let note = "metadata of an identity provider: compared with what this tenant publishes";
        into.notes.push(note.to_owned());
        let us = visit.tenant.entity_id.as_str();
        let id = entity.attribute("entityID").unwrap_or_default();
        let mut row = |name, is_so: bool, what: String| {
            let end = if is_so { End::Held } else { End::Failed };
            into.checks.push(Row { name, end, what });
            is_so
        };
        let mut good = row("entityID", id == us, expected(us, id));
        let document = entity.document();
        let inside = |it: &Element<'_>| {
            std::iter::successors(Some(*it), |it| it.parent()).any(|it| it == entity)
        };
        let ring = self.rings.get(visit.tenant.id.as_str()).ok();
        let certificates = document.all().filter(|it| it.is(ns::DSIG, "X509Certificate"));
        for certificate in certificates.filter(inside) {
            let der = certificate.octets("X509Certificate").unwrap_or_default();
            let ours = ring.iter().flat_map(|ring| ring.keys());
            let key = ours.into_iter().find(|key| key.certificate.der() == der);
            good &= row(
                "Certificate",
                key.is_some(),
                match key {
                    Some(key) => format!("key {}, {}", key.kid, key.state.word()),
                    None => "expected one of a key that may sign, found another".to_owned(),
                },
            );
        }
        let services = document.all().filter(|it| it.is(ns::METADATA, "SingleSignOnService"));
        for service in services.filter(inside) {
            let at = service.attribute("Location").unwrap_or_default();
            let plain = self.sso_url(&visit.tenant, None);
            let keys = ring.iter().flat_map(|ring| ring.keys());
            let mut tagged = keys.map(|key| self.sso_url(&visit.tenant, Some(key.kid.as_str())));
            let is_ours = at == plain || tagged.any(|tagged| tagged == at);
            let right = if is_ours { at } else { &plain };
            good &= row("Sign-on", is_ours, expected(right, at));
        }
        let what = if good {
            "it describes this tenant as it is now"
        } else {
            "it does not describe this tenant as it is now: skybridge metadata prints what does"
        };
        into.when("whoever uses it", Outcome::Found { good, what: what.to_owned() });
    }
}

fn expected(wanted: &str, found: &str) -> String {
    if wanted == found { found.to_owned() } else { format!("expected {wanted}, found {found:?}") }
}
