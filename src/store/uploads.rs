//! Layer 1, store: the service providers that were registered by upload, with all that they ever
//! were. What a document means is decided in the rooms above; here are texts and their versions.
//! Backends: memory, `SQLite`, `PostgreSQL`.

use time::OffsetDateTime;

use super::Answer;
use super::record::TenantId;
use crate::saml::EntityId;

/// One state of an uploaded service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The tenant.
    pub tenant: TenantId,
    /// The service provider.
    pub entity_id: EntityId,
    /// From 1, without gaps.
    pub version: u64,
    /// The document; none where the service provider was removed.
    pub metadata: Option<String>,
    /// The name of its profile; none for the tenant's cloud.
    pub profile: Option<String>,
    /// Whether its requests must be signed; none where the profile decides.
    pub signed_requests: Option<bool>,
    /// The `RelayState`s that may go with an answer that it did not ask for; none where it takes no
    /// such answers. None of them has a line break.
    pub unsolicited: Option<Vec<String>>,
    /// Who did it: the id of an API key, or the command line.
    pub author: String,
    /// When.
    pub at: OffsetDateTime,
}

/// The last version of an uploaded service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The tenant.
    pub tenant: TenantId,
    /// The service provider.
    pub entity_id: EntityId,
    /// The version.
    pub version: u64,
}

/// The uploads of all tenants. Nothing is ever changed or removed: a removal is a version too.
pub trait Uploads: Send + Sync {
    /// Adds a version. Whether it was added: not if that version is there already, since somebody
    /// else was faster.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn add_upload<'a>(&'a self, upload: &'a Upload) -> Answer<'a, bool>;

    /// The last versions of all tenants, removals included, by tenant and entityID.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn upload_marks(&self) -> Answer<'_, Vec<Mark>>;

    /// The last version.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn last_upload<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Option<Upload>>;

    /// Every version, oldest first.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn uploads<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Vec<Upload>>;
}
