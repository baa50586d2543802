//! The ephemeral store: one contract, run over every backend.

mod contract;
mod failover;
mod faults;
mod groups;
mod left;
mod load;
mod memory;
mod redis;
