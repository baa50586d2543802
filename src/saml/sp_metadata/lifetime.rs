//! Layer 0, saml: how long metadata may say that it is valid (conformance A-097, SDP-MD03).

use std::time::Duration;

use time::OffsetDateTime;

use super::{ServiceProvider, metadata};
use crate::saml::error::Error;
use crate::saml::types::format_instant;

/// How long metadata may say that it is valid. The default takes what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// How far ahead its `validUntil` may be.
    pub longest: Option<Duration>,
    /// Whether it must have a `validUntil`.
    pub end: End,
}

/// Whether metadata must say when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It may be silent.
    #[default]
    Optional,
    /// It must.
    Required,
}

impl ServiceProvider {
    /// That its metadata keeps to `lifetime`.
    ///
    /// # Errors
    /// [`Error::Metadata`] when its end is missing or too far ahead.
    pub fn lives_within(&self, lifetime: Lifetime, now: OffsetDateTime) -> Result<(), Error> {
        match (self.valid_until, lifetime.longest) {
            (Some(until), Some(longest)) if until - now > longest => {
                let found = format_instant(until);
                Err(metadata("a validUntil within the configured limit", found))
            }
            (None, _) if lifetime.end == End::Required => {
                Err(metadata("a validUntil", "none".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
