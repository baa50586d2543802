//! Layer 0, saml: the HTTP-Redirect binding (saml-bindings-2.0-os §3.4, contract §3.1). The
//! signature covers the octets exactly as they came; nothing is decoded and encoded again.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use url::form_urlencoded;

use super::allowed::SignatureAlgorithm;
use super::authn_request::AuthnRequest;
use super::error::{Error, shortened};
use super::logout::Signer;
use super::message::{Message, Received};
use super::names::{binding, ns};
use super::parameters::{Parameter, Parameters, base64, decode};
use super::types::{EndpointUrl, RelayState};
use super::verified::{DetachedSignature, Unverified};
use super::xml::{Limits, parse};
use crate::limits;

/// Reads an `AuthnRequest` from the raw query string of a request URL.
///
/// # Errors
/// Any [`Error`] about parameters, encodings, XML or schema; the signature is not yet checked.
pub fn authn_request(raw_query: &str) -> Result<Unverified<Received<AuthnRequest>>, Error> {
    read(raw_query)
}

/// Reads a message from the raw query string of a request URL.
///
/// # Errors
/// Any [`Error`] about parameters, encodings, XML or schema; the signature is not yet checked.
pub fn read<T: Message>(raw_query: &str) -> Result<Unverified<Received<T>>, Error> {
    if raw_query.len() > limits::QUERY_BYTES {
        return Err(Error::TooLong { limit: limits::QUERY_BYTES, found: raw_query.len() });
    }
    let query = Parameters::split(raw_query)?;
    if let Some(raw) = query.encoding {
        let found = decode("SAMLEncoding", raw)?;
        if found != binding::DEFLATE {
            return Err(Error::Encoding { found: shortened(&found) });
        }
    }
    let name = T::PARAMETER.name();
    let raw_message = query.message(T::PARAMETER)?;
    let relay_state = match query.relay_state {
        None => None,
        Some(raw) => Some(RelayState::parse(&decode("RelayState", raw)?)?),
    };
    let signature = signature(&query, name, raw_message)?;
    let document = parse(&inflate(&base64(name, raw_message)?)?, Limits::MESSAGE)?;
    let root = document.root();
    if root.children_named(ns::DSIG, "Signature").next().is_some() {
        return Err(Error::SignatureForm {
            expected: "no signature inside a message that comes by HTTP-Redirect",
            found: "ds:Signature".to_owned(),
        });
    }
    Ok(Unverified::new(Received { message: T::read(root)?, relay_state }, signature))
}

/// The signature and the octets it covers: the values as received, in the standard's order,
/// whatever the order in the query was.
fn signature(
    query: &Parameters<'_>,
    name: &str,
    raw_message: &str,
) -> Result<Option<DetachedSignature>, Error> {
    let (sig_alg, signature) = match (query.sig_alg, query.signature) {
        (None, None) => return Ok(None),
        (Some(sig_alg), Some(signature)) => (sig_alg, signature),
        (None, Some(_)) => return Err(Error::Algorithm { found: String::new() }),
        (Some(_), None) => return Err(Error::SignatureMissing),
    };
    let algorithm = SignatureAlgorithm::from_uri(&decode("SigAlg", sig_alg)?)?;
    let mut octets = format!("{name}={raw_message}");
    if let Some(relay_state) = query.relay_state {
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

/// The URL that carries a message of ours, signed: the octets that are signed are the octets that
/// are sent.
pub(super) fn signed_url(
    destination: &EndpointUrl,
    (parameter, xml): (Parameter, &str),
    relay_state: Option<&str>,
    signer: Signer<'_>,
) -> Result<String, Error> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(parameter.name(), &STANDARD.encode(deflate(xml.as_bytes())?));
    if let Some(state) = relay_state {
        query.append_pair("RelayState", state);
    }
    let algorithm = signer.key.algorithm_for(&signer.declared.signatures);
    query.append_pair("SigAlg", algorithm.uri());
    let octets = query.finish();
    let signature = STANDARD.encode(signer.key.sign_by(algorithm, octets.as_bytes())?);
    let mut query = form_urlencoded::Serializer::new(octets);
    query.append_pair("Signature", &signature);
    let join = if destination.as_str().contains('?') { '&' } else { '?' };
    Ok(format!("{destination}{join}{}", query.finish()))
}

fn deflate(octets: &[u8]) -> Result<Vec<u8>, Error> {
    // What cannot be compressed grows by a few octets for each block, never by a tenth.
    let mut compressed = Vec::with_capacity(octets.len() + octets.len() / 10 + 128);
    let status = Compress::new(Compression::default(), false).compress_vec(
        octets,
        &mut compressed,
        FlushCompress::Finish,
    );
    match status {
        Ok(Status::StreamEnd) => Ok(compressed),
        // Without the whole message there is nothing to sign.
        _ => Err(Error::Sign),
    }
}

/// Inflates one raw DEFLATE stream of at most [`limits::INFLATED_BYTES`], and nothing behind it
/// (conformance B-04).
pub(super) fn inflate(compressed: &[u8]) -> Result<Vec<u8>, Error> {
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
pub(in crate::saml) mod tests;
