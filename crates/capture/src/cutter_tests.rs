use super::*;
use crate::Piece;
use crate::testing::spec;
use proptest::prelude::*;
use tympan_mkv::Limits;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink, Track};
use tympan_telephony::capture_ledger::LossSpan;
use tympan_telephony::index::{Gap, GapMark, KeyMark, Level, TrackIndex, read_all};
use tympan_telephony::words::Tracks;

const WALL_MS: i64 = 1_726_677_688_724;

/// A document as a consumer sees it.
#[derive(Default, Debug, PartialEq)]
struct Document {
    tracks: Vec<(u64, String, String)>,
    fragments: Vec<Fragment>,
}

#[derive(Default, Debug, Clone, PartialEq)]
struct Fragment {
    timecode: u64,
    /// Track, relative time, flags, bytes.
    blocks: Vec<(u64, i16, u8, usize)>,
    /// Samples of tracks 1 and 2.
    samples: [Vec<i16>; 2],
    tags: Vec<(String, String)>,
}

impl FragmentSink for Document {
    fn tracks(&mut self, tracks: &[Track]) {
        self.tracks = tracks
            .iter()
            .map(|track| (track.number, track.name.clone().unwrap_or_default(), track.codec_id.clone()))
            .collect();
    }

    fn cluster_start(&mut self) {
        self.fragments.push(Fragment::default());
    }

    fn cluster_timecode(&mut self, timecode: u64) {
        self.fragments.last_mut().unwrap().timecode = timecode;
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], _last: bool) {
        let fragment = self.fragments.last_mut().unwrap();
        if block.first {
            fragment.blocks.push((block.track, block.relative_timecode, block.flags, 0));
        }
        fragment.blocks.last_mut().unwrap().3 += payload.len();
        let samples = payload.chunks(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]));
        fragment.samples[block.track as usize - 1].extend(samples);
    }

    fn tag(&mut self, name: &str, value: &str) {
        self.fragments.last_mut().unwrap().tags.push((name.to_owned(), value.to_owned()));
    }
}

impl Document {
    fn read(cut: &Cut) -> Self {
        let mut mkv = Vec::new();
        cut.expand_into(&mut mkv);
        Self::of(&mkv)
    }

    fn of(mkv: &[u8]) -> Self {
        let mut document = Self::default();
        let mut reader = FragmentReader::new(Limits::default());
        reader.push(mkv, &mut document).unwrap();
        reader.finish(&mut document).unwrap();
        document
    }

    /// All samples of a track after the lead-in.
    fn pcm(&self, track: usize) -> Vec<i16> {
        self.fragments[1..].iter().flat_map(|fragment| fragment.samples[track - 1].clone()).collect()
    }
}

fn at(samples: u64) -> SampleOffset {
    SampleOffset::from_samples(samples)
}

fn anchor(begins: u64) -> Anchor {
    Anchor { at: at(begins), wall: WallTime::from_unix_ms(WALL_MS) }
}

fn opened(spec: &CutterSpec, begins: u64) -> (Cutter, Cut) {
    let (mut cutter, mut out) = (Cutter::new(spec, anchor(begins)), Cut::default());
    cutter.open(&mut out);
    (cutter, out)
}

fn ramp(from: u64, samples: usize) -> Vec<i16> {
    (from..from + samples as u64).map(|sample| sample as i16).collect()
}

