//! What must hold at each step of the simulation: one file each.

pub(crate) mod acknowledged;
pub(crate) mod keys;
pub(crate) mod legs;
pub(crate) mod live;
pub(crate) mod memory;
pub(crate) mod prompts;
pub(crate) mod queues;
pub(crate) mod records;
pub(crate) mod samples;
pub(crate) mod taps;

use acknowledged::Acknowledged;
use keys::Keys;
use live::Live;
use prompts::Prompts;
use records::Records;
use taps::Taps;

/// All that is watched.
#[derive(Default)]
pub(crate) struct Watches {
    pub(crate) acknowledged: Acknowledged,
    pub(crate) keys: Keys,
    pub(crate) live: Live,
    pub(crate) prompts: Prompts,
    pub(crate) records: Records,
    pub(crate) taps: Taps,
}

#[cfg(test)]
mod tests;
