//! What is written is what is read.

use crate::oracle::{Said, Transcript};
use proptest::prelude::*;
use tympan_mkv::Limits;
use tympan_mkv::write::{self, AudioHead, DocumentHead, SegmentSize, TrackHead};

#[derive(Debug, Clone)]
struct Block {
    track: u8,
    relative_ms: i16,
    flags: u8,
    payload: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Fragment {
    timecode_ms: u64,
    tags: Vec<(String, String)>,
    blocks: Vec<Block>,
    user_tags: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
struct TrackFields {
    number: u8,
    uid: u64,
    name: String,
    codec_id: String,
    audio: Option<(f64, u8, Option<u8>)>,
    codec_private: Vec<u8>,
}

/// Text as long as a Matroska string can carry without loss: zero bytes are padding there.
fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,140}"
}

fn tags() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec((text(), text()), 0..4)
}

fn block() -> impl Strategy<Value = Block> {
    let payload = proptest::collection::vec(any::<u8>(), 0..400);
    (0u8.., any::<i16>(), any::<u8>(), payload).prop_map(|(track, relative_ms, flags, payload)| Block {
        track,
        relative_ms,
        flags,
        payload,
    })
}

fn fragment() -> impl Strategy<Value = Fragment> {
    (any::<u64>(), tags(), proptest::collection::vec(block(), 0..6), tags())
        .prop_map(|(timecode_ms, tags, blocks, user_tags)| Fragment { timecode_ms, tags, blocks, user_tags })
}

fn track() -> impl Strategy<Value = TrackFields> {
    let audio = proptest::option::of((Just(8000.0), any::<u8>(), any::<Option<u8>>()));
    let codec_private = proptest::collection::vec(any::<u8>(), 0..200);
    (any::<u8>(), any::<u64>(), text(), text(), audio, codec_private).prop_map(
        |(number, uid, name, codec_id, audio, codec_private)| TrackFields {
            number,
            uid,
            name,
            codec_id,
            audio,
            codec_private,
        },
    )
}

impl TrackFields {
    fn head(&self) -> TrackHead<'_> {
        TrackHead {
            number: self.number,
            uid: self.uid,
            kind: TrackHead::AUDIO,
            name: &self.name,
            codec_id: &self.codec_id,
            audio: self.audio.map(|(sampling_hz, channels, bit_depth)| AudioHead {
                sampling_hz,
                channels,
                bit_depth,
            }),
            codec_private: &self.codec_private,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_what_is_read_however_it_is_cut(
        documents in proptest::collection::vec((
            proptest::collection::vec(track(), 0..3),
            proptest::collection::vec(fragment(), 0..3),
            any::<bool>(),
        ), 0..3),
        piece in 1usize..600,
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (tracks, fragments, eight) in &documents {
            let heads: Vec<_> = tracks.iter().map(TrackFields::head).collect();
            let size = if *eight { SegmentSize::UnknownInEightBytes } else { SegmentSize::UnknownInOneByte };
            DocumentHead::sdk([5; 16], &heads).with_segment_size(size).write(&mut bytes);
            expected.push(Said::Document);
            for fragment in fragments {
                write_fragment(&mut bytes, &mut expected, fragment);
            }
        }
        let read = Transcript::of(&bytes, Limits::default(), piece);
        prop_assert_eq!(read.outcome, Ok(()));
        prop_assert_eq!(read.verbatim(), bytes);
        let tracks: Vec<_> = documents.iter().flat_map(|(tracks, ..)| tracks).collect();
        let read_tracks: Vec<_> = read.said.iter().filter_map(|said| match said {
            Said::Tracks(tracks) => Some(tracks),
            _ => None,
        }).flatten().collect();
        prop_assert_eq!(read_tracks.len(), tracks.len());
        for (read, written) in read_tracks.iter().zip(&tracks) {
            prop_assert_eq!(read.number, u64::from(written.number));
            prop_assert_eq!(read.uid, written.uid);
            prop_assert_eq!(read.name.as_ref(), Some(&written.name));
            prop_assert_eq!(&read.codec_id, &written.codec_id);
            prop_assert_eq!(&read.codec_private, &written.codec_private);
        }
        let told: Vec<_> = read.said.into_iter().filter(|said| matches!(
            said,
            Said::Document | Said::ClusterTimecode(_) | Said::Block { .. } | Said::ClusterEnd | Said::Tag(..)
        )).collect();
        prop_assert_eq!(told, expected);
    }
}

fn write_fragment(bytes: &mut Vec<u8>, expected: &mut Vec<Said>, fragment: &Fragment) {
    let tags: Vec<_> = fragment.tags.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    write::service_tags(bytes, &tags);
    expected.extend(fragment.tags.iter().map(|(name, value)| Said::Tag(name.clone(), value.clone())));
    write::cluster_start(bytes, fragment.timecode_ms);
    expected.push(Said::ClusterTimecode(fragment.timecode_ms));
    for block in &fragment.blocks {
        write::simple_block(bytes, block.track, block.relative_ms, block.flags, &block.payload);
        let header = tympan_mkv::fragment::BlockHeader {
            track: block.track.into(),
            relative_timecode: block.relative_ms,
            flags: block.flags,
            simple: true,
            first: true,
        };
        expected.push(Said::Block { header, payload: block.payload.clone(), last: true });
    }
    expected.push(Said::ClusterEnd);
    for (name, value) in &fragment.user_tags {
        write::user_tag(bytes, name, value);
        expected.push(Said::Tag(name.clone(), value.clone()));
    }
}
