//! Layer 3, sso: where signatures are made. An RSA signature keeps a core busy for 0.2 to 0.6 ms,
//! so it must not run on the threads that answer; and how many may wait is the gateway's admission
//! control (design §10, D-20).

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

    /// Runs `work` off the threads that answer.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when too many wait already, and what `work` refuses.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Refusal> + Send + 'static,
    {
        let gone =
            |e: &dyn std::fmt::Display| Refusal::new(Code::Internal, format!("signing: {e}"));
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| {
            Refusal::new(Code::Overloaded, "expected a free place to wait for a signature")
        })?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|e| gone(&e))?;
        let timed = move || {
            let _places = (admitted, running);
            let begun = std::time::Instant::now();
            let done = work();
            measure::signing(begun.elapsed());
            done
        };
        tokio::task::spawn_blocking(timed).await.map_err(|e| gone(&e))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
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
