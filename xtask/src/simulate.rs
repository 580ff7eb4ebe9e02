//! `cargo xtask simulate`: SIP agents on both sides of a simulated network.

use crate::command::{RunLoudly, cargo};
use crate::mutants;
use anyhow::bail;

pub(crate) const HELP: &str = "\
cargo xtask simulate [--dialogs N] [--seed S] [--survey | --trace]
cargo xtask simulate --mutants [--seed S]

Runs the SIP agents of crates/sip against each other, through proxies that record their route and fork, over a network
that loses, doubles, delays, reorders and cuts. Each seed is one world of some 10 dialogs. The run stops at the first
broken promise and prints its seed, its simulated time and its leg.

  --dialogs N  how many dialogs (default 100000, which takes minutes)
  --seed S     the first seed; without it a fresh one. The seed is printed, and the same seed gives the same hash
  --survey     go on after a broken promise, and print one of each kind, with how many there were
  --trace      print all bytes and events of the seed S, and nothing else: this replays a broken promise
  --mutants    for each crates/testkit/mutants/*.patch, which breaks the agent in one way: apply it to a copy of the
               crates and print the seed that finds it. A mutant that 1,000 seeds do not find is an error, and so is a
               patch that does not apply: write it anew against the present source";

/// How the simulation is built: optimized, but without the link-time optimization that takes a release minutes.
pub(crate) const BUILD: [&str; 6] = ["--profile", "instr", "-p", "tympan-testkit", "--example", "simulate"];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if has("--help") || has("-h") {
        println!("{HELP}");
        return Ok(());
    }
    if has("--mutants") {
        return match arguments {
            [_] => mutants::run(1),
            [first, name, seed] if first == "--mutants" && name == "--seed" => mutants::run(seed.parse()?),
            _ => bail!("--mutants takes only --seed S behind it\n\n{HELP}"),
        };
    }
    if has("--trace") && !has("--seed") {
        bail!("--trace needs the --seed of a world\n\n{HELP}");
    }
    let mut run = cargo();
    run.args(["run", "--quiet"]).args(BUILD).arg("--").args(arguments);
    if !has("--dialogs") && !has("--trace") {
        run.args(["--dialogs", "100000"]);
    }
    run.run_loudly()
}
