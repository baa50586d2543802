//! The program as it is shipped: a process of its own, over sockets, with real stores. With
//! `SKYBRIDGE_BINARY=target/release/skybridge` it is the release build, which has no check that
//! only debug builds have (conformance C-46).

mod flat;
mod flood;

use std::fmt::Write as _;

use crate::support::gateway::hostile::{Hostile, messages, others};
use crate::support::gateway::process::{Process, seconds_since_start};
use crate::support::postgres::shared;
use crate::support::redis::RedisServer;
use crate::support::wire::Wire;

/// A gateway and its store.
struct Shipped {
    process: Process,
    _redis: RedisServer,
}

impl Shipped {
    async fn start() -> Self {
        let redis = RedisServer::start();
        let ledger = shared().database().await;
        Self { process: Process::start(&redis.url(), &ledger).await, _redis: redis }
    }
}

/// A hostile request as it goes over the wire.
fn octets(hostile: &Hostile) -> Vec<u8> {
    let Hostile { target, headers, .. } = hostile;
    let method = if hostile.body.is_some() { "POST" } else { "GET" };
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: gateway.example\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    if let Some((kind, body)) = &hostile.body {
        let length = body.len();
        write!(text, "Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    } else {
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// What is wrong with the answer to a hostile request, if anything.
async fn fault(process: &Process, hostile: &Hostile) -> Option<String> {
    let mut wire = Wire::open(process.address).await.unwrap();
    // Who sends too much is answered before all of it was taken.
    let _ = wire.send(&octets(hostile)).await;
    let answer = match wire.answer().await {
        Ok(answer) => answer,
        Err(error) => return Some(format!("{}: no answer: {error}", hostile.name)),
    };
    let code = answer.code();
    let is_refused = code.as_deref() == Some(hostile.code) && answer.status.is_client_error();
    let gives = ["name=\"SAMLResponse\"", "<script", "evil.example", "etc/passwd"];
    let gives = gives.iter().any(|part| answer.body.contains(part));
    let leads =
        answer.headers.contains_key("location") || answer.headers.contains_key("set-cookie");
    let wrong = !is_refused || gives || leads;
    wrong.then(|| format!("{}: expected {}, found {answer:?}", hostile.name, hostile.code))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_refuses_every_hostile_request_by_its_code() {
    let Shipped { process, _redis } = Shipped::start().await;
    assert!(process.serves_a_customer().await, "{}", process.log());
    let at = seconds_since_start();
    let mut faults = Vec::new();
    for hostile in messages(at).iter().chain(&others(at)) {
        if !hostile.is_of_a_moment() {
            faults.extend(fault(&process, hostile).await);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(process.serves_a_customer().await, "{}", process.log());
    let log = process.log();
    assert!(!log.contains("panicked"), "{log}");
    assert!(!log.contains("SB-5003"), "{log}");
}
