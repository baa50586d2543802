//! Layer 5, http: the one place where a [`Refusal`] becomes a response.

use axum::response::Response;

use super::Gateway;
use super::context::Context;
use super::show::{again, ask_to_wait, frame, of_page, remember_language};
use crate::journey::{JourneyId, Outcome};
use crate::page::{self, Carried, ErrorView, Frame};
use crate::refusal::Refusal;
use crate::saml::RelayState;
use crate::sso::{Delivery, Visit};
use crate::store::record::Tenant;

/// The page for a refusal.
pub(super) fn refusal(
    gateway: &Gateway,
    context: &Context,
    visit: Option<&Visit>,
    refused: &Refusal,
) -> Response {
    with_way_back(gateway, context, visit, (refused, None))
}

/// The same, with the way back to the service provider that asked.
pub(super) fn with_way_back(
    gateway: &Gateway,
    context: &Context,
    visit: Option<&Visit>,
    (refused, answer): (&Refusal, Option<&Delivery>),
) -> Response {
    let switch = context.switch_to();
    let again = visit.map(again);
    let page = page::error(
        &visit.map_or_else(
            || Frame { language: context.language, brand: page::PRODUCT, switch_to: Some(&switch) },
            |visit| frame(context, visit, Some(&switch)),
        ),
        &ErrorView {
            code: refused.code,
            at: gateway.clock.now(),
            sp: refused.sp.as_deref(),
            id: context.journey.as_str(),
            again: again.as_deref(),
            back: answer.map(|answer| Carried {
                action: answer.acs().as_str(),
                parameter: "SAMLResponse",
                message: answer.saml_response(),
                relay_state: answer.relay_state().map(RelayState::as_str),
            }),
        },
    );
    let mut response = of_page(page);
    remember_language(response.headers_mut(), context);
    recorded(response, context, visit.map(|visit| &*visit.tenant), refused)
}

/// A response to a refusal, with what log, metrics and retrying clients need.
pub(super) fn recorded(
    mut response: Response,
    context: &Context,
    tenant: Option<&Tenant>,
    refused: &Refusal,
) -> Response {
    ask_to_wait(response.headers_mut(), refused.code, refused.wait);
    response.extensions_mut().insert(context.journey.clone());
    let tenant = tenant.map(|tenant| tenant.id.to_string());
    response.extensions_mut().insert(Outcome { tenant, ..Outcome::refused(refused) });
    response
}

/// The page of a refusal in a journey: whom and which it concerns.
pub(super) fn concerning(
    mut response: Response,
    step: &'static str,
    customer: Option<String>,
    journey: Option<String>,
) -> Response {
    let extensions = response.extensions_mut();
    if let Some(outcome) = extensions.get_mut::<Outcome>() {
        (outcome.customer, outcome.step) = (customer, Some(step));
    }
    if let Some(journey) = journey.and_then(|id| JourneyId::parse(&id)) {
        extensions.insert(journey);
    }
    response
}
