//! Room app (layer 6): what a gateway of this configuration would do with a message, without one
//! that runs: nothing is listened to, fetched or written.

use tokio::task::block_in_place;

use super::ledger;
use super::parts::{Assembly, StartError, System};
use crate::config::Config;
use crate::sso::explain::{Explanation, Question, Unexplained};

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The parts cannot be built.
    #[error(transparent)]
    Start(#[from] StartError),
    /// There is nothing to explain.
    #[error(transparent)]
    Unexplained(#[from] Unexplained),
}

/// Explains a message. Service providers are known as far as files, kept copies and the ledger
/// tell; what is missing is noted. Needs a runtime with several threads.
///
/// # Errors
/// [`ExplainError`].
pub async fn explain(
    config: &Config,
    system: &System,
    question: Question<'_>,
) -> Result<Explanation, ExplainError> {
    let ledger = ledger::look(&config.ledger)?;
    let built = block_in_place(|| Assembly::of(config, system, ledger))?;
    let mut notes = Vec::new();
    for report in built.registrations.look().await {
        if let Err(failure) = report.outcome {
            notes.push(format!("metadata that is not used here: {failure}"));
        }
    }
    match built.registrar.take_up().await {
        Ok(reports) => {
            for failure in reports.into_iter().filter_map(|report| report.outcome.err()) {
                notes.push(format!("uploaded metadata that is not used here: {failure}"));
            }
        }
        Err(error) => notes.push(format!("uploaded service providers are not known here: {error}")),
    }
    let mut explanation = built.sso.explain(question).await?;
    explanation.notes.extend(notes);
    Ok(explanation)
}
