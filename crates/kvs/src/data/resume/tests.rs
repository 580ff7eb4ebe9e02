use super::*;
use bytes::Bytes;
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};
use tympan_types::ServerTime;

const MS: u64 = 1_000_000;
const OPEN: [ClusterSize; 2] = [ClusterSize::Unknown; 2];

/// A held fragment: a Cluster of unknown size with a block for each payload, 20 ms apart, and what follows it.
fn held(producer_ms: i64, payloads: &[&[u8]], trailer: &[u8], waits: bool) -> OpenFragment {
    let mut head = Vec::new();
    DocumentHead::connect([7; 16], &[TrackHead::connect(1, "a")]).write(&mut head);
    let mut pieces = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        let mut piece = Vec::new();
        if index == 0 {
            write::cluster_start(&mut piece, producer_ms as u64);
        }
        write::simple_block(&mut piece, 1, 20 * index as i16, FLAG_KEYFRAME, payload);
        pieces.push(Bytes::from(piece));
    }
    if !trailer.is_empty() {
        pieces.push(Bytes::copy_from_slice(trailer));
    }
    let number = FragmentNumber::new(1, ServerTime::from_unix_ms(5), 0);
    OpenFragment {
        number,
        producer: ProducerTime::from_unix_ms(producer_ms),
        head: head.into(),
        pieces,
        waits,
    }
}

fn compared(open: &[OpenFragment]) -> Option<Comparison> {
    Comparison::new(ProducerTime::from_unix_ms(1_000), MS, open)
}

fn block(index: i16, payload: &[u8]) -> Element<'_> {
    Element::Block { track: 1, at: 20 * index, payload }
}

fn tag(name: &str) -> Vec<u8> {
    let mut tag = Vec::new();
    write::user_tag(&mut tag, name, "v");
    tag
}

fn trailer(bytes: &[u8]) -> Element<'_> {
    Element::Other { bytes, in_cluster: false }
}

#[test]
fn a_fragment_whose_blocks_were_all_sent_again_is_the_same() {
    let mut comparison = compared(&[held(1_000, &[b"one", b"two"], b"", true)]).unwrap();
    assert_eq!(comparison.element(block(0, b"one"), OPEN), Verdict::Undecided);
    assert_eq!(comparison.repeated().map(|held| held.waits), Some(true));
    assert_eq!(comparison.element(block(1, b"two"), OPEN), Verdict::Same(Behind::WithNext));
}

#[test]
fn a_difference_in_track_time_or_payload_makes_it_another_one() {
    for other in [
        Element::Block { track: 2, at: 20, payload: b"two" },
        Element::Block { track: 1, at: 21, payload: b"two" },
        Element::Block { track: 1, at: 20, payload: b"tw" },
    ] {
        let mut comparison = compared(&[held(1_000, &[b"one", b"two"], b"", true)]).unwrap();
        comparison.element(block(0, b"one"), OPEN);
        assert_eq!(comparison.element(other, OPEN), Verdict::Different);
        assert_eq!(comparison.into_departed().len(), 1, "nothing will continue what was begun again");
    }
}

#[test]
fn what_differs_from_its_first_block_on_is_another_producers_and_stays_as_it_is() {
    let mut comparison = compared(&[held(1_000, &[b"one"], b"", true)]).unwrap();
    assert_eq!(comparison.element(block(0, b"other"), OPEN), Verdict::Different);
    assert!(comparison.into_departed().is_empty());
}

#[test]
fn time_only_bounds_what_is_compared() {
    for (producer_ms, near) in [(0, true), (2_000, true), (-1, false), (2_001, false)] {
        let open = [OpenFragment {
            producer: ProducerTime::from_unix_ms(producer_ms),
            ..held(1_000, &[b"one"], b"", true)
        }];
        assert_eq!(compared(&open).is_some(), near, "{producer_ms}");
        assert!(Comparison::new(ProducerTime::from_unix_ms(1_000), 2 * MS, &open).is_none(), "another unit");
    }
}

