use super::*;
use proptest::prelude::*;
use tympan_mkv::write;

const CODEC: Companded = Companded;

/// The stored form if it is smaller, checked to give the body back.
fn stored(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"head".to_vec();
    let encoded = CODEC.encode(body, &mut out);
    assert!(out.starts_with(b"head"), "what stood there before stands there still");
    encoded.then(|| {
        let stored = out.split_off(4);
        assert!(stored.len() < body.len());
        assert!(decoded(&stored, body.len()).as_deref() == Some(body), "the same bytes come back");
        stored
    })
}

/// What stands behind what stood there before.
fn decoded(stored: &[u8], plain_bytes: usize) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    let is_whole = CODEC.decode(stored, plain_bytes, &mut out);
    assert!(out.starts_with(b"before"));
    is_whole.then(|| out.split_off(6))
}

fn block(out: &mut Vec<u8>, track: u8, at_ms: i16, samples: impl IntoIterator<Item = i16>) {
    let pcm: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    write::simple_block(out, track, at_ms, 0, &pcm);
}

/// A second of a call in the shape in which they are captured.
fn second(law: Law) -> Vec<u8> {
    let mut body = Vec::new();
    write::cluster_start(&mut body, 1_700_000_000_000);
    for at in 0..50u16 {
        let codes = (0..160u16).map(|sample| (at * 160 + sample).wrapping_mul(7) as u8);
        block(&mut body, 1, at as i16 * 20, codes.map(|code| expanded(law, code)));
    }
    for (name, value) in [("ContactId", "17a1f2b8-4f0c-4cb8-a4b4-3b51a7bd2f0e"), ("Events", "[]")] {
        write::user_tag(&mut body, name, value);
    }
    body
}

#[test]
fn the_laws_are_those_of_the_itu() {
    let mu = [(0x00, -32_124), (0x80, 32_124), (0xff, 0), (0x7f, 0), (0xfe, 8), (0x8f, 16_764), (0x70, -120)];
    for (code, sample) in mu {
        assert_eq!(expanded(Law::Mu, code), sample, "{code:#x}");
    }
    let a = [(0x2a, -32_256), (0xaa, 32_256), (0xd5, 8), (0x55, -8), (0xc5, 264), (0x80, 5_504)];
    for (code, sample) in a {
        assert_eq!(expanded(Law::A, code), sample, "{code:#x}");
    }
}

#[test]
fn every_sample_is_exact_if_and_only_if_its_law_expands_a_code_to_it() {
    for (law, code_of) in [(Law::Mu, mu_code as fn(i16) -> (u8, u32)), (Law::A, a_code)] {
        let image: std::collections::HashSet<i16> = (0..=255).map(|code| expanded(law, code)).collect();
        for sample in i16::MIN..=i16::MAX {
            let (code, difference) = code_of(sample);
            assert_eq!(difference == 0, image.contains(&sample), "{sample}");
            assert!(difference != 0 || expanded(law, code) == sample, "{sample}");
        }
    }
}

#[test]
fn a_captured_second_takes_half_of_its_samples_and_little_more() {
    for law in [Law::Mu, Law::A] {
        let body = second(law);
        let stored = stored(&body).unwrap();
        // Samples, the tags and the first two block headers as they are, and one byte for each further block.
        let around = body.len() - 50 * (320 + 13);
        assert!(stored.len() <= 8_000 + around + 2 * 13 + 48 + 16, "{} of {}", stored.len(), body.len());
    }
}

#[test]
fn silence_in_an_a_law_call_is_kept_by_the_other_law() {
    let mut body = Vec::new();
    for at in 0..10 {
        let code = if at % 3 == 0 { None } else { Some(at as u8 * 20) };
        block(&mut body, 1, at * 20, [code.map_or(0, |code| expanded(Law::A, code)); 160]);
    }
    assert!(stored(&body).unwrap().len() < 10 * 180);
}

