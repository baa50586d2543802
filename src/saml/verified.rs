//! Layer 0, saml: what a peer sent, before and after its signature was checked (conformance B-11).
//! Readers of values accept only [`Verified`], and only this room can make one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::allowed::SignatureAlgorithm;
use super::error::Error;
use super::key::VerifyingKey;
use super::signature::verify::{Place, verify};
use super::xml::{Document, Element, Limits};
use crate::limits;

/// A parsed message that nobody vouches for yet. Its values are out of reach but for those that say
/// whose keys to try.
#[derive(Debug)]
pub struct Unverified<T> {
    value: T,
    evidence: Evidence<T>,
}

/// What may prove who sent a message.
#[derive(Debug)]
enum Evidence<T> {
    /// Nothing: it is not signed.
    Nothing,
    /// A signature beside it.
    Beside(DetachedSignature),
    /// A signature in the document element, and how the value is read again from what it covers.
    Inside(Document, Reread<T>),
}

/// Reads a value again from the element that was signed, and from nothing else; what is not of the
/// document is kept.
type Reread<T> = fn(T, Element<'_>) -> Result<T, Error>;

/// A message whose signature is proved, or whose sender may send without one.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    value: T,
    proof: Proof,
}

/// Why a message is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A pinned key of the sender verifies it.
    Signature(SignatureAlgorithm),
    /// It is not signed, and the sender's requests need not be.
    NotAsked,
}

/// What to do with a message that is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// Refuse it.
    Refuse,
    /// Take it: the sender's metadata does not say that it signs (conformance A-057).
    Accept,
}

/// A signature over octets that travel beside it.
#[derive(Debug)]
pub(in crate::saml) struct DetachedSignature {
    pub(in crate::saml) octets: Vec<u8>,
    pub(in crate::saml) algorithm: SignatureAlgorithm,
    pub(in crate::saml) signature: Vec<u8>,
}

impl<T> Unverified<T> {
    pub(in crate::saml) fn new(value: T, signature: Option<DetachedSignature>) -> Self {
        Self { value, evidence: signature.map_or(Evidence::Nothing, Evidence::Beside) }
    }

    /// A message whose document element is signed.
    pub(in crate::saml) fn enveloped(value: T, document: Document, reread: Reread<T>) -> Self {
        Self { value, evidence: Evidence::Inside(document, reread) }
    }

    pub(in crate::saml) fn peek(&self) -> &T {
        &self.value
    }

    /// Checks the signature with the sender's pinned keys, in any order (conformance A-058). A
    /// signature that is there must verify, also where none is asked for.
    ///
    /// # Errors
    /// [`Error::SignatureMissing`] or [`Error::SignatureInvalid`]; for a signature inside the
    /// message those of [`verify`] as well.
    pub fn verify(self, keys: &[VerifyingKey], unsigned: Unsigned) -> Result<Verified<T>, Error> {
        let tried = &keys[..keys.len().min(limits::SP_SIGNING_KEYS)];
        match self.evidence {
            Evidence::Nothing => match unsigned {
                Unsigned::Accept => Ok(Verified { value: self.value, proof: Proof::NotAsked }),
                Unsigned::Refuse => Err(Error::SignatureMissing),
            },
            Evidence::Beside(DetachedSignature { octets, algorithm, signature }) => {
                if tried.iter().any(|key| key.verifies(algorithm, &octets, &signature)) {
                    Ok(Verified { value: self.value, proof: Proof::Signature(algorithm) })
                } else {
                    Err(Error::SignatureInvalid { keys: tried.len() })
                }
            }
            Evidence::Inside(document, reread) => {
                let signed = verify(document.root(), tried, Place::AfterIssuer, Limits::MESSAGE)?;
                // From here on there is only what was signed.
                drop(document);
                let proof = Proof::Signature(signed.algorithm());
                Ok(Verified { value: reread(self.value, signed.read()?.root())?, proof })
            }
        }
    }
}

impl Unverified<String> {
    /// A text that travels beside its signature, outside of any SAML message: the cloud signs its
    /// link notifications so, with the keys of its metadata (contract §1.6).
    ///
    /// # Errors
    /// [`Error::Algorithm`], [`Error::Base64`].
    pub fn signed_text(text: &str, algorithm: &str, signature: &str) -> Result<Self, Error> {
        let signature =
            STANDARD.decode(signature).map_err(|_| Error::Base64 { name: "Signature" })?;
        let algorithm = SignatureAlgorithm::from_uri(algorithm)?;
        let octets = text.as_bytes().to_vec();
        Ok(Self::new(text.to_owned(), Some(DetachedSignature { octets, algorithm, signature })))
    }
}

impl<T> Verified<T> {
    /// The message.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.value
    }

    /// The message, for keeps.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Why it is believed.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.proof
    }
}
