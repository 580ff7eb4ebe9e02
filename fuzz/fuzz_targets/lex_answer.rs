//! An answer of a bot: packed headers, JSON, sound. Nothing panics, a bomb is refused at its limit, and what is read is bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/lex/tests/checks/answer.rs"]
mod answer;

fuzz_target!(|input: &[u8]| answer::check(input));
