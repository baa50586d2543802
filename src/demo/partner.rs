//! Room demo (layer 6): a small sales platform, as a partner would have one. Its customers are
//! signed in; its back end lets them through to the cloud, by a ticket of the gateway's API or by
//! one that it signs itself.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;

use super::home::Secrets;
use super::people::{CUSTOMERS, Person};
use super::ticket::{Api, Customer, Signer};
use super::{Addresses, BRAVO, DIRECT, Error, TENANT, TICKET_KID, account_type};
use crate::app::parts::System;
use crate::app::resolve::Names;
use crate::page::Language;
use crate::random;

/// Who is signed in here.
const USER_COOKIE: &str = "__Host-partner-user";
/// The pages of the cloud that the site links to: name in addresses, path at the cloud, Chinese,
/// English.
const PAGES: [(&str, &str, &str, &str); 5] = [
    ("console", "/iam/", "云控制台", "Cloud console"),
    ("servers", "/console/ecs/?region=cn-north-4&tab=list", "云服务器", "Servers"),
    ("networks", "/console/vpc/", "网络", "Networks"),
    ("storage", "/console/obs/#/buckets", "存储", "Storage"),
    ("renewals", "/console/renewals/?from=partner", "续费", "Renewals"),
];

/// The site.
pub(super) struct Site {
    at: Addresses,
    api_key: SecretString,
    client: Client,
    signer: Signer,
    system: System,
}

impl Site {
    /// Puts the site together.
    pub(super) fn new(
        at: &Addresses,
        secrets: &Secrets,
        system: &System,
    ) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            at: at.clone(),
            api_key: secrets.api_key.clone(),
            client: client()?,
            signer: signer(secrets)?,
            system: system.clone(),
        }))
    }

    /// Every address of the site.
    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(home))
            .route("/switch", axum::routing::post(switch))
            .route("/go/{how}/{page}", get(go))
            .route("/login", get(login_page).post(login))
            .route("/style.css", get(style))
            .route("/icon.svg", get(icon))
            .fallback(nowhere)
            .layer(from_fn_with_state(Arc::clone(self), guarded))
            .with_state(Arc::clone(self))
    }

    /// Whether a form came from a page of this site, or from no browser.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        header("origin").is_none_or(|origin| origin == self.at.partner)
            && header("sec-fetch-site").is_none_or(|from| matches!(from, "same-origin" | "none"))
    }

    /// The gateway's API, for the tenant of a customer.
    fn api(&self, person: &Person) -> Api {
        Api {
            base: format!("{}/api/v1/{}", self.at.gateway, person.tenant),
            key: self.api_key.clone(),
            client: self.client.clone(),
        }
    }

    /// Whether the customer has a cloud account: the gateway knows it of those whom it has met.
    async fn is_linked(&self, person: &Person) -> bool {
        let met = self.api(person).get(&format!("/customers/{}", person.user_id)).await;
        met.body["state"].as_str().map_or(person.linked, |state| state == "linked")
    }

    /// A one-time address for a customer.
    async fn hand_off(&self, how: How, person: &Person, service: Option<String>) -> Handed {
        let customer = customer(person, service);
        let id = random::token(&*self.system.random);
        match how {
            How::Api => self.api(person).ask(&id, &customer).await.url(),
            How::Jwt => {
                let signer = self.signer.with_audience(audience(person.tenant));
                let ticket =
                    signer.sign(&signer.claims(&customer, self.system.clock.now(), &id))?;
                Ok(format!("{}/{}/launch?ticket={ticket}", self.at.gateway, person.tenant))
            }
        }
    }
}

/// The address, or why there is none.
type Handed = Result<String, String>;

/// How the back end lets a customer through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    /// By asking the gateway.
    Api,
    /// By signing.
    Jwt,
}

