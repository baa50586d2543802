//! Layer 0, saml: the keys of a service provider (saml-metadata-2.0-os §2.4.1.1). A key that cannot
//! be used is left out with a warning, so that a new kind of key beside the old one does no harm;
//! no key is dropped in silence.

use super::{ServiceProvider, Warning, metadata};
use crate::limits;
use crate::saml::encryption::{EncryptionKey, Methods, Recipient, Unauthenticated};
use crate::saml::error::Error;
use crate::saml::key::VerifyingKey;
use crate::saml::names::ns;
use crate::saml::types::value;
use crate::saml::xml::Element;

/// Reads the keys of `role` into `provider`.
pub(super) fn read(role: Element<'_>, provider: &mut ServiceProvider) -> Result<(), Error> {
    for (at, descriptor) in role.children_named(ns::METADATA, "KeyDescriptor").enumerate() {
        let purpose = KeyUse::of(descriptor)?;
        if let Err(cause) =
            certificate(descriptor).and_then(|der| take(&der, descriptor, purpose, provider))
        {
            provider.warnings.push(Warning::Key { number: at + 1, cause });
        }
    }
    let found = provider.signing_keys.len();
    if found > limits::SP_SIGNING_KEYS {
        return Err(metadata("at most 8 signing keys", found.to_string()));
    }
    if found == 0 {
        if provider.authn_requests_signed {
            let causes: Vec<_> = provider.warnings.iter().map(ToString::to_string).collect();
            let found = if causes.is_empty() { "none".to_owned() } else { causes.join("; ") };
            return Err(metadata("a usable signing key where AuthnRequestsSigned is true", found));
        }
        provider.warnings.push(Warning::NoSigningKey);
    }
    let keys = &provider.encryption_keys;
    if !keys.is_empty() && Recipient::choose(keys, Unauthenticated::Refuse).is_none() {
        provider.warnings.push(Warning::OnlyCbc);
    }
    Ok(())
}

/// What a key is for; without `use`, for both (erratum E62, A-099).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::saml) enum KeyUse {
    Signing,
    Encryption,
    Both,
}

impl KeyUse {
    /// What the descriptor says.
    ///
    /// # Errors
    /// [`Error::Value`] for anything else than the two uses.
    pub(in crate::saml) fn of(descriptor: Element<'_>) -> Result<Self, Error> {
        match descriptor.attribute("use").map(str::trim_ascii) {
            None => Ok(Self::Both),
            Some("signing") => Ok(Self::Signing),
            Some("encryption") => Ok(Self::Encryption),
            Some(other) => Err(value("KeyDescriptor use", "signing or encryption", other)),
        }
    }
}

/// Keeps a key once, however often the metadata repeats it.
fn take(
    der: &[u8],
    descriptor: Element<'_>,
    purpose: KeyUse,
    provider: &mut ServiceProvider,
) -> Result<(), Error> {
    let known = provider.signing_keys.iter().any(|other| other.certificate() == der);
    if purpose != KeyUse::Encryption && !known {
        provider.signing_keys.push(VerifyingKey::from_certificate(der)?);
    }
    let known = provider.encryption_keys.iter().any(|other| other.certificate() == der);
    if purpose == KeyUse::Signing || known {
        return Ok(());
    }
    let key = Methods::read(descriptor).and_then(|methods| EncryptionKey::new(der, methods));
    match (key, purpose) {
        (Ok(key), _) => provider.encryption_keys.push(key),
        // An EC key that says nothing of its use can sign only.
        (Err(Error::Key { .. }), KeyUse::Both) => {}
        (Err(error), _) => return Err(error),
    }
    Ok(())
}

/// The first certificate of the descriptor's `KeyInfo`: further ones are its issuers. White space
/// is ignored.
pub(in crate::saml) fn certificate(descriptor: Element<'_>) -> Result<Vec<u8>, Error> {
    let certificate = descriptor
        .children_named(ns::DSIG, "KeyInfo")
        .flat_map(|info| info.children_named(ns::DSIG, "X509Data"))
        .flat_map(|data| data.children_named(ns::DSIG, "X509Certificate"))
        .next()
        .ok_or(Error::Absent { what: "X509Certificate", inside: "KeyInfo" })?;
    certificate.octets("X509Certificate")
}
