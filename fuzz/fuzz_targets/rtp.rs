//! Any datagrams at any times: a contiguous timeline, no invented sample, bounded silence, no panic.
#![no_main]

#[path = "../../crates/telephony/tests/checks/rtp.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
