//! Layer 5, http: the pages of a single logout, as responses. Part of `show`.

use axum::response::Response;

use super::context::Context;
use super::show::{frame, of_page, see_other};
use crate::page::{self, Carried, Carrier, Leaving, Skip};
use crate::refusal::Refusal;
use crate::saml::EntityId;
use crate::sso::{Sso, Telling, Visit, Way};

/// The page that tells one service provider of the logout.
pub(super) fn tell(
    context: &Context,
    visit: &Visit,
    telling: &Telling,
) -> Result<Response, Refusal> {
    let binding = context.browser(&visit.tenant).binding.unwrap_or_default();
    let action = format!("/{}/logout/{}", visit.tenant.id, telling.handle);
    let csrf = Sso::form_token(&binding);
    let view = Leaving {
        carrier: carrier(&telling.way),
        host: &host(&telling.sp),
        progress: Some((telling.number, telling.of)),
        // Also the first time: a browser may show the same page when it comes back.
        skip: Some(Skip { action: &action, csrf: &csrf }),
        is_by_itself: telling.is_first_try,
    };
    Ok(of_page(page::leaving(&frame(context, visit, None), &view)?))
}

/// The answer to who asked for the logout.
pub(super) fn answered(
    context: &Context,
    visit: &Visit,
    (way, sp): (&Way, &EntityId),
) -> Result<Response, Refusal> {
    if let Way::Redirect { url } = way {
        return Ok(see_other(url));
    }
    let view = Leaving {
        carrier: carrier(way),
        host: &host(sp),
        progress: None,
        skip: None,
        is_by_itself: true,
    };
    Ok(of_page(page::leaving(&frame(context, visit, None), &view)?))
}

/// The end, when all or some could be told.
pub(super) fn signed_out(context: &Context, visit: &Visit, missed: &[EntityId]) -> Response {
    let frame = frame(context, visit, None);
    let again = Some(visit.tenant.portal_url.as_str());
    if missed.is_empty() {
        return of_page(page::signed_out(&frame, again));
    }
    let hosts: Vec<String> = missed.iter().map(host).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    of_page(page::signed_out_partly(&frame, &hosts, again))
}

fn carrier(way: &Way) -> Carrier<'_> {
    match way {
        Way::Redirect { url } => Carrier::Link(url),
        Way::Post { action, parameter, message, relay_state } => Carrier::Form(Carried {
            action,
            parameter,
            message,
            relay_state: relay_state.as_deref(),
        }),
    }
}

/// What people may know a service provider by: the host in its entityID, or all of it.
fn host(sp: &EntityId) -> String {
    let host = url::Url::parse(sp.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| sp.to_string())
}
