//! All tests that need more than one room or a real server, in one binary: linking is what costs
//! time.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod api;
#[cfg(feature = "fake-cloud")]
mod browser;
mod cloud_registration;
#[cfg(feature = "fake-cloud")]
mod creation;
#[cfg(feature = "fake-cloud")]
mod demo;
mod encryption;
#[cfg(feature = "fake-cloud")]
mod examples;
mod explain;
mod foreign;
mod fuzzed;
mod hostile;
mod isolation;
mod journey;
mod ledger;
mod mdq;
mod metadata_commands;
#[cfg(feature = "fake-cloud")]
mod peers;
#[cfg(feature = "fake-cloud")]
mod reconcile;
#[cfg(feature = "fake-cloud")]
mod reliability;
mod reliability_redis;
mod reliability_sql;
mod saml_c14n;
mod saml_metadata;
mod saml_signature;
mod serve;
mod shipped;
mod store;
#[cfg(feature = "fake-cloud")]
mod webhook;
