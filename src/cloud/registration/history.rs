//! Layer 2, cloud: the history of metadata in the store that all nodes share. It is what an
//! operator looks up later, and what a node starts with whose source does not answer. A copy is
//! judged anew when it is read, as one from the disk is.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use time::OffsetDateTime;

use super::judge::Good;
use super::{Registration, Source};
use crate::store::StoreError;
use crate::store::tenancy::{Copies, MetadataCopy};

/// The store.
pub(super) struct History(Arc<dyn Copies>);

impl History {
    pub(super) fn new(copies: Arc<dyn Copies>) -> Self {
        Self(copies)
    }

    /// The last copy from the registration's source that any node has kept, if it is younger than
    /// `than`.
    ///
    /// # Errors
    /// What the store says.
    pub(super) async fn younger(
        &self,
        registration: &Registration,
        than: Option<OffsetDateTime>,
    ) -> Result<Option<Arc<[u8]>>, StoreError> {
        let source = name(&registration.source);
        let copy = self.0.last_from(&registration.tenant, &source).await?;
        let copy = copy.filter(|copy| than.is_none_or(|than| copy.registered_at > than));
        Ok(copy.map(|copy| Arc::from(copy.metadata.into_bytes())))
    }

    /// Keeps a good copy, if it is not the last one there.
    ///
    /// # Errors
    /// What the store says.
    pub(super) async fn keep(
        &self,
        registration: &Registration,
        good: &Good,
    ) -> Result<(), StoreError> {
        // What is not UTF-8 is never good.
        let metadata = String::from_utf8_lossy(&good.octets).into_owned();
        let copy = MetadataCopy {
            tenant: registration.tenant.clone(),
            entity_id: good.registered.service_provider.entity_id.clone(),
            metadata,
            digest: fingerprint(&good.octets),
            source: name(&registration.source),
            registered_at: good.registered.loaded_at,
        };
        self.0.keep(&copy).await.map(drop)
    }
}

/// A source as it stands in the history.
fn name(source: &Source) -> String {
    match source {
        Source::File(path) => format!("file:{}", path.display()),
        Source::Url(url) => url.as_str().to_owned(),
        Source::Upload(entity_id) => format!("upload:{entity_id}"),
    }
}

/// SHA-256 in hexadecimal digits.
fn fingerprint(octets: &[u8]) -> String {
    hex::encode(digest(&SHA256, octets))
}
