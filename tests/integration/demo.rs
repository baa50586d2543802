//! The demo's own check, run by the real binary: whole journeys from the partner's click to the
//! cloud's console, in memory and with Redis, and what it leaves behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::demo::DemoProcess;
use crate::support::program;
use crate::support::redis::RedisServer;
use crate::support::schema::{self, Schema};
use crate::support::xmlsec;

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
const RESPONSE: &str = "urn:oasis:names:tc:SAML:2.0:protocol:Response";

fn check(arguments: &[&str], redis: Option<&str>) -> Output {
    let mut command = Command::new(program());
    command.args(["demo", "--check", "--port-base", "0"]).args(arguments);
    command.env_remove("SKYBRIDGE_REDIS_URL").env_remove("SKYBRIDGE_API_KEY");
    if let Some(url) = redis {
        command.env("SKYBRIDGE_REDIS_URL", url);
    }
    command.output().unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The report on standard output.
fn printed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn failed_hops(report: &Value) -> Vec<&Value> {
    report["hops"].as_array().unwrap().iter().filter(|hop| hop["verdict"] != "passed").collect()
}

#[test]
fn the_demo_checks_itself_and_keeps_messages_that_others_can_verify() {
    let here = tempfile::tempdir().unwrap();
    let (kept, report) = (here.path().join("kept"), here.path().join("report.xml"));
    let output = check(
        &["--json", "--keep", kept.to_str().unwrap(), "--report", report.to_str().unwrap()],
        None,
    );
    let printed = printed(&output);
    assert_eq!(failed_hops(&printed), Vec::<&Value>::new());
    assert!(output.status.success());
    assert_eq!(printed["verdict"], "passed");
    assert!(printed["passed"].as_u64().unwrap() > 100, "{}", printed["passed"]);

    let junit = std::fs::read_to_string(report).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    assert_eq!(junit.matches("<testcase ").count() as u64, printed["passed"].as_u64().unwrap());

    let index = json(&kept.join("index.json"));
    let mut verdicts: Vec<&str> = Vec::new();
    for message in index["messages"].as_array().unwrap() {
        let document = std::fs::read_to_string(kept.join(text(&message["file"]))).unwrap();
        let certificate = kept.join(text(&message["certificate"]));
        assert!(certificate.exists(), "{message}");
        schema::assert_valid(Schema::Protocol, &document);
        if message["kind"] == "Response" {
            let verdict = text(&message["verdict"]);
            verdicts.push(verdict);
            // An answer without an assertion is signed as a whole.
            let signed = if verdict == "FC-216" { RESPONSE } else { ASSERTION };
            let verified = xmlsec::verify(&[&document], &certificate, signed);
            match verdict {
                "FC-317" => assert!(verified.is_err(), "{message}"),
                _ => verified.unwrap_or_else(|report| panic!("{report}\nof {message}")),
            }
        }
    }
    for verdict in ["accepted", "FC-317", "FC-216"] {
        assert!(verdicts.contains(&verdict), "{verdicts:?}");
    }
}

#[test]
fn the_demo_checks_itself_with_sessions_in_redis() {
    let redis = RedisServer::start();
    let output = check(&["--json"], Some(&redis.url()));
    assert_eq!(failed_hops(&printed(&output)), Vec::<&Value>::new());
    assert!(output.status.success());
    let held = redis.contents();
    assert!(held.iter().any(|held| held.key.starts_with("skybridge-demo:")), "{held:?}");
}

#[test]
fn a_cloud_that_misbehaves_fails_the_check() {
    let output = check(&["--json", "--request-signature", "broken"], None);
    assert_eq!(output.status.code(), Some(1));
    let report = printed(&output);
    assert_eq!(report["verdict"], "failed");
    let failed = failed_hops(&report);
    let first = failed.first().unwrap();
    assert_eq!(first["case"], "a ticket by the API");
    assert!(text(&first["detail"]).contains("SB-2006"), "{first}");
}

#[test]
fn a_gateway_that_runs_already_is_checked_from_outside() {
    let demo = DemoProcess::start();
    let (gateway, cloud, key) = (&demo.gateway, &demo.cloud, &demo.api_key);
    let named = ["--base-url", gateway, "--cloud", cloud, "--tenant", "acme", "--api-key", key];
    let output = check(&[&named[..], &["--new-user", "cust-1002", "--json"]].concat(), None);
    let report = printed(&output);
    assert!(output.status.success(), "{report}");
    assert_eq!(report["failed"], 0);
    let not_run = failed_hops(&report);
    let cases: Vec<&str> = not_run.iter().map(|hop| text(&hop["case"])).collect();
    // No ticket key, no local user, no other tenant, no hand on the gateway's clock is given.
    let expected = [
        "a ticket signed by the partner",
        "a password at the gateway",
        "an account opened on the gateway's own page",
        "tickets that do not count",
        "a cloud that changes its certificate",
    ];
    assert_eq!(cases, expected);
}

#[test]
fn what_cannot_be_tried_at_a_deployed_gateway_is_not_run_and_not_passed() {
    // Nobody listens there: everything that is tried fails, the rest is not run. One key in 64
    // begins with a hyphen.
    let nobody = "http://127.0.0.1:9";
    let output = check(
        &["--base-url", nobody, "--cloud", nobody, "--tenant", "acme", "--api-key", "-X", "--json"],
        None,
    );
    assert_eq!(output.status.code(), Some(1));
    let report = printed(&output);
    assert_eq!(report["passed"], 0);
    assert!(report["not_run"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(program())
        .args(["demo", "--port-base", &port])
        .env_remove("SKYBRIDGE_REDIS_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&port) && said.contains("--port-base"), "{said}");
}

#[test]
fn the_printed_configuration_is_one_that_the_gateway_takes() {
    let here = tempfile::tempdir().unwrap();
    let (file, printed) = configuration(here.path());
    assert_eq!(printed, std::fs::read_to_string(&file).unwrap());
    let check = check_configuration(&file);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

#[test]
fn where_the_profile_names_no_documents_to_agree_to_the_tenant_has_to() {
    let here = tempfile::tempdir().unwrap();
    let (file, printed) = configuration(here.path());
    let (before, direct) = printed.split_once("id = \"acme-direct\"").unwrap();
    let direct = direct.replacen("huawei-cn", "huawei-eu", 1);
    std::fs::write(&file, format!("{before}id = \"acme-direct\"{direct}")).unwrap();
    let check = check_configuration(&file);
    assert!(!check.status.success());
    let said = String::from_utf8(check.stderr).unwrap();
    assert!(said.contains("`cloud_override.agreements`"), "{said}");

    let named = "[tenant.cloud_override.agreements]\n\
                 user_agreement = \"https://cloud.example/agreement\"\n\
                 privacy_statement = \"https://cloud.example/privacy\"\n\n\
                 [[tenant.service_provider]]";
    let direct = direct.replacen("[[tenant.service_provider]]", named, 1);
    std::fs::write(&file, format!("{before}id = \"acme-direct\"{direct}")).unwrap();
    let check = check_configuration(&file);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// The demo's configuration in a directory of its own: its file, and what was printed.
fn configuration(here: &Path) -> (PathBuf, String) {
    let directory = here.join("demo");
    let demo = Command::new(program())
        .args(["demo", "--print-config", "--dir", directory.to_str().unwrap()])
        .env_remove("SKYBRIDGE_REDIS_URL")
        .output()
        .unwrap();
    assert!(demo.status.success());
    (directory.join("skybridge.toml"), String::from_utf8(demo.stdout).unwrap())
}

fn check_configuration(file: &Path) -> Output {
    Command::new(program()).args(["check", "--config", file.to_str().unwrap()]).output().unwrap()
}
