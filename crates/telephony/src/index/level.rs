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
        let below_full_scale_db = -10.0 * (mean_square / (FULL_SCALE * FULL_SCALE)).log10();
        let code = 255.0 - (below_full_scale_db / STEP_DB).round();
        // Within 1 to 255, so nothing is lost.
        Self(code.clamp(1.0, 255.0) as u8)
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
