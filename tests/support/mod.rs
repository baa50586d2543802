//! What tests and benchmarks start and look at the world with.

pub(crate) mod answer;
#[cfg(feature = "fake-cloud")]
pub(crate) mod browser;
#[cfg(feature = "fake-cloud")]
pub(crate) mod demo;
pub(crate) mod gateway;
pub(crate) mod keeper;
pub(crate) mod openapi;
pub(crate) mod outage;
#[cfg(feature = "fake-cloud")]
pub(crate) mod peer;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod redis_groups;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod signxml;
#[cfg(feature = "fake-cloud")]
pub(crate) mod site;
#[cfg(feature = "fake-cloud")]
pub(crate) mod tap;
#[cfg(feature = "fake-cloud")]
pub(crate) mod visitor;
pub(crate) mod wire;
pub(crate) mod xmlsec;

/// The program that tests start as a process: the one that was built beside them, or the one that
/// `SKYBRIDGE_BINARY` names, such as the release build.
pub(crate) fn program() -> std::path::PathBuf {
    shipped().unwrap_or_else(|| env!("CARGO_BIN_EXE_skybridge").into())
}

/// The program that `SKYBRIDGE_BINARY` names.
pub(crate) fn shipped() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("SKYBRIDGE_BINARY")?;
    Some(std::fs::canonicalize(named).expect("SKYBRIDGE_BINARY names a program"))
}
