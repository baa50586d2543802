//! Every address of the simulated cloud on one screen, and what holds for all of them. Apart room
//! `fakecloud`; contract §10.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};

use super::fault::{Fault, Finding};
use super::first_login_pages as newcomers;
use super::{FakeCloud, acs, api, bounds, bss, console, link_api, login, pages, unbind};

/// The whole site.
pub(crate) fn router(cloud: Arc<FakeCloud>) -> Router {
    Router::new()
        .route("/", get(console::front))
        .route("/authui/saml/metadata.xml", get(console::metadata))
        .route("/authui/saml/login", get(login::login))
        .route("/authui/saml/SAMLAssertionConsumer", any(acs::consume))
        .route("/authui/saml/LogoutServiceHTTPRedirect", get(console::logged_out))
        .route("/authui/saml/LogoutServiceHTTPRedirectResponse", get(console::logged_out))
        .route("/authui/logout", get(console::log_out))
        .route("/iam/", get(console::console))
        .route("/iam/{*path}", get(console::console))
        .route("/console/", get(console::console))
        .route("/console/{*path}", get(console::console))
        .route("/provision", get(console::provision_form).post(console::provision))
        .route("/first-login/{name}", get(newcomers::create_page).post(newcomers::create))
        .route(
            "/first-login/{name}/existing",
            get(newcomers::existing_page).post(newcomers::existing),
        )
        .route("/first-login/{name}/done", get(newcomers::done))
        .route("/unbind", get(unbind::form).post(unbind::unbind))
        .route("/api/unbind", post(link_api::unbind))
        .route("/api/notification", post(link_api::notification))
        .route("/api/notifications", get(link_api::notifications))
        .route("/api/provision", post(api::provision))
        .route("/api/knobs", get(api::knobs).put(api::turn_knobs))
        .route("/api/faults", get(api::faults).put(api::set_faults))
        .route("/api/accounts", get(api::accounts).post(link_api::open_account))
        .route("/api/calls", get(api::calls))
        .route("/api/codes", get(api::codes))
        .route("/api/last", get(api::last))
        .route("/api/session", get(api::session))
        .route("/api/sp.pem", get(api::certificates))
        .route("/style.css", get(style))
        .route("/notify.js", get(script))
        .merge(bss::router())
        .fallback(console::nowhere)
        .layer(DefaultBodyLimit::max(bounds::PROVISION_BYTES))
        .layer(from_fn_with_state(Arc::clone(&cloud), guarded))
        .with_state(cloud)
}

/// Slowness on wish, a wall against other sites' pages, and the headers of every answer.
async fn guarded(State(cloud): State<Arc<FakeCloud>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let api = ["/api/", "/v2/", "/v3/"].iter().any(|start| path.starts_with(start));
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let delay = cloud.knobs().delay_ms;
    let mut response = if changes && !path.starts_with("/authui/") && cross_site(&cloud, &request) {
        let expected = "a page of this cloud, or no browser";
        let finding = Finding::new(Fault::CrossSite, expected, "a page of another site");
        pages::json_fault(&finding)
    } else {
        if !api && delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        next.run(request).await
    };
    harden(response.headers_mut());
    response
}

/// Browsers say where a call comes from; other callers say nothing.
fn cross_site(cloud: &FakeCloud, request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header("origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin != cloud.at.base,
        (None, None) => false,
    }
}

fn harden(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; style-src 'self'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    // Pages whose forms lead elsewhere bring their own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, include_str!("../../assets/fakecloud/style.css")).into_response()
}

async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, include_str!("../../assets/fakecloud/notify.js")).into_response()
}
