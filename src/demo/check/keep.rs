//! Room demo (layer 6): every message of a check as a file, with the certificates that verify it.
//! The messages hold what the customers of the check are called; keep the directory private.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};

use super::Target;
use super::report::Report;
use crate::saml::names::ns;
use crate::saml::xml::{self, Limits};

/// The cloud's certificates.
const SP: &str = "sp.pem";
/// The main tenant's certificate.
const IDP: &str = "idp.pem";

/// Writes the messages of a report into a directory, with an `index.json`.
///
/// # Errors
/// When a file cannot be written.
pub fn keep(report: &Report, directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut index = Vec::new();
    let main = report.messages.first().map(|message| message.tenant.as_str()).unwrap_or_default();
    for (number, message) in report.messages.iter().enumerate() {
        let file = format!("{:02}-{}.xml", number + 1, message.kind);
        fs::write(directory.join(&file), &message.xml)?;
        let certificate = match message.kind {
            "AuthnRequest" => SP.to_owned(),
            _ if message.tenant == main => IDP.to_owned(),
            _ => of_tenant(&message.tenant),
        };
        index.push(json!({
            "file": file,
            "kind": message.kind,
            "case": message.case,
            "hop": message.hop,
            "tenant": message.tenant,
            "verdict": message.verdict,
            "certificate": certificate,
        }));
    }
    for (file, text) in &report.certificates {
        fs::write(directory.join(file), text)?;
    }
    let index = json!({ "messages": Value::Array(index), "hops": report.hops });
    fs::write(directory.join("index.json"), format!("{index:#}\n"))
}

/// The certificates of cloud and tenants, as the target shows them; what it does not show is
/// missing.
pub(super) async fn certificates(client: &Client, target: &Target) -> Vec<(String, String)> {
    let mut files = Vec::new();
    if let Some(pem) = text(client, &format!("{}/api/sp.pem", target.cloud)).await {
        files.push((SP.to_owned(), pem));
    }
    let local = target.local.iter().map(|local| &local.tenant);
    let others = local.chain(target.direct.iter().map(|direct| &direct.tenant));
    let others = others.map(|tenant| (of_tenant(tenant), tenant));
    for (file, tenant) in [(IDP.to_owned(), &target.tenant)].into_iter().chain(others) {
        let url = format!("{}/{tenant}/saml/metadata", target.gateway);
        let pem = text(client, &url).await.and_then(|metadata| pem(&metadata));
        files.extend(pem.map(|pem| (file, pem)));
    }
    files
}

fn of_tenant(tenant: &str) -> String {
    format!("idp-{tenant}.pem")
}

async fn text(client: &Client, url: &str) -> Option<String> {
    let response = client.get(url).send().await.ok()?.error_for_status().ok()?;
    response.text().await.ok()
}

/// The first certificate of a metadata document.
fn pem(metadata: &str) -> Option<String> {
    let document = xml::parse(metadata.as_bytes(), Limits::METADATA).ok()?;
    let found = document.all().find(|element| element.is(ns::DSIG, "X509Certificate"))?;
    let base64: String = found.text().ok()?.split_ascii_whitespace().collect();
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for at in (0..base64.len()).step_by(64) {
        pem.push_str(base64.get(at..base64.len().min(at + 64))?);
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    Some(pem)
}
