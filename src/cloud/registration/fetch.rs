//! Layer 2, cloud: fetching, as this room wants it. `app` brings the HTTP client.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::{Id, JoinSet};

use super::fault::FetchError;
use crate::limits;
use crate::saml::EndpointUrl;

/// Most addresses that are fetched at one time: enough that one that hangs does not hold up the
/// rest.
const AT_ONCE: usize = 8;

/// What a fetch gives.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'a>>;

/// Fetches a document over HTTP.
pub trait Fetch: Send + Sync {
    /// The octets at `url`. Ends in bounded time, reads at most [`limits::METADATA_BYTES`], and
    /// follows redirects only to addresses that an [`EndpointUrl`] could hold (conformance B-41).
    ///
    /// # Errors
    /// See [`FetchError`].
    fn fetch<'a>(&'a self, url: &'a EndpointUrl) -> Fetching<'a>;
}

/// What each address gave.
pub(super) type Fetched = HashMap<EndpointUrl, Result<Arc<[u8]>, FetchError>>;

/// Fetches each address once, a few at a time.
pub(super) async fn all(fetch: &Arc<dyn Fetch>, urls: HashSet<EndpointUrl>) -> Fetched {
    let mut waiting = urls.into_iter();
    let mut tasks = JoinSet::new();
    let mut names: HashMap<Id, EndpointUrl> = HashMap::new();
    let mut fetched = Fetched::new();
    loop {
        while tasks.len() < AT_ONCE
            && let Some(url) = waiting.next()
        {
            let (fetch, wanted) = (Arc::clone(fetch), url.clone());
            let task = tasks.spawn(async move { fetch.fetch(&wanted).await });
            names.insert(task.id(), url);
        }
        let (id, octets) = match tasks.join_next_with_id().await {
            None => return fetched,
            Some(Ok((id, Ok(octets)))) if octets.len() > limits::METADATA_BYTES => {
                (id, Err(FetchError::TooLarge))
            }
            Some(Ok((id, octets))) => (id, octets.map(Arc::from)),
            // The client panicked or the runtime ends: as good as no answer.
            Some(Err(error)) => (error.id(), Err(FetchError::Stopped)),
        };
        if let Some(url) = names.remove(&id) {
            fetched.insert(url, octets);
        }
    }
}