fn names(fragment: &Fragment) -> Vec<&str> {
    fragment.tags.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_document_has_the_shape_of_connect() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    for frame in 0..75 {
        cutter.received(at(frame * 160), Payload::Pcm(&ramp(frame * 160, 160)), &mut out);
    }
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.tracks, [(1, "AUDIO_FROM_CUSTOMER".to_owned(), "A_AAC".to_owned())]);
    assert_eq!(document.fragments.len(), 3);
    let timecodes: Vec<u64> = document.fragments.iter().map(|fragment| fragment.timecode).collect();
    let wall = WALL_MS as u64;
    assert_eq!(timecodes, [wall - 20, wall, wall + 1_000]);
    assert_eq!(
        document.fragments[1].tags,
        [
            ("ContactId", spec().contact.to_string()),
            ("InstanceId", spec().instance.to_string()),
            ("MimeType", "audio/L16;rate=8000;channels=1;".to_owned()),
            ("AUDIO_FROM_CUSTOMER", "1".to_owned()),
            ("Events", "[]".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    );
    assert_eq!(
        document.fragments[2].tags, document.fragments[1].tags,
        "a short last fragment has its tags too"
    );
    assert_eq!(document.fragments[1].blocks.len(), 50);
    assert_eq!(document.fragments[1].blocks[0], (1, 0, 0x80, 320));
    assert_eq!(document.fragments[1].blocks[49], (1, 980, 0, 320));
    assert_eq!(document.fragments[2].blocks.len(), 25);
    assert_eq!(document.pcm(1), ramp(0, 75 * 160));
    assert_eq!(cutter.stats().fragments, 3);
}

#[test]
fn the_lead_in_is_one_silent_frame_that_says_it_is_complete() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    let [lead_in] = document.fragments.as_slice() else { panic!("one fragment") };
    assert_eq!(lead_in.samples[0], [0; 160]);
    assert_eq!(
        names(lead_in),
        [
            "ContactId",
            "InstanceId",
            "MimeType",
            "AUDIO_FROM_CUSTOMER",
            "Events",
            "AWS_KINESISVIDEO_END_OF_FRAGMENT"
        ]
    );
}

#[test]
fn the_profile_of_the_seed_has_one_track_under_its_old_name() {
    let spec = CutterSpec { profile: TrackProfile::Seed2019, tracks: Tracks::BOTH, ..spec() };
    let (_, out) = opened(&spec, 0);
    let document = Document::read(&out);
    assert_eq!(document.tracks, [(1, "Track_audio/L16".to_owned(), "A_AAC".to_owned())]);
    assert_eq!(names(&document.fragments[0])[..4], ["ContactId", "InstanceId", "MimeType", "Events"]);
}

#[test]
fn what_the_customer_hears_is_a_second_track_in_step_with_the_first() {
    let (mut cutter, mut out) = opened(&CutterSpec { tracks: Tracks::BOTH, ..spec() }, 1_000);
    for frame in 0..60 {
        let begins = 1_000 + frame * 160;
        if frame % 2 == 0 {
            cutter.sent(at(begins), Payload::Pcm(&[7; 160]));
        }
        cutter.received(at(begins), Payload::Pcm(&[5; 160]), &mut out);
    }
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.tracks[1].1, "AUDIO_TO_CUSTOMER");
    for fragment in &document.fragments {
        assert_eq!(fragment.samples[0].len(), fragment.samples[1].len());
        assert!(fragment.tags.contains(&("AUDIO_TO_CUSTOMER".to_owned(), "2".to_owned())));
    }
    let heard: Vec<i16> = (0..60).flat_map(|frame| [if frame % 2 == 0 { 7 } else { 0 }; 160]).collect();
    assert_eq!(document.pcm(2), heard);
    assert_eq!(document.pcm(1), [5; 9_600]);
}

#[test]
fn a_track_that_is_not_wanted_any_more_is_silent() {
    let (mut cutter, mut out) = opened(&CutterSpec { tracks: Tracks::BOTH, ..spec() }, 0);
    cutter.sent(at(0), Payload::Pcm(&[7; 160]));
    cutter.received(at(0), Payload::Pcm(&[5; 160]), &mut out);
    cutter.only(Tracks { from_customer: false, to_customer: true });
    cutter.sent(at(160), Payload::Pcm(&[7; 160]));
    cutter.received(at(160), Payload::Pcm(&[5; 160]), &mut out);
    cutter.only(Tracks::FROM_CUSTOMER);
    cutter.sent(at(320), Payload::Pcm(&[7; 160]));
    cutter.received(at(320), Payload::Pcm(&[5; 160]), &mut out);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.pcm(1), [[5i16; 160], [0; 160], [5; 160]].concat());
    assert_eq!(document.pcm(2), [[7i16; 160], [7; 160], [0; 160]].concat());
    let spans: Vec<_> = cutter.stats().ledger.spans().copied().collect();
    assert_eq!(spans, [LossSpan { at: 160, samples: 160, cause: Cause::Suppressed }]);
}

