//! Layer 3, sso: where signatures are made, and how many at a time. An RSA signature keeps a core
//! busy for 0.2 to 0.6 ms. It is made on the thread that answers, because moving it to another and
//! back costs a tenth of that again; so that it cannot keep all threads busy there are fewer places
//! than threads (`app::parts`), and how many may wait is the gateway's admission control (design
//! §10, D-20).

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::measure;
use crate::refusal::{Code, Refusal};

/// A bounded place to make signatures in.
#[derive(Clone, Debug)]
pub struct SigningPool {
    /// One permit for each signature that runs.
    running: Arc<Semaphore>,
    /// One permit for each that runs or waits.
    admitted: Arc<Semaphore>,
}

impl SigningPool {
    /// A pool that makes as many signatures at once as there are `cores`, and lets `waiting` more
    /// wait.
    #[must_use]
    pub fn new(cores: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(cores)),
            admitted: Arc::new(Semaphore::new(cores + waiting)),
        }
    }

    /// Runs `work` once there is a place for it.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when too many wait already, and what `work` refuses.
    pub async fn run<T>(&self, work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
        let _admitted = self.admitted.try_acquire().map_err(|_| {
            Refusal::new(Code::Overloaded, "expected a free place to wait for a signature")
        })?;
        let begun = std::time::Instant::now();
        let gone = |e| Refusal::new(Code::Internal, format!("signing: {e}"));
        let _running = self.running.acquire().await.map_err(gone)?;
        let done = work();
        measure::signing(begun.elapsed());
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_finds_no_place_to_wait_is_refused_at_once() {
        let pool = SigningPool::new(1, 0);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || Ok(held.recv().is_ok())).await }
        });
        while pool.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = pool.run(|| Ok(())).await.unwrap_err();
        assert_eq!(refused.code, Code::Overloaded);
        release.send(()).unwrap();
        assert!(busy.await.unwrap().unwrap());
        assert!(pool.run(|| Ok(())).await.is_ok());
    }
}
