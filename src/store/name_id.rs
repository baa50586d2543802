//! Layer 1, store: persistent name identifiers, by which one service provider knows a customer for
//! ever (saml-core-2.0-os §8.3.7). Pairwise: another service provider gets another one. Backends:
//! memory, `SQLite`, `PostgreSQL`.

use time::OffsetDateTime;

use super::Answer;
use super::record::{PersonId, TenantId};
use crate::saml::EntityId;

/// Whom an identifier is about, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The service provider.
    pub sp: &'a EntityId,
    /// The customer.
    pub user: &'a PersonId,
}

/// Identifiers that are never changed, never removed, and never given to anybody else.
pub trait NameIds: Send + Sync {
    /// The identifier of a customer at a service provider, if there is one.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn name_id<'a>(&'a self, pair: Pair<'a>) -> Answer<'a, Option<String>>;

    /// The same, which is `fresh` if there was none. Of several nodes that come at once all get
    /// the same.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn name_id_or<'a>(
        &'a self,
        pair: Pair<'a>,
        fresh: &'a str,
        now: OffsetDateTime,
    ) -> Answer<'a, String>;

    /// The customer whom a service provider knows by this identifier.
    ///
    /// # Errors
    /// [`super::StoreError`].
    fn known_by<'a>(
        &'a self,
        tenant: &'a TenantId,
        sp: &'a EntityId,
        value: &'a str,
    ) -> Answer<'a, Option<PersonId>>;
}
