use super::*;
use crate::testing::{Recorded, RecordingUpload, spec};
use proptest::prelude::*;
use tympan_telephony::SampleOffset;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::words::Payload;
use tympan_types::WallTime;

const TAPS: CaptureTaps = CaptureTaps { received: TapId::new(1), sent: None };

fn id(number: u64) -> CaptureId {
    CaptureId::new(number)
}

fn anchor(samples: u64) -> Anchor {
    let wall = WallTime::from_unix_ms(1_700_000_000_000).plus_ms(samples as i64 / 8);
    Anchor { at: SampleOffset::from_samples(samples), wall }
}

/// The frame of a leg that begins at `position`: what it says tells where it stood.
fn frame(captures: &mut Captures, position: u64) {
    let samples: Vec<i16> = (position..position + 160).map(|sample| sample as i16).collect();
    let at = SampleOffset::from_samples(position);
    captures.frame(&Frame { tap: TAPS.received, at, payload: Payload::Pcm(&samples) });
}

fn open(captures: &mut Captures, number: u64, at: u64) {
    captures.open(id(number), &spec(), TAPS, anchor(at));
}

/// What a capture of the frames from `from` to `to` holds whose upload was there from the start.
fn reference(from: u64, to: u64) -> Recorded {
    let (upload, recorded) = RecordingUpload::pair();
    let mut captures = Captures::default();
    open(&mut captures, 1, from);
    captures.attach(id(1), upload);
    (from..to).step_by(160).for_each(|position| frame(&mut captures, position));
    captures.close(id(1));
    recorded.take()
}

/// The leg of a call whose first Start block has timed out, and whose second one has begun.
#[test]
fn the_late_upload_of_a_start_that_timed_out_gets_nothing_of_the_next_capture() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    (0..6_400).step_by(160).for_each(|position| frame(&mut captures, position));
    captures.abandon(id(1));
    open(&mut captures, 2, 6_400);
    (6_400..8_000).step_by(160).for_each(|position| frame(&mut captures, position));
    let ((late, of_first), (upload, of_second)) = (RecordingUpload::pair(), RecordingUpload::pair());
    captures.attach(id(1), late);
    captures.attach(id(2), upload);
    (8_000..9_600).step_by(160).for_each(|position| frame(&mut captures, position));
    captures.close(id(2));
    assert!(of_first.take() == Recorded::default(), "it was cut off with nothing in it");
    assert!(of_second.take() == reference(6_400, 9_600));
}

#[test]
fn a_closed_capture_waits_for_its_own_upload_while_the_next_one_runs() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    frame(&mut captures, 0);
    captures.close(id(1));
    open(&mut captures, 2, 160);
    let ((first, of_first), (second, of_second)) = (RecordingUpload::pair(), RecordingUpload::pair());
    captures.attach(id(2), second);
    frame(&mut captures, 160);
    captures.attach(id(1), first);
    assert!(of_first.take() == reference(0, 160));
    captures.close(id(2));
    assert!(of_second.take() == reference(160, 320));
    assert!(!captures.awaits_upload());
}

#[test]
fn a_command_that_names_a_capture_that_is_over_changes_nothing() {
    let mut captures = Captures::default();
    let (upload, recorded) = RecordingUpload::pair();
    open(&mut captures, 2, 0);
    captures.attach(id(2), upload);
    for over in [1, 3] {
        captures.only(id(over), Tracks::NONE);
        captures.abandon(id(over));
        captures.close(id(over));
    }
    open(&mut captures, 2, 99_999);
    frame(&mut captures, 0);
    captures.close(id(2));
    assert!(recorded.take() == reference(0, 160));
}

#[test]
fn the_end_of_a_leg_closes_its_captures_and_those_without_an_upload_wait_for_it() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    frame(&mut captures, 0);
    captures.close_all();
    frame(&mut captures, 160);
    assert!(!captures.is_cutting() && captures.awaits_upload());
    let (upload, recorded) = RecordingUpload::pair();
    captures.attach(id(1), upload);
    assert!(recorded.take() == reference(0, 160));
    assert!(!captures.awaits_upload());
}