#[test]
fn the_to_track_alone_is_track_one() {
    let tracks = Tracks { from_customer: false, to_customer: true };
    let (mut cutter, mut out) = opened(&CutterSpec { tracks, ..spec() }, 0);
    cutter.sent(at(0), Payload::Pcm(&[7; 160]));
    cutter.received(at(0), Payload::Pcm(&[5; 160]), &mut out);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.tracks, [(1, "AUDIO_TO_CUSTOMER".to_owned(), "A_AAC".to_owned())]);
    assert_eq!(document.pcm(1), [7; 160]);
}

#[test]
fn a_gap_is_silence_of_its_length_and_an_entry_in_the_ledger() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    cutter.received(at(0), Payload::Pcm(&[1; 7_000]), &mut out);
    cutter.received(at(7_000), Payload::Silence { samples: 1_500, cause: Cause::Pause }, &mut out);
    cutter.received(at(8_900), Payload::Pcm(&[2; 100]), &mut out);
    // Of these 160 samples, 100 are there already.
    cutter.received(at(8_900), Payload::Pcm(&[3; 160]), &mut out);
    cutter.finish(&mut out);
    let expected = [vec![1; 7_000], vec![0; 1_900], vec![2; 100], vec![3; 60]].concat();
    assert_eq!(Document::read(&out).pcm(1), expected);
    let stats = cutter.stats();
    let spans: Vec<_> = stats.ledger.spans().map(|span| (span.at, span.samples, span.cause)).collect();
    assert_eq!(spans, [(7_000, 1_500, Cause::Pause), (8_500, 400, Cause::Lost)]);
    assert_eq!(stats.overlapping_samples, 100);
    assert_eq!((stats.ledger.samples(), stats.ledger.received_samples()), (9_060, 7_160));
}

#[test]
fn a_wild_position_does_not_fill_the_disk_with_silence() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    cutter.received(at(u64::MAX - 1), Payload::Pcm(&[1; 160]), &mut out);
    cutter.received(at(u64::MAX - 1), Payload::Pcm(&[2; 160]), &mut out);
    cutter.finish(&mut out);
    assert_eq!(Document::read(&out).pcm(1), [vec![1; 160], vec![2; 160]].concat());
}

#[test]
fn ten_minutes_of_audio_end_exactly_ten_minutes_after_their_anchor() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    for second in 0..600u64 {
        out.clear();
        cutter.received(at(second * 8_000), Payload::Pcm(&[1; 8_000]), &mut out);
    }
    let document = {
        let mut whole = Vec::new();
        opened(&spec(), 0).1.expand_into(&mut whole);
        out.expand_into(&mut whole);
        Document::of(&whole)
    };
    assert_eq!(document.fragments.last().unwrap().timecode, WALL_MS as u64 + 599_000);
}

#[test]
fn a_frame_costs_no_allocation_once_the_buffer_has_grown() {
    let mut cutter = Cutter::new(&spec(), anchor(0));
    let mut out = Cut::with_capacity(4_096);
    let capacity = out.capacity();
    cutter.open(&mut out);
    for frame in 0..500 {
        out.clear();
        let companded = frame % 2 == 0;
        let payload = if companded { Payload::Ulaw(&[1; 160]) } else { Payload::Pcm(&[1; 160]) };
        cutter.received(at(frame * 160), payload, &mut out);
        assert_eq!(out.capacity(), capacity);
    }
}

#[test]
fn companded_samples_stay_so_and_are_the_same_document() {
    for law in [Law::Mu, Law::A] {
        let codes: Vec<u8> = (0..=255).cycle().take(9_000).collect();
        let mut samples = Vec::new();
        law.decode_into(&codes, &mut samples);
        let ((mut companded, mut kept), (mut linear, mut plain)) = (opened(&spec(), 0), opened(&spec(), 0));
        for (frame, (codes, samples)) in codes.chunks(200).zip(samples.chunks(200)).enumerate() {
            let payload = if law == Law::Mu { Payload::Ulaw(codes) } else { Payload::Alaw(codes) };
            companded.received(at(frame as u64 * 200), payload, &mut kept);
            linear.received(at(frame as u64 * 200), Payload::Pcm(samples), &mut plain);
        }
        companded.finish(&mut kept);
        linear.finish(&mut plain);
        assert_eq!(Document::read(&kept), Document::read(&plain));
        let held: usize =
            kept.pieces().map(|piece| if let Piece::Codes(_, codes) = piece { codes.len() } else { 0 }).sum();
        assert_eq!(held, 9_000);
    }
}

