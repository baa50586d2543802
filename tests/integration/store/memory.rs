//! The contract over the embedded backend. What is its own is tested beside it.

use std::sync::Arc;

use skybridge::clock::ManualClock;
use skybridge::store::memory::Memory;
use time::macros::datetime;

use super::contract::{Subject, contract};

fn memory() -> Subject {
    let clock = Arc::new(ManualClock::at(datetime!(2026-01-02 03:04:05 UTC)));
    let store = Arc::new(Memory::new(clock.clone()));
    Subject { store, clock: Some(clock), _server: Box::new(()) }
}

contract!(memory);
