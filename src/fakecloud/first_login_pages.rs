//! The pages of a first login: create an account, bind an existing one, and the form that carries
//! the notification to the partner. Apart room `fakecloud`; contract §1.3 (图2), §1.4 (图3), §1.6.
//! The live pages' fields and texts are not public.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use url::Url;

use super::api::unreadable;
use super::bind_refusal::BindRefusal;
use super::fault::Finding;
use super::first_login::{Newcomer, NoAccount};
use super::form::Form;
use super::notification::{BindAction, Holder, Notification};
use super::pages::{self, Frame, Problem, page, redirect};
use super::visit::Visit;
use super::{FakeCloud, Link, Site};

/// `GET /first-login/{name}`: the page to create an account, filled in from the assertion.
pub(crate) async fn create_page(
    State(cloud): State<Arc<FakeCloud>>,
    Path(name): Path<String>,
    visit: Visit,
) -> Response {
    show(&cloud, &name, &visit, |newcomer| {
        let said = |attribute: &str| newcomer.session.statement.attribute(attribute).to_owned();
        let fields =
            [("account_name", said("name")), ("mobile", said("mobile")), ("email", said("email"))];
        let create = Create {
            frame: Frame::of(&visit),
            name: name.clone(),
            site: cloud.site,
            fields: Form::of(fields),
            objection: None,
        };
        page(StatusCode::OK, &create)
    })
}

