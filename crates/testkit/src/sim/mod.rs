//! The simulated network: agents on both sides, proxies between them, and a network that loses, doubles, delays, reorders and cuts.
//!
//! One seed is one world: a few agents, none to two proxies, some calls, and the faults of its network. Everything happens on one
//! heap of (time, sequence, action); there is no clock, no thread, and no randomness but the seed's. The same seed gives the same
//! bytes at the same times, which a hash over all of them shows.
//!
//! What every run checks: each leg ends once and within its bound, on both sides; digits come once and in order; never are two
//! offers open in a dialog; every request is answered; requests follow the route set and the order of CSeq; what an unconfirmed
//! source is sent stays within its bound; no leg and no transaction is left, and agents are quiet at the end. On a network without
//! faults, calls must go as their scripts say.

mod conditions;
mod endpoint;
mod finish;
mod network;
mod outcome;
mod packet;
mod proxy;
mod random;
pub(crate) mod schedule;
mod script;
mod stray;
pub(crate) mod trace;
mod user;
mod watch;
mod world;

pub use outcome::{Outcome, Tally, Violation};
pub use random::Random;

use std::panic::catch_unwind;
use tympan_sip::agent::Agent;
use world::World;

/// What is wanted of a run beside its outcome.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// All bytes and events as text.
    pub text: bool,
    /// Drops an agent and says how many bytes that freed: only a program with a counting allocator can.
    pub weigh: Option<fn(Agent) -> i64>,
}

/// Runs the world of a seed to its end, or to the first broken promise; a panic is one.
pub fn run(seed: u64, wanted: Wanted) -> Outcome {
    let outcome = catch_unwind(|| World::new(seed, wanted.text).run(wanted.weigh));
    outcome.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Outcome::panicked(seed, said.unwrap_or_default())
    })
}