#[test]
fn every_capture_reports_what_it_did_once_under_its_id() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    frame(&mut captures, 0);
    assert_eq!(captures.poll_finished(), None);
    captures.close(id(1));
    open(&mut captures, 2, 160);
    frame(&mut captures, 160);
    frame(&mut captures, 320);
    captures.abandon(id(2));
    captures.attach(id(1), RecordingUpload::pair().0);
    let reports: Vec<_> = std::iter::from_fn(|| captures.poll_finished())
        .map(|(id, stats)| (id, stats.cutter.ledger.samples(), stats.abandoned_bytes > 0))
        .collect();
    assert_eq!(reports, [(id(1), 160, false), (id(2), 320, true)]);
}

#[test]
fn a_capture_whose_upload_never_comes_reports_its_end_by_itself() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    let mut position = 0;
    while captures.is_cutting() {
        frame(&mut captures, position);
        position += 160;
    }
    assert_eq!(captures.poll_finished().map(|(id, _)| id), Some(id(1)));
    assert!(!captures.awaits_upload());
}

#[test]
fn of_too_many_captures_the_oldest_that_is_closed_makes_room() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    for number in 2..=10 {
        open(&mut captures, number, 0);
        captures.close(id(number));
        assert!(captures.captures.len() <= Captures::MOST);
    }
    assert!(captures.is_cutting(), "the one that is open stays");
    assert_eq!(captures.take_displaced(), 10 - Captures::MOST as u64);
    let recordings: Vec<_> = (1..=10)
        .map(|number| {
            let (upload, recorded) = RecordingUpload::pair();
            captures.attach(id(number), upload);
            recorded.take().finished
        })
        .collect();
    assert_eq!(recordings, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    for number in 11..20 {
        open(&mut captures, number, 0);
    }
    assert!(captures.captures.len() <= Captures::MOST);
}

#[test]
fn reports_that_are_not_taken_are_bounded() {
    let mut captures = Captures::default();
    for number in 0..100 {
        open(&mut captures, number, 0);
        captures.abandon(id(number));
    }
    assert_eq!(captures.finished.len(), FINISHED);
}

#[test]
fn a_frame_of_a_tap_that_is_not_the_captures_own_is_not_captured() {
    let mut captures = Captures::default();
    let (upload, recorded) = RecordingUpload::pair();
    open(&mut captures, 1, 0);
    captures.attach(id(1), upload);
    let at = SampleOffset::from_samples(0);
    captures.frame(&Frame { tap: TapId::new(9), at, payload: Payload::Pcm(&[99; 160]) });
    frame(&mut captures, 0);
    captures.close(id(1));
    assert!(recorded.take() == reference(0, 160));
}

/// What happens on a leg, in any order. Captures are named by how many were opened before.
#[derive(Debug, Clone)]
enum Step {
    Frames(u8),
    Silence(u16),
    Open,
    Attach(u64),
    Close(u64),
    Abandon(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u8..60).prop_map(Step::Frames),
        1 => (1u16..9_000).prop_map(Step::Silence),
        2 => Just(Step::Open),
        3 => (1u64..6).prop_map(Step::Attach),
        2 => (1u64..6).prop_map(Step::Close),
        1 => (1u64..6).prop_map(Step::Abandon),
    ]
}

/// What is known of a capture from outside.
#[derive(Default)]
struct Known {
    begins: usize,
    ends: Option<usize>,
    upload: Option<crate::testing::Recording>,
    was_abandoned_before: bool,
}

