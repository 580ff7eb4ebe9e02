//! How far a stream lags behind the wall clock, jitter and stalls set aside.
//!
//! A packet's lag is its arrival minus the moment its place in the timeline stands for. Jitter and bursts only ever
//! add to it, so the *smallest* lag over some seconds is what is really missing from the timeline.

use std::time::Duration;

use tympan_types::Mono;

/// The smallest lag over the last two windows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LagFloor {
    window_began: Option<Mono>,
    current_min: Option<i64>,
    previous_min: Option<i64>,
}

impl LagFloor {
    /// Notes a packet that arrived `lag` samples after its place in the timeline.
    pub(crate) fn observe(&mut self, arrival: Mono, lag: i64) {
        let began = *self.window_began.get_or_insert(arrival);
        if arrival.since(began) >= WINDOW {
            self.window_began = Some(arrival);
            self.previous_min = self.current_min.take();
        }
        self.current_min = Some(self.current_min.map_or(lag, |least| least.min(lag)));
    }

    /// The smallest lag in samples, once a whole window has passed.
    pub(crate) fn samples(&self) -> Option<i64> {
        Some(self.previous_min?.min(self.current_min?))
    }

    /// How far the most punctual packet of the last windows was ahead of its arrival, in samples.
    pub(crate) fn lead_samples(&self) -> i64 {
        let least = self.current_min.into_iter().chain(self.previous_min).min();
        least.map_or(0, |lag| lag.saturating_neg().max(0))
    }

    /// Takes `samples` off what was noted: the timeline was moved by as much.
    pub(crate) fn make_up(&mut self, samples: i64) {
        for least in [&mut self.current_min, &mut self.previous_min].into_iter().flatten() {
            *least -= samples;
        }
    }

    /// Forgets everything: the timeline was set anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

const WINDOW: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_nothing_before_a_whole_window_has_passed() {
        let mut floor = LagFloor::default();
        for frame in 0..100 {
            floor.observe(Mono::from_millis(frame * 20), 4_000);
            assert_eq!(floor.samples(), None);
        }
        floor.observe(Mono::from_millis(2_000), 4_000);
        assert_eq!(floor.samples(), Some(4_000));
    }

    #[test]
    fn one_punctual_packet_outweighs_any_number_of_late_ones() {
        let mut floor = LagFloor::default();
        for frame in 0..150 {
            floor.observe(Mono::from_millis(frame * 20), if frame == 50 { 3 } else { 9_000 });
        }
        assert_eq!(floor.samples(), Some(3));
    }
}
