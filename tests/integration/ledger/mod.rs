//! What must survive: one contract, run over every backend, and what each backend has of its own.

mod contract;
mod memory;
mod nodes;
mod postgres;
mod rows;
mod schema;
mod sqlite;
mod tenancy;
