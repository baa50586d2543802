//! Layer 2, cloud: why metadata could not be loaded. The texts are for the log and for the
//! operator.

use crate::limits;
use crate::saml::{self, EntityId};

/// A copy that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}; {fallback}")]
pub struct Failure {
    /// Why not.
    pub cause: RefreshError,
    /// What is in use instead.
    pub fallback: Fallback,
}

/// What is in use while nothing new can be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fallback {
    /// The last good copy.
    #[error("the last good copy stays in use")]
    GoodCopy,
    /// Nothing: its requests are refused.
    #[error("there is no good copy, requests are refused")]
    Nothing,
}

/// Why a copy was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// A file could not be read.
    #[error("expected a file with metadata, {0}")]
    File(String),
    /// An address could not be fetched.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// It is no metadata that can be used. This is also what a changed entityID gives: the known
    /// one is not in it.
    #[error("{0}")]
    Metadata(saml::Error),
    /// Another registration of the tenant has this entityID.
    #[error("expected a service provider that is registered once, {entity_id} is registered twice")]
    Taken {
        /// The entityID.
        entity_id: EntityId,
    },
    /// The copy in use has signing keys, this one has none: nobody could sign in any more.
    #[error("expected a usable signing key as in the last good copy, found none")]
    KeysGone,
    /// It ends before the copy in use does, so it was made earlier: somebody serves an old copy
    /// (D-19).
    #[error("expected a validUntil not before that of the last good copy, found an earlier one")]
    Older,
}

/// Why an address could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection, no TLS, or no answer in time.
    #[error("expected an answer, {0}")]
    Unreachable(String),
    /// The answer is not 200.
    #[error("expected status 200, found {0}")]
    Status(u16),
    /// The answer is too large.
    #[error("expected at most {} bytes, found more", limits::METADATA_BYTES)]
    TooLarge,
    /// It leads to an address that is not fetched, or onwards too often.
    #[error("expected few redirects, all to https addresses or on this machine")]
    Redirect,
    /// The fetch was given up.
    #[error("expected the fetch to end, it was stopped")]
    Stopped,
}
