//! Brings audio of any usual sample rate to 8 kHz.
//!
//! A rational resampler: a Kaiser-windowed low-pass, cut into one filter per output phase. The pass band is flat to
//! 3.4 kHz (the telephone band) and the stop band begins at 4 kHz, 60 dB down, so nothing folds back into speech.
//! Source: Oppenheim and Schafer, Discrete-Time Signal Processing, sections 4.6 and 7.6.

use super::pcm::SAMPLE_RATE_HZ;

/// A resampler from one fixed rate to 8 kHz.
#[derive(Debug)]
pub struct Resampler {
    /// Output samples per `step` input samples.
    phases: usize,
    /// Input samples per `phases` output samples.
    step: usize,
    /// Input samples a filter reaches to either side.
    reach: usize,
    /// `phases` filters of `2 * reach` taps.
    taps: Vec<f32>,
}

impl Resampler {
    /// A resampler from `rate_hz` to 8 kHz.
    ///
    /// `None` for rates outside 4-192 kHz, or so odd that the filters would not fit a cache: multiples of 25 Hz,
    /// which all rates in use are, are always accepted.
    pub fn new(rate_hz: u32) -> Option<Self> {
        if !(4_000..=192_000).contains(&rate_hz) {
            return None;
        }
        let divisor = gcd(rate_hz, SAMPLE_RATE_HZ);
        let phases = (SAMPLE_RATE_HZ / divisor) as usize;
        if phases > PHASES_MAX {
            return None;
        }
        let step = (rate_hz / divisor) as usize;
        // Below 8 kHz the source itself is the narrower band.
        let cutoff = CUTOFF_HZ * f64::from(rate_hz.min(SAMPLE_RATE_HZ))
            / f64::from(SAMPLE_RATE_HZ)
            / f64::from(rate_hz);
        let reach = (ZERO_CROSSINGS / (2.0 * cutoff)).ceil() as usize;
        let mut taps = Vec::with_capacity(phases * 2 * reach);
        for phase in 0..phases {
            let fraction = phase as f64 / phases as f64;
            taps.extend(filter(cutoff, reach, fraction));
        }
        Some(Self { phases, step, reach, taps })
    }

    /// Resamples a whole recording; sample 0 of the output is at the time of sample 0 of the input.
    pub fn resample(&self, input: &[f32]) -> Vec<i16> {
        let length = (input.len() as u64 * self.phases as u64).div_ceil(self.step as u64) as usize;
        (0..length).map(|index| self.output(input, index)).collect()
    }

    fn output(&self, input: &[f32], index: usize) -> i16 {
        let position = index as u64 * self.step as u64;
        let centre = (position / self.phases as u64) as usize;
        let phase = (position % self.phases as u64) as usize;
        let taps = &self.taps[phase * 2 * self.reach..][..2 * self.reach];
        // Tap `k` weighs input sample `centre + 1 - reach + k`; outside the recording there is silence.
        let first = (centre + 1).saturating_sub(self.reach);
        let skipped = (first + self.reach) - (centre + 1);
        let window = &input[first..input.len().min(centre + 1 + self.reach)];
        let sum: f32 = window.iter().zip(&taps[skipped..]).map(|(sample, tap)| sample * tap).sum();
        sum.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
    }
}

/// Taps of the low-pass with `cutoff` (cycles per input sample), centred `fraction` of a sample after tap
/// `reach - 1`; their sum is one.
fn filter(cutoff: f64, reach: usize, fraction: f64) -> Vec<f32> {
    let tap = |index: usize| {
        let offset = index as f64 - (reach as f64 - 1.0) - fraction;
        let angle = std::f64::consts::TAU * cutoff * offset;
        let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
        sinc * kaiser(offset / reach as f64)
    };
    let taps: Vec<f64> = (0..2 * reach).map(tap).collect();
    let gain: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / gain) as f32).collect()
}

/// The Kaiser window at `x` in -1..=1, zero outside; its peak is not normalised.
fn kaiser(x: f64) -> f64 {
    if x.abs() > 1.0 { 0.0 } else { bessel_i0(KAISER_BETA * (1.0 - x * x).sqrt()) }
}

/// The modified Bessel function of the first kind, order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-9 {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Half-amplitude frequency for an 8 kHz output.
const CUTOFF_HZ: f64 = 3_700.0;
/// Zero crossings of the sinc to either side: sets the width of the transition, about 600 Hz.
const ZERO_CROSSINGS: f64 = 23.0;
/// 60 dB of stop band attenuation.
const KAISER_BETA: f64 = 5.65;
/// 8 kHz against multiples of 25 Hz.
const PHASES_MAX: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::pcm::rms;
    use crate::audio::tone::sine;

    /// One second of a sine at `rate_hz`, resampled; the ends, where the filter reaches outside, are cut off.
    fn resampled_sine(rate_hz: u32, tone_hz: f64) -> Vec<i16> {
        let input: Vec<f32> = (0..rate_hz)
            .map(|index| {
                let angle = std::f64::consts::TAU * tone_hz * f64::from(index) / f64::from(rate_hz);
                (10_000.0 * angle.sin()) as f32
            })
            .collect();
        let output = Resampler::new(rate_hz).unwrap().resample(&input);
        assert_eq!(output.len(), 8_000);
        output[200..7_800].to_vec()
    }

    #[test]
    fn speech_passes_unchanged_and_in_phase() {
        for rate_hz in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000] {
            for tone_hz in [300.0, 1_000.0, 3_300.0] {
                let expected = &sine(tone_hz, 10_000.0, 8_000)[200..7_800];
                let error: Vec<i16> =
                    resampled_sine(rate_hz, tone_hz).iter().zip(expected).map(|(a, b)| a - b).collect();
                assert!(rms(&error) < 60.0, "{rate_hz} Hz, tone {tone_hz} Hz: error {}", rms(&error));
            }
        }
    }

    #[test]
    fn what_8_khz_cannot_carry_is_gone_and_not_folded() {
        for rate_hz in [16_000, 44_100, 48_000] {
            for tone_hz in [4_100.0, 5_000.0, 7_900.0] {
                let left = rms(&resampled_sine(rate_hz, tone_hz));
                assert!(left < 10.0, "{rate_hz} Hz, tone {tone_hz} Hz: {left} left");
            }
        }
    }

    #[test]
    fn low_rates_are_widened() {
        let error: Vec<i16> = resampled_sine(4_000, 1_000.0)
            .iter()
            .zip(&sine(1_000.0, 10_000.0, 8_000)[200..])
            .map(|(a, b)| a - b)
            .collect();
        assert!(rms(&error) < 60.0, "{}", rms(&error));
    }

    #[test]
    fn impossible_rates_are_refused() {
        assert!(Resampler::new(0).is_none());
        assert!(Resampler::new(3_999).is_none());
        assert!(Resampler::new(44_101).is_none());
        assert!(Resampler::new(u32::MAX).is_none());
    }

    #[test]
    fn short_and_empty_recordings_are_fine() {
        let resampler = Resampler::new(44_100).unwrap();
        assert!(resampler.resample(&[]).is_empty());
        assert_eq!(resampler.resample(&[1.0; 3]).len(), 1);
    }
}
