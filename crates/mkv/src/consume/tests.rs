use super::*;
use crate::write::{self, DocumentHead, SegmentSize, TrackHead};

fn tag(name: &str, value: &str) -> Tag {
    Tag { name: name.into(), value: value.into() }
}

/// A fragment in the shape of GetMedia, with frames of 2 bytes at 0 and 20 ms.
fn fragment(number: u8) -> Vec<u8> {
    let tracks = [TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
    let mut out = Vec::new();
    DocumentHead::connect([number; 16], &tracks)
        .with_segment_size(SegmentSize::UnknownInEightBytes)
        .write(&mut out);
    write::service_tags(&mut out, &[("NUMBER", &number.to_string())]);
    write::cluster_start(&mut out, 1000 * u64::from(number));
    write::simple_block(&mut out, 1, 0, write::FLAG_KEYFRAME, &[number, 0]);
    write::simple_block(&mut out, 1, 20, write::FLAG_KEYFRAME, &[number, 20]);
    write::user_tag(&mut out, "ContactId", "c");
    write::service_tags(&mut out, &[("BEHIND", "0")]);
    out
}

fn drain(reader: &mut MediaReader) -> Vec<MediaEvent> {
    std::iter::from_fn(|| reader.poll()).collect()
}

#[test]
fn a_fragment_is_its_tags_its_frames_and_the_tags_after_it() {
    let mut reader = MediaReader::new(Limits::default());
    reader.push([fragment(1), fragment(2)].concat().into()).unwrap();
    reader.finish().unwrap();
    let events = drain(&mut reader);
    assert_eq!(events.len(), 8);
    let MediaEvent::FragmentStart { tags, tracks, timecode, timecode_scale_ns } = &events[4] else {
        panic!("{:?}", events[4]);
    };
    assert_eq!((&tags[..], *timecode, *timecode_scale_ns), (&[tag("NUMBER", "2")][..], 2000, 1_000_000));
    assert_eq!(tracks[0].name.as_deref(), Some("AUDIO_FROM_CUSTOMER"));
    assert_eq!(
        events[6],
        MediaEvent::Frame(Frame {
            track: 1,
            time_ns: 2_020_000_000,
            flags: 0x80,
            data: Bytes::from_static(&[2, 20])
        })
    );
    assert_eq!(events[7], MediaEvent::FragmentEnd { tags: vec![tag("ContactId", "c"), tag("BEHIND", "0")] });
}

#[test]
fn a_frame_is_told_with_its_last_byte_while_the_cluster_is_open() {
    let whole = fragment(1);
    let second_block = whole.windows(2).position(|bytes| bytes == [1, 20]).unwrap();
    let mut reader = MediaReader::new(Limits::default());
    reader.push(Bytes::copy_from_slice(&whole[..=second_block])).unwrap();
    assert_eq!(drain(&mut reader).len(), 2);
    reader.push(Bytes::copy_from_slice(&whole[second_block + 1..second_block + 2])).unwrap();
    assert!(matches!(&drain(&mut reader)[..], [MediaEvent::Frame(frame)] if frame.data[..] == [1, 20]));
}

#[test]
fn a_whole_frame_shares_the_memory_of_its_chunk() {
    let chunk = Bytes::from(fragment(1));
    let mut reader = MediaReader::new(Limits::default());
    reader.push(chunk.clone()).unwrap();
    let MediaEvent::Frame(frame) = &drain(&mut reader)[1] else { panic!("no frame") };
    assert!(chunk.as_ptr_range().contains(&frame.data.as_ptr()));
}

#[test]
fn a_document_without_a_cluster_has_its_tags_told_alone() {
    let mut error = Vec::new();
    write::ebml_header(&mut error);
    write::segment_header_unknown_8(&mut error);
    write::service_tags(&mut error, &[("ERROR_ID", "4500")]);
    let mut reader = MediaReader::new(Limits::default());
    reader.push([fragment(1), error].concat().into()).unwrap();
    reader.finish().unwrap();
    assert_eq!(
        drain(&mut reader).last(),
        Some(&MediaEvent::TagsOnly { tags: vec![tag("ERROR_ID", "4500")] })
    );
}

#[test]
fn frames_laced_into_one_block_come_out_one_by_one() {
    let mut input = Vec::new();
    write::ebml_header(&mut input);
    write::segment_header_unknown_8(&mut input);
    write::cluster_start(&mut input, 0);
    write::simple_block(&mut input, 1, 0, 0x84, &[1, 7, 7, 8, 8]);
    write::simple_block(&mut input, 1, 0, 0x84, &[1, 7, 7, 8]);
    let mut reader = MediaReader::new(Limits::default());
    let error = reader.push(input.into()).unwrap_err();
    assert!(error.to_string().contains("laced"), "{error}");
    let frames: Vec<_> = drain(&mut reader)
        .into_iter()
        .filter_map(|event| match event {
            MediaEvent::Frame(frame) => Some(frame.data),
            _ => None,
        })
        .collect();
    assert_eq!(frames, [&[7, 7][..], &[8, 8]]);
    assert_eq!(reader.push(Bytes::new()).unwrap_err().element(), error.element(), "it stays refused");
}

#[test]
fn blocks_and_tag_lists_are_bounded() {
    let limits = Limits { max_block_bytes: 1, max_tags: 1, ..Limits::default() };
    let mut reader = MediaReader::new(limits);
    assert!(matches!(reader.push(fragment(1).into()), Err(MkvError::TooLarge { size: 2, limit: 1, .. })));

    let mut tags = Vec::new();
    write::ebml_header(&mut tags);
    write::segment_header_unknown_8(&mut tags);
    write::service_tags(&mut tags, &[("a", ""), ("b", "")]);
    let mut reader = MediaReader::new(limits);
    assert!(matches!(reader.push(tags.into()), Err(MkvError::TooMany { limit: 1, .. })));
}

#[test]
fn a_stream_cut_in_mid_frame_leaves_the_fragment_open_and_says_so() {
    let whole = fragment(1);
    let second_block = whole.windows(2).position(|bytes| bytes == [1, 20]).unwrap();
    let mut reader = MediaReader::new(Limits::default());
    reader.push(Bytes::copy_from_slice(&whole[..=second_block])).unwrap();
    assert!(matches!(reader.finish(), Err(MkvError::Truncated { id: Some(element::SIMPLE_BLOCK), .. })));
    assert_eq!(drain(&mut reader).len(), 2);
}
