//! The xmlsec1 tool: another canonicaliser (libxml2's), signer and verifier of XML signatures.

use std::path::Path;
use std::process::Command;

/// Signs the template `document` as xmlsec1 does, with the options that name its key: fills every
/// `DigestValue` and the `SignatureValue`. Panics with the tool's words, or with one line that says
/// it is not installed.
pub(crate) fn sign(document: &str, options: &[&str]) -> String {
    let here = tempfile::tempdir().expect("a directory for one call");
    let (input, output) = (here.path().join("in.xml"), here.path().join("out.xml"));
    std::fs::write(&input, document).expect("room for the template");
    run(Command::new("xmlsec1")
        .arg("--sign")
        .args(options)
        .arg("--output")
        .arg(&output)
        .arg(&input))
    .unwrap_or_else(|report| panic!("{report}\nin {document}"));
    std::fs::read_to_string(output).expect("what xmlsec1 wrote")
}

/// Verifies the first signature of `document` with the certificate `pem` alone. `element`
/// (namespace, colon, local name) is the element whose `ID` the signature refers to. The error is
/// the tool's report.
pub(crate) fn verify(document: &str, pem: &Path, element: &str) -> Result<(), String> {
    let here = tempfile::tempdir().map_err(|e| e.to_string())?;
    let input = here.path().join("in.xml");
    std::fs::write(&input, document).map_err(|e| e.to_string())?;
    let mut xmlsec = Command::new("xmlsec1");
    xmlsec.args(["--verify", "--enabled-key-data", "rsa", "--pubkey-cert-pem"]).arg(pem);
    run(xmlsec.args(["--id-attr:ID", element]).arg(&input))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|e| format!("xmlsec1 does not start ({e}): apt-get install xmlsec1"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
