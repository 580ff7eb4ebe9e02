use super::*;
use crate::write;

/// Everything a sink hears, one line each; the bytes apart.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    bytes: Vec<u8>,
}

impl FragmentSink for Heard {
    fn document(&mut self) {
        self.lines.push("document".into());
    }
    fn head(&mut self, bytes: &[u8], part: HeadPart) {
        self.bytes.extend(bytes);
        let line = format!("head {part:?}");
        if self.lines.last() != Some(&line) {
            self.lines.push(line);
        }
    }
    fn segment_child(&mut self, id: ElementId) {
        self.lines.push(format!("child {}", id.name().unwrap_or("?")));
    }
    fn segment_child_end(&mut self, id: ElementId) {
        self.lines.push(format!("end of {}", id.name().unwrap_or("?")));
    }
    fn tracks(&mut self, tracks: &[Track]) {
        self.lines.push(format!("tracks {:?}", tracks.iter().map(|t| t.number).collect::<Vec<_>>()));
    }
    fn timecode_scale(&mut self, ns: u64) {
        self.lines.push(format!("scale {ns}"));
    }
    fn cluster_start(&mut self) {
        self.lines.push("cluster".into());
    }
    fn cluster_timecode(&mut self, timecode: u64) {
        self.lines.push(format!("timecode {timecode}"));
    }
    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }
    fn block(&mut self, block: BlockHeader, payload: &[u8], last: bool) {
        let (track, at, simple) = (block.track, block.relative_timecode, block.simple);
        self.lines.push(format!("block {track} {at} {simple} {} {payload:?} {last}", block.first));
    }
    fn cluster_end(&mut self) {
        self.lines.push("cluster end".into());
    }
    fn trailer_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        if self.lines.last().is_none_or(|line| line != "trailer") {
            self.lines.push("trailer".into());
        }
    }
    fn tag(&mut self, name: &str, value: &str) {
        self.lines.push(format!("tag {name}={value}"));
    }
}

fn hear(pieces: &[&[u8]]) -> Result<Heard, MkvError> {
    let (mut reader, mut heard) = (FragmentReader::new(Limits::default()), Heard::default());
    for piece in pieces {
        reader.push(piece, &mut heard)?;
    }
    reader.finish(&mut heard)?;
    assert_eq!(heard.bytes, pieces.concat());
    Ok(heard)
}

fn segment() -> Vec<u8> {
    let mut out = Vec::new();
    write::ebml_header(&mut out);
    write::segment_header_unknown_8(&mut out);
    out
}

fn cluster() -> Vec<u8> {
    let mut out = segment();
    write::cluster_start(&mut out, 7);
    out
}

fn element(id: &[u8], payload: &[u8]) -> Vec<u8> {
    [id, &[0x80 | u8::try_from(payload.len()).unwrap()], payload].concat()
}

