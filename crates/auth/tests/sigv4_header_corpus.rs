//! The fuzz target's checks over its saved corpus, so that no fuzzer is needed to find a relapse.

#[path = "../../../fuzz/fuzz_targets/sigv4_header/checks.rs"]
mod checks;

use proptest::prelude::*;

#[test]
fn every_saved_input_passes() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/sigv4_header");
    let seeds: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 10, "{corpus} is incomplete");
    for seed in seeds {
        let input = std::fs::read(&seed).unwrap();
        checks::check(&input);
        // Cut here and there, and with a byte changed, the input is another hostile one.
        for at in (0..input.len()).step_by(5) {
            checks::check(&input[..at]);
            let mut damaged = input.clone();
            damaged[at] ^= 0x1f;
            checks::check(&damaged);
        }
    }
}

proptest! {
    #[test]
    fn requests_put_together_at_random_pass(
        target in "/[a-z%20/.~:+é]{0,20}(\\?[a-c=&+~.é]{0,20})?",
        value in "[ -~]{0,30}",
        body in proptest::collection::vec(any::<u8>(), 0..30),
    ) {
        let mut input = format!("POST {target} HTTP/1.1\nHost: kvs:8600\nX-Some: {value}\n\n").into_bytes();
        input.extend(body);
        checks::check(&input);
    }
}
