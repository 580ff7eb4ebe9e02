use super::*;

const EBML_EMPTY: &[u8] = &[0x1A, 0x45, 0xDF, 0xA3, 0x80];
const SEGMENT_UNKNOWN: &[u8] = &[0x18, 0x53, 0x80, 0x67, 0xFF];
const CLUSTER_UNKNOWN: &[u8] = &[0x1F, 0x43, 0xB6, 0x75, 0xFF];
const TIMECODE_5: &[u8] = &[0xE7, 0x81, 5];
const TAGS_EMPTY: &[u8] = &[0x12, 0x54, 0xC3, 0x67, 0x80];

/// Events as one line of text, in pieces of `piece` bytes; ends with the error, or "." at a proper end.
fn read_in_pieces(input: &[u8], piece: usize) -> String {
    let mut reader = Reader::new(Limits::default());
    let mut seen = String::new();
    let outcome = (|| {
        for mut rest in input.chunks(piece) {
            while let Some(event) = reader.next(&mut rest)? {
                tell(&mut seen, event);
            }
            assert!(rest.is_empty(), "None means that all input was taken");
        }
        while let Some(event) = reader.finish()? {
            tell(&mut seen, event);
        }
        Ok::<_, MkvError>(())
    })();
    match outcome {
        Ok(()) => seen + ".",
        Err(error) => format!("{seen}{error}"),
    }
}

fn tell(seen: &mut String, event: Event<'_>) {
    match event {
        Event::Start { id, .. } => *seen += &format!("<{} ", id.name().unwrap_or("?")),
        Event::Data { bytes, last, .. } => {
            bytes.iter().for_each(|byte| *seen += &format!("{byte:x}"));
            if last {
                *seen += "> ";
            }
        }
        Event::End { .. } => *seen += "> ",
    }
}

/// The same, in every size of piece, which must not matter.
fn read(parts: &[&[u8]]) -> String {
    let input = parts.concat();
    let whole = read_in_pieces(&input, input.len().max(1));
    for piece in 1..input.len().min(16) {
        assert_eq!(read_in_pieces(&input, piece), whole, "in pieces of {piece}");
    }
    whole
}

#[test]
fn nothing_is_a_proper_stream() {
    assert_eq!(read(&[]), ".");
}

#[test]
fn an_unknown_cluster_ends_where_another_begins() {
    assert_eq!(
        read(&[EBML_EMPTY, SEGMENT_UNKNOWN, CLUSTER_UNKNOWN, TIMECODE_5, CLUSTER_UNKNOWN, TIMECODE_5]),
        "<EBML > <Segment <Cluster <Timestamp 5> > <Cluster <Timestamp 5> > > ."
    );
}

#[test]
fn an_unknown_cluster_ends_where_a_sibling_begins() {
    assert_eq!(
        read(&[SEGMENT_UNKNOWN, CLUSTER_UNKNOWN, TIMECODE_5, TAGS_EMPTY]),
        "<Segment <Cluster <Timestamp 5> > <Tags > > ."
    );
}

#[test]
fn a_document_ends_the_one_before_it() {
    assert_eq!(
        read(&[EBML_EMPTY, SEGMENT_UNKNOWN, CLUSTER_UNKNOWN, EBML_EMPTY, SEGMENT_UNKNOWN]),
        "<EBML > <Segment <Cluster > > <EBML > <Segment > ."
    );
}

#[test]
fn sizes_are_unknown_at_every_length() {
    for width in 1..=8 {
        let mut input = vec![0x18, 0x53, 0x80, 0x67];
        vint::put_unknown_size(&mut input, width);
        input.extend([0x1F, 0x43, 0xB6, 0x75]);
        vint::put_unknown_size(&mut input, width);
        assert_eq!(read(&[&input, TIMECODE_5, TAGS_EMPTY]), "<Segment <Cluster <Timestamp 5> > <Tags > > .");
    }
}

#[test]
fn masters_of_known_size_end_with_their_last_byte() {
    let mut reader = Reader::new(Limits::default());
    let mut input: &[u8] = &[0x18, 0x53, 0x80, 0x67, 0x85, 0x12, 0x54, 0xC3, 0x67, 0x80];
    let mut ends = Vec::new();
    while let Some(event) = reader.next(&mut input).unwrap() {
        if let Event::End { id } = event {
            ends.push(id);
        }
    }
    assert_eq!(ends, [element::TAGS, element::SEGMENT], "before any further input");
}

#[test]
fn void_crc_and_unknown_elements_stay_in_the_master_they_stand_in() {
    let extras: &[u8] = &[0xEC, 0x81, 0, 0xBF, 0x84, 1, 2, 3, 4, 0x4F, 0xFE, 0x82, 7, 8];
    assert_eq!(
        read(&[SEGMENT_UNKNOWN, extras, CLUSTER_UNKNOWN, extras, TIMECODE_5, TAGS_EMPTY]),
        "<Segment <Void 0> <CRC-32 1234> <? 78> <Cluster <Void 0> <CRC-32 1234> <? 78> <Timestamp 5> > <Tags > > ."
    );
}

