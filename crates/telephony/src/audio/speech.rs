//! When someone begins to speak and when they have ended.
//!
//! Two judges. The classifier of [`super::sound`] goes by energy and tells tones apart: some microseconds a second of sound, so the
//! index of every track is made by it. What it takes for speech may be noise that has just begun. Where that would interrupt a
//! prompt, `earshot` judges as well, a network that hears voices: 0.7 ms a second of sound. It takes a dial tone for a voice, so
//! the gate for tones stands before it.

use super::pcm::SAMPLES_PER_MS;
use super::sound::{CELL_SAMPLES, Sound, SoundClassifier, energy};
use std::fmt;

/// Hears speech begin and end in a run of 8 kHz samples. Tones and keys are none.
///
/// Speech begins with the first of several cells of 20 ms that hold it, and ends with the last before a pause. Which pause
/// is one depends on the listener: [`Self::fast`] and [`Self::patient`].
pub struct SpeechDetector {
    classifier: SoundClassifier,
    onset_cells: u32,
    pause_cells: u32,
    cell: [i16; CELL_SAMPLES],
    filled: usize,
    /// Samples of whole cells so far.
    heard_samples: u64,
    state: State,
    voice: Option<Box<VoiceJudge>>,
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
    /// For a prompt that is interrupted and a bot that waits for its turn: known after 60 ms, over after a pause of so many ms.
    /// Noise is no speech. 9 kB.
    pub fn fast(pause_ms: u32) -> Self {
        Self { voice: Some(Box::default()), ..Self::new(60, pause_ms) }
    }

    /// For a reader of what was said, by energy alone: a pause of a second ends it.
    pub fn patient() -> Self {
        Self::new(60, 1_000)
    }

    /// By energy alone. Speech of at least `onset_ms` begins, and a pause of `pause_ms` ends; both in steps of 20 ms, at least one.
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
            voice: None,
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
                // It follows the line all the time, as its judgement rests on what came before.
                let voice = self.voice.as_mut().is_none_or(|judge| judge.hears(&self.cell));
                if let Some(event) = self.settle(sound == Sound::Speech && voice) {
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

/// `earshot`, which hears frames of 256 samples at 16 kHz.
struct VoiceJudge {
    detector: earshot::Detector,
    frame: [i16; VOICE_FRAME],
    filled: usize,
    last: i16,
    score: f32,
}

impl VoiceJudge {
    /// Whether a voice is in this cell.
    fn hears(&mut self, cell: &[i16; CELL_SAMPLES]) -> bool {
        let mut best = self.score;
        for &sample in cell {
            // A line between two samples: what that adds lies above all that a telephone carries.
            for value in [i16::midpoint(self.last, sample), sample] {
                self.frame[self.filled] = value;
                self.filled += 1;
                if self.filled == VOICE_FRAME {
                    self.filled = 0;
                    self.score = self.detector.predict_i16(&self.frame);
                    best = best.max(self.score);
                }
            }
            self.last = sample;
        }
        best >= VOICE_MIN
    }
}

impl Default for VoiceJudge {
    fn default() -> Self {
        let detector = earshot::Detector::default();
        Self { detector, frame: [0; VOICE_FRAME], filled: 0, last: 0, score: 0.0 }
    }
}

/// 16 ms at 16 kHz.
const VOICE_FRAME: usize = 256;
/// What its authors advise.
const VOICE_MIN: f32 = 0.5;

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
    use crate::audio::wav;

    fn events(samples: &[i16], piece: usize) -> Vec<SpeechEvent> {
        events_of(SpeechDetector::new(60, 500), samples, piece)
    }

    fn events_of(mut detector: SpeechDetector, samples: &[i16], piece: usize) -> Vec<SpeechEvent> {
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

    /// A sentence of 6.2 s, spoken by a program, behind mu-law.
    fn sentence() -> Vec<i16> {
        wav::read(include_bytes!("../../../../fixtures/audio/hello.wav")).unwrap()
    }

    fn noise(amplitude: f64, samples: usize) -> Vec<i16> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) * amplitude
        };
        (0..samples).map(|_| next() as i16).collect()
    }

    #[test]
    fn a_sentence_is_heard_by_both_judges_and_begins_with_its_first_sounds() {
        let line = [silence(8_000), sentence(), silence(8_000)].concat();
        for detector in [SpeechDetector::fast(500), SpeechDetector::patient()] {
            let heard = events_of(detector, &line, 160);
            let Some(SpeechEvent::Began { at }) = heard.first() else { panic!("{heard:?}") };
            assert!((8_000..10_400).contains(at), "{heard:?}");
            assert!(matches!(heard.last(), Some(SpeechEvent::Ended { .. })), "{heard:?}");
        }
    }

    #[test]
    fn noise_that_begins_interrupts_nothing() {
        let line = [silence(8_000), noise(2_000.0, 24_000)].concat();
        assert!(!events(&line, 160).is_empty(), "by energy alone it is speech");
        assert_eq!(events_of(SpeechDetector::fast(500), &line, 160), []);
    }

    #[test]
    fn a_dial_tone_is_no_voice() {
        let (low, high) = (sine(350.0, 3_000.0, 24_000), sine(440.0, 3_000.0, 24_000));
        let tone: Vec<i16> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
        assert_eq!(events_of(SpeechDetector::fast(500), &tone, 160), []);
    }
}
