//! Layer 3, sso: explains the messages of single logout: the checks of `sso::logout`, and what
//! comes of them by who is signed in.

use super::request::posted;
use super::{Explanation, Outcome, Seen, advice};
use crate::cloud::registration::Registered;
use crate::refusal::Code;
use crate::saml::names::status;
use crate::saml::pasted::{Carried, Kind, Pasted};
use crate::saml::sp_metadata::Binding;
use crate::sso::logout::{endpoint, names_for_ever};
use crate::sso::watch::Check;
use crate::sso::{Sso, Visit};
use crate::store::leaving::{EndRequest, EndResponse, Heard};

impl Sso {
    pub(super) fn explain_logout(
        &self,
        into: &mut Explanation,
        visit: &Visit,
        pasted: &Pasted,
        mut seen: Seen,
    ) {
        let kind = pasted.document.as_ref().map_or(Kind::Other, Kind::of);
        let (order, parameter) = match kind {
            Kind::LogoutResponse => (Check::OF_LOGOUT_RESPONSE, "SAMLResponse"),
            _ => (Check::OF_LOGOUT_REQUEST, "SAMLRequest"),
        };
        let heard = match &pasted.carried {
            Carried::Query(raw) => self.message_of(visit, raw, &mut seen),
            Carried::Form(body) | Carried::Notice(body) => {
                self.message_in_form(visit, ("", body.as_bytes()), &mut seen).map(Some)
            }
            Carried::Alone => {
                let note = "a document alone: explained as if it had been posted. What came by \
                            HTTP-Redirect has its signature beside it: paste the whole address";
                into.notes.push(note.to_owned());
                let form = posted(parameter, &pasted.octets);
                self.message_in_form(visit, ("", form.as_bytes()), &mut seen).map(Some)
            }
        };
        match heard {
            Err(refusal) => {
                let failed = seen.failed(order);
                into.checked(order, seen, Some((failed, &refusal.cause)));
                into.refused(&refusal);
            }
            Ok(None) => {
                into.checked(&order[..1], seen, None);
                let what =
                    "a logout without a message: the session ends, and who knew of it is told";
                into.when("whoever is there", Outcome::Page { what: what.to_owned() });
            }
            Ok(Some(Heard::Request(request))) => {
                into.checked(order, seen, None);
                self.explain_request_to_end(into, visit, &request);
            }
            Ok(Some(Heard::Response(response))) => {
                into.checked(order, seen, None);
                explain_response(into, &response);
            }
        }
    }

    fn explain_request_to_end(&self, into: &mut Explanation, visit: &Visit, request: &EndRequest) {
        let asker = &request.asker;
        let registered = self.registered(&visit.tenant, &asker.sp);
        let to = registered.as_ref().ok().and_then(|registered| answer_to(registered));
        let answer = |code, detail| match (&to, asker.asynchronous) {
            (Some(to), false) => Outcome::Status {
                code,
                detail,
                to: to.clone(),
                advice: detail.and_then(advice::of_status).map(str::to_owned),
            },
            (_, true) => page("signed out; the request is asynchronous and waits for no answer"),
            (None, false) => page("signed out; its metadata has no place for an answer"),
        };
        let which = match request.session_indexes.len() {
            0 => "any session of the person".to_owned(),
            1 => "the session of its SessionIndex".to_owned(),
            many => format!("any of the {many} sessions of its SessionIndexes"),
        };
        let known = format!("{which} is one that it took part in, by this name");
        into.when(&known, answer(status::SUCCESS, None));
        into.when(
            format!("{known}, and other service providers did too: they are told first"),
            answer(status::SUCCESS, None),
        );
        into.when(
            "one of those does not answer, or says that it could not",
            answer(status::SUCCESS, Some(status::PARTIAL_LOGOUT)),
        );
        let mut none = "there is no such session";
        if names_for_ever(&visit.tenant, request) {
            into.when(
                "there is no such session, and it knows a person for ever by this name",
                answer(status::SUCCESS, None),
            );
            none = "there is no such session, and it knows nobody for ever by this name";
        }
        into.when(none, answer(status::REQUESTER, Some(status::UNKNOWN_PRINCIPAL)));
        let again = "expected a LogoutRequest that was not used, found a used one";
        into.when("the same request once more", Outcome::refused(Code::RequestReplayed, again));
    }
}

/// Where answers to a service provider go, and how.
fn answer_to(registered: &Registered) -> Option<String> {
    let endpoint = endpoint(registered).ok()?;
    let to = endpoint.response_location.as_ref().unwrap_or(&endpoint.location);
    let binding = match endpoint.binding {
        Binding::Redirect => "HTTP-Redirect",
        Binding::Post => "HTTP-POST",
    };
    Some(format!("{to} by {binding}"))
}

fn explain_response(into: &mut Explanation, response: &EndResponse) {
    let what = if response.is_complete { "is noted as told" } else { "is noted as not told" };
    let next = format!("{} {what}, and the logout goes on to the next", response.sp);
    into.when(
        "a logout of this browser waits for it: RelayState is the logout's handle, InResponseTo \
         its request",
        page(&next),
    );
    let gone = "expected a logout under way, found none";
    into.when("there is no such logout", Outcome::refused(Code::JourneyGone, gone));
    let elsewhere = "expected the browser that began the logout, found another";
    into.when("it began in another browser", Outcome::refused(Code::JourneyElsewhere, elsewhere));
}

fn page(what: &str) -> Outcome {
    Outcome::Page { what: what.to_owned() }
}
