//! Any descriptions in any order: no panic, sections never vanish, a failed exchange changes nothing, what we say can be read.
#![no_main]

#[path = "../../crates/telephony/tests/checks/session.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
