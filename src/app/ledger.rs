//! Room app (layer 6): opens what must survive, where the configuration says.

use std::sync::Arc;

use secrecy::SecretString;

use super::parts::StartError;
use crate::clock::Clock;
use crate::config::{self, LedgerUrl};
use crate::store::ledger::Ledger;
use crate::store::memory_ledger::MemoryLedger;
use crate::store::sql::{Options, Sql};
use crate::store::tenancy::Declaration;

/// Opens it. A database that does not answer stops the start: a gateway that cannot know who is
/// linked can do nothing (conformance D-22).
///
/// # Errors
/// [`StartError::Part`].
pub async fn open(config: &config::Ledger) -> Result<Arc<dyn Ledger>, StartError> {
    let Some(options) = options(config) else { return Ok(Arc::new(MemoryLedger::default())) };
    let sql = Sql::open(&options).await;
    Ok(Arc::new(sql.map_err(|error| StartError::Part(error.to_string()))?))
}

/// Opens it for somebody who only reads; one in memory is empty, as is one that was never made.
///
/// # Errors
/// [`StartError::Part`].
pub fn look(config: &config::Ledger) -> Result<Arc<dyn Ledger>, StartError> {
    let nobody = || Arc::new(MemoryLedger::default());
    let Some(options) = options(config) else { return Ok(nobody()) };
    if let LedgerUrl::Sqlite(file) = &config.url
        && !file.exists()
    {
        return Ok(nobody());
    }
    let sql = Sql::look(&options);
    Ok(Arc::new(sql.map_err(|error| StartError::Part(error.to_string()))?))
}

/// How its database is reached; `None` when it is in memory.
#[must_use]
pub fn options(config: &config::Ledger) -> Option<Options> {
    let url = match &config.url {
        LedgerUrl::Memory => return None,
        LedgerUrl::Sqlite(file) => SecretString::from(format!("sqlite:{}", file.display())),
        LedgerUrl::Postgres(url) => url.clone(),
    };
    let ca_file = config.ca_file.as_ref().map(|path| path.as_path().to_owned());
    Some(Options { url, ca_file })
}

/// Notes there what the configuration says about tenants; what is new goes to the log.
///
/// # Errors
/// [`StartError::Part`].
pub async fn declare(
    ledger: &dyn Ledger,
    declared: &[Declaration],
    clock: &dyn Clock,
) -> Result<(), StartError> {
    let new = ledger.declare(declared, clock.now()).await;
    for tenant in new.map_err(|error| StartError::Part(error.to_string()))? {
        tracing::info!(tenant = tenant.as_str(), "the tenant's declaration is new or changed");
    }
    Ok(())
}
