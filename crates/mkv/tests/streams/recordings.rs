//! Bytes recorded from the real service and from real producers, read and written again.
//!
//! They are not part of this repository: the folder is named by `TYMPAN_GROUND_TRUTH`, and a test is skipped, saying
//! so, where it is absent.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use crate::oracle::{Said, Section, Transcript};
use proptest::prelude::*;
use std::path::PathBuf;
use tympan_mkv::fragment::HeadPart;
use tympan_mkv::write::{self, AudioHead, DocumentHead, TrackHead};
use tympan_mkv::{Limits, MkvError, element};

const RECORDINGS: [&str; 6] = [
    "kvs-recordings/test_mixed_tags.mkv",
    "kvs-recordings/output_get_media_sparse_fragments.mkv",
    "kvs-recordings/output-get-media-equal-timecode.mkv",
    "putmedia/c-producer-aac-relative.mkv",
    "putmedia/kvssink-alaw-absolute.mkv",
    "putmedia/ffmpeg-h264.mkv",
];

fn recording(name: &str) -> Option<Vec<u8>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let folder =
        std::env::var_os("TYMPAN_GROUND_TRUTH").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let bytes = std::fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        eprintln!("skipped: {name} is not under TYMPAN_GROUND_TRUTH");
    }
    bytes
}

fn transcript(name: &str) -> Option<(Vec<u8>, Transcript)> {
    let bytes = recording(name)?;
    let transcript = Transcript::of(&bytes, Limits::default(), bytes.len());
    Some((bytes, transcript))
}

fn count(transcript: &Transcript, wanted: fn(&Said) -> bool) -> usize {
    transcript.said.iter().filter(|said| wanted(said)).count()
}

#[test]
fn how_a_recording_is_cut_does_not_matter() {
    for bytes in RECORDINGS.iter().filter_map(|name| recording(name)) {
        crate::oracle::check_cuts(&bytes, Limits::default(), &[1, 1000, 65_536]);
    }
}

#[test]
fn recordings_cut_at_random_read_the_same() {
    for (bytes, whole) in RECORDINGS.iter().filter_map(|name| transcript(name)) {
        let cuts = proptest::collection::vec(0..=bytes.len(), 0..40);
        proptest!(ProptestConfig::with_cases(8), |(mut cuts in cuts)| {
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
            let cut = Transcript::of_pieces(pieces, Limits::default());
            prop_assert_eq!(cut.outcome, whole.outcome);
            prop_assert!(cut.said == whole.said && cut.sections == whole.sections);
        });
    }
}

#[test]
fn mixed_tags_has_ten_fragments_with_their_tags() {
    let Some((_, transcript)) = transcript("kvs-recordings/test_mixed_tags.mkv") else { return };
    assert_eq!(transcript.outcome, Ok(()));
    assert_eq!(count(&transcript, |said| *said == Said::Document), 10);
    assert_eq!(count(&transcript, |said| *said == Said::ClusterStart), 10);
    assert_eq!(count(&transcript, |said| *said == Said::ClusterEnd), 10);
    let numbers =
        count(&transcript, |said| matches!(said, Said::Tag(name, _) if name.ends_with("FRAGMENT_NUMBER")));
    assert_eq!(numbers, 10);
    let tracks = transcript.said.iter().find_map(|said| match said {
        Said::Tracks(tracks) => Some(&tracks[0]),
        _ => None,
    });
    let track = tracks.unwrap();
    assert_eq!((track.name.as_deref(), &track.codec_id[..]), (Some("test track"), "V_MS/VFW/FOURCC"));
    assert_eq!((track.number, track.kind, track.codec_private.len()), (1, 1, 40));
}

#[test]
fn user_tags_before_info_are_told_apart_from_the_head_that_every_fragment_repeats() {
    let Some((_, transcript)) = transcript("kvs-recordings/test_mixed_tags.mkv") else { return };
    let before_info: Vec<_> = transcript
        .sections
        .iter()
        .enumerate()
        .filter(|(_, (section, _))| *section == Section::Head(HeadPart::BeforeInfo))
        .map(|(index, _)| index)
        .collect();
    assert_eq!(before_info, [2, 3, 4, 5, 6], "five Tags elements, in the first document only");
}

#[test]
fn a_recording_cut_in_mid_element_gives_what_is_whole_and_says_where_it_ends() {
    let Some((bytes, transcript)) = transcript("kvs-recordings/output-get-media-equal-timecode.mkv") else {
        return;
    };
    let end = bytes.len() as u64;
    assert!(
        matches!(transcript.outcome, Err(MkvError::Truncated { offset, .. }) if offset == end),
        "{:?}",
        transcript.outcome
    );
    assert_eq!(transcript.verbatim(), bytes, "the cut is not in a header");
    assert_eq!(count(&transcript, |said| *said == Said::Document), 2);
    assert!(count(&transcript, |said| *said == Said::ClusterEnd) >= 1);
}

