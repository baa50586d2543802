//! Layer 0, saml: keys as signer and verifier see them. Everything that can be prepared is prepared
//! once, so that a signature costs the operation on the key and little else.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256_SHA384_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, VerificationAlgorithm,
};
use aws_lc_rs::{rand, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::allowed::SignatureAlgorithm;
use super::error::Error;
use crate::limits;

/// What kind of key it is (conformance A-115).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, with so many bits in its modulus.
    Rsa(usize),
    /// On the elliptic curve P-256.
    P256,
    /// On the elliptic curve P-384.
    P384,
}

impl KeyKind {
    /// The kind of the key in a DER certificate.
    ///
    /// # Errors
    /// [`Error::Key`] when it cannot be read, is of another kind, or has fewer than 2048 or more
    /// than 8192 bits of RSA.
    pub fn of_certificate(certificate: &[u8]) -> Result<Self, Error> {
        const EXPECTED: &str = "an RSA key of 2048 to 8192 bits, or an EC key on P-256 or P-384";
        const SIZES: std::ops::RangeInclusive<usize> = limits::RSA_MIN_BITS..=limits::RSA_MAX_BITS;
        let parsed = parse(certificate)?;
        let info = parsed.public_key();
        // A curve counts by its name only: parameters that a peer makes up have led to forgeries.
        let curve = || Some(info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string());
        match info.parsed() {
            Ok(PublicKey::RSA(rsa)) if SIZES.contains(&rsa.key_size()) => {
                Ok(Self::Rsa(rsa.key_size()))
            }
            Ok(PublicKey::RSA(rsa)) => Err(key(EXPECTED, format!("{} bits", rsa.key_size()))),
            Ok(PublicKey::EC(_)) => match curve().as_deref() {
                Some("1.2.840.10045.3.1.7") => Ok(Self::P256),
                Some("1.3.132.0.34") => Ok(Self::P384),
                _ => Err(key(EXPECTED, "an EC key on another curve".to_owned())),
            },
            _ => Err(key(EXPECTED, "another kind of key".to_owned())),
        }
    }

    /// The algorithms that a signature by such a key can have, and what the library calls them.
    fn verifications(self) -> Vec<(SignatureAlgorithm, &'static dyn VerificationAlgorithm)> {
        use SignatureAlgorithm as A;
        match self {
            Self::Rsa(_) => vec![
                (A::RsaSha256, &RSA_PKCS1_2048_8192_SHA256),
                (A::RsaSha384, &RSA_PKCS1_2048_8192_SHA384),
                (A::RsaSha512, &RSA_PKCS1_2048_8192_SHA512),
            ],
            Self::P256 => vec![
                (A::EcdsaSha256, &ECDSA_P256_SHA256_ASN1),
                (A::EcdsaSha384, &ECDSA_P256_SHA384_ASN1),
            ],
            Self::P384 => vec![
                (A::EcdsaSha256, &ECDSA_P384_SHA256_ASN1),
                (A::EcdsaSha384, &ECDSA_P384_SHA384_ASN1),
            ],
        }
    }

    /// Half the length of a signature by an EC key, bytes.
    fn half(self) -> Option<usize> {
        match self {
            Self::Rsa(_) => None,
            Self::P256 => Some(32),
            Self::P384 => Some(48),
        }
    }
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
        }
    }
}

/// A private key, RSA or on P-256, with the certificate that carries its public half.
pub struct SigningKey {
    pair: Pair,
    certificate: Vec<u8>,
    certificate_base64: String,
}

