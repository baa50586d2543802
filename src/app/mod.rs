//! Room `app` (layer 6): builds everything from the configuration and plugs it together. It and
//! `cli` are the only rooms that name the system's clock, sockets, signals, files of keys, and
//! concrete stores.

pub mod api_transport;
pub mod creations;
pub mod explain;
pub mod fetch;
pub mod gateway;
pub mod health;
pub mod ledger;
pub mod log;
pub mod marks;
pub mod metrics;
mod outgoing;
mod pace;
pub mod partner_api;
pub mod parts;
pub mod proxy;
pub mod reconciler;
pub mod records;
pub mod resolve;
pub mod serve;
pub mod shared_keys;
pub mod shutdown;
mod soap_calls;
pub mod system;
pub mod tls;
pub mod webhooks;
