//! The head of a document as the producer SDK of Kinesis Video Streams writes it: EBML header, Segment, Info, Tracks.

use super::{put_bytes, put_header, put_id, put_uint_1, put_uint_8, sized};
use crate::element;
use crate::vint;
use bytes::BufMut;

/// How the size of a Segment that has none yet is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentSize {
    /// `FF`: what the producer SDK sends.
    #[default]
    UnknownInOneByte,
    /// `01FFFFFFFFFFFFFF`: what GetMedia sends, and ffmpeg.
    UnknownInEightBytes,
}

/// The head of a document, from the EBML header to the end of Tracks.
///
/// Shape: TimestampScale is always 1,000,000, so that timecodes are milliseconds.
/// Source: captures of the producer SDK; for Amazon Connect, a published dump of one of its fragments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DocumentHead<'a> {
    /// How the Segment's size is written.
    pub segment_size: SegmentSize,
    /// SegmentUUID: 16 bytes that the caller draws at random.
    pub segment_uid: [u8; 16],
    /// Title.
    pub title: &'a str,
    /// MuxingApp.
    pub muxing_app: &'a str,
    /// WritingApp.
    pub writing_app: &'a str,
    /// The tracks, in the order written.
    pub tracks: &'a [TrackHead<'a>],
}

impl<'a> DocumentHead<'a> {
    /// Title of every document of the SDK.
    pub const SDK_TITLE: &'static str = "Kinesis Video SDK";
    /// MuxingApp and WritingApp of the C producer.
    pub const SDK_APP: &'static str = "Kinesis Video SDK 1.1.0";
    /// MuxingApp and WritingApp of Amazon Connect, which uses the Java producer.
    pub const SDK_JNI_APP: &'static str = "Kinesis Video SDK 1.1.0 JNI 2.0";

    /// A head as the C producer writes it.
    pub fn sdk(segment_uid: [u8; 16], tracks: &'a [TrackHead<'a>]) -> Self {
        Self {
            segment_size: SegmentSize::UnknownInOneByte,
            segment_uid,
            title: Self::SDK_TITLE,
            muxing_app: Self::SDK_APP,
            writing_app: Self::SDK_APP,
            tracks,
        }
    }

    /// A head as Amazon Connect writes it.
    pub fn connect(segment_uid: [u8; 16], tracks: &'a [TrackHead<'a>]) -> Self {
        Self {
            muxing_app: Self::SDK_JNI_APP,
            writing_app: Self::SDK_JNI_APP,
            ..Self::sdk(segment_uid, tracks)
        }
    }

    /// The same head with another form of the Segment's size.
    pub fn with_segment_size(self, segment_size: SegmentSize) -> Self {
        Self { segment_size, ..self }
    }

    /// Appends the head.
    pub fn write(&self, out: &mut impl BufMut) {
        ebml_header(out);
        put_id(out, element::SEGMENT);
        match self.segment_size {
            SegmentSize::UnknownInOneByte => vint::put_unknown_size(out, 1),
            SegmentSize::UnknownInEightBytes => vint::put_unknown_size(out, 8),
        }
        self.write_info(out);
        self.write_tracks(out);
    }

    fn write_info(&self, out: &mut impl BufMut) {
        const TIMECODE_SCALE_NS: u64 = 1_000_000;
        let texts = [
            (element::TITLE, self.title),
            (element::MUXING_APP, self.muxing_app),
            (element::WRITING_APP, self.writing_app),
        ];
        let uid_bytes = sized(element::SEGMENT_UID, self.segment_uid.len() as u64, 1);
        let text_bytes: u64 = texts.iter().map(|(id, text)| sized(*id, text.len() as u64, 1)).sum();
        put_header(out, element::INFO, uid_bytes + sized(element::TIMECODE_SCALE, 8, 1) + text_bytes, 2);
        put_bytes(out, element::SEGMENT_UID, &self.segment_uid, 1);
        put_uint_8(out, element::TIMECODE_SCALE, TIMECODE_SCALE_NS);
        for (id, text) in texts {
            put_bytes(out, id, text.as_bytes(), 1);
        }
    }

    fn write_tracks(&self, out: &mut impl BufMut) {
        let entries: u64 =
            self.tracks.iter().map(|track| sized(element::TRACK_ENTRY, track.payload_bytes(), 4)).sum();
        put_header(out, element::TRACKS, entries, 4);
        for track in self.tracks {
            track.write(out);
        }
    }
}

/// A TrackEntry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackHead<'a> {
    /// TrackNumber, which the blocks repeat.
    pub number: u8,
    /// TrackUID.
    pub uid: u64,
    /// TrackType: 1 video, 2 audio.
    pub kind: u8,
    /// Name.
    pub name: &'a str,
    /// CodecID.
    pub codec_id: &'a str,
    /// The Audio element; Connect writes none.
    pub audio: Option<AudioHead>,
    /// CodecPrivate; left out where empty.
    pub codec_private: &'a [u8],
}

impl<'a> TrackHead<'a> {
    /// TrackType of audio.
    pub const AUDIO: u8 = 2;

    /// An audio track as Amazon Connect declares it: `A_AAC` and the private data of 8 kHz mono AAC, although its
    /// blocks hold 16-bit PCM, and no Audio element.
    pub fn connect(number: u8, name: &'a str) -> Self {
        Self {
            number,
            uid: u64::from(number),
            kind: Self::AUDIO,
            name,
            codec_id: "A_AAC",
            audio: None,
            codec_private: &[0x15, 0x88],
        }
    }

