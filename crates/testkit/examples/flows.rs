//! Runs random flows on simulated calls: what `cargo xtask simulate --flows` starts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use tympan_testkit::flows::random::check;

const USAGE: &str = "\
flows [--seed S] [--flows N]

  --seed S    the first seed; the next ones follow. Without it: a fresh one, which is printed
  --flows N   how many flows (default 10000), each also damaged";

fn main() -> ExitCode {
    let fresh =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000_007);
    let (mut seed, mut count) = (fresh, 10_000u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = arguments.next().and_then(|value| value.parse().ok());
        match (argument.as_str(), number) {
            ("--seed", Some(number)) => seed = number,
            ("--flows", Some(number)) => count = number,
            _ => {
                eprintln!("flows: {argument} is not understood\n\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    println!("seed {seed}, {count} flows that can be published and as many damaged ones");
    let mut ran = 0;
    for seed in seed..seed.saturating_add(count) {
        let outcome = catch_unwind(|| check(seed));
        match outcome {
            Ok(Ok(is_run)) => ran += u64::from(is_run),
            Ok(Err(broken)) => {
                println!("seed {seed}: {broken}");
                return ExitCode::FAILURE;
            }
            Err(_) => {
                println!("seed {seed}: a panic");
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "none panicked, turned in silence or stranded its caller; each was repeated from its trace. {ran} damaged ones ran, the others were refused with a reason"
    );
    ExitCode::SUCCESS
}
