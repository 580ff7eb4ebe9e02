//! The time axis of a contact's sound: from the beginning of its first capture to the end of its last one.

use tympan_contact::CustomerAudio;
use tympan_store::IndexedFragment;
use tympan_telephony::index::{TrackIndex, read_all};
use tympan_types::WallTime;

/// Samples of a millisecond.
pub(crate) const SAMPLES_PER_MS: u32 = 8;
/// The Start block is entered, and the first sample follows; further apart than this, something lies between.
const NEAR_MS: u64 = 2_000;

/// Where the audio of a capture begins, which may differ by some milliseconds from when the block was entered; where its
/// beginning has expired, when the block was entered. `first_ms` is where its first fragment begins.
pub(crate) fn begin_ms(audio: &CustomerAudio, first_ms: Option<i64>) -> i64 {
    let started_ms = audio.start_timestamp.unix_ms();
    match first_ms {
        Some(first_ms) if first_ms.abs_diff(started_ms) < NEAR_MS => first_ms,
        Some(first_ms) => first_ms.min(started_ms),
        None => started_ms,
    }
}

/// Where a capture ends with its last fragment. One that goes on ends as far as there is anything of it.
pub(crate) fn end_ms(audio: &CustomerAudio, last: Option<&IndexedFragment>, now: WallTime) -> i64 {
    let ends = last.map(|fragment| {
        let tracks = fragment.index.as_deref().and_then(|index| read_all(index).ok()).unwrap_or_default();
        let samples = tracks.iter().map(TrackIndex::samples).max();
        // The duration ends with the beginning of the last frame.
        let lasts_ms = samples.map_or(fragment.meta.duration_ms, |samples| samples.div_ceil(SAMPLES_PER_MS));
        fragment.meta.producer.unix_ms().saturating_add(i64::from(lasts_ms))
    });
    ends.unwrap_or_else(|| audio.stop_timestamp.unwrap_or(now).unix_ms())
}

/// The RFC 3339 text of a place in time.
pub(crate) fn timestamp(ms: i64) -> String {
    WallTime::from_unix_ms(ms).rfc3339_ms()
}
