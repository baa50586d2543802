//! App (layer 6): the log, on standard error: for people or as one JSON object a line. No field can
//! forge a line (B-35), and a log that nobody reads stalls no request (D-18).

mod human;
mod queue;
mod request;

use std::io;

use tracing::Subscriber;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, registry};

pub use request::log_request;

use crate::config::LogFormat;
use crate::limits;
use human::Human;
use queue::Queue;

/// The running log. Dropping it waits, for a second at most, until everything is written: keep it
/// until the end.
pub struct Log(Queue);

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The levels are not in the notation of `tracing`.
    #[error("not levels of a log: {0}")]
    Levels(#[from] tracing_subscriber::filter::ParseError),
    /// The system gave no thread.
    #[error("the log's writer cannot be started: {0}")]
    Thread(#[from] io::Error),
    /// This process logs already.
    #[error("the log is set up already: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

impl Log {
    /// Begins to log to standard error what `levels` asks for, such as `info,skybridge::sso=debug`.
    /// Once a process.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn start(format: LogFormat, levels: &str) -> Result<Self, LogError> {
        let queue = Queue::start(io::stderr(), limits::LOG_QUEUE_BYTES)?;
        subscriber(format, levels, queue.clone())?.try_init()?;
        Ok(Self(queue))
    }

    /// How many lines were dropped since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

fn subscriber<W>(
    format: LogFormat,
    levels: &str,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = EnvFilter::builder().parse(levels)?;
    // A line that cannot be written is lost and counted; saying so on the same standard error would
    // block.
    let lines = fmt::layer().with_writer(writer).with_ansi(false).log_internal_errors(false);
    let lines = match format {
        LogFormat::Human => lines.event_format(Human).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    Ok(registry().with(levels).with(lines))
}

#[cfg(test)]
mod tests;
