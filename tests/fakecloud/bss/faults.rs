//! Too many calls, and calls that the fault script makes fail (contract §7.1, §10).

use axum::body::to_bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};
use skybridge::fakecloud::{Api, Knobs, RetryAfterForm, Site};
use time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::{CHECK, CREATE, Desk, LIST, TOKENS, credentials, ok};

fn wish(id: &str) -> Value {
    json!({ "xaccount_id": id, "xaccount_type": "ZXT" })
}

/// Has the call broken off without a status?
async fn breaks(desk: &Desk, path: &str, body: &Value) -> bool {
    let request = desk.signed(path, &body.to_string());
    let response = desk.stage.router.clone().oneshot(request).await.unwrap();
    to_bytes(response.into_body(), usize::MAX).await.is_err()
}

#[tokio::test]
async fn the_eleventh_call_in_a_second_is_told_to_wait_in_seconds_or_until_a_date() {
    let desk = Desk::at(Site::Cn);
    for _ in 0..10 {
        ok(&desk.post(LIST, &json!({})).await);
    }
    let answer = desk.post(LIST, &json!({})).await;
    answer.says(429, "APIGW.0308", "limit:10,time:1 second");
    assert_eq!(answer.header("retry-after"), "1");
    let name = json!({ "search_type": "name", "search_value": "shop_one" });
    ok(&desk.post(CHECK, &name).await);
    ok(&desk.neighbour().post(LIST, &json!({})).await);
    let knobs = Knobs { retry_after: RetryAfterForm::Date, ..Knobs::default() };
    desk.cloud().set_knobs(knobs).unwrap();
    let answer = desk.post(LIST, &json!({})).await;
    assert_eq!(answer.header("retry-after"), "Fri, 02 Jan 2026 03:04:07 GMT");
    desk.advance(Duration::SECOND);
    ok(&desk.post(LIST, &json!({})).await);
    let calls = desk.stage.get("/api/calls", "").await.json();
    let due = json!({ "calls": 14, "refused": 0, "throttled": 2, "faulted": 0 });
    assert_eq!(calls["list_customers"], due);
    assert_eq!(calls["check_identity"]["calls"], 1);
}

#[tokio::test]
async fn an_error_comes_before_or_after_the_work() {
    let desk = Desk::at(Site::Cn);
    desk.faults(&json!([
        { "api": "create_customer", "when": { "call": 1 }, "effect": { "error": {} } },
        { "api": "create_customer", "when": { "call": 2 },
          "effect": { "error": { "code": "CBC.99000050", "at": "after_commit" } } },
    ]));
    desk.post(CREATE, &wish("c1")).await.says(500, "CBC.0999", "");
    assert_eq!(desk.cloud().accounts().len(), 1);
    let answer = desk.post(CREATE, &wish("c1")).await;
    answer.says(500, "CBC.99000050", "");
    assert_eq!(answer.json()["domain_id"], desk.cloud().accounts()[1].domain_id);
    desk.post(CREATE, &wish("c1")).await.says(400, "CBC.99000039", "");
    assert_eq!(desk.cloud().calls()[&Api::CreateCustomer].faulted, 2);
}

#[tokio::test]
async fn a_call_is_throttled_by_the_script_with_every_form_of_retry_after() {
    let desk = Desk::at(Site::Cn);
    desk.faults(&json!([
        { "api": "list_customers", "when": { "call": 1 }, "effect": { "throttle": { "seconds": 3 } } },
        { "api": "list_customers", "when": { "call": 2 }, "effect": { "throttle": { "date_in": 3 } } },
        { "api": "list_customers", "when": { "call": 3 }, "effect": { "throttle": "silent" } },
    ]));
    for due in ["3", "Fri, 02 Jan 2026 03:04:09 GMT", ""] {
        let answer = desk.post(LIST, &json!({})).await;
        answer.says(429, "APIGW.0308", "");
        assert_eq!(answer.header("retry-after"), due);
    }
    ok(&desk.post(LIST, &json!({})).await);
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_work() {
    let desk = Desk::at(Site::Cn);
    desk.faults(&json!([
        { "api": "create_customer", "when": { "call": 1 }, "effect": { "reset": "before_commit" } },
        { "api": "create_customer", "when": { "call": 2 }, "effect": { "reset": "after_commit" } },
    ]));
    assert!(breaks(&desk, CREATE, &wish("c1")).await);
    assert_eq!(desk.cloud().accounts().len(), 1);
    assert!(breaks(&desk, CREATE, &wish("c1")).await);
    assert_eq!(desk.cloud().accounts().len(), 2);
    desk.post(CREATE, &wish("c1")).await.says(400, "CBC.99000039", "");
}

#[tokio::test]
async fn a_broken_call_gets_no_octet_over_the_wire() {
    let desk = Desk::at(Site::Cn);
    let every =
        json!([{ "api": "token", "when": { "call": 1 }, "effect": { "reset": "before_commit" } }]);
    desk.faults(&every);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, desk.stage.router.clone()).into_future());
    let answer = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST {TOKENS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset and a plain end are both what was wanted.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    assert_eq!(answer().await, "");
    assert!(answer().await.starts_with("HTTP/1.1 400 "));
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_late_or_never_and_the_work_is_done_or_not() {
    let desk = Desk::at(Site::Cn);
    desk.faults(&json!([
        { "api": "create_customer", "when": { "call": 1 }, "effect": { "late_ms": 1500 } },
        { "api": "create_customer", "when": { "call": 2 }, "effect": { "never": "after_commit" } },
        { "api": "create_customer", "when": { "call": 3 }, "effect": { "never": "before_commit" } },
    ]));
    let begun = tokio::time::Instant::now();
    ok(&desk.post(CREATE, &wish("c1")).await);
    assert_eq!(begun.elapsed().as_millis(), 1500);
    for (id, accounts) in [("c2", 3), ("c3", 3)] {
        let minute = std::time::Duration::from_mins(1);
        let call = desk.stage.call(desk.signed(CREATE, &wish(id).to_string()));
        assert!(tokio::time::timeout(minute, call).await.is_err());
        assert_eq!(desk.cloud().accounts().len(), accounts);
    }
}

#[tokio::test]
async fn tokens_fail_by_the_script_too_and_calls_that_were_refused_do_not_count_for_it() {
    let desk = Desk::at(Site::Cn);
    desk.faults(&json!([
        { "api": "token", "when": { "call": 1 }, "effect": { "error": { "code": "CBC.0999" } } },
        { "api": "list_customers", "when": { "call": 1 }, "effect": { "error": {} } },
    ]));
    desk.stage
        .send(axum::http::Method::POST, TOKENS, "application/json", "{}")
        .await
        .says(500, "CBC.0999", "");
    let unsigned = desk.stage.send(axum::http::Method::POST, LIST, "application/json", "{}").await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
    desk.post(LIST, &json!({})).await.says(500, "CBC.0999", "");
    let wish = json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": {
        "name": credentials().user_name, "password": credentials().password,
        "domain": { "name": credentials().domain_name } } } } } });
    let kind = "application/json";
    let answer = desk.stage.send(axum::http::Method::POST, TOKENS, kind, &wish.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}
