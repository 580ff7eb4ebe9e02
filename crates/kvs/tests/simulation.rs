//! Uploads, a store and its disk in one thread from one seed: producers that break off and come back, power that goes at
//! any disk call, disks that are full for a while. What was acknowledged is there, and nothing that was not sent.
//!
//! `TYMPAN_UPLOADS_SEED` runs one seed, `TYMPAN_UPLOADS_SEEDS` says how many fresh ones are run.
#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub, reason = "tests only")]

#[path = "simulation/producer.rs"]
mod producer;
#[path = "simulation/run.rs"]
mod run;

use run::{Outcome, Run};
use std::time::{SystemTime, UNIX_EPOCH};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_micros() as u64
}

/// A failure names its seed.
fn outcome_of(seed: u64) -> Outcome {
    let run = std::panic::catch_unwind(|| Run::new(seed).run());
    run.unwrap_or_else(|panic| {
        eprintln!("again with TYMPAN_UPLOADS_SEED={seed}");
        std::panic::resume_unwind(panic)
    })
}

#[test]
fn what_was_acknowledged_is_there_after_power_cuts_at_any_disk_call() {
    let (first, count) = match number("TYMPAN_UPLOADS_SEED") {
        Some(seed) => (seed, 1),
        None => (fresh_seed(), number("TYMPAN_UPLOADS_SEEDS").unwrap_or(200)),
    };
    let mut all = Outcome::default();
    for seed in (0..count).map(|at| first.wrapping_add(at)) {
        all.add(outcome_of(seed));
    }
    eprintln!("seeds {first} and the {count} from there: {all:?}");
    if count >= 200 {
        // The runs go where they should.
        assert!(all.persisted > 1_000 && all.cuts > 50 && all.cuts_at_a_start > 0, "{all:?}");
        assert!(all.resumed > 0 && all.sealed > 0 && all.chunks > 50 && all.errors > 0, "{all:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_hash_and_another_one_another() {
    let first = number("TYMPAN_UPLOADS_SEED").unwrap_or_else(fresh_seed);
    eprintln!("seeds from {first}");
    for seed in first..first.wrapping_add(10) {
        let once = outcome_of(seed);
        assert_eq!(once, outcome_of(seed), "seed {seed}");
        assert_ne!(once.hash, outcome_of(seed.wrapping_add(1)).hash, "seed {seed}");
    }
}
