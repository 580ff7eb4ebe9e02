//! Any datagrams, commands and times: frames of a tap follow each other, nothing is from the future, everything is bounded, no panic.
#![no_main]

#[path = "../../crates/media/tests/checks/session.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
