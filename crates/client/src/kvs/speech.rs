//! Speech as an upload of `PutMedia`, in the shape of a call: one track, a fragment a second.

use super::Upload;
use bytes::Bytes;
use std::time::Duration;
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};
use tympan_telephony::audio::pcm;
use tympan_types::ProducerTime;

/// How fast speech is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the network takes it.
    Network,
    /// As fast as it was spoken, 20 ms at a time.
    Speech,
}

/// How many fragments so many samples at 8 kHz become.
pub fn speech_fragments(samples: &[i16]) -> usize {
    samples.len().div_ceil(FRAGMENT_SAMPLES)
}

/// A second.
const FRAGMENT_SAMPLES: usize = 8_000;

/// Sends samples at 8 kHz as one document whose first timecode is `start`, and ends the body. It ends early when the
/// service takes no more: its last acknowledgement says why.
pub async fn send_speech(upload: Upload, samples: Vec<i16>, start: ProducerTime, pace: Pace) {
    let begun = tokio::time::Instant::now();
    let mut out = document_head();
    let mut sent_frames = 0u32;
    for (second, fragment) in samples.chunks(FRAGMENT_SAMPLES).enumerate() {
        let begins = start.plus_ms(i64::try_from(second).unwrap_or(i64::MAX).saturating_mul(1_000));
        write::cluster_start(&mut out, u64::try_from(begins.unix_ms()).unwrap_or(0));
        for (index, frame) in fragment.chunks(pcm::FRAME_SAMPLES).enumerate() {
            let flags = if index == 0 { FLAG_KEYFRAME } else { 0 };
            let mut payload = Vec::with_capacity(frame.len() * 2);
            pcm::extend_le_bytes(&mut payload, frame);
            // At most 980.
            write::simple_block(&mut out, TRACK, index as i16 * 20, flags, &payload);
            if pace == Pace::Speech {
                sent_frames += 1;
                // A frame is complete when its last sample was spoken.
                tokio::time::sleep_until(begun + Duration::from_millis(20) * sent_frames).await;
                if !upload.send(Bytes::from(std::mem::take(&mut out))).await {
                    return;
                }
            }
        }
        write::user_tag(&mut out, "MimeType", "audio/L16;rate=8000;channels=1;");
        write::user_tag(&mut out, TRACK_NAME, &TRACK.to_string());
        if !upload.send(Bytes::from(std::mem::take(&mut out))).await {
            return;
        }
    }
}

const TRACK: u8 = 1;
const TRACK_NAME: &str = "AUDIO_FROM_CUSTOMER";

fn document_head() -> Vec<u8> {
    let mut out = Vec::new();
    let uid = *uuid::Uuid::new_v4().as_bytes();
    DocumentHead::connect(uid, &[TrackHead::connect(TRACK, TRACK_NAME)]).write(&mut out);
    out
}