/// `POST /first-login/{name}`.
pub(crate) async fn create(
    State(cloud): State<Arc<FakeCloud>>,
    Path(name): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Response {
    sent(&cloud, (&name, &visit), &body, FakeCloud::create_account, |fields, objection| Create {
        frame: Frame::of_post(&visit),
        name: name.clone(),
        site: cloud.site,
        fields,
        objection: Some(objection),
    })
}

/// `GET /first-login/{name}/existing`: the page to bind an account that the customer has.
pub(crate) async fn existing_page(
    State(cloud): State<Arc<FakeCloud>>,
    Path(name): Path<String>,
    visit: Visit,
) -> Response {
    show(&cloud, &name, &visit, |_| {
        let (frame, fields) = (Frame::of(&visit), Form::default());
        page(StatusCode::OK, &Existing { frame, name: name.clone(), fields, objection: None })
    })
}

/// `POST /first-login/{name}/existing`.
pub(crate) async fn existing(
    State(cloud): State<Arc<FakeCloud>>,
    Path(name): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Response {
    sent(&cloud, (&name, &visit), &body, FakeCloud::bind_account, |fields, objection| Existing {
        frame: Frame::of_post(&visit),
        name: name.clone(),
        fields,
        objection: Some(objection),
    })
}

/// Has `get` take a form that was sent; where it gives no account, `again` is the form once more,
/// with what was typed and why.
fn sent<T: Template>(
    cloud: &FakeCloud,
    (name, visit): (&str, &Visit),
    body: &[u8],
    get: fn(&FakeCloud, &str, &Visit, &Form) -> Result<String, NoAccount>,
    again: impl FnOnce(Form, Objection) -> T,
) -> Response {
    let fields = match Form::parse(body).map_err(unreadable) {
        Ok(fields) => fields,
        Err(finding) => return pages::refused(visit, &finding, None),
    };
    let (objection, status) = match get(cloud, name, visit, &fields) {
        Ok(token) => return arrived(cloud, name, visit, &token),
        Err(NoAccount::Ended(finding)) => return pages::refused(visit, &finding, None),
        Err(NoAccount::Refused(finding)) => refused(&finding),
        Err(NoAccount::NotBindable(reason)) => not_bindable(reason),
    };
    leading_on(cloud, name, visit, page(status, &again(fields, objection)))
}

/// `GET /first-login/{name}/done`: the customer has an account; their browser tells the partner.
/// Asked for again it sends the same once more.
pub(crate) async fn done(
    State(cloud): State<Arc<FakeCloud>>,
    Path(name): Path<String>,
    visit: Visit,
) -> Response {
    let newcomer = match cloud.newcomer(&name, &visit) {
        Ok(newcomer) => newcomer,
        Err(finding) => return pages::refused(&visit, &finding, None),
    };
    let Some(arrived) = newcomer.arrived else {
        return redirect(&address(&name, &visit, ""), None);
    };
    let Some(holder) = arrived.holder else {
        return redirect(&newcomer.service, None);
    };
    carry(&cloud, &visit, &newcomer.link, (BindAction::Bind, holder))
        .unwrap_or_else(|| redirect(&newcomer.service, None))
}

/// The page that has the browser post the notification to the partner. The partner's answer is the
/// next page. Nothing where the partner has no address for it.
pub(crate) fn carry(
    cloud: &FakeCloud,
    visit: &Visit,
    link: &Link,
    (action, holder): (BindAction, Holder),
) -> Option<Response> {
    let mut notifications = match cloud.tell_partner(link, action, holder) {
        Ok(notifications) => notifications,
        Err(Problem::Refused(finding)) => return Some(pages::refused(visit, &finding, None)),
        Err(Problem::Broken(error)) => return Some(pages::broken(&error)),
    };
    let last = notifications.pop()?;
    // Chromium applies form-action to every redirect that follows a form, and where the partner
    // leads the browser next is the partner's affair.
    let target = origin(&last.url);
    let plain = if target.starts_with("http:") { " http:" } else { "" };
    let may_lead = format!("{target} https:{plain}");
    let frame = Frame::of(visit);
    let policy = format!("script-src 'self'; connect-src {target}; form-action {may_lead}");
    let carry = Carry { frame, action, before: notifications, last };
    Some(with_policy(page(StatusCode::OK, &carry), &policy))
}

/// What a page says about a form that was not taken.
pub(crate) struct Objection {
    code: String,
    /// Chinese and English.
    text: (&'static str, &'static str),
    /// Whose move it is, Chinese and English.
    advice: Option<(&'static str, &'static str)>,
    /// What was expected.
    expected: Option<String>,
}

fn refused(finding: &Finding) -> (Objection, StatusCode) {
    let objection = Objection {
        code: finding.fault.to_string(),
        text: (finding.fault.chinese(), finding.fault.english()),
        advice: None,
        expected: Some(finding.expected.clone()),
    };
    (objection, finding.fault.status())
}

fn not_bindable(reason: BindRefusal) -> (Objection, StatusCode) {
    let objection = Objection {
        code: reason.to_string(),
        text: (reason.chinese(), reason.english()),
        advice: Some(reason.advice().words()),
        expected: None,
    };
    (objection, StatusCode::CONFLICT)
}

#[derive(Template)]
#[template(path = "fakecloud/create.html")]
struct Create {
    frame: Frame,
    /// The name of the first login in addresses.
    name: String,
    site: Site,
    fields: Form,
    objection: Option<Objection>,
}

impl Create {
    fn value(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "fakecloud/existing.html")]
struct Existing {
    frame: Frame,
    /// The name of the first login in addresses.
    name: String,
    fields: Form,
    objection: Option<Objection>,
}

impl Existing {
    fn value(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "fakecloud/carry.html")]
struct Carry {
    frame: Frame,
    action: BindAction,
    /// Those that are sent beforehand, without a page of their own.
    before: Vec<Notification>,
    /// The one whose answer is the next page.
    last: Notification,
}

/// The page for a newcomer who still waits; the next step for one who has arrived.
fn show(
    cloud: &FakeCloud,
    name: &str,
    visit: &Visit,
    page: impl FnOnce(&Newcomer) -> Response,
) -> Response {
    match cloud.newcomer(name, visit) {
        Ok(newcomer) if newcomer.arrived.is_some() => {
            redirect(&address(name, visit, "/done"), None)
        }
        Ok(newcomer) => leading_on(cloud, name, visit, page(&newcomer)),
        Err(finding) => pages::refused(visit, &finding, None),
    }
}

fn arrived(cloud: &FakeCloud, name: &str, visit: &Visit, token: &str) -> Response {
    redirect(&address(name, visit, "/done"), Some(cloud.browsers.session_cookie(token)))
}

/// The form may end on the service, by redirects.
fn leading_on(cloud: &FakeCloud, name: &str, visit: &Visit, response: Response) -> Response {
    let service = cloud.newcomer(name, visit).map(|newcomer| origin(&newcomer.service));
    with_policy(response, &format!("form-action 'self' {}", service.unwrap_or_default()))
}

fn with_policy(response: Response, more: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; {more}"
    );
    match HeaderValue::from_str(&policy) {
        Ok(policy) => ([(header::CONTENT_SECURITY_POLICY, policy)], response).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The origin of an address that was checked when it came in.
fn origin(address: &str) -> String {
    Url::parse(address).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// An address of this first login, in the language of the page that leads there.
fn address(name: &str, visit: &Visit, step: &str) -> String {
    let language = match visit.language {
        super::visit::Language::Chinese => "zh",
        super::visit::Language::English => "en",
    };
    format!("/first-login/{name}{step}?lang={language}")
}
