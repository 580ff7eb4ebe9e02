//! Any bytes as a body, and as the companded form of one.
#![no_main]

#[path = "../../crates/kvs/tests/companded/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check_companded(input));
