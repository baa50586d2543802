//! Layer 1: each tenant's signing keys. What a key is and what it may do, how private keys are
//! sealed at rest, where they are kept, and how one key follows another without an outage.
//!
//! The states and the reason for them: `docs/decisions/0003-key-states.md`. SAML metadata
//! interoperability: only the public key has a meaning to the peer; the certificate around it is a
//! container (conformance A-099), yet ours is kept clean (A-115, B-43).
//!
//! Read in this order: `ring` (what the gateway signs with), `locksmith` (what an operator does),
//! `store` and
//! `files` (where it is kept), `seal` (how it is protected), `rings` (how a running gateway holds
//! it).

mod certificate;
mod error;
mod files;
mod import;
mod kid;
mod locksmith;
mod make;
mod private_file;
mod ring;
mod rings;
mod seal;
mod store;

pub use certificate::{Certificate, Warning};
pub use error::KeyError;
pub use files::FileStore;
pub use kid::Kid;
pub use locksmith::{Added, Locksmith};
pub use make::{KeySize, Recipe};
pub use private_file::read as read_private_file;
pub use ring::{Key, KeyRing, RetiredKey};
pub use rings::{Reload, Rings};
pub use seal::{MasterKey, Sealed};
pub use store::{KeyRecord, KeySet, KeyState, KeyStore, Loaded};

#[cfg(test)]
mod fixtures;
