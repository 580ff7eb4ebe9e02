//! The streams of `fixtures/mkv`, which `cargo run -p tympan-mkv --example make_fixtures` writes.

use tympan_mkv::write::{self, DocumentHead, SegmentSize, TrackHead};
use tympan_mkv::{ElementId, element, vint};

/// What a reader makes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Read whole: documents, Clusters, blocks.
    Read(usize, usize, usize),
    /// Ends inside an element; this many blocks were complete.
    Cut(usize),
    /// Refused at this element, at this byte.
    Refused(Option<ElementId>, u64),
}

/// A stream, its file name and its line in the README.
pub(crate) struct HandMade {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) bytes: Vec<u8>,
}

/// All of them.
pub(crate) fn all() -> Vec<HandMade> {
    let made = |name, what, verdict, bytes| HandMade { name, what, verdict, bytes };
    use Verdict::{Cut, Read, Refused};
    let unknown = concatenated(None);
    vec![
        made("known.mkv", "three documents, Clusters of known size", Read(3, 3, 6), concatenated(Some(8))),
        made("unknown.mkv", "three documents, Clusters of unknown size", Read(3, 3, 6), unknown.clone()),
        made(
            "single.mkv",
            "one document as the producer SDK sends it, four Clusters, a tag after each",
            Read(1, 4, 8),
            single(),
        ),
        made("unknown-widths.mkv", "unknown sizes in all eight lengths", Read(8, 8, 8), unknown_widths()),
        made(
            "all-known.mkv",
            "a Segment of known size with SeekHead, Void, CRC-32, Chapters, Cues and unknown ids",
            Read(1, 2, 2),
            all_known(),
        ),
        made(
            "block-groups.mkv",
            "BlockGroups, and blocks with each kind of lacing",
            Read(1, 1, 5),
            block_groups(),
        ),
        made(
            "tags-only.mkv",
            "a fragment, then a document with tags and no Cluster",
            Read(2, 1, 2),
            tags_only(),
        ),
        made(
            "nested-tags.mkv",
            "a SimpleTag in a SimpleTag, text padded with zero bytes, text that is not UTF-8",
            Read(1, 0, 0),
            nested_tags(),
        ),
        made(
            "cut-in-block.mkv",
            "unknown.mkv, cut in the payload of a block",
            Cut(5),
            cut_behind(&unknown, &[0xC1; 4], 1),
        ),
        made(
            "cut-in-header.mkv",
            "unknown.mkv, cut in the header of a block",
            Cut(4),
            cut_behind(&unknown, b"\xA7\x81\x00\xA3", 3),
        ),
        made(
            "cut-after-block.mkv",
            "unknown.mkv, cut between two blocks: complete as far as anyone can tell",
            Read(3, 3, 5),
            cut_behind(&unknown, &[0xC0; FRAME_BYTES], 1),
        ),
        made(
            "hostile-overrun.mkv",
            "a TrackEntry larger than its Tracks",
            Refused(Some(element::TRACK_ENTRY), 57),
            hostile_overrun(),
        ),
        made("hostile-block.mkv", "a block of 2^50 bytes that never come", Cut(0), hostile_block()),
        made(
            "hostile-value.mkv",
            "a TagString of 1 GiB",
            Refused(Some(element::TAG_STRING), 66),
            hostile_value(),
        ),
        made(
            "hostile-depth.mkv",
            "forty SimpleTags in one another",
            Refused(Some(element::SIMPLE_TAG), 125),
            hostile_depth(),
        ),
        made(
            "hostile-leaf.mkv",
            "a block of unknown size",
            Refused(Some(element::SIMPLE_BLOCK), 70),
            hostile_leaf(),
        ),
        made(
            "hostile-track-number.mkv",
            "a block whose track number has nine bytes",
            Refused(Some(element::SIMPLE_BLOCK), 70),
            hostile_track_number(),
        ),
        made(
            "two-segments.mkv",
            "a second Segment without an EBML header",
            Refused(Some(element::SEGMENT), 57),
            two_segments(),
        ),
        made(
            "stray-block.mkv",
            "a block after the Cluster was ended by Tags",
            Refused(Some(element::SIMPLE_BLOCK), 75),
            stray_block(),
        ),
        made(
            "not-matroska.mkv",
            "JSON",
            Refused(Some(ElementId(0x7B22)), 0),
            b"{\"Message\":\"The requested stream is not found or not active.\"}\n".to_vec(),
        ),
        made("empty.mkv", "nothing", Read(0, 0, 0), Vec::new()),
    ]
}

/// A frame is one byte value, `A0` + 16 x fragment + frame, this many times.
const FRAME_BYTES: usize = 16;

fn frame(fragment: u8, frame: u8) -> [u8; FRAME_BYTES] {
    [0xA0 + 16 * fragment + frame; FRAME_BYTES]
}

