//! Layer 5, http: the hand-off addresses: where a partner's site sends its customers, and where
//! journeys go on.

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use url::form_urlencoded;

use super::caller::{Caller, within_limit};
use crate::refusal::{Code, Refusal};
use crate::sso::{Destination, Door, Onward, Turn};

/// `GET /{tenant}/launch?ticket=…&service=…&continue=…`: a link on the partner's site. With
/// `sp=…&RelayState=…` in place of `service`, it leads to a service provider other than the cloud,
/// and needs no ticket where somebody is signed in.
pub(super) async fn by_link(caller: Caller) -> Response {
    let asked = Asked::read(caller.context.raw_query().as_bytes());
    caller.shown(launch(&caller, asked).await)
}

/// `POST /{tenant}/launch`: the same as a form, which keeps the ticket out of addresses.
pub(super) async fn by_form(caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    let turn = async { launch(&caller, Asked::read(&within_limit(body)?)).await };
    caller.shown(turn.await)
}

/// What a launch carries; each parameter once.
#[derive(Default)]
struct Asked {
    ticket: Option<String>,
    service: Option<String>,
    handle: Option<String>,
    sp: Option<String>,
    relay_state: Option<String>,
    twice: bool,
}

impl Asked {
    fn read(form: &[u8]) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let slot = match name.as_ref() {
                "ticket" => &mut asked.ticket,
                "service" => &mut asked.service,
                "continue" => &mut asked.handle,
                "sp" => &mut asked.sp,
                "RelayState" => &mut asked.relay_state,
                _ => continue,
            };
            asked.twice |= slot.replace(value.into_owned()).is_some();
        }
        asked
    }
}

async fn launch(caller: &Caller, asked: Asked) -> Result<Turn, Refusal> {
    if asked.twice {
        let cause = "expected each parameter of the address once, found one twice";
        return Err(Refusal::new(Code::ParameterTwice, cause));
    }
    let Caller { visit, browser, .. } = caller;
    if let Some(sp) = &asked.sp {
        let destination = Destination { sp, relay_state: asked.relay_state.as_deref() };
        let ticket = asked.ticket.as_deref();
        return caller.sso().go_to_service(visit, browser, destination, ticket).await;
    }
    let onward = onward(asked.handle.as_deref(), asked.service.as_deref());
    let ticket = asked.ticket.unwrap_or_default();
    caller.sso().launch(visit, browser, &ticket, onward).await
}

/// `GET /{tenant}/cloud?service=…&at=cloud`: off to the cloud with the session that is there; with
/// `at=cloud` to the cloud's own page also where another one opens accounts.
pub(super) async fn cloud(caller: Caller) -> Response {
    let service = caller.context.parameter("service");
    let door = match caller.context.parameter("at").as_deref() {
        Some("cloud") => Door::OfCloud,
        _ => Door::Chosen,
    };
    let Caller { visit, browser, .. } = &caller;
    caller.shown(caller.sso().go_to_cloud(visit, browser, service.as_deref(), door).await)
}

/// `GET /{tenant}/continue/{handle}`: back into the journey that waited.
pub(super) async fn resume(caller: Caller, Path((_, handle)): Path<(String, String)>) -> Response {
    caller.shown(caller.sso().resume(&caller.visit, &caller.browser, &handle).await)
}

/// Where to go once somebody is signed in.
pub(super) fn onward<'a>(handle: Option<&'a str>, service: Option<&'a str>) -> Onward<'a> {
    match handle {
        Some(handle) => Onward::Journey { handle },
        None => Onward::Cloud { service },
    }
}
