//! Runs the simulation of the whole: what `cargo xtask simulate --seeds` starts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tympan_testkit::whole::{Outcome, Tally, Wanted, run, run_centre, run_many};

const USAGE: &str = "\
whole [--seed S] [--seeds N | --calls N | --agents N] [--trace | --survey]

  --seed S    the first seed; the next ones follow. Without it: a fresh one, which is printed
  --seeds N   how many seeds (default 1000)
  --calls N   one world of N calls without faults: sound for every hundredth; prints its memory as it goes
  --agents N  worlds with ten calls for each of N agents, within ten minutes each; --seeds says how many (default 1)
  --survey    go on after a broken promise, and print one of each kind, with how many there were
  --trace     print all events of one seed, and nothing else";

struct Options {
    seed: u64,
    seeds: u64,
    calls: usize,
    agents: usize,
    trace: bool,
    survey: bool,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) if options.trace => trace(options.seed),
        Ok(options) if options.calls > 0 => many(options.seed, options.calls),
        Ok(options) => simulate(&options),
        Err(what) => {
            eprintln!("whole: {what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let fresh =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000_007);
    let mut options = Options { seed: fresh, seeds: 1_000, calls: 0, agents: 0, trace: false, survey: false };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|error| format!("{argument} {value}: {error}"))
        };
        match argument.as_str() {
            "--seed" => options.seed = number()?,
            "--seeds" => options.seeds = number()?,
            "--calls" => options.calls = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--agents" => options.agents = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--trace" => options.trace = true,
            "--survey" => options.survey = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    if options.agents > 0 && options.seeds == 1_000 {
        options.seeds = 1;
    }
    Ok(options)
}

fn trace(seed: u64) -> ExitCode {
    let outcome = run(seed, Wanted { text: true, weigh: Some(weigh) });
    print!("{}", outcome.text.unwrap_or_default());
    match outcome.violation {
        Some(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// How many bytes something holds.
fn weigh(drops: Box<dyn FnOnce()>) -> i64 {
    -allocation_counter::measure(drops).bytes_current
}

/// The memory of a run of very many calls may grow by so much once a twentieth of them is over.
const STEADY_MB: u64 = 50;
/// The resident set once a twentieth of the calls was placed, and the largest one after that, in kB.
static RESIDENT_KB: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// One world of very many calls.
fn many(seed: u64, calls: usize) -> ExitCode {
    static WARM_CALLS: AtomicU64 = AtomicU64::new(0);
    println!("seed {seed}");
    WARM_CALLS.store(u64::try_from(calls / 20).unwrap_or(u64::MAX), Ordering::Relaxed);
    let begun = Instant::now();
    let outcome = run_many(seed, calls, |placed, disk_bytes| {
        // What is on the disk grows with the captures, and is no memory of a node.
        let disk_kb = u64::try_from(disk_bytes / 1_024).unwrap_or(u64::MAX);
        let now_kb = resident_kb().saturating_sub(disk_kb);
        let [first, most] = &RESIDENT_KB;
        if u64::try_from(placed).is_ok_and(|placed| placed >= WARM_CALLS.load(Ordering::Relaxed)) {
            let _ = first.compare_exchange(0, now_kb, Ordering::Relaxed, Ordering::Relaxed);
            most.fetch_max(now_kb, Ordering::Relaxed);
        }
        if placed.is_multiple_of(10_000) {
            println!(
                "{placed} calls placed, {} MB resident beside {} MB of disk",
                now_kb / 1_024,
                disk_kb / 1_024
            );
        }
    });
    let took_s = begun.elapsed().as_secs_f64();
    println!("{} in {took_s:.1} s; hash {:016x}", numbers(&outcome.tally), outcome.hash);
    let [first, most] = RESIDENT_KB.each_ref().map(|kb| kb.load(Ordering::Relaxed) / 1_024);
    println!("memory: {first} MB once a twentieth was placed, at most {most} MB after that");
    match outcome.violation {
        Some(violation) => println!("{violation}"),
        None if most > first + STEADY_MB => println!("memory is not steady: it may grow by {STEADY_MB} MB"),
        None => return ExitCode::SUCCESS,
    }
    ExitCode::FAILURE
}

/// The resident set of this process.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn numbers(tally: &Tally) -> String {
    let numbers: Vec<String> = tally.entries().map(|(name, number)| format!("{name} {number}")).collect();
    numbers.join(", ").replace('_', " ")
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
                    if seed >= end.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = match options.agents {
                        0 => run(seed, Wanted { text: false, weigh: Some(weigh) }),
                        agents => run_centre(seed, agents, 10 * agents, 600_000, seed % 4 == 0),
                    };
                    if sender.send(outcome).is_err() {
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
                println!("{violation}\nreplay: cargo xtask simulate --seed {} --trace", violation.seed);
                return ExitCode::FAILURE;
            }
        }
    }
    let took_s = begun.elapsed().as_secs_f64();
    let bytes = tally.node_bytes_max;
    println!("{} in {took_s:.1} s; a node held at most {bytes} bytes; hash {hash:016x}", numbers(&tally));
    for (first, count) in kinds.values() {
        println!("{count} x {first}");
    }
    if kinds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
