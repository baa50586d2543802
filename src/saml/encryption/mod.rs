//! Layer 0, saml: encryption (xmlenc-core1, saml-core-2.0-os §6). Here: Assertions encrypted for a
//! service provider. In `decrypt`: name identifiers that one encrypted for us. In `method`: what a
//! service provider says about how it wants it.
//!
//! Only authenticated ciphers, unless a profile asks for CBC; only RSA-OAEP for keys. A content key
//! and its IV are used once: [`Envelope`] is used up by sealing (conformance A-061).

mod decrypt;
mod method;

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, AES_128, AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey,
    PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

pub use decrypt::{Decrypted, DecryptionKey, decrypt_id};
pub use method::Methods;
pub(in crate::saml) use method::{Published, publish};

use super::allowed::{Cipher, KeyTransport};
use super::error::Error;
use super::key::{self, KeyKind};
use super::names::{algorithm, ns};
use super::xml::write::Writer;
use crate::random::Random;

/// A key that a service provider publishes to be encrypted for, and how.
#[derive(Clone)]
pub struct EncryptionKey {
    certificate: Vec<u8>,
    certificate_base64: String,
    key: PublicEncryptingKey,
    methods: Methods,
}

impl EncryptionKey {
    /// Takes the public key out of a DER certificate, and what the metadata says beside it.
    ///
    /// # Errors
    /// [`Error::Key`] when it cannot be read, or is not RSA of an allowed size: nothing else
    /// encrypts here.
    pub fn new(certificate: &[u8], methods: Methods) -> Result<Self, Error> {
        let unusable = |found| Error::Key { expected: "an RSA key to encrypt for", found };
        match KeyKind::of_certificate(certificate)? {
            KeyKind::Rsa(_) => {}
            other => return Err(unusable(other.to_string())),
        }
        let key = PublicEncryptingKey::from_der(&key::subject_public_key_info(certificate)?)
            .map_err(|e| unusable(e.to_string()))?;
        let certificate_base64 = STANDARD.encode(certificate);
        Ok(Self { certificate: certificate.to_vec(), certificate_base64, key, methods })
    }

    /// The certificate that carried the key, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey(RSA-{}, {:?})", self.key.key_size_bits(), self.methods)
    }
}

/// Whether a service provider that cannot decrypt anything better gets CBC, which proves nothing
/// about its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// Never.
    Refuse,
    /// Yes, where its metadata offers nothing else (conformance A-118).
    Accept,
}

/// Whom to encrypt for, and how.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'k> {
    key: &'k EncryptionKey,
    cipher: Cipher,
    transport: KeyTransport,
}

impl<'k> Recipient<'k> {
    /// The first of a service provider's `keys` that can be used: an authenticated cipher of any
    /// key goes before CBC of any other. Keys that offer nothing allowed are skipped (conformance
    /// `None` when none is left.
    #[must_use]
    pub fn choose(keys: &'k [EncryptionKey], unauthenticated: Unauthenticated) -> Option<Self> {
        let with = |is_authenticated| {
            keys.iter().find_map(|key| {
                let wanted = |cipher: &Cipher| cipher.is_authenticated() == is_authenticated;
                let cipher = key.methods.ciphers().iter().copied().find(wanted)?;
                let transport = key.methods.transport()?;
                Some(Self { key, cipher, transport })
            })
        };
        with(true).or_else(|| match unauthenticated {
            Unauthenticated::Refuse => None,
            Unauthenticated::Accept => with(false),
        })
    }

    /// How the text is encrypted.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }
}

/// One use of a recipient's key, with a content key and an IV of its own.
pub struct Envelope<'k> {
    recipient: Recipient<'k>,
    content_key: Zeroizing<Vec<u8>>,
    iv: [u8; 16],
}

impl<'k> Envelope<'k> {
    /// Draws key and IV from `random`.
    #[must_use]
    pub fn new(recipient: Recipient<'k>, random: &dyn Random) -> Self {
        let mut content_key = Zeroizing::new(vec![0; recipient.cipher.key_bytes()]);
        let mut iv = [0; 16];
        random.fill(&mut content_key);
        random.fill(&mut iv);
        Self { recipient, content_key, iv }
    }

