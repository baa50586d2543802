//! Layer 0, saml: a message as somebody hands it over who wants to know what it is: an address, a
//! query, a form, base64, XML. Its layers are taken off one by one with the decoders of the
//! bindings. What a message is worth is not decided here: whoever checks it takes what is
//! [carried](Pasted::carried), as it came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use url::{Url, form_urlencoded};

use super::error::Error;
use super::names::ns;
use super::parameters::{Parameter, Parameters, base64, decode};
use super::xml::{Document, Limits, parse};
use super::{post, redirect};
use crate::limits;

/// What somebody handed over, opened as far as it can be.
#[derive(Debug)]
pub struct Pasted {
    /// What was taken off, the outermost first. Only the last can have a fault.
    pub layers: Vec<Layer>,
    /// The address, where there is one.
    pub address: Option<Url>,
    /// How the message travels.
    pub carried: Carried,
    /// The octets of the document, where they could be reached.
    pub octets: Vec<u8>,
    /// The document, where there is a good one.
    pub document: Option<Document>,
}

/// A layer around a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// What it is.
    pub name: &'static str,
    /// What is in it.
    pub what: String,
    /// Why it cannot be taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// How a message travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// By HTTP-Redirect: the raw query.
    Query(String),
    /// By HTTP-POST: the body.
    Form(String),
    /// It is the cloud's link notification: the body (contract §1.6).
    Notice(String),
    /// That cannot be seen: the document alone.
    Alone,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request to sign somebody in.
    AuthnRequest,
    /// A request to sign somebody out.
    LogoutRequest,
    /// The answer to one.
    LogoutResponse,
    /// The answer to an `AuthnRequest`.
    Response,
    /// An assertion without its `Response`, perhaps encrypted.
    Assertion,
    /// Metadata.
    Metadata,
    /// Something else.
    Other,
}

/// Nothing that is known here. Holds what was tried, a line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a SAML message, or an address that carries one; {}", .0.join("; "))]
pub struct Unrecognised(pub Vec<String>);

impl Layer {
    fn good(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, what: what.into(), fault: None }
    }

    fn bad(name: &'static str, error: &Error) -> Self {
        Self { name, what: String::new(), fault: Some(error.to_string()) }
    }
}

impl Kind {
    /// What a document is by its outermost element.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let root = document.root();
        match (root.namespace(), root.local()) {
            (Some(ns::PROTOCOL), "AuthnRequest") => Self::AuthnRequest,
            (Some(ns::PROTOCOL), "LogoutRequest") => Self::LogoutRequest,
            (Some(ns::PROTOCOL), "LogoutResponse") => Self::LogoutResponse,
            (Some(ns::PROTOCOL), "Response") => Self::Response,
            (Some(ns::ASSERTION), "Assertion" | "EncryptedAssertion") => Self::Assertion,
            (Some(ns::METADATA), "EntityDescriptor" | "EntitiesDescriptor") => Self::Metadata,
            _ => Self::Other,
        }
    }

    /// The parameter that carries it.
    fn parameter(self) -> Parameter {
        match self {
            Self::LogoutResponse | Self::Response | Self::Assertion => Parameter::Response,
            _ => Parameter::Request,
        }
    }
}

/// Takes the layers off.
///
/// # Errors
/// [`Unrecognised`].
pub fn open(octets: &[u8]) -> Result<Pasted, Unrecognised> {
    let text = std::str::from_utf8(octets).map_err(|_| {
        Unrecognised(vec!["tried text in UTF-8: there are other octets".to_owned()])
    })?;
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let mut pasted = Pasted {
        layers: Vec::new(),
        address: None,
        carried: Carried::Alone,
        octets: Vec::new(),
        document: None,
    };
    if text.starts_with('<') {
        pasted.read(text.as_bytes().to_vec());
        return Ok(pasted);
    }
    if let Some((address, query)) = address(text) {
        pasted.layers.push(Layer::good("URL", shown(&address)));
        pasted.address = Some(address);
        pasted.open_query(query);
        return Ok(pasted);
    }
    let parameters = text.trim_start_matches('?');
    let has = |wanted: &[&str]| {
        let mut names =
            parameters.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")).0);
        names.any(|name| wanted.contains(&&*percent_decode_str(name).decode_utf8_lossy()))
    };
    if has(&["bindRequest"]) {
        pasted.open_notice(parameters);
    } else if has(&["SAMLRequest", "SAMLResponse"]) {
        let is_query = has(&["SigAlg", "Signature", "SAMLEncoding"]) || !holds_xml(parameters);
        // No query comes that is so long.
        if is_query && parameters.len() <= limits::QUERY_BYTES {
            pasted.open_query(parameters);
        } else {
            pasted.open_form(parameters);
        }
    } else {
        pasted.open_base64(text)?;
    }
    Ok(pasted)
}

impl Pasted {
    /// A query of the HTTP-Redirect binding.
    fn open_query(&mut self, raw: &str) {
        self.carried = Carried::Query(raw.to_owned());
        let Some((parameter, message)) = self.message("HTTP-Redirect", raw) else { return };
        let Some(compressed) = self.take("base64", base64(parameter.name(), message)) else {
            return;
        };
        if let Some(octets) = self.take("DEFLATE", redirect::inflate(&compressed)) {
            self.read(octets);
        }
    }

