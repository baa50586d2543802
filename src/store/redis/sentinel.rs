//! Layer 1: the primary of a group that Sentinels watch: which server it is now.

use std::collections::HashMap;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::address::Address;
use super::census::{self, Dated};
use super::fault::Fault;
use super::options::{Access, Watch};
use super::wire::{self, Live};
use crate::limits;

/// Where the Sentinels say the primary is. The newest of their answers counts, by the epoch of the
/// failover that made it so.
pub(super) async fn primary(watch: &Watch) -> Result<Address, String> {
    let asks = watch.sentinels.iter().map(|at| {
        let (at, service, access) = (at.clone(), watch.service.clone(), watch.access.clone());
        async move {
            let answer = ask(&at, &service, &access).await;
            answer.map_err(|cause| format!("Sentinel at {at}: {cause}"))
        }
    });
    census::newest(asks).await
}

/// A connection to the primary. A server that was just found by that name may have become a replica
/// meanwhile, and a replica would answer reads from the past. One that hangs is given half of the
/// time that a connection may take, so that the Sentinels are soon asked for its successor.
pub(super) async fn open(watch: &Watch, access: &Access) -> Result<Live, String> {
    let at = primary(watch).await?;
    timeout(limits::STORE_CONNECT / 2, open_primary(&at, access))
        .await
        .unwrap_or_else(|_| Err("no connection in time".into()))
        .map_err(|cause| format!("primary at {at}: {cause}"))
}

async fn open_primary(at: &Address, access: &Access) -> Result<Live, String> {
    let live = wire::open(at, access).await?;
    let role: Vec<Value> = cmd("ROLE")
        .query_async(&mut live.connection.clone())
        .await
        .map_err(|error| Fault::of(error).text.to_owned())?;
    match role.first() {
        Some(Value::BulkString(name)) if name == b"master" => Ok(live),
        _ => Err("it is not the primary that Sentinel says it is".into()),
    }
}

async fn ask(at: &Address, service: &str, access: &Access) -> Result<Dated<Address>, String> {
    let live = wire::open(at, access).await?;
    let known: HashMap<String, String> = cmd("SENTINEL")
        .arg("MASTER")
        .arg(service)
        .query_async(&mut live.connection.clone())
        .await
        .map_err(|error| match error.code() {
            Some("ERR") => "it watches no primary of that name".to_owned(),
            _ => Fault::of(error).text.to_owned(),
        })?;
    let field = |name: &str| known.get(name).map(String::as_str);
    let found = || {
        let host = field("ip")?.to_owned();
        let port = field("port")?.parse().ok()?;
        Some((field("config-epoch")?.parse().ok()?, Address { host, port }))
    };
    found().ok_or_else(|| "its answer does not name the primary".to_owned())
}
