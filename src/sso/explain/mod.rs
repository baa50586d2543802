//! Layer 3, sso: what the gateway would do with a message, without doing it. The message is checked
//! by the code that checks it at work, which is [watched](super::watch); nothing is asked of a
//! store, and nothing is written, noted or sent: none of it is even asynchronous but finding the
//! tenant. What only the gateway that serves could know (whether an id was used, who is signed in)
//! becomes a branch of the answer.

mod advice;
mod answered;
mod logout;
mod metadata;
mod notice;
mod place;
mod request;

use serde::Serialize;
use time::OffsetDateTime;

pub use request::Reply;

use self::place::{Door, Place};
use super::watch::{Check, Watch};
use super::{Sso, Visit};
use crate::cloud::registration::Registered;
use crate::refusal::{Code, Refusal};
use crate::saml::lint::Finding;
use crate::saml::outline::{Outline, outline};
use crate::saml::pasted::{self, Carried, Kind, Layer, Pasted};
use crate::saml::types::format_instant;
use crate::store::record::Tenant;

/// A message to explain.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The message as somebody hands it over.
    pub text: &'a [u8],
    /// The tenant whom it is for, unless its address says so.
    pub tenant: Option<&'a str>,
    /// The address at which it arrived, unless it says so itself.
    pub address: Option<&'a str>,
    /// The tenant where nothing names one.
    pub otherwise: Option<&'a str>,
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub enum Unexplained {
    /// It is nothing that is known here.
    #[error("{0}")]
    Message(#[from] pasted::Unrecognised),
    /// The address is none.
    #[error("expected an address such as https://…/TENANT/saml/sso, found another text")]
    Address,
    /// Nobody says which tenant is meant.
    #[error("expected a tenant, by its name or by an address of this gateway, found none")]
    Tenant,
}

/// What would become of a message.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// What the message is.
    pub kind: String,
    /// The tenant.
    pub tenant: String,
    /// The time for which this holds.
    #[serde(serialize_with = "instant")]
    pub at: OffsetDateTime,
    /// What stood around the message, the outermost first.
    pub layers: Vec<Layer>,
    /// What it says, whether or not it is so.
    pub message: Option<Outline>,
    /// What was assumed, and what else is worth knowing.
    pub notes: Vec<String>,
    /// The checks, in the order in which they are made.
    pub checks: Vec<Row>,
    /// What comes of it; several branches where it depends on what only the gateway that serves
    /// knows.
    pub branches: Vec<Branch>,
    /// The answer with an assertion, where one can come.
    pub reply: Option<Reply>,
    /// What is wrong with it, if it is metadata.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// A check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What is looked at.
    pub name: &'static str,
    /// How it ended.
    pub end: End,
    /// What was found, or what was expected and what came.
    pub what: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It held.
    Held,
    /// It did not.
    Failed,
    /// It was not reached.
    NotReached,
    /// Only the gateway that serves knows.
    Unknown,
}

/// What comes of a message in one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// In which case.
    pub when: String,
    /// What then comes.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What comes of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// An assertion about whoever is there, with the status Success.
    Assertion {
        /// The assertion consumer service.
        to: String,
    },
    /// An answer without assertion.
    Status {
        /// The top-level status code.
        code: &'static str,
        /// The second-level status code.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'static str>,
        /// Where it goes.
        to: String,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
    },
    /// A page to sign in on.
    SignIn {
        /// Where.
        at: String,
    },
    /// A page of ours, and nothing that is sent anywhere.
    Page {
        /// What it says.
        what: String,
    },
    /// A page of ours that says why not.
    Refused {
        /// The reason.
        code: Code,
        /// The HTTP status of the page.
        http: u16,
        /// What was expected and what came.
        cause: String,
        /// What to do about it.
        advice: String,
    },
    /// The gateway takes no such message; this is what whoever takes it would find.
    Found {
        /// Whether it would be taken.
        good: bool,
        /// Why.
        what: String,
    },
}

fn instant<S: serde::Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_instant(*at))
}

impl Explanation {
    /// Whether somebody gets what the message asks for: a success, or a page that leads to one.
    #[must_use]
    pub fn is_welcome(&self) -> bool {
        use crate::saml::names::status::SUCCESS;
        self.branches.iter().any(|branch| match &branch.outcome {
            Outcome::Assertion { .. } | Outcome::SignIn { .. } | Outcome::Page { .. } => true,
            Outcome::Status { code, .. } => *code == SUCCESS,
            Outcome::Refused { .. } => false,
            Outcome::Found { good, .. } => *good,
        })
    }

    /// The refusal, where there is nothing else.
    #[must_use]
    pub fn refusal(&self) -> Option<Code> {
        match &self.branches[..] {
            [Branch { outcome: Outcome::Refused { code, .. }, .. }] => Some(*code),
            _ => None,
        }
    }

    /// The checks of a kind of message, as far as they held, and the refusal that ended them.
    fn checked(&mut self, order: &[Check], seen: Seen, ended: Option<(Check, &str)>) {
        let mut seen = seen.held.into_iter().peekable();
        for check in order {
            let (end, what) = match seen.next_if(|(held, _)| held == check) {
                Some((_, what)) => (End::Held, what),
                None => match ended {
                    Some((failed, cause)) if failed == *check => (End::Failed, cause.to_owned()),
                    None if *check == Check::Replay => {
                        (End::Unknown, "only the gateway that serves knows".to_owned())
                    }
                    _ => (End::NotReached, String::new()),
                },
            };
            self.checks.push(Row { name: check.name(), end, what });
        }
    }

