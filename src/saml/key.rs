//! Layer 0, saml: keys as signer and verifier see them. Everything that can be prepared is prepared
//! once, so that a signature costs the RSA operation and little else.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::error::{Error, shortened};
use super::names::algorithm;
use crate::limits;

/// A private RSA key with the certificate that carries its public half.
pub struct SigningKey {
    pair: KeyPair,
    certificate: Vec<u8>,
    certificate_base64: String,
}

impl SigningKey {
    /// Takes a PKCS#8 private key and the DER certificate that belongs to it.
    ///
    /// # Errors
    /// [`Error::Key`] when either cannot be read, is smaller than 2048 bits, or they do not belong
    /// together.
    pub fn new(pkcs8: &[u8], certificate: &[u8]) -> Result<Self, Error> {
        let pair = KeyPair::from_pkcs8(pkcs8)
            .map_err(|e| key("an RSA key of at least 2048 bits as PKCS#8", e.to_string()))?;
        let public = subject_public_key_info(certificate)?;
        let own = aws_lc_rs::signature::KeyPair::public_key(&pair)
            .as_der()
            .map_err(|_| key("an RSA public key", "one that cannot be written".to_owned()))?;
        if own.as_ref() != public {
            return Err(key("the certificate of this key", "another key's".to_owned()));
        }
        Ok(Self {
            pair,
            certificate: certificate.to_vec(),
            certificate_base64: STANDARD.encode(certificate),
        })
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The certificate as one line of base64, as `ds:X509Certificate` carries it.
    #[must_use]
    pub fn certificate_base64(&self) -> &str {
        &self.certificate_base64
    }

    /// The size of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.pair.public_modulus_len() * 8
    }

    /// RSA PKCS#1 v1.5 with SHA-256 over `octets`. This is the dear part: 0.2 to 0.6 ms for 2048
    /// bits.
    ///
    /// # Errors
    /// [`Error::Sign`] when the crypto library refuses.
    pub fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // RSA PKCS#1 v1.5 needs no randomness; the library ignores this argument.
        let unused = aws_lc_rs::rand::SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &unused, octets, &mut signature)
            .map_err(|_| Error::Sign)?;
        Ok(signature)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} bits)", self.bits())
    }
}

/// The signature algorithms that are accepted (conformance A-116).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
}

impl SignatureAlgorithm {
    /// Reads the URI of an algorithm. Case differs between the cloud's documents and its messages
    /// (contract §3.1), so it is not compared; no other URI differs from these by case only.
    ///
    /// # Errors
    /// [`Error::Algorithm`] for any other URI.
    pub fn from_uri(uri: &str) -> Result<Self, Error> {
        [
            (algorithm::RSA_SHA256, Self::RsaSha256),
            (algorithm::RSA_SHA384, Self::RsaSha384),
            (algorithm::RSA_SHA512, Self::RsaSha512),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(uri))
        .map(|(_, algorithm)| algorithm)
        .ok_or_else(|| Error::Algorithm { found: shortened(uri) })
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::RsaSha384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::RsaSha512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// A public RSA key of a peer, pinned from its metadata. Certificates only carry it: their dates,
/// names and signatures mean nothing (conformance A-099).
#[derive(Clone)]
pub struct VerifyingKey {
    certificate: Vec<u8>,
    keys: [ParsedPublicKey; 3],
}

impl VerifyingKey {
    /// Takes the public key out of a DER certificate.
    ///
    /// # Errors
    /// [`Error::Key`] when it cannot be read, is not RSA, or has fewer than 2048 or more than 8192
    /// bits.
    pub fn from_certificate(certificate: &[u8]) -> Result<Self, Error> {
        let spki = subject_public_key_info(certificate)?;
        let bits = rsa_bits(certificate)?;
        if !(limits::RSA_MIN_BITS..=limits::RSA_MAX_BITS).contains(&bits) {
            return Err(key("an RSA key of 2048 to 8192 bits", format!("{bits} bits")));
        }
        let parse = |algorithm: SignatureAlgorithm| {
            ParsedPublicKey::new(algorithm.verification(), &spki)
                .map_err(|e| key("an RSA public key", e.to_string()))
        };
        let keys = [
            parse(SignatureAlgorithm::RsaSha256)?,
            parse(SignatureAlgorithm::RsaSha384)?,
            parse(SignatureAlgorithm::RsaSha512)?,
        ];
        Ok(Self { certificate: certificate.to_vec(), keys })
    }

    /// The certificate that carried the key, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Whether `signature` over `octets` is this key's. Any error of the library is a "no" (C-13,
    /// B-14).
    #[must_use]
    pub fn verifies(&self, by: SignatureAlgorithm, octets: &[u8], signature: &[u8]) -> bool {
        let parsed = match by {
            SignatureAlgorithm::RsaSha256 => &self.keys[0],
            SignatureAlgorithm::RsaSha384 => &self.keys[1],
            SignatureAlgorithm::RsaSha512 => &self.keys[2],
        };
        parsed.verify_sig(octets, signature).is_ok()
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.certificate);
        write!(f, "VerifyingKey({})", STANDARD.encode(&digest.as_ref()[..6]))
    }
}

fn parse(certificate: &[u8]) -> Result<X509Certificate<'_>, Error> {
    let (rest, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| key("an X.509 certificate", "other octets".to_owned()))?;
    if rest.is_empty() {
        Ok(parsed)
    } else {
        Err(key("an X.509 certificate", format!("{} octets behind it", rest.len())))
    }
}

fn subject_public_key_info(certificate: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(parse(certificate)?.public_key().raw.to_vec())
}

fn rsa_bits(certificate: &[u8]) -> Result<usize, Error> {
    match parse(certificate)?.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => Ok(rsa.key_size()),
        _ => Err(key("an RSA key", "another kind of key".to_owned())),
    }
}

fn key(expected: &'static str, found: String) -> Error {
    Error::Key { expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::tests::{key_of, keys};

    #[test]
    fn what_a_key_signs_its_certificate_verifies() {
        let (signing, verifying) = keys(1);
        let signature = signing.sign(b"octets").unwrap();
        assert!(verifying.verifies(SignatureAlgorithm::RsaSha256, b"octets", &signature));
        assert!(!verifying.verifies(SignatureAlgorithm::RsaSha256, b"octetz", &signature));
        assert!(!verifying.verifies(SignatureAlgorithm::RsaSha512, b"octets", &signature));
        assert!(!verifying.verifies(SignatureAlgorithm::RsaSha256, b"octets", &signature[1..]));
        assert!(!verifying.verifies(SignatureAlgorithm::RsaSha256, b"octets", b""));
    }

    #[test]
    fn a_certificate_of_another_key_is_refused() {
        let (key, _) = key_of(1);
        let (_, certificate) = key_of(2);
        assert!(matches!(SigningKey::new(&key, &certificate), Err(Error::Key { .. })));
    }

    #[test]
    fn only_the_three_listed_algorithms_exist() {
        assert!(SignatureAlgorithm::from_uri(&algorithm::RSA_SHA256.to_uppercase()).is_ok());
        for uri in [
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "",
        ] {
            assert!(matches!(SignatureAlgorithm::from_uri(uri), Err(Error::Algorithm { .. })));
        }
    }
}