/// The index of each fragment, by track.
fn indexes(cut: &Cut) -> Vec<Vec<IndexOfTrack>> {
    let blocks =
        cut.pieces().filter_map(|piece| if let Piece::Index(bytes) = piece { Some(bytes) } else { None });
    let of_track = |track: &TrackIndex<'_>| IndexOfTrack {
        samples: track.samples(),
        keys: track.keys().to_vec(),
        gaps: track.gaps().to_vec(),
        is_quiet: track.level(1).iter().all(|(rms, _)| rms == Level::default()),
    };
    blocks.map(|bytes| read_all(bytes).unwrap().iter().map(of_track).collect()).collect()
}

#[derive(Debug)]
struct IndexOfTrack {
    samples: u32,
    keys: Vec<KeyMark>,
    gaps: Vec<GapMark>,
    is_quiet: bool,
}

#[test]
fn every_fragment_has_the_index_of_its_tracks_before_its_tags() {
    let (mut cutter, mut out) = opened(&CutterSpec { tracks: Tracks::BOTH, ..spec() }, 0);
    cutter.received(at(0), Payload::Pcm(&[5_000; 8_100]), &mut out);
    cutter.finish(&mut out);
    let samples: Vec<Vec<u32>> =
        indexes(&out).iter().map(|tracks| tracks.iter().map(|track| track.samples).collect()).collect();
    assert_eq!(samples, [[160, 160], [8_000, 8_000], [100, 100]]);
    let mut so_far = Vec::new();
    let mut tags_before_index = Vec::new();
    for piece in out.pieces() {
        piece.expand_into(&mut so_far);
        if let Piece::Index(_) = piece {
            let mut document = Document::default();
            FragmentReader::new(Limits::default()).push(&so_far, &mut document).unwrap();
            tags_before_index.push(document.fragments.last().unwrap().tags.len());
        }
    }
    assert_eq!(tags_before_index, [0, 0, 0]);
}

#[test]
fn a_key_is_in_the_index_of_the_fragment_that_is_open() {
    let (mut cutter, mut out) = opened(&spec(), 1_000);
    let key = Digit::from_char('5').unwrap();
    cutter.key(key, at(999), 0);
    cutter.received(at(1_000), Payload::Pcm(&[1; 8_400]), &mut out);
    // One began in this fragment, one in the one before.
    cutter.key(key, at(9_200), 320);
    cutter.key(key, at(8_999), 160);
    cutter.finish(&mut out);
    let of_fragment: Vec<Vec<(u32, u32)>> = indexes(&out)
        .iter()
        .map(|tracks| tracks[0].keys.iter().map(|key| (key.at, key.samples)).collect())
        .collect();
    assert_eq!(of_fragment, [vec![], vec![], vec![(0, 160), (200, 320)]]);
}

#[test]
fn of_a_direction_that_is_not_captured_no_key_and_no_sound_is_in_an_index() {
    let (mut cutter, mut out) = opened(&CutterSpec { tracks: Tracks::BOTH, ..spec() }, 0);
    cutter.only(Tracks { from_customer: false, to_customer: true });
    cutter.key(Digit::from_char('5').unwrap(), at(0), 320);
    cutter.received(at(0), Payload::Pcm(&[5_000; 8_000]), &mut out);
    let tracks = indexes(&out).pop().unwrap();
    assert!(tracks[0].keys.is_empty() && tracks[0].is_quiet);
    assert_eq!(tracks[0].gaps, [GapMark { gap: Gap::Suppressed, at: 0, samples: 8_000 }]);
}

