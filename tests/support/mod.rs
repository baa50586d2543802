//! What tests and benchmarks start and look at the world with.

pub(crate) mod answer;
#[cfg(feature = "fake-cloud")]
pub(crate) mod browser;
#[cfg(feature = "fake-cloud")]
pub(crate) mod demo;
pub(crate) mod gateway;
#[cfg(feature = "fake-cloud")]
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
pub(crate) mod xmlsec;
