//! Policies, askers and resources put together from the input: the evaluator decides what the slow reference decides.
#![no_main]

#[path = "policy_decisions/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    checks::check(input);
});
