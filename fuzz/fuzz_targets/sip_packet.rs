//! Any datagram: a message, a status or a counted drop; each value is what it prints; no panic.
#![no_main]

#[path = "../../crates/sip/tests/checks/packet.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
