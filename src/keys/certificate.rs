//! A signing certificate: the public half of a key, as metadata shows it.

use aws_lc_rs::digest;
use time::{Date, Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::KeyError;
use crate::limits::{RSA_MAX_BITS, RSA_MIN_BITS};
use crate::saml::key::KeyKind;

/// An X.509 certificate with an RSA key of an allowed size, or an EC key on P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    kind: KeyKind,
    subject: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl Certificate {
    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// [`KeyError::CertificateUnreadable`], [`KeyError::Kind`], [`KeyError::KeyBits`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let unreadable = |cause: String| KeyError::CertificateUnreadable(cause);
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|error| unreadable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(unreadable(format!("{} bytes follow it", rest.len())));
        }
        let spki = parsed.public_key();
        let kind = match spki.parsed().map_err(|error| unreadable(error.to_string()))? {
            PublicKey::RSA(key) => match modulus_bits(key.modulus) {
                bits @ RSA_MIN_BITS..=RSA_MAX_BITS => KeyKind::Rsa(bits),
                bits => return Err(KeyError::KeyBits(bits)),
            },
            PublicKey::EC(_) if KeyKind::of_certificate(der) == Ok(KeyKind::P256) => KeyKind::P256,
            PublicKey::EC(_) => {
                return Err(KeyError::Kind("a certificate with an EC key on another curve"));
            }
            _ => return Err(KeyError::Kind("a certificate with another kind of key")),
        };
        Ok(Self {
            der: der.to_vec(),
            public_key: spki.subject_public_key.data.to_vec(),
            kind,
            subject: parsed.subject().to_string(),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
        })
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The public key: PKCS#1 `RSAPublicKey` in DER, or the point of an EC key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The kind of the key.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The subject, such as `CN=sso.partner.example`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When its validity begins.
    #[must_use]
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// When its validity ends. Peers that follow the metadata interoperability profile ignore it;
    /// others do not.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// What about its validity an operator should know at `now`.
    #[must_use]
    pub fn warning(&self, now: OffsetDateTime) -> Option<Warning> {
        if now > self.not_after {
            Some(Warning::Expired(self.not_after.date()))
        } else if now < self.not_before {
            Some(Warning::NotYetValid(self.not_before.date()))
        } else if now > self.not_after - Warning::SOON {
            Some(Warning::ExpiresSoon(self.not_after.date()))
        } else {
            None
        }
    }

    /// SHA-256 over the DER, in the form that `openssl x509 -fingerprint -sha256` prints:
    /// `AB:CD:…`, 95 characters.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&digest::SHA256, &self.der);
        let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

/// Something about a certificate's validity that is no fault but wants attention: some clouds go by
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Its validity is over.
    #[error("the certificate expired on {0}")]
    Expired(Date),
    /// Its validity has not begun.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(Date),
    /// Its validity ends within 60 days.
    #[error("the certificate expires on {0}")]
    ExpiresSoon(Date),
}

impl Warning {
    /// Time enough to hand new metadata to a cloud where people upload it by hand.
    const SOON: Duration = Duration::days(60);
}

/// The length of an unsigned big-endian number that may carry leading zeros.
fn modulus_bits(modulus: &[u8]) -> usize {
    let digits = modulus.iter().skip_while(|byte| **byte == 0);
    let mut bits = 0;
    for (place, byte) in digits.enumerate() {
        bits = if place == 0 { 8 - byte.leading_zeros() as usize } else { bits + 8 };
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::fixtures;

    #[test]
    fn a_certificate_tells_its_size_and_its_fingerprint() {
        let certificate = fixtures::key_a().certificate;
        assert_eq!(certificate.kind(), KeyKind::Rsa(2048));
        assert_eq!(certificate.fingerprint().len(), 95);
    }

    #[test]
    fn a_certificate_warns_before_it_expires_and_after() {
        let certificate = fixtures::key_a().certificate;
        let (begin, end) = (certificate.not_before(), certificate.not_after());
        let second = Duration::SECOND;
        assert_eq!(certificate.warning(begin), None);
        assert_eq!(certificate.warning(begin - second), Some(Warning::NotYetValid(begin.date())));
        assert_eq!(certificate.warning(end - Duration::days(60)), None);
        assert_eq!(certificate.warning(end), Some(Warning::ExpiresSoon(end.date())));
        assert_eq!(certificate.warning(end + second), Some(Warning::Expired(end.date())));
    }

    #[test]
    fn bytes_after_a_certificate_are_refused() {
        let mut der = fixtures::key_a().certificate.der().to_vec();
        der.push(0);
        assert_eq!(
            Certificate::from_der(&der),
            Err(KeyError::CertificateUnreadable("1 bytes follow it".into()))
        );
    }

    #[test]
    fn leading_zeros_do_not_lengthen_a_modulus() {
        assert_eq!(modulus_bits(&[0, 0, 0x80, 0]), 16);
        assert_eq!(modulus_bits(&[1, 0]), 9);
        assert_eq!(modulus_bits(&[]), 0);
    }
}
