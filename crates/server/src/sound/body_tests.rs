//! Bodies against the samples that were put in.

use super::*;
use crate::sound::testing::{BEGAN_MS, Stage, contact};
use proptest::prelude::*;
use std::ops::Range;
use tympan_admin::AxisPart;
use tympan_telephony::audio::pcm;

/// A fragment: how long after the end of the one before it begins, and its samples.
#[derive(Debug, Clone)]
struct Piece {
    hole_ms: u16,
    /// It begins up to a millisecond before the end of the one before it.
    overlaps: bool,
    samples: usize,
    block: usize,
}

fn piece() -> impl Strategy<Value = Piece> {
    let hole = prop_oneof![3 => Just(0u16), 1 => 1u16..3_000];
    (hole, any::<bool>(), 1usize..3_000, 1usize..960).prop_map(|(hole_ms, overlaps, samples, block)| Piece {
        hole_ms,
        overlaps,
        samples,
        block,
    })
}

/// What was captured: a stage, its contact, and what each track holds from the beginning of the axis on.
struct Captured {
    stage: Stage,
    contact: Contact,
    tracks: [Vec<i16>; 2],
}

async fn capture(captures: &[Vec<Piece>], retention_hours: u32) -> Captured {
    let stage = Stage::new(retention_hours).await;
    let (mut entries, mut tracks) = (Vec::new(), [Vec::new(), Vec::new()]);
    let mut value = 0i16;
    let last = captures.len() - 1;
    for (at, pieces) in captures.iter().enumerate() {
        let mut session = stage.session(u8::try_from(at).unwrap(), &SoundTrack::ALL).await;
        let begins_ms = BEGAN_MS + i64::try_from(tracks[0].len().div_ceil(8)).unwrap();
        let lead_in = session.lead_in(begins_ms).await;
        let mut entry = stage.capture(begins_ms, lead_in);
        entry.stop_fragment_number = Some(lead_in);
        for (nth, piece) in pieces.iter().enumerate() {
            let end = tracks[0].len();
            let begin_ms = if piece.overlaps && nth > 0 { end / 8 } else { end.div_ceil(8) };
            // An axis begins with its first sample.
            let begin_ms = begin_ms + if tracks[0].is_empty() { 0 } else { usize::from(piece.hole_ms) };
            let number = session.begin(BEGAN_MS + i64::try_from(begin_ms).unwrap());
            entry.stop_fragment_number = Some(number);
            let [from, to] = [1, -1].map(|sign| {
                let next = |n: usize| sign * (value.wrapping_add(n as i16) | 1);
                (0..piece.samples).map(next).collect::<Vec<i16>>()
            });
            value = value.wrapping_add(piece.samples as i16);
            for (track, samples) in tracks.iter_mut().zip([&from, &to]) {
                let known = track.len().max(8 * begin_ms);
                track.resize(known, 0);
                // What is there first stays.
                track.extend(samples.iter().skip(known - 8 * begin_ms));
            }
            for (from, to) in from.chunks(piece.block).zip(to.chunks(piece.block)) {
                session.block(&[from, to]);
            }
            session.seal().await;
        }
        if at < last {
            entry.stop_timestamp = Some(entry.start_timestamp);
        } else {
            entry.stop_fragment_number = None;
        }
        entries.push(entry);
    }
    for track in &mut tracks {
        track.resize(track.len().next_multiple_of(8), 0);
    }
    Captured { stage, contact: contact(entries), tracks }
}

impl Captured {
    async fn read(&self, part: AxisPart, form: SoundForm) -> (SoundBody, Vec<u8>) {
        let wanted = WantedSound { part, form };
        let mut body = SoundBody::open(&self.stage.store, &self.contact, wanted).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            assert!(!chunk.is_empty());
            bytes.extend_from_slice(&chunk);
        }
        (body, bytes)
    }

    fn track(&self, track: SoundTrack) -> &[i16] {
        match track {
            SoundTrack::FromCustomer => &self.tracks[0],
            SoundTrack::ToCustomer => &self.tracks[1],
        }
    }
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    pcm::from_le_bytes(bytes).collect()
}

