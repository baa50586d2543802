//! `skybridge explain`, as an operator calls it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::gateway::cloud::SP;

const NOW: &str = "2026-01-02T03:04:05Z";

/// A directory with a configuration, a key and a registered service provider.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let words = "[server]\nbase_url = \"https://sso.example\"\n\
                 [ledger]\nurl = \"sqlite:ledger.sqlite3\"\n\
                 [keys]\ndirectory = \"keys\"\nmaster_key = { env = \"MASTER\" }\n\
                 [[tenant]]\nid = \"acme\"\nname = \"Acme\"\ncloud = \"generic\"\n\
                 portal_url = \"https://shop.example/\"\nsign_in = \"local\"\n\
                 [[tenant.service_provider]]\nmetadata = \"sp.xml\"\n";
    std::fs::write(home.path().join("skybridge.toml"), words).unwrap();
    std::fs::write(home.path().join("sp.xml"), SP.metadata()).unwrap();
    let made = run(home.path(), &["keys", "new", "--tenant", "acme"], "");
    assert!(made.status.success(), "{}", text(&made));
    home
}

fn run(home: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skybridge"));
    command
        .args(arguments)
        .current_dir(home)
        .env("MASTER", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
        .env_remove("SKYBRIDGE_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads nothing may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

fn request(attributes: &str) -> String {
    format!(
        "<p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_cli\" \
         Version=\"2.0\" IssueInstant=\"{NOW}\" Destination=\"https://sso.example/acme/saml/sso\" \
         {attributes}><a:Issuer xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</a:Issuer>\
         </p:AuthnRequest>",
        SP.entity_id
    )
}

/// Every file, with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn explain_answers_people_and_programs_and_its_exit_code_says_how_it_ends() {
    let home = home();
    let before = contents(home.path());
    let good = request("");
    let foreign = good.replace(SP.entity_id, "https://stranger.example");
    let passive = request("IsPassive=\"true\"");
    for (arguments, input, code, words) in [
        (&["-"][..], good.as_str(), 0, &["✓ Issuer", "a page to sign in on", "RSA-SHA256"][..]),
        (
            &["-"][..],
            &foreign,
            1,
            &[
                "✗ Issuer",
                "SB-2003",
                "– Signature",
                "skybridge sp add",
                "registered with acme: https://sp.example/saml",
            ],
        ),
        (&["-"][..], &passive, 0, &["Responder / NoPassive", "an assertion to"]),
        (&["-"][..], "nonsense", 2, &["tried base64"]),
        (&["--file", "nowhere.xml"][..], "", 2, &["nowhere.xml"]),
        (&["--file", "sp.xml"][..], "", 0, &["Registered", "it can be registered"]),
        (&["--tenant", "nobody", "-"][..], &good, 1, &["✗ Tenant", "SB-2001"]),
        (
            &["https://sso.example/acme/saml/sso?SAMLRequest=%2A"][..],
            "",
            1,
            &["✗ base64", "SB-1004"],
        ),
        (&[][..], "", 2, &["MESSAGE"]),
    ] {
        let all = [&["explain", "--at", NOW][..], arguments].concat();
        let output = run(home.path(), &all, input);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        for word in words {
            assert!(text.to_lowercase().contains(&word.to_lowercase()), "{word}: {text}");
        }
        // No terminal, no colours.
        assert!(!text.contains('\x1b'), "{text}");
    }
    let output = run(home.path(), &["explain", "--at", NOW, "--json", "-"], &foreign);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["kind"], "AuthnRequest");
    assert_eq!(report["welcome"], false);
    assert_eq!(report["branches"][0]["outcome"], "refused");
    assert_eq!(report["branches"][0]["code"], "SB-2003");
    assert_eq!(report["branches"][0]["http"], 403);
    assert_eq!(report["branches"][0]["page"]["owner"], "partner");
    assert_eq!(report["message"]["name"], "AuthnRequest");
    let issuer = report["checks"].as_array().unwrap().iter().find(|row| row["name"] == "Issuer");
    assert_eq!(issuer.unwrap()["end"], "failed");
    let output = run(home.path(), &["explain", "--at", NOW, "--json", "-"], &good);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["welcome"], &report["reply"]["acs"]), (&true.into(), &SP.acs.into()));
    assert_eq!(contents(home.path()), before, "something was written");
}

#[test]
fn explain_knows_what_was_uploaded_and_leaves_the_ledger_as_it_is() {
    let home = home();
    let other = SP.metadata().replace(SP.entity_id, "https://uploaded.example");
    std::fs::write(home.path().join("other.xml"), other).unwrap();
    let added = run(home.path(), &["sp", "add", "--tenant", "acme", "other.xml"], "");
    assert!(added.status.success(), "{}", text(&added));
    let message = request("").replace(SP.entity_id, "https://uploaded.example");
    let output = run(home.path(), &["explain", "--at", NOW, "-"], &message);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let listed = run(home.path(), &["sp", "list", "--tenant", "acme"], "");
    assert!(text(&listed).contains("https://uploaded.example\t1\t"), "{}", text(&listed));
}

#[test]
fn explain_says_how_it_is_called_and_lets_no_message_steer_a_terminal() {
    let home = home();
    let output = run(home.path(), &["explain", "--help"], "");
    for word in ["Examples:", "Exit code:", "--json", "--at", "--address", "--tenant", "--file"] {
        assert!(text(&output).contains(word), "{word}: {}", text(&output));
    }
    let hostile = "https://sso.example/acme/saml/sso?SAMLRequest=%1B%5B31m";
    let output = run(home.path(), &["explain", hostile], "");
    assert!(!text(&output).contains('\x1b'));
    let message = request("ProviderName=\"\u{202E}evil\u{9B}31m\"");
    let output = run(home.path(), &["explain", "--at", NOW, "-"], &message);
    let shown = text(&output);
    assert!(shown.contains("\\u{202e}evil\\u{9b}31m"), "{shown}");
}
