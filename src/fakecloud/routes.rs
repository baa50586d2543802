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
use super::{FakeCloud, acs, api, bounds, console, login, pages};

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
        .route("/api/provision", post(api::provision))
        .route("/api/knobs", get(api::knobs).put(api::turn_knobs))
        .route("/api/faults", get(api::faults).put(api::set_faults))
        .route("/api/accounts", get(api::accounts))
        .route("/api/last", get(api::last))
        .route("/api/session", get(api::session))
        .route("/api/sp.pem", get(api::certificates))
        .route("/style.css", get(style))
        .fallback(console::nowhere)
        .layer(DefaultBodyLimit::max(bounds::PROVISION_BYTES))
        .layer(from_fn_with_state(Arc::clone(&cloud), guarded))
        .with_state(cloud)
}

/// Slowness on wish, a wall against other sites' pages, and the headers of every answer.
async fn guarded(State(cloud): State<Arc<FakeCloud>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let api = path.starts_with("/api/");
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
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
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
