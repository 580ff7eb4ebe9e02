//! Any datagram: a request with a Via is answered or counted, and our own answer parses.
#![no_main]

#[path = "../../crates/sip/tests/checks/answer.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
