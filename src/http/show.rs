//! Layer 5, http: the one place where a [`Step`] becomes a response; a refusal does in `refused`.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::context::Context;
use super::refused::{concerning, with_way_back};
pub(super) use super::refused::{recorded, refusal};
use super::{Gateway, cookie, leaving};
use crate::cloud::api::{Area, ContactKind};
use crate::journey::{JourneyId, Outcome};
use crate::limits;
use crate::page::{
    self, Deliver, Frame, Language, Linked, Onward, OpenAccount, Page, ReachedBy, SignIn, Standing,
};
use crate::refusal::{Code, Refusal};
use crate::sso::{Consent, Delivery, Opening, SessionChange, Sso, Step, Turn, Visit};

/// Seconds after which to try again what could not be answered now.
const RETRY_AFTER: u64 = 5;

/// Shows what happens next.
pub(super) fn turn(
    gateway: &Gateway,
    context: &Context,
    visit: &Visit,
    turn: Result<Turn, Refusal>,
) -> Response {
    let Turn { step, session, binding, customer, journey } = match turn {
        Ok(turn) => turn,
        Err(refused) => return refusal(gateway, context, Some(visit), &refused),
    };
    let step_name = step.name();
    if let Step::TurnAway { refusal, answer, is_at_once: false } = &step {
        let response = with_way_back(gateway, context, Some(visit), (&**refusal, Some(&**answer)));
        return concerning(response, step_name, customer, journey);
    }
    let problem = match &step {
        Step::SignInAgain { problem, .. } => Some(*problem),
        Step::OpenAccount(opening) => opening.problem,
        Step::TurnAway { refusal, .. } => Some(refusal.code),
        _ => None,
    };
    let (mut response, sp) = match show(context, visit, step, binding.as_deref()) {
        Ok(shown) => shown,
        Err(refused) => return refusal(gateway, context, Some(visit), &refused),
    };
    let headers = response.headers_mut();
    match session {
        SessionChange::Keep => {}
        SessionChange::Open(token) => {
            cookie::set(headers, &cookie::session(&visit.tenant.id), &token);
        }
        SessionChange::Close => cookie::clear(headers, &cookie::session(&visit.tenant.id)),
    }
    if let Some(token) = binding {
        cookie::set(headers, cookie::BINDING, &token);
    }
    remember_language(headers, context);
    if let Some(problem) = problem {
        ask_to_wait(headers, problem, None);
    }
    let extensions = response.extensions_mut();
    extensions
        .insert(journey.and_then(|id| JourneyId::parse(&id)).unwrap_or(context.journey.clone()));
    let tenant = Some(visit.tenant.id.to_string());
    let step = Some(step_name);
    extensions.insert(Outcome { tenant, sp, customer, step, code: problem, ..Outcome::default() });
    response
}

fn show(
    context: &Context,
    visit: &Visit,
    step: Step,
    new_binding: Option<&str>,
) -> Result<(Response, Option<String>), Refusal> {
    let response = match step {
        Step::SignInAtPartner { url } | Step::GoToCloud { url } => see_other(&url),
        Step::Arrived { handle } => {
            see_other(&format!("/{}/saml/arrived/{handle}", visit.tenant.id))
        }
        Step::Continue { handle } => see_other(&format!("/{}/continue/{handle}", visit.tenant.id)),
        Step::SignInHere { handle: Some(handle) } => {
            see_other(&format!("/{}/sign-in?continue={handle}", visit.tenant.id))
        }
        Step::SignInHere { handle: None } => see_other(&format!("/{}/sign-in", visit.tenant.id)),
        Step::SignInAgain { handle, problem, username } => {
            let form = Form { handle, problem: Some(problem), username: Some(username) };
            return Ok((sign_in(context, visit, &form, new_binding), None));
        }
        Step::OpenAccountHere { service } => see_other(&with_service(
            &format!("/{}/open-account", visit.tenant.id),
            service.as_deref(),
        )),
        Step::OpenAccount(opening) => of_page(open_account(context, visit, &opening, new_binding)?),
        Step::AccountComing { service } => {
            let onward =
                with_service(&format!("/{}/open-account", visit.tenant.id), service.as_deref());
            let switch = context.switch_to();
            of_page(page::account_coming(&frame(context, visit, Some(&switch)), &onward))
        }
        Step::Deliver(delivery) | Step::TurnAway { answer: delivery, .. } => {
            let sp = Some(delivery.sp().to_string());
            return Ok((of_page(deliver(context, visit, &delivery)?), sp));
        }
        Step::Linked => see_other(&link_result(visit, Standing::Linked)),
        Step::LinkEnded => see_other(&link_result(visit, Standing::Ended)),
        Step::Heard { handle } => see_other(&format!("/{}/saml/heard/{handle}", visit.tenant.id)),
        Step::Leaving { handle } => see_other(&format!("/{}/logout/{handle}", visit.tenant.id)),
        Step::Tell(telling) => {
            let sp = Some(telling.sp.to_string());
            return Ok((leaving::tell(context, visit, &telling)?, sp));
        }
        Step::LogoutAnswered { way, sp } => {
            let response = leaving::answered(context, visit, (&way, &sp))?;
            return Ok((response, Some(sp.to_string())));
        }
        Step::SignedOut { missed } => leaving::signed_out(context, visit, &missed),
    };
    Ok((response, None))
}

