//! Any bytes as a segment of the journal: the scan answers, what it reports is intact, nothing panics.
#![no_main]

#[path = "../../crates/store/tests/files/oracle.rs"]
#[allow(dead_code, reason = "the other target uses the other half")]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check_journal(input));
