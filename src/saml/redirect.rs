//! Layer 0, saml: the HTTP-Redirect binding, receiving side (saml-bindings-2.0-os §3.4, contract
//! §3.1). The signature covers the octets exactly as they came; nothing is decoded and encoded
//! again.

use std::borrow::Cow;
use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};
use percent_encoding::percent_decode_str;

use super::authn_request::AuthnRequest;
use super::error::{Error, shortened};
use super::key::SignatureAlgorithm;
use super::names::binding;
use super::types::{EntityId, RelayState};
use super::verified::{DetachedSignature, Unverified};
use super::xml::{Limits, parse};
use crate::limits;

/// A message and the `RelayState` that came with it; one signature covers both.
#[derive(Debug)]
pub struct Received<T> {
    /// The message.
    pub message: T,
    /// The state to echo; empty is not absent.
    pub relay_state: Option<RelayState>,
}

/// Reads an `AuthnRequest` from the raw query string of a request URL.
///
/// # Errors
/// Any [`Error`] about parameters, encodings, XML or schema; the signature is not yet checked.
pub fn authn_request(raw_query: &str) -> Result<Unverified<Received<AuthnRequest>>, Error> {
    let query = Query::split(raw_query)?;
    let relay_state = match query.relay_state {
        None => None,
        Some(raw) => Some(RelayState::parse(&decode("RelayState", raw)?)?),
    };
    let signature = query.signature()?;
    let document = parse(&inflate(&query.message()?)?, Limits::MESSAGE)?;
    let message = AuthnRequest::read(document.root())?;
    Ok(Unverified::new(Received { message, relay_state }, signature))
}

impl Unverified<Received<AuthnRequest>> {
    /// Who claims to have sent it: to choose the keys to check with.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.peek().message.issuer
    }
}

/// The parameters of the binding as they came, still encoded.
#[derive(Debug, Default)]
struct Query<'q> {
    saml_request: Option<&'q str>,
    relay_state: Option<&'q str>,
    sig_alg: Option<&'q str>,
    signature: Option<&'q str>,
    encoding: Option<&'q str>,
}

impl<'q> Query<'q> {
    fn split(raw: &'q str) -> Result<Self, Error> {
        if raw.len() > limits::QUERY_BYTES {
            return Err(Error::TooLong { limit: limits::QUERY_BYTES, found: raw.len() });
        }
        let mut query = Self::default();
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // An encoded name is the same name: a second spelling must not hide a second value.
            let decoded = percent_decode_str(name).decode_utf8_lossy();
            let (name, slot) = match decoded.as_ref() {
                "SAMLRequest" => ("SAMLRequest", &mut query.saml_request),
                "RelayState" => ("RelayState", &mut query.relay_state),
                "SigAlg" => ("SigAlg", &mut query.sig_alg),
                "Signature" => ("Signature", &mut query.signature),
                "SAMLEncoding" => ("SAMLEncoding", &mut query.encoding),
                "SAMLResponse" => return Err(Error::ParameterTwice { name: "SAMLRequest" }),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Error::ParameterTwice { name });
            }
        }
        if let Some(raw) = query.encoding {
            let found = decode("SAMLEncoding", raw)?;
            if found != binding::DEFLATE {
                return Err(Error::Encoding { found: shortened(&found) });
            }
        }
        Ok(query)
    }

    fn raw_message(&self) -> Result<&'q str, Error> {
        self.saml_request
            .filter(|raw| !raw.is_empty())
            .ok_or(Error::ParameterMissing { name: "SAMLRequest" })
    }

    /// The compressed message.
    fn message(&self) -> Result<Vec<u8>, Error> {
        base64("SAMLRequest", self.raw_message()?)
    }

    /// The signature and the octets it covers: the values as received, in the standard's order,
    /// whatever the order in the query was.
    fn signature(&self) -> Result<Option<DetachedSignature>, Error> {
        let (sig_alg, signature) = match (self.sig_alg, self.signature) {
            (None, None) => return Ok(None),
            (Some(sig_alg), Some(signature)) => (sig_alg, signature),
            (None, Some(_)) => return Err(Error::Algorithm { found: String::new() }),
            (Some(_), None) => return Err(Error::SignatureMissing),
        };
        let algorithm = SignatureAlgorithm::from_uri(&decode("SigAlg", sig_alg)?)?;
        let mut octets = format!("SAMLRequest={}", self.raw_message()?);
        if let Some(relay_state) = self.relay_state {
            octets.push_str("&RelayState=");
            octets.push_str(relay_state);
        }
        octets.push_str("&SigAlg=");
        octets.push_str(sig_alg);
        Ok(Some(DetachedSignature {
            octets: octets.into_bytes(),
            algorithm,
            signature: base64("Signature", signature)?,
        }))
    }
}

/// Decodes `application/x-www-form-urlencoded` strictly: a `%` is followed by two hex digits, the
/// result is UTF-8.
fn decode<'r>(name: &'static str, raw: &'r str) -> Result<Cow<'r, str>, Error> {
    let bytes = raw.as_bytes();
    let whole = bytes.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if !whole {
        return Err(Error::PercentEncoding { name });
    }
    if raw.contains('+') {
        let spaced = raw.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8();
        return decoded
            .map(|text| Cow::Owned(text.into_owned()))
            .map_err(|_| Error::PercentEncoding { name });
    }
    percent_decode_str(raw).decode_utf8().map_err(|_| Error::PercentEncoding { name })
}

fn base64(name: &'static str, raw: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(decode(name, raw)?.as_bytes()).map_err(|_| Error::Base64 { name })
}

/// Inflates one raw DEFLATE stream of at most [`limits::INFLATED_BYTES`], and nothing behind it
/// (conformance B-04).
fn inflate(compressed: &[u8]) -> Result<Vec<u8>, Error> {
    // A new inflater is 50 KiB of memory to clear, many times dearer than inflating a request.
    thread_local!(static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false)));
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        inflate_with(inflater, compressed)
    })
}

fn inflate_with(inflater: &mut Decompress, compressed: &[u8]) -> Result<Vec<u8>, Error> {
    const STEP: usize = 4 * 1024;
    let mut out = Vec::with_capacity(STEP);
    loop {
        let read = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let rest = compressed.get(read..).unwrap_or_default();
        let before = out.len();
        let status = inflater
            .decompress_vec(rest, &mut out, FlushDecompress::Finish)
            .map_err(|_| Error::Deflate { found: "other octets" })?;
        if out.len() > limits::INFLATED_BYTES {
            return Err(Error::InflatesTooLarge { limit: limits::INFLATED_BYTES });
        }
        match status {
            Status::StreamEnd if inflater.total_in() == compressed.len() as u64 => return Ok(out),
            Status::StreamEnd => return Err(Error::Deflate { found: "octets behind its end" }),
            // Neither room was lacking nor progress made: the stream ends too early.
            _ if out.len() == before && out.capacity() > out.len() => {
                return Err(Error::Deflate { found: "the end before its end" });
            }
            _ => out.reserve(STEP),
        }
    }
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