/// What the sign-in form holds.
pub(super) struct Form {
    /// The journey to continue afterwards.
    pub handle: Option<String>,
    /// What was wrong with the attempt before.
    pub problem: Option<Code>,
    /// What was typed as the name before.
    pub username: Option<String>,
}

/// Our sign-in page.
pub(super) fn sign_in(
    context: &Context,
    visit: &Visit,
    form: &Form,
    new_binding: Option<&str>,
) -> Response {
    let kept = context.browser(&visit.tenant).binding;
    let binding = new_binding.or(kept.as_deref()).unwrap_or_default();
    let action = match &form.handle {
        Some(handle) => format!("/{}/sign-in?continue={handle}", visit.tenant.id),
        None => format!("/{}/sign-in", visit.tenant.id),
    };
    let switch = context.switch_to();
    // After signing in the browser is redirected on: to the cloud's login link, or through a
    // delivery.
    let login = visit.profile.login.as_ref().map(|login| login.url.origin());
    let sources: Vec<&str> = login.as_deref().into_iter().collect();
    of_page(page::sign_in(
        &frame(context, visit, Some(&switch)),
        &SignIn {
            action: &action,
            csrf: &Sso::form_token(binding),
            username: form.username.as_deref().unwrap_or_default(),
            cloud: cloud_name(visit, context.language),
            problem: form.problem,
            onward: if sources.is_empty() { Onward::Anywhere } else { Onward::Sources(&sources) },
        },
    ))
}

/// Our page that opens an account.
fn open_account(
    context: &Context,
    visit: &Visit,
    opening: &Opening,
    new_binding: Option<&str>,
) -> Result<Page, Refusal> {
    let profile = &visit.profile;
    let (Some(rules), Some(agreements)) = (&profile.partner_api, &profile.agreements) else {
        let cause = "expected a profile with a partner API and agreements, found another";
        return Err(Refusal::new(Code::Internal, cause));
    };
    let kept = context.browser(&visit.tenant).binding;
    let binding = new_binding.or(kept.as_deref()).unwrap_or_default();
    let action =
        with_service(&format!("/{}/open-account", visit.tenant.id), opening.service.as_deref());
    let existing =
        with_service(&format!("/{}/cloud?at=cloud", visit.tenant.id), opening.service.as_deref());
    let (agreement, privacy) = (&agreements.user_agreement, &agreements.privacy_statement);
    let (agreement, privacy) = match context.language {
        Language::En => (agreement.en.as_str(), privacy.en.as_str()),
        Language::Zh => (agreement.zh.as_str(), privacy.zh.as_str()),
    };
    let login = profile.login.as_ref().map(|login| login.url.origin());
    let sources: Vec<&str> = login.as_deref().into_iter().collect();
    let draft = &opening.draft;
    let view = OpenAccount {
        action: &action,
        csrf: &Sso::form_token(binding),
        cloud: cloud_name(visit, context.language),
        name: &draft.name,
        contact: &draft.contact,
        reached_by: match rules.contact {
            ContactKind::Mobile => ReachedBy::Mobile,
            ContactKind::Email => ReachedBy::Email,
        },
        area: &draft.area,
        asks_area: rules.area == Area::Required,
        code_sent: draft.code_sent,
        code: &opening.code,
        is_agreed: opening.consent == Consent::Given,
        user_agreement: agreement,
        privacy_statement: privacy,
        existing: &existing,
        problem: opening.problem,
        onward: if sources.is_empty() { Onward::Anywhere } else { Onward::Sources(&sources) },
    };
    let switch = context.switch_to();
    Ok(page::open_account(&frame(context, visit, Some(&switch)), &view))
}

