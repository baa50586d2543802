//! What must survive: one contract, run over every backend, and what each backend has of its own.

mod contract;
mod marks;
mod memory;
mod name_ids;
mod nodes;
mod postgres;
mod rows;
mod schema;
pub(crate) mod sqlite;
mod tenancy;
