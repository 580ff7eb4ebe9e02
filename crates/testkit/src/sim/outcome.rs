//! What came of a seed.

use super::trace::seconds;
use std::fmt;
use tympan_types::Mono;

/// A broken promise: where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The seed of its world: the same seed shows it again.
    pub seed: u64,
    /// When.
    pub at: Mono,
    /// The leg or host, such as `h1/leg-7`.
    pub leg: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leg = self.leg.as_deref().unwrap_or("all");
        write!(f, "seed {}, at {} s, {leg}: {}", self.seed, seconds(self.at).trim_start(), self.what)
    }
}

/// What came of a seed.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// FNV-1a over all bytes and events with their times.
    pub hash: u64,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// What was done.
    pub tally: Tally,
    /// All bytes and events as text, where it was asked for.
    pub text: Option<String>,
}

impl Outcome {
    /// The world ended by a panic, which left neither its time nor its leg.
    pub(crate) fn panicked(seed: u64, said: String) -> Self {
        let at = Mono::from_millis(0);
        let violation = Violation { seed, at, leg: None, what: format!("it panics: {said}") };
        Self { seed, hash: 0, violation: Some(violation), tally: Tally::default(), text: None }
    }
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Worlds: one per seed.
    pub worlds: u64,
    /// Calls that were placed.
    pub calls: u64,
    /// Legs that were invited: dialogs.
    pub dialogs: u64,
    /// Of these, the ones that were confirmed.
    pub confirmed: u64,
    /// Messages that agents sent, repetitions included.
    pub messages: u64,
    /// Digits that were delivered.
    pub digits: u64,
    /// Legs that ended because something failed.
    pub failed: u64,
    /// Simulated time.
    pub simulated_ms: u64,
    /// The most that an agent held when all was over, in bytes.
    pub quiet_bytes_max: u64,
}

impl Tally {
    /// Adds what another seed did.
    pub fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.calls += other.calls;
        self.dialogs += other.dialogs;
        self.confirmed += other.confirmed;
        self.messages += other.messages;
        self.digits += other.digits;
        self.failed += other.failed;
        self.simulated_ms += other.simulated_ms;
        self.quiet_bytes_max = self.quiet_bytes_max.max(other.quiet_bytes_max);
    }
}
