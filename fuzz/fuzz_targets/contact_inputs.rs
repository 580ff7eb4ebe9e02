//! A contact takes anything in any order: callers are never stranded, captures end once, states reach the history one at a time.
#![no_main]

#[path = "../../crates/contact/tests/checks/inputs.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
