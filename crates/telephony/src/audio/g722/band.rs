//! One band's ADPCM: a quantiser whose step follows the signal, and a predictor with two poles and six zeros.

use super::saturate;

/// The state of a band, the same in a decoder and in the encoder that it follows.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// The predicted sample (S).
    pub(super) estimate: i32,
    /// The quantiser's step (DET).
    pub(super) step: i32,
    /// Its logarithm (NB), in 1/2,048 of an octave.
    log_step: i32,
    /// What the zeros add to the prediction (SZ).
    zeros: i32,
    /// Coefficients of the poles (A), in 1/16,384.
    poles: [i32; 2],
    /// Coefficients of the zeros (B), in 1/16,384.
    weights: [i32; 6],
    /// The latest quantised differences (D), the newest first.
    differences: [i32; 6],
    /// The latest reconstructed sample (RLT).
    reconstructed: i32,
    /// The latest two partial reconstructions (PLT), the newest first.
    partial: [i32; 2],
}

impl Band {
    /// The state after a reset (section 3.7): `step` is 32 in the lower band, 8 in the higher.
    pub(super) const fn new(step: i32) -> Self {
        Self {
            estimate: 0,
            step,
            log_step: 0,
            zeros: 0,
            poles: [0; 2],
            weights: [0; 6],
            differences: [0; 6],
            reconstructed: 0,
            partial: [0; 2],
        }
    }

    /// Blocks LOGSCL and SCALEL, or LOGSCH and SCALEH: makes the step follow the size of the code.
    ///
    /// `gain` is what the code adds to the logarithm, `log_max` its limit, and `shift` how many octaves a step is below the table.
    pub(super) fn adapt_step(&mut self, gain: i32, log_max: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + gain).clamp(0, log_max);
        // Between 0 and 31: the part of an octave.
        let mantissa = INVERSE_LOG[usize::try_from((self.log_step >> 6) & 31).unwrap_or_default()];
        let down = shift - (self.log_step >> 11);
        let scaled = if down < 0 { mantissa << -down } else { mantissa >> down };
        self.step = scaled << 2;
    }

    /// Block 4: adapts the predictor to a quantised difference, and predicts the next sample.
    pub(super) fn predict(&mut self, difference: i32) {
        // RECONS, PARREC
        let reconstructed = saturate(self.estimate + difference);
        let partial = saturate(self.zeros + difference);
        let agrees = |other: i32| (partial < 0) == (other < 0);
        let [previous, before] = self.partial;

        // UPPOL2, UPPOL1
        let first = saturate(self.poles[0] << 2);
        let turned = if agrees(previous) { (-first).min(32_767) } else { first };
        let second =
            (turned >> 7) + if agrees(before) { 128 } else { -128 } + ((self.poles[1] * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let first = if agrees(previous) { 192 } else { -192 } + ((self.poles[0] * 32_640) >> 15);
        let limit = 15_360 - second;
        self.poles = [first.clamp(-limit, limit), second];

        // UPZERO, DELAYA
        let gain = if difference == 0 { 0 } else { 128 };
        for (weight, past) in self.weights.iter_mut().zip(&self.differences) {
            let correction = if (*past < 0) == (difference < 0) { gain } else { -gain };
            *weight = saturate(correction + ((*weight * 32_640) >> 15));
        }
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.partial = [partial, previous];

        // FILTEP, FILTEZ, PREDIC
        let doubled = |value: i32| saturate(value << 1);
        let poles = saturate(
            ((self.poles[0] * doubled(reconstructed)) >> 15)
                + ((self.poles[1] * doubled(self.reconstructed)) >> 15),
        );
        self.reconstructed = reconstructed;
        let products = self.weights.iter().zip(&self.differences);
        self.zeros =
            products.rev().fold(0, |sum, (weight, past)| saturate(sum + ((weight * doubled(*past)) >> 15)));
        self.estimate = saturate(poles + self.zeros);
    }
}

/// ILB, table 14: 2,048 times 2 to the power of `index / 32`.
const INVERSE_LOG: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774,
    2_834, 2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838,
    3_922, 4_008,
];

/// The lower band: six bits a sample, of which the predictor uses four.
#[derive(Clone, Debug)]
pub(super) struct Lower(pub(super) Band);

impl Lower {
    pub(super) const fn new() -> Self {
        Self(Band::new(32))
    }

    /// The sample that a code of six bits stands for (blocks INVQBL, RECONS, LIMIT).
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = (self.0.step * LEVELS_6[usize::from(code & 0x3f)]) >> 15;
        let sample = (self.0.estimate + difference).clamp(-16_384, 16_383);
        self.follow(code);
        sample
    }

    /// Blocks INVQAL, LOGSCL, SCALEL and 4: what decoder and encoder do alike with a code of six bits.
    pub(super) fn follow(&mut self, code: u8) {
        let index = usize::from((code & 0x3f) >> 2);
        let difference = (self.0.step * LEVELS_4[index]) >> 15;
        self.0.adapt_step(STEP_GAIN[index], 18_432, 8);
        self.0.predict(difference);
    }
}

/// The higher band: two bits a sample.
#[derive(Clone, Debug)]
pub(super) struct Higher(pub(super) Band);

impl Higher {
    pub(super) const fn new() -> Self {
        Self(Band::new(8))
    }

    /// The sample that a code of two bits stands for (blocks INVQAH, RECONS, LIMIT).
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = (self.0.step * LEVELS_2[usize::from(code & 3)]) >> 15;
        let sample = (self.0.estimate + difference).clamp(-16_384, 16_383);
        self.follow(code);
        sample
    }

    /// Blocks INVQAH, LOGSCH, SCALEH and 4: what decoder and encoder do alike with a code of two bits.
    pub(super) fn follow(&mut self, code: u8) {
        let difference = (self.0.step * LEVELS_2[usize::from(code & 3)]) >> 15;
        // Codes 0 and 2 are the outer levels of either sign.
        self.0.adapt_step(if code & 1 == 0 { 798 } else { -214 }, 22_528, 10);
        self.0.predict(difference);
    }
}

/// QQ6 with signs, in the order of the codes: levels of the lower band at six bits (table 18), in 1/32,768 of a step.
const LEVELS_6: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232,
    -9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776,
    -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280,
    11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168,
    2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];

/// QQ4 with signs, in the order of the codes: levels of the lower band at four bits.
const LEVELS_4: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584,
    1_200, 0,
];

/// WL by way of RL42: what a code of four bits adds to the logarithm of the step.
const STEP_GAIN: [i32; 16] =
    [-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60];

/// QQ2 with signs, in the order of the codes: levels of the higher band.
const LEVELS_2: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
