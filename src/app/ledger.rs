//! Room app (layer 6): opens what must survive, where the configuration says.

use std::sync::Arc;

use secrecy::SecretString;

use super::parts::StartError;
use crate::config::{self, LedgerUrl};
use crate::store::ledger::Ledger;
use crate::store::memory_ledger::MemoryLedger;
use crate::store::sql::{Options, Sql};

/// Opens it. A database that does not answer stops the start: a gateway that cannot know who is
/// linked can do nothing (conformance D-22).
///
/// # Errors
/// [`StartError::Part`].
pub async fn open(config: &config::Ledger) -> Result<Arc<dyn Ledger>, StartError> {
    let url = match &config.url {
        LedgerUrl::Memory => return Ok(Arc::new(MemoryLedger::default())),
        LedgerUrl::Sqlite(file) => SecretString::from(format!("sqlite:{}", file.display())),
        LedgerUrl::Postgres(url) => url.clone(),
    };
    let ca_file = config.ca_file.as_ref().map(|path| path.as_path().to_owned());
    let sql = Sql::open(&Options { url, ca_file }).await;
    Ok(Arc::new(sql.map_err(|error| StartError::Part(error.to_string()))?))
}
