//! Where a detector hears a leg.

use std::fmt;
use tympan_telephony::words::Payload;

/// Hears speech begin and end in a track of 8 kHz samples.
pub trait DetectSpeech: Send {
    /// Takes the next samples of the track, and calls `heard` for each change.
    fn push(&mut self, samples: &[i16], heard: &mut dyn FnMut(Speech));
}

/// A change that a detector heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// Speech began.
    Began,
    /// Speech ended.
    Ended,
}

/// A detector on a received track, or none.
#[derive(Default)]
pub(crate) struct Ear {
    detector: Option<Box<dyn DetectSpeech>>,
    samples: Vec<i16>,
}

impl Ear {
    pub(crate) fn set(&mut self, detector: Option<Box<dyn DetectSpeech>>) {
        self.detector = detector;
        if self.detector.is_none() {
            self.samples = Vec::new();
        }
    }

    pub(crate) fn hear(&mut self, payload: Payload<'_>, heard: &mut dyn FnMut(Speech)) {
        let Some(detector) = &mut self.detector else { return };
        let mut push = |payload: Payload<'_>| {
            self.samples.clear();
            payload.expand_into(&mut self.samples);
            detector.push(&self.samples, heard);
        };
        match payload {
            // However long a silence is, no detector needs more of it to know a pause.
            Payload::Silence { samples, cause } => {
                let mut left = samples.min(PAUSE_SAMPLES);
                while left > 0 {
                    let piece = left.min(PIECE_SAMPLES);
                    push(Payload::Silence { samples: piece, cause });
                    left -= piece;
                }
            }
            sound => push(sound),
        }
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ear").field("listens", &self.detector.is_some()).finish()
    }
}

/// 5 s: the longest pause that a detector is given whole.
const PAUSE_SAMPLES: u32 = 40_000;
/// Silence is given in pieces of 20 ms, as audio comes.
const PIECE_SAMPLES: u32 = 160;

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::rtp::ledger::Cause;

    /// Speech is any sample above 1,000, and ends with 800 samples below it.
    struct Loud(u32, bool);

    impl DetectSpeech for Loud {
        fn push(&mut self, samples: &[i16], heard: &mut dyn FnMut(Speech)) {
            for sample in samples {
                self.0 = if *sample > 1_000 { 0 } else { self.0 + 1 };
                if self.0 == 0 && !self.1 {
                    self.1 = true;
                    heard(Speech::Began);
                } else if self.0 == 800 && self.1 {
                    self.1 = false;
                    heard(Speech::Ended);
                }
            }
        }
    }

    #[test]
    fn a_detector_hears_sound_and_silence_and_a_silence_of_hours_costs_no_more_than_seconds() {
        let mut ear = Ear::default();
        let mut heard = Vec::new();
        ear.hear(Payload::Ulaw(&[0x80; 160]), &mut |speech| heard.push(speech));
        assert_eq!(heard, [], "there is no detector");
        ear.set(Some(Box::new(Loud(0, false))));
        ear.hear(Payload::Ulaw(&[0x80; 160]), &mut |speech| heard.push(speech));
        ear.hear(Payload::Silence { samples: u32::MAX, cause: Cause::Pause }, &mut |speech| {
            heard.push(speech);
        });
        assert_eq!(heard, [Speech::Began, Speech::Ended]);
        assert!(ear.samples.capacity() <= 1_024);
        ear.set(None);
        assert_eq!(ear.samples.capacity(), 0);
    }
}
