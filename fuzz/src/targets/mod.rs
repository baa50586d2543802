//! Fuzzing: what is done with one input, for each target. The fuzzers call it with what they think
//! of, and `tests/integration/fuzzed.rs` with what they once found; so neither can rot.
//!
//! A target panics where something does not hold that must hold for every input. Keys are new in
//! each process: nobody can have signed with them but the targets themselves.

mod authn_request;
pub(crate) mod cost;
pub(crate) mod differential;
mod logout;
mod material;
mod messages;
mod metadata;
mod notification;
mod redirect;
pub(crate) mod seeds;

/// One target.
pub(crate) struct Target {
    /// Its name: that of its fuzzer and of the directory with its corpus.
    pub(crate) name: &'static str,
    /// What it does with an input.
    pub(crate) run: fn(&[u8]),
}

/// Every target.
pub(crate) const ALL: [Target; 6] = [
    Target { name: "redirect", run: redirect::run },
    Target { name: "authn_request", run: authn_request::run },
    Target { name: "logout", run: logout::run },
    Target { name: "metadata", run: metadata::run },
    Target { name: "notification", run: notification::run },
    Target { name: "differential", run: differential::run },
];