#[test]
fn what_no_law_has_stays_and_does_not_keep_its_neighbours_from_it() {
    let mut body = Vec::new();
    block(&mut body, 1, 0, [1; 160]);
    assert_eq!(stored(&body), None, "nothing to gain");
    block(&mut body, 1, 20, [0; 160]);
    // One sample at the very end that no law has.
    block(&mut body, 1, 40, (0..160).map(|at| if at < 159 { 0 } else { 1 }));
    block(&mut body, 1, 60, [0; 160]);
    let length = stored(&body).unwrap().len();
    assert!((body.len() - 320..body.len() - 300).contains(&length), "two blocks are smaller: {length}");
}

#[test]
fn laced_blocks_groups_and_other_documents_come_back_too() {
    let mut body = Vec::new();
    let pcm: Vec<u8> = (0..160).flat_map(|_| 0i16.to_le_bytes()).collect();
    // Laced: stays. In a group: found.
    write::simple_block(&mut body, 1, 0, 0x02, &pcm);
    assert_eq!(stored(&body), None);
    let mut group = vec![0xa1, 0x41, 0x44, 0x81, 0, 0, 0];
    group.extend(&pcm);
    body.extend([0xa0, 0x41, 0x47]);
    body.extend(&group);
    assert!(stored(&body).unwrap().len() < body.len() - 150);
    for other in [&b""[..], b"RIFF....WAVEfmt ", &[0xa3], &[0x1f, 0x43, 0xb6, 0x75, 0xff, 0xa3, 0x88, 0x81]] {
        assert_eq!(stored(other), None);
    }
}

#[test]
fn a_length_that_is_not_the_bodys_is_refused() {
    let body = second(Law::Mu);
    let stored = stored(&body).unwrap();
    for wrong in [0, 1, body.len() - 1, body.len() + 1] {
        assert_eq!(decoded(&stored, wrong), None);
    }
    for cut in 0..stored.len() {
        assert_eq!(decoded(&stored[..cut], body.len()), None, "cut at {cut}");
    }
}

