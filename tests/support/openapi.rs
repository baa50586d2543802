//! openapi-spec-validator and jsonschema, in the tests' own Python: whether the document is
//! `OpenAPI` 3.1, and whether answers are as it says.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::signxml::python;

/// The faults of the document, and of answers by the names of their schemas; one a line.
pub(crate) fn faults(document: &Value, answers: &[(&str, Value)]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/openapi.py");
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tests' Python starts");
    let answers: Vec<_> =
        answers.iter().map(|(schema, value)| json!({ "schema": schema, "value": value })).collect();
    let asked = json!({ "document": document, "answers": answers });
    let mut input = child.stdin.take().expect("it has an input");
    input.write_all(asked.to_string().as_bytes()).expect("it reads all of its input");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "openapi.py failed; its words are above");
    String::from_utf8(output.stdout).expect("it writes UTF-8")
}
