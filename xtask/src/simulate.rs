//! `cargo xtask simulate`: a whole node among callers, or SIP agents alone, on a simulated network.

use crate::command::{RunLoudly, cargo};
use crate::mutants;
use anyhow::bail;

pub(crate) const HELP: &str = "\
cargo xtask simulate [--seeds N] [--seed S] [--survey | --trace]
cargo xtask simulate --calls N [--seed S]
cargo xtask simulate --dialogs N [--seed S] [--survey | --trace]
cargo xtask simulate --flows N [--seed S]
cargo xtask simulate --mutants [--seed S]

Runs a node (SIP agent, contacts, media, captures, uploads and the store on a simulated disk) among callers with sound, over a
network that loses, doubles, delays and reorders, with calls of its API beside and power cuts at any disk call; in one thread per
seed. A seed is one world of 1 to 20 calls. The run stops at the first broken promise and prints its seed, its simulated time and
what it is about.

  --seeds N    how many worlds (default 1000)
  --calls N    one world of N calls: signalling and contacts for all, sound for every hundredth. Calls in must be records out, and
               memory steady: it is printed
  --dialogs N  the SIP agents alone, N dialogs: through proxies that record their route and fork, over datagrams and connections
               that are lost, doubled, delayed, reordered and cut
  --flows N    N random flows that can be published, and the same ones damaged, on simulated calls without SIP or sound: none panics,
               turns in silence or strands its caller, and each is repeated from its trace byte for byte
  --seed S     the first seed; without it a fresh one. The seed is printed, and the same seed gives the same hash
  --survey     go on after a broken promise, and print one of each kind, with how many there were
  --trace      print all that happens in the world of the seed S, and nothing else: this replays a broken promise
  --mutants    for each crates/testkit/mutants/*.patch, which breaks the node in one way: apply it to a copy of the crates and
               print the seed that finds it. A mutant that 1,000 seeds do not find is an error, and so is a patch that does not
               apply: write it anew against the present source";

/// A simulation: its example, and how it is built: optimized, but without the link-time optimization that takes a release minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Simulation {
    /// SIP agents alone.
    Dialogs,
    /// Flows alone.
    Flows,
    /// A node among callers.
    Whole,
}

impl Simulation {
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Dialogs => "simulate",
            Self::Flows => "flows",
            Self::Whole => "whole",
        }
    }

    pub(crate) const fn build(self) -> [&'static str; 6] {
        ["--profile", "instr", "-p", "tympan-testkit", "--example", self.example()]
    }
}

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
    let simulation = match () {
        () if has("--dialogs") => Simulation::Dialogs,
        () if has("--flows") => Simulation::Flows,
        () => Simulation::Whole,
    };
    let mut run = cargo();
    run.args(["run", "--quiet"]).args(simulation.build()).arg("--").args(arguments);
    run.run_loudly()
}
