//! The simulation of the whole in the ordinary tests: few worlds, from a seed of their own each time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tympan_testkit::whole::{Tally, Wanted, run, run_centre, run_many};

const SEEDS: u64 = 200;

/// `TYMPAN_SIMULATION_SEED`, else one that no run before had.
fn seed() -> u64 {
    let given = std::env::var("TYMPAN_SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000_007)
    })
}

#[test]
fn two_hundred_worlds_keep_every_promise() {
    let first = seed();
    println!("TYMPAN_SIMULATION_SEED={first}");
    let (next, tally) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    let broken = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + SEEDS || broken.lock().unwrap().is_some() {
                        break;
                    }
                    let outcome = run(seed, Wanted::default());
                    tally.lock().unwrap().add(&outcome.tally);
                    if let Some(violation) = outcome.violation {
                        broken.lock().unwrap().get_or_insert(violation);
                    }
                }
            });
        }
    });
    if let Some(violation) = broken.into_inner().unwrap() {
        panic!("{violation}\nreplay: cargo xtask simulate --seed {} --trace", violation.seed);
    }
    let tally = tally.into_inner().unwrap();
    println!("{tally:?}");
    // The promises would be cheap if nothing came about.
    assert!(tally.answered > SEEDS && tally.captures > SEEDS && tally.power_cuts > 10, "{tally:?}");
    assert!(
        tally.samples > 3 * tally.silent_samples && tally.keys > 0 && tally.live_fragments > 0,
        "{tally:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=20 {
        let with_text = Wanted { text: true, ..Wanted::default() };
        let (one, two) = (run(seed, with_text), run(seed, with_text));
        if let (Some(one), Some(two)) = (&one.text, &two.text)
            && one != two
        {
            let lines = one.lines().zip(two.lines()).find(|(one, two)| one != two);
            panic!("seed {seed}: the traces differ: {lines:?}");
        }
        assert_eq!(one.hash, two.hash, "seed {seed}");
        assert_ne!(one.hash, run(seed + 100, Wanted::default()).hash);
    }
}

#[test]
fn of_many_calls_each_leaves_one_record() {
    let outcome = run_many(7, 300, |_, _| ());
    assert_eq!(outcome.violation, None);
    assert_eq!((outcome.tally.calls, outcome.tally.records, outcome.tally.captures), (300, 300, 0));
    assert!(outcome.tally.persisted >= 3 && outcome.tally.prompts > 150, "{:?}", outcome.tally);
}

#[test]
fn twenty_agents_serve_two_hundred_calls_in_ten_minutes_and_some_crash_ring_on_refuse_or_hold() {
    let seed = seed();
    println!("TYMPAN_SIMULATION_SEED={seed}");
    let mut tally = Tally::default();
    let outcomes = std::thread::scope(|scope| {
        let worlds =
            [true, false].map(|is_calm| scope.spawn(move || run_centre(seed, 20, 200, 600_000, is_calm)));
        worlds.map(|world| world.join().expect("a world"))
    });
    for outcome in outcomes {
        assert_eq!(outcome.violation, None, "replay: TYMPAN_SIMULATION_SEED={seed}");
        tally.add(&outcome.tally);
    }
    println!("{tally:?}");
    assert!(tally.calls == 400 && tally.joined > 20 && tally.offers > tally.joined, "{tally:?}");
}
