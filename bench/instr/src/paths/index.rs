//! The index of a captured track, on the media thread.

use super::counted;
use anyhow::ensure;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::tone::sine;
use tympan_telephony::index::{IndexBuilder, read_all};
use tympan_telephony::words::Payload;

const FRAME_8K: usize = 160;
const FRAMES_OF_A_FRAGMENT: usize = 50;

/// A voice that never pauses: what costs most.
pub(super) fn frames(frames: usize) -> anyhow::Result<()> {
    let samples = frames * FRAME_8K;
    let tones: Vec<Vec<i16>> =
        (1..=8).map(|harmonic| sine(131.0 * f64::from(harmonic), 1_500.0, samples)).collect();
    let codes: Vec<u8> = (0..samples)
        .map(|at| Law::Mu.encode(tones.iter().map(|tone| tone[at]).fold(0, i16::saturating_add)))
        .collect();
    let mut builder = IndexBuilder::new(1);
    let mut block = Vec::with_capacity(1_024);
    let mut speech = 0;
    builder.push(&Payload::Ulaw(&codes[..FRAME_8K]));
    builder.finish_fragment_into(&mut block);
    counted(|| {
        for (at, frame) in codes.chunks(FRAME_8K).enumerate() {
            builder.push(&Payload::Ulaw(frame));
            if (at + 1) % FRAMES_OF_A_FRAGMENT == 0 {
                block.clear();
                builder.finish_fragment_into(&mut block);
                speech += block.len();
            }
        }
    });
    ensure!((speech > 0 || frames < FRAMES_OF_A_FRAGMENT) && read_all(&block).is_ok());
    Ok(())
}