enum Pair {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// Takes a PKCS#8 private key and the DER certificate that belongs to it.
    ///
    /// # Errors
    /// [`Error::Key`] when either cannot be read, is of a kind that we do not sign with or smaller
    /// than 2048 bits of RSA, or they do not belong together.
    pub fn new(pkcs8: &[u8], certificate: &[u8]) -> Result<Self, Error> {
        let unwritable = |_| key("a public key", "one that cannot be written".to_owned());
        let (pair, own) = match KeyKind::of_certificate(certificate)? {
            KeyKind::Rsa(_) => {
                let pair = rsa::KeyPair::from_pkcs8(pkcs8).map_err(|e| {
                    key("an RSA key of at least 2048 bits as PKCS#8", e.to_string())
                })?;
                let own = pair.public_key().as_der().map_err(unwritable)?;
                (Pair::Rsa(pair), own)
            }
            KeyKind::P256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(|e| key("an EC key on P-256 as PKCS#8", e.to_string()))?;
                let own = pair.public_key().as_der().map_err(unwritable)?;
                (Pair::P256(pair), own)
            }
            kind @ KeyKind::P384 => {
                return Err(key("an RSA key or one on P-256", kind.to_string()));
            }
        };
        if own.as_ref() != subject_public_key_info(certificate)? {
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

    /// What kind of key it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match &self.pair {
            Pair::Rsa(pair) => KeyKind::Rsa(pair.public_modulus_len() * 8),
            Pair::P256(_) => KeyKind::P256,
        }
    }

    /// What [`SigningKey::sign`] makes: rsa-sha256 or ecdsa-sha256.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        match &self.pair {
            Pair::Rsa(_) => SignatureAlgorithm::RsaSha256,
            Pair::P256(_) => SignatureAlgorithm::EcdsaSha256,
        }
    }

    /// The first of `declared`, what a peer says it can verify, that this key can make. A peer
    /// which declares nothing of it gets [`SigningKey::algorithm`] (conformance A-117).
    #[must_use]
    pub fn algorithm_for(&self, declared: &[SignatureAlgorithm]) -> SignatureAlgorithm {
        use SignatureAlgorithm as A;
        let makes = |algorithm: &SignatureAlgorithm| match &self.pair {
            Pair::Rsa(_) => matches!(algorithm, A::RsaSha256 | A::RsaSha384 | A::RsaSha512),
            Pair::P256(_) => *algorithm == A::EcdsaSha256,
        };
        declared.iter().copied().find(makes).unwrap_or_else(|| self.algorithm())
    }

    /// Signs `octets` by [`SigningKey::algorithm`].
    ///
    /// # Errors
    /// [`Error::Sign`] when the crypto library refuses.
    pub fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_by(self.algorithm(), octets)
    }

    /// Signs `octets`: RSA PKCS#1 v1.5, or ECDSA as r and s beside each other, each 32 bytes (RFC
    /// 9231 §2.3.6). This is the dear part: 0.2 to 0.6 ms for 2048 bits of RSA.
    ///
    /// # Errors
    /// [`Error::Sign`] when the algorithm is not one of this key's or the crypto library refuses.
    pub fn sign_by(&self, by: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, Error> {
        // RSA PKCS#1 v1.5 needs no randomness, and ECDSA takes its own: the library ignores this.
        let unused = rand::SystemRandom::new();
        match (&self.pair, by) {
            (Pair::P256(pair), SignatureAlgorithm::EcdsaSha256) => {
                let signature = pair.sign(&unused, octets).map_err(|_| Error::Sign)?;
                Ok(signature.as_ref().to_vec())
            }
            (Pair::Rsa(pair), by) => {
                let padding = match by {
                    SignatureAlgorithm::RsaSha256 => &RSA_PKCS1_SHA256,
                    SignatureAlgorithm::RsaSha384 => &RSA_PKCS1_SHA384,
                    SignatureAlgorithm::RsaSha512 => &RSA_PKCS1_SHA512,
                    _ => return Err(Error::Sign),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &unused, octets, &mut signature).map_err(|_| Error::Sign)?;
                Ok(signature)
            }
            (Pair::P256(_), _) => Err(Error::Sign),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kind())
    }
}

/// A public key of a peer, pinned from its metadata. Certificates only carry it: their dates, names
/// and signatures mean nothing (conformance A-099).
#[derive(Clone)]
pub struct VerifyingKey {
    certificate: Vec<u8>,
    kind: KeyKind,
    /// One for each algorithm that fits this kind of key: another cannot even be tried (B-13).
    keys: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
}