    /// Writes `assertion`, an element that stands on its own, as `EncryptedAssertion`.
    ///
    /// # Errors
    /// [`Error::Encrypt`] when the crypto library refuses.
    pub(in crate::saml) fn write(self, out: &mut Writer, assertion: &str) -> Result<(), Error> {
        let Recipient { key, cipher, transport } = self.recipient;
        let wrapped = STANDARD.encode(wrap(key, transport, &self.content_key)?);
        let text = STANDARD.encode(self.seal(assertion)?);
        out.open("saml2:EncryptedAssertion", &[("xmlns:saml2", ns::ASSERTION)])?;
        out.open("xenc:EncryptedData", &[("xmlns:xenc", ns::XENC), ("Type", algorithm::ELEMENT)])?;
        out.leaf("xenc:EncryptionMethod", &[("Algorithm", cipher.uri())], "")?;
        out.open("ds:KeyInfo", &[("xmlns:ds", ns::DSIG)])?;
        out.open("xenc:EncryptedKey", &[])?;
        method::write(out, "xenc:EncryptionMethod", transport)?;
        out.open("ds:KeyInfo", &[])?;
        out.open("ds:X509Data", &[])?;
        out.leaf("ds:X509Certificate", &[], &key.certificate_base64)?;
        out.close();
        out.close();
        cipher_data(out, &wrapped)?;
        out.close();
        out.close();
        cipher_data(out, &text)?;
        out.close();
        out.close();
        Ok(())
    }

    /// IV, encrypted text and, for an authenticated cipher, its tag (xmlenc-core1 §5.2).
    fn seal(self, text: &str) -> Result<Vec<u8>, Error> {
        let mut sealed = text.as_bytes().to_vec();
        let refused = |_| Error::Encrypt;
        let iv: &[u8] = match self.recipient.cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm => {
                let iv = &self.iv[..12];
                let algorithm = match self.recipient.cipher {
                    Cipher::Aes128Gcm => &AES_128_GCM,
                    _ => &AES_256_GCM,
                };
                let key = UnboundKey::new(algorithm, &self.content_key).map_err(refused)?;
                let nonce = Nonce::try_assume_unique_for_key(iv).map_err(refused)?;
                LessSafeKey::new(key)
                    .seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
                    .map_err(refused)?;
                iv
            }
            Cipher::Aes128Cbc | Cipher::Aes256Cbc => {
                let algorithm: &cipher::Algorithm = match self.recipient.cipher {
                    Cipher::Aes128Cbc => &AES_128,
                    _ => &AES_256,
                };
                let key = UnboundCipherKey::new(algorithm, &self.content_key).map_err(refused)?;
                let context = EncryptionContext::Iv128(FixedLength::from(self.iv));
                // This padding is one of those that xmlenc-core1 §5.2 allows.
                PaddedBlockEncryptingKey::cbc_pkcs7(key)
                    .and_then(|key| key.less_safe_encrypt(&mut sealed, context))
                    .map_err(refused)?;
                &self.iv
            }
        };
        Ok([iv, &sealed].concat())
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope({:?})", self.recipient)
    }
}

fn cipher_data(out: &mut Writer, base64: &str) -> Result<(), Error> {
    out.open("xenc:CipherData", &[])?;
    out.leaf("xenc:CipherValue", &[], base64)?;
    out.close();
    Ok(())
}

fn wrap(key: &EncryptionKey, by: KeyTransport, content_key: &[u8]) -> Result<Vec<u8>, Error> {
    let refused = |_| Error::Encrypt;
    let key = OaepPublicEncryptingKey::new(key.key.clone()).map_err(refused)?;
    let mut wrapped = vec![0; key.ciphertext_size()];
    let length = key.encrypt(oaep(by), content_key, &mut wrapped, None).map_err(refused)?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}

fn oaep(transport: KeyTransport) -> &'static OaepAlgorithm {
    match transport {
        KeyTransport::OaepSha1 => &OAEP_SHA1_MGF1SHA1,
        KeyTransport::OaepSha256 => &OAEP_SHA256_MGF1SHA256,
    }
}

#[cfg(test)]
mod tests;