    fn refused(&mut self, refusal: &Refusal) {
        let outcome = Outcome::refused(refusal.code, &refusal.cause);
        self.branches.push(Branch { when: "whoever is there".to_owned(), outcome });
    }

    fn when(&mut self, when: impl Into<String>, outcome: Outcome) {
        self.branches.push(Branch { when: when.into(), outcome });
    }
}

impl Outcome {
    fn refused(code: Code, cause: &str) -> Self {
        let http = code.entry().status;
        Self::Refused { code, http, cause: cause.to_owned(), advice: advice::of(code).to_owned() }
    }
}

/// What was seen while a message was checked.
#[derive(Default)]
struct Seen {
    held: Vec<(Check, String)>,
}

impl Watch for Seen {
    fn held(&mut self, check: Check, seen: impl FnOnce() -> String) {
        self.held.push((check, seen()));
    }

    /// Nothing is noted: this request did not come.
    fn dated(&mut self, _: &Tenant, _: &Registered, _: time::Duration) {}
}

impl Seen {
    /// The check that a refusal belongs to: the first that did not hold.
    fn failed(&self, order: &[Check]) -> Check {
        let held = |check: &&Check| self.held.iter().any(|(held, _)| held == *check);
        order.iter().copied().find(|check| !held(&check)).unwrap_or(Check::Message)
    }
}

impl Sso {
    /// Says what would become of a message, and why.
    ///
    /// # Errors
    /// [`Unexplained`], where there is nothing to explain.
    pub async fn explain(&self, question: Question<'_>) -> Result<Explanation, Unexplained> {
        let pasted = pasted::open(question.text)?;
        let (place, mut notes) = Place::of(self, &question, &pasted)?;
        let tenant = place.tenant.as_deref().or(question.tenant).or(question.otherwise);
        let kind = pasted.document.as_ref().map_or(Kind::Other, Kind::of);
        let document = pasted.document.as_ref();
        if document.is_some() && kind == Kind::Other && pasted.carried == Carried::Alone {
            let root = document.map(|document| document.root().describe()).unwrap_or_default();
            let tried = format!("tried XML: it is {root}, which is no message of SAML 2.0");
            return Err(pasted::Unrecognised(vec![tried]).into());
        }
        if document.is_none() && pasted.carried == Carried::Alone {
            let faults = pasted.layers.iter().filter_map(|layer| layer.fault.as_ref());
            let tried = faults.map(|fault| format!("tried XML: {fault}")).collect();
            return Err(pasted::Unrecognised(tried).into());
        }
        let tenant = tenant.ok_or(Unexplained::Tenant)?.to_owned();
        let visit = self.visit(&tenant).await;
        let mut explanation = Explanation {
            kind: document.map_or("Unreadable", |document| document.root().local()).to_owned(),
            tenant,
            at: self.clock.now(),
            layers: Vec::new(),
            message: document.map(|document| outline(document.root())),
            notes: Vec::new(),
            checks: Vec::new(),
            branches: Vec::new(),
            reply: None,
            findings: Vec::new(),
        };
        match visit {
            Ok(visit) => {
                let door = place.door(kind, &pasted, &mut notes);
                self.explain_at(&mut explanation, &visit, &door, &pasted);
            }
            Err(refusal) => {
                let ended = Some((Check::Tenant, &*refusal.cause));
                explanation.checked(Check::OF_REQUEST, Seen::default(), ended);
                explanation.refused(&refusal);
            }
        }
        explanation.notes.splice(0..0, notes);
        explanation.layers = pasted.layers;
        if explanation.is_welcome() {
            // A logout may come without a message; nothing else is welcome that cannot be opened.
            explanation.layers.retain(|layer| layer.fault.is_none());
        }
        Ok(explanation)
    }

    fn explain_at(&self, into: &mut Explanation, visit: &Visit, door: &Door, pasted: &Pasted) {
        let mut seen = Seen::default();
        seen.held(Check::Tenant, || {
            let tenant = &visit.tenant;
            format!("{}, {}, {}", tenant.id, tenant.name.en, tenant.entity_id)
        });
        match door {
            Door::Sso { kid } => {
                self.explain_request(into, (visit, kid.as_deref()), pasted, seen);
            }
            Door::Logout => self.explain_logout(into, visit, pasted, seen),
            Door::LinkResult => self.explain_notice(into, visit, pasted),
            Door::Consumer => self.explain_answer(into, visit, pasted),
            Door::Metadata => self.explain_metadata(into, visit, pasted),
        }
        if into.refusal() == Some(Code::IssuerUnknown) {
            into.notes.push(self.known_to(visit));
        }
    }

    /// Whom the issuer of a message can be compared with.
    fn known_to(&self, visit: &Visit) -> String {
        const SHOWN: usize = 10;
        let known = self.registrations.of(&visit.tenant.id);
        let mut names: Vec<_> =
            known.iter().map(|it| it.service_provider.entity_id.as_str()).collect();
        names.sort_unstable();
        let more = if names.len() > SHOWN { ", and more" } else { "" };
        names.truncate(SHOWN);
        format!("registered with {}: {}{more}", visit.tenant.id, names.join(", "))
    }
}
