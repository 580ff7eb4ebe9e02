//! An agent under any inputs at any times: it answers, forgets, and gives no source more than its share.
#![no_main]

#[path = "../../crates/sip/tests/checks/agent.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
