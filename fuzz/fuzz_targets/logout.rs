//! Fuzz target: see `src/targets/logout.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: skybridge_fuzz::seeds_only(),
    |octets: &[u8]| skybridge_fuzz::fuzz("logout", octets)
);
