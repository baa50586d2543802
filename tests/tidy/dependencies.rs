//! What `deny.toml` says about crates and licences, held without network and without cargo-deny.

use std::process::Command;

use toml::{Table, Value};

use super::source::files;

/// Crates of the lock file that `deny.toml` refuses: by name, or by `name:<version`.
pub(crate) fn refused() -> Vec<String> {
    let lock = table("Cargo.lock");
    let locked: Vec<_> =
        list(&lock, "package").iter().map(|p| (text(p, "name"), text(p, "version"))).collect();
    let deny = table("deny.toml");
    let bans = list(deny["bans"].as_table().unwrap(), "deny");
    assert!(locked.len() > 100 && bans.len() > 4, "the files are not what this test reads");
    refusals(&locked, bans)
}

fn refusals(locked: &[(&str, &str)], bans: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for ban in bans {
        let spec = text(ban, "crate");
        let (banned, below) = spec.split_once(":<").unwrap_or((spec, ""));
        for (name, version) in locked.iter().filter(|(name, _)| *name == banned) {
            if below.is_empty() || numbers(version) < numbers(below) {
                let reason = text(ban, "reason");
                found.push(format!(
                    "Cargo.lock has {name} {version}, which deny.toml refuses: {reason}."
                ));
            }
        }
    }
    found
}

/// Packages under a licence that `deny.toml` does not allow, as cargo knows them without network.
pub(crate) fn licences() -> Vec<String> {
    let deny = table("deny.toml");
    let allowed = list(deny["licenses"].as_table().unwrap(), "allow");
    let allowed: Vec<_> = allowed.iter().map(|licence| licence.as_str().unwrap()).collect();
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform",
            &host,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo names {} packages", packages.len());
    let refused = packages.iter().filter(|package| {
        !package["license"].as_str().is_some_and(|licence| allows(&allowed, licence))
    });
    refused
        .map(|p| {
            format!("{} is under {}, which deny.toml does not allow.", p["name"], p["license"])
        })
        .collect()
}

/// Whether an SPDX expression (`A OR (B AND C)`, the old `A/B`) can be met with the allowed
/// licences.
fn allows(allowed: &[&str], expression: &str) -> bool {
    let expression = expression.trim();
    if let Some(parts) = split(expression, " OR ").or_else(|| split(expression, "/")) {
        return parts.into_iter().any(|part| allows(allowed, part));
    }
    if let Some(parts) = split(expression, " AND ") {
        return parts.into_iter().all(|part| allows(allowed, part));
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => allows(allowed, inner),
        None => allowed.contains(&expression),
    }
}

/// The parts of `expression` between `word`s outside of parentheses; none where there is no such
/// word.
fn split<'e>(expression: &'e str, word: &str) -> Option<Vec<&'e str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in expression.match_indices(word) {
        let before = &expression[..at];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(&expression[start..at]);
            start = at + word.len();
        }
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(&expression[start..]);
    Some(parts)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

fn table(file: &str) -> Table {
    files(file)[0].text.parse().unwrap()
}

fn list<'t>(table: &'t Table, name: &str) -> &'t [Value] {
    table[name].as_array().unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[test]
fn a_refused_crate_or_an_old_version_is_seen() {
    let deny: Table = "deny = [{ crate = 'a', reason = 'r' }, { crate = 'b:<0.41', reason = 'r' }]"
        .parse()
        .unwrap();
    let refused = |name, version| !refusals(&[(name, version)], list(&deny, "deny")).is_empty();
    assert!(refused("a", "9.0.0"));
    assert!(refused("b", "0.40.9"));
    assert!(!refused("b", "0.41.0") && !refused("b", "1.0.0") && !refused("c", "0.1.0"));
}

#[test]
fn a_licence_expression_is_met_by_allowed_licences_only() {
    let met = |expression| allows(&["MIT", "ISC"], expression);
    assert!(met("MIT") && met("GPL-3.0 OR MIT") && met("ISC AND MIT") && met("GPL-3.0/MIT"));
    assert!(met("ISC AND (MIT OR GPL-3.0)") && met("(GPL-3.0 AND X) OR MIT"));
    assert!(!met("GPL-3.0") && !met("ISC AND GPL-3.0") && !met("ISC AND (X OR GPL-3.0)"));
}
