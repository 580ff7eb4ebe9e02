//! When someone begins to speak and when they have ended.

use super::pcm::SAMPLES_PER_MS;
use super::sound::{CELL_SAMPLES, Sound, SoundClassifier, energy};
use std::fmt;

/// Hears speech begin and end in a run of 8 kHz samples. Tones and keys are none.
///
/// Speech begins with the first of several cells of 20 ms that hold it, and ends with the last before a pause. Which pause
/// is one depends on the listener: [`Self::fast`] and [`Self::patient`].
#[derive(Clone)]
pub struct SpeechDetector {
    classifier: SoundClassifier,
    onset_cells: u32,
    pause_cells: u32,
    cell: [i16; CELL_SAMPLES],
    filled: usize,
    /// Samples of whole cells so far.
    heard_samples: u64,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// So many cells of speech in a row, fewer than an onset.
    Quiet { run: u32 },
    /// So many cells without speech since the last one with it.
    Speaking { pause: u32 },
}

/// What was heard. Positions are samples since the first one that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechEvent {
    /// Speech began at this sample.
    Began {
        /// The first sample of it.
        at: u64,
    },
    /// Speech ended before this sample.
    Ended {
        /// The first sample after it.
        at: u64,
    },
}

impl SpeechDetector {
    /// For a prompt that is interrupted and a bot that waits for its turn: known after 60 ms, over after 500 ms.
    pub fn fast() -> Self {
        Self::new(60, 500)
    }

    /// For a reader of what was said: a pause of a second ends it.
    pub fn patient() -> Self {
        Self::new(60, 1_000)
    }

    /// Speech of at least `onset_ms` begins, and a pause of `pause_ms` ends; both in steps of 20 ms, at least one.
    pub fn new(onset_ms: u32, pause_ms: u32) -> Self {
        let cells = |ms: u32| (ms / CELL_MS).max(1);
        Self {
            classifier: SoundClassifier::default(),
            onset_cells: cells(onset_ms),
            pause_cells: cells(pause_ms),
            cell: [0; CELL_SAMPLES],
            filled: 0,
            heard_samples: 0,
            state: State::Quiet { run: 0 },
        }
    }

    /// Takes samples, in pieces of any length; calls `heard` for each event.
    pub fn push(&mut self, samples: &[i16], mut heard: impl FnMut(SpeechEvent)) {
        let mut left = samples;
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(CELL_SAMPLES - self.filled));
            self.cell[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            left = later;
            if self.filled == CELL_SAMPLES {
                self.filled = 0;
                self.heard_samples += CELL_SAMPLES as u64;
                let sound = self.classifier.classify(&self.cell, energy(&self.cell));
                if let Some(event) = self.settle(sound == Sound::Speech) {
                    heard(event);
                }
            }
        }
    }

    /// Whether speech has begun and not ended.
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking { .. })
    }

    fn settle(&mut self, speech: bool) -> Option<SpeechEvent> {
        match (&mut self.state, speech) {
            (State::Quiet { run }, false) => *run = 0,
            (State::Quiet { run }, true) => {
                *run += 1;
                if *run == self.onset_cells {
                    self.state = State::Speaking { pause: 0 };
                    return Some(SpeechEvent::Began { at: self.cells_ago(self.onset_cells) });
                }
            }
            (State::Speaking { pause }, true) => *pause = 0,
            (State::Speaking { pause }, false) => {
                *pause += 1;
                if *pause == self.pause_cells {
                    self.state = State::Quiet { run: 0 };
                    return Some(SpeechEvent::Ended { at: self.cells_ago(self.pause_cells) });
                }
            }
        }
        None
    }

    fn cells_ago(&self, cells: u32) -> u64 {
        self.heard_samples.saturating_sub(u64::from(cells) * CELL_SAMPLES as u64)
    }
}

impl fmt::Debug for SpeechDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cell holds what a caller says: it must not get into a log.
        write!(f, "SpeechDetector({} samples, {:?})", self.heard_samples, self.state)
    }
}

const CELL_MS: u32 = CELL_SAMPLES as u32 / SAMPLES_PER_MS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digit;
    use crate::audio::tone::{key, silence, sine};

    fn events(samples: &[i16], piece: usize) -> Vec<SpeechEvent> {
        let mut detector = SpeechDetector::fast();
        let mut events = Vec::new();
        for piece in samples.chunks(piece) {
            detector.push(piece, |event| events.push(event));
        }
        events
    }

    /// A voice: harmonics of a pitch that wavers.
    fn voice(samples: usize) -> Vec<i16> {
        let tones: Vec<Vec<i16>> =
            (1..=8).map(|harmonic| sine(131.0 * f64::from(harmonic), 1_500.0, samples)).collect();
        (0..samples).map(|at| tones.iter().map(|tone| tone[at]).fold(0, i16::saturating_add)).collect()
    }

    #[test]
    fn speech_begins_and_ends_where_it_does_in_pieces_of_any_length() {
        let line = [silence(8_000), voice(16_000), silence(8_000)].concat();
        let expected = [SpeechEvent::Began { at: 8_000 }, SpeechEvent::Ended { at: 24_000 }];
        for piece in [7, 160, 240, 8_000] {
            assert_eq!(events(&line, piece), expected);
        }
    }

    #[test]
    fn a_pause_for_breath_ends_nothing() {
        let line = [voice(8_000), silence(3_000), voice(8_000)].concat();
        assert_eq!(events(&line, 160), [SpeechEvent::Began { at: 0 }]);
    }

    #[test]
    fn a_click_a_tone_and_a_key_are_no_speech() {
        let five = Digit::from_char('5').unwrap();
        let line = [
            silence(1_600),
            voice(160),
            silence(1_600),
            sine(1_000.0, 8_000.0, 8_000),
            silence(1_600),
            key(five, 4_000.0, 1_600),
        ];
        assert_eq!(events(&line.concat(), 160), []);
    }
}