    /// A form of the HTTP-POST binding.
    fn open_form(&mut self, raw: &str) {
        self.carried = Carried::Form(raw.to_owned());
        let Some((parameter, message)) = self.message("HTTP-POST", raw) else { return };
        if let Some(octets) = self.take("base64", post::octets(parameter.name(), message)) {
            self.read(octets);
        }
    }

    /// The form of a link notification. Its text is JSON, for the room that knows it.
    fn open_notice(&mut self, raw: &str) {
        self.carried = Carried::Notice(raw.to_owned());
        self.layers.push(Layer::good("form", "bindRequest"));
        let mut pairs = form_urlencoded::parse(raw.as_bytes());
        let Some((_, value)) = pairs.find(|(name, _)| name == "bindRequest") else { return };
        let decoded = STANDARD.decode(value.as_bytes());
        let decoded = decoded.map_err(|_| Error::Base64 { name: "bindRequest" });
        if let Some(octets) = self.take("base64", decoded) {
            self.octets = octets;
        }
    }

    /// Base64 alone, perhaps still percent-encoded; compressed or not.
    fn open_base64(&mut self, text: &str) -> Result<(), Unrecognised> {
        let mut tried = vec![
            "tried XML: it does not begin with <".to_owned(),
            "tried an address, a query and a form: there is no SAMLRequest, SAMLResponse or \
             bindRequest in it"
                .to_owned(),
        ];
        let mut text: String = text.split_ascii_whitespace().collect();
        if text.contains('%')
            && let Ok(decoded) = decode("the text", &text.replace('+', "%2B"))
        {
            text = decoded.into_owned();
            self.layers.push(Layer::good("percent-encoding", ""));
        }
        let Ok(octets) = STANDARD.decode(&text) else {
            tried.push("tried base64: there are other characters, or too few".to_owned());
            return Err(Unrecognised(tried));
        };
        self.layers.push(Layer::good("base64", counted(&octets)));
        if is_xml(&octets) {
            self.read(octets);
            return Ok(());
        }
        match redirect::inflate(&octets) {
            Ok(inflated) => {
                self.layers.push(Layer::good("DEFLATE", counted(&inflated)));
                self.read(inflated);
                let kind = self.document.as_ref().map_or(Kind::Other, Kind::of);
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair(kind.parameter().name(), &text);
                self.carried = Carried::Query(query.finish());
                Ok(())
            }
            Err(error) => {
                tried.push("tried base64 of XML: it does not begin with <".to_owned());
                tried.push(format!("tried base64 of compressed XML: {error}"));
                Err(Unrecognised(tried))
            }
        }
    }

    /// The message among the parameters of a binding.
    fn message<'r>(&mut self, binding: &'static str, raw: &'r str) -> Option<(Parameter, &'r str)> {
        let found = Parameters::split(raw).and_then(|parameters| {
            let parameter = Parameter::of(raw)?.unwrap_or(Parameter::Request);
            Ok((parameter, parameters.message(parameter)?, parameters.names().join(", ")))
        });
        match found {
            Ok((parameter, message, names)) => {
                self.layers.push(Layer::good(binding, names));
                Some((parameter, message))
            }
            Err(error) => {
                self.layers.push(Layer::bad(binding, &error));
                None
            }
        }
    }

    fn take(&mut self, layer: &'static str, octets: Result<Vec<u8>, Error>) -> Option<Vec<u8>> {
        let (octets, layer) = match octets {
            Ok(octets) => {
                let layer = Layer::good(layer, counted(&octets));
                (Some(octets), layer)
            }
            Err(error) => (None, Layer::bad(layer, &error)),
        };
        self.layers.push(layer);
        octets
    }

    /// The document. Metadata may be larger than messages are.
    fn read(&mut self, octets: Vec<u8>) {
        match parse(&octets, Limits::METADATA) {
            Ok(document) => {
                let root = document.root();
                let what = format!("{} in {}", root.local(), root.namespace().unwrap_or("none"));
                self.layers.push(Layer::good("XML", what));
                self.document = Some(document);
            }
            Err(error) => self.layers.push(Layer::bad("XML", &error)),
        }
        self.octets = octets;
    }
}

/// An address and its raw query, out of what people copy from browsers, logs and headers.
fn address(text: &str) -> Option<(Url, &str)> {
    let mut text = text;
    for before in ["GET ", "POST ", "Location: ", "location: "] {
        text = text.strip_prefix(before).unwrap_or(text);
    }
    let text = text.split(' ').next().unwrap_or(text);
    let url = match text.strip_prefix('/') {
        // Without a host it is one of ours; which, the path tells.
        Some(path) => Url::parse(&format!("http://localhost/{path}")).ok()?,
        None => Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?,
    };
    let text = text.split('#').next().unwrap_or(text);
    Some((url, text.split_once('?').map_or("", |(_, query)| query)))
}

