//! The simulation of the whole: callers with sound, a network, and a node of SIP agent, contacts, media sessions, captures, uploads
//! and store, in one thread and from one seed.
//!
//! Everything happens on one heap of (time, sequence, action); there is no clock, no thread, no runtime, and no randomness but the
//! seed's. The node is the wiring that the server does, around the same machines; its disk is simulated under the real journal and
//! chunks, and its control rows are durable at commit or lost. Power goes at any disk call; then the node starts again from its disk.
//!
//! What every run checks stands in `watch`, one file each.

mod centre;
mod conditions;
mod control;
mod core;
mod flows;
mod node;
mod outcome;
mod peer;
mod phone;
mod plan;
mod prompts;
mod voice;
mod watch;
mod world;

pub use outcome::{Outcome, Tally};

use crate::sim::Violation;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tympan_store::StoreError;
use tympan_types::Mono;
use world::{Many, World};

/// What is wanted of a run beside its outcome.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// All events as text.
    pub text: bool,
    /// Drops something and says how many bytes that freed: only a program with a counting allocator can.
    pub weigh: Option<Weigh>,
}

/// Does something, which drops what was held, and says how many bytes that freed.
pub type Weigh = fn(Box<dyn FnOnce()>) -> i64;

/// Runs the world of a seed to its end, or to the first broken promise; a panic is one.
pub fn run(seed: u64, wanted: Wanted) -> Outcome {
    caught(seed, || World::new(seed, wanted.text, wanted.weigh))
}

/// Runs one world of very many calls without faults: signalling and contacts for all, sound for every hundredth. Calls in must be
/// records out. `progress` gets, now and then, how many calls were placed, and how many bytes of memory stand for the disk.
pub fn run_many(seed: u64, calls: usize, progress: fn(usize, usize)) -> Outcome {
    caught(seed, || World::of_many(seed, Many { calls, progress }))
}

/// Runs one world of so many calls into the queues of so many agents, within so long; calm, or with the faults of the seed.
pub fn run_centre(seed: u64, agents: usize, calls: usize, world_ms: u64, is_calm: bool) -> Outcome {
    caught(seed, || World::of_centre(seed, agents, calls, world_ms, is_calm))
}

fn caught(seed: u64, world: impl FnOnce() -> Result<World, StoreError>) -> Outcome {
    let run = || world().map(World::run).map_err(|error| error.to_string());
    let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Err(format!("it panics: {}", said.unwrap_or_default()))
    });
    outcome.unwrap_or_else(|what| Outcome {
        seed,
        hash: 0,
        violation: Some(Violation { seed, at: Mono::default(), leg: None, what }),
        tally: Tally::default(),
        text: None,
    })
}
