//! signxml, cryptography and lxml, in a Python of the tests' own that `tests/run --prepare` makes:
//! a third verifier and canonicaliser of XML signatures, and a second who decrypts. One process
//! judges many documents.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A document to be judged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Asked {
    pub text: String,
    /// The local names of the elements whose own signature has to hold.
    pub signed: &'static [&'static str],
    /// The prefixes of `InclusiveNamespaces`.
    pub prefixes: &'static [&'static str],
}

/// What signxml and lxml find.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Judged {
    /// Why the document is refused; nothing else is filled then.
    pub error: Option<String>,
    /// By local name, the exclusive canonical form of the signed element without its signature.
    pub canonical: BTreeMap<String, String>,
    /// The values of the attributes, as the verified octets say them.
    pub values: Vec<String>,
    pub issuer: String,
    pub request: Option<String>,
    pub name_id: Option<String>,
}

/// Judges every document with the certificate `pem` alone. Panics with one line when the Python is
/// not there.
pub(crate) fn judge(pem: &str, documents: &[Asked]) -> Vec<Judged> {
    let asked = serde_json::json!({ "certificate": pem, "documents": documents });
    let judged: Vec<Judged> =
        serde_json::from_slice(&ask("judge.py", &asked)).expect("it writes JSON");
    assert_eq!(judged.len(), documents.len());
    judged
}

/// What cryptography and lxml find in something encrypted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Unsealed {
    /// Why it is refused; nothing else is filled then.
    pub error: Option<String>,
    /// The document with what was inside.
    pub text: String,
    /// What was inside, octet by octet.
    pub plain: String,
    pub cipher: String,
    pub transport: String,
    pub digest: Option<String>,
    pub mask: Option<String>,
}

/// Decrypts every document with the private key `pem`.
pub(crate) fn unseal(pem: &str, documents: &[&str]) -> Vec<Unsealed> {
    let asked = serde_json::json!({ "key": pem, "documents": documents });
    serde_json::from_slice(&ask("unseal.py", &asked)).expect("it writes JSON")
}

/// What a script of ours answers.
fn ask(script: &str, asked: &serde_json::Value) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(script);
    let mut child = Command::new(python())
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests' Python starts");
    let mut input = child.stdin.take().expect("it has an input");
    input.write_all(asked.to_string().as_bytes()).expect("it reads all of its input");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{} failed; its words are above", script.display());
    output.stdout
}

/// The tests' own Python. Panics with one line when it is not there.
pub(crate) fn python() -> PathBuf {
    let python = place().join("bin/python");
    assert!(python.exists(), "the tests' Python is not installed: run tests/run --prepare");
    python
}

/// Where `tests/run` puts the Python.
fn place() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("foreign")
}
