//! Layer 1: waiting for Redis, but not for ever. Time in which this very process stood still (a
//! machine that is overloaded or was paused) is not Redis's: what it answered meanwhile lies there
//! unread, and must not be taken for silence.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

/// In how many steps time is taken. A stall, however long, counts as one.
const STEPS: u32 = 5;

/// The output of `work`, if it comes within `most` of the time in which this process runs.
pub(super) async fn within<T>(most: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    for _ in 0..STEPS {
        if let Ok(output) = timeout(most / STEPS, work.as_mut()).await {
            return Some(output);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;
    use tokio::time::{Instant, advance};

    use super::*;

    const MOST: Duration = Duration::from_millis(250);

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_given_up_in_time() {
        let begun = Instant::now();
        assert_eq!(within(MOST, pending::<()>()).await, None);
        assert!((MOST..MOST * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_came_during_a_stall_is_taken_after_it() {
        let (answer, coming) = oneshot::channel();
        let asked = tokio::spawn(within(MOST, coming));
        tokio::task::yield_now().await;
        // The process wakes: the time is over, and only then the answer is read.
        advance(MOST * 10).await;
        answer.send("here").unwrap();
        assert_eq!(asked.await.unwrap(), Some(Ok("here")));
    }
}
