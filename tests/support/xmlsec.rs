//! The xmlsec1 tool: another canonicaliser (libxml2's), signer and verifier of XML signatures,
//! and another who encrypts and decrypts.

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

/// Verifies with the certificate `pem` alone, in each of `documents`, the signature that is a child
/// of `element` (namespace, colon, local name), whose `ID` it refers to. The error is the tool's
/// report about the first document that it refuses.
pub(crate) fn verify(documents: &[&str], pem: &Path, element: &str) -> Result<(), String> {
    let here = tempfile::tempdir().map_err(|e| e.to_string())?;
    let local = element.rsplit(':').next().unwrap_or_default();
    let signature = format!("//*[local-name()='{local}']/*[local-name()='Signature']");
    let mut xmlsec = Command::new("xmlsec1");
    xmlsec.args(["--verify", "--enabled-key-data", "rsa,ec", "--pubkey-cert-pem"]).arg(pem);
    xmlsec.args(["--id-attr:ID", element, "--node-xpath", &signature]);
    for (number, document) in documents.iter().enumerate() {
        let input = here.path().join(format!("{number}.xml"));
        std::fs::write(&input, document).map_err(|e| e.to_string())?;
        xmlsec.arg(input);
    }
    let report = run(&mut xmlsec)?;
    let accepted = report.lines().filter(|line| *line == "OK").count();
    if accepted == documents.len() {
        Ok(())
    } else {
        Err(format!("{accepted} of {} accepted: {report}", documents.len()))
    }
}

/// Decrypts the `EncryptedData` of `document` with the private key in the file `pem`.
pub(crate) fn decrypt(document: &str, pem: &Path) -> Result<String, String> {
    let here = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (input, output) = (here.path().join("in.xml"), here.path().join("out.xml"));
    std::fs::write(&input, document).map_err(|e| e.to_string())?;
    let mut xmlsec = Command::new("xmlsec1");
    xmlsec.args(["--decrypt", "--privkey-pem"]).arg(pem).arg("--output").arg(&output).arg(&input);
    run(&mut xmlsec)?;
    std::fs::read_to_string(output).map_err(|e| e.to_string())
}

/// Encrypts the element `local` of `document` for the certificate in the file `pem`, after a
/// `template` of `EncryptedData`, with a fresh key as `session` names it (`aes-256`).
pub(crate) fn encrypt(
    (document, local): (&str, &str),
    template: &str,
    session: &str,
    pem: &Path,
) -> Result<String, String> {
    let here = tempfile::tempdir().map_err(|e| e.to_string())?;
    let file = |name: &str| here.path().join(name);
    std::fs::write(file("data.xml"), document).map_err(|e| e.to_string())?;
    std::fs::write(file("template.xml"), template).map_err(|e| e.to_string())?;
    let mut xmlsec = Command::new("xmlsec1");
    xmlsec.args(["--encrypt", "--session-key", session, "--pubkey-cert-pem"]).arg(pem);
    xmlsec.arg("--xml-data").arg(file("data.xml"));
    xmlsec.args(["--node-xpath", &format!("//*[local-name()='{local}']")]);
    run(xmlsec.arg("--output").arg(file("out.xml")).arg(file("template.xml")))?;
    std::fs::read_to_string(file("out.xml")).map_err(|e| e.to_string())
}

/// What the tool says, if it is content.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|e| format!("xmlsec1 does not start ({e}): apt-get install xmlsec1"))?;
    let report = [output.stdout, output.stderr].concat();
    let report = String::from_utf8_lossy(&report).into_owned();
    if output.status.success() { Ok(report) } else { Err(report) }
}
