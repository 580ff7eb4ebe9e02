//! Any answer of PutMedia, read whole and in pieces: the same acknowledgements, no panic.
#![no_main]

#[path = "../../crates/client/tests/acks/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