/// An address of ours with the page of the cloud to land on.
fn with_service(path: &str, service: Option<&str>) -> String {
    let Some(service) = service else { return path.to_owned() };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("service", service);
    let join = if path.contains('?') { '&' } else { '?' };
    format!("{path}{join}{}", query.finish())
}

fn deliver(context: &Context, visit: &Visit, delivery: &Delivery) -> Result<Page, Refusal> {
    page::deliver(
        &frame(context, visit, None),
        &Deliver {
            acs: delivery.acs().as_str(),
            saml_response: delivery.saml_response(),
            relay_state: delivery.relay_state().map(crate::saml::RelayState::as_str),
            cloud: cloud_name(visit, context.language),
            onward: Onward::Anywhere,
        },
    )
}

/// The page that says how a link stands, which says nothing about whose it is.
pub(super) fn linked(context: &Context, visit: &Visit, standing: Standing) -> Response {
    let view = Linked {
        standing,
        cloud: cloud_name(visit, context.language),
        to_cloud: &again(visit),
        back: visit.tenant.portal_url.as_str(),
    };
    let switch = context.switch_to();
    let mut response = of_page(page::linked(&frame(context, visit, Some(&switch)), &view));
    remember_language(response.headers_mut(), context);
    response
}

/// The address of that page: how the link stands, and no more.
fn link_result(visit: &Visit, standing: Standing) -> String {
    format!("/{}/link-result/{}", visit.tenant.id, in_address(standing))
}

/// How a link stands, by the last part of that address.
pub(super) fn standing(name: &str) -> Option<Standing> {
    [Standing::Linked, Standing::Ended].into_iter().find(|known| in_address(*known) == name)
}

fn in_address(standing: Standing) -> &'static str {
    match standing {
        Standing::Linked => "linked",
        Standing::Ended => "ended",
    }
}

/// Where a person can begin anew.
pub(super) fn again(visit: &Visit) -> String {
    match visit.profile.login {
        Some(_) => format!("/{}/cloud", visit.tenant.id),
        None => visit.tenant.portal_url.to_string(),
    }
}

pub(super) fn frame<'a>(
    context: &Context,
    visit: &'a Visit,
    switch_to: Option<&'a str>,
) -> Frame<'a> {
    let brand = match context.language {
        Language::En => &visit.tenant.name.en,
        Language::Zh => &visit.tenant.name.zh,
    };
    Frame { language: context.language, brand, switch_to }
}

fn cloud_name(visit: &Visit, language: Language) -> &str {
    match language {
        Language::En => visit.profile.display.en.as_str(),
        Language::Zh => visit.profile.display.zh.as_str(),
    }
}

/// A finished page as a response.
pub(super) fn of_page(page: Page) -> Response {
    let policy = page.content_security_policy();
    let mut response = Response::new(Body::from(page.html));
    *response.status_mut() =
        StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(page.language.tag()));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `303 See Other`. `url` is ours or was checked; a URL that no header can carry ends in an empty
/// 500.
pub(super) fn see_other(url: &str) -> Response {
    let mut response = Response::new(Body::empty());
    match HeaderValue::try_from(url) {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Says after how long trying again makes sense, where it does.
pub(super) fn ask_to_wait(headers: &mut HeaderMap, code: Code, known: Option<Duration>) {
    let seconds = match (known, code.entry().status) {
        (Some(wait), _) => wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
        (None, 429) => limits::SIGN_IN_WINDOW.as_secs(),
        (None, 503) => RETRY_AFTER,
        (None, _) => return,
    };
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}

/// Keeps the language that this request chooses.
pub(super) fn remember_language(headers: &mut HeaderMap, context: &Context) {
    if let Some(language) = context.chosen {
        cookie::set(headers, cookie::LANGUAGE, language.tag());
    }
}
