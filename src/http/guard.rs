//! Layer 5, http: what holds for every address: security headers, a bound on time, a page also for
//! a panic, and for addresses that do not exist.

use std::any::Any;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanic;

use super::context::Context;
use super::{Gateway, problem, show};
use crate::refusal::{Code, Refusal};

/// Marks a response that stands for a panic.
#[derive(Clone)]
struct Panicked;

/// Security headers of every response (B-20, B-24, B-25); pages bring their own policy.
pub(super) async fn headers(
    State(gateway): State<Gateway>,
    request: Request,
    next: Next,
) -> Response {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        let never = HeaderValue::from_static("no-cache, no-store, must-revalidate, private");
        headers.insert(header::CACHE_CONTROL, never);
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
    if gateway.strict_transport {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Bounds the time of a request, and shows a page where a handler took too long or panicked.
pub(super) async fn bounded(
    State(gateway): State<Gateway>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let context = Context::of(&parts);
    let request = Request::from_parts(parts, body);
    let answer = CatchPanic::custom(next, panicked).oneshot(request);
    let refused = match tokio::time::timeout(gateway.request_timeout, answer).await {
        Err(_) => Refusal::new(Code::TimedOut, "expected an answer in time, found none"),
        Ok(Ok(response)) if response.extensions().get::<Panicked>().is_some() => {
            Refusal::new(Code::Internal, "a handler panicked")
        }
        Ok(Ok(response)) => return response.map(Body::new),
        Ok(Err(never)) => match never {},
    };
    refuse(&gateway, &context, refused)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.extensions_mut().insert(Panicked);
    response
}

/// An address that does not exist.
pub(super) async fn not_found(State(gateway): State<Gateway>, context: Context) -> Response {
    let refused = Refusal::new(Code::NotFound, "expected an address of the gateway, found another");
    refuse(&gateway, &context, refused)
}

/// A method that an address does not take.
pub(super) async fn method_not_allowed(
    State(gateway): State<Gateway>,
    context: Context,
) -> Response {
    let refused = Refusal::new(Code::MethodNotAllowed, "expected another method");
    refuse(&gateway, &context, refused)
}

/// A page for people, a problem document for programs.
fn refuse(gateway: &Gateway, context: &Context, refused: Refusal) -> Response {
    if context.is_of_the_api() {
        return problem::of(context, &refused.into());
    }
    show::refusal(gateway, context, None, &refused)
}
