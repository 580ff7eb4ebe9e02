use tympan_types::{Mono, WallTime};

/// The instant of an input, on both clocks: what lasts is measured by `mono`, what is written down is dated by `wall`.
///
/// The wall clock of a call is the service's as it was when the call began, and monotonic from there on: a clock that is set changes
/// neither the waits of a call that is up nor the order of its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub mono: Mono,
    /// For dates: of the contact, its record and the flow log.
    pub wall: WallTime,
}

impl Now {
    /// This instant, so many milliseconds later on both clocks; saturating.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self { mono: self.mono.plus_ms(ms), wall: self.wall.plus_ms(ms) }
    }
}