proptest! {
    /// Whatever the order of frames, uploads and ends: the bytes of a capture are what an upload that was there from the start would have
    /// had, or, of one that was abandoned before its upload came, none at all.
    #[test]
    fn the_bytes_of_a_capture_do_not_depend_on_when_its_upload_comes(
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut captures = Captures::default();
        let mut sound: Vec<(u64, Result<Vec<i16>, u32>)> = Vec::new();
        let (mut position, mut known): (u64, Vec<Known>) = (0, Vec::new());
        let play = |captures: &mut Captures, (at, sound): &(u64, Result<Vec<i16>, u32>)| {
            let payload = match sound {
                Ok(samples) => Payload::Pcm(samples),
                Err(samples) => Payload::Silence { samples: *samples, cause: Cause::Pause },
            };
            captures.frame(&Frame { tap: TAPS.received, at: SampleOffset::from_samples(*at), payload });
        };
        let starts_of = |sound: &[(u64, Result<Vec<i16>, u32>)], index: usize, end: u64| sound.get(index).map_or(end, |piece| piece.0);
        for step in steps {
            let named = |number: u64| usize::try_from(number - 1).unwrap();
            match step {
                Step::Frames(count) => for _ in 0..count {
                    sound.push((position, Ok((0..160).map(|sample| (position + sample) as i16).collect())));
                    play(&mut captures, sound.last().unwrap());
                    position += 160;
                },
                Step::Silence(samples) => {
                    sound.push((position, Err(u32::from(samples))));
                    play(&mut captures, sound.last().unwrap());
                    position += u64::from(samples);
                }
                // As many as there is room for, so that none is displaced.
                Step::Open if known.len() < Captures::MOST => {
                    known.push(Known { begins: sound.len(), ..Known::default() });
                    open(&mut captures, known.len() as u64, position);
                }
                Step::Open => {}
                Step::Attach(number) => if let Some(known) = known.get_mut(named(number)).filter(|known| known.upload.is_none()) {
                    let (upload, recorded) = RecordingUpload::pair();
                    captures.attach(id(number), upload);
                    known.upload = Some(recorded);
                },
                Step::Close(number) => if let Some(known) = known.get_mut(named(number)) {
                    captures.close(id(number));
                    known.ends.get_or_insert(sound.len());
                },
                Step::Abandon(number) => if let Some(known) = known.get_mut(named(number)) {
                    captures.abandon(id(number));
                    known.was_abandoned_before |= known.upload.is_none();
                    known.ends.get_or_insert(sound.len());
                },
            }
        }
        captures.close_all();
        for (index, known) in known.iter_mut().enumerate() {
            let recorded = known.upload.take().unwrap_or_else(|| {
                let (upload, recorded) = RecordingUpload::pair();
                captures.attach(id(index as u64 + 1), upload);
                recorded
            });
            let (begins, ends) = (known.begins, known.ends.unwrap_or(sound.len()));
            let expected = if known.was_abandoned_before {
                Recorded::default()
            } else {
                let (upload, recorded) = RecordingUpload::pair();
                let mut captures = Captures::default();
                open(&mut captures, 1, starts_of(&sound, begins, position));
                captures.attach(id(1), upload);
                sound[begins..ends].iter().for_each(|piece| play(&mut captures, piece));
                captures.close(id(1));
                recorded.take()
            };
            prop_assert!(recorded.take() == expected, "capture {}", index + 1);
        }
        prop_assert!(!captures.awaits_upload());
    }
}

#[test]
fn audio_that_came_late_is_in_the_ledger_of_the_captures_that_ran() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    captures.remark(160, Cause::Late);
    captures.close(id(1));
    captures.remark(80, Cause::Late);
    let (_, stats) = captures.poll_finished().unwrap();
    assert_eq!(stats.cutter.ledger.total(Cause::Late).samples, 160);
}

