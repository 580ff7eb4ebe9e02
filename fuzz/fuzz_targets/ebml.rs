//! Any bytes, read whole and in pieces: the same events, the same bytes, no panic.
#![no_main]

#[path = "../../crates/mkv/tests/streams/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