/// Documents in the shape of GetMedia; the size of their Clusters in so many bytes, or unknown.
fn concatenated(cluster_size_width: Option<usize>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..3 {
        let tracks = [TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
        DocumentHead::connect([number; 16], &tracks)
            .with_segment_size(SegmentSize::UnknownInEightBytes)
            .write(&mut out);
        write::service_tags(&mut out, &[("NUMBER", &number.to_string())]);
        let cluster = cluster(number);
        match cluster_size_width {
            Some(width) => put(&mut out, element::CLUSTER, width, &cluster[5..]),
            None => out.extend_from_slice(&cluster),
        }
        write::user_tag(&mut out, "ContactId", "00000000-0000-4000-8000-000000000000");
        write::service_tags(&mut out, &[("BEHIND", "0")]);
    }
    out
}

/// A Cluster of unknown size with two blocks.
fn cluster(number: u8) -> Vec<u8> {
    let mut out = Vec::new();
    write::cluster_start(&mut out, 1000 * u64::from(number));
    write::simple_block(&mut out, 1, 0, write::FLAG_KEYFRAME, &frame(number, 0));
    write::simple_block(&mut out, 1, 20, write::FLAG_KEYFRAME, &frame(number, 1));
    out
}

fn single() -> Vec<u8> {
    let tracks = [TrackHead::connect(1, "AUDIO_FROM_CUSTOMER"), TrackHead::connect(2, "AUDIO_TO_CUSTOMER")];
    let mut out = Vec::new();
    DocumentHead::connect([9; 16], &tracks).write(&mut out);
    for number in 0..4 {
        out.extend(cluster(number));
        write::user_tag(&mut out, "MimeType", "audio/L16;rate=8000;channels=1;");
    }
    out
}

fn unknown_widths() -> Vec<u8> {
    let mut out = Vec::new();
    for width in 1..=8 {
        write::ebml_header(&mut out);
        for id in [element::SEGMENT, element::CLUSTER] {
            put_id(&mut out, id);
            vint::put_unknown_size(&mut out, width);
        }
        put(&mut out, element::TIMECODE, width, &[0]);
        put(&mut out, element::SIMPLE_BLOCK, width, &[0x81, 0, 0, 0x80, 1, 2, 3]);
    }
    out
}

fn all_known() -> Vec<u8> {
    let mut segment = Vec::new();
    put(&mut segment, element::SEEK_HEAD, 2, &of(element::SEEK, &of(element::SEEK_POSITION, &[0x40])));
    put(&mut segment, element::VOID, 8, &[0; 9]);
    let mut head = Vec::new();
    DocumentHead::sdk([3; 16], &[TrackHead::connect(1, "audio")]).write(&mut head);
    segment.extend(&head[45..]);
    put(&mut segment, element::CHAPTERS, 1, &of(ElementId(0x45B9), &[1, 2, 3]));
    put(&mut segment, ElementId(0x1A2B_3C4D), 1, b"an element of the future");
    for number in 0..2 {
        let mut cluster = of(element::CRC32, &[1, 2, 3, 4]);
        cluster.extend(of(element::TIMECODE, &[number]));
        cluster.extend(of(element::PREV_SIZE, &[0]));
        cluster.extend(of(element::SIMPLE_BLOCK, &[0x81, 0, 0, 0x80, number, number]));
        cluster.extend(of(element::VOID, &[0; 3]));
        put(&mut segment, element::CLUSTER, 1, &cluster);
    }
    let cue =
        [of(element::CUE_TIME, &[0]), of(element::CUE_TRACK_POSITIONS, &of(ElementId(0xF7), &[1]))].concat();
    put(&mut segment, element::CUES, 4, &of(element::CUE_POINT, &cue));
    write::user_tag(&mut segment, "ENCODER", "hand");
    let mut out = Vec::new();
    write::ebml_header(&mut out);
    put(&mut out, element::SEGMENT, 8, &segment);
    out
}

fn block_groups() -> Vec<u8> {
    let mut out = segment();
    write::cluster_start(&mut out, 0);
    let block = of(element::BLOCK, &[0x81, 0, 5, 0, 7, 7]);
    put(&mut out, element::BLOCK_GROUP, 8, &[block, of(element::BLOCK_DURATION, &[20])].concat());
    put(&mut out, element::BLOCK_GROUP, 1, &of(element::BLOCK, &[0x40, 0x01, 0, 9, 0x08, 7]));
    write::simple_block(&mut out, 1, 20, 0x82, &[2, 1, 2, b'a', b'b', b'b', b'c', b'c', b'c']);
    write::simple_block(&mut out, 1, 40, 0x84, &[2, b'a', b'b', b'c']);
    write::simple_block(&mut out, 1, 60, 0x86, &[2, 0x81, 0xC0, b'a', b'b', b'b', b'c']);
    out
}

fn tags_only() -> Vec<u8> {
    let mut out = segment();
    out.extend(cluster(0));
    out.extend(segment());
    write::service_tags(
        &mut out,
        &[("NUMBER", "1"), ("ERROR_ID", "4501"), ("ERROR_CODE", "KMS_KEY_DISABLED")],
    );
    out
}

fn nested_tags() -> Vec<u8> {
    let named =
        |name: &[u8], value: &[u8]| [of(element::TAG_NAME, name), of(element::TAG_STRING, value)].concat();
    let inner = of(element::SIMPLE_TAG, &named(b"inner", b"not UTF-8: \xFF"));
    let outer = of(element::SIMPLE_TAG, &[named(b"outer\0\0\0", b"padded\0"), inner].concat());
    let nameless = of(element::SIMPLE_TAG, &of(element::TAG_STRING, b"no name, no tag"));
    let binary =
        of(element::SIMPLE_TAG, &[of(element::TAG_NAME, b"binary"), of(element::TAG_BINARY, &[0])].concat());
    let mut out = segment();
    put(
        &mut out,
        element::TAGS,
        2,
        &of(element::TAG, &[of(element::TARGETS, &[]), outer, nameless, binary].concat()),
    );
    out
}

/// `bytes` up to the `occurrence`-th place where `mark` ends.
fn cut_behind(bytes: &[u8], mark: &[u8], occurrence: usize) -> Vec<u8> {
    let places = bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark);
    let at = places.map(|(at, _)| at + mark.len()).nth(occurrence - 1).unwrap_or(bytes.len());
    bytes[..at].to_vec()
}