#[test]
fn an_empty_element_has_one_empty_piece() {
    assert_eq!(read(&[SEGMENT_UNKNOWN, &[0xEC, 0x80], TAGS_EMPTY]), "<Segment <Void > <Tags > > .");
}

#[test]
fn text_is_no_matroska() {
    assert_eq!(read(&[b"{\"Message\":\"no\"}"]), "element 7B22 at byte 0: it cannot stand at the top level");
    assert_eq!(
        read(&[&[0, 1, 2]]),
        "byte 0: 0x00 cannot begin an element id; the input is not EBML or an earlier size is wrong"
    );
}

#[test]
fn reserved_ids_are_refused() {
    for id in [&[0xFF][..], &[0x80], &[0x7F, 0xFF], &[0x40, 0x00], &[0x1F, 0xFF, 0xFF, 0xFF]] {
        let seen = read(&[SEGMENT_UNKNOWN, id, &[0x80]]);
        assert!(seen.contains("byte 5") && seen.contains("cannot begin an element id"), "{seen}");
    }
}

#[test]
fn a_block_outside_a_cluster_is_refused_where_it_stands() {
    assert_eq!(
        read(&[SEGMENT_UNKNOWN, TAGS_EMPTY, &[0xA3, 0x80]]),
        "<Segment <Tags > SimpleBlock (A3) at byte 10: it cannot stand in Segment (18538067)"
    );
}

#[test]
fn only_masters_may_have_an_unknown_size() {
    assert_eq!(
        read(&[SEGMENT_UNKNOWN, CLUSTER_UNKNOWN, &[0xA3, 0xFF]]),
        "<Segment <Cluster SimpleBlock (A3) at byte 10: only a master element such as Segment or Cluster may have an \
         unknown size"
    );
    assert!(read(&[SEGMENT_UNKNOWN, &[0x4F, 0xFE, 0xFF]]).contains("element 4FFE at byte 5: only a master"));
}

#[test]
fn a_child_larger_than_its_parent_is_refused_at_once() {
    assert_eq!(
        read(&[&[0x18, 0x53, 0x80, 0x67, 0x8A], &[0xEC, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]]),
        "<Segment Void (EC) at byte 5: its 72057594037927934 bytes do not fit into the 10 left in its parent"
    );
}

#[test]
fn a_size_of_nine_bytes_is_refused() {
    assert!(
        read(&[SEGMENT_UNKNOWN, &[0xEC, 0x00]])
            .contains("Void (EC) at byte 5: its size has more than 8 bytes")
    );
}

#[test]
fn nesting_is_bounded() {
    let mut input = SEGMENT_UNKNOWN.to_vec();
    input.extend([0x12, 0x54, 0xC3, 0x67, 0xFF, 0x73, 0x73, 0xFF]);
    (0..20).for_each(|_| input.extend([0x67, 0xC8, 0xFF]));
    assert!(read(&[&input]).ends_with("SimpleTag (67C8) at byte 52: nested more than 16 levels deep"));
}

#[test]
fn the_end_of_input_inside_an_element_names_it() {
    assert_eq!(
        read(&[SEGMENT_UNKNOWN, CLUSTER_UNKNOWN, &[0xE7, 0x88, 1]]),
        "<Segment <Cluster <Timestamp 1the input ends at byte 13, inside Timestamp (E7)"
    );
    assert_eq!(
        read(&[SEGMENT_UNKNOWN, &[0x1F, 0x43]]),
        "<Segment the input ends at byte 7, inside the header of an element"
    );
    assert_eq!(
        read(&[&[0x18, 0x53, 0x80, 0x67, 0x90], CLUSTER_UNKNOWN]),
        "<Segment <Cluster the input ends at byte 10, inside Segment (18538067)"
    );
}

#[test]
fn a_failed_reader_stays_failed() {
    let mut reader = Reader::new(Limits::default());
    let mut bad: &[u8] = &[0];
    let error = reader.next(&mut bad).unwrap_err();
    let mut good = EBML_EMPTY;
    assert_eq!(reader.next(&mut good), Err(error));
    assert_eq!(reader.finish(), Err(error));
}

#[test]
fn starts_tell_size_depth_offset_and_the_bytes_as_written() {
    let mut reader = Reader::new(Limits::default());
    let input = [SEGMENT_UNKNOWN, &[0xEC, 0x40, 0x01, 0]].concat();
    let mut rest = &input[..];
    assert_eq!(
        reader.next(&mut rest),
        Ok(Some(Event::Start {
            id: element::SEGMENT,
            size: None,
            header: SEGMENT_UNKNOWN,
            depth: 0,
            offset: 0
        }))
    );
    assert_eq!(
        reader.next(&mut rest),
        Ok(Some(Event::Start {
            id: element::VOID,
            size: Some(1),
            header: &[0xEC, 0x40, 0x01],
            depth: 1,
            offset: 5
        }))
    );
    assert_eq!(reader.position(), 8);
}
