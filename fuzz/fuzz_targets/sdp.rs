//! Any text as an offer: a typed refusal, or an answer that can be read and repeated; no panic.
#![no_main]

#[path = "../../crates/telephony/tests/checks/sdp.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
