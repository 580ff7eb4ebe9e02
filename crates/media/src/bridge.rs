//! Legs that hear each other.
//!
//! What a leg says goes to the sessions of the other legs, which add it up at the pace of their own sending. Between the two lies a
//! short buffer for each speaker, because neither clock knows of the other. No received track ever holds any of it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use tympan_telephony::words::Payload;
use tympan_types::{BridgeId, LegId};

/// Which legs hear each other. One for all legs of a thread.
#[derive(Debug, Default)]
pub struct Bridges {
    bridges: HashMap<BridgeId, Vec<LegId>>,
}

/// A bridge has no place for one more leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BridgeFull;

impl fmt::Display for BridgeFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a bridge joins at most {} legs", Bridges::LEGS_MAX)
    }
}

impl std::error::Error for BridgeFull {}

impl Bridges {
    /// Legs of one bridge at most.
    pub const LEGS_MAX: usize = 8;

    /// Takes a leg into a bridge, and out of any other.
    ///
    /// # Errors
    /// The bridge has as many legs as it may; the leg is then in none.
    pub fn join(&mut self, bridge: BridgeId, leg: LegId) -> Result<(), BridgeFull> {
        self.leave(leg);
        let legs = self.bridges.entry(bridge).or_default();
        if legs.len() == Self::LEGS_MAX {
            return Err(BridgeFull);
        }
        legs.push(leg);
        Ok(())
    }

    /// Takes a leg out of its bridge; the last one takes the bridge with it.
    pub fn leave(&mut self, leg: LegId) {
        self.bridges.retain(|_, legs| {
            legs.retain(|member| *member != leg);
            !legs.is_empty()
        });
    }

    /// The other legs of a bridge.
    pub fn others(&self, bridge: BridgeId, leg: LegId) -> impl Iterator<Item = LegId> + '_ {
        self.bridges.get(&bridge).into_iter().flatten().copied().filter(move |member| *member != leg)
    }
}

/// What the other legs of a bridge say to one of them.
#[derive(Debug, Default)]
pub(crate) struct Mix {
    speakers: Vec<Speaker>,
    sum: Vec<i32>,
}

/// What one leg said and this one has not heard.
#[derive(Debug)]
struct Speaker {
    leg: LegId,
    waiting: VecDeque<i16>,
    /// The longest piece that came at once, up to [`PIECE_MAX`]: what waits goes up and down by as much.
    piece: usize,
    /// Enough waits for the next pieces to be late by [`MARGIN`].
    flows: bool,
    /// Frames that found nothing since the leg last said something.
    idle_frames: u32,
    expanded: Vec<i16>,
}

impl Mix {
    /// Takes what a leg said; false where there are too many of them.
    pub(crate) fn write(&mut self, leg: LegId, payload: Payload<'_>) -> bool {
        let index = match self.speakers.iter().position(|speaker| speaker.leg == leg) {
            Some(index) => index,
            None if self.speakers.len() + 1 >= Bridges::LEGS_MAX => return false,
            None => {
                self.speakers.push(Speaker::new(leg));
                self.speakers.len() - 1
            }
        };
        if let Some(speaker) = self.speakers.get_mut(index) {
            speaker.write(payload);
        }
        true
    }

    /// Replaces `out` by the next `samples` of all the others together.
    pub(crate) fn read(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.clear();
        let Self { speakers, sum } = self;
        sum.clear();
        sum.resize(samples, 0);
        for speaker in &mut *speakers {
            speaker.read(sum);
        }
        speakers.retain(|speaker| speaker.idle_frames < IDLE_FRAMES);
        let clipped = |sum: &i32| {
            let limited = (*sum).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
            i16::try_from(limited).unwrap_or_default()
        };
        out.extend(sum.iter().map(clipped));
    }

    #[cfg(test)]
    fn waiting(&self) -> Vec<usize> {
        self.speakers.iter().map(|speaker| speaker.waiting.len()).collect()
    }
}

impl Speaker {
    fn new(leg: LegId) -> Self {
        Self { leg, waiting: VecDeque::new(), piece: 0, flows: false, idle_frames: 0, expanded: Vec::new() }
    }

    fn write(&mut self, payload: Payload<'_>) {
        let samples = usize::try_from(payload.samples()).unwrap_or(usize::MAX);
        // A pause has no end yet when it is first heard of, and a listener hears silence anyway.
        if matches!(payload, Payload::Silence { .. }) && samples > PIECE_MAX {
            return;
        }
        self.idle_frames = 0;
        self.expanded.clear();
        payload.expand_into(&mut self.expanded);
        self.piece = self.piece.max(samples.min(PIECE_MAX));
        self.waiting.extend(&self.expanded);
        // The other side's clock is faster, or a stall is made up: the oldest goes, so that what is heard is never late by more.
        if self.waiting.len() > self.start() + self.piece + LATE_MAX {
            self.waiting.drain(..self.waiting.len() - self.start());
        }
    }

    /// Adds what comes next.
    fn read(&mut self, sum: &mut [i32]) {
        self.flows |= self.waiting.len() >= self.start().max(sum.len() + MARGIN);
        if !self.flows {
            self.idle_frames += 1;
            return;
        }
        for (sum, sample) in sum.iter_mut().zip(&self.waiting) {
            *sum += i32::from(*sample);
        }
        self.flows = self.waiting.len() >= sum.len();
        self.waiting.drain(..sum.len().min(self.waiting.len()));
    }