#[test]
fn a_key_is_in_the_index_where_the_track_was_when_it_was_pressed() {
    let mut captures = Captures::default();
    let (upload, recorded) = RecordingUpload::pair();
    open(&mut captures, 1, 0);
    captures.attach(id(1), upload);
    frame(&mut captures, 0);
    captures.key(Digit::from_char('7').unwrap());
    frame(&mut captures, 160);
    captures.close(id(1));
    let recorded = recorded.take();
    let (_, index) = recorded.indexes.last().unwrap();
    let tracks = tympan_telephony::index::read_all(index).unwrap();
    let keys: Vec<_> = tracks[0].keys().iter().map(|mark| (mark.key, mark.at)).collect();
    assert_eq!(keys, [(Digit::from_char('7').unwrap(), 160)]);
}

/// A sink that knows nothing of codes and indexes, as PutMedia over HTTP.
struct PlainUpload(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Upload for PlainUpload {
    fn write(&mut self, mkv: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(mkv);
    }

    fn finish(self: Box<Self>) {}
}

#[test]
fn a_sink_that_knows_nothing_of_codes_gets_the_document_that_they_stand_for() {
    let plain = std::sync::Arc::<std::sync::Mutex<Vec<u8>>>::default();
    let (upload, recorded) = RecordingUpload::pair();
    let uploads: [Box<dyn Upload>; 2] = [upload, Box::new(PlainUpload(plain.clone()))];
    for (upload, is_late) in uploads.into_iter().zip([false, true]) {
        let mut captures = Captures::default();
        open(&mut captures, 1, 0);
        let mut upload = Some(upload);
        for position in (0..9_600).step_by(160) {
            if is_late == (position == 4_800) && (is_late || position == 0) {
                captures.attach(id(1), upload.take().unwrap());
            }
            let at = SampleOffset::from_samples(position);
            let payload =
                if position < 5_000 { Payload::Ulaw(&[0x31; 160]) } else { Payload::Alaw(&[0x17; 160]) };
            captures.frame(&Frame { tap: TAPS.received, at, payload });
        }
        captures.close(id(1));
    }
    let recorded = recorded.take();
    assert!(!recorded.indexes.is_empty());
    assert!(*plain.lock().unwrap() == recorded.mkv);
}

#[test]
fn only_the_capture_that_is_named_goes_on_with_fewer_tracks() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    open(&mut captures, 2, 0);
    captures.only(id(2), Tracks::NONE);
    frame(&mut captures, 0);
    captures.close_all();
    let suppressed: Vec<(CaptureId, u64)> = std::iter::from_fn(|| captures.poll_finished())
        .map(|(id, stats)| (id, stats.cutter.ledger.total(Cause::Suppressed).samples))
        .collect();
    assert_eq!(suppressed, [(id(1), 0), (id(2), 160)]);
}

#[test]
fn what_the_far_end_hears_comes_by_a_tap_of_its_own_in_whatever_form() {
    let taps = CaptureTaps { received: TapId::new(1), sent: Some(TapId::new(2)) };
    let spec = CutterSpec { tracks: Tracks::BOTH, ..spec() };
    let document = |payload: Payload<'_>| {
        let (upload, recorded) = RecordingUpload::pair();
        let mut captures = Captures::default();
        captures.open(id(1), &spec, taps, anchor(0));
        captures.attach(id(1), upload);
        captures.frame(&Frame { tap: TapId::new(2), at: SampleOffset::ZERO, payload });
        frame(&mut captures, 0);
        captures.close(id(1));
        recorded.take().mkv
    };
    let samples = |law: Law| [law.decode(0x31); 160];
    assert!(document(Payload::Ulaw(&[0x31; 160])) == document(Payload::Pcm(&samples(Law::Mu))));
    assert!(document(Payload::Alaw(&[0x31; 160])) == document(Payload::Pcm(&samples(Law::A))));
    let silent = Payload::Silence { samples: 160, cause: Cause::Pause };
    assert!(document(silent) == document(Payload::Pcm(&[0; 160])));
    assert!(document(silent) != document(Payload::Ulaw(&[0x31; 160])));
}

