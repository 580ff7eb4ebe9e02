//! Signals to make and to measure: sines, telephone keys, and the energy at a frequency.
//!
//! Source: ITU-T Q.23 (frequencies of telephone keys); Goertzel, Am. Math. Monthly 65 (1958).

use std::f64::consts::TAU;

use super::pcm::SAMPLE_RATE_HZ;
use crate::Digit;

/// `samples` samples of a sine that begins at phase zero, at 8 kHz.
pub fn sine(frequency_hz: f64, amplitude: f64, samples: usize) -> Vec<i16> {
    (0..samples).map(|index| to_sample(amplitude * phase(frequency_hz, index).sin())).collect()
}

/// `samples` samples of digital silence.
pub fn silence(samples: usize) -> Vec<i16> {
    vec![0; samples]
}

/// `samples` samples of a telephone key: its row and column tones, each at `amplitude`.
pub fn key(digit: Digit, amplitude: f64, samples: usize) -> Vec<i16> {
    let (low_hz, high_hz) = key_frequencies_hz(digit);
    (0..samples)
        .map(|index| to_sample(amplitude * (phase(low_hz, index).sin() + phase(high_hz, index).sin())))
        .collect()
}

/// The row and column frequency of a telephone key (Q.23).
pub fn key_frequencies_hz(digit: Digit) -> (f64, f64) {
    let place = KEYPAD.iter().position(|&key| char::from(key) == digit.as_char()).unwrap_or_default();
    (ROWS_HZ[place / 4], COLUMNS_HZ[place % 4])
}

/// The amplitude of the sine at `frequency_hz` in `samples`, by the Goertzel algorithm.
///
/// Exact for a sine with whole periods in the run; other frequencies leak in the less, the longer the run is.
pub fn amplitude_at(samples: &[i16], frequency_hz: f64) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * frequency_hz / f64::from(SAMPLE_RATE_HZ)).cos();
    let (mut s1, mut s2) = (0.0, 0.0);
    for &sample in samples {
        let s0 = f64::from(sample) + coefficient * s1 - s2;
        (s1, s2) = (s0, s1);
    }
    let power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    2.0 * power.max(0.0).sqrt() / samples.len() as f64
}

/// Frequencies of the four rows of keys, in Hz.
pub const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// Frequencies of the four columns of keys, in Hz.
pub const COLUMNS_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// Keys row by row.
pub(crate) const KEYPAD: [u8; 16] = *b"123A456B789C*0#D";

fn phase(frequency_hz: f64, index: usize) -> f64 {
    TAU * frequency_hz * index as f64 / f64::from(SAMPLE_RATE_HZ)
}

fn to_sample(value: f64) -> i16 {
    value.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_the_amplitude_of_a_sine_and_nothing_beside_it() {
        let tone = sine(1_000.0, 8_000.0, 800);
        assert!((amplitude_at(&tone, 1_000.0) - 8_000.0).abs() < 5.0);
        assert!(amplitude_at(&tone, 1_500.0) < 10.0);
        assert_eq!(amplitude_at(&silence(800), 1_000.0), 0.0);
        assert_eq!(amplitude_at(&[], 1_000.0), 0.0);
    }

    #[test]
    fn keys_have_the_frequencies_of_q_23() {
        let frequencies = |key| key_frequencies_hz(Digit::from_char(key).unwrap());
        assert_eq!(frequencies('1'), (697.0, 1_209.0));
        assert_eq!(frequencies('0'), (941.0, 1_336.0));
        assert_eq!(frequencies('D'), (941.0, 1_633.0));
    }

    #[test]
    fn loud_signals_clip() {
        assert!(sine(1_000.0, 1e6, 80).contains(&i16::MAX));
    }
}
