//! What callers say, and where it is found again. G.711 is decoded here apart from tympan's own tables.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A G.711 companding law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// PCMU.
    Mu,
    /// PCMA.
    A,
}

impl Law {
    /// Its static payload type (RFC 3551 section 6).
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Mu => 0,
            Self::A => 8,
        }
    }

    /// As in `a=rtpmap`.
    pub fn encoding(self) -> &'static str {
        match self {
            Self::Mu => "PCMU/8000",
            Self::A => "PCMA/8000",
        }
    }

    /// One byte to one 16-bit sample (ITU-T G.711 tables 1a and 2a, scaled to 16 bits).
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Mu => {
                let code = !byte;
                let magnitude = (((i16::from(code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
                if code & 0x80 == 0 { magnitude } else { -magnitude }
            }
            Self::A => {
                let code = byte ^ 0x55;
                let mantissa = i16::from(code & 0x0F) << 4;
                let magnitude = match (code >> 4) & 7 {
                    0 => mantissa + 8,
                    segment => (mantissa + 0x108) << (segment - 1),
                };
                if code & 0x80 == 0 { -magnitude } else { magnitude }
            }
        }
    }

    /// The byte whose sample comes nearest.
    pub fn encode(self, sample: i16) -> u8 {
        let distance = |byte: &u8| (i32::from(self.decode(*byte)) - i32::from(sample)).abs();
        (0..=u8::MAX).min_by_key(distance).unwrap_or_default()
    }
}

/// Companded audio in a file for sipp, and the samples that it stands for.
pub struct Speech {
    /// The headerless file.
    pub file: PathBuf,
    /// Its law.
    pub law: Law,
    /// Its samples at 8 kHz; none is zero, so that zeros in a capture are known to be silence.
    pub samples: Vec<i16>,
}

impl Speech {
    /// Noise out of `seed`, so that no stretch of it occurs twice.
    pub fn unique(folder: &Path, seed: u64, seconds: usize, law: Law) -> anyhow::Result<Self> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let noise = std::iter::repeat_with(|| {
            // xorshift64*
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
        });
        let bytes: Vec<u8> = noise.filter(|byte| law.decode(*byte) != 0).take(seconds * 8_000).collect();
        let file = folder.join(format!("speech-{seed}-{law:?}.g711"));
        std::fs::write(&file, &bytes)?;
        Ok(Self { file, law, samples: bytes.iter().map(|byte| law.decode(*byte)).collect() })
    }
}

impl Speech {
    /// A voice that says this, as espeak-ng has it, between noise that is too low to be speech.
    pub fn voice(folder: &Path, said: &str, seed: u64, law: Law) -> anyhow::Result<Self> {
        let wide = folder.join(format!("voice-{seed}.wav"));
        let spoken = Command::new("espeak-ng").arg("-w").arg(&wide).arg(said).status()?;
        anyhow::ensure!(spoken.success(), "espeak-ng: {spoken}");
        let narrow = folder.join(format!("voice-{seed}.s16"));
        let resampled = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-i"])
            .arg(&wide)
            .args(["-ar", "8000", "-ac", "1", "-f", "s16le"])
            .arg(&narrow)
            .status()?;
        anyhow::ensure!(resampled.success(), "ffmpeg: {resampled}");
        let voice = read_raw(&narrow)?;
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut quiet = move || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            // Eight values on either side of silence, and never silence itself.
            let step = 1 + (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 61) as i16;
            if state & 1 == 0 { 8 * step } else { -8 * step }
        };
        let lead: Vec<i16> = (0..8_000).map(|_| quiet()).collect();
        let middle: Vec<i16> =
            voice.iter().map(|sample| if sample.abs() < 8 { quiet() } else { *sample }).collect();
        let tail: Vec<i16> = (0..40_000).map(|_| quiet()).collect();
        let bytes: Vec<u8> = [lead, middle, tail].concat().iter().map(|sample| law.encode(*sample)).collect();
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| law.decode(*byte) != 0).collect();
        let file = folder.join(format!("voice-{seed}-{law:?}.g711"));
        std::fs::write(&file, &bytes)?;
        Ok(Self { file, law, samples: bytes.iter().map(|byte| law.decode(*byte)).collect() })
    }
}

/// A capture, found in what the caller said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Samples of silence before the caller's first one.
    pub silence: usize,
    /// Where in the speech the capture begins.
    pub from: usize,
    /// Where in the speech it ends.
    pub to: usize,
    /// Samples of silence after the caller's last one.
    pub trailing_silence: usize,
}