#[test]
fn an_upload_that_opens_amidst_a_long_silence_has_all_of_it() {
    let mut captures = Captures::default();
    open(&mut captures, 1, 0);
    let silence = |captures: &mut Captures, at, samples| {
        let payload = Payload::Silence { samples, cause: Cause::Pause };
        captures.frame(&Frame { tap: TAPS.received, at: SampleOffset::from_samples(at), payload });
    };
    silence(&mut captures, 0, 20_000);
    let (upload, recorded) = RecordingUpload::pair();
    captures.attach(id(1), upload);
    silence(&mut captures, 20_000, 20_000);
    captures.close(id(1));
    let (_, stats) = captures.poll_finished().unwrap();
    assert_eq!((stats.cutter.ledger.samples(), stats.cutter.ledger.received_samples()), (40_000, 0));
    // The lead-in and five seconds.
    assert_eq!(recorded.take().indexes.len(), 6);
}

#[test]
fn a_capture_that_waits_holds_no_more_than_its_limit_whatever_comes() {
    for payload in [Payload::Ulaw(&[1; 160]), Payload::Ulaw(&[1; 1]), Payload::Pcm(&[1; 160])] {
        let mut captures = Captures::default();
        open(&mut captures, 1, 0);
        let mut position = 0;
        while captures.is_cutting() {
            captures.frame(&Frame { tap: TAPS.received, at: SampleOffset::from_samples(position), payload });
            position += payload.samples();
            let held = captures.captures.first().map_or(0, |entry| entry.capture.stats().pending_bytes);
            assert!(held <= Capture::PENDING_LIMIT_BYTES, "{held}");
        }
        let (_, stats) = captures.poll_finished().unwrap();
        assert!(stats.abandoned_bytes > Capture::PENDING_LIMIT_BYTES as u64 / 2);
    }
}

proptest! {
    /// Every sample of a capture was received or is in its ledger, whatever came and who listened.
    #[test]
    fn the_ledger_and_the_audio_are_all_samples_of_a_capture(
        pieces in prop::collection::vec((0usize..4, 1u32..2_000, -300i64..600), 1..40), silenced in 0usize..40,
    ) {
        let mut captures = Captures::default();
        let (upload, recorded) = RecordingUpload::pair();
        open(&mut captures, 1, 0);
        captures.attach(id(1), upload);
        let mut end = 0u64;
        for (nth, (kind, count, shift)) in pieces.into_iter().enumerate() {
            if nth == silenced {
                captures.only(id(1), Tracks::NONE);
            }
            let (pcm, codes) = (vec![1_000i16; count as usize], vec![0x31u8; count as usize]);
            let payload = match kind {
                0 => Payload::Pcm(&pcm),
                1 => Payload::Ulaw(&codes),
                2 => Payload::Alaw(&codes),
                _ => Payload::Silence { samples: count, cause: Cause::Lost },
            };
            let at = end.saturating_add_signed(shift);
            captures.frame(&Frame { tap: TAPS.received, at: SampleOffset::from_samples(at), payload });
            captures.remark(7, Cause::Late);
            end = end.max(at + u64::from(count));
        }
        captures.close(id(1));
        let (_, stats) = captures.poll_finished().unwrap();
        let ledger = &stats.cutter.ledger;
        let silent: u64 = Cause::ALL.into_iter().filter(|cause| cause.is_silence()).map(|cause| ledger.total(cause).samples).sum();
        prop_assert_eq!(ledger.received_samples() + silent, ledger.samples());
        prop_assert_eq!(ledger.samples(), end);

        // The indexes say the same, and so does the sound: what is no silence was received.
        let (mut indexed, mut gaps) = (0u64, 0u64);
        let recorded = recorded.take();
        for (_, index) in &recorded.indexes[1..] {
            for track in tympan_telephony::index::read_all(index).unwrap() {
                indexed += u64::from(track.samples());
                gaps += track.gaps().iter().map(|gap| u64::from(gap.samples)).sum::<u64>();
            }
        }
        prop_assert_eq!((indexed, indexed - gaps), (ledger.samples(), ledger.received_samples()));
    }
}
