//! Writers of the layouts that Kinesis Video Streams and its producer SDK put on the wire, byte for byte.
//!
//! Nothing here allocates: everything is appended to the caller's buffer, a `Vec<u8>` or a `BytesMut`. Which size
//! width an element gets is part of the layout, for consumers exist that search for raw bytes; a value too long for its
//! width gets a wider one.
//!
//! Source: recordings of the service and of its SDKs; RFC 9559 for the elements.

use crate::element::{self, ElementId};
use crate::vint;
use bytes::BufMut;

mod head;

pub use head::{AudioHead, DocumentHead, SegmentSize, TrackHead, ebml_header};

/// Block flag of a frame that can be decoded alone; each frame of raw audio is one.
pub const FLAG_KEYFRAME: u8 = 0x80;
/// Block flag of a frame that is decoded but not shown.
pub const FLAG_INVISIBLE: u8 = 0x08;
/// Block flag of a frame that may be left out.
pub const FLAG_DISCARDABLE: u8 = 0x01;

/// The bytes of [`segment_header_unknown_8`].
pub const SEGMENT_HEADER_UNKNOWN_8: [u8; 12] =
    [0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

/// Segment of unknown size in 8 bytes: what GetMedia always sends, whatever the producer wrote.
pub fn segment_header_unknown_8(out: &mut impl BufMut) {
    out.put_slice(&SEGMENT_HEADER_UNKNOWN_8);
}

/// One Tags element with one Tag that holds all of `tags`, every size in 4 bytes: the layout of the tags that the
/// service adds.
///
/// Shape: `(name, value)` in the order written; no Targets, no language.
pub fn service_tags(out: &mut impl BufMut, tags: &[(&str, &str)]) {
    const WIDTH: usize = 4;
    let simple_tags: u64 = tags
        .iter()
        .map(|(name, value)| sized(element::SIMPLE_TAG, simple_tag_bytes(name, value, WIDTH), WIDTH))
        .sum();
    put_header(out, element::TAGS, sized(element::TAG, simple_tags, WIDTH), WIDTH);
    put_header(out, element::TAG, simple_tags, WIDTH);
    for (name, value) in tags {
        put_simple_tag(out, name, value, WIDTH);
    }
}

/// One Tags element for one tag, every size in 8 bytes: the layout in which the producer SDK sends metadata.
pub fn user_tag(out: &mut impl BufMut, name: &str, value: &str) {
    const WIDTH: usize = 8;
    let simple_tag = sized(element::SIMPLE_TAG, simple_tag_bytes(name, value, WIDTH), WIDTH);
    put_header(out, element::TAGS, sized(element::TAG, simple_tag, WIDTH), WIDTH);
    put_header(out, element::TAG, simple_tag, WIDTH);
    put_simple_tag(out, name, value, WIDTH);
}

/// A Cluster of unknown size up to its first block: Timestamp in 8 bytes, Position 0.
///
/// Units: `timecode_ms` is in the TimestampScale of the document, which is a millisecond in every head written here.
pub fn cluster_start(out: &mut impl BufMut, timecode_ms: u64) {
    put_id(out, element::CLUSTER);
    vint::put_unknown_size(out, 1);
    put_uint_8(out, element::TIMECODE, timecode_ms);
    put_uint_1(out, element::POSITION, 0);
}

/// A SimpleBlock of one frame; its size always takes 8 bytes.
///
/// Units: `relative_ms` counts from the Cluster's Timestamp. `flags` are the `FLAG_` constants of this module.
pub fn simple_block(out: &mut impl BufMut, track: u8, relative_ms: i16, flags: u8, payload: &[u8]) {
    simple_block_header(out, track, relative_ms, flags, payload.len());
    out.put_slice(payload);
}

/// Everything of [`simple_block`] that precedes the payload, for callers who write the payload themselves.
pub fn simple_block_header(
    out: &mut impl BufMut,
    track: u8,
    relative_ms: i16,
    flags: u8,
    payload_bytes: usize,
) {
    let track_bytes = vint::size_len(u64::from(track)).unwrap_or(1);
    put_header(out, element::SIMPLE_BLOCK, (track_bytes + 3 + payload_bytes) as u64, 8);
    vint::put_size(out, u64::from(track), track_bytes);
    out.put_i16(relative_ms);
    out.put_u8(flags);
}

fn put_simple_tag(out: &mut impl BufMut, name: &str, value: &str, width: usize) {
    put_header(out, element::SIMPLE_TAG, simple_tag_bytes(name, value, width), width);
    put_bytes(out, element::TAG_NAME, name.as_bytes(), width);
    put_bytes(out, element::TAG_STRING, value.as_bytes(), width);
}

/// Payload bytes of a SimpleTag.
fn simple_tag_bytes(name: &str, value: &str, width: usize) -> u64 {
    sized(element::TAG_NAME, name.len() as u64, width) + sized(element::TAG_STRING, value.len() as u64, width)
}

/// Bytes of an element with its header, the size written in `width` bytes or more.
fn sized(id: ElementId, payload_bytes: u64, width: usize) -> u64 {
    (id_bytes(id) + width.max(vint::size_len(payload_bytes).unwrap_or(vint::MAX_SIZE_BYTES))) as u64
        + payload_bytes
}

fn put_header(out: &mut impl BufMut, id: ElementId, payload_bytes: u64, width: usize) {
    put_id(out, id);
    vint::put_size(out, payload_bytes, width);
}

fn put_bytes(out: &mut impl BufMut, id: ElementId, payload: &[u8], width: usize) {
    put_header(out, id, payload.len() as u64, width);
    out.put_slice(payload);
}

fn put_uint_1(out: &mut impl BufMut, id: ElementId, value: u8) {
    put_bytes(out, id, &[value], 1);
}

fn put_uint_8(out: &mut impl BufMut, id: ElementId, value: u64) {
    put_bytes(out, id, &value.to_be_bytes(), 1);
}

fn put_id(out: &mut impl BufMut, id: ElementId) {
    out.put_uint(u64::from(id.0), id_bytes(id));
}

fn id_bytes(id: ElementId) -> usize {
    4 - id.0.leading_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).unwrap()).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// The first service Tags block of the recording output_get_media, 243 bytes.
    #[test]
    fn service_tags_equal_the_dumped_block_before_a_cluster() {
        let number = "91343852333181432392682062607743920146159169392";
        let mut out = Vec::new();
        service_tags(
            &mut out,
            &[
                ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", number),
                ("AWS_KINESISVIDEO_SERVER_TIMESTAMP", "1511852109.126"),
                ("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", "1511852108.513"),
            ],
        );
        assert_eq!(out.len(), 243);
        for (offset, bytes) in [
            (0x00, "1254C367 100000EB"),
            (0x08, "7373 100000E5"),
            (0x0E, "67C8 1000005B"),
            (0x14, "45A3 10000020"),
            (0x3A, "4487 1000002F"),
            (0x6F, "67C8 1000003B"),
            (0x75, "45A3 10000021"),
            (0x9C, "4487 1000000E"),
            (0xB0, "67C8 1000003D"),
            (0xB6, "45A3 10000023"),
            (0xDF, "4487 1000000E"),
        ] {
            let expected = hex(bytes);
            assert_eq!(out[offset..offset + expected.len()], expected, "at {offset:#x}");
        }
        assert!(out.ends_with(b"1511852108.513"));
    }

    /// The second block of the same fragment.
    #[test]
    fn service_tags_equal_the_dumped_block_after_a_cluster() {
        let mut out = Vec::new();
        service_tags(
            &mut out,
            &[
                ("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", "15858"),
                ("AWS_KINESISVIDEO_CONTINUATION_TOKEN", "91343852333181432392682062607743920146159169392"),
            ],
        );
        let head = hex("1254C367 100000A3 7373 1000009D 67C8 10000033 45A3 10000022");
        assert_eq!(out[..head.len()], head);
        assert!(
            out.windows(6).any(|window| window == hex("4487 1000002F")),
            "the run that consumers search for"
        );
    }

    #[test]
    fn a_user_tag_has_eight_byte_sizes_and_a_tags_element_of_its_own() {
        let mut out = Vec::new();
        user_tag(&mut out, "testTag_0", "testTag_0_Value");
        let expected = [
            hex(
                "1254C367 0100000000000040 7373 0100000000000036 67C8 010000000000002C 45A3 0100000000000009",
            ),
            b"testTag_0".to_vec(),
            hex("4487 010000000000000F"),
            b"testTag_0_Value".to_vec(),
        ];
        assert_eq!(out, expected.concat());
    }

    #[test]
    fn a_cluster_and_its_block_look_as_the_sdk_writes_them() {
        let mut out = Vec::new();
        cluster_start(&mut out, 1_726_677_688_724);
        simple_block(&mut out, 1, 64, FLAG_KEYFRAME, &[0xAA, 0xBB]);
        assert_eq!(out, hex("1F43B675FF E788 000001920602A194 A78100  A3 0100000000000006 81 0040 80 AABB"),);
    }

    #[test]
    fn a_track_number_of_all_ones_takes_two_bytes() {
        let mut out = Vec::new();
        simple_block(&mut out, 127, -1, 0, &[]);
        assert_eq!(out, hex("A3 0100000000000005 407F FFFF 00"));
    }

    #[test]
    fn writes_into_any_buffer() {
        let (mut vec, mut bytes) = (Vec::new(), bytes::BytesMut::new());
        segment_header_unknown_8(&mut vec);
        segment_header_unknown_8(&mut bytes);
        assert_eq!(vec, hex("18538067 01FFFFFFFFFFFFFF"));
        assert_eq!(bytes, vec);
    }
}
