//! Layer 5, http: the hand-off addresses: where a partner's site sends its customers, and where
//! journeys go on.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use url::form_urlencoded;

use super::context::Context;
use super::{Gateway, show};
use crate::refusal::{Code, Refusal};
use crate::sso::{Destination, Door, Onward};

/// `GET /{tenant}/launch?ticket=…&service=…&continue=…`: a link on the partner's site. With
/// `sp=…&RelayState=…` in place of `service`, it leads to a service provider other than the cloud,
/// and needs no ticket where somebody is signed in.
pub(super) async fn by_link(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    let asked = Asked::read(context.raw_query().as_bytes());
    launch(&gateway, &context, &tenant, asked).await
}

/// `POST /{tenant}/launch`: the same as a form, which keeps the ticket out of addresses.
pub(super) async fn by_form(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(body) => launch(&gateway, &context, &tenant, Asked::read(&body)).await,
        Err(_) => show::refusal(&gateway, &context, None, &too_large()),
    }
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

async fn launch(gateway: &Gateway, context: &Context, tenant: &str, asked: Asked) -> Response {
    let visit = match gateway.sso.visit(tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(gateway, context, None, &refused),
    };
    if asked.twice {
        let cause = "expected each parameter of the address once, found one twice";
        let refused = Refusal::new(Code::ParameterTwice, cause);
        return show::refusal(gateway, context, Some(&visit), &refused);
    }
    if let Some(sp) = &asked.sp {
        let destination = Destination { sp, relay_state: asked.relay_state.as_deref() };
        let browser = context.browser(&visit.tenant);
        let ticket = asked.ticket.as_deref();
        let turn = gateway.sso.go_to_service(&visit, &browser, destination, ticket).await;
        return show::turn(gateway, context, &visit, turn);
    }
    let onward = onward(asked.handle.as_deref(), asked.service.as_deref());
    let ticket = asked.ticket.unwrap_or_default();
    let browser = context.browser(&visit.tenant);
    let turn = gateway.sso.launch(&visit, &browser, &ticket, onward).await;
    show::turn(gateway, context, &visit, turn)
}

/// `GET /{tenant}/cloud?service=…&at=cloud`: off to the cloud with the session that is there; with
/// `at=cloud` to the cloud's own page also where another one opens accounts.
pub(super) async fn cloud(
    State(gateway): State<Gateway>,
    Path(tenant): Path<String>,
    context: Context,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let browser = context.browser(&visit.tenant);
    let service = context.parameter("service");
    let door = match context.parameter("at").as_deref() {
        Some("cloud") => Door::OfCloud,
        _ => Door::Chosen,
    };
    let turn = gateway.sso.go_to_cloud(&visit, &browser, service.as_deref(), door).await;
    show::turn(&gateway, &context, &visit, turn)
}

/// `GET /{tenant}/continue/{handle}`: back into the journey that waited.
pub(super) async fn resume(
    State(gateway): State<Gateway>,
    Path((tenant, handle)): Path<(String, String)>,
    context: Context,
) -> Response {
    let visit = match gateway.sso.visit(&tenant).await {
        Ok(visit) => visit,
        Err(refused) => return show::refusal(&gateway, &context, None, &refused),
    };
    let turn = gateway.sso.resume(&visit, &context.browser(&visit.tenant), &handle).await;
    show::turn(&gateway, &context, &visit, turn)
}

/// Where to go once somebody is signed in.
pub(super) fn onward<'a>(handle: Option<&'a str>, service: Option<&'a str>) -> Onward<'a> {
    match handle {
        Some(handle) => Onward::Journey { handle },
        None => Onward::Cloud { service },
    }
}

/// A body beyond the limit.
pub(super) fn too_large() -> Refusal {
    let cause = format!("expected a body of at most {} bytes", crate::limits::BODY_BYTES);
    Refusal::new(Code::BodyTooLarge, cause)
}
