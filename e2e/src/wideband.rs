//! G.722 as ffmpeg has it, and the filters between 16 and 8 kHz that docs/calls.md describes, apart from tympan's own code.

use anyhow::{Context, ensure};
use std::path::Path;
use std::process::Command;

/// Half of the symmetric low-pass of 51 taps, in 1/32,768: taps 0, 2, 4 ... 24. The other even ones mirror them, the middle
/// one is a half, and all others are zero.
const TAPS: [i64; 13] = [14, -34, 65, -112, 180, -275, 406, -587, 845, -1_233, 1_895, -3_358, 10_386];

/// All 51 taps.
fn low_pass() -> [i64; 51] {
    let mut taps = [0; 51];
    taps[25] = 1 << 14;
    for (nth, tap) in TAPS.into_iter().enumerate() {
        (taps[2 * nth], taps[50 - 2 * nth]) = (tap, tap);
    }
    taps
}

/// The samples filtered, without a delay taken out: `y[n]` is the sum of `taps[k] * x[n - k]`, rounded.
fn filtered(samples: &[i16], gain: i64) -> Vec<i16> {
    let taps = low_pass();
    let at = |n: usize| {
        let sum: i64 = taps
            .iter()
            .enumerate()
            .filter_map(|(k, tap)| Some(gain * tap * i64::from(*samples.get(n.checked_sub(k)?)?)))
            .sum();
        ((sum + (1 << 14)) >> 15).clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
    };
    (0..samples.len()).map(at).collect()
}

/// 16 kHz low-passed, and every second sample of it: those of the later of each pair.
pub fn decimated(samples_16k: &[i16]) -> Vec<i16> {
    filtered(samples_16k, 1).into_iter().skip(1).step_by(2).collect()
}

/// 8 kHz with a zero behind each sample, low-passed.
pub fn interpolated(samples_8k: &[i16]) -> Vec<i16> {
    let spread: Vec<i16> = samples_8k.iter().flat_map(|sample| [*sample, 0]).collect();
    filtered(&spread, 2)
}

/// What ffmpeg makes of 16 kHz samples.
pub fn encoded(folder: &Path, samples_16k: &[i16]) -> anyhow::Result<Vec<u8>> {
    let bytes: Vec<u8> = samples_16k.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let input = ["-f", "s16le", "-ar", "16000", "-ac", "1"];
    ffmpeg(folder, &bytes, &input, &["-c:a", "g722", "-f", "g722"])
}

/// The 16 kHz samples that ffmpeg makes of it.
pub fn decoded(folder: &Path, codes: &[u8]) -> anyhow::Result<Vec<i16>> {
    let bytes = ffmpeg(folder, codes, &["-f", "g722"], &["-f", "s16le"])?;
    Ok(bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

fn ffmpeg(folder: &Path, bytes: &[u8], input: &[&str], output: &[&str]) -> anyhow::Result<Vec<u8>> {
    let (from, to) = (folder.join("ffmpeg.in"), folder.join("ffmpeg.out"));
    std::fs::write(&from, bytes)?;
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]).args(input);
    let ran = command.arg("-i").arg(&from).args(output).arg(&to).output().context("cannot run ffmpeg")?;
    ensure!(ran.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&ran.stderr));
    Ok(std::fs::read(&to)?)
}

/// Where in `said` a capture begins and ends: one unbroken run of it between silences, and nothing else.
///
/// Unlike [`crate::audio::find`] it takes samples of zero for what they are: a decoder gives some amidst speech.
pub fn find(captured: &[i16], said: &[i16]) -> anyhow::Result<(usize, usize)> {
    let silence = captured.iter().take_while(|sample| **sample == 0).count();
    let spoken = &captured[silence..];
    let end = spoken.len() - spoken.iter().rev().take_while(|sample| **sample == 0).count();
    let spoken = &spoken[..end];
    let probe = spoken.get(..160).with_context(|| format!("only {} samples of speech", spoken.len()))?;
    let from = said.windows(probe.len()).position(|window| window == probe);
    let from = from.context("the capture begins with something that the reference has not")?;
    let same = spoken.iter().zip(&said[from..]).take_while(|(one, other)| one == other).count();
    ensure!(same == spoken.len(), "{same} of {} samples are the reference's, from {from} on", spoken.len());
    Ok((from, from + same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_low_pass_lets_a_constant_through_and_no_half_of_its_rate() {
        let constant = decimated(&[1_000; 400]);
        assert!(constant[30..].iter().all(|sample| *sample == 1_000), "{constant:?}");
        let alternating: Vec<i16> = (0..400).map(|n| if n % 2 == 0 { 8_000 } else { -8_000 }).collect();
        assert!(decimated(&alternating)[30..].iter().all(|sample| sample.abs() <= 1));
        assert!(interpolated(&[1_000; 200])[60..].iter().all(|sample| *sample == 1_000));
    }

    #[test]
    fn a_foreign_sample_and_a_hole_are_not_overlooked() {
        let said: Vec<i16> = (0..2_000).map(|n| (n * 7_919 % 4_001) as i16 - 2_000).collect();
        assert_eq!(find(&[&[0; 9], &said[100..900], &[0; 3]].concat(), &said).unwrap(), (100, 900));
        let mut wrong = said[100..900].to_vec();
        wrong[400] ^= 1;
        assert!(find(&wrong, &said).is_err());
        assert!(find(&[&said[100..400], &said[560..900]].concat(), &said).is_err());
    }
}
