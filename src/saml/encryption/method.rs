//! Layer 0, saml: `EncryptionMethod`, in messages (xmlenc-core1 §3.2) and in metadata
//! (saml-metadata-2.0-os §2.4.1.1, conformance A-117).

use crate::saml::allowed::{Cipher, KeyTransport};
use crate::saml::error::{Error, shortened};
use crate::saml::names::{algorithm, ns};
use crate::saml::xml::Element;
use crate::saml::xml::write::Writer;

/// The ciphers that nobody has to declare.
const CIPHERS: [Cipher; 2] = [Cipher::Aes256Gcm, Cipher::Aes128Gcm];

/// What a service provider says about how to encrypt for one of its keys: the `md:EncryptionMethod`
/// elements of its `KeyDescriptor`, as far as they are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    /// In its order of preference; `None`: it says nothing about ciphers.
    ciphers: Option<Vec<Cipher>>,
    /// `None`: it says nothing about the encryption of keys.
    transports: Option<Vec<Offered>>,
}

/// A way to encrypt keys that a service provider offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// Its hash is said.
    Exactly(KeyTransport),
    /// RSA-OAEP with whatever hash.
    AnyOaep,
}

impl Methods {
    /// Reads a `KeyDescriptor`. Methods that are unknown or not allowed are left out; what is known
    /// to be a cipher, or to encrypt keys, still says that only such as are named can be used.
    ///
    /// # Errors
    /// [`Error::Absent`] for a method without `Algorithm`; [`Error::Encryption`] when none that is
    /// allowed is left.
    pub(in crate::saml) fn read(descriptor: Element<'_>) -> Result<Self, Error> {
        let mut methods = Self::default();
        let mut unused = Vec::new();
        for method in descriptor.children_named(ns::METADATA, "EncryptionMethod") {
            let uri = algorithm_of(method)?;
            if let Ok(cipher) = Cipher::from_uri(uri) {
                methods.ciphers.get_or_insert_default().push(cipher);
                continue;
            }
            unused.push(uri);
            if uri == algorithm::RSA_OAEP || uri == algorithm::RSA_OAEP_MGF1P {
                methods.transports.get_or_insert_default().extend(offered(method, uri));
            } else if uri.ends_with("#rsa-1_5") {
                methods.transports.get_or_insert_default();
            } else if uri.ends_with("-cbc") || uri.ends_with("-gcm") {
                methods.ciphers.get_or_insert_default();
            }
        }
        if methods.ciphers().is_empty() || methods.transport().is_none() {
            return Err(Error::Encryption { found: shortened(&unused.join(", ")) });
        }
        Ok(methods)
    }

    /// The ciphers to choose from, the best first.
    pub(super) fn ciphers(&self) -> &[Cipher] {
        self.ciphers.as_deref().unwrap_or(&CIPHERS)
    }

    /// How to encrypt a key: with SHA-256 where the service provider says so, else as everybody
    /// does (conformance A-114). `None` when it offers nothing that is allowed.
    pub(super) fn transport(&self) -> Option<KeyTransport> {
        let Some(offered) = &self.transports else { return Some(KeyTransport::OaepSha1) };
        let has = |wanted| offered.contains(&wanted);
        if has(Offered::Exactly(KeyTransport::OaepSha256)) {
            Some(KeyTransport::OaepSha256)
        } else if has(Offered::Exactly(KeyTransport::OaepSha1)) {
            Some(KeyTransport::OaepSha1)
        } else {
            // The message says which hash it is, so there is nothing to guess.
            has(Offered::AnyOaep).then_some(KeyTransport::OaepSha256)
        }
    }
}

/// What one RSA-OAEP method of metadata offers.
fn offered(method: Element<'_>, uri: &str) -> Option<Offered> {
    let is_bare = method.children().all(|child| child.is(ns::XENC, "KeySize"));
    if is_bare && uri == algorithm::RSA_OAEP {
        return Some(Offered::AnyOaep);
    }
    // Several hashes in one method are several offers; the best that is allowed counts.
    [KeyTransport::OaepSha256, KeyTransport::OaepSha1]
        .into_iter()
        .find(|transport| offers(method, uri, *transport))
        .map(Offered::Exactly)
}

