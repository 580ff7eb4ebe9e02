//! The sounds of the prompts that every instance has. They are made by this program: tones and notes of our own.
//!
//! Names: those that the service gives its own prompts, since flows refer to them by name.

use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

const RATE_HZ: u32 = 8000;
/// A phase of this much is half a turn.
const HALF_TURN: i64 = 1 << 15;

/// A prompt that every instance has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "their names say what they are")]
pub enum DefaultPrompt {
    Beep,
    CustomerHold,
    CustomerQueue,
    MusicJazz,
    MusicPop,
    MusicPopFast,
    MusicRock,
}

/// A note: pitch in half tones above the A of 220 Hz, and length in eighths of a beat. Silence has no pitch.
type Note = (Option<u32>, u32);

/// What a tune is made of.
struct Tune {
    /// A beat in milliseconds.
    beat_ms: u32,
    melody: &'static [Note],
    bass: &'static [Note],
}

const fn n(pitch: u32, eighths: u32) -> Note {
    (Some(pitch), eighths)
}

const REST: Note = (None, 8);

const HOLD: Tune = Tune {
    beat_ms: 600,
    melody: &[
        n(12, 8),
        n(16, 8),
        n(19, 16),
        n(17, 8),
        n(16, 8),
        n(14, 16),
        n(16, 8),
        n(12, 8),
        n(7, 16),
        n(9, 8),
        n(11, 8),
        n(12, 16),
    ],
    bass: &[n(0, 32), n(5, 32), n(7, 32), n(0, 32)],
};
const QUEUE: Tune = Tune {
    beat_ms: 500,
    melody: &[
        n(19, 8),
        n(16, 8),
        n(12, 8),
        n(16, 8),
        n(21, 16),
        n(19, 16),
        n(17, 8),
        n(14, 8),
        n(11, 8),
        n(14, 8),
        n(16, 24),
        REST,
    ],
    bass: &[n(0, 32), n(9, 32), n(5, 32), n(7, 32)],
};
const JAZZ: Tune = Tune {
    beat_ms: 450,
    melody: &[
        n(12, 12),
        n(15, 4),
        n(17, 12),
        n(18, 4),
        n(19, 16),
        n(22, 12),
        n(19, 4),
        n(17, 12),
        n(15, 4),
        n(12, 24),
        REST,
        n(10, 12),
        n(12, 4),
    ],
    bass: &[
        n(0, 8),
        n(3, 8),
        n(5, 8),
        n(6, 8),
        n(7, 8),
        n(6, 8),
        n(5, 8),
        n(3, 8),
        n(0, 8),
        n(3, 8),
        n(5, 8),
        n(7, 8),
        n(10, 16),
    ],
};
const POP: Tune = Tune {
    beat_ms: 480,
    melody: &[
        n(16, 8),
        n(16, 4),
        n(19, 4),
        n(21, 16),
        n(19, 8),
        n(16, 8),
        n(14, 16),
        n(12, 8),
        n(14, 8),
        n(16, 16),
        n(14, 16),
        REST,
    ],
    bass: &[n(0, 16), n(7, 16), n(9, 16), n(5, 16), n(0, 16), n(7, 16), n(5, 8), n(7, 8)],
};
const POP_FAST: Tune = Tune {
    beat_ms: 360,
    melody: &[
        n(12, 4),
        n(14, 4),
        n(16, 8),
        n(19, 8),
        n(16, 8),
        n(21, 8),
        n(19, 8),
        n(16, 8),
        n(14, 16),
        n(12, 4),
        n(14, 4),
        n(16, 8),
        n(14, 8),
        n(12, 24),
    ],
    bass: &[n(9, 16), n(5, 16), n(0, 16), n(7, 16), n(9, 16), n(5, 16), n(7, 16), n(0, 16)],
};
const ROCK: Tune = Tune {
    beat_ms: 400,
    melody: &[
        n(12, 8),
        n(12, 8),
        n(15, 8),
        n(17, 8),
        n(19, 16),
        n(17, 8),
        n(15, 8),
        n(12, 8),
        n(10, 8),
        n(12, 24),
        REST,
    ],
    bass: &[
        n(0, 4),
        n(0, 4),
        n(0, 8),
        n(3, 4),
        n(3, 4),
        n(5, 8),
        n(0, 4),
        n(0, 4),
        n(0, 8),
        n(10, 8),
        n(7, 8),
        n(0, 16),
    ],
};

impl DefaultPrompt {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Beep,
        Self::CustomerHold,
        Self::CustomerQueue,
        Self::MusicJazz,
        Self::MusicPop,
        Self::MusicPopFast,
        Self::MusicRock,
    ];

    /// The name of the prompt.
    pub fn name(self) -> &'static str {
        match self {
            Self::Beep => "Beep.wav",
            Self::CustomerHold => "CustomerHold.wav",
            Self::CustomerQueue => "CustomerQueue.wav",
            Self::MusicJazz => "Music_Jazz_MyTimetoFly_Inst.wav",
            Self::MusicPop => "Music_Pop_ThisAndThatIsLife_Inst.wav",
            Self::MusicPopFast => "Music_Pop_ThrowYourselfInFrontOfIt_Inst.wav",
            Self::MusicRock => "Music_Rock_EverywhereTheSunShines_Inst.wav",
        }
    }

    /// The WAV file, made once: 8 kHz, one channel, 16 bits.
    pub fn wav(self) -> Arc<[u8]> {
        static MADE: [OnceLock<Arc<[u8]>>; 7] = [const { OnceLock::new() }; 7];
        let made = || {
            let samples = match self {
                Self::Beep => tone(1000, 350),
                Self::CustomerHold => tune(&HOLD),
                Self::CustomerQueue => tune(&QUEUE),
                Self::MusicJazz => tune(&JAZZ),
                Self::MusicPop => tune(&POP),
                Self::MusicPopFast => tune(&POP_FAST),
                Self::MusicRock => tune(&ROCK),
            };
            Arc::from(wav(&samples))
        };
        let place = Self::ALL.iter().position(|known| *known == self).and_then(|at| MADE.get(at));
        place.map_or_else(made, |place| place.get_or_init(made).clone())
    }
}

