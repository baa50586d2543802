//! Layer 3, sso: explains an `AuthnRequest`: the checks of `sso::request`, the decision of
//! `sso::next` in every situation that there can be, and the answer that `sso::issue` would make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use url::form_urlencoded;

use super::{Explanation, Outcome, Seen, advice};
use crate::cloud::attribute::{Asker, Presence as Need};
use crate::cloud::registration::Registered;
use crate::cloud::response::Refused;
use crate::refusal::{Code, Refusal};
use crate::saml::NameIdKind;
use crate::saml::authn_context;
use crate::saml::names::status;
use crate::saml::pasted::{Carried, Pasted};
use crate::saml::response::Signed;
use crate::sso::answer::{link_with, situation};
use crate::sso::issue::key_of;
use crate::sso::next::{self, Next, Presence, Proof};
use crate::sso::request::{self, Checked, possible};
use crate::sso::watch::Check;
use crate::sso::{Sso, Visit, turn_away};
use crate::store::record::{Ask, Link, SignIn};

/// The answer with an assertion, as far as it does not depend on the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// The assertion consumer service that gets it, by HTTP-POST.
    pub acs: String,
    /// The id that it repeats.
    pub in_response_to: Option<String>,
    /// The state that it echoes.
    pub relay_state: Option<String>,
    /// The kind of name identifier.
    pub name_id: &'static str,
    /// What is signed: `assertion`, `response` or `both`.
    pub signed: &'static str,
    /// The URI of the signature algorithm.
    pub algorithm: &'static str,
    /// The key that signs.
    pub key: String,
    /// The URI of the cipher that the assertion is encrypted by; none where it is not.
    pub encrypted: Option<&'static str>,
    /// The authentication context classes of which it names one.
    pub contexts: Vec<String>,
    /// For how many seconds the assertion holds.
    pub seconds: i64,
    /// The attributes that it has of a person of whom everything is known.
    pub attributes: Vec<Released>,
}

/// An attribute of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Released {
    /// `Name`.
    pub name: String,
    /// `FriendlyName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Without a right value of it there is no answer.
    pub required: bool,
}

impl Sso {
    pub(super) fn explain_request(
        &self,
        into: &mut Explanation,
        (visit, kid): (&Visit, Option<&str>),
        pasted: &Pasted,
        mut seen: Seen,
    ) {
        let form;
        let carried = match &pasted.carried {
            Carried::Query(raw) => request::Carried::Query(raw),
            Carried::Form(body) | Carried::Notice(body) => {
                request::Carried::Form("", body.as_bytes())
            }
            Carried::Alone => {
                let note = "a document alone: explained as if it had been posted. What came by \
                            HTTP-Redirect has its signature beside it: paste the whole address";
                into.notes.push(note.to_owned());
                form = posted("SAMLRequest", &pasted.octets);
                request::Carried::Form("", form.as_bytes())
            }
        };
        match self.check_request(visit, kid, carried, &mut seen) {
            Err(refusal) => {
                let failed = seen.failed(Check::OF_REQUEST);
                into.checked(Check::OF_REQUEST, seen, Some((failed, &refusal.cause)));
                into.refused(&refusal);
            }
            Ok(checked) => {
                let unmet = checked.ask.unmet.map(|unmet| {
                    (Check::of(unmet), "expected something that can be given here, found another")
                });
                into.checked(Check::OF_REQUEST, seen, unmet);
                self.explain_answers(into, visit, &checked);
            }
        }
    }

    /// What comes of a request that was checked, whoever is there.
    fn explain_answers(&self, into: &mut Explanation, visit: &Visit, checked: &Checked) {
        let Checked { ask, registered, .. } = checked;
        let nobody = next::next(situation(ask, Presence::Nobody));
        if ask.unmet.is_some() {
            into.when("whoever is there", self.outcome(visit, checked, nobody));
            return;
        }
        into.when("nobody is signed in", self.outcome(visit, checked, nobody));
        for class in possible(visit, registered) {
            let short = class.rsplit(':').next().unwrap_or(class);
            let there = |proof| Presence::Somebody {
                proof,
                enabled: true,
                link: Link::Linked,
                first_login_begun: false,
                context_met: authn_context::met(&ask.contexts, ask.comparison, class),
            };
            let before = next::next(situation(ask, there(Proof::Before)));
            into.when(format!("signed in ({short})"), self.outcome(visit, checked, before));
            if before == Next::SignIn {
                let after = next::next(situation(ask, there(Proof::Fresh)));
                let when = format!("signed in anew for this request ({short})");
                into.when(when, self.outcome(visit, checked, after));
            }
        }
        self.explain_people(into, visit, checked);
        let again = "expected a request ID that was not used, found a used one";
        into.when("the same request once more", Outcome::refused(Code::RequestReplayed, again));
        match self.reply(visit, ask, registered) {
            Ok(reply) => into.reply = Some(reply),
            Err(refusal) => into.notes.push(format!("no assertion can be made: {refusal}")),
        }
    }

