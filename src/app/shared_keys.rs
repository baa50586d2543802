//! Room app (layer 6): signing keys in the ledger's database, for nodes that share them instead of
//! a directory. Their private halves are sealed before they come here.

use std::panic;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::keys::{KeyError, KeyRecord, KeySet, KeyStore, Loaded};
use crate::store::StoreError;
use crate::store::record::TenantId;
use crate::store::sql::{OpenError, Options, Sql};
use crate::store::tenancy::SealedKeys;

/// Keys in a database. It has a connection and a runtime of its own, since keys are read and
/// changed by callers that wait, with or without a runtime around them.
pub struct SharedKeys {
    kept: Arc<dyn SealedKeys>,
    /// There until the end.
    runtime: Option<Runtime>,
}

impl SharedKeys {
    /// Opens the database that `options` name.
    ///
    /// # Errors
    /// [`KeyError::Shared`] with the cause.
    pub fn open(options: &Options) -> Result<Self, KeyError> {
        let unusable = |error: OpenError| KeyError::Shared(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| KeyError::Shared(error.to_string()))?;
        let sql = wait(&runtime, Sql::open(options)).map_err(unusable)?;
        Ok(Self { kept: Arc::new(sql), runtime: Some(runtime) })
    }

    fn wait<T: Send>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, KeyError> {
        let runtime = self.runtime.as_ref().expect("the runtime is there until the end");
        wait(runtime, work).map_err(|error| KeyError::Shared(error.to_string()))
    }
}

impl KeyStore for SharedKeys {
    fn load_all(&self) -> Result<Vec<Loaded>, KeyError> {
        let all = self.wait(self.kept.all_keys())?;
        let read = |(tenant, version, keys): (TenantId, u64, String)| {
            (tenant.to_string(), set(tenant.as_str(), version, &keys))
        };
        Ok(all.into_iter().map(read).collect())
    }

    fn load(&self, tenant: &str) -> Result<Option<KeySet>, KeyError> {
        let found = self.wait(self.kept.keys(&name(tenant)?))?;
        found.map(|(version, keys)| set(tenant, version, &keys)).transpose()
    }

    fn save(&self, set: &KeySet) -> Result<(), KeyError> {
        set.check()?;
        let tenant = name(&set.tenant)?;
        let keys = serde_json::to_string(&set.records)
            .map_err(|error| KeyError::Shared(error.to_string()))?;
        if self.wait(self.kept.replace_keys(&tenant, set.version, &keys))? {
            Ok(())
        } else {
            Err(KeyError::Conflict { tenant: set.tenant.clone() })
        }
    }
}

impl Drop for SharedKeys {
    fn drop(&mut self) {
        // Waiting for its end is not allowed inside of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits on a thread of its own, because a runtime may be around us, and one must not be waited for
/// inside of another.
fn wait<T: Send>(runtime: &Runtime, work: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| match scope.spawn(|| runtime.block_on(work)).join() {
        Ok(done) => done,
        Err(cause) => panic::resume_unwind(cause),
    })
}

/// The keys that stand in a text.
fn set(tenant: &str, version: u64, keys: &str) -> Result<KeySet, KeyError> {
    let records: Vec<KeyRecord> = serde_json::from_str(keys)
        .map_err(|error| KeyError::Shared(format!("those of tenant {tenant}: {error}")))?;
    let set = KeySet { tenant: tenant.to_owned(), version, records };
    set.check()?;
    Ok(set)
}

fn name(tenant: &str) -> Result<TenantId, KeyError> {
    let shown = || KeyError::BadTenant(tenant.chars().take(80).collect());
    TenantId::parse(tenant).ok_or_else(shown)
}