/// Elements as producers of all kinds send them, and as none does.
fn elements() -> impl Strategy<Value = Vec<u8>> {
    let sample = prop_oneof![
        6 => any::<u8>().prop_map(|code| expanded(Law::Mu, code)),
        3 => any::<u8>().prop_map(|code| expanded(Law::A, code)),
        1 => any::<i16>(),
    ];
    let uniform = (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(mu, codes)| {
        let law = if mu { Law::Mu } else { Law::A };
        codes.into_iter().map(|code| expanded(law, code)).collect::<Vec<i16>>()
    });
    let samples = prop_oneof![3 => uniform, 1 => proptest::collection::vec(sample, 0..200)];
    let times = (1..4u8, any::<i16>(), prop_oneof![3 => Just(0u8), 1 => any::<u8>()]);
    let repeated = (times, samples, 1..5i16).prop_map(|((track, at_ms, flags), samples, times)| {
        let pcm: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
        let mut out = Vec::new();
        for time in 0..times {
            write::simple_block(&mut out, track, at_ms.wrapping_add(time * 20), flags, &pcm);
        }
        out
    });
    prop_oneof![
        8 => repeated,
        1 => any::<u64>().prop_map(|timecode| {
            let mut out = Vec::new();
            write::cluster_start(&mut out, timecode);
            out
        }),
        1 => "[a-z]{0,20}".prop_map(|value| {
            let mut out = Vec::new();
            write::user_tag(&mut out, "name", &value);
            out
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn every_body_comes_back_as_it_was(
        parts in proptest::collection::vec(elements(), 0..8), cut in any::<prop::sample::Index>(), whole: bool,
    ) {
        let mut body = parts.concat();
        if !whole && !body.is_empty() {
            body.truncate(cut.index(body.len()));
        }
        stored(&body);
    }

    #[test]
    fn garbage_expands_to_nothing_or_to_the_length_that_was_asked_for(
        garbage in proptest::collection::vec(any::<u8>(), 0..300), plain_bytes in 0..2_000usize,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut stored = stored(&second(Law::A)).unwrap();
        for (at, byte) in flips {
            let at = at.index(stored.len());
            stored[at] ^= byte;
        }
        for bytes in [&garbage, &stored] {
            if let Some(plain) = decoded(bytes, plain_bytes) {
                prop_assert_eq!(plain.len(), plain_bytes);
            }
        }
    }
}

/// A block as it is and as a piece, a run of other bytes, or a block that is no law's.
#[derive(Debug, Clone)]
enum Part {
    Block { codes: Vec<u8>, law: bool, at_ms: i16, is_coded: bool },
    Plain(Vec<u8>),
}

fn part() -> impl Strategy<Value = Part> {
    let codes = prop_oneof![3 => proptest::collection::vec(any::<u8>(), 160), 1 => proptest::collection::vec(any::<u8>(), 0..200)];
    prop_oneof![
        6 => (codes, any::<bool>(), any::<i16>(), prop::bool::weighted(0.8))
            .prop_map(|(codes, law, at_ms, is_coded)| Part::Block { codes, law, at_ms, is_coded }),
        1 => elements().prop_map(Part::Plain),
    ]
}

proptest! {
    #[test]
    fn parts_of_which_some_are_companded_make_the_body_that_they_stand_for(
        parts in proptest::collection::vec(part(), 0..30),
    ) {
        let (mut body, mut pieces) = (Vec::new(), Vec::new());
        for part in parts {
            let mut plain = Vec::new();
            let coded = match part {
                Part::Plain(bytes) => { plain = bytes; None }
                Part::Block { codes, law, at_ms, is_coded } => {
                    let law = if law { Law::Mu } else { Law::A };
                    write::simple_block_header(&mut plain, 1, at_ms, 0, 2 * codes.len());
                    let mut piece = Vec::new();
                    Companded::piece(&plain, law, &codes, &mut piece);
                    law.expand_into(&codes, &mut plain);
                    is_coded.then_some(piece)
                }
            };
            if let Some(piece) = &coded {
                prop_assert!(decoded(piece, plain.len()).as_ref() == Some(&plain), "a piece stands by itself");
            }
            body.extend_from_slice(&plain);
            pieces.push((plain, coded));
        }
        let parts = pieces.iter().map(|(plain, coded)| match coded {
            Some(coded) => BodyPart::Coded(coded),
            None => BodyPart::Plain(plain),
        });
        let mut joined = b"head".to_vec();
        if CODEC.join(&mut parts.into_iter(), &mut joined) {
            prop_assert!(joined.starts_with(b"head"));
            prop_assert!(decoded(&joined[4..], body.len()) == Some(body), "the same bytes come back");
        }
    }
}

#[test]
fn a_second_of_pieces_is_stored_as_the_same_second_without_them() {
    for law in [Law::Mu, Law::A] {
        let body = second(law);
        let expected = stored(&body).unwrap();
        let mut pieces: Vec<(bool, Vec<u8>)> = Vec::new();
        let (mut at, mut done) = (0, 0);
        while let Some(samples) = next_samples(&body, at) {
            at = samples.end;
            let (mut codes, mut piece) = (Vec::new(), Vec::new());
            assert!(compress(law, &body[samples.clone()], &mut codes));
            Companded::piece(&body[done..samples.start], law, &codes, &mut piece);
            pieces.push((true, piece));
            done = samples.end;
        }
        pieces.push((false, body[done..].to_vec()));
        let parts = pieces
            .iter()
            .map(|(is_coded, bytes)| if *is_coded { BodyPart::Coded(bytes) } else { BodyPart::Plain(bytes) });
        let mut joined = Vec::new();
        assert!(CODEC.join(&mut parts.into_iter(), &mut joined));
        assert!(joined == expected, "{} and {} bytes", joined.len(), expected.len());
    }
}

#[test]
fn a_piece_that_is_none_is_not_joined() {
    for garbage in [&[0x80u8][..], &[0xff, 0xff, 0xff, 0xff, 0xff], &[0x14, 1, 2], &[0x53]] {
        assert!(!CODEC.join(&mut std::iter::once(BodyPart::Coded(garbage)), &mut Vec::new()));
    }
}