#[test]
fn tells_a_document_in_the_order_of_its_bytes() {
    let mut input = segment();
    write::user_tag(&mut input, "early", "1");
    let tracks = [write::TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
    let mut head = Vec::new();
    write::DocumentHead::connect([1; 16], &tracks).write(&mut head);
    input.extend(&head[45..]);
    write::service_tags(&mut input, &[("a", "b")]);
    write::cluster_start(&mut input, 7);
    write::simple_block(&mut input, 1, 20, 0x80, &[9, 9]);
    write::user_tag(&mut input, "late", "");
    assert_eq!(
        hear(&[&input]).unwrap().lines,
        [
            "document",
            "head Ebml",
            "head SegmentHeader",
            "child Tags",
            "head BeforeInfo",
            "tag early=1",
            "end of Tags",
            "child Info",
            "head FromInfo",
            "scale 1000000",
            "end of Info",
            "child Tracks",
            "head FromInfo",
            "tracks [1]",
            "end of Tracks",
            "child Tags",
            "head FromInfo",
            "tag a=b",
            "end of Tags",
            "cluster",
            "timecode 7",
            "block 1 20 true true [9, 9] true",
            "cluster end",
            "child Tags",
            "trailer",
            "tag late=",
            "end of Tags",
            // The Segment ends without a word.
        ]
    );
}

#[test]
fn a_block_that_a_cut_fell_into_comes_in_pieces_with_its_header() {
    let head = cluster();
    let heard = hear(&[&head, &[0xA3, 0x88, 0x81, 0x01], &[0x00, 0x80], &[1, 2], &[3], &[4]]).unwrap();
    assert_eq!(
        heard.lines[heard.lines.len() - 4..],
        [
            "block 1 256 true true [1, 2] false",
            "block 1 256 true false [3] false",
            "block 1 256 true false [4] true",
            "cluster end"
        ]
    );
}

#[test]
fn an_empty_block_comes_once() {
    let block = element(&[0xA3], &[0x81, 0, 0, 0]);
    let heard = hear(&[&cluster(), &block]).unwrap();
    assert_eq!(heard.lines[heard.lines.len() - 2], "block 1 0 true true [] true");
    let heard = hear(&[&cluster(), &block[..3], &block[3..]]).unwrap();
    assert_eq!(heard.lines[heard.lines.len() - 2], "block 1 0 true true [] true");
}

#[test]
fn blocks_in_groups_are_told_apart() {
    let block = element(&[0xA1], &[0x40, 0x80, 0xFF, 0xFF, 0, 5]);
    let group = element(&[0xA0], &block);
    let heard = hear(&[&cluster(), &group]).unwrap();
    assert_eq!(heard.lines[heard.lines.len() - 2], "block 128 -1 false true [5] true");
}

#[test]
fn a_block_shorter_than_its_header_is_refused() {
    let block = element(&[0xA3], &[0x81, 0, 0]);
    let error = hear(&[&cluster(), &block]).err().unwrap();
    assert!(matches!(error, MkvError::BadValue { id: element::SIMPLE_BLOCK, offset: 70, .. }), "{error}");
    let block = element(&[0xA3], &[0, 0, 0, 0]);
    assert!(hear(&[&cluster(), &block]).err().unwrap().to_string().contains("track number"));
}

#[test]
fn a_tag_that_holds_tags_is_told_before_them() {
    let named = |name: &str| element(&[0x45, 0xA3], name.as_bytes());
    let inner = element(&[0x67, 0xC8], &[named("inner"), element(&[0x44, 0x87], b"2")].concat());
    let outer = element(&[0x67, 0xC8], &[named("outer"), element(&[0x44, 0x87], b"1"), inner].concat());
    let tags = element(&[0x12, 0x54, 0xC3, 0x67], &element(&[0x73, 0x73], &outer));
    let heard = hear(&[&segment(), &tags]).unwrap();
    let told: Vec<_> = heard.lines.iter().filter(|line| line.starts_with("tag ")).collect();
    assert_eq!(told, ["tag outer=1", "tag inner=2"]);
}

#[test]
fn a_child_of_the_segment_ends_once_whatever_stands_in_it() {
    let void = element(&[0xEC], &[0]);
    let tags = element(&[0x12, 0x54, 0xC3, 0x67], &void);
    let heard = hear(&[&cluster(), &void, &tags, &void]).unwrap();
    let ends: Vec<_> = heard.lines.iter().filter(|line| line.starts_with("end of ")).collect();
    assert_eq!(ends, ["end of Tags", "end of Void"], "the first Void is a part of the Cluster");
}

#[test]
fn text_ends_at_padding_and_survives_what_is_not_utf_8() {
    let mut text = String::from("old");
    set_text(&mut text, b"Kinesis Video SDK\0\0");
    assert_eq!(text, "Kinesis Video SDK");
    set_text(&mut text, b"a\xFFb");
    assert_eq!(text, "a\u{FFFD}b");
}

#[test]
fn a_timecode_unit_of_zero_is_refused_and_an_absent_one_is_a_millisecond() {
    let info = |payload: &[u8]| element(&[0x15, 0x49, 0xA9, 0x66], payload);
    let scale = |value: &[u8]| element(&[0x2A, 0xD7, 0xB1], value);
    let last = |payload: &[u8]| {
        let heard = hear(&[&segment(), &info(payload)])?;
        Ok(heard.lines.into_iter().find(|line| line.starts_with("scale ")))
    };
    assert_eq!(last(&[]), Ok(Some("scale 1000000".into())));
    assert_eq!(last(&scale(&[])), Ok(Some("scale 1000000".into())));
    assert_eq!(last(&scale(&[3, 232])), Ok(Some("scale 1000".into())));
    assert!(matches!(last(&scale(&[0])), Err(MkvError::BadValue { id: element::TIMECODE_SCALE, .. })));
    assert!(matches!(last(&scale(&[1; 9])), Err(MkvError::BadValue { .. })));
}

#[test]
fn a_second_segment_needs_an_ebml_header_of_its_own() {
    let twice = [segment(), element(&[0x12, 0x54, 0xC3, 0x67], &[]), segment()[40..].to_vec()].concat();
    let error = hear(&[&twice]).err();
    assert_eq!(error, Some(MkvError::Misplaced { id: element::SEGMENT, parent: None, offset: 57 }));
    assert_eq!(hear(&[&segment(), &segment()]).unwrap().lines.len(), 6, "an empty document, then another");
}

#[test]
fn values_and_tracks_beyond_the_limits_are_refused_before_they_are_read() {
    let limits = Limits { max_value_bytes: 4, max_tracks: 1, ..Limits::default() };
    let read = |bytes: &[u8]| {
        let mut reader = FragmentReader::new(limits);
        reader.push(&[&segment(), bytes].concat(), &mut Heard::default())
    };
    let tracks = |payload: &[u8]| element(&[0x16, 0x54, 0xAE, 0x6B], payload);
    let entry = |payload: &[u8]| element(&[0xAE], payload);
    assert_eq!(read(&tracks(&entry(&element(&[0x86], b"A_AA")))), Ok(()));
    assert_eq!(
        read(&tracks(&entry(&element(&[0x86], b"A_AAC")))),
        Err(MkvError::TooLarge { id: element::CODEC_ID, offset: 59, size: 5, limit: 4 })
    );
    assert_eq!(
        read(&tracks(&[entry(&[]), entry(&[])].concat())),
        Err(MkvError::TooMany { id: element::TRACK_ENTRY, offset: 59, limit: 1 })
    );
}

#[test]
fn the_buffer_for_cut_values_is_reused() {
    let mut input = segment();
    (0..100).for_each(|n| write::user_tag(&mut input, "a name of some length", &format!("{n:064}")));
    let (mut reader, mut heard) = (FragmentReader::new(Limits::default()), Heard::default());
    let mut capacities = Vec::new();
    for byte in &input {
        reader.push(std::slice::from_ref(byte), &mut heard).unwrap();
        capacities.push(reader.view.value.capacity());
    }
    let settled = capacities[capacities.len() / 10];
    assert!(settled >= 64);
    assert!(capacities[capacities.len() / 10..].iter().all(|&capacity| capacity == settled));
}

/// Where the children of Clusters end, counted in bytes of Clusters.
#[derive(Default)]
struct Ends {
    bytes: usize,
    ends: Vec<usize>,
}

impl FragmentSink for Ends {
    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
    }
    fn cluster_child_end(&mut self) {
        self.ends.push(self.bytes);
    }
}

