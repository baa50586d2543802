//! What tests and benchmarks start and look at the world with.

pub(crate) mod redis;
pub(crate) mod schema;
pub(crate) mod xmlsec;
