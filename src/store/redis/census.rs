//! Layer 1: asking several servers the same and believing the newest answer. One that was cut off
//! from the others, or slept through a failover, goes on telling what it knew.

use std::future::Future;

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits;

/// An answer and the epoch in which the server that gave it lives: the greater, the newer.
pub(super) type Dated<T> = (u64, T);

/// The newest answer. Waits until more than half have answered or nobody is left, each for at most
/// [`limits::STORE_CENSUS`]. When nobody answers, the last one's cause.
pub(super) async fn newest<T, F>(asks: impl Iterator<Item = F>) -> Result<T, String>
where
    T: Send + 'static,
    F: Future<Output = Result<Dated<T>, String>> + Send + 'static,
{
    let mut asked = JoinSet::new();
    for ask in asks {
        asked.spawn(async {
            timeout(limits::STORE_CENSUS, ask).await.unwrap_or(Err("no answer in time".into()))
        });
    }
    let (enough, mut answers) = (asked.len() / 2 + 1, 0);
    let mut best: Option<Dated<T>> = None;
    let mut cause = String::from("nobody is known who could be asked");
    while answers < enough
        && let Some(answer) = asked.join_next().await
    {
        match answer.unwrap_or_else(|_| Err("asking was interrupted".into())) {
            Ok(answer) => {
                answers += 1;
                if best.as_ref().is_none_or(|(epoch, _)| *epoch < answer.0) {
                    best = Some(answer);
                }
            }
            Err(text) => cause = text,
        }
    }
    best.map(|(_, answer)| answer).ok_or(cause)
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::Pin;

    use super::*;

    type Asked = Pin<Box<dyn Future<Output = Result<Dated<&'static str>, String>> + Send>>;

    fn says(epoch: u64, answer: &'static str) -> Asked {
        Box::pin(ready(Ok((epoch, answer))))
    }

    fn silent() -> Asked {
        Box::pin(std::future::pending())
    }

    fn fails() -> Asked {
        Box::pin(ready(Err("refused".into())))
    }

    #[tokio::test]
    async fn the_answer_of_the_later_epoch_is_believed() {
        for asks in [vec![says(3, "old"), says(4, "new")], vec![says(4, "new"), says(3, "old")]] {
            assert_eq!(newest(asks.into_iter()).await, Ok("new"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_is_enough_when_the_others_do_not_come() {
        assert_eq!(newest([silent(), says(1, "only"), fails()].into_iter()).await, Ok("only"));
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_there_is_a_cause() {
        assert_eq!(newest([fails()].into_iter()).await, Err("refused".into()));
        assert_eq!(newest([silent()].into_iter()).await, Err("no answer in time".into()));
    }
}
