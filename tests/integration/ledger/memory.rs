//! The contract over the embedded backend that forgets.

use std::future::{Ready, ready};
use std::sync::Arc;

use skybridge::store::memory_ledger::MemoryLedger;

use super::contract::contract;
use super::rows::Subject;

pub(crate) fn memory() -> Ready<Subject> {
    ready(Subject { ledger: Arc::new(MemoryLedger::new()), _keep: Box::new(()) })
}

contract!(memory);
