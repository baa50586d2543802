//! The `AuthnRequest` that the simulated cloud sends, byte for byte in the form of the live cloud's
//! sample, and the signed redirect that carries it. Apart room `fakecloud`; contract §3.1, §3.2;
//! Bindings 3.4.4.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded::byte_serialize;

use super::escape::Escaped;
use super::key::SpKeys;
use super::knobs::{IssueInstant, Knobs, RequestSignature};
use super::{Addresses, Error};
use crate::random::Random;

/// One `AuthnRequest`.
#[derive(Clone, Debug)]
pub(crate) struct AuthnRequest {
    /// `_` and 36 lower-case letters and digits.
    pub(crate) id: String,
    /// The document as it is deflated.
    pub(crate) xml: String,
}

impl AuthnRequest {
    /// Writes a request to `sso` as the knobs want it.
    pub(crate) fn new(
        at: &Addresses,
        sso: &str,
        knobs: &Knobs,
        now: OffsetDateTime,
        random: &dyn Random,
    ) -> Self {
        let id = new_id(random);
        let shift = match knobs.issue_instant {
            IssueInstant::Now => Duration::ZERO,
            IssueInstant::Future => Duration::HOUR,
            IssueInstant::Expired => -Duration::HOUR,
        };
        let issued = now + shift + Duration::seconds(knobs.clock_skew_seconds);
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <saml2p:AuthnRequest xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             AssertionConsumerServiceURL=\"{acs}\" Destination=\"{destination}\" \
             ForceAuthn=\"{force}\" ID=\"{id}\" IsPassive=\"{passive}\" IssueInstant=\"{issued}\" \
             ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">\
             <saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{issuer}\
             </saml2:Issuer>\
             <saml2p:NameIDPolicy AllowCreate=\"true\" \
             Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\" \
             SPNameQualifier=\"{issuer}\"/></saml2p:AuthnRequest>",
            acs = Escaped(knobs.foreign_acs.as_deref().unwrap_or(&at.acs)),
            destination = Escaped(knobs.wrong_destination.as_deref().unwrap_or(sso)),
            force = knobs.force_authn,
            passive = knobs.is_passive,
            issued = instant(issued),
            issuer = Escaped(&at.entity_id),
        );
        Self { id, xml }
    }

    /// The address that the browser is sent to. The signature covers the query octets exactly as
    /// they stand in it (Bindings 3.4.4.1).
    pub(crate) fn redirect(
        &self,
        sso: &str,
        relay_state: &str,
        keys: &SpKeys,
        knobs: &Knobs,
    ) -> Result<String, Error> {
        let mut query = format!(
            "SAMLRequest={}&RelayState={}",
            java_encoded(&STANDARD.encode(deflated(&self.xml)?)),
            java_encoded(relay_state)
        );
        if knobs.request_signature != RequestSignature::Missing {
            query.push_str("&SigAlg=");
            query.push_str(&java_encoded(RSA_SHA256));
            let mut signature = keys.signing(knobs.certificates).sign(query.as_bytes())?;
            if knobs.request_signature == RequestSignature::Broken {
                signature[0] ^= 1;
            }
            query.push_str("&Signature=");
            query.push_str(&java_encoded(&STANDARD.encode(signature)));
        }
        let join = if sso.contains('?') { '&' } else { '?' };
        Ok(format!("{sso}{join}{query}"))
    }
}

/// A fresh opaque `RelayState`: unpredictable, and with every character that careless code breaks.
/// It stays within the 80 bytes of Bindings 3.4.3.
pub(crate) fn new_relay_state(random: &dyn Random) -> String {
    let mut bytes = [0u8; 32];
    random.fill(&mut bytes);
    format!("{}+/=&%25;?#'\"<>\\~*", STANDARD.encode(bytes))
}

/// A SAML time in UTC with milliseconds, as the live cloud writes it.
pub(crate) fn instant(at: OffsetDateTime) -> String {
    at.format(format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    ))
    .expect("every date of a four-digit year can be written in this form")
}

/// 36 characters, each unbiased: bytes above the last multiple of 36 are drawn again.
fn new_id(random: &dyn Random) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut id = String::from("_");
    while id.len() < 37 {
        let mut bytes = [0u8; 48];
        random.fill(&mut bytes);
        for byte in bytes.iter().filter(|byte| **byte < 252).take(37 - id.len()) {
            id.push(char::from(ALPHABET[usize::from(byte % 36)]));
        }
    }
    id
}

/// What Java's `URLEncoder` makes of a value: upper-case hex, and `* - . _` stand. No value of ours
/// has a space.
fn java_encoded(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect()
}

fn deflated(xml: &str) -> Result<Vec<u8>, Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).map_err(|e| Error::Deflate(e.to_string()))?;
    encoder.finish().map_err(|e| Error::Deflate(e.to_string()))
}

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SequenceRandom;

    #[test]
    fn an_id_is_an_underscore_and_36_lower_case_letters_or_digits() {
        let id = new_id(&SequenceRandom::new(3));
        assert_eq!(id.len(), 37);
        assert!(id[1..].bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
    }

    #[test]
    fn a_relay_state_needs_encoding_has_no_space_and_fits_the_binding() {
        let relay_state = new_relay_state(&SequenceRandom::new(3));
        assert!(relay_state.len() <= 80, "{}", relay_state.len());
        let encoded = java_encoded(&relay_state);
        assert!(!encoded.contains('+') && !relay_state.contains(' '));
        assert!(encoded.contains("%2B%2F%3D%26%2525%3B%3F%23%27%22%3C%3E%5C%7E*"), "{encoded}");
    }
}
