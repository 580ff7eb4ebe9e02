//! Runs the simulation of the whole: what `cargo xtask simulate --seeds` starts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tympan_testkit::whole::{Outcome, Tally, run};

const USAGE: &str = "\
whole [--seed S] [--seeds N] [--trace | --survey]

  --seed S    the first seed; the next ones follow. Without it: a fresh one, which is printed
  --seeds N   how many seeds (default 1000)
  --survey    go on after a broken promise, and print one of each kind, with how many there were
  --trace     print all events of one seed, and nothing else";

struct Options {
    seed: u64,
    seeds: u64,
    trace: bool,
    survey: bool,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) if options.trace => trace(options.seed),
        Ok(options) => simulate(&options),
        Err(what) => {
            eprintln!("whole: {what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let fresh = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000_007);
    let mut options = Options { seed: fresh, seeds: 1_000, trace: false, survey: false };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|error| format!("{argument} {value}: {error}"))
        };
        match argument.as_str() {
            "--seed" => options.seed = number()?,
            "--seeds" => options.seeds = number()?,
            "--trace" => options.trace = true,
            "--survey" => options.survey = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(options)
}

fn trace(seed: u64) -> ExitCode {
    let outcome = run(seed, true);
    print!("{}", outcome.text.unwrap_or_default());
    match outcome.violation {
        Some(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// Runs seed after seed on every core; results count in the order of the seeds, so that they are the same on any machine.
fn simulate(options: &Options) -> ExitCode {
    println!("seed {}", options.seed);
    let begun = Instant::now();
    let next = AtomicU64::new(options.seed);
    let end = AtomicU64::new(options.seed.saturating_add(options.seeds));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (sender, receiver) = mpsc::sync_channel::<Outcome>(64);
    let (next, end) = (&next, &end);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let sender = sender.clone();
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = seed >= end.load(Ordering::Relaxed);
                    if is_over || sender.send(run(seed, false)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let result = collect(options, &receiver, begun);
        // Stops the others: their next outcome finds no receiver.
        end.store(0, Ordering::Relaxed);
        drop(receiver);
        result
    })
}

fn collect(options: &Options, outcomes: &mpsc::Receiver<Outcome>, begun: Instant) -> ExitCode {
    let mut early: BTreeMap<u64, Outcome> = BTreeMap::new();
    let (mut tally, mut hash, mut due) = (Tally::default(), 0_u64, options.seed);
    let mut kinds: BTreeMap<String, (String, u64)> = BTreeMap::new();
    while let Ok(outcome) = outcomes.recv() {
        early.insert(outcome.seed, outcome);
        while let Some(outcome) = early.remove(&due) {
            due += 1;
            tally.add(&outcome.tally);
            hash = hash.rotate_left(7) ^ outcome.hash;
            if let (Some(violation), true) = (&outcome.violation, options.survey) {
                let words = violation.what.split_whitespace();
                let kind: String = words.filter(|word| word.chars().all(char::is_alphabetic)).collect();
                kinds.entry(kind).or_insert((violation.to_string(), 0)).1 += 1;
            } else if let Some(violation) = outcome.violation {
                println!("{violation}\nreplay: cargo xtask simulate --whole --seed {} --trace", violation.seed);
                return ExitCode::FAILURE;
            }
        }
    }
    let took_s = begun.elapsed().as_secs_f64();
    let numbers: Vec<String> = tally.entries().map(|(name, number)| format!("{name} {number}")).collect();
    println!("{} in {took_s:.1} s; hash {hash:016x}", numbers.join(", ").replace('_', " "));
    for (first, count) in kinds.values() {
        println!("{count} x {first}");
    }
    if kinds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