#[test]
fn producers_files_read_whole() {
    for (name, clusters, tracks) in [
        ("putmedia/c-producer-aac-relative.mkv", 4, 1),
        ("putmedia/kvssink-alaw-absolute.mkv", 3, 1),
        ("putmedia/ffmpeg-h264.mkv", 8, 1),
    ] {
        let Some((bytes, transcript)) = transcript(name) else { continue };
        assert_eq!(transcript.outcome, Ok(()), "{name}");
        assert_eq!(count(&transcript, |said| *said == Said::ClusterEnd), clusters, "{name}");
        assert_eq!(transcript.verbatim(), bytes);
        assert!(
            transcript.said.iter().any(|said| matches!(said, Said::Tracks(found) if found.len() == tracks))
        );
    }
}

/// Each Tags element that the service wrote (4-byte sizes) is written again from its names and values.
#[test]
fn service_tags_of_every_recorded_fragment_are_reproduced_byte_for_byte() {
    let mut reproduced = 0;
    for (_, transcript) in RECORDINGS[..3].iter().filter_map(|name| transcript(name)) {
        for (recorded, tags) in tags_elements(&transcript) {
            if tags.iter().any(|(name, _)| name.starts_with("AWS_")) {
                let mut written = Vec::new();
                write::service_tags(&mut written, &tags);
                assert_eq!(written, recorded);
                reproduced += 1;
            }
        }
    }
    assert!(reproduced == 0 || reproduced >= 20 + 6 + 3, "{reproduced}");
}

/// And those of producers (8-byte sizes, one tag each).
#[test]
fn user_tags_of_producers_are_reproduced_byte_for_byte() {
    for name in [RECORDINGS[0], RECORDINGS[3], RECORDINGS[4]] {
        let Some((_, transcript)) = transcript(name) else { continue };
        let mut reproduced = 0;
        for (recorded, tags) in tags_elements(&transcript) {
            if let [(name, value)] = tags[..] {
                let mut written = Vec::new();
                write::user_tag(&mut written, name, value);
                assert_eq!(written, recorded);
                reproduced += 1;
            }
        }
        assert!(reproduced > 0);
    }
}

/// Names and values.
type Tags<'a> = Vec<(&'a str, &'a str)>;

/// Each whole Tags element of a transcript: its bytes, its tags.
fn tags_elements(transcript: &Transcript) -> Vec<(&[u8], Tags<'_>)> {
    let runs = transcript
        .sections
        .iter()
        .map(|(_, bytes)| &bytes[..])
        .filter(|run| run.starts_with(b"\x12\x54\xC3\x67"));
    let mut tags: Vec<Tags<'_>> = Vec::new();
    for said in &transcript.said {
        match (said, tags.last_mut()) {
            (Said::SegmentChild(element::TAGS), _) => tags.push(Vec::new()),
            (Said::Tag(name, value), Some(tags)) => tags.push((name, value)),
            _ => {}
        }
    }
    runs.zip(tags).collect()
}

#[test]
fn the_heads_of_the_sdk_are_reproduced_byte_for_byte() {
    let recorded = [
        (
            RECORDINGS[3],
            "kvs_audio_track",
            "A_AAC",
            AudioHead { sampling_hz: 48_000.0, channels: 2, bit_depth: None },
            &[0x11, 0x90][..],
        ),
        (
            RECORDINGS[4],
            "audio",
            "A_MS/ACM",
            AudioHead { sampling_hz: 8000.0, channels: 1, bit_depth: None },
            &[6, 0, 1, 0, 0x40, 0x1F, 0, 0, 0xE8, 3, 0, 0, 1, 0, 0, 0, 0, 0],
        ),
    ];
    for (file, name, codec_id, audio, codec_private) in recorded {
        let Some(bytes) = recording(file) else { continue };
        let tracks = [TrackHead {
            number: 1,
            uid: 1,
            kind: TrackHead::AUDIO,
            name,
            codec_id,
            audio: Some(audio),
            codec_private,
        }];
        let segment_uid = bytes[54..70].try_into().unwrap();
        let mut written = Vec::new();
        DocumentHead::sdk(segment_uid, &tracks).write(&mut written);
        let head_bytes = bytes.windows(4).position(|id| id == b"\x1F\x43\xB6\x75").unwrap();
        assert_eq!(written, bytes[..head_bytes], "{file}");
    }
}

/// A producer's file, written again from what was read of it.
#[test]
fn clusters_and_blocks_of_the_sdk_are_reproduced_byte_for_byte() {
    for name in [RECORDINGS[3], RECORDINGS[4]] {
        let Some((bytes, transcript)) = transcript(name) else { continue };
        let mut written = Vec::new();
        for said in &transcript.said {
            match said {
                Said::ClusterTimecode(timecode) => write::cluster_start(&mut written, *timecode),
                Said::Block { header, payload, .. } => {
                    let track = u8::try_from(header.track).unwrap();
                    write::simple_block(&mut written, track, header.relative_timecode, header.flags, payload);
                }
                Said::Tag(name, value) => write::user_tag(&mut written, name, value),
                _ => {}
            }
        }
        assert!(bytes.ends_with(&written), "{name}");
        assert_eq!(
            bytes.windows(4).position(|id| id == b"\x1F\x43\xB6\x75"),
            Some(bytes.len() - written.len())
        );
    }
}
