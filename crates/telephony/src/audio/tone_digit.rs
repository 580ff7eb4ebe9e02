//! Hears telephone keys in audio, for callers whose network sends no telephone events.
//!
//! Blocks of 205 samples (25.6 ms, where the eight frequencies fall near whole bins) are measured by Goertzel; a key
//! counts when two blocks in a row agree, and again only after a block without it. Source: ITU-T Q.24 (levels, twist,
//! durations: a key of 40 ms must be heard, one of 23 ms must not).

use super::pcm::rms;
use super::tone::{COLUMNS_HZ, KEYPAD, ROWS_HZ, amplitude_at};
use crate::Digit;

/// Finds keys in a run of 8 kHz samples.
#[derive(Debug, Default)]
pub struct ToneDigitDetector {
    block: Vec<i16>,
    /// What the block before held.
    heard: Option<Digit>,
    /// The key that was given and still sounds.
    given: Option<Digit>,
}

impl ToneDigitDetector {
    /// Takes samples, in pieces of any length; calls `found` once for each key.
    pub fn push(&mut self, samples: &[i16], mut found: impl FnMut(Digit)) {
        for &sample in samples {
            self.block.push(sample);
            if self.block.len() == BLOCK_SAMPLES {
                let digit = key_in(&self.block);
                self.block.clear();
                if let Some(digit) = self.settle(digit) {
                    found(digit);
                }
            }
        }
    }

    fn settle(&mut self, digit: Option<Digit>) -> Option<Digit> {
        let before = std::mem::replace(&mut self.heard, digit);
        if digit.is_none() {
            self.given = None;
        }
        if digit.is_none() || digit != before || digit == self.given {
            return None;
        }
        self.given = digit;
        digit
    }
}

fn key_in(block: &[i16]) -> Option<Digit> {
    let (row, low) = strongest(block, &ROWS_HZ)?;
    let (column, high) = strongest(block, &COLUMNS_HZ)?;
    let twisted = high > low * TWIST_MAX || low > high * TWIST_MAX;
    // Two sines of these amplitudes account for nearly all there is; speech has much beside.
    let tones = ((low * low + high * high) / 2.0).sqrt();
    if twisted || tones < rms(block) * PURITY_MIN {
        return None;
    }
    Digit::from_char(char::from(KEYPAD[row * 4 + column]))
}

/// The strongest of four frequencies, when it stands out from the others.
fn strongest(block: &[i16], frequencies_hz: &[f64; 4]) -> Option<(usize, f64)> {
    let amplitudes = frequencies_hz.map(|frequency_hz| amplitude_at(block, frequency_hz));
    let (index, &amplitude) = amplitudes.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let rivals = amplitudes.iter().enumerate().filter(|&(rival, _)| rival != index);
    let stands_out = rivals.fold(true, |so_far, (_, &rival)| so_far && rival * STANDS_OUT < amplitude);
    (amplitude >= AMPLITUDE_MIN && stands_out).then_some((index, amplitude))
}

const BLOCK_SAMPLES: usize = 205;
/// About -36 dBm0 per tone.
const AMPLITUDE_MIN: f64 = 350.0;
/// A tone is this many times stronger than its neighbours.
const STANDS_OUT: f64 = 2.5;
/// 8 dB between row and column, either way.
const TWIST_MAX: f64 = 2.5;
/// Least share of the signal's root mean square that the two tones make up.
const PURITY_MIN: f64 = 0.85;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::g711::Law;
    use crate::audio::tone::{key, silence, sine};

    fn digits_in(samples: &[i16], piece: usize) -> String {
        let mut detector = ToneDigitDetector::default();
        let mut found = String::new();
        for piece in samples.chunks(piece) {
            detector.push(piece, |digit| found.push(digit.as_char()));
        }
        found
    }

    #[test]
    fn hears_every_key_once_through_either_law() {
        for law in [Law::Mu, Law::A] {
            let mut line = Vec::new();
            for digit in Digit::all() {
                line.extend(key(digit, 4_000.0, 800));
                line.extend(silence(800));
            }
            let line: Vec<i16> = line.iter().map(|&sample| law.decode(law.encode(sample))).collect();
            assert_eq!(digits_in(&line, 160), "0123456789*#ABCD");
            assert_eq!(digits_in(&line, 7), "0123456789*#ABCD");
        }
    }

    #[test]
    fn a_repeated_key_is_heard_twice_and_a_held_one_once() {
        let five = Digit::from_char('5').unwrap();
        let twice = [key(five, 4_000.0, 600), silence(600), key(five, 4_000.0, 600)].concat();
        assert_eq!(digits_in(&twice, 160), "55");
        assert_eq!(digits_in(&key(five, 4_000.0, 16_000), 160), "5");
    }

    #[test]
    fn single_tones_and_blips_are_not_keys() {
        assert_eq!(digits_in(&sine(770.0, 8_000.0, 8_000), 160), "");
        assert_eq!(digits_in(&sine(440.0, 8_000.0, 8_000), 160), "");
        let blip = [key(Digit::from_char('5').unwrap(), 4_000.0, 160), silence(1_600)].concat();
        assert_eq!(digits_in(&blip, 160), "");
    }
}
