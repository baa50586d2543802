//! Room demo (layer 6): what the answers of gateway and cloud say, read strictly.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use serde_json::{Value, json};
use url::Url;

use super::browser::Page;
use super::form::Form;
use crate::limits;

/// How a hop ended: what it gave and a few words, or what was expected and found instead.
pub(super) type Ended<T> = Result<(T, String), String>;

/// An answer on its way to the cloud.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The page with the form.
    pub(super) from: Url,
    /// Where the form leads.
    pub(super) acs: String,
    /// The answer in base64.
    pub(super) saml_response: String,
    /// What came with the request.
    pub(super) relay_state: String,
    /// Its place among the messages.
    pub(super) message: usize,
}

impl Delivery {
    /// The form's fields.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        vec![
            ("SAMLResponse".to_owned(), self.saml_response.clone()),
            ("RelayState".to_owned(), self.relay_state.clone()),
        ]
    }
}

/// A request on its way to the gateway.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The gateway's address with the signed query.
    pub(super) url: String,
    /// What has to come back.
    pub(super) relay_state: String,
}

/// A redirect to an address that begins with `to`.
pub(super) fn redirect(page: &Page, to: &str) -> Ended<Url> {
    match &page.location {
        Some(url) if (302..=303).contains(&page.status) && url.as_str().starts_with(to) => {
            let detail = format!("{} to {}", page.status, place(url));
            Ok((url.clone(), detail))
        }
        _ => Err(format!("expected a redirect to {to}, found {}", said(page))),
    }
}

/// A parameter of an address.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// What a page is, in few words; no ticket and no message of it.
pub(super) fn said(page: &Page) -> String {
    if let Some(url) = &page.location {
        return format!("{} to {}", page.status, place(url));
    }
    let between = |from: &str, to: &str| {
        let (_, rest) = page.body.split_once(from)?;
        Some(rest.split_once(to)?.0.trim().to_owned())
    };
    let code = between("data-code=\"", "\"").or_else(|| between("<strong id=\"code\">", "<"));
    let title = between("<title>", "</title>").unwrap_or_default();
    format!("{} {} {title}", page.status, code.unwrap_or_default())
}

/// Where an address leads, without query and without names of journeys, which are for one
/// browser.
fn place(url: &Url) -> String {
    let path = url.path();
    let end = ["/continue", "/first-login"]
        .iter()
        .find_map(|before| path.find(&format!("{before}/")).map(|at| at + before.len()));
    let shown = &path[..end.unwrap_or(path.len())];
    format!("{}{shown}", url.origin().ascii_serialization())
}

/// A page of the gateway that refuses, and posts nothing anywhere.
pub(super) fn refusal(page: &Page, status: u16, code: &str) -> Ended<()> {
    let shown = page.body.contains(&format!("data-code=\"{code}\""));
    if page.status == status && shown && !page.body.contains("SAMLResponse") {
        return Ok(((), format!("{status} {code}")));
    }
    Err(format!("expected {status} {code}, found {}", said(page)))
}

/// A page of the simulated cloud that says what is wrong.
pub(super) fn objection(page: Page, code: &str) -> Ended<Page> {
    if page.body.contains(&format!("<strong id=\"code\">{code}</strong>")) {
        let detail = format!("{} {code}", page.status);
        return Ok((page, detail));
    }
    Err(format!("expected {code}, found {}", said(&page)))
}

/// A page that is there.
pub(super) fn opened(page: Page) -> Ended<Page> {
    match page.status {
        200 => Ok((page, "200".to_owned())),
        _ => Err(format!("expected 200, found {}", said(&page))),
    }
}

/// The form of a delivery page, which answers `asked`.
pub(super) fn delivery(page: &Page, asked: &Asked, message: usize) -> Result<Delivery, String> {
    if page.status != 200 || !page.body.contains("name=\"SAMLResponse\"") {
        return Err(format!("expected the delivery page, found {}", said(page)));
    }
    if !page.policy.contains("default-src 'none'") || page.policy.contains("unsafe-inline") {
        return Err(format!("expected a strict policy, found {:?}", page.policy));
    }
    if !page.caching.contains("no-store") {
        return Err(format!("expected no-store, found {:?}", page.caching));
    }
    let form = Form::of(page)?;
    let relay_state = form.one("RelayState")?.to_owned();
    if relay_state != asked.relay_state {
        return Err("expected the RelayState byte for byte, found another".to_owned());
    }
    Ok(Delivery {
        from: page.url.clone(),
        acs: form.target(page)?.to_string(),
        saml_response: form.one("SAMLResponse")?.to_owned(),
        relay_state,
        message,
    })
}

/// The `AuthnRequest` in a redirect.
pub(super) fn authn_request(url: &Url) -> Result<String, String> {
    let text = parameter(url, "SAMLRequest").ok_or("expected a SAMLRequest, found none")?;
    let octets = STANDARD.decode(text).map_err(|_| "expected base64 in SAMLRequest")?;
    let mut xml = String::new();
    let most = limits::METADATA_BYTES as u64;
    DeflateDecoder::new(&octets[..])
        .take(most)
        .read_to_string(&mut xml)
        .map_err(|_| "expected a DEFLATE stream of UTF-8 in SAMLRequest")?;
    Ok(xml)
}

/// The knob that is meant, for tables.
pub(super) fn knob(name: &str, value: impl Into<Value>) -> Value {
    json!({ name: value.into() })
}
