//! Any body of GetMedia, read whole and in pieces by the client: the same fragments, no panic.
#![no_main]

#[path = "../../crates/client/tests/bodies/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
