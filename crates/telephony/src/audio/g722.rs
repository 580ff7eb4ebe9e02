//! G.722 at 64 kbit/s (mode 1): 7 kHz of audio as two bands of ADPCM, between 8 kHz samples and one byte for each.
//!
//! Source: ITU-T G.722 (11/1988), whose block names the comments use; RFC 3551 section 4.5.2 for its RTP clock. A byte holds two
//! bits of the higher band and six of the lower, and stands for two samples at 16 kHz, which is one at 8 kHz.
//!
//! The decoder brings 16 kHz to 8 kHz through a low-pass, and the encoder back, so that what 8 kHz cannot carry is gone
//! and never folded into speech. The delay of either filter is exact: [`DECIMATION_DELAY_SAMPLES`] at 8 kHz, and
//! [`INTERPOLATION_DELAY_SAMPLES_16K`] at 16 kHz. The band filters of G.722 itself add 22 samples at 16 kHz from an encoder to a decoder.
//!
//! The state of either side depends on all bytes before: each received stream has a decoder of its own, which a lost packet
//! disturbs for some milliseconds and not longer, because all adaptation leaks.

mod band;
mod decoder;
mod encoder;
mod halfband;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// By how much the low-pass of [`Decoder::decode`] delays, in samples at 8 kHz: output sample `n` is at the time of sample
/// `2 * (n - 12)` of what [`Decoder::decode_16k`] gives.
pub const DECIMATION_DELAY_SAMPLES: usize = halfband::DECIMATION_DELAY;

/// By how much the interpolation of [`Encoder::encode`] delays, in samples at 16 kHz.
pub const INTERPOLATION_DELAY_SAMPLES_16K: usize = halfband::INTERPOLATION_DELAY_16K;

/// Coefficients of the filters that split and join the bands, tables 11 and 20: every other one of 24, which are symmetric.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];

/// The memory of one of these filters: the latest 12 samples of each of its two phases, the oldest first.
#[derive(Clone, Debug)]
struct Qmf {
    even: [i32; 12],
    odd: [i32; 12],
}

impl Qmf {
    const fn new() -> Self {
        Self { even: [0; 12], odd: [0; 12] }
    }

    /// Takes in a pair of samples, and gives the sums of both phases: what the recommendation calls ACCUMA and ACCUMB.
    fn push(&mut self, even: i32, odd: i32) -> (i32, i32) {
        self.even.rotate_left(1);
        self.odd.rotate_left(1);
        self.even[11] = even;
        self.odd[11] = odd;
        let weigh = |samples: &[i32; 12], tap: fn(usize) -> i32| {
            samples.iter().enumerate().map(|(index, sample)| sample * tap(index)).sum::<i32>()
        };
        (weigh(&self.even, |index| QMF[index]), weigh(&self.odd, |index| QMF[11 - index]))
    }
}

/// Brings a value into 16 bits.
fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// The same as a sample.
fn sample(value: i32) -> i16 {
    i16::try_from(saturate(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