fn hostile_overrun() -> Vec<u8> {
    let mut out = segment();
    put(&mut out, element::TRACKS, 1, &[0xAE, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]);
    out
}

fn hostile_block() -> Vec<u8> {
    let mut out = segment();
    write::cluster_start(&mut out, 0);
    put_id(&mut out, element::SIMPLE_BLOCK);
    vint::put_size(&mut out, 1 << 50, 8);
    out.extend([0x81, 0, 0, 0x80, 1, 2, 3]);
    out
}

fn hostile_value() -> Vec<u8> {
    let mut out = segment();
    for id in [element::TAGS, element::TAG, element::SIMPLE_TAG] {
        put_id(&mut out, id);
        vint::put_unknown_size(&mut out, 1);
    }
    out.extend(of(element::TAG_NAME, b""));
    put_id(&mut out, element::TAG_STRING);
    vint::put_size(&mut out, 1 << 30, 8);
    out
}

fn hostile_depth() -> Vec<u8> {
    let mut out = segment();
    put_id(&mut out, element::TAGS);
    vint::put_unknown_size(&mut out, 1);
    put_id(&mut out, element::TAG);
    vint::put_unknown_size(&mut out, 1);
    for _ in 0..40 {
        put_id(&mut out, element::SIMPLE_TAG);
        vint::put_unknown_size(&mut out, 3);
    }
    out
}

fn hostile_leaf() -> Vec<u8> {
    let mut out = segment();
    write::cluster_start(&mut out, 0);
    out.extend([0xA3, 0xFF, 0x81, 0, 0, 0x80]);
    out
}

fn hostile_track_number() -> Vec<u8> {
    let mut out = segment();
    write::cluster_start(&mut out, 0);
    out.extend(of(element::SIMPLE_BLOCK, &[0, 0x81, 0, 0, 0x80]));
    out
}

fn two_segments() -> Vec<u8> {
    let mut out = segment();
    out.extend(of(element::TAGS, &[]));
    out.extend([0x18, 0x53, 0x80, 0x67, 0xFF]);
    out
}

fn stray_block() -> Vec<u8> {
    let mut out = segment();
    write::cluster_start(&mut out, 0);
    out.extend(of(element::TAGS, &[]));
    write::simple_block(&mut out, 1, 0, 0x80, &[1]);
    out
}

/// An EBML header and a Segment of unknown size: 52 bytes.
fn segment() -> Vec<u8> {
    let mut out = Vec::new();
    write::ebml_header(&mut out);
    write::segment_header_unknown_8(&mut out);
    out
}

/// An element with the shortest size.
fn of(id: ElementId, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, id, 1, payload);
    out
}

fn put(out: &mut Vec<u8>, id: ElementId, size_width: usize, payload: &[u8]) {
    put_id(out, id);
    vint::put_size(out, payload.len() as u64, size_width);
    out.extend_from_slice(payload);
}

fn put_id(out: &mut Vec<u8>, id: ElementId) {
    out.extend(id.0.to_be_bytes().into_iter().skip_while(|&byte| byte == 0));
}
