use super::AgentKey;
use std::collections::BTreeSet;
use tympan_types::{ContactId, Mono, OfferId};

/// What is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    /// A callback is to be put into its queue.
    CallbackDue(ContactId),
    /// A callback has been kept for long enough.
    CallbackExpiry(ContactId),
    /// After-contact work ends, or a missed contact is cleared.
    AgentContact(AgentKey, ContactId),
    /// An offer has rung for its time, or was not joined in time.
    Offer(OfferId),
    /// An agent has not come back after a restart.
    Restored(AgentKey),
    /// A step of routing criteria expires.
    Step(ContactId),
}

/// Deadlines in the order of time.
#[derive(Default)]
pub(super) struct Deadlines(BTreeSet<(Mono, Deadline)>);

impl Deadlines {
    pub(super) fn set(&mut self, at: Mono, deadline: Deadline) {
        self.0.insert((at, deadline));
    }

    pub(super) fn clear(&mut self, at: Option<Mono>, deadline: Deadline) {
        if let Some(at) = at {
            self.0.remove(&(at, deadline));
        }
    }

    pub(super) fn next(&self) -> Option<Mono> {
        self.0.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the next one that is due.
    pub(super) fn take_due(&mut self, now: Mono) -> Option<Deadline> {
        let first = self.0.first().copied().filter(|(at, _)| *at <= now)?;
        self.0.remove(&first);
        Some(first.1)
    }
}
