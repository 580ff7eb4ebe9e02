//! What a fragment holds, as far as playback cares: codecs, their private data, a first frame of each track.
//!
//! Source: GetHLSStreamingSessionURL and GetClip pages for what is played; ISO/IEC 14496-15 for avcC and hvcC;
//! ISO/IEC 14496-3 for AudioSpecificConfig.

use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink, Track};
use tympan_store::Fragment;

/// A frame is looked at up to here; a longer one is taken for whole.
const FRAME_BYTES: usize = 4 * 1024 * 1024;

/// A codec by its Matroska id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Avc,
    Hevc,
    Aac,
    /// A-law or mu-law, as Windows describes it.
    G711,
    Other,
}

impl Codec {
    fn of(id: &str) -> Self {
        match id {
            "V_MPEG4/ISO/AVC" => Self::Avc,
            "V_MPEGH/ISO/HEVC" => Self::Hevc,
            "A_AAC" => Self::Aac,
            "A_MS/ACM" => Self::G711,
            _ => Self::Other,
        }
    }

    pub(super) fn is_video(self) -> bool {
        matches!(self, Self::Avc | Self::Hevc)
    }

    pub(super) fn is_aac(self) -> bool {
        self == Self::Aac
    }

    /// Whether any playback call takes it at all.
    pub(super) fn is_played(self) -> bool {
        self != Self::Other
    }

    pub(super) fn needs_private(self) -> bool {
        self.is_played()
    }
}

/// A track and the first of its frames.
#[derive(Debug)]
pub(super) struct HeldTrack {
    number: u64,
    pub(super) codec: Codec,
    pub(super) private: Vec<u8>,
    frame: Vec<u8>,
    frame_is_whole: bool,
}

/// What is in a fragment.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) tracks: Vec<HeldTrack>,
    /// A tag says that the audio is linear PCM, whatever its track is called: Connect's is labelled A_AAC.
    pub(super) is_linear_pcm: bool,
}

/// Reads a fragment. What cannot be read is not held.
pub(super) fn held(fragment: &Fragment) -> Held {
    let mut held = Held::default();
    let mut reader = FragmentReader::new(tympan_mkv::Limits::default());
    let read = reader.push(&fragment.head, &mut held).and_then(|()| reader.push(&fragment.body, &mut held));
    if let Err(error) = read.and_then(|()| reader.finish(&mut held)) {
        tracing::debug!(%error, fragment_number = %fragment.meta.number, "a fragment cannot be read for playback");
    }
    held
}

impl FragmentSink for Held {
    fn tracks(&mut self, tracks: &[Track]) {
        let held = tracks.iter().map(|track| HeldTrack {
            number: track.number,
            codec: Codec::of(&track.codec_id),
            private: track.codec_private.clone(),
            frame: Vec::new(),
            frame_is_whole: false,
        });
        self.tracks = held.collect();
        self.tracks.sort_by_key(|track| track.number);
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], last: bool) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.number == block.track) else { return };
        if !track.frame_is_whole && track.frame.len() < FRAME_BYTES {
            track.frame.extend_from_slice(payload);
            track.frame_is_whole = last;
        }
    }

    fn tag(&mut self, name: &str, value: &str) {
        self.is_linear_pcm |= name == "MimeType" && value.to_ascii_lowercase().starts_with("audio/l16");
    }
}

impl HeldTrack {
    /// Whether the private data is that of the codec.
    pub(super) fn has_valid_private(&self) -> bool {
        let private = &self.private[..];
        match self.codec {
            Codec::Avc => private.len() >= 7 && private[0] == 1,
            Codec::Hevc => private.len() >= 23 && private[0] == 1,
            Codec::Aac => is_audio_specific_config(private),
            // WAVEFORMATEX of A-law (6) or mu-law (7).
            Codec::G711 => private.len() >= 18 && matches!(private[..2], [6 | 7, 0]),
            Codec::Other => true,
        }
    }

    /// Whether the first frame, where there is a whole one, can be one of the codec: a video frame is a row of NAL
    /// units, each after its length.
    pub(super) fn has_valid_frame(&self) -> bool {
        let lengths_at = match self.codec {
            Codec::Avc => 4,
            Codec::Hevc => 21,
            _ => return true,
        };
        let length_bytes = self.private.get(lengths_at).map_or(4, |byte| usize::from(byte & 3) + 1);
        !self.frame_is_whole || is_row_of_nal_units(&self.frame, length_bytes)
    }
}

fn is_row_of_nal_units(mut frame: &[u8], length_bytes: usize) -> bool {
    while !frame.is_empty() {
        let Some((length, rest)) = frame.split_at_checked(length_bytes) else { return false };
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let Some((_, rest)) = rest.split_at_checked(length).filter(|_| length > 0) else { return false };
        frame = rest;
    }
    true
}

/// Object type (5 bits, not 0), sampling frequency index (4 bits, 13 and 14 are reserved), channels (4 bits).
fn is_audio_specific_config(config: &[u8]) -> bool {
    let [first, second, ..] = config else { return false };
    let object_type = first >> 3;
    let frequency = (first & 7) << 1 | second >> 7;
    object_type != 0 && !matches!(frequency, 13 | 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(codec: Codec, private: &[u8], frame: &[u8]) -> HeldTrack {
        let (private, frame) = (private.to_vec(), frame.to_vec());
        HeldTrack { number: 1, codec, private, frame, frame_is_whole: true }
    }

    #[test]
    fn private_data_must_be_its_codecs() {
        let avc = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0];
        assert!(track(Codec::Avc, &avc, &[]).has_valid_private());
        assert!(!track(Codec::Avc, &[0, 0, 0, 1, 0x67, 0x42, 0], &[]).has_valid_private(), "Annex B");
        assert!(track(Codec::Aac, &[0x11, 0x90], &[]).has_valid_private());
        assert!(!track(Codec::Aac, &[0x00, 0x00], &[]).has_valid_private());
        assert!(!track(Codec::Aac, &[0x16, 0x80], &[]).has_valid_private());
        assert!(!track(Codec::Aac, &[0x11], &[]).has_valid_private());
        let mut law = [0; 18];
        law[0] = 7;
        assert!(track(Codec::G711, &law, &[]).has_valid_private());
        law[0] = 1;
        assert!(!track(Codec::G711, &law, &[]).has_valid_private());
        assert!(!track(Codec::Hevc, &[1; 22], &[]).has_valid_private());
    }

    #[test]
    fn a_video_frame_is_a_row_of_nal_units() {
        let avc = [1, 0x42, 0, 0x1e, 0xff, 0xe1, 0];
        let valid = |frame: &[u8]| track(Codec::Avc, &avc, frame).has_valid_frame();
        assert!(valid(&[0, 0, 0, 2, 9, 16, 0, 0, 0, 1, 101]));
        assert!(!valid(&[0, 0, 0, 1, 0x67, 0x42]));
        assert!(!valid(&[0, 0, 0, 0]));
        assert!(!valid(&[0, 0]));
        assert!(track(Codec::Aac, &[0x11, 0x90], &[1, 2, 3]).has_valid_frame());
    }
}
