//! Simulated dialogs in the ordinary tests: few, from a seed of their own each time.

use std::time::{SystemTime, UNIX_EPOCH};
use tympan_testkit::sim::{Tally, Wanted, run};

/// `TYMPAN_SIMULATION_SEED`, else one that no run before had.
fn seed() -> u64 {
    let given = std::env::var("TYMPAN_SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000_007)
    })
}

#[test]
fn simulated_dialogs_keep_every_promise() {
    let first = seed();
    println!("TYMPAN_SIMULATION_SEED={first}");
    let mut tally = Tally::default();
    for seed in (first..).take(150) {
        let outcome = run(seed, Wanted::default());
        tally.add(&outcome.tally);
        if let Some(violation) = outcome.violation {
            panic!("{violation}\nreplay: cargo xtask simulate --dialogs 1 --seed {seed} --trace");
        }
    }
    println!("{tally:?}");
    // The promises would be cheap if no call came about.
    assert!(tally.confirmed * 3 > tally.dialogs && tally.digits > tally.confirmed / 2, "{tally:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=5 {
        let with_text = Wanted { text: true, ..Wanted::default() };
        let (one, two) = (run(seed, with_text), run(seed, with_text));
        assert!(one.text == two.text, "seed {seed}: the traces differ");
        assert_eq!(one.hash, two.hash, "seed {seed}");
        assert_ne!(one.hash, run(seed + 100, Wanted::default()).hash);
    }
}
