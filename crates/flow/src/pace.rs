//! Ends flows that turn without end.
//!
//! A flow may run so many blocks, and call so many functions in a row, before its caller hears something or is waited for. The block that
//! is one too many takes its error branch. A flow that does not come to rest from there is ended.

use tympan_types::WallTime;

/// More than any real flow runs between two prompts, few enough to be nothing.
pub(crate) const TURNS_MAX: u32 = 1_000;
/// Function calls in a row, with nothing heard between them.
pub(crate) const CALLS_MAX: u32 = 100;
/// How far a flow may go once it took the error branch.
const GRACE: u32 = 100;
/// Prompts and inputs count when they took so long together: many that take no time keep a flow turning too.
const RESTED_MS: i64 = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Pace {
    turns: u32,
    calls: u32,
    rested_ms: i64,
    /// When what the flow waits for began, where the caller hears or enters it.
    waits_since: Option<WallTime>,
}

/// Whether another block may run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Goes,
    /// The block takes its error branch.
    TooMany,
    /// The flow is over.
    Over,
}

impl Pace {
    pub(crate) fn turn(&mut self) -> Turn {
        self.turns = self.turns.saturating_add(1);
        match self.turns {
            0..=TURNS_MAX => Turn::Goes,
            turns if turns == TURNS_MAX + 1 => Turn::TooMany,
            turns if turns <= TURNS_MAX + GRACE => Turn::Goes,
            _ => Turn::Over,
        }
    }

    /// Counts a block that is as much work as several.
    pub(crate) fn spend(&mut self, blocks: usize) {
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        // The one that is too many is still told.
        let room = if self.turns <= TURNS_MAX { TURNS_MAX } else { u32::MAX };
        self.turns = self.turns.saturating_add(blocks).min(room.max(self.turns));
    }

    /// Whether another function may be called.
    pub(crate) fn call(&mut self) -> bool {
        self.calls = self.calls.saturating_add(1);
        self.calls <= CALLS_MAX
    }

    /// The caller hears something, or is asked.
    pub(crate) fn waits(&mut self, now: WallTime) {
        self.waits_since = Some(now);
    }

    /// What was waited for is there.
    pub(crate) fn goes_on(&mut self, now: WallTime) {
        let Some(since) = self.waits_since.take() else { return };
        self.rested_ms = self.rested_ms.saturating_add(now.ms_since(since).max(0));
        if self.rested_ms >= RESTED_MS {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> WallTime {
        WallTime::from_unix_ms(ms)
    }

    fn ran_out(pace: &mut Pace) -> bool {
        (0..TURNS_MAX).all(|_| pace.turn() == Turn::Goes) && pace.turn() == Turn::TooMany
    }

    #[test]
    fn a_thousand_turns_go_then_one_takes_its_error_branch_and_then_it_is_over() {
        let mut pace = Pace::default();
        assert!(ran_out(&mut pace));
        assert!((1..GRACE).all(|_| pace.turn() == Turn::Goes));
        assert_eq!(pace.turn(), Turn::Over);
        assert_eq!(pace.turn(), Turn::Over);
    }

    #[test]
    fn what_the_caller_hears_for_a_second_begins_the_count_anew() {
        let mut pace = Pace::default();
        for (from, to) in [(0, 400), (400, 999)] {
            pace.waits(at(from));
            pace.goes_on(at(to));
        }
        assert!(ran_out(&mut pace), "999 ms are not enough");
        pace.waits(at(999));
        pace.goes_on(at(1_000));
        assert!(ran_out(&mut pace));
    }

    #[test]
    fn a_clock_set_back_is_no_rest() {
        let mut pace = Pace::default();
        pace.waits(at(5_000));
        pace.goes_on(at(0));
        assert!(ran_out(&mut pace));
    }

    #[test]
    fn a_hundred_functions_may_be_called_in_a_row() {
        let mut pace = Pace::default();
        assert!((0..CALLS_MAX).all(|_| pace.call()));
        assert!(!pace.call());
        pace.waits(at(0));
        pace.goes_on(at(RESTED_MS));
        assert!(pace.call());
    }

    #[test]
    fn work_for_several_blocks_never_skips_the_error_branch() {
        let mut pace = Pace::default();
        pace.turn();
        pace.spend(usize::MAX);
        assert_eq!(pace.turn(), Turn::TooMany);
        pace.spend(usize::MAX);
        assert_eq!(pace.turn(), Turn::Over);
    }
}