#[test]
fn the_one_of_several_is_found_that_was_sent_again() {
    let open = [held(1_000, &[b"one", b"two"], b"", true), {
        let second = held(1_500, &[b"one", b"three"], b"", true);
        OpenFragment { number: FragmentNumber::new(2, ServerTime::from_unix_ms(6), 0), ..second }
    }];
    let mut comparison = compared(&open).unwrap();
    assert_eq!(comparison.element(block(0, b"one"), OPEN), Verdict::Undecided);
    assert_eq!(comparison.element(block(1, b"three"), OPEN), Verdict::Same(Behind::WithNext));
    assert_eq!(comparison.first().map(|held| held.number.sequence()), Some(2));
}

#[test]
fn a_fragment_that_ends_before_all_of_it_was_sent_again_is_another_one() {
    let mut comparison = compared(&[held(1_000, &[b"one", b"two"], b"", true)]).unwrap();
    comparison.element(block(0, b"one"), OPEN);
    assert_eq!(comparison.ended(ClusterSize::Left(0)), Verdict::Different);
}

#[test]
fn a_fragment_that_grows_while_it_is_compared_is_compared_further() {
    let whole = held(1_000, &[b"one", b"two"], b"", false);
    let begun = OpenFragment { pieces: whole.pieces[..1].to_vec(), ..whole.clone() };
    let mut comparison = compared(&[begun]).unwrap();
    assert_eq!(comparison.element(block(0, b"one"), OPEN), Verdict::Same(Behind::WithNext));
    assert_eq!(comparison.grown(&whole.pieces[1..]), Verdict::Undecided);
    assert_eq!(comparison.first().map(|held| held.elements.pieces()), Some(2));
    assert_eq!(comparison.element(block(1, b"two"), OPEN), Verdict::Same(Behind::WithNext));
}

#[test]
fn tags_behind_the_cluster_are_taken_once_and_no_block_follows_them() {
    let (known, other) = (tag("k"), tag("l"));
    let begin = || {
        let mut comparison = compared(&[held(1_000, &[b"one"], &known, true)]).unwrap();
        assert_eq!(comparison.element(block(0, b"one"), OPEN), Verdict::Undecided);
        comparison
    };
    assert_eq!(begin().element(trailer(&known), OPEN), Verdict::Same(Behind::WithNext));
    assert_eq!(begin().element(trailer(&other), OPEN), Verdict::Same(Behind::WithThis));
    assert_eq!(begin().ended(ClusterSize::Left(0)), Verdict::Same(Behind::WithNext));
    assert_eq!(begin().element(block(1, b"two"), OPEN), Verdict::Different);
}

#[test]
fn a_cluster_of_known_size_is_continued_only_by_what_it_lacks() {
    let mut one = held(1_000, &[b"one"], b"", true);
    // The same Cluster with a size: the Timestamp, the block that is there and 7 bytes more.
    let unknown = one.pieces[0].clone();
    let payload = &unknown[5..];
    let mut piece = unknown[..4].to_vec();
    tympan_mkv::vint::put_size(&mut piece, payload.len() as u64 + 7, 4);
    piece.extend_from_slice(payload);
    one.pieces = vec![piece.into()];
    for (left, verdict) in [
        (ClusterSize::Left(7), Verdict::Same(Behind::WithNext)),
        (ClusterSize::Left(8), Verdict::Different),
        (ClusterSize::Unknown, Verdict::Different),
    ] {
        let mut comparison = compared(&[one.clone()]).unwrap();
        assert_eq!(comparison.element(block(0, b"one"), [ClusterSize::Left(99), left]), verdict);
    }
    let padding = Elements::of(&one).padding().unwrap();
    assert_eq!(&padding[..], b"\xec\x85\0\0\0\0\0", "what is not continued is made whole");
}
