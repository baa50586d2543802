//! `skybridge serve`: the gateway.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{Common, Outcome};
use crate::app::gateway;
use crate::app::parts::{self, System};
use crate::app::system::{SystemClock, SystemRandom};

/// Run the gateway until SIGTERM or SIGINT
///
/// On the first signal readiness goes off, new connections are taken for a while longer, then
/// requests under way are finished. A second signal ends the process at once.
#[derive(Args, Debug)]
pub(super) struct Serve {}

impl Serve {
    pub(super) fn run(common: &Common) -> Outcome {
        let config = common.load()?;
        let system = System { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(parts::threads())
            .enable_all()
            .build()?;
        let served = runtime.block_on(gateway::serve(&config, system));
        served.map_err(|error| error.located(&common.config))?;
        Ok(ExitCode::SUCCESS)
    }
}
