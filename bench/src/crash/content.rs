//! What a fragment holds follows from its stream and its timecode.

use bytes::Bytes;
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};

const TRACK: u8 = 1;
/// Timecodes begin here and grow by a second per fragment, over all runs.
const FIRST_MS: u64 = 1_700_000_000_000;
/// No run sends more fragments.
const RUN: u64 = 100_000;

/// The timecode of a fragment of a run.
pub(super) fn timecode_ms(run: u32, fragment: u64) -> u64 {
    FIRST_MS + (u64::from(run) * RUN + fragment) * 1_000
}

/// The beginning of an upload.
pub(super) fn head() -> Bytes {
    let mut out = Vec::new();
    DocumentHead::connect([7; 16], &[TrackHead::connect(TRACK, "AUDIO_FROM_CUSTOMER")]).write(&mut out);
    out.into()
}

/// A fragment as it is sent.
pub(super) fn cluster(stream: usize, timecode_ms: u64) -> Bytes {
    let mut out = Vec::new();
    write::cluster_start(&mut out, timecode_ms);
    write::simple_block(&mut out, TRACK, 0, FLAG_KEYFRAME, &payload(stream, timecode_ms));
    out.into()
}

/// The fragment's one frame: says whose it is, then goes on for up to 4 kB in a way that only this one does.
pub(super) fn payload(stream: usize, timecode_ms: u64) -> Vec<u8> {
    let mut state = timecode_ms.rotate_left(8) ^ stream as u64;
    let mut next = || {
        // splitmix64
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let length = 64 + (next() % 4_000) as usize;
    let mut payload = Vec::with_capacity(length + 24);
    payload.extend_from_slice(&(stream as u64).to_le_bytes());
    payload.extend_from_slice(&timecode_ms.to_le_bytes());
    while payload.len() < length {
        payload.extend_from_slice(&next().to_le_bytes());
    }
    payload
}

/// The timecode of the fragment that a frame belongs to, if it is one of this stream, unaltered.
pub(super) fn recognise(stream: usize, frame: &[u8]) -> Option<u64> {
    let timecode_ms = u64::from_le_bytes(frame.get(8..16)?.try_into().ok()?);
    (frame == payload(stream, timecode_ms)).then_some(timecode_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_recognised_and_an_altered_one_or_one_of_another_stream_is_not() {
        let frame = payload(3, timecode_ms(2, 5));
        assert_eq!(recognise(3, &frame), Some(timecode_ms(2, 5)));
        assert_eq!(recognise(4, &frame), None);
        for at in 0..frame.len() {
            let mut altered = frame.clone();
            altered[at] ^= 1;
            assert_eq!(recognise(3, &altered), None, "byte {at}");
        }
        assert_eq!(recognise(3, &frame[..frame.len() - 1]), None);
        assert_ne!(timecode_ms(1, 0), timecode_ms(0, RUN - 1));
    }
}
