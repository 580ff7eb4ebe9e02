//! The timers of RFC 3261 section 17 (table 4 in its appendix A).

use crate::agent::Flow;
use tympan_types::Mono;

/// Base values; all others follow from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Round trip estimate: 500 ms.
    pub t1_ms: i64,
    /// Longest pause between repetitions of a non-INVITE request and of a final response: 4 s.
    pub t2_ms: i64,
    /// How long a message may stay in the network: 5 s.
    pub t4_ms: i64,
}

impl Default for Timers {
    fn default() -> Self {
        Self { t1_ms: 500, t2_ms: 4_000, t4_ms: 5_000 }
    }
}

impl Timers {
    /// How long a transaction is tried: 64*T1 (timers B, D, F, H, J, L, M).
    pub const fn patience_ms(self) -> i64 {
        self.t1_ms.saturating_mul(64)
    }
}

/// The timers of one transaction, on its transport.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) timers: Timers,
    /// Nothing is lost or copied: nothing is repeated, and nothing lingers to absorb copies.
    pub(super) reliable: bool,
}

impl Pace {
    pub(super) fn new(timers: Timers, flow: &Flow) -> Self {
        Self { timers, reliable: flow.transport.is_reliable() }
    }

    /// When the patience ends that begins now.
    pub(super) fn patience_from(self, now: Mono) -> Mono {
        now.plus_ms(self.timers.patience_ms())
    }

    /// When the last copy of a request is past that its client repeats until its own patience ends: the network may hold a copy for
    /// another T4. RFC 3261 and RFC 6026 end timers H and L without it, and a copy that comes after them is a new call.
    pub(super) fn copies_past_from(self, now: Mono) -> Mono {
        self.patience_from(now).plus_ms(self.timers.t4_ms)
    }

    /// Repetitions that begin after T1 and double without bound (timer A).
    pub(super) fn doubling(self, now: Mono) -> Option<Repetition> {
        self.repetition(now, i64::MAX)
    }

    /// Repetitions that begin after T1 and double up to T2 (timers E, G).
    pub(super) fn doubling_to_t2(self, now: Mono) -> Option<Repetition> {
        self.repetition(now, self.timers.t2_ms)
    }

    fn repetition(self, now: Mono, longest_ms: i64) -> Option<Repetition> {
        // A pause of 0 would repeat without end at one instant.
        let pause_ms = self.timers.t1_ms.max(1);
        (!self.reliable).then(|| Repetition {
            next: now.plus_ms(pause_ms),
            pause_ms,
            longest_ms: longest_ms.max(pause_ms),
        })
    }
}

/// When a message goes again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repetition {
    next: Mono,
    pause_ms: i64,
    longest_ms: i64,
}

impl Repetition {
    /// When the message goes again.
    pub(super) fn due(&self) -> Mono {
        self.next
    }

    /// The message goes again now. A caller that is late catches up with one repetition, not with a burst.
    pub(super) fn restart(&mut self, now: Mono) {
        self.pause_ms = self.pause_ms.saturating_mul(2).min(self.longest_ms);
        self.next = now.plus_ms(self.pause_ms);
    }

    /// From the next repetition on the pause is the longest one (RFC 3261 section 17.1.2.2, Proceeding).
    pub(super) fn slow_down(&mut self) {
        self.pause_ms = self.longest_ms;
    }
}

/// What a machine does as time passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is due.
    Nothing,
    /// A message goes again.
    Send(bytes::Bytes),
    /// What was waited for did not come; the transaction is over.
    GivenUp,
    /// The transaction is over as it should be.
    Over,
}

/// The earlier of a repetition and an end.
pub(super) fn earlier(repeat: Option<&Repetition>, until: Mono) -> Mono {
    repeat.map_or(until, |repeat| repeat.due().min(until))
}