/// An HTTP client that finds `*.localhost` and follows nothing.
pub(super) fn client() -> Result<Client, Error> {
    Client::builder()
        .no_proxy()
        .dns_resolver(Names)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(20))
        .build()
        .map_err(|error| Error::Part(error.to_string()))
}

/// The signer of the demo's tickets.
pub(super) fn signer(secrets: &Secrets) -> Result<Signer, Error> {
    Signer::new(TICKET_KID, &audience(TENANT), &secrets.ticket_key).map_err(Error::Part)
}

/// The gateway's entityID for the tenant, as the configuration derives it.
fn audience(tenant: &str) -> String {
    format!("https://gateway.localhost/{tenant}")
}

/// What the back end says about a customer.
pub(super) fn customer(person: &Person, service: Option<String>) -> Customer {
    Customer {
        user_id: person.user_id.to_owned(),
        name: Some(person.account_name.to_owned()),
        mobile: Some(person.mobile.to_owned()),
        email: Some(person.email.to_owned()),
        service,
        ..Customer::default()
    }
}

/// What every page has.
struct Frame {
    language: Language,
    /// The same page in the other language.
    switch_to: Option<String>,
}

impl Frame {
    fn of(headers: &HeaderMap, uri: &axum::http::Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let pairs = || url::form_urlencoded::parse(query.as_bytes());
        let asked = pairs().find(|(name, _)| name == "lang").map(|(_, value)| value.into_owned());
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = Language::choose(asked.as_deref(), accept);
        let mut other = url::form_urlencoded::Serializer::new(String::new());
        other.extend_pairs(pairs().filter(|(name, _)| name != "lang"));
        other.append_pair("lang", language.other().tag());
        Self { language, switch_to: Some(format!("{}?{}", uri.path(), other.finish())) }
    }

    fn say<'a>(&self, chinese: &'a str, english: &'a str) -> &'a str {
        match self.language {
            Language::Zh => chinese,
            Language::En => english,
        }
    }
}

#[derive(Template)]
#[template(path = "demo/home.html")]
struct Home<'a> {
    frame: Frame,
    at: &'a Addresses,
    user: &'a Person,
    /// Whether they have a cloud account.
    linked: bool,
    from_cloud: String,
    bravo: &'a str,
}

#[derive(Template)]
#[template(path = "demo/login.html")]
struct Login<'a> {
    frame: Frame,
    handle: &'a str,
    people: Vec<&'static Person>,
}

#[derive(Template)]
#[template(path = "demo/notice.html")]
struct Notice<'a> {
    frame: Frame,
    title: (&'a str, &'a str),
    text: (&'a str, &'a str),
    detail: &'a str,
}

/// `GET /`.
async fn home(State(site): State<Arc<Site>>, request: Request) -> Response {
    let user = signed_in(request.headers());
    let from_cloud = format!(
        "{}/authui/saml/login?xAccountType={}&isFirstLogin=false",
        site.at.cloud,
        account_type(user.tenant)
    );
    page(
        StatusCode::OK,
        &Home {
            frame: Frame::of(request.headers(), request.uri()),
            at: &site.at,
            user,
            linked: site.is_linked(user).await,
            from_cloud,
            bravo: BRAVO,
        },
    )
}

#[derive(Deserialize)]
struct Chosen {
    user: String,
    #[serde(default, rename = "continue")]
    handle: Option<String>,
}