/// A step of a timeline: audio of some length, or silence, each possibly after a hole or with an overlap.
fn step() -> impl Strategy<Value = (bool, bool, u32, i64)> {
    (prop::bool::weighted(0.8), any::<bool>(), 0u32..3_000, prop_oneof![4 => Just(0i64), 1 => -200i64..400])
}

proptest! {
    #[test]
    fn what_was_captured_reads_back_sample_for_sample(
        begins in 0u64..1_000_000, steps in prop::collection::vec(step(), 0..15),
    ) {
        let (mut cutter, mut out) = opened(&spec(), begins);
        let (mut expected, mut received): (Vec<i16>, u64) = Default::default();
        for (is_audio, is_companded, count, shift) in steps {
            let position = (begins + expected.len() as u64).saturating_add_signed(shift).max(begins);
            let samples = ramp(position, count as usize);
            let written = begins + expected.len() as u64;
            let codes: Vec<u8> = samples.iter().map(|sample| Law::A.encode(*sample)).collect();
            let samples = if is_companded { codes.iter().map(|code| Law::A.decode(*code)).collect() } else { samples };
            if is_audio && is_companded {
                cutter.received(at(position), Payload::Alaw(&codes), &mut out);
            } else if is_audio {
                cutter.received(at(position), Payload::Pcm(&samples), &mut out);
            } else {
                cutter.received(at(position), Payload::Silence { samples: count, cause: Cause::Pause }, &mut out);
            }
            expected.extend(std::iter::repeat_n(0, position.saturating_sub(written) as usize));
            let known = (written.saturating_sub(position) as usize).min(samples.len());
            received += if is_audio { (samples.len() - known) as u64 } else { 0 };
            expected.extend(samples[known..].iter().map(|sample| if is_audio { *sample } else { 0 }));
        }
        cutter.finish(&mut out);
        let document = Document::read(&out);
        prop_assert_eq!(document.pcm(1), expected.clone());
        prop_assert_eq!(cutter.stats().ledger.samples(), expected.len() as u64);
        prop_assert_eq!(cutter.stats().ledger.received_samples(), received);
        prop_assert_eq!(cutter.next_sample(), at(begins + expected.len() as u64));

        let mut in_indexes: Vec<(u64, u64)> = Vec::new();
        for block in indexes(&out) {
            let [track] = block.as_slice() else { panic!("one track each") };
            in_indexes.push((u64::from(track.samples), track.gaps.iter().map(|gap| u64::from(gap.samples)).sum()));
        }
        prop_assert_eq!(in_indexes.len(), document.fragments.len());
        prop_assert_eq!(in_indexes.remove(0), (160, 0));
        prop_assert_eq!(in_indexes.iter().map(|(samples, _)| samples).sum::<u64>(), expected.len() as u64);
        prop_assert_eq!(in_indexes.iter().map(|(samples, gaps)| samples - gaps).sum::<u64>(), received);

        let fragments = &document.fragments[1..];
        for (index, fragment) in fragments.iter().enumerate() {
            prop_assert_eq!(fragment.timecode, WALL_MS as u64 + 1_000 * index as u64);
            prop_assert_eq!(fragment.tags.len(), 5);
            let is_last = index + 1 == fragments.len();
            prop_assert!(is_last || fragment.samples[0].len() == 8_000);
            prop_assert!(fragment.blocks.iter().all(|block| (2..=1_920).contains(&block.3)));
            prop_assert!(fragment.blocks.is_sorted_by_key(|block| block.1));
        }
    }
}

#[test]
fn a_frame_longer_than_a_block_is_several_blocks_and_no_sample_less() {
    for samples in [961usize, 1_920, 2_000, 7_999] {
        let (mut cutter, mut out) = opened(&spec(), 0);
        cutter.received(at(0), Payload::Pcm(&ramp(0, samples)), &mut out);
        cutter.finish(&mut out);
        let document = Document::read(&out);
        assert_eq!(document.pcm(1), ramp(0, samples), "{samples}");
        let blocks = &document.fragments[1].blocks;
        assert_eq!(blocks.len(), samples.div_ceil(960), "{samples}");
        // Each at the place of its first sample, in milliseconds of the fragment.
        assert!((0..).zip(blocks).all(|(nth, block)| block.1 == 120 * nth && block.3 <= 2 * 960));
        assert_eq!(cutter.stats().blocks, samples.div_ceil(960) as u64);
    }
}

