//! Layer 0, saml: the protocol (SAML 2.0 core, bindings, profiles, metadata; XML signatures). Pure:
//! no I/O, no clock, no randomness. Times, ids and keys come as arguments; nothing here fails for a
//! reason outside them.

pub mod allowed;
pub mod authn_context;
pub mod authn_request;
pub mod encryption;
pub mod error;
mod head;
pub mod idp_metadata;
pub mod key;
pub mod lint;
pub mod logout;
pub mod message;
pub mod name_id;
pub mod names;
pub mod outline;
mod parameters;
pub mod pasted;
pub mod post;
pub mod redirect;
pub mod response;
pub mod signature;
pub mod soap;
pub mod sp_metadata;
pub mod types;
pub mod verified;
pub mod xml;

pub use allowed::SignatureAlgorithm;
pub use authn_request::AuthnRequest;
pub use error::Error;
pub use key::{SigningKey, VerifyingKey};
pub use name_id::{NameIdKind, NameIdentifier};
pub use parameters::Parameter;
pub use types::{AcsUrl, EndpointUrl, EntityId, MessageId, RelayState};
pub use verified::{Unsigned, Unverified, Verified};

#[cfg(test)]
mod legal_tests;
#[cfg(test)]
pub(crate) mod tests {
    //! Keys for the tests of this room: made once per run, since making RSA keys is slow.

    use std::sync::OnceLock;

    use super::key::{SigningKey, VerifyingKey};

    /// A self-signed certificate with a key of 1024 bits, by OpenSSL, in base64; its
    /// private half was never kept.
    pub(crate) const SMALL_CERTIFICATE: &str = "\
        MIIB9DCCAV2gAwIBAgIUXRnBHYuUa9rVwdCr/TgO/pJ9DVQwDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UE\
        AwwBczAeFw0yNjExMjExMDUyMDNaFw0zNjExMTgxMDUyMDNaMAwxCjAIBgNVBAMMAXMwgZ8wDQYJKoZI\
        hvcNAQEBBQADgY0AMIGJAoGBANP05w1M3DcmwjAaD3+WIDcTUeJuIIQ9cqoUrQJuD768EVPQe5L8gd6H\
        zqrjK5Rmscg1OS3WXNscWOX0OSYaAL5P6r+lR+5r1GzCA2eERJyz5N3OoLw6smJONQaCvocGneuflNwq\
        YQjuEEmJJKBjA7zM1H8+pZCBlcCbHNDabmGBAgMBAAGjUzBRMB0GA1UdDgQWBBRtbkUS1j2Rk4fC3x+u\
        aCvOIVer8zAfBgNVHSMEGDAWgBRtbkUS1j2Rk4fC3x+uaCvOIVer8zAPBgNVHRMBAf8EBTADAQH/MA0G\
        CSqGSIb3DQEBCwUAA4GBADphw/5NWZWZl9h/HQtsElF/P15s52zbHB7q7o3CQaA/jPqW5NXOGQOOoFsn\
        RZSGRu3DckvlEybgzrqwwrOpB48fnNqNC+n/WUjDHsfzIt7Ju6bizqV8s8lCgGnYvZmFPTZTzZuXhS4O\
        7YHWfB85i6+SSXtVYaE0RxRC/dvwUML1";

    /// PKCS#8 key and DER certificate number 1 or 2.
    pub(crate) fn key_of(number: usize) -> (Vec<u8>, Vec<u8>) {
        static KEYS: [OnceLock<(Vec<u8>, Vec<u8>)>; 2] = [OnceLock::new(), OnceLock::new()];
        KEYS[number - 1]
            .get_or_init(|| {
                let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
                let name = vec![format!("idp{number}.example")];
                let certificate =
                    rcgen::CertificateParams::new(name).unwrap().self_signed(&pair).unwrap();
                (pair.serialize_der(), certificate.der().to_vec())
            })
            .clone()
    }

    /// PKCS#8 key and DER certificate with an EC key on this curve.
    pub(crate) fn ec_key_of(curve: &'static rcgen::SignatureAlgorithm) -> (Vec<u8>, Vec<u8>) {
        let pair = rcgen::KeyPair::generate_for(curve).unwrap();
        let name = vec!["ec.example".to_owned()];
        let certificate = rcgen::CertificateParams::new(name).unwrap().self_signed(&pair).unwrap();
        (pair.serialize_der(), certificate.der().to_vec())
    }

    /// Key number 1 or 2 as signer and verifier.
    pub(crate) fn keys(number: usize) -> (SigningKey, VerifyingKey) {
        let (key, certificate) = key_of(number);
        (
            SigningKey::new(&key, &certificate).unwrap(),
            VerifyingKey::from_certificate(&certificate).unwrap(),
        )
    }
}
