//! What came of a seed.

use crate::sim::Violation;

/// What came of a seed.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// FNV-1a over all datagrams and events with their times.
    pub hash: u64,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// What was done.
    pub tally: Tally,
    /// All events as text, where it was asked for.
    pub text: Option<String>,
}

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How much was done.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Tally {
            $($(#[$doc])* pub $name: u64,)*
            /// The most that a node held when it was let go, in bytes: where an allocator counts.
            pub node_bytes_max: u64,
        }

        impl Tally {
            /// Adds what another seed did.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                self.node_bytes_max = self.node_bytes_max.max(other.node_bytes_max);
            }

            /// Names and numbers, in order.
            pub fn entries(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

tally! {
    /// Worlds: one per seed.
    worlds,
    /// Calls that were placed.
    calls,
    /// Of these, the ones that were answered.
    answered,
    /// Contacts whose caller confirmed the answer, as the node heard.
    connected,
    /// Contacts whose record was delivered.
    records,
    /// Contacts that a power cut interrupted.
    interrupted,
    /// Captures that a record names.
    captures,
    /// Samples of captures that were compared with what was sent.
    samples,
    /// Of these, silence that stands in a ledger.
    silent_samples,
    /// Fragments that were acknowledged as durable.
    persisted,
    /// Prompts that were played.
    prompts,
    /// Keys that were taken by a contact.
    keys,
    /// Attempts to invoke a function.
    invocations,
    /// Contacts that were put into a queue.
    queued,
    /// Offers to agents.
    offers,
    /// Agents that were joined with a customer.
    joined,
    /// Calls of the API.
    api_calls,
    /// Fragments that readers saw while they were written.
    live_fragments,
    /// Datagrams that were sent.
    datagrams,
    /// Times that power went.
    power_cuts,
    /// Simulated time.
    simulated_ms,
}