/// `POST /switch`: becomes another customer.
async fn switch(Form(chosen): Form<Chosen>) -> Response {
    match person(&chosen.user) {
        Some(person) => see_other("/", Some(person)),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// `GET /go/{how}/{page}`: off to a page of the cloud.
async fn go(
    State(site): State<Arc<Site>>,
    Path((how, name)): Path<(How, String)>,
    request: Request,
) -> Response {
    let Some((_, path, ..)) = PAGES.iter().find(|(known, ..)| *known == name) else {
        return nowhere(request).await;
    };
    let service = format!("{}{path}", site.at.cloud);
    let handed = site.hand_off(how, signed_in(request.headers()), Some(service)).await;
    let frame = Frame::of(request.headers(), request.uri());
    answer(handed, None, frame)
}

#[derive(Deserialize)]
struct Continuation {
    #[serde(default, rename = "continue")]
    handle: Option<String>,
    /// The tenant for which somebody is to sign in.
    store: Option<String>,
}

/// `GET /login?store=…&continue=…`: a journey began at the cloud; who is it?
async fn login_page(Query(continuation): Query<Continuation>, request: Request) -> Response {
    let frame = Frame::of(request.headers(), request.uri());
    let handle = continuation.handle.unwrap_or_default();
    let store = continuation.store.as_deref().unwrap_or(TENANT);
    let people = CUSTOMERS.iter().filter(|person| person.tenant == store).collect();
    page(StatusCode::OK, &Login { frame, handle: &handle, people })
}

/// `POST /login`: signs in and goes on with the journey that waits at the gateway.
async fn login(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Response {
    let Some(person) = person(&chosen.user) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(handle) = chosen.handle.filter(|handle| !handle.is_empty()) else {
        return see_other("/", Some(person));
    };
    let handle: String = url::form_urlencoded::byte_serialize(handle.as_bytes()).collect();
    let now = crate::saml::types::format_instant(site.system.clock.now());
    let signed_in = Customer { authenticated_at: Some(now), ..customer(person, None) };
    let id = random::token(&*site.system.random);
    let handed = site.api(person).ask(&id, &signed_in).await.url();
    let frame = Frame { switch_to: None, ..Frame::of(&headers, &axum::http::Uri::default()) };
    answer(handed.map(|url| format!("{url}&continue={handle}")), Some(person), frame)
}

fn answer(handed: Handed, person: Option<&Person>, frame: Frame) -> Response {
    match handed {
        Ok(url) => see_other(&url, person),
        Err(detail) => page(
            StatusCode::BAD_GATEWAY,
            &Notice {
                frame,
                title: ("暂时无法前往云控制台", "The cloud console cannot be reached now"),
                text: ("网关没有给出票据。", "The gateway gave no ticket."),
                detail: &detail,
            },
        ),
    }
}

async fn nowhere(request: Request) -> Response {
    let notice = Notice {
        frame: Frame { switch_to: None, ..Frame::of(request.headers(), request.uri()) },
        title: ("没有此页面", "No such page"),
        text: ("商城中没有这个地址。", "The store has no such address."),
        detail: "",
    };
    page(StatusCode::NOT_FOUND, &notice)
}

async fn style() -> Response {
    let css = concat!(
        include_str!("../../assets/style.css"),
        include_str!("../../assets/demo/partner.css")
    );
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

async fn icon() -> Response {
    let svg = include_str!("../../assets/demo/partner.svg");
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

/// What holds for every answer. Forms end in redirects to the gateway and the cloud, which
/// `form-action` also judges.
async fn guarded(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let foreign = *request.method() == Method::POST && !site.is_own(request.headers());
    let mut response =
        if foreign { StatusCode::FORBIDDEN.into_response() } else { next.run(request).await };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {} {}; \
         frame-ancestors 'none'; base-uri 'none'",
        site.at.gateway, site.at.cloud
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: with it browsers send `Origin: null` with the forms of this very site.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn person(login: &str) -> Option<&'static Person> {
    CUSTOMERS.iter().find(|person| person.login == login)
}

/// Who the cookie says; the first customer where there is none, for all are "signed in".
fn signed_in(headers: &HeaderMap) -> &'static Person {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| if name == USER_COOKIE { person(value) } else { None })
        .unwrap_or(&CUSTOMERS[0])
}

fn see_other(url: &str, person: Option<&Person>) -> Response {
    let Ok(location) = HeaderValue::try_from(url) else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    let cookie = person
        .map(|p| format!("{USER_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", p.login));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