/// Finds `captured` in `speech`: one unbroken run of it, silence before and after it, and nothing else.
pub fn find(captured: &[i16], speech: &[i16]) -> anyhow::Result<Found> {
    let silence = captured.iter().take_while(|sample| **sample == 0).count();
    let trailing_silence = captured[silence..].iter().rev().take_while(|sample| **sample == 0).count();
    let spoken = &captured[silence..captured.len() - trailing_silence];
    let probe = spoken.get(..80).with_context(|| format!("only {} samples of speech", spoken.len()))?;
    let from = speech.windows(probe.len()).position(|window| window == probe);
    let from = from.context("the capture begins with something that the caller did not say")?;
    let said = &speech[from..];
    let same = spoken.iter().zip(said).take_while(|(captured, said)| captured == said).count();
    ensure!(
        same == spoken.len(),
        "after {same} of {} samples, which the caller said from sample {from} on, comes something else: {:?} for {:?}",
        spoken.len(),
        &spoken[same..spoken.len().min(same + 8)],
        &said[same.min(said.len())..said.len().min(same + 8)],
    );
    Ok(Found { silence, from, to: from + same, trailing_silence })
}

/// A `.raw` file: 16-bit little-endian samples and nothing else.
pub fn read_raw(file: &Path) -> anyhow::Result<Vec<i16>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(bytes.len() % 2 == 0, "{} has an odd length", file.display());
    Ok(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// A sine of half the full scale as a 16-bit mono WAV file at 8 kHz.
pub fn write_tone(file: &Path, frequency_hz: f64, seconds: f64) -> anyhow::Result<()> {
    let sample =
        |n: u32| (16_000.0 * (std::f64::consts::TAU * frequency_hz * f64::from(n) / 8_000.0).sin()) as i16;
    let samples: Vec<i16> = (0..(seconds * 8_000.0) as u32).map(sample).collect();
    write_wav(file, &samples)
}

/// A 16-bit mono WAV file at 8 kHz.
pub fn write_wav(file: &Path, samples: &[i16]) -> anyhow::Result<()> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&u32::try_from(36 + data.len())?.to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    wav.extend_from_slice(&u32::try_from(data.len())?.to_le_bytes());
    wav.extend_from_slice(&data);
    Ok(std::fs::write(file, wav)?)
}

/// The share of the energy of `samples` that lies at `frequency_hz` (Goertzel): about 1 for that tone alone.
pub fn share_at(samples: &[i16], frequency_hz: f64) -> f64 {
    let coefficient = 2.0 * (std::f64::consts::TAU * frequency_hz / 8_000.0).cos();
    let (mut s1, mut s2, mut energy) = (0.0, 0.0, 0.0);
    for sample in samples.iter().map(|sample| f64::from(*sample)) {
        let s0 = sample + coefficient * s1 - s2;
        (s2, s1) = (s1, s0);
        energy += sample * sample;
    }
    if energy == 0.0 {
        return 0.0;
    }
    2.0 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / (energy * samples.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    // ITU-T G.711: the ends and the smallest values of both laws.
    #[test]
    fn decodes_g711() {
        let mu = |byte| Law::Mu.decode(byte);
        assert_eq!([mu(0x80), mu(0x00), mu(0xFE), mu(0x7E), mu(0xFF)], [32124, -32124, 8, -8, 0]);
        let a = |byte| Law::A.decode(byte);
        assert_eq!([a(0xD5), a(0x55), a(0xAA), a(0x2A)], [8, -8, 32256, -32256]);
    }

    #[test]
    fn a_capture_is_found_and_a_hole_or_a_foreign_sample_is_not_overlooked() {
        let folder = tempfile::tempdir().unwrap();
        let speech = Speech::unique(folder.path(), 1, 2, Law::Mu).unwrap().samples;
        let captured = [&[0; 7], &speech[100..9_000], &[0; 5]].concat();
        let found = Found { silence: 7, from: 100, to: 9_000, trailing_silence: 5 };
        assert_eq!(find(&captured, &speech).unwrap(), found);
        let hole = [&speech[100..900], &speech[1_060..2_000]].concat();
        assert!(find(&hole, &speech).is_err());
        let mut wrong = captured;
        wrong[5_000] = 1;
        assert!(find(&wrong, &speech).is_err());
    }

    #[test]
    fn a_tone_is_told_from_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tone.wav");
        write_tone(&file, 1_000.0, 0.5).unwrap();
        let wav = std::fs::read(&file).unwrap();
        let samples: Vec<i16> =
            wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert!(share_at(&samples, 1_000.0) > 0.99);
        assert!(share_at(&samples, 1_500.0) < 0.01);
    }
}