impl VerifyingKey {
    /// Takes the public key out of a DER certificate.
    ///
    /// # Errors
    /// [`Error::Key`] when it cannot be read or is of a kind that is not allowed.
    pub fn from_certificate(certificate: &[u8]) -> Result<Self, Error> {
        let kind = KeyKind::of_certificate(certificate)?;
        let info = subject_public_key_info(certificate)?;
        let prepared = |(algorithm, verification)| {
            ParsedPublicKey::new(verification, &info)
                .map(|parsed| (algorithm, parsed))
                .map_err(|e| key("a public key", e.to_string()))
        };
        let keys = kind.verifications().into_iter().map(prepared).collect::<Result<_, _>>()?;
        Ok(Self { certificate: certificate.to_vec(), kind, keys })
    }

    /// The certificate that carried the key, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What kind of key it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether `signature` over `octets` is this key's. Any error of the library is a "no" (C-13,
    /// B-14), and so is an algorithm for another kind of key (B-13).
    #[must_use]
    pub fn verifies(&self, by: SignatureAlgorithm, octets: &[u8], signature: &[u8]) -> bool {
        let Some((_, parsed)) = self.keys.iter().find(|(algorithm, _)| *algorithm == by) else {
            return false;
        };
        match self.kind.half() {
            None => parsed.verify_sig(octets, signature).is_ok(),
            Some(half) if signature.len() == 2 * half => {
                parsed.verify_sig(octets, &der_of(signature.split_at(half))).is_ok()
            }
            Some(_) => false,
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.certificate);
        write!(f, "VerifyingKey({})", STANDARD.encode(&digest.as_ref()[..6]))
    }
}

/// `ECDSA-Sig-Value` of r and s (RFC 3279 §2.2.3): the library takes a curve with another curve's
/// digest only in this form. Both numbers have at most 48 bytes, so every length is one byte.
fn der_of((r, s): (&[u8], &[u8])) -> Vec<u8> {
    const INTEGER: u8 = 0x02;
    const SEQUENCE: u8 = 0x30;
    let mut numbers = Vec::with_capacity(r.len() + s.len() + 6);
    for number in [r, s] {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let digits = &number[zeros..];
        // A leading zero keeps it positive, and is all there is of 0.
        let sign: &[u8] = if digits.first().is_none_or(|byte| *byte > 0x7F) { &[0] } else { &[] };
        numbers.extend([INTEGER, length_of(sign.len() + digits.len())]);
        numbers.extend(sign.iter().chain(digits));
    }
    [&[SEQUENCE, length_of(numbers.len())], numbers.as_slice()].concat()
}