#[test]
fn a_frame_across_the_end_of_a_fragment_is_cut_there() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    cutter.received(at(0), Payload::Pcm(&ramp(0, 7_900)), &mut out);
    cutter.received(at(7_900), Payload::Ulaw(&[0x42; 300]), &mut out);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    let lengths: Vec<usize> = document.fragments.iter().map(|fragment| fragment.samples[0].len()).collect();
    assert_eq!(lengths, [160, 8_000, 200]);
    assert_eq!(document.pcm(1).len(), 8_200);
}

#[test]
fn samples_for_positions_that_are_written_are_left_out_and_counted() {
    let (mut cutter, mut out) = opened(&spec(), 1_000);
    cutter.received(at(1_000), Payload::Pcm(&ramp(1_000, 160)), &mut out);
    // Half of it again, and all of it from before the capture began.
    cutter.received(at(1_080), Payload::Pcm(&ramp(1_080, 160)), &mut out);
    cutter.received(at(500), Payload::Pcm(&[9; 160]), &mut out);
    cutter.finish(&mut out);
    assert_eq!(Document::read(&out).pcm(1), ramp(1_000, 240));
    assert_eq!(cutter.stats().overlapping_samples, 80 + 160);
    assert_eq!(cutter.stats().ledger.samples(), 240);
    assert_eq!(cutter.next_sample(), at(1_240));
}

#[test]
fn a_capture_of_nothing_is_its_lead_in() {
    let (mut cutter, mut out) = opened(&spec(), 0);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.fragments.len(), 1);
    assert_eq!((document.fragments[0].samples[0].len(), cutter.stats().fragments), (160, 1));
    assert_eq!((cutter.stats().blocks, cutter.stats().ledger.samples()), (0, 0));
}

#[test]
fn of_what_was_heard_before_a_capture_began_nothing_is_in_it() {
    let both = CutterSpec { tracks: Tracks::BOTH, ..spec() };
    let (mut cutter, mut out) = opened(&both, 1_000);
    cutter.sent(at(900), Payload::Pcm(&ramp(900, 200)));
    cutter.received(at(1_000), Payload::Pcm(&ramp(1_000, 160)), &mut out);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.pcm(1), ramp(1_000, 160));
    assert_eq!(document.pcm(2), [ramp(1_000, 100), vec![0; 60]].concat());
}

#[test]
fn what_was_heard_is_no_longer_than_what_was_said() {
    let both = CutterSpec { tracks: Tracks::BOTH, ..spec() };
    for (sent_at, samples) in [(0, 16_000), (u64::MAX - 100, 100), (8_000, 1)] {
        let (mut cutter, mut out) = opened(&both, 0);
        cutter.sent(at(sent_at), Payload::Pcm(&vec![7; samples]));
        for frame in 0..25 {
            cutter.received(at(frame * 160), Payload::Ulaw(&[0x42; 160]), &mut out);
        }
        cutter.finish(&mut out);
        let document = Document::read(&out);
        assert_eq!((document.pcm(1).len(), document.pcm(2).len()), (4_000, 4_000), "{sent_at}");
        let heard = document.pcm(2).iter().filter(|sample| **sample == 7).count();
        assert_eq!(heard, if sent_at == 0 { 4_000 } else { 0 }, "{sent_at}");
    }
}

#[test]
fn a_capture_that_goes_on_where_another_ended_begins_with_its_first_sample() {
    let (mut cutter, mut out) = opened(&CutterSpec { has_lead_in: false, ..spec() }, 1_000);
    cutter.received(at(1_000), Payload::Pcm(&ramp(1_000, 160)), &mut out);
    cutter.finish(&mut out);
    let document = Document::read(&out);
    assert_eq!(document.fragments[0].samples.concat(), ramp(1_000, 160));
    assert_eq!((document.fragments.len(), cutter.stats().fragments), (1, 1));
}
