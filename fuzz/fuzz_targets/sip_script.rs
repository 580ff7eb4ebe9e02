//! Two agents, their users and a network that loses, copies and reorders: calls end on both sides, digits stay in order.
#![no_main]

#[path = "../../crates/sip/tests/checks/script.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
