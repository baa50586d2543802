//! Layer 1, store: what nodes share about tenants, behind three small traits: what was applied of
//! the configuration, the metadata of service providers with its history, and sealed keys. What
//! any of it means is decided in the rooms above; here are texts, their versions and their times.
//! Backends: memory, `SQLite`, `PostgreSQL`.

use time::OffsetDateTime;

use super::Answer;
use super::record::TenantId;
use crate::saml::EntityId;

/// What the configuration says about a tenant, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The tenant.
    pub tenant: TenantId,
    /// A fingerprint of all that is said.
    pub digest: String,
}

/// Which declarations are in force.
pub trait Declarations: Send + Sync {
    /// Notes what is declared, all of it or nothing, and gives the tenants about whom that says
    /// something new, in the order of their names. Of several nodes that come with the same at
    /// once, one is told. Tenants that are not named any more stay noted.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn declare<'a>(
        &'a self,
        declared: &'a [Declaration],
        now: OffsetDateTime,
    ) -> Answer<'a, Vec<TenantId>>;
}

/// A service provider's metadata, as it was registered with a tenant at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataCopy {
    /// The tenant.
    pub tenant: TenantId,
    /// The service provider.
    pub entity_id: EntityId,
    /// The document.
    pub metadata: String,
    /// The document's fingerprint, by which copies are compared.
    pub digest: String,
    /// Where it came from: a file or an address.
    pub source: String,
    /// When.
    pub registered_at: OffsetDateTime,
}

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is the first one, or differs from the last one.
    New,
    /// It is the last one again; nothing was written.
    Known,
}

/// The metadata of service providers, with all that it ever was. Nothing is ever changed or
/// removed.
pub trait Copies: Send + Sync {
    /// Adds a copy to the history of its service provider, unless it is the last one there.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn keep<'a>(&'a self, copy: &'a MetadataCopy) -> Answer<'a, Kept>;

    /// The last copy that came from a source.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn last_from<'a>(
        &'a self,
        tenant: &'a TenantId,
        source: &'a str,
    ) -> Answer<'a, Option<MetadataCopy>>;

    /// The copies of a service provider's metadata, oldest first.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn copies<'a>(
        &'a self,
        tenant: &'a TenantId,
        entity_id: &'a EntityId,
    ) -> Answer<'a, Vec<MetadataCopy>>;
}

/// The keys of tenants as a text whose private parts are sealed before they come here.
pub trait SealedKeys: Send + Sync {
    /// The keys of all tenants that have some, as [`SealedKeys::keys`] gives them, in the order of
    /// the tenants' names.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn all_keys(&self) -> Answer<'_, Vec<(TenantId, u64, String)>>;

    /// A tenant's keys as they were given to [`SealedKeys::replace_keys`], and their version.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn keys<'a>(&'a self, tenant: &'a TenantId) -> Answer<'a, Option<(u64, String)>>;

    /// Puts `keys` in place of the version `from` (0: nothing is there), as the version after it.
    /// Whether that was the version that is there; nothing is written otherwise.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn replace_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        from: u64,
        keys: &'a str,
    ) -> Answer<'a, bool>;
}