#[test]
fn the_end_of_each_child_of_a_cluster_is_told_wherever_the_input_is_cut() {
    let mut stream = Vec::new();
    write::ebml_header(&mut stream);
    write::segment_header_unknown_8(&mut stream);
    let children: [&[u8]; 5] = [
        b"\xe7\x81\x00",
        b"\xa3\x85\x81\x00\x00\x80\x07",
        // A BlockGroup of a Block and its duration; then a Void element.
        b"\xa0\x8a\xa1\x85\x81\x00\x14\x00\x08\x9b\x81\x14",
        b"\xec\x82\x00\x00",
        b"\xa3\x84\x81\x00\x28\x80",
    ];
    stream.extend_from_slice(b"\x1f\x43\xb6\x75\xff");
    stream.extend(children.concat());
    let mut at = 5;
    let expected: Vec<usize> = children
        .iter()
        .map(|child| {
            at += child.len();
            at
        })
        .collect();
    for piece_bytes in [1, 2, 3, 7, stream.len()] {
        let (mut reader, mut ends) = (FragmentReader::new(Limits::default()), Ends::default());
        for piece in stream.chunks(piece_bytes) {
            reader.push(piece, &mut ends).unwrap();
        }
        assert_eq!(ends.ends, expected, "pieces of {piece_bytes} bytes");
    }
}

/// A document with a Cluster and a block of four samples, up to those.
fn up_to_the_samples() -> Vec<u8> {
    let mut out = Vec::new();
    write::DocumentHead::connect([7; 16], &[write::TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")])
        .write(&mut out);
    write::cluster_start(&mut out, 1_000);
    write::simple_block_header(&mut out, 1, 20, 0, 8);
    out
}

#[test]
fn the_samples_of_a_block_may_be_passed_over() {
    let (mut skipped, mut pushed) = (Heard::default(), Heard::default());
    let (mut skipping, mut pushing) =
        (FragmentReader::new(Limits::default()), FragmentReader::new(Limits::default()));
    let (begin, mut end) = (up_to_the_samples(), Vec::new());
    write::user_tag(&mut end, "Events", "[]");
    skipping.push(&begin, &mut skipped).unwrap();
    pushing.push(&begin, &mut pushed).unwrap();
    assert_eq!(skipping.skip_samples(8, &mut skipped), Ok(true));
    pushing.push(&[9; 8], &mut pushed).unwrap();
    skipping.push(&end, &mut skipped).unwrap();
    pushing.push(&end, &mut pushed).unwrap();
    skipping.finish(&mut skipped).unwrap();
    pushing.finish(&mut pushed).unwrap();
    let emptied: Vec<String> =
        pushed.lines.iter().map(|line| line.replace("[9, 9, 9, 9, 9, 9, 9, 9]", "[]")).collect();
    assert_eq!(skipped.lines, emptied);
    assert_eq!(skipping.position(), pushing.position());
}

#[test]
fn nothing_else_is_passed_over() {
    let begin = up_to_the_samples();
    // Within the block's own header, and by a length that is not what is missing.
    for (cut, bytes) in [(1, 8), (1, 9), (0, 7), (0, 9), (0, 0)] {
        let (mut heard, mut reader) = (Heard::default(), FragmentReader::new(Limits::default()));
        reader.push(&begin[..begin.len() - cut], &mut heard).unwrap();
        let lines = heard.lines.len();
        let is_skipped = reader.skip_samples(bytes, &mut heard);
        if (cut, bytes) == (1, 9) {
            // What was passed over has the rest of the header in it.
            assert!(is_skipped.is_err());
            continue;
        }
        assert_eq!((is_skipped, heard.lines.len()), (Ok(false), lines), "{cut} {bytes}");
    }
    let mut reader = FragmentReader::new(Limits::default());
    assert_eq!(reader.skip_samples(8, &mut Heard::default()), Ok(false), "no block is open");
}
