//! Tests of the log: forging, form, and the line of a request.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower::ServiceExt as _;
use tracing::subscriber::{set_default, with_default};

use super::*;
use crate::journey::{JourneyId, Outcome};
use crate::random::{Random, SequenceRandom};
use crate::refusal::{Code, Refusal};

/// Collects what is written.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn subscriber(&self, format: LogFormat, levels: &str) -> impl Subscriber + Send + Sync {
        let sink = self.clone();
        subscriber(format, levels, move || sink.clone()).unwrap()
    }
}

const HOSTILE: &str = "x\r\n2026-01-01T00:00:00Z  INFO forged: \u{1b}[2Kadmin=yes \u{9b}31m\u{2028}\
                       \u{202e}\u{7f}\0\" tenant=other\\";

fn logged(format: LogFormat) -> String {
    let sink = Sink::default();
    with_default(sink.subscriber(format, "info"), || {
        tracing::info!(sp = HOSTILE, cause = %HOSTILE, debug = ?HOSTILE, "said {HOSTILE}");
        tracing::info!(empty = "", name = "李雷", number = 7, yes = true, "plain");
    });
    sink.text()
}

#[test]
fn no_field_and_no_message_can_forge_a_line_for_people() {
    let text = logged(LogFormat::Human);
    assert_eq!(text.lines().count(), 2, "{text}");
    let line = text.lines().next().unwrap();
    assert!(!line.contains(|c: char| c.is_control() || "\u{2028}\u{202e}".contains(c)), "{line:?}");
    // Inside its quotes the value shows what it was; it ends where it says.
    assert!(line.contains(r#" sp="x\r\n2026-01-01T00:00:00Z  INFO forged: \u{1b}[2Kadmin=yes "#));
    assert!(line.contains(r#"\0\" tenant=other\\" cause="x\r\n"#), "{line}");
}

#[test]
fn a_line_for_people_reads_well() {
    let text = logged(LogFormat::Human);
    let (head, tail) = text.lines().nth(1).unwrap().split_once("  INFO ").unwrap();
    assert!(head.ends_with('Z'), "{head}");
    let fields = "plain empty=\"\" name=\"李雷\" number=7 yes=true";
    assert_eq!(tail, format!("skybridge::app::log::tests: {fields}"));
}

#[test]
fn a_json_line_is_one_object_with_the_values_as_they_were() {
    let text = logged(LogFormat::Json);
    assert_eq!(text.lines().count(), 2, "{text}");
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["sp"], HOSTILE);
    assert_eq!(line["cause"], HOSTILE);
    assert_eq!(line["level"], "INFO");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

/// Sends a request through a router with the middleware and gives the log's lines about it.
async fn request(path: &str) -> Vec<serde_json::Value> {
    let sink = Sink::default();
    let logging = set_default(sink.subscriber(LogFormat::Json, "info"));
    let random: Arc<dyn Random> = Arc::new(SequenceRandom::new(1));
    let app = Router::new()
        .route("/{tenant}/launch", get(|| async { refuse() }))
        .route("/{tenant}/continue", get(continued))
        .route("/health/live", get(|| async { "" }))
        .route("/stuck", get(std::future::pending::<()>))
        .layer(from_fn_with_state(random, log_request));
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = app.oneshot(request);
    if path == "/stuck" {
        // Polled once, then dropped: the client goes away.
        tokio::select! { biased; _ = answer => {}, () = std::future::ready(()) => {} }
    } else {
        answer.await.unwrap();
    }
    drop(logging);
    sink.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn refuse() -> Response {
    let refusal =
        Refusal::new(Code::TicketExpired, "expected exp > 10, found 5").about("https://sp");
    let mut response = StatusCode::FORBIDDEN.into_response();
    response
        .extensions_mut()
        .insert(Outcome { tenant: Some("acme".into()), ..Outcome::refused(&refusal) });
    response
}

async fn continued(request: axum::extract::Request) -> Response {
    assert!(request.extensions().get::<JourneyId>().is_some());
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(JourneyId::parse("ABCDEFGHJK").unwrap());
    response
}

#[tokio::test]
async fn a_request_is_one_line_with_its_journey_and_without_its_query() {
    let lines = request("/acme/launch?ticket=SECRET-CANARY").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert!(!line.to_string().contains("CANARY"), "{line}");
    assert_eq!(line["route"], "/{tenant}/launch");
    assert_eq!(line["status"], 403);
    assert_eq!(line["tenant"], "acme");
    assert_eq!(line["code"], "SB-3002");
    assert_eq!(line["sp"], "https://sp");
    assert_eq!(line["cause"], "expected exp > 10, found 5");
    assert!(JourneyId::parse(line["journey"].as_str().unwrap()).is_some());
    assert!(line["took_ms"].is_number());
}

#[tokio::test]
async fn a_handler_that_continues_a_journey_names_it() {
    assert_eq!(request("/acme/continue").await[0]["journey"], "ABCDEFGHJK");
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_logged_without_its_path() {
    let lines = request("/acme/SECRET-CANARY").await;
    assert_eq!(lines[0]["route"], "none");
    assert_eq!(lines[0]["status"], 404);
    assert!(!lines[0].to_string().contains("CANARY"));
}

#[tokio::test]
async fn probes_are_logged_for_those_who_ask_only() {
    assert!(request("/health/live").await.is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_early_leaves_a_line() {
    let lines = request("/stuck").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["message"], "the client left before the answer");
    assert_eq!(lines[0]["route"], "/stuck");
}
