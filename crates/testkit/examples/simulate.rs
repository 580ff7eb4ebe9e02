//! Runs simulated dialogs: what `cargo xtask simulate` starts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tympan_sip::agent::Agent;
use tympan_testkit::sim::{Outcome, Tally, Wanted, run};

const USAGE: &str = "\
simulate [--seed S] [--dialogs N | --seeds N] [--trace | --survey]

  --seed S     the first seed; the next ones follow. Without it: a fresh one, which is printed
  --dialogs N  as many seeds as it takes for N dialogs (default 20000)
  --seeds N    N seeds
  --survey     go on after a broken promise, and print one of each kind, with how many there were
  --trace      print all bytes and events of one seed, and nothing else";

struct Options {
    seed: u64,
    dialogs: u64,
    seeds: u64,
    trace: bool,
    survey: bool,
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(what) => {
            eprintln!("simulate: {what}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if options.trace { trace(options.seed) } else { simulate(&options) }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let fresh =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000_007);
    let mut options = Options { seed: fresh, dialogs: 20_000, seeds: u64::MAX, trace: false, survey: false };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{argument} {value}: not a number"))
        };
        match argument.as_str() {
            "--seed" => options.seed = number()?,
            "--dialogs" => options.dialogs = number()?,
            "--seeds" => (options.seeds, options.dialogs) = (number()?, u64::MAX),
            "--survey" => options.survey = true,
            "--trace" => options.trace = true,
            other => return Err(format!("there is no option {other:?}")),
        }
    }
    Ok(options)
}

fn trace(seed: u64) -> ExitCode {
    let outcome = run(seed, Wanted { text: true, weigh: Some(weigh) });
    print!("{}", outcome.text.as_deref().unwrap_or_default());
    match outcome.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}

/// How many bytes an agent holds.
fn weigh(agent: Agent) -> i64 {
    -allocation_counter::measure(|| drop(agent)).bytes_current
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
                    if is_over || sender.send(run(seed, Wanted { text: false, weigh: Some(weigh) })).is_err()
                    {
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
    let shows_progress = std::io::stderr().is_terminal();
    let mut shown = begun;
    while tally.dialogs < options.dialogs {
        let Ok(outcome) = outcomes.recv() else { break };
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
                println!(
                    "{violation}\nreplay: cargo xtask simulate --dialogs 1 --seed {} --trace",
                    violation.seed
                );
                return ExitCode::FAILURE;
            }
            if tally.dialogs >= options.dialogs {
                break;
            }
        }
        if shows_progress && shown.elapsed() > Duration::from_millis(200) {
            shown = Instant::now();
            eprint!("\r{} dialogs", tally.dialogs);
            let _ = std::io::stderr().flush();
        }
    }
    if shows_progress {
        eprintln!();
    }
    let took_s = begun.elapsed().as_secs_f64();
    let Tally { worlds, calls, dialogs, confirmed, messages, digits, failed, simulated_ms, quiet_bytes_max } =
        tally;
    println!(
        "{dialogs} dialogs ({confirmed} confirmed) of {calls} calls in {worlds} worlds: {messages} messages, {digits} digits, \
         {failed} legs failed by the network, {} hours simulated in {took_s:.1} s; a quiet agent held at most {quiet_bytes_max} \
         bytes; hash {hash:016x}",
        simulated_ms / 3_600_000
    );
    for (first, count) in kinds.values() {
        println!("{count} x {first}");
    }
    if kinds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
