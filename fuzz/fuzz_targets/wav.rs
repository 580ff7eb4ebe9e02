//! Any bytes as a WAV file: refused, or no more samples than they can stand for, no panic.
#![no_main]

#[path = "../../crates/telephony/tests/checks/wav.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
