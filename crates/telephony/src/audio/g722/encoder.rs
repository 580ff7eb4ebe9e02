//! From samples to bytes.

use super::band::{Higher, Lower};
use super::halfband::Interpolator;
use super::{Qmf, saturate};

/// Encodes one stream. It holds its state in itself: some 600 bytes, and no allocation.
#[derive(Clone, Debug)]
pub struct Encoder {
    lower: Lower,
    higher: Higher,
    split: Qmf,
    interpolator: Interpolator,
}

impl Encoder {
    /// An encoder for a stream from its first sample.
    pub const fn new() -> Self {
        Self {
            lower: Lower::new(),
            higher: Higher::new(),
            split: Qmf::new(),
            interpolator: Interpolator::new(),
        }
    }

    /// Appends one byte for each sample at 8 kHz; [`super::INTERPOLATION_DELAY_SAMPLES_16K`] late.
    pub fn encode(&mut self, samples_8khz: &[i16], out: &mut Vec<u8>) {
        out.reserve(samples_8khz.len());
        for &next in samples_8khz {
            let (between, exact) = self.interpolator.push(next);
            out.push(self.encode_pair(between, exact));
        }
    }

    /// Appends one byte for each pair of samples at 16 kHz; an odd one at the end is left out.
    pub fn encode_16k(&mut self, samples_16khz: &[i16], out: &mut Vec<u8>) {
        let (pairs, _odd) = samples_16khz.as_chunks::<2>();
        out.extend(pairs.iter().map(|&[earlier, later]| self.encode_pair(earlier, later)));
    }

    fn encode_pair(&mut self, earlier: i16, later: i16) -> u8 {
        let (even, odd) = self.split.push(i32::from(earlier), i32::from(later));
        let limit = |value: i32| (value >> 14).clamp(-16_384, 16_383);
        let low = quantise_low(limit(odd + even), &self.lower);
        let high = quantise_high(limit(odd - even), &self.higher);
        self.lower.follow(low);
        self.higher.follow(high);
        high << 6 | low
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Block QUANTL: the code of six bits whose level is next to the difference from the prediction.
fn quantise_low(sample: i32, band: &Lower) -> u8 {
    let difference = saturate(sample - band.0.estimate);
    let magnitude = if difference < 0 { !difference } else { difference };
    let level = DECISIONS.partition_point(|decision| (decision * band.0.step) >> 12 <= magnitude);
    // At most 29.
    let level = u8::try_from(level).unwrap_or(29);
    match (difference < 0, level) {
        (true, 0 | 1) => 63 - level,
        (true, _) => 33 - level,
        (false, _) => 61 - level,
    }
}

/// Block QUANTH: the code of two bits, 0 and 1 for negative differences, even ones for large.
fn quantise_high(sample: i32, band: &Higher) -> u8 {
    let difference = saturate(sample - band.0.estimate);
    let magnitude = if difference < 0 { !difference } else { difference };
    let small = u8::from(magnitude < (564 * band.0.step) >> 12);
    if difference < 0 { small } else { 2 | small }
}

/// Q6, table 14: where the levels of the lower band meet, in 1/4,096 of a step.
const DECISIONS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121,
    1_219, 1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];