fn length_of(bytes: usize) -> u8 {
    u8::try_from(bytes).expect("two numbers of at most 48 bytes")
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

/// The public key of a DER certificate, as X.509 writes it.
pub(in crate::saml) fn subject_public_key_info(certificate: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(parse(certificate)?.public_key().raw.to_vec())
}

fn key(expected: &'static str, found: String) -> Error {
    Error::Key { expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::tests::{SMALL_CERTIFICATE, ec_key_of, key_of, keys};

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
    fn an_ec_key_signs_with_two_numbers_of_fixed_size() {
        let (key, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P256_SHA256);
        let signing = SigningKey::new(&key, &certificate).unwrap();
        let verifying = VerifyingKey::from_certificate(&certificate).unwrap();
        let by = signing.algorithm();
        assert_eq!((by, signing.kind()), (SignatureAlgorithm::EcdsaSha256, KeyKind::P256));
        // Numbers that begin with zeros or a high bit must survive; a few hundred meet both.
        for count in 0..600_u32 {
            let octets = count.to_be_bytes();
            let signature = signing.sign(&octets).unwrap();
            assert_eq!(signature.len(), 64);
            assert!(verifying.verifies(by, &octets, &signature), "{signature:02x?}");
            assert!(!verifying.verifies(by, b"octets", &signature));
        }
        let signature = signing.sign(b"octets").unwrap();
        for bad in [&signature[1..], &[&signature[..], &[0]].concat(), &[0; 64], &[0xFF; 64], &[]] {
            assert!(!verifying.verifies(by, b"octets", bad));
        }
        // ASN.1, which other protocols carry, is not what XML signatures carry.
        let der = der_of(signature.split_at(32));
        assert!(!verifying.verifies(by, b"octets", &der));
    }

    #[test]
    fn a_peer_may_use_either_curve_with_either_digest() {
        use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
        let (key, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P384_SHA384);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &key).unwrap();
        let signature = pair.sign(&rand::SystemRandom::new(), b"octets").unwrap();
        let verifying = VerifyingKey::from_certificate(&certificate).unwrap();
        assert_eq!(verifying.kind(), KeyKind::P384);
        assert!(verifying.verifies(SignatureAlgorithm::EcdsaSha384, b"octets", signature.as_ref()));
        let by_256 =
            verifying.verifies(SignatureAlgorithm::EcdsaSha256, b"octets", signature.as_ref());
        assert!(!by_256);
        assert!(SigningKey::new(&key, &certificate).is_err(), "we sign on P-256 only");
    }

    // Conformance B-13.
    #[test]
    fn a_key_verifies_by_algorithms_of_its_own_kind_only() {
        let (rsa, rsa_verifying) = keys(1);
        let (key, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P256_SHA256);
        let ec = SigningKey::new(&key, &certificate).unwrap();
        let ec_verifying = VerifyingKey::from_certificate(&certificate).unwrap();
        let (by_rsa, by_ec) = (rsa.sign(b"x").unwrap(), ec.sign(b"x").unwrap());
        for by in SignatureAlgorithm::ALL {
            assert!(!ec_verifying.verifies(by, b"x", &by_rsa));
            assert!(!rsa_verifying.verifies(by, b"x", &by_ec));
            let of_rsa = rsa.sign_by(by, b"x").is_ok_and(|s| rsa_verifying.verifies(by, b"x", &s));
            let of_ec = ec.sign_by(by, b"x").is_ok_and(|s| ec_verifying.verifies(by, b"x", &s));
            let is_ec =
                matches!(by, SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384);
            assert_eq!(of_rsa, !is_ec, "{by:?}");
            assert_eq!(of_ec, by == SignatureAlgorithm::EcdsaSha256, "{by:?}");
        }
    }

    // Conformance A-117.
    #[test]
    fn what_a_peer_declares_is_honoured_as_far_as_the_key_can() {
        use SignatureAlgorithm as A;
        let (rsa, _) = keys(1);
        assert_eq!(rsa.algorithm_for(&[]), A::RsaSha256);
        assert_eq!(rsa.algorithm_for(&[A::EcdsaSha256, A::RsaSha512, A::RsaSha256]), A::RsaSha512);
        assert_eq!(rsa.algorithm_for(&[A::EcdsaSha384]), A::RsaSha256);
    }

    // Conformance A-115.
    #[test]
    fn a_peers_rsa_key_of_1024_bits_is_refused() {
        let certificate = STANDARD.decode(SMALL_CERTIFICATE).unwrap();
        let error = VerifyingKey::from_certificate(&certificate).unwrap_err();
        assert!(matches!(&error, Error::Key { found, .. } if found == "1024 bits"), "{error}");
    }

    #[test]
    fn a_key_on_another_curve_is_refused() {
        let (_, certificate) = ec_key_of(&rcgen::PKCS_ECDSA_P521_SHA512);
        let error = VerifyingKey::from_certificate(&certificate).unwrap_err().to_string();
        assert!(error.contains("another curve"), "{error}");
        let (_, certificate) = ec_key_of(&rcgen::PKCS_ED25519);
        let error = VerifyingKey::from_certificate(&certificate).unwrap_err().to_string();
        assert!(error.contains("another kind of key"), "{error}");
    }

    // Conformance A-099: a certificate only carries its key.
    #[test]
    fn a_certificate_that_is_over_carries_its_key_all_the_same() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["over.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        let certificate = params.self_signed(&pair).unwrap();
        let signing = SigningKey::new(&pair.serialize_der(), certificate.der()).unwrap();
        let verifying = VerifyingKey::from_certificate(certificate.der()).unwrap();
        let signature = signing.sign(b"octets").unwrap();
        assert!(verifying.verifies(SignatureAlgorithm::EcdsaSha256, b"octets", &signature));
    }
}
