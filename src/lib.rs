//! Skybridge: from a partner's sales platform into the cloud console, over SAML 2.0.
//!
//! The rooms and the direction of their arrows are drawn in `docs/ARCHITECTURE.md` and held by
//! `tests/tidy.rs`.

pub mod account;
pub mod app;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
#[cfg(feature = "fake-cloud")]
pub mod demo;
#[cfg(feature = "fake-cloud")]
pub mod fakecloud;
pub mod http;
pub mod journey;
pub mod keys;
pub mod limits;
pub mod measure;
pub mod page;
pub mod password;
pub mod random;
pub mod refusal;
pub mod saml;
pub mod secret;
pub mod sso;
pub mod store;
