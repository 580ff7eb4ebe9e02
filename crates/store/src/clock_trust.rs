//! Whether the wall clock may be believed where it destroys something.
//!
//! A machine whose battery is empty, or whose time server is wrong, wakes up years ahead, and by its clock everything has
//! expired. What is served follows that clock at once; what is removed does not. A clock that is more than an hour ahead
//! of what the store has seen is in doubt until it has run steadily for an hour, or a person says that it is right.
//! Meanwhile only what would have expired by the time that has really passed is removed.
//!
//! Reads no clock: the wall clock and the monotonic one are given.

use tympan_types::{Mono, WallTime};

/// Further ahead than this a clock is not believed, and so long it has to run steadily.
const HOUR_MS: i64 = 3_600_000;
/// A clock that is moved by more than this while it should run steadily begins its hour again.
const STEADY_MS: i64 = 60_000;

/// What the store thinks of the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClockTrust {
    trusted: Offset,
    /// What the clock has been since it was set last.
    steady: Offset,
    steady_since: Mono,
}

/// The wall clock is ahead of the time that the store has seen, and is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDoubt {
    /// So far the wall clock is ahead of the time that is believed.
    pub ahead_ms: i64,
    /// After so much more steady time it is believed.
    pub clears_in_ms: i64,
}

impl ClockTrust {
    /// `seen` is the newest time that the store knows of; a store that knows of none has nothing to lose.
    pub(crate) fn new(seen: Option<WallTime>, wall: WallTime, mono: Mono) -> Self {
        let steady = Offset::of(wall, mono);
        Self { trusted: seen.map_or(steady, |seen| Offset::of(seen, mono)), steady, steady_since: mono }
    }

    /// Looks at both clocks: to be called every few seconds, and before anything is decided.
    pub(crate) fn look(&mut self, wall: WallTime, mono: Mono) {
        let offset = Offset::of(wall, mono);
        if offset.ahead_of(self.steady).saturating_abs() > STEADY_MS {
            (self.steady, self.steady_since) = (offset, mono);
        }
        if mono.ms_since(self.steady_since) >= HOUR_MS {
            self.confirm(wall, mono);
        }
    }

    /// A person, or an hour of steady time, says that the clock is right.
    pub(crate) fn confirm(&mut self, wall: WallTime, mono: Mono) {
        *self = Self::new(None, wall, mono);
    }

    /// The time by which something may be removed.
    pub(crate) fn trusted(&self, wall: WallTime, mono: Mono) -> WallTime {
        match self.doubt(wall, mono) {
            None => wall,
            Some(_) => self.believed(mono),
        }
    }

    /// What a clock would show that went on from what the store has seen.
    pub(crate) fn believed(&self, mono: Mono) -> WallTime {
        self.trusted.at(mono)
    }

    /// Whether the clock is in doubt.
    pub(crate) fn doubt(&self, wall: WallTime, mono: Mono) -> Option<ClockDoubt> {
        let ahead_ms = Offset::of(wall, mono).ahead_of(self.trusted);
        (ahead_ms > HOUR_MS).then(|| ClockDoubt {
            ahead_ms,
            clears_in_ms: HOUR_MS.saturating_sub(mono.ms_since(self.steady_since)).max(0),
        })
    }
}

/// What a wall clock shows at the epoch of the monotonic one: the same until a clock is set.
#[derive(Debug, Clone, Copy)]
struct Offset(WallTime);

impl Offset {
    fn of(wall: WallTime, mono: Mono) -> Self {
        Self(wall.plus_ms(mono.ms_since(Mono::default()).saturating_neg()))
    }

    fn at(self, mono: Mono) -> WallTime {
        self.0.plus_ms(mono.ms_since(Mono::default()))
    }

