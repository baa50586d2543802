//! Validates SAML documents against the standard's XML schemas, by xmllint, without network.
//!
//! The schemas come from Debian packages. They import each other by the addresses of the W3C, which
//! a catalogue made at run time maps to the installed files.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const OPENSAML: &str = "/usr/share/xml/opensaml";
const XMLTOOLING: &str = "/usr/share/xml/xmltooling";

/// Which schema a document has to fit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schema {
    /// saml-schema-protocol-2.0: requests and responses, with the assertions in them.
    Protocol,
    /// saml-schema-assertion-2.0: an assertion alone.
    Assertion,
    /// saml-schema-metadata-2.0, with the extensions for user interface and algorithms.
    Metadata,
}

/// Panics with xmllint's words unless `document` fits `schema`, or with one line that names what is
/// not installed.
pub(crate) fn assert_valid(schema: Schema, document: &str) {
    if let Err(report) = validate(schema, document) {
        panic!("{report}\nin {document}");
    }
}

/// Validates `document`; the error is xmllint's report.
pub(crate) fn validate(schema: Schema, document: &str) -> Result<(), String> {
    installed()?;
    let here = tempfile::tempdir().map_err(|e| e.to_string())?;
    let catalog = here.path().join("catalog.xml");
    let driver = here.path().join("driver.xsd");
    std::fs::write(&catalog, catalog_text()).map_err(|e| e.to_string())?;
    std::fs::write(&driver, driver_text(schema)).map_err(|e| e.to_string())?;
    let mut xmllint = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(&driver)
        .arg("-")
        .env("XML_CATALOG_FILES", &catalog)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("xmllint does not start ({e}): apt-get install libxml2-utils"))?;
    let mut input = xmllint.stdin.take().ok_or("xmllint takes no input")?;
    input.write_all(document.as_bytes()).map_err(|e| e.to_string())?;
    drop(input);
    let output = xmllint.wait_with_output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn installed() -> Result<(), String> {
    for (file, package) in [
        (format!("{OPENSAML}/saml-schema-metadata-2.0.xsd"), "opensaml-schemas"),
        (format!("{XMLTOOLING}/xmldsig-core-schema.xsd"), "xmltooling-schemas"),
    ] {
        if !Path::new(&file).exists() {
            return Err(format!("{file} is not there: apt-get install {package}"));
        }
    }
    Ok(())
}

fn catalog_text() -> String {
    const W3C: &str = "http://www.w3.org";
    let entries = [
        ("TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd", "xmldsig-core-schema.xsd"),
        ("TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd", "xenc-schema.xsd"),
        ("2001/xml.xsd", "xml.xsd"),
    ]
    .map(|(address, file)| {
        format!("<system systemId=\"{W3C}/{address}\" uri=\"{XMLTOOLING}/{file}\"/>")
    });
    let names = "urn:oasis:names:tc:entity:xmlns:xml:catalog";
    format!("<catalog xmlns=\"{names}\">{}</catalog>", entries.concat())
}

fn driver_text(schema: Schema) -> String {
    let imports: &[_] = match schema {
        Schema::Protocol => &[("2.0:protocol", "saml-schema-protocol-2.0")],
        Schema::Assertion => &[("2.0:assertion", "saml-schema-assertion-2.0")],
        Schema::Metadata => &[
            ("2.0:metadata", "saml-schema-metadata-2.0"),
            ("metadata:ui", "sstc-saml-metadata-ui-v1.0"),
            ("metadata:algsupport", "sstc-saml-metadata-algsupport-v1.0"),
        ],
    };
    let imports: Vec<_> = imports
        .iter()
        .map(|(name, file)| {
            let location = format!("schemaLocation=\"{OPENSAML}/{file}.xsd\"");
            format!("<import namespace=\"urn:oasis:names:tc:SAML:{name}\" {location}/>")
        })
        .collect();
    // What an EncryptionMethod holds is checked strictly.
    let xenc11 = format!(
        "<import namespace=\"http://www.w3.org/2009/xmlenc11#\" \
         schemaLocation=\"{XMLTOOLING}/xenc11-schema.xsd\"/>"
    );
    format!(
        "<schema xmlns=\"http://www.w3.org/2001/XMLSchema\">{}{xenc11}</schema>",
        imports.concat()
    )
}
