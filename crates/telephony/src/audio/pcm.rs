//! The crate's one inner sample format: mono, 8 kHz, signed 16-bit.

/// Samples per second of all audio inside the crate.
pub const SAMPLE_RATE_HZ: u32 = 8_000;

/// Samples of one 20 ms frame, the packet size nearly every telephone uses.
pub const FRAME_SAMPLES: usize = 160;

/// Samples per millisecond.
pub const SAMPLES_PER_MS: u32 = SAMPLE_RATE_HZ / 1_000;

/// Appends samples as little-endian bytes, the byte order of WAV and of Connect's `audio/L16` streams.
pub fn extend_le_bytes(out: &mut Vec<u8>, samples: &[i16]) {
    out.reserve(samples.len() * 2);
    for sample in samples {
        out.extend_from_slice(&sample.to_le_bytes());
    }
}

/// Reads little-endian bytes as samples; a trailing odd byte is left out.
pub fn from_le_bytes(bytes: &[u8]) -> impl Iterator<Item = i16> + '_ {
    let (pairs, _odd) = bytes.as_chunks::<2>();
    pairs.iter().map(|&pair| i16::from_le_bytes(pair))
}

/// Root mean square of a run of samples, 0.0 for none; full-scale sine = 23,170.
pub fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / samples.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_samples_are_inverse() {
        let samples = [0, 1, -1, i16::MAX, i16::MIN, 0x1234];
        let mut bytes = Vec::new();
        extend_le_bytes(&mut bytes, &samples);
        assert_eq!(bytes[10..], [0x34, 0x12]);
        assert_eq!(from_le_bytes(&bytes).collect::<Vec<_>>(), samples);
        bytes.push(7);
        assert_eq!(from_le_bytes(&bytes).count(), samples.len());
    }

    #[test]
    fn rms_of_a_square_wave_is_its_amplitude() {
        assert_eq!(rms(&[500, -500, 500, -500]), 500.0);
        assert_eq!(rms(&[]), 0.0);
    }
}
