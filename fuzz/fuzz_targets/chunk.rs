//! Any bytes as a chunk: the index is refused or holds together, nothing panics.
#![no_main]

#[path = "../../crates/store/tests/files/oracle.rs"]
#[allow(dead_code, reason = "the other target uses the other half")]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check_chunk(input));
