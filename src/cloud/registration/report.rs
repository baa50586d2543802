//! Layer 2, cloud: how loading metadata went, for the log.

use super::{Failure, Source};
use crate::saml::EntityId;
use crate::saml::sp_metadata::Warning;
use crate::store::record::TenantId;

/// How loading one registration went.
#[derive(Debug)]
pub struct Report {
    /// The tenant.
    pub tenant: TenantId,
    /// Where the metadata comes from.
    pub source: Source,
    /// What came of it.
    pub outcome: Result<Loaded, Failure>,
}

/// What was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The service provider.
    pub entity_id: EntityId,
    /// What is new about it.
    pub change: Change,
    /// What of the metadata is not used.
    pub warnings: Vec<Warning>,
    /// Why the copy could not be kept on disk, if so: it is in use, but would not outlive a
    /// restart.
    pub cache_fault: Option<String>,
}

/// What is new about a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is the first one.
    First,
    /// It replaces another one.
    Changed,
    /// It is what was in use already.
    None,
}
