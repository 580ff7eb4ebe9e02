//! Policies as hostile as they get: read, and asked about requests.
#![no_main]

#[path = "policy_json/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
