//! What must hold for any bytes that come as a WAV file, shared by the fuzz target and the corpus test.

use tympan_telephony::audio::wav;

/// Reads a file: it is refused, or becomes no more samples than its bytes can stand for, which are written and read again as they are.
pub(crate) fn check(file: &[u8]) {
    let Ok(samples) = wav::read(file) else { return };
    // The lowest rate is half of 8 kHz, and a sample is a byte at least.
    assert!(samples.len() <= 2 * file.len(), "{} samples of {} bytes", samples.len(), file.len());
    assert_eq!(wav::read(&wav::write(&samples)).as_deref(), Ok(&samples[..]));
}