    fn ahead_of(self, other: Self) -> i64 {
        self.0.ms_since(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_700_000_000_000);
    const MINUTE_MS: i64 = 60_000;
    const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

    /// Two clocks and the trust in one of them.
    struct Bench {
        wall: WallTime,
        mono: Mono,
        trust: ClockTrust,
    }

    impl Bench {
        fn opened(seen: Option<WallTime>, wall: WallTime) -> Self {
            let mono = Mono::from_millis(77);
            Self { wall, mono, trust: ClockTrust::new(seen, wall, mono) }
        }

        /// Time passes, looked at every ten seconds.
        fn runs(&mut self, ms: i64) {
            for _ in 0..ms / 10_000 {
                (self.wall, self.mono) = (self.wall.plus_ms(10_000), self.mono.plus_ms(10_000));
                self.trust.look(self.wall, self.mono);
            }
        }

        fn is_set(&mut self, by_ms: i64) {
            self.wall = self.wall.plus_ms(by_ms);
            self.trust.look(self.wall, self.mono);
        }

        fn doubt(&self) -> Option<ClockDoubt> {
            self.trust.doubt(self.wall, self.mono)
        }

        fn trusted(&self) -> WallTime {
            self.trust.trusted(self.wall, self.mono)
        }
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_and_a_new_store_believes_any() {
        for seen in [None, Some(NOW), Some(NOW.plus_ms(-HOUR_MS)), Some(NOW.plus_ms(YEAR_MS))] {
            let mut bench = Bench::opened(seen, NOW);
            assert_eq!((bench.doubt(), bench.trusted()), (None, NOW), "{seen:?}");
            bench.runs(3 * HOUR_MS);
            assert_eq!((bench.doubt(), bench.trusted()), (None, bench.wall), "{seen:?}");
        }
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_not_believed_until_it_ran_for_an_hour() {
        let mut bench = Bench::opened(Some(NOW), NOW);
        bench.runs(2 * HOUR_MS);
        let before = bench.wall;
        bench.is_set(YEAR_MS);
        bench.runs(30 * MINUTE_MS);
        assert_eq!(bench.doubt(), Some(ClockDoubt { ahead_ms: YEAR_MS, clears_in_ms: 30 * MINUTE_MS }));
        assert_eq!(bench.trusted(), before.plus_ms(30 * MINUTE_MS), "real time goes on");
        bench.runs(30 * MINUTE_MS);
        assert_eq!((bench.doubt(), bench.trusted()), (None, bench.wall));
    }

    #[test]
    fn a_start_with_a_clock_far_ahead_of_what_was_seen_is_a_doubt_and_one_far_behind_is_none() {
        let seen = NOW.plus_ms(-HOUR_MS - 1);
        let bench = Bench::opened(Some(seen), NOW);
        assert_eq!(bench.trusted(), seen);
        let mut bench = Bench::opened(Some(NOW), NOW.plus_ms(-YEAR_MS));
        assert_eq!(bench.doubt(), None);
        // Set right again it is where it was: no doubt either.
        bench.runs(10 * MINUTE_MS);
        bench.is_set(YEAR_MS);
        assert_eq!(bench.doubt(), None);
    }

    #[test]
    fn each_step_begins_the_hour_again_and_drift_does_not() {
        let mut bench = Bench::opened(Some(NOW), NOW.plus_ms(YEAR_MS));
        bench.runs(50 * MINUTE_MS);
        bench.is_set(2 * MINUTE_MS);
        bench.runs(50 * MINUTE_MS);
        bench.is_set(STEADY_MS);
        assert!(
            bench.doubt().is_some_and(|doubt| doubt.clears_in_ms == 10 * MINUTE_MS),
            "{:?}",
            bench.doubt()
        );
        bench.runs(10 * MINUTE_MS);
        assert_eq!(bench.doubt(), None);
    }

    #[test]
    fn many_small_steps_are_one_large_one() {
        let mut bench = Bench::opened(Some(NOW), NOW);
        for _ in 0..3 {
            bench.is_set(30 * MINUTE_MS);
            bench.runs(MINUTE_MS);
        }
        assert!(bench.doubt().is_some_and(|doubt| doubt.ahead_ms == 90 * MINUTE_MS), "{:?}", bench.doubt());
    }

    #[test]
    fn a_person_may_say_that_the_clock_is_right() {
        let mut bench = Bench::opened(Some(NOW), NOW.plus_ms(YEAR_MS));
        bench.trust.confirm(bench.wall, bench.mono);
        assert_eq!((bench.doubt(), bench.trusted()), (None, bench.wall));
        bench.is_set(YEAR_MS);
        assert!(bench.doubt().is_some(), "that was said of another time");
    }

    #[test]
    fn no_time_is_too_large() {
        let end = WallTime::from_unix_ms(i64::MAX);
        let start = WallTime::from_unix_ms(i64::MIN);
        for (seen, wall) in [(start, end), (end, start), (end, end)] {
            let mut trust = ClockTrust::new(Some(seen), wall, Mono::from_nanos(u64::MAX));
            trust.look(wall, Mono::from_nanos(u64::MAX));
            let _ = (trust.trusted(wall, Mono::default()), trust.believed(Mono::from_nanos(u64::MAX)));
        }
    }
}