    /// How much must wait before the first of it is heard.
    const fn start(&self) -> usize {
        self.piece + MARGIN
    }
}

/// By how much a piece may be late without being heard, 20 ms in samples.
const MARGIN: usize = 160;
/// The longest piece that the buffer is laid out for: a packet of 120 ms.
const PIECE_MAX: usize = 960;
/// What waits beyond its ordinary measure, 100 ms in samples, before the oldest is left out.
const LATE_MAX: usize = 800;
/// A leg that said nothing for so many frames, a second or more, has left.
const IDLE_FRAMES: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::rtp::ledger::Cause;

    fn leg(number: u64) -> LegId {
        LegId::new(number)
    }

    #[test]
    fn a_leg_is_in_one_bridge_and_a_bridge_has_so_many_legs_and_no_more() {
        let (one, two) = (BridgeId::new(1), BridgeId::new(2));
        let mut bridges = Bridges::default();
        let taken = (0..100).filter(|number| bridges.join(one, leg(*number)).is_ok()).count();
        assert_eq!(taken, Bridges::LEGS_MAX);
        assert_eq!(bridges.others(one, leg(0)).count(), Bridges::LEGS_MAX - 1);
        bridges.join(two, leg(0)).unwrap();
        assert!(bridges.others(one, leg(1)).all(|other| other != leg(0)));
        assert_eq!(bridges.others(two, leg(0)).count(), 0);
        (0..100).for_each(|number| bridges.leave(leg(number)));
        assert!(bridges.bridges.is_empty());
    }

    /// Writes and reads frames of 160 samples, all of one value; gives the values that were heard.
    fn hear(mix: &mut Mix, said: &[(u64, i16)], frames: usize) -> Vec<i16> {
        let mut out = Vec::new();
        (0..frames)
            .map(|_| {
                for (speaker, value) in said {
                    mix.write(leg(*speaker), Payload::Pcm(&[*value; 160]));
                }
                mix.read(160, &mut out);
                assert_eq!(out.len(), 160);
                out[80]
            })
            .collect()
    }

    #[test]
    fn all_others_are_heard_together_and_never_wrap() {
        let mut mix = Mix::default();
        assert_eq!(hear(&mut mix, &[(1, 100), (2, -30)], 4), [0, 70, 70, 70]);
        assert_eq!(hear(&mut mix, &[(1, i16::MAX), (2, i16::MAX)], 3)[2], i16::MAX);
        assert_eq!(hear(&mut mix, &[(1, i16::MIN), (2, i16::MIN)], 3)[2], i16::MIN);
    }

    #[test]
    fn a_piece_that_is_late_by_one_frame_is_not_heard_to_be_late() {
        let mut mix = Mix::default();
        let mut out = Vec::new();
        hear(&mut mix, &[(1, 5)], 10);
        mix.read(160, &mut out);
        assert_eq!(out, [5; 160]);
        mix.write(leg(1), Payload::Pcm(&[5; 320]));
        for _ in 0..2 {
            mix.read(160, &mut out);
            assert_eq!(out, [5; 160]);
        }
    }

    #[test]
    fn packets_of_sixty_milliseconds_are_heard_without_a_hole() {
        let mut mix = Mix::default();
        let mut out = Vec::new();
        let mut heard = Vec::new();
        for frame in 0..60 {
            if frame % 3 == 0 {
                mix.write(leg(1), Payload::Pcm(&[9; 480]));
            }
            mix.read(160, &mut out);
            heard.push(out[0]);
        }
        let first = heard.iter().position(|value| *value == 9).unwrap();
        assert!(first <= 6 && heard[first..].iter().all(|value| *value == 9), "{heard:?}");
    }

    #[test]
    fn a_speaker_that_floods_is_cut_to_its_latest_and_the_buffer_is_bounded() {
        let mut mix = Mix::default();
        for value in 0..10_000 {
            mix.write(leg(1), Payload::Pcm(&[value; 1_000]));
            mix.write(leg(1), Payload::Silence { samples: u32::MAX, cause: Cause::Pause });
            assert!(mix.waiting()[0] <= 2 * PIECE_MAX + MARGIN + LATE_MAX);
        }
        let mut out = Vec::new();
        mix.read(160, &mut out);
        assert!(out[0] >= 9_997, "{}", out[0]);
    }

    #[test]
    fn a_hole_keeps_its_length_and_a_leg_that_is_quiet_is_forgotten() {
        let mut mix = Mix::default();
        hear(&mut mix, &[(1, 5)], 4);
        let mut out = Vec::new();
        mix.write(leg(1), Payload::Silence { samples: 160, cause: Cause::Lost });
        mix.write(leg(1), Payload::Pcm(&[6; 160]));
        let mut heard = Vec::new();
        for _ in 0..3 {
            mix.read(160, &mut out);
            heard.push(out[0]);
        }
        assert_eq!(heard, [5, 0, 6]);
        for _ in 0..=IDLE_FRAMES {
            mix.read(160, &mut out);
        }
        assert_eq!(mix.waiting(), Vec::<usize>::new());
    }

    #[test]
    fn more_speakers_than_a_bridge_has_are_refused() {
        let mut mix = Mix::default();
        let taken = (0..100).filter(|number| mix.write(leg(*number), Payload::Pcm(&[1; 160]))).count();
        assert_eq!(taken, Bridges::LEGS_MAX - 1);
    }
}