/// Half a turn of a sine from 0 to 1 and back, after Bhaskara; its error is below two thousandths.
fn half_sine(phase: i64, peak: i64) -> i64 {
    let product = phase * (HALF_TURN - phase);
    16 * product * peak / (5 * HALF_TURN * HALF_TURN - 4 * product)
}

/// One sample of a tone. The frequency is in thousandths of a hertz.
fn sine(frequency_mhz: i64, at: u32, peak: i64) -> i64 {
    let turns = frequency_mhz * i64::from(at) * 2 * HALF_TURN / (i64::from(RATE_HZ) * 1000);
    let phase = turns.rem_euclid(2 * HALF_TURN);
    if phase < HALF_TURN { half_sine(phase, peak) } else { -half_sine(phase - HALF_TURN, peak) }
}

fn samples_of(ms: u32) -> u32 {
    RATE_HZ / 1000 * ms
}

fn tone(frequency_hz: i64, ms: u32) -> Vec<i64> {
    let length = samples_of(ms);
    (0..length).map(|at| sine(frequency_hz * 1000, at, 9000) * edges(at, length) / 1000).collect()
}

/// Ten milliseconds of fading at both ends, in thousandths.
fn edges(at: u32, length: u32) -> i64 {
    let edge = samples_of(10);
    i64::from(at.min(length - at).min(edge)) * 1000 / i64::from(edge)
}

/// The frequency of a pitch in thousandths of a hertz.
fn frequency_mhz(pitch: u32) -> i64 {
    /// Half tones above the A of 220 Hz.
    const OCTAVE: [i64; 12] = [
        220_000, 233_082, 246_942, 261_626, 277_183, 293_665, 311_127, 329_628, 349_228, 369_994, 391_995,
        415_305,
    ];
    let octave = pitch / 12;
    OCTAVE.iter().cycle().nth(usize::try_from(pitch % 12).unwrap_or_default()).copied().unwrap_or(220_000)
        << octave
}

/// Plays notes one after the other, each fading, an octave below where they are a bass.
fn voice(notes: &[Note], beat_ms: u32, peak: i64, is_bass: bool) -> Vec<i64> {
    let mut samples = Vec::new();
    for (pitch, eighths) in notes {
        let length = samples_of(beat_ms * eighths / 8);
        let Some(pitch) = pitch else {
            samples.extend((0..length).map(|_| 0));
            continue;
        };
        let frequency = frequency_mhz(*pitch) / if is_bass { 2 } else { 1 };
        samples.extend((0..length).map(|at| {
            let fading = 1000 - i64::from(at) * 700 / i64::from(length);
            let sound = sine(frequency, at, peak) + sine(frequency * 2, at, peak / 3);
            sound * fading / 1000 * edges(at, length) / 1000
        }));
    }
    samples
}

fn tune(tune: &Tune) -> Vec<i64> {
    let melody = voice(tune.melody, tune.beat_ms, 5000, false);
    let bass = voice(tune.bass, tune.beat_ms, 3500, true);
    let length = melody.len().max(bass.len());
    let at = |voice: &[i64], at: usize| voice.get(at).copied().unwrap_or_default();
    let once: Vec<i64> = (0..length).map(|n| at(&melody, n) + at(&bass, n)).collect();
    [once.as_slice(), once.as_slice()].concat()
}

/// A WAV file of samples.
fn wav(samples: &[i64]) -> Vec<u8> {
    let data = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&data.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel, 8000 samples a second, 16000 bytes a second, 2 bytes and 16 bits each.
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&RATE_HZ.to_le_bytes());
    file.extend_from_slice(&(RATE_HZ * 2).to_le_bytes());
    file.extend_from_slice(&2u16.to_le_bytes());
    file.extend_from_slice(&16u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data.to_le_bytes());
    let clamped = |sample: i64| i16::try_from(sample.clamp(-32_767, 32_767)).unwrap_or_default();
    file.extend(samples.iter().flat_map(|sample| clamped(*sample).to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(wav: &[u8]) -> Vec<i16> {
        wav[44..].as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
    }

    #[test]
    fn every_default_prompt_is_a_sound_that_is_heard_and_not_cut() {
        for prompt in DefaultPrompt::ALL {
            let wav = prompt.wav();
            assert_eq!(
                (&wav[..4], &wav[8..16], &wav[36..40]),
                (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..])
            );
            let samples = samples(&wav);
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((4000..32_000).contains(&loudest), "{}: {loudest}", prompt.name());
            let seconds = samples.len() / 8000;
            assert!(
                if prompt == DefaultPrompt::Beep { seconds == 0 } else { (8..60).contains(&seconds) },
                "{}: {seconds} s",
                prompt.name()
            );
            assert!(samples.last().unwrap().unsigned_abs() < 200, "{} ends with a click", prompt.name());
        }
    }

    #[test]
    fn the_beep_is_a_tone_of_1000_hz() {
        let samples = samples(&DefaultPrompt::Beep.wav());
        let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        assert!((690..=710).contains(&crossings), "{crossings} in 350 ms");
    }
}
