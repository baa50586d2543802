//! Layer 3, sso: explains the cloud's link notification (contract §1.6): its form and signature are
//! checked by `account::notice`; what it changes, the ledger decides, which is not asked here.

use std::cmp::Ordering;

use super::{Branch, End, Explanation, Outcome, Row, advice};
use crate::account::link::Event;
use crate::account::{Fields, Notice};
use crate::refusal::{Code, Refusal};
use crate::saml::outline::{Named, Outline};
use crate::saml::pasted::{Carried, Pasted};
use crate::sso::{Sso, Visit};

impl Sso {
    pub(super) fn explain_notice(&self, into: &mut Explanation, visit: &Visit, pasted: &Pasted) {
        "bindRequest".clone_into(&mut into.kind);
        into.message = text(&pasted.octets);
        let body = match &pasted.carried {
            Carried::Notice(body) | Carried::Form(body) | Carried::Query(body) => body.as_str(),
            Carried::Alone => "",
        };
        let fields = match Fields::of(body.as_bytes()) {
            Ok(fields) => fields,
            Err(refusal) => return fail(into, 0, &refusal),
        };
        let keys = self.notice_keys(&visit.tenant.id);
        match Notice::read(fields.form(), &keys) {
            Ok(notice) => {
                let seen = [
                    "bindRequest, SigAlg and Signature, once each".to_owned(),
                    format!("by one of {} key(s) of the metadata", keys.len()),
                    "the JSON of a notification".to_owned(),
                ];
                let rows = STAGES.into_iter().zip(seen);
                into.checks.extend(rows.map(|(name, what)| Row { name, end: End::Held, what }));
                into.branches.extend(branches(&notice.event));
            }
            Err(refusal) if refusal.code == Code::LinkNoticeSignature => fail(into, 1, &refusal),
            Err(refusal) => fail(into, 2, &refusal),
        }
    }
}

/// What is checked of a notification.
const STAGES: [&str; 3] = ["Form", "Signature", "Text"];

fn fail(into: &mut Explanation, at: usize, refusal: &Refusal) {
    for (stage, name) in STAGES.into_iter().enumerate() {
        let (end, what) = match stage.cmp(&at) {
            Ordering::Less => (End::Held, String::new()),
            Ordering::Equal => (End::Failed, refusal.cause.clone()),
            Ordering::Greater => (End::NotReached, String::new()),
        };
        into.checks.push(Row { name, end, what });
    }
    into.refused(refusal);
}

fn branches(event: &Event) -> Vec<Branch> {
    let page = |what: &str| Outcome::Page { what: what.to_owned() };
    let refused = |code: Code| Outcome::Refused {
        code,
        http: code.entry().status,
        cause: code.entry().meaning.to_owned(),
        advice: advice::of(code).to_owned(),
    };
    let rows = match event {
        Event::UnbindNotified(_) => vec![
            ("the customer is linked with this account", page("the link has ended")),
            ("the customer is not known here", refused(Code::LinkUnexpected)),
        ],
        _ => vec![
            ("a first login of the customer began here", page("the account is ready")),
            ("none did, or the customer is not known here", refused(Code::LinkUnexpected)),
            ("it contradicts what is known here", refused(Code::LinkConflict)),
            ("only the cloud's list could tell, and does not say so", refused(Code::LinkDoubted)),
            ("the account is linked in another tenant", refused(Code::LinkElsewhere)),
        ],
    };
    let branch = |(when, outcome): (&str, Outcome)| Branch { when: when.to_owned(), outcome };
    rows.into_iter().map(branch).collect()
}

/// What the notification says, whether or not it is so.
fn text(octets: &[u8]) -> Option<Outline> {
    let said: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(octets).ok()?;
    let value =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let attributes = said.iter().map(|(name, it)| Named::new(name, value(it))).collect();
    Some(Outline { name: "bindRequest".to_owned(), attributes, ..Outline::default() })
}
