//! Layer 0, saml: the parameters of the browser bindings, in a query (saml-bindings-2.0-os §3.4.4)
//! or in a form (§3.5.4), as they came. Each may stand once, under whatever spelling, and a request
//! never travels with a response (conformance B-17).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::error::Error;
use crate::limits;

/// What a message is to its receiver, which is also how its parameter is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Parameter {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }

    /// Which of the two a query or form carries, if any.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::ParameterTwice`].
    pub fn of(raw: &str) -> Result<Option<Self>, Error> {
        if raw.len() > limits::BODY_BYTES {
            return Err(Error::TooLong { limit: limits::BODY_BYTES, found: raw.len() });
        }
        let parameters = Parameters::split(raw)?;
        Ok(match (parameters.request, parameters.response) {
            (_, Some(_)) => Some(Self::Response),
            (Some(_), None) => Some(Self::Request),
            (None, None) => None,
        })
    }
}

/// The parameters of the bindings as they came, still encoded.
#[derive(Debug, Default)]
pub(super) struct Parameters<'r> {
    request: Option<&'r str>,
    response: Option<&'r str>,
    pub(super) relay_state: Option<&'r str>,
    pub(super) sig_alg: Option<&'r str>,
    pub(super) signature: Option<&'r str>,
    pub(super) encoding: Option<&'r str>,
}

impl<'r> Parameters<'r> {
    /// Takes a query or form apart; other parameters are nobody's business here.
    pub(super) fn split(raw: &'r str) -> Result<Self, Error> {
        let mut parameters = Self::default();
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // An encoded name is the same name: a second spelling must not hide a second value.
            let decoded = percent_decode_str(name).decode_utf8_lossy();
            let (name, slot) = match decoded.as_ref() {
                "SAMLRequest" => ("SAMLRequest", &mut parameters.request),
                "SAMLResponse" => ("SAMLResponse", &mut parameters.response),
                "RelayState" => ("RelayState", &mut parameters.relay_state),
                "SigAlg" => ("SigAlg", &mut parameters.sig_alg),
                "Signature" => ("Signature", &mut parameters.signature),
                "SAMLEncoding" => ("SAMLEncoding", &mut parameters.encoding),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Error::ParameterTwice { name });
            }
        }
        if parameters.request.is_some() && parameters.response.is_some() {
            return Err(Error::ParameterTwice { name: "SAMLRequest" });
        }
        Ok(parameters)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        let Self { request, response, relay_state, sig_alg, signature, encoding } = self;
        [request, response, relay_state, sig_alg, signature, encoding].iter().all(|p| p.is_none())
    }

    /// The names of those that are there, in the standard's order.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let Self { request, response, relay_state, sig_alg, signature, encoding } = self;
        let known = [
            ("SAMLRequest", request),
            ("SAMLResponse", response),
            ("RelayState", relay_state),
            ("SigAlg", sig_alg),
            ("Signature", signature),
            ("SAMLEncoding", encoding),
        ];
        known.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
    }

    /// The encoded message that `wanted` carries.
    pub(super) fn message(&self, wanted: Parameter) -> Result<&'r str, Error> {
        let (found, other) = match wanted {
            Parameter::Request => (self.request, self.response),
            Parameter::Response => (self.response, self.request),
        };
        let name = wanted.name();
        if other.is_some() {
            return Err(Error::ParameterTwice { name });
        }
        found.filter(|raw| !raw.is_empty()).ok_or(Error::ParameterMissing { name })
    }
}

/// Decodes `application/x-www-form-urlencoded` strictly: a `%` is followed by two hex digits, the
/// result is UTF-8.
pub(super) fn decode<'r>(name: &'static str, raw: &'r str) -> Result<Cow<'r, str>, Error> {
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

/// Decodes base64 without white space, as it stands in a query.
pub(super) fn base64(name: &'static str, raw: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(decode(name, raw)?.as_bytes()).map_err(|_| Error::Base64 { name })
}
