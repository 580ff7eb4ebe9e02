use std::sync::LazyLock;

/// How loud something is, in a byte. See the format for the scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

/// Decibels from one level to the next.
const STEP_DB: f64 = 0.375;
const FULL_SCALE: f64 = 32_768.0;

impl Level {
    /// Digital silence.
    pub const SILENCE: Self = Self(0);

    /// Of a byte.
    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// The byte.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Of a peak: the largest magnitude of a run of samples.
    pub fn of_peak(magnitude: u16) -> Self {
        let magnitude = f64::from(magnitude);
        Self::of_mean_square(magnitude * magnitude)
    }

    /// Of a mean of squares of samples.
    pub fn of_mean_square(mean_square: f64) -> Self {
        if mean_square.is_nan() || mean_square <= 0.0 {
            return Self::SILENCE;
        }
        let scale = &*SCALE;
        // The exponent and four bits of the fraction: a sixteenth of an octave, where at most one level begins.
        let step = (mean_square.to_bits() >> STEP_SHIFT).saturating_sub(FIRST_STEP);
        let code = scale.least.get(usize::try_from(step).unwrap_or(usize::MAX)).copied().unwrap_or(u8::MAX);
        let next = scale.begins.get(usize::from(code) + 1);
        Self(code + u8::from(next.is_some_and(|&begins| mean_square >= begins)))
    }

    /// Decibels relative to full scale, at most 0; `None` for digital silence.
    pub fn dbfs(self) -> Option<f64> {
        (self != Self::SILENCE).then(|| f64::from(i16::from(self.0) - 255) * STEP_DB)
    }

    /// The amplitude that it stands for, as a share of full scale.
    pub fn amplitude(self) -> f64 {
        self.mean_square().sqrt() / FULL_SCALE
    }

    /// The mean of squares of samples that it stands for.
    pub fn mean_square(self) -> f64 {
        MEAN_SQUARES[usize::from(self.0)]
    }
}

static MEAN_SQUARES: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|code| {
        let db = (code as f64 - 255.0) * STEP_DB;
        if code == 0 { 0.0 } else { FULL_SCALE * FULL_SCALE * 10f64.powf(db / 10.0) }
    })
});

/// Where levels begin, as means of squares.
struct Scale {
    /// The least of each level. That of the first is nothing: whatever is not silence is at least that.
    begins: [f64; 256],
    /// The level at the beginning of each step.
    least: [u8; STEPS],
}

/// Of the bits of a mean of squares: the exponent and four bits of the fraction are left.
const STEP_SHIFT: u32 = 48;
/// The step of 2^-2, which is below where the second level begins.
const FIRST_STEP: u64 = (1_023 - 2) << 4;
/// Up to full scale, 2^30.
const STEPS: usize = 33 * 16;

static SCALE: LazyLock<Scale> = LazyLock::new(|| {
    let begins = std::array::from_fn(|code| match code {
        0 | 1 => 0.0,
        code => {
            let db = (code as f64 - 255.5) * STEP_DB;
            FULL_SCALE * FULL_SCALE * 10f64.powf(db / 10.0)
        }
    });
    let least = std::array::from_fn(|step| {
        let least = f64::from_bits((FIRST_STEP + step as u64) << STEP_SHIFT);
        // At most 255; silence is apart.
        begins.partition_point(|&begins| begins <= least).saturating_sub(1) as u8
    });
    Scale { begins, least }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_is_true_to_a_fifth_of_a_decibel() {
        for magnitude in 1..=32_768u16 {
            let off_db =
                20.0 * (Level::of_peak(magnitude).amplitude() * FULL_SCALE / f64::from(magnitude)).log10();
            assert!(off_db.abs() <= STEP_DB / 2.0 + 1e-9, "{magnitude}: {off_db} dB");
        }
    }

    #[test]
    fn silence_is_a_level_of_its_own() {
        assert_eq!(Level::of_peak(0), Level::SILENCE);
        assert_eq!(Level::SILENCE.dbfs(), None);
        assert_eq!(Level::SILENCE.amplitude(), 0.0);
        assert!(Level::of_mean_square(1e-9) > Level::SILENCE);
        assert_eq!(Level::of_mean_square(f64::NAN), Level::SILENCE);
    }

    #[test]
    fn full_scale_is_the_top() {
        assert_eq!(Level::of_peak(32_768).code(), 255);
        assert_eq!(Level::of_mean_square(1e99).code(), 255);
        assert_eq!(Level::from_code(255).dbfs(), Some(0.0));
    }
}