    fn write(&self, out: &mut impl BufMut) {
        put_header(out, element::TRACK_ENTRY, self.payload_bytes(), 4);
        put_uint_1(out, element::TRACK_NUMBER, self.number);
        put_uint_8(out, element::TRACK_UID, self.uid);
        put_uint_1(out, element::TRACK_TYPE, self.kind);
        put_bytes(out, element::NAME, self.name.as_bytes(), 1);
        put_bytes(out, element::CODEC_ID, self.codec_id.as_bytes(), 1);
        if let Some(audio) = self.audio {
            audio.write(out);
        }
        if !self.codec_private.is_empty() {
            put_bytes(out, element::CODEC_PRIVATE, self.codec_private, 1);
        }
    }

    fn payload_bytes(&self) -> u64 {
        let private = match self.codec_private.len() as u64 {
            0 => 0,
            bytes => sized(element::CODEC_PRIVATE, bytes, 1),
        };
        sized(element::TRACK_NUMBER, 1, 1)
            + sized(element::TRACK_UID, 8, 1)
            + sized(element::TRACK_TYPE, 1, 1)
            + sized(element::NAME, self.name.len() as u64, 1)
            + sized(element::CODEC_ID, self.codec_id.len() as u64, 1)
            + self.audio.map_or(0, |audio| sized(element::AUDIO, audio.payload_bytes(), 4))
            + private
    }
}

/// An Audio element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioHead {
    /// SamplingFrequency.
    pub sampling_hz: f64,
    /// Channels.
    pub channels: u8,
    /// BitDepth, where it is stated.
    pub bit_depth: Option<u8>,
}

impl AudioHead {
    fn write(&self, out: &mut impl BufMut) {
        put_header(out, element::AUDIO, self.payload_bytes(), 4);
        put_bytes(out, element::SAMPLING_FREQUENCY, &self.sampling_hz.to_be_bytes(), 1);
        put_uint_1(out, element::CHANNELS, self.channels);
        if let Some(bits) = self.bit_depth {
            put_uint_1(out, element::BIT_DEPTH, bits);
        }
    }

    fn payload_bytes(&self) -> u64 {
        sized(element::SAMPLING_FREQUENCY, 8, 1)
            + sized(element::CHANNELS, 1, 1)
            + self.bit_depth.map_or(0, |_| sized(element::BIT_DEPTH, 1, 1))
    }
}

/// The EBML header of the SDK, 40 bytes.
pub fn ebml_header(out: &mut impl BufMut) {
    out.put_slice(&EBML_HEADER);
}

/// EBML version 1, ids of up to 4 and sizes of up to 8 bytes, DocType `matroska`, version 2.
#[rustfmt::skip]
const EBML_HEADER: [u8; 40] = [
    0x1A, 0x45, 0xDF, 0xA3, 0xA3,
    0x42, 0x86, 0x81, 1,
    0x42, 0xF7, 0x81, 1,
    0x42, 0xF2, 0x81, 4,
    0x42, 0xF3, 0x81, 8,
    0x42, 0x82, 0x88, b'm', b'a', b't', b'r', b'o', b's', b'k', b'a',
    0x42, 0x87, 0x81, 2,
    0x42, 0x85, 0x81, 2,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::SEGMENT_HEADER_UNKNOWN_8;

    #[test]
    fn the_head_of_connect_has_named_aac_tracks_and_no_audio_element() {
        let tracks =
            [TrackHead::connect(1, "AUDIO_FROM_CUSTOMER"), TrackHead::connect(2, "AUDIO_TO_CUSTOMER")];
        let mut out = Vec::new();
        DocumentHead::connect([7; 16], &tracks).write(&mut out);

        assert_eq!(out[40..45], [0x18, 0x53, 0x80, 0x67, 0xFF]);
        assert_eq!(out[45..51], [0x15, 0x49, 0xA9, 0x66, 0x40, 119]);
        let tracks_at = 51 + 119;
        let entry = |name: usize| 3 + 11 + 3 + (3 + name) + 7 + 5;
        let payload = 5 + entry(19) + 5 + entry(17);
        assert_eq!(out[tracks_at..tracks_at + 8], [0x16, 0x54, 0xAE, 0x6B, 0x10, 0, 0, payload as u8]);
        assert_eq!(out.len(), tracks_at + 8 + payload);
        let private_data = [0x63, 0xA2, 0x82, 0x15, 0x88];
        assert!(out.ends_with(&private_data));
        assert!(out.windows(12).any(|run| run == [b"\x86\x85A_AAC", &private_data[..]].concat()));
    }

    #[test]
    fn the_size_of_the_segment_is_the_only_difference_between_what_is_sent_and_what_is_served() {
        let head = DocumentHead::sdk([0; 16], &[]);
        let (mut sent, mut served) = (Vec::new(), Vec::new());
        head.write(&mut sent);
        head.with_segment_size(SegmentSize::UnknownInEightBytes).write(&mut served);
        assert_eq!(served[40..52], SEGMENT_HEADER_UNKNOWN_8);
        assert_eq!(sent[..40], served[..40]);
        assert_eq!(sent[45..], served[52..]);
    }
}
