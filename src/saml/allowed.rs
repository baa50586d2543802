//! Layer 0, saml: the algorithms that are allowed, and no others (conformance,
//! What is not listed here can be neither configured nor chosen by a peer: MD5, SHA-1 in
//! signatures and digests, HMAC, DSA, RSA 1.5 for keys. Whoever reads a URI of an algorithm reads
//! it here.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

use super::error::{Error, shortened};
use super::names::algorithm;

/// How a message or an assertion is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
}

impl SignatureAlgorithm {
    /// All of them, with the order of our own preference.
    pub const ALL: [Self; 5] =
        [Self::RsaSha256, Self::RsaSha384, Self::RsaSha512, Self::EcdsaSha256, Self::EcdsaSha384];

    /// Reads the URI of an algorithm. Case differs between the cloud's documents and its messages
    /// (contract §3.1), so it is not compared; no other URI differs from these by case only.
    ///
    /// # Errors
    /// [`Error::Algorithm`] for any other URI.
    pub fn from_uri(uri: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| known.uri().eq_ignore_ascii_case(uri));
        known.ok_or_else(|| Error::Algorithm { found: shortened(uri) })
    }

    /// Its URI (RFC 9231).
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::RsaSha256 => algorithm::RSA_SHA256,
            Self::RsaSha384 => algorithm::RSA_SHA384,
            Self::RsaSha512 => algorithm::RSA_SHA512,
            Self::EcdsaSha256 => algorithm::ECDSA_SHA256,
            Self::EcdsaSha384 => algorithm::ECDSA_SHA384,
        }
    }
}

/// How what is signed is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// All of them, with the order of our own preference.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Reads the URI of a digest.
    ///
    /// # Errors
    /// [`Error::Digest`] for any other URI, SHA-1 among them: a collision gives two documents under
    /// one signature.
    pub fn from_uri(uri: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| known.uri() == uri);
        known.ok_or_else(|| Error::Digest { found: shortened(uri) })
    }

    /// Its URI (RFC 9231).
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => algorithm::SHA256,
            Self::Sha384 => algorithm::SHA384,
            Self::Sha512 => algorithm::SHA512,
        }
    }

    /// The digest of `octets`.
    #[must_use]
    pub fn of(self, octets: &[u8]) -> digest::Digest {
        digest::digest(self.algorithm(), octets)
    }

    /// A digest of what will come part by part.
    #[must_use]
    pub fn begin(self) -> digest::Context {
        digest::Context::new(self.algorithm())
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }
}

/// How a text is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// AES-128 in Galois/Counter mode.
    Aes128Gcm,
    /// AES-256 in Galois/Counter mode.
    Aes256Gcm,
    /// AES-128 in CBC mode: written only where a profile says so (conformance A-118), never read.
    Aes128Cbc,
    /// AES-256 in CBC mode, likewise.
    Aes256Cbc,
}

impl Cipher {
    /// All of them, with the order of our own preference.
    pub const ALL: [Self; 4] = [Self::Aes256Gcm, Self::Aes128Gcm, Self::Aes256Cbc, Self::Aes128Cbc];

    /// Reads the URI of a cipher.
    ///
    /// # Errors
    /// [`Error::Encryption`] for any other URI.
    pub fn from_uri(uri: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| known.uri() == uri);
        known.ok_or_else(|| Error::Encryption { found: shortened(uri) })
    }

    /// Its URI (xmlenc-core1 §5.2).
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Aes128Gcm => algorithm::AES128_GCM,
            Self::Aes256Gcm => algorithm::AES256_GCM,
            Self::Aes128Cbc => algorithm::AES128_CBC,
            Self::Aes256Cbc => algorithm::AES256_CBC,
        }
    }

    /// The length of its key, bytes.
    #[must_use]
    pub fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
        }
    }

    /// Whether a text that was changed on its way is noticed.
    #[must_use]
    pub fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes256Gcm)
    }
}

/// How a cipher's key is encrypted: by RSA-OAEP, whose two hashes are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyTransport {
    /// With SHA-1, which OAEP does not weaken: what everybody knows (conformance A-114).
    OaepSha1,
    /// With SHA-256.
    OaepSha256,
}

/// What a peer declares that it can verify, as far as it is allowed, in its order of preference. A
/// peer that declares nothing verifies what everybody does
/// (sstc-saml-metadata-algsupport-v1.0 §2.3, conformance A-117).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Its `alg:SigningMethod`s.
    pub signatures: Vec<SignatureAlgorithm>,
    /// Its `alg:DigestMethod`s.
    pub digests: Vec<DigestAlgorithm>,
}

impl Declared {
    /// The digest for this peer.
    #[must_use]
    pub fn digest(&self) -> DigestAlgorithm {
        self.digests.first().copied().unwrap_or(DigestAlgorithm::Sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_algorithm() {
        for known in SignatureAlgorithm::ALL {
            assert_eq!(SignatureAlgorithm::from_uri(&known.uri().to_uppercase()), Ok(known));
        }
        for known in DigestAlgorithm::ALL {
            assert_eq!(DigestAlgorithm::from_uri(known.uri()), Ok(known));
        }
        for known in Cipher::ALL {
            assert_eq!(Cipher::from_uri(known.uri()), Ok(known));
        }
    }

    #[test]
    fn a_peer_that_declares_nothing_gets_sha_256() {
        assert_eq!(Declared::default().digest(), DigestAlgorithm::Sha256);
        let declared = Declared { digests: vec![DigestAlgorithm::Sha512], ..Declared::default() };
        assert_eq!(declared.digest(), DigestAlgorithm::Sha512);
    }

    // Conformance A-116, B-13, C-14.
    #[test]
    fn no_algorithm_of_the_deny_list_can_be_chosen() {
        const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
        const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
        for name in ["rsa-sha1", "dsa-sha1", "hmac-sha1"] {
            let uri = format!("{DSIG}{name}");
            assert!(matches!(SignatureAlgorithm::from_uri(&uri), Err(Error::Algorithm { .. })));
        }
        for name in [
            "rsa-md5",
            "rsa-ripemd160",
            "ecdsa-sha1",
            "hmac-md5",
            "hmac-sha256",
            "hmac-sha384",
            "hmac-sha512",
        ] {
            let uri = format!("{MORE}{name}");
            assert!(matches!(SignatureAlgorithm::from_uri(&uri), Err(Error::Algorithm { .. })));
        }
        for uri in ["http://www.w3.org/2009/xmldsig11#dsa-sha256", "none", ""] {
            assert!(matches!(SignatureAlgorithm::from_uri(uri), Err(Error::Algorithm { .. })));
        }
        for uri in [
            "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
            "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
            "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
            "",
        ] {
            assert!(matches!(Cipher::from_uri(uri), Err(Error::Encryption { .. })), "{uri}");
        }
        for uri in [algorithm::SHA1, "http://www.w3.org/2001/04/xmldsig-more#md5", ""] {
            assert!(matches!(DigestAlgorithm::from_uri(uri), Err(Error::Digest { .. })));
        }
    }
}
