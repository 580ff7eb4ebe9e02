//! The filter between 16 kHz and 8 kHz: a half-band low-pass of 51 taps, every other of which is zero but the middle one.
//!
//! A Kaiser window (beta 5.65) over the sinc of 4 kHz: flat within 0.01 dB to 3.4 kHz, 6 dB down at 4 kHz, at least 59 dB from 4.6 kHz
//! on. What is left between 4 and 4.6 kHz folds to 3.4-4 kHz, above the telephone band. Source: Oppenheim and Schafer,
//! Discrete-Time Signal Processing, sections 4.6 and 7.6. Linear phase, so that its delay is the same at every frequency.

use super::sample;

/// Half of the symmetric filter: taps 0, 2, 4 ... 24, in 1/32,768. The middle one, tap 25, is a half.
const TAPS: [i32; 13] = [14, -34, 65, -112, 180, -275, 406, -587, 845, -1_233, 1_895, -3_358, 10_386];
/// Samples that the outer taps reach over in their phase.
const REACH: usize = 2 * TAPS.len();

/// In samples at 8 kHz: the filter reaches 25 samples at 16 kHz to either side, and begins at the newer sample of a pair.
pub(super) const DECIMATION_DELAY: usize = TAPS.len() - 1;
/// In samples at 16 kHz.
pub(super) const INTERPOLATION_DELAY_16K: usize = 2 * TAPS.len() - 1;

const _: () = {
    // At 0 Hz the gain is exactly one, and no sum of samples leaves 32 bits.
    let (mut sum, mut magnitude, mut index) = (0, 0, 0);
    while index < TAPS.len() {
        sum += 2 * TAPS[index];
        magnitude += 2 * TAPS[index].abs();
        index += 1;
    }
    assert!(sum == 1 << 14 && magnitude < (1 << 15) + (1 << 14) - (1 << 12));
};

/// The outer taps over one phase; `samples` has the oldest first.
fn outer(samples: &[i16; REACH]) -> i32 {
    let pairs = samples.iter().zip(samples.iter().rev());
    TAPS.iter().zip(pairs).map(|(tap, (old, new))| tap * (i32::from(*old) + i32::from(*new))).sum()
}

/// From 16 kHz to 8 kHz.
#[derive(Clone, Debug)]
pub(super) struct Decimator {
    /// The later samples of the latest pairs, which the outer taps weigh.
    later: [i16; REACH],
    /// The earlier ones, of which the middle tap takes one.
    earlier: [i16; TAPS.len()],
}

impl Decimator {
    pub(super) const fn new() -> Self {
        Self { later: [0; REACH], earlier: [0; TAPS.len()] }
    }

    /// Takes in two samples at 16 kHz, and gives one at 8 kHz.
    pub(super) fn push(&mut self, earlier: i16, later: i16) -> i16 {
        self.earlier.rotate_left(1);
        self.earlier[TAPS.len() - 1] = earlier;
        self.later.rotate_left(1);
        self.later[REACH - 1] = later;
        let middle = i32::from(self.earlier[0]) << 14;
        sample((outer(&self.later) + middle + (1 << 14)) >> 15)
    }
}

/// From 8 kHz to 16 kHz.
#[derive(Clone, Debug)]
pub(super) struct Interpolator {
    samples: [i16; REACH],
}

impl Interpolator {
    pub(super) const fn new() -> Self {
        Self { samples: [0; REACH] }
    }

    /// Takes in a sample at 8 kHz, and gives two at 16 kHz: one between two samples, and one of them.
    pub(super) fn push(&mut self, next: i16) -> (i16, i16) {
        self.samples.rotate_left(1);
        self.samples[REACH - 1] = next;
        // Half of the samples at 16 kHz are zero, which halves the sum.
        let between = sample((outer(&self.samples) + (1 << 13)) >> 14);
        (between, self.samples[REACH - TAPS.len()])
    }
}