fn part(range: &Range<u32>) -> AxisPart {
    AxisPart { from_ms: Some(range.start), to_ms: Some(range.end) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_sample_lies_at_its_place_and_what_was_not_captured_is_silence(
        captures in prop::collection::vec(prop::collection::vec(piece(), 0..8), 1..4),
        is_kept in any::<bool>(),
        cuts in (0u32..9_000, 0u32..9_000),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let captured = capture(&captures, if is_kept { 24 } else { 0 }).await;
            // Of a last capture without a fragment the axis goes on to now, which is far away.
            prop_assume!(captures.last().is_some_and(|pieces| !pieces.is_empty()));
            prop_assume!(!captures[0].is_empty());
            for track in SoundTrack::ALL {
                let all = captured.track(track);
                let (body, bytes) = captured.read(AxisPart::default(), SoundForm::Raw(track)).await;
                prop_assert_eq!((body.position_samples, body.length_bytes), (0, Some(bytes.len() as u64)));
                prop_assert_eq!(&samples(&bytes), all);

                let range = cuts.0.min(cuts.1)..cuts.0.max(cuts.1);
                let (body, bytes) = captured.read(part(&range), SoundForm::Wav(track)).await;
                let place = |ms: u32| (8 * ms as usize).min(all.len());
                let expected = &all[place(range.start)..place(range.end)];
                prop_assert_eq!(body.position_samples, place(range.start) as u64);
                prop_assert_eq!(body.length_bytes, Some(bytes.len() as u64));
                prop_assert_eq!(&bytes, &wav::write(expected));
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn matroska_has_the_fragments_that_overlap_the_part_and_no_others() {
    let second = Piece { hole_ms: 0, overlaps: false, samples: 8_000, block: 160 };
    let captured = capture(&[vec![second.clone(); 3], vec![second; 2]], 24).await;
    let count = async |range: Range<u32>| {
        let (body, bytes) = captured.read(part(&range), SoundForm::Matroska).await;
        assert_eq!(body.length_bytes, None);
        let tag = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER";
        bytes.windows(tag.len()).filter(|window| window == tag).count()
    };
    assert_eq!(count(0..5_000).await, 5);
    assert_eq!(count(1_000..2_000).await, 1);
    assert_eq!(count(999..2_001).await, 3);
    assert_eq!(count(2_500..3_500).await, 2);
    assert_eq!((count(1_500..1_500).await, count(5_000..9_000).await), (0, 0));
}

#[tokio::test]
async fn what_was_never_captured_is_a_wav_file_without_samples() {
    let stage = Stage::new(0).await;
    let nothing = Captured { stage, contact: contact(Vec::new()), tracks: Default::default() };
    let (_, bytes) = nothing.read(AxisPart::default(), SoundForm::Wav(SoundTrack::FromCustomer)).await;
    assert_eq!(bytes, wav::write(&[]));
    let second = Piece { hole_ms: 0, overlaps: false, samples: 8_000, block: 160 };
    let captured = capture(&[vec![second]], 24).await;
    let (body, bytes) = captured.read(part(&(1_000..2_000)), SoundForm::Wav(SoundTrack::FromCustomer)).await;
    assert_eq!((body.position_samples, bytes), (8_000, wav::write(&[])));
}

#[tokio::test]
async fn a_stream_that_is_deleted_is_silence() {
    let second = Piece { hole_ms: 0, overlaps: false, samples: 8_000, block: 160 };
    let mut captured = capture(&[vec![second.clone()], vec![second]], 24).await;
    let stream = captured.contact.captures[0].stream_arn.clone();
    captured.stage.store.delete_stream(tympan_store::StreamRef::Arn(&stream), None).await.unwrap();
    let ends = captured.contact.captures[0].start_timestamp.plus_ms(2_000);
    captured.contact.captures[1].stop_timestamp = Some(ends);
    let raw = SoundForm::Raw(SoundTrack::FromCustomer);
    assert_eq!(samples(&captured.read(AxisPart::default(), raw).await.1), vec![0; 16_000]);
}
