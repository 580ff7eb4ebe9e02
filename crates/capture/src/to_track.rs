use std::collections::VecDeque;
use tympan_telephony::SampleOffset;
use tympan_telephony::index::IndexBuilder;

/// What the customer hears, waiting until the customer's own track reaches the same position.
///
/// The customer's track sets the pace of the fragments, and every fragment must hold a block of each declared
/// track; so both are written in step, and where this one has nothing to say it is silent.
#[derive(Debug)]
pub(super) struct ToTrack {
    number: u8,
    index: IndexBuilder,
    samples: VecDeque<i16>,
    /// The position of the first of `samples`.
    begins: SampleOffset,
}

impl ToTrack {
    /// How far this track may run ahead of the customer's: beyond, the oldest samples are lost.
    const CAPACITY_8K: usize = 16_000;

    pub(super) fn new(number: u8, begins: SampleOffset) -> Self {
        Self { number, index: IndexBuilder::new(number), samples: VecDeque::new(), begins }
    }

    pub(super) fn number(&self) -> u8 {
        self.number
    }

    pub(super) fn index(&mut self) -> &mut IndexBuilder {
        &mut self.index
    }

    /// Samples that the customer hears from `at` on. What is already written stays as it was written.
    pub(super) fn push(&mut self, at: SampleOffset, samples: impl Iterator<Item = i16>) {
        let ends = self.begins + self.samples.len() as u64;
        let ahead = usize::try_from(at.samples_since(ends)).unwrap_or(usize::MAX);
        let overlap = usize::try_from(ends.samples_since(at)).unwrap_or(usize::MAX);
        // Before a gap longer than the whole buffer nothing of it would survive.
        if ahead >= Self::CAPACITY_8K {
            self.samples.clear();
            self.begins = at;
        } else {
            self.samples.extend(std::iter::repeat_n(0, ahead));
        }
        self.samples.extend(samples.skip(overlap));
        let excess = self.samples.len().saturating_sub(Self::CAPACITY_8K);
        self.samples.drain(..excess);
        self.begins += excess as u64;
    }

    /// Fills `frame` with what was heard from `at` on, silence where that is not known.
    pub(super) fn take(&mut self, at: SampleOffset, frame: &mut [i16]) {
        let stale =
            usize::try_from(at.samples_since(self.begins)).unwrap_or(usize::MAX).min(self.samples.len());
        self.samples.drain(..stale);
        self.begins += stale as u64;
        let silent = usize::try_from(self.begins.samples_since(at)).unwrap_or(usize::MAX).min(frame.len());
        let (before, rest) = frame.split_at_mut(silent);
        before.fill(0);
        let known = rest.len().min(self.samples.len());
        for (sample, heard) in rest.iter_mut().zip(self.samples.drain(..known)) {
            *sample = heard;
        }
        if let Some(after) = rest.get_mut(known..) {
            after.fill(0);
        }
        // What comes later for this span comes too late.
        if self.samples.is_empty() {
            self.begins = self.begins.max(at + frame.len() as u64);
        } else {
            self.begins += known as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn at(samples: u64) -> SampleOffset {
        SampleOffset::from_samples(samples)
    }

    fn take(track: &mut ToTrack, from: u64, samples: usize) -> Vec<i16> {
        let mut frame = vec![99; samples];
        track.take(at(from), &mut frame);
        frame
    }

    #[test]
    fn keeps_step_and_is_silent_where_nothing_was_said() {
        let mut track = ToTrack::new(1, at(100));
        track.push(at(102), [1, 2, 3].into_iter());
        assert_eq!(take(&mut track, 100, 4), [0, 0, 1, 2]);
        assert_eq!(take(&mut track, 104, 4), [3, 0, 0, 0]);
        // Positions 104..108 are written: of this only what lies behind them counts.
        track.push(at(106), [7, 8, 9].into_iter());
        assert_eq!(take(&mut track, 108, 2), [9, 0]);
    }

    /// Something that is heard, or a frame that is written; all of it moves on from where the last one was.
    #[derive(Debug, Clone)]
    enum Step {
        /// So far behind or ahead of the last push, and so long.
        Push(i64, u8),
        /// A frame of this length.
        Take(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (-40i64..40, 0u8..60).prop_map(|(ahead, samples)| Step::Push(ahead, samples)),
            2 => (1u8..60).prop_map(Step::Take),
        ]
    }

    proptest! {
        /// Against a map of positions: the first that says something of a position counts, what is written is written, and what nothing
        /// said is silence.
        #[test]
        fn every_frame_holds_what_was_said_of_its_positions_in_time(steps in prop::collection::vec(step(), 0..60)) {
            let mut track = ToTrack::new(1, at(0));
            let mut said: BTreeMap<u64, i16> = BTreeMap::new();
            // Where the next push joins, where the next frame begins, and the next sample.
            let (mut ends, mut written, mut sample) = (0u64, 0u64, 1i16);
            for step in steps {
                match step {
                    Step::Push(ahead, samples) => {
                        let from = ends.saturating_add_signed(ahead);
                        let heard: Vec<i16> = (0..i16::from(samples)).map(|n| sample + n).collect();
                        sample += i16::from(samples);
                        for (position, value) in (from..).zip(&heard) {
                            if position >= ends {
                                said.insert(position, *value);
                            }
                        }
                        track.push(at(from), heard.into_iter());
                        ends = ends.max(from + u64::from(samples)).max(from);
                    }
                    Step::Take(samples) => {
                        let frame = take(&mut track, written, usize::from(samples));
                        let until = written + u64::from(samples);
                        let expected: Vec<i16> =
                            (written..until).map(|at| said.get(&at).copied().unwrap_or(0)).collect();
                        prop_assert_eq!(frame, expected, "from {}", written);
                        written = until;
                        ends = ends.max(written);
                    }
                }
            }
        }
    }

    #[test]
    fn frames_that_skip_positions_leave_what_was_said_of_them_behind() {
        let mut track = ToTrack::new(1, at(0));
        track.push(at(0), [1, 2, 3, 4, 5, 6].into_iter());
        assert_eq!(take(&mut track, 2, 2), [3, 4]);
        assert_eq!(take(&mut track, 5, 3), [6, 0, 0]);
        assert_eq!(take(&mut track, 0, 2), [0, 0], "what is written does not come back");
    }

    #[test]
    fn a_track_of_which_nothing_was_heard_is_silent_and_moves_on() {
        let mut track = ToTrack::new(1, at(5));
        assert_eq!(take(&mut track, 0, 8), [0; 8]);
        track.push(at(6), [1, 2, 3].into_iter());
        assert_eq!(take(&mut track, 8, 2), [3, 0]);
        assert_eq!(take(&mut track, 10, 1), [0]);
    }

    #[test]
    fn a_hole_between_pushes_is_silence() {
        let mut track = ToTrack::new(1, at(0));
        track.push(at(0), [1].into_iter());
        track.push(at(3), [2].into_iter());
        assert_eq!(take(&mut track, 0, 5), [1, 0, 0, 2, 0]);
    }

    #[test]
    fn memory_is_bounded_whatever_is_pushed() {
        let mut track = ToTrack::new(1, at(0));
        for second in 0..10 {
            track.push(at(second * 8_000), [second as i16; 8_000].into_iter());
        }
        track.push(at(u64::MAX - 2), [5; 8].into_iter());
        track.push(at(0), [6; 8].into_iter());
        assert!(track.samples.len() <= ToTrack::CAPACITY_8K);
        assert_eq!(take(&mut track, u64::MAX - 2, 2), [5, 5]);
    }
}
