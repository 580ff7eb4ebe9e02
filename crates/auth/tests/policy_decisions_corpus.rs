//! The fuzz target's checks over its saved corpus and over bytes at random, so that no fuzzer is needed to find a relapse.

#[path = "../../../fuzz/fuzz_targets/policy_decisions/checks.rs"]
mod checks;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tympan_auth::reference::Decision;

/// Inputs at random.
const CASES: u32 = 4_000;

/// How often each decision was made, of a user's policies and of a session's.
#[derive(Debug, Default)]
struct Tally([usize; 5]);

impl Tally {
    fn count(&mut self, decision: Decision) {
        self.0[match decision {
            Decision::Allowed => 0,
            Decision::Denied(0) => 1,
            Decision::Denied(_) => 2,
            Decision::NotAllowed(0) => 3,
            Decision::NotAllowed(_) => 4,
        }] += 1;
    }
}

#[test]
fn the_saved_inputs_are_decided_as_by_the_reference() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/policy_decisions");
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(corpus).unwrap() {
        let input = std::fs::read(entry.unwrap().path()).unwrap();
        for at in (0..input.len()).step_by(5) {
            tally.count(checks::check(&input[..at]));
            let mut altered = input.clone();
            altered[at] ^= 0x1f;
            tally.count(checks::check(&altered));
        }
        tally.count(checks::check(&input));
    }
    assert!(tally.0.iter().all(|count| *count >= 10), "the corpus has grown old: {tally:?}");
}

#[test]
fn policies_put_together_at_random_are_decided_as_by_the_reference() {
    let tally = std::cell::RefCell::new(Tally::default());
    let mut runner = TestRunner::new(Config { cases: CASES, ..Config::default() });
    let inputs = proptest::collection::vec(any::<u8>(), 0..300);
    let ran = runner.run(&inputs, |input| {
        tally.borrow_mut().count(checks::check(&input));
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    let tally = tally.into_inner();
    assert!(tally.0.iter().all(|count| count * 100 > CASES as usize), "a decision too seldom: {tally:?}");
}