    /// The people who do not get what others get.
    fn explain_people(&self, into: &mut Explanation, visit: &Visit, checked: &Checked) {
        let Checked { ask, registered, .. } = checked;
        let of = |proof, enabled, link| Presence::Somebody {
            proof,
            enabled,
            link: link_with(&registered.profile, link),
            first_login_begun: false,
            context_met: true,
        };
        let mut decide = |when: &str, presence| {
            let next = next::next(situation(ask, presence));
            if next != Next::Assert {
                into.when(when, self.outcome(visit, checked, next));
            }
        };
        decide("a customer who is switched off", of(Proof::Fresh, false, Link::Linked));
        decide(
            "a customer without a cloud account, outside of a first login",
            of(Proof::Fresh, true, Link::Unlinked),
        );
        if matches!(visit.tenant.sign_in, SignIn::Partner { .. }) {
            decide(
                "signed in for this request, and the partner does not say when",
                of(Proof::Unsaid, true, Link::Linked),
            );
        }
        let mut decline = |when: &str, code, detail| {
            into.when(when, self.outcome(visit, checked, Next::Decline(code, detail)));
        };
        let unnamed = (status::REQUESTER, status::INVALID_NAME_ID_POLICY);
        match ask.name_id.kind {
            NameIdKind::Email => {
                decline("a person without a usable e-mail address", unnamed.0, unnamed.1);
            }
            NameIdKind::Persistent if !ask.name_id.may_create => {
                decline("a person whom it does not know yet", unnamed.0, unnamed.1);
            }
            _ => {}
        }
        if ask.subject.is_some() {
            let when = "a person other than its Subject";
            decline(when, status::RESPONDER, status::UNKNOWN_PRINCIPAL);
        }
        let mut needed = released(registered, ask);
        needed.retain(|rule| rule.required);
        if !needed.is_empty() {
            let names: Vec<_> = needed
                .iter()
                .map(|rule| rule.friendly_name.as_deref().unwrap_or(&rule.name))
                .collect();
            let when = format!("a person without a usable {}", names.join(", "));
            let cause = "expected a value that keeps the rules of the attribute, found none";
            into.when(when, Outcome::refused(Code::AttributeUnusable, cause));
        }
    }

    fn outcome(&self, visit: &Visit, checked: &Checked, next: Next) -> Outcome {
        let Checked { ask, registered, .. } = checked;
        let to = ask.acs.to_string();
        match next {
            Next::Assert => match self.envelope(visit, registered) {
                Ok(_) => Outcome::Assertion { to },
                Err(refusal) => Outcome::refused(refusal.code, &refusal.cause),
            },
            Next::Decline(code, detail) => {
                let advice = advice::of_status(detail).map(str::to_owned);
                Outcome::Status { code, detail: Some(detail), to, advice }
            }
            Next::SignIn => Outcome::SignIn {
                at: match &visit.tenant.sign_in {
                    SignIn::Local => format!("{}/{}/sign-in", self.base_url, visit.tenant.id),
                    SignIn::Partner { login_url, .. } => login_url.to_string(),
                },
            },
            Next::Disabled | Next::FirstLoginNotBegun | Next::ProofNotFresh => {
                let refusal = turn_away::reason(next);
                turned_away(checked, &refusal.expect("these three have a reason"))
            }
        }
    }

    fn reply(&self, visit: &Visit, ask: &Ask, registered: &Registered) -> Result<Reply, Refusal> {
        let ring = self.rings.get(visit.tenant.id.as_str())?;
        let key = key_of(&ring, ask.kid.as_deref())?;
        let rules = &registered.profile.response;
        let sp = &registered.service_provider;
        let recipient = rules.recipient(&sp.encryption_keys);
        let recipient =
            recipient.map_err(|e| Refusal::new(Code::EncryptionKeyMissing, e.to_string()))?;
        let is_met = |class: &&str| authn_context::met(&ask.contexts, ask.comparison, class);
        let contexts = possible(visit, registered).filter(is_met);
        Ok(Reply {
            acs: ask.acs.to_string(),
            in_response_to: ask.id.as_ref().map(ToString::to_string),
            relay_state: ask.relay_state.clone().map(String::from),
            name_id: ask.name_id.kind.uri().unwrap_or("none"),
            signed: match rules.signing(sp).what {
                Signed::Assertion => "assertion",
                Signed::Response => "response",
                Signed::Both => "both",
            },
            algorithm: key.signer().algorithm_for(&sp.declared.signatures).uri(),
            key: key.kid.to_string(),
            encrypted: recipient.map(|recipient| recipient.cipher().uri()),
            contexts: contexts.map(str::to_owned).collect(),
            seconds: rules.conditions.not_on_or_after.whole_seconds(),
            attributes: released(registered, ask),
        })
    }
}

/// What becomes of a request when who is there gets no assertion.
fn turned_away(Checked { ask, registered, .. }: &Checked, refusal: &Refusal) -> Outcome {
    let (code, detail) = turn_away::status_of(refusal.code);
    match registered.profile.response.refused {
        Refused::Page => Outcome::refused(refusal.code, &refusal.cause),
        Refused::PageThenService => {
            let cause = format!("{}; a button takes {detail} to the service", refusal.cause);
            Outcome::refused(refusal.code, &cause)
        }
        Refused::Service => Outcome::Status {
            code,
            detail: Some(detail),
            to: ask.acs.to_string(),
            advice: Some(advice::of(refusal.code).to_owned()),
        },
    }
}

/// The attributes that the service provider gets for this request.
fn released(registered: &Registered, ask: &Ask) -> Vec<Released> {
    let asker = Asker::of(&registered.service_provider, ask.attribute_service);
    let rules = registered.profile.released(asker);
    let shown = rules.map(|rule| Released {
        name: rule.name.to_string(),
        friendly_name: rule.friendly_name.as_ref().map(ToString::to_string),
        required: rule.presence == Need::Required,
    });
    shown.collect()
}

/// The form that posts a document.
pub(super) fn posted(parameter: &str, octets: &[u8]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair(parameter, &STANDARD.encode(octets));
    form.finish()
}
