//! Any stream: any segments give the same messages, and no message begins inside a declared body.
#![no_main]

#[path = "../../crates/sip/tests/checks/stream.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
