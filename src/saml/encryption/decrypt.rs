//! Layer 0, saml: name identifiers that a service provider encrypted for us (saml-core-2.0-os
//! §2.2.4, conformance A-092). One narrow form is read. What would send the reader elsewhere or
//! make it compute (references, transforms) is refused before anything is decoded (C-27); CBC and
//! RSA 1.5, whose errors betray texts, do not exist here; and all that fails behind the first
//! operation on a key is one error.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use super::{method, oaep};
use crate::limits;
use crate::saml::allowed::{Cipher, KeyTransport};
use crate::saml::error::{Error, shortened};
use crate::saml::names::{algorithm, ns};
use crate::saml::xml::{Document, Element, Limits, parse_inside};

/// One of our private RSA keys, to decrypt with.
pub struct DecryptionKey(OaepPrivateDecryptingKey);

impl DecryptionKey {
    /// Takes a PKCS#8 private key.
    ///
    /// # Errors
    /// [`Error::Key`] when it is not an RSA key of an allowed size.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Error> {
        let unusable = |found| Error::Key { expected: "an RSA key to decrypt with", found };
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|e| unusable(e.to_string()))?;
        OaepPrivateDecryptingKey::new(key).map(Self).map_err(|e| unusable(e.to_string()))
    }

    /// What is inside `wrapped`, if it was made for this key.
    fn unwrap(&self, by: KeyTransport, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut room = Zeroizing::new(vec![0; self.0.min_output_size()]);
        let length = self.0.decrypt(oaep(by), wrapped, &mut room, None).ok()?.len();
        room.truncate(length);
        Some(room)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey(RSA-{})", self.0.key_size_bits())
    }
}

/// A `NameID` that was encrypted.
#[derive(Debug)]
pub struct Decrypted(Document);

impl Decrypted {
    /// The element `saml:NameID`.
    #[must_use]
    pub fn name_id(&self) -> Element<'_> {
        self.0.root()
    }
}

/// Decrypts the `saml:EncryptedID` of a message that is verified already, by whichever of our
/// `keys` fits; the first [`limits::DECRYPTION_KEYS`] are tried.
///
/// # Errors
/// [`Error::EncryptionForm`], [`Error::Encryption`], [`Error::Base64`], [`Error::Absent`],
/// [`Error::Element`] for a form that is not the accepted one, of which nothing was decrypted;
/// [`Error::Decrypt`] for everything else.
pub fn decrypt_id(encrypted_id: Element<'_>, keys: &[&DecryptionKey]) -> Result<Decrypted, Error> {
    let Sealed { cipher, text, keys: wrapped } = Sealed::read(encrypted_id)?;
    let tried = &keys[..keys.len().min(limits::DECRYPTION_KEYS)];
    let pairs = wrapped.iter().flat_map(|wrapped| tried.iter().map(move |key| (wrapped, key)));
    for ((transport, wrapped), key) in pairs {
        let Some(content_key) = key.unwrap(*transport, wrapped) else { continue };
        let Some(plain) = open(cipher, &content_key, &text) else { continue };
        let limits = Limits { bytes: limits::ENCRYPTED_ID_BYTES, nodes: 2 };
        return parse_inside(encrypted_id, &plain, limits)
            .ok()
            .filter(|document| is_name_id(document.root()))
            .map(Decrypted)
            .ok_or(Error::Decrypt);
    }
    Err(Error::Decrypt)
}

fn is_name_id(element: Element<'_>) -> bool {
    element.is(ns::ASSERTION, "NameID") && element.text().is_ok()
}

/// What an `EncryptedID` carries.
struct Sealed {
    cipher: Cipher,
    text: Vec<u8>,
    keys: Vec<(KeyTransport, Vec<u8>)>,
}

impl Sealed {
    fn read(encrypted_id: Element<'_>) -> Result<Self, Error> {
        refuse_errands(encrypted_id)?;
        let data = only(encrypted_id, "EncryptedData")?;
        match data.attribute("Type") {
            None | Some(algorithm::ELEMENT) => {}
            Some(other) => return Err(form("the Type xmlenc#Element or none", shortened(other))),
        }
        let uri = method::algorithm_of(only(data, "EncryptionMethod")?)?;
        let cipher = Cipher::from_uri(uri)?;
        if !cipher.is_authenticated() {
            return Err(Error::Encryption { found: shortened(uri) });
        }
        // The keys stand inside or beside what they open (saml-schema-assertion-2.0).
        let inside = data
            .children_named(ns::DSIG, "KeyInfo")
            .flat_map(|info| info.children_named(ns::XENC, "EncryptedKey"));
        let keys: Vec<_> =
            inside.chain(encrypted_id.children_named(ns::XENC, "EncryptedKey")).collect();
        if !(1..=limits::ENCRYPTED_KEYS).contains(&keys.len()) {
            return Err(form("one or two EncryptedKey", keys.len().to_string()));
        }
        let key = |key: Element<'_>| {
            let transport = method::transport(only(key, "EncryptionMethod")?)?;
            Ok((transport, cipher_value(key, limits::RSA_MAX_BITS / 8)?))
        };
        Ok(Self {
            cipher,
            text: cipher_value(data, limits::ENCRYPTED_ID_BYTES)?,
            keys: keys.into_iter().map(key).collect::<Result<_, Error>>()?,
        })
    }
}

/// That nothing inside asks us to fetch, look up or transform (C-27). The reader bounds the depth
/// of every tree.
fn refuse_errands(element: Element<'_>) -> Result<(), Error> {
    const ERRANDS: [&str; 5] =
        ["CipherReference", "RetrievalMethod", "KeyInfoReference", "Transforms", "Transform"];
    if ERRANDS.contains(&element.local()) {
        return Err(form("neither references nor transforms", element.describe()));
    }
    element.children().try_for_each(refuse_errands)
}

/// The octets of the one `CipherValue` of an element, at most `limit` of them.
fn cipher_value(element: Element<'_>, limit: usize) -> Result<Vec<u8>, Error> {
    let value = only(only(element, "CipherData")?, "CipherValue")?;
    // Base64 takes four characters for three octets; lines and their indents may double that.
    if value.text()?.len() > limit * 3 {
        return Err(form("a CipherValue of acceptable length", "a longer one".to_owned()));
    }
    value.octets("CipherValue")
}

/// The one child of this name.
fn only<'d>(element: Element<'d>, name: &'static str) -> Result<Element<'d>, Error> {
    let mut named = element.children_named(ns::XENC, name);
    match (named.next(), named.next()) {
        (Some(child), None) => Ok(child),
        (None, _) => Err(Error::Absent { what: name, inside: "something encrypted" }),
        (Some(_), Some(_)) => Err(form("each part once", format!("{name} twice"))),
    }
}

/// The text, if the key is its own and nothing was changed: IV, encrypted text, tag.
fn open(cipher: Cipher, content_key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match cipher {
        Cipher::Aes128Gcm => &AES_128_GCM,
        Cipher::Aes256Gcm => &AES_256_GCM,
        Cipher::Aes128Cbc | Cipher::Aes256Cbc => return None,
    };
    let key = UnboundKey::new(algorithm, content_key).ok()?;
    let (iv, text) = sealed.split_at_checked(12)?;
    let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
    let mut text = text.to_vec();
    let plain = LessSafeKey::new(key).open_in_place(nonce, Aad::empty(), &mut text).ok()?;
    Some(plain.to_vec())
}

fn form(expected: &'static str, found: String) -> Error {
    Error::EncryptionForm { expected, found }
}
