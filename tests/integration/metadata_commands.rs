//! `skybridge metadata lint` and `skybridge sp`, as an operator calls them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::program;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/metadata-lint");

fn skybridge(arguments: &[&str], input: Option<&Path>) -> Output {
    let input = input.map_or_else(Stdio::null, |path| std::fs::File::open(path).unwrap().into());
    let mut command = Command::new(program());
    command
        .args(arguments)
        .stdin(input)
        .env("MASTER", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// A document of the corpus without its end, which the clock of this machine may be beyond.
fn endless(folder: &Path, name: &str) -> String {
    let document = std::fs::read_to_string(format!("{CORPUS}/{name}.xml")).unwrap();
    let file = folder.join(format!("{name}.xml"));
    std::fs::write(&file, document.replace(" validUntil=\"2028-12-01T00:00:00Z\"", "")).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn lint_tells_findings_for_people_and_programs_and_ends_with_the_worst() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| endless(folder.path(), name);
    for (name, code, word) in [
        ("clean-small", 0, "can be used: errors 0, warnings 0, advice 1"),
        ("SBM-68", 0, "advice 2"),
        ("SBM-51", 3, "warnings 1"),
        ("SBM-86", 4, "cannot be used"),
    ] {
        let output = skybridge(&["metadata", "lint", &file(name)], None);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", text(&output));
        assert!(text(&output).contains(word), "{name}: {}", text(&output));
    }
    let json = skybridge(&["metadata", "lint", "-", "--json"], Some(Path::new(&file("SBM-86"))));
    let findings: Value = serde_json::from_slice(&json.stdout).unwrap();
    let codes: Vec<_> = findings.as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["SBM-49", "SBM-86"]);
    let absent = skybridge(&["metadata", "lint", "/nowhere/sp.xml"], None);
    assert_eq!(absent.status.code(), Some(1));
    // The command that prints our own metadata still wants a tenant.
    assert_eq!(skybridge(&["metadata"], None).status.code(), Some(2));
    let one =
        ["metadata", "lint", &file("SBM-24"), "--entity", "https://two.example/saml/metadata"];
    assert_eq!(skybridge(&one, None).status.code(), Some(0));
}

// Conformance A-097.
#[test]
fn lint_judges_validity_by_the_limits_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("skybridge.toml");
    let words = "[server]\nbase_url = \"https://sso.example\"\n\
                 [clouds]\nmetadata_valid_until = \"required\"\nmetadata_valid_within = \"14d\"\n\
                 [keys]\nmaster_key = { env = \"MASTER\" }\n\
                 [[tenant]]\nid = \"acme\"\nname = \"Acme\"\ncloud = \"generic\"\n\
                 portal_url = \"https://shop.example/\"\nsign_in = \"local\"\n";
    std::fs::write(&config, words).unwrap();
    let endless = endless(folder.path(), "clean-small");
    let far = folder.path().join("far.xml");
    let document = std::fs::read_to_string(&endless).unwrap();
    let until = "validUntil=\"2999-01-02T03:04:05Z\" entityID=";
    std::fs::write(&far, document.replacen("entityID=", until, 1)).unwrap();
    let config = config.to_str().unwrap();
    let far = far.to_str().unwrap();
    for (file, more, code, word) in [
        (endless.as_str(), &["--config", config][..], 4, "SBM-45"),
        (far, &["--config", config][..], 4, "SBM-44"),
        (&endless, &["--config", config, "--any-end"][..], 0, "can be used"),
        (far, &["--config", config, "--any-end"][..], 0, "SBM-43"),
        (&endless, &["--config", "/nowhere.toml"][..], 0, "can be used"),
    ] {
        let output = skybridge(&[&["metadata", "lint", file], more].concat(), None);
        assert_eq!(output.status.code(), Some(code), "{file} {more:?}: {}", text(&output));
        assert!(text(&output).contains(word), "{file} {more:?}: {}", text(&output));
    }
}

#[test]
fn sp_registers_shows_lists_and_removes_over_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("skybridge.toml");
    let words = "[server]\nbase_url = \"https://sso.example\"\n\
                 [ledger]\nurl = \"sqlite:ledger.sqlite3\"\n\
                 [keys]\nmaster_key = { env = \"MASTER\" }\n\
                 [[tenant]]\nid = \"acme\"\nname = \"Acme\"\ncloud = \"generic\"\n\
                 portal_url = \"https://shop.example/\"\nsign_in = \"local\"\n";
    std::fs::write(&config, words).unwrap();
    let clean = endless(folder.path(), "clean-small");
    let changed = folder.path().join("changed.xml");
    let document = std::fs::read_to_string(&clean).unwrap();
    std::fs::write(&changed, document.replace("/saml/acs", "/saml/in")).unwrap();
    let sp = |arguments: &[&str]| {
        let first = ["--config", config.to_str().unwrap(), "sp", "--tenant", "acme"];
        skybridge(&[&first[..], arguments].concat(), None)
    };
    let entity = "https://sp.example/saml/metadata";
    let changed = changed.to_str().unwrap();
    let bad = endless(folder.path(), "SBM-86");
    for (arguments, code, word) in [
        (&["diff", &clean][..], 0, "would be registered as version 1, new"),
        (&["list"][..], 0, ""),
        (&["add", &clean][..], 0, "is registered as version 1, new"),
        (&["diff", changed][..], 0, "+ assertion consumer: 0 https://sp.example/saml/in"),
        (&["add", changed][..], 0, "is registered as version 2"),
        (&["add", &bad][..], 4, "SBM-86"),
        (&["add", &clean, "--profile", "nope"][..], 1, "profile"),
        (&["list"][..], 0, "\t2\t"),
        (&["show", entity][..], 0, "version 2: registered"),
        (&["diff", changed, "--unsolicited"][..], 0, "+ unsolicited answers: taken"),
        (&["add", changed, "--unsolicited", "--relay-state", "/a"][..], 0, "+ RelayState: /a"),
        (&["show", entity][..], 0, "\nRelayState: /a\n"),
        (&["add", changed][..], 0, "- unsolicited answers: taken"),
        (&["add", changed, "--relay-state", "/a"][..], 2, "--unsolicited"),
        (&["remove", entity][..], 0, "removed"),
        (&["remove", entity][..], 1, "is removed"),
        (&["show", entity][..], 0, "version 5: removed"),
    ] {
        let output = sp(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(word), "{arguments:?}: {}", text(&output));
    }
    let nobody = ["--config", config.to_str().unwrap(), "sp", "list", "--tenant", "bolt"];
    assert_eq!(skybridge(&nobody, None).status.code(), Some(1));
}
