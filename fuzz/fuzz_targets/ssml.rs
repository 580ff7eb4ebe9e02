//! Any text as a prompt: an error, or pieces that can be spoken, of no more silence than was asked for.
#![no_main]

#[path = "../../crates/flow/tests/checks/ssml.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::check(text));
