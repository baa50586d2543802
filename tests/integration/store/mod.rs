//! The ephemeral store: one contract, run over every backend.

mod contract;
mod faults;
mod memory;
mod redis;