fn offers(method: Element<'_>, uri: &str, transport: KeyTransport) -> bool {
    let has = |namespace, name, default: &str, wanted: &str| {
        let mut named = method.children_named(namespace, name).peekable();
        if named.peek().is_none() {
            return wanted == default;
        }
        named.any(|child| child.attribute("Algorithm") == Some(wanted))
    };
    let (digest, mask) = hashes(transport);
    let is_mask = match uri {
        algorithm::RSA_OAEP => {
            // Metadata that names the digest and no mask means the same hash for both.
            has(ns::XENC11, "MGF", mask, mask)
        }
        _ => mask == algorithm::MGF1_SHA1,
    };
    let is_plain = method.children_named(ns::XENC, "OAEPparams").next().is_none();
    is_plain && is_mask && has(ns::DSIG, "DigestMethod", algorithm::SHA1, digest)
}

/// Reads the method of an `EncryptedKey`.
///
/// # Errors
/// [`Error::Encryption`] for anything but RSA-OAEP with one allowed hash and without parameters.
pub(super) fn transport(method: Element<'_>) -> Result<KeyTransport, Error> {
    let uri = algorithm_of(method)?;
    let refused = || Error::Encryption { found: shortened(uri) };
    let mut digest = algorithm::SHA1;
    let mut mask = algorithm::MGF1_SHA1;
    for child in method.children() {
        if child.is(ns::DSIG, "DigestMethod") {
            digest = algorithm_of(child)?;
        } else if child.is(ns::XENC11, "MGF") && uri == algorithm::RSA_OAEP {
            mask = algorithm_of(child)?;
        } else if !child.is(ns::XENC, "KeySize") {
            return Err(refused());
        }
    }
    if uri != algorithm::RSA_OAEP && uri != algorithm::RSA_OAEP_MGF1P {
        return Err(refused());
    }
    [KeyTransport::OaepSha1, KeyTransport::OaepSha256]
        .into_iter()
        .find(|transport| hashes(*transport) == (digest, mask))
        .ok_or_else(refused)
}

/// Writes the method of an `EncryptedKey`, or the same as metadata has it, into `out`, where the
/// prefix `ds` is declared.
pub(super) fn write(
    out: &mut Writer,
    name: &'static str,
    transport: KeyTransport,
) -> Result<(), Error> {
    let (digest, mask) = hashes(transport);
    out.open(name, &[("Algorithm", uri_of(transport))])?;
    out.leaf("ds:DigestMethod", &[("Algorithm", digest)], "")?;
    if transport == KeyTransport::OaepSha256 {
        // Without it the mask would be made with SHA-1.
        out.leaf("xenc11:MGF", &[("xmlns:xenc11", ns::XENC11), ("Algorithm", mask)], "")?;
    }
    out.close();
    Ok(())
}

/// What our own metadata offers to those who encrypt for us: what [`super::decrypt_id`] takes.
pub(in crate::saml) fn publish() -> impl Iterator<Item = Published> {
    let ciphers = CIPHERS.into_iter().map(|cipher| Published { uri: cipher.uri(), hashes: None });
    let transports = [KeyTransport::OaepSha256, KeyTransport::OaepSha1].into_iter();
    let transports = transports
        .map(|transport| Published { uri: uri_of(transport), hashes: Some(hashes(transport)) });
    ciphers.chain(transports)
}

/// One `md:EncryptionMethod` of ours.
pub(in crate::saml) struct Published {
    /// `Algorithm`.
    pub(in crate::saml) uri: &'static str,
    /// `ds:DigestMethod`, and `xenc11:MGF` where it is not the default.
    pub(in crate::saml) hashes: Option<(&'static str, &'static str)>,
}

fn uri_of(transport: KeyTransport) -> &'static str {
    match transport {
        KeyTransport::OaepSha1 => algorithm::RSA_OAEP_MGF1P,
        KeyTransport::OaepSha256 => algorithm::RSA_OAEP,
    }
}

/// Digest and mask of OAEP.
fn hashes(transport: KeyTransport) -> (&'static str, &'static str) {
    match transport {
        KeyTransport::OaepSha1 => (algorithm::SHA1, algorithm::MGF1_SHA1),
        KeyTransport::OaepSha256 => (algorithm::SHA256, algorithm::MGF1_SHA256),
    }
}

/// The `Algorithm` of a method.
pub(super) fn algorithm_of(method: Element<'_>) -> Result<&str, Error> {
    method
        .attribute("Algorithm")
        .ok_or(Error::Absent { what: "Algorithm", inside: "an EncryptionMethod" })
}
