//! A request head as hostile as it gets: Authorization header, date, presigned query, tokens.
#![no_main]

#[path = "sigv4_header/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::check(input));
