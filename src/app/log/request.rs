//! App (layer 6): the log's one line per request, and the numbers that go with it. What the line
//! says about the journey comes from the response's extensions ([`crate::journey`]); of the address
//! it names the route's template only: queries hold SAML messages, and paths may hold tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::journey::{Client, JourneyId, Outcome};
use crate::measure;
use crate::random::Random;

/// Middleware that gives every request a fresh [`JourneyId`] and logs how it ended.
///
/// Apply it with `Router::layer`, so that it knows the matched route, inside of
/// [`crate::app::proxy::see_client`] and outside of everything that can answer, catch a panic or
/// run out of time.
pub async fn log_request(
    State(random): State<Arc<dyn Random>>,
    mut request: Request,
    next: Next,
) -> Response {
    let line = Line {
        journey: JourneyId::fresh(&*random),
        method: known(request.method()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        client: request.extensions().get::<Client>().copied(),
        started: Instant::now(),
        answered: false,
    };
    request.extensions_mut().insert(line.journey.clone());
    let response = next.run(request).await;
    line.answer(&response);
    response
}

/// What is known of a request before its answer.
struct Line {
    journey: JourneyId,
    method: &'static str,
    route: Option<MatchedPath>,
    client: Option<Client>,
    started: Instant,
    answered: bool,
}

macro_rules! line {
    ($level:ident, $line:ident, $took:expr, $message:literal $(, $name:ident = $value:expr)*) => {
        tracing::$level!(
            target: "skybridge::request",
            journey = $line.journey.as_str(),
            method = $line.method,
            route = $line.route(),
            client = $line.client.map(|client| tracing::field::display(client.address)),
            took_ms = milliseconds($took),
            $($name = $value,)*
            $message
        )
    };
}

impl Line {
    fn answer(mut self, response: &Response) {
        self.answered = true;
        let took = self.started.elapsed();
        let status = response.status().as_u16();
        if let Some(journey) = response.extensions().get::<JourneyId>() {
            self.journey = journey.clone();
        }
        let nothing = Outcome::default();
        let outcome = response.extensions().get::<Outcome>().unwrap_or(&nothing);
        measure::request(self.route.as_ref().map(MatchedPath::as_str), status, took);
        if let Some(step) = outcome.step {
            measure::step(step);
        }
        if let Some(code) = outcome.code {
            measure::refused(code);
        }
        self.write(status, took, outcome);
    }

    fn write(&self, status: u16, took: Duration, outcome: &Outcome) {
        macro_rules! answered {
            ($level:ident) => {
                line!(
                    $level,
                    self,
                    took,
                    "request",
                    status = status,
                    tenant = outcome.tenant.as_deref(),
                    sp = outcome.sp.as_deref(),
                    customer = outcome.customer.as_deref(),
                    step = outcome.step,
                    code = outcome.code.map(tracing::field::display),
                    cause = outcome.cause.as_deref()
                )
            };
        }
        if status >= 500 && !self.is_probe() {
            answered!(error);
        } else if self.is_probe() {
            // Probes come every few seconds; `/health/ready` says no in good order while the
            // process leaves.
            answered!(debug);
        } else {
            answered!(info);
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn is_probe(&self) -> bool {
        let route = self.route();
        route.starts_with("/health/") || route == "/metrics"
    }
}

impl Drop for Line {
    /// Whoever leaves before the answer leaves a line, too.
    fn drop(&mut self) {
        if !self.answered {
            line!(info, self, self.started.elapsed(), "the client left before the answer");
        }
    }
}

/// The method, as one of few: strangers may invent others.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Milliseconds with microseconds behind the point.
fn milliseconds(took: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "microseconds of a request are below 2^52")]
    let micros = took.as_micros() as f64;
    micros / 1_000.0
}