fn shown(address: &Url) -> String {
    let mut shown = address.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// Whether parameters carry a message that is not compressed, as forms do.
fn holds_xml(raw: &str) -> bool {
    let found = Parameters::split(raw).and_then(|parameters| {
        let parameter = Parameter::of(raw)?.unwrap_or(Parameter::Request);
        post::octets(parameter.name(), parameters.message(parameter)?)
    });
    found.is_ok_and(|octets| is_xml(&octets))
}

/// Whether it is meant as XML, in UTF-8 or, wrongly, in UTF-16.
fn is_xml(octets: &[u8]) -> bool {
    if octets.starts_with(b"\xFE\xFF") || octets.starts_with(b"\xFF\xFE") {
        return true;
    }
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    octets.trim_ascii_start().starts_with(b"<")
}

fn counted(octets: &[u8]) -> String {
    format!("{} octets", octets.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<p:AuthnRequest xmlns:p='urn:oasis:names:tc:SAML:2.0:protocol'/>";

    fn plain() -> String {
        STANDARD.encode(XML)
    }

    fn compressed() -> String {
        use std::io::Write as _;
        let level = flate2::Compression::default();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(XML.as_bytes()).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    fn encoded(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    fn layers(pasted: &Pasted) -> Vec<&'static str> {
        pasted.layers.iter().map(|layer| layer.name).collect()
    }

    #[test]
    fn every_form_in_which_people_hand_messages_over_is_opened() {
        let (plain, compressed) = (plain(), compressed());
        let query = format!("SAMLRequest={}&RelayState=x", encoded(&compressed));
        let form = format!("RelayState=x&SAMLRequest={}", encoded(&plain));
        let redirect = ["HTTP-Redirect", "base64", "DEFLATE", "XML"];
        let with_url = ["URL", "HTTP-Redirect", "base64", "DEFLATE", "XML"];
        for (text, expected) in [
            (format!("https://idp.example/acme/saml/sso?{query}"), &with_url[..]),
            (format!("GET /acme/saml/sso?{query} HTTP/1.1"), &with_url),
            (format!("Location: https://idp.example/sso?{query}#top"), &with_url),
            (query.clone(), &redirect),
            (format!("?{query}"), &redirect),
            (format!("{query}&SigAlg=x"), &redirect),
            (form, &["HTTP-POST", "base64", "XML"]),
            (plain.clone(), &["base64", "XML"]),
            (format!("{}\n{}\n", &plain[..40], &plain[40..]), &["base64", "XML"]),
            (encoded(&plain), &["percent-encoding", "base64", "XML"]),
            (compressed, &["base64", "DEFLATE", "XML"]),
            (format!("\u{FEFF}\n{XML}\n"), &["XML"]),
        ] {
            let pasted = open(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(layers(&pasted), expected, "{text}");
            let document = pasted.document.as_ref().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(Kind::of(document), Kind::AuthnRequest, "{text}");
        }
    }

    #[test]
    fn what_is_carried_is_carried_as_it_came() {
        let query = format!("SAMLRequest={}&Signature=x%2b", encoded(&compressed()));
        let pasted = open(format!("https://idp.example/sso?{query}").as_bytes()).unwrap();
        assert_eq!(pasted.carried, Carried::Query(query));
        let form = format!("SAMLRequest={}", encoded(&plain()));
        assert_eq!(open(form.as_bytes()).unwrap().carried, Carried::Form(form));
        assert_eq!(open(XML.as_bytes()).unwrap().carried, Carried::Alone);
        let notice = "bindRequest=e30%3D&SigAlg=a&Signature=b";
        let opened = open(notice.as_bytes()).unwrap();
        assert_eq!(
            (opened.carried, &opened.octets[..]),
            (Carried::Notice(notice.into()), &b"{}"[..])
        );
    }

    #[test]
    fn a_layer_that_cannot_be_taken_off_is_named_and_nothing_behind_it() {
        for (text, name, count) in [
            ("https://idp.example/sso", "HTTP-Redirect", 2),
            ("SAMLRequest=a&SAMLRequest=b&SigAlg=x", "HTTP-Redirect", 1),
            ("SAMLRequest=%2A", "base64", 2),
            ("SAMLRequest=AAAA", "DEFLATE", 3),
            ("<a>", "XML", 1),
        ] {
            let pasted = open(text.as_bytes()).unwrap();
            assert_eq!(pasted.layers.len(), count, "{text}: {:?}", pasted.layers);
            let last = pasted.layers.last().unwrap();
            assert!(last.name == name && last.fault.is_some(), "{text}: {last:?}");
            assert!(pasted.document.is_none());
        }
    }

    #[test]
    fn what_cannot_be_recognised_is_refused_with_what_was_tried() {
        for (text, tried) in [
            (&b"hello, world"[..], "tried base64: there are other characters"),
            (b"", "tried base64"),
            (b"AAAA", "tried base64 of compressed XML"),
            (b"\xFF\xFE<\0", "tried text in UTF-8"),
        ] {
            let error = open(text).unwrap_err();
            assert!(error.to_string().contains(tried), "{error}");
        }
    }
}
