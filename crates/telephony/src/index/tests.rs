use super::*;
use crate::audio::g711::Law;
use crate::audio::tone::{key, silence, sine};
use crate::words::Payload;
use proptest::prelude::*;

/// A piece of a track and what it should look like.
#[derive(Clone, Debug)]
enum Piece {
    Quiet,
    Tone { hz: u16 },
    Key { digit: Digit },
    Lost,
    Dtx,
}

fn piece() -> impl Strategy<Value = (Piece, usize)> {
    let kind = prop_oneof![
        Just(Piece::Quiet),
        (300u16..3_400).prop_map(|hz| Piece::Tone { hz }),
        (0u8..16).prop_map(|event| Piece::Key { digit: Digit::from_event(event).unwrap() }),
        Just(Piece::Lost),
        Just(Piece::Dtx),
    ];
    // 80 ms to 1.2 s, in whole cells.
    (kind, 4usize..60)
}

/// Cuts a track into fragments of a second, as a capture does; `frame` samples come at a time.
struct Track {
    builder: IndexBuilder,
    fragments: Vec<Vec<u8>>,
    frame: usize,
}

impl Track {
    fn new(frame: usize) -> Self {
        Self { builder: IndexBuilder::new(1), fragments: Vec::new(), frame }
    }

    fn room(&self) -> usize {
        8_000 - self.builder.samples() as usize
    }

    fn turn(&mut self) {
        if self.room() == 0 {
            self.fragments.push(self.builder.finish_fragment());
        }
    }

    fn audio(&mut self, samples: &[i16]) {
        let mut left = samples;
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(self.frame).min(self.room()));
            let codes: Vec<u8> = now.iter().map(|&sample| Law::Mu.encode(sample)).collect();
            self.builder.push(&Payload::Ulaw(&codes));
            self.turn();
            left = later;
        }
    }

    fn silence(&mut self, samples: usize, cause: Cause) {
        let mut left = samples;
        while left > 0 {
            let now = left.min(self.frame).min(self.room());
            self.builder.push(&Payload::Silence { samples: now as u32, cause });
            self.turn();
            left -= now;
        }
    }

    fn waveform(mut self, columns: usize) -> Waveform {
        if self.builder.samples() > 0 {
            self.fragments.push(self.builder.finish_fragment());
        }
        let indexes: Vec<_> = self.fragments.iter().map(|bytes| TrackIndex::read(bytes).unwrap().0).collect();
        let samples: u64 = indexes.iter().map(|index| u64::from(index.samples())).sum();
        let end_ms = START_MS + i64::try_from(samples / 8).unwrap();
        let mut waveform = WaveformBuilder::new(1, START_MS, end_ms, columns);
        for (index, at) in indexes.iter().zip(0..) {
            waveform.add(START_MS + 1_000 * at, index);
        }
        waveform.finish()
    }
}

const START_MS: i64 = 1_700_000_000_000;

proptest! {
    #[test]
    fn what_is_injected_lies_at_its_exact_place(
        pieces in prop::collection::vec(piece(), 1..30),
        frame in prop_oneof![Just(80usize), Just(160), Just(240), 1usize..1_000],
    ) {
        let mut track = Track::new(frame);
        let mut expected: Vec<Span> = Vec::new();
        let mut at = 0u64;
        for (piece, cells) in &pieces {
            // Two of a kind in a row are apart.
            track.audio(&silence(2 * CELL_SAMPLES));
            at += 2 * CELL_SAMPLES as u64;
            let samples = cells * CELL_SAMPLES;
            let kind = match piece {
                Piece::Quiet => {
                    track.audio(&silence(samples));
                    None
                }
                Piece::Tone { hz } => {
                    track.audio(&sine(f64::from(*hz), 6_000.0, samples));
                    Some(SpanKind::Tone)
                }
                Piece::Key { digit } => {
                    track.audio(&key(*digit, 6_000.0, samples));
                    Some(SpanKind::KeyTone)
                }
                Piece::Lost => {
                    track.silence(samples, Cause::Lost);
                    Some(SpanKind::Gap(Gap::Lost))
                }
                Piece::Dtx => {
                    track.silence(samples, Cause::Dtx);
                    Some(SpanKind::Gap(Gap::Dtx))
                }
            };
            expected.extend(kind.map(|kind| Span { kind, at, samples: samples as u64 }));
            at += samples as u64;
        }
        let waveform = track.waveform(100);
        prop_assert_eq!(waveform.samples, at);
        prop_assert_eq!(waveform.spans, expected);
    }

    #[test]
    fn columns_hold_the_level_of_their_samples(
        levels in prop::collection::vec(1i16..30_000, 1..10),
        columns in 1usize..300,
    ) {
        // Square waves of half a second: RMS and peak are the amplitude.
        let mut track = Track::new(160);
        for &level in &levels {
            let wave: Vec<i16> = (0..4_000).map(|at| if at % 2 == 0 { level } else { -level }).collect();
            track.builder_pcm(&wave);
        }
        let waveform = track.waveform(columns);
        for (at, column) in waveform.columns.iter().enumerate() {
            let from = waveform.samples * at as u64 / columns as u64;
            let to = waveform.samples * (at as u64 + 1) / columns as u64;
            let inside = |slack: u64| {
                let first = from.saturating_sub(slack) / 4_000;
                let last = (to + slack - 1).min(waveform.samples - 1) / 4_000;
                first as usize..=last as usize
            };
            // Cells of a level reach at most half a column over its edge.
            let slack = ((to - from) / 2).max(160);
            let loudest = levels[inside(slack)].iter().copied().max().unwrap();
            let least = levels[inside(0)].iter().copied().max().unwrap();
            prop_assert!(column.covered);
            prop_assert!(column.peak >= Level::of_peak(least.unsigned_abs()));
            prop_assert!(column.peak <= Level::of_peak(loudest.unsigned_abs()));
            prop_assert!(column.rms <= column.peak);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_all(&bytes);
        let _ = read_all(&sealed(&bytes));
    }

    #[test]
    fn a_changed_byte_is_found(at in 0usize..1_000, bit in 0u8..8) {
        let mut block = second_of_tone();
        let at = at % block.len();
        block[at] ^= 1 << bit;
        prop_assert!(read_all(&block).is_err());
    }

    #[test]
    fn a_block_with_a_valid_checksum_and_any_contents_is_read_or_refused(
        at in 12usize..1_000, value in any::<u8>(),
    ) {
        let mut block = second_of_tone();
        let at = at % block.len();
        block[at] = value;
        if let Ok(all) = read_all(&reseal(block)) {
            let mut waveform = WaveformBuilder::new(1, START_MS, START_MS + 5_000, 50);
            for index in &all {
                waveform.add(START_MS, index);
            }
            waveform.finish();
        }
    }
}

impl Track {
    fn builder_pcm(&mut self, samples: &[i16]) {
        for piece in samples.chunks(self.frame) {
            self.builder.push(&Payload::Pcm(piece));
            self.turn();
        }
    }
}

/// Bytes as the contents of a block with a right header.
fn sealed(contents: &[u8]) -> Vec<u8> {
    let mut block = [&MAGIC[..], &[0; 8], &[FORMAT], contents].concat();
    let length = u32::try_from(block.len()).unwrap();
    block[8..12].copy_from_slice(&length.to_le_bytes());
    reseal(block)
}

fn reseal(mut block: Vec<u8>) -> Vec<u8> {
    let crc = bytes::crc32c(&block[8..]);
    block[4..8].copy_from_slice(&crc.to_le_bytes());
    block
}

fn second_of_tone() -> Vec<u8> {
    let mut builder = IndexBuilder::new(1);
    builder.pcm(&sine(440.0, 3_000.0, 4_000));
    builder.gap(3_000, Gap::Lost);
    builder.pcm(&sine(440.0, 3_000.0, 1_000));
    builder.key(Digit::from_char('5').unwrap(), 4_000, 800);
    builder.finish_fragment()
}

#[test]
fn a_second_takes_fewer_than_170_bytes() {
    let block = second_of_tone();
    assert!(block.len() < 170, "{} bytes", block.len());
}

#[test]
fn keys_come_back_in_order_with_their_place() {
    let mut builder = IndexBuilder::new(1);
    builder.pcm(&silence(8_000));
    let [one, two] = ['1', '2'].map(|key| Digit::from_char(key).unwrap());
    builder.key(two, 5_000, 0);
    builder.key(one, 100, 640);
    let block = builder.finish_fragment();
    let (index, _) = TrackIndex::read(&block).unwrap();
    let expected = [KeyMark { key: one, at: 100, samples: 640 }, KeyMark { key: two, at: 5_000, samples: 0 }];
    assert_eq!(index.keys(), expected);
    let next = builder.finish_fragment();
    assert_eq!(TrackIndex::read(&next).unwrap().0.keys(), []);
}

#[test]
fn a_gap_across_fragments_is_one_span() {
    let mut track = Track::new(160);
    track.audio(&silence(7_000));
    track.silence(10_001, Cause::Pause);
    track.audio(&silence(999));
    let waveform = track.waveform(10);
    assert_eq!(waveform.spans, [Span { kind: SpanKind::Gap(Gap::Pause), at: 7_000, samples: 10_001 }]);
}

#[test]
fn tracks_of_a_fragment_stand_one_after_the_other() {
    let (mut from, mut to) = (IndexBuilder::new(1), IndexBuilder::new(2));
    from.pcm(&sine(440.0, 9_000.0, 8_000));
    to.pcm(&silence(8_000));
    let mut both = from.finish_fragment();
    to.finish_fragment_into(&mut both);
    let tracks: Vec<u8> = read_all(&both).unwrap().iter().map(TrackIndex::track).collect();
    assert_eq!(tracks, [1, 2]);
    assert_eq!(read_all(&both[..both.len() - 1]).unwrap_err(), IndexError::CutOff);
    assert_eq!(read_all(&[]).unwrap().len(), 0);
}

#[test]
fn an_empty_fragment_is_read() {
    let block = IndexBuilder::new(3).finish_fragment();
    let (index, rest) = TrackIndex::read(&block).unwrap();
    assert_eq!((index.track(), index.samples(), index.cells(), rest.len()), (3, 0, 0, 0));
    assert_eq!(index.level(0).iter().count(), 0);
}

#[test]
fn marks_beyond_the_limit_are_left_out_and_told() {
    let mut builder = IndexBuilder::new(1);
    for _ in 0..2 * MAX_MARKS {
        builder.gap(1, Gap::Lost);
        builder.pcm(&[1]);
        builder.key(Digit::from_char('1').unwrap(), 0, 0);
    }
    let block = builder.finish_fragment();
    let (index, _) = TrackIndex::read(&block).unwrap();
    assert!(index.is_incomplete());
    assert_eq!((index.gaps().len(), index.keys().len()), (MAX_MARKS, MAX_MARKS));
    assert!(
        !TrackIndex::read(&builder.finish_fragment()).unwrap().0.is_incomplete(),
        "the next one is whole"
    );
}

#[test]
fn a_fragment_beyond_an_hour_is_cut_and_told() {
    let mut builder = IndexBuilder::new(1);
    builder.gap(u32::MAX, Gap::Pause);
    builder.pcm(&[1; 160]);
    let over = u64::from(u32::MAX) + 160 - u64::try_from(MAX_CELLS * CELL_SAMPLES).unwrap();
    assert_eq!(builder.samples_left_out(), over);
    let block = builder.finish_fragment();
    let (index, _) = TrackIndex::read(&block).unwrap();
    assert!(index.is_incomplete());
    assert_eq!(index.cells(), MAX_CELLS);
    assert!(block.len() < 3 * MAX_CELLS);
}

#[test]
fn a_later_format_is_told() {
    let mut block = second_of_tone();
    block[12] = FORMAT + 1;
    assert_eq!(read_all(&reseal(block)).unwrap_err(), IndexError::Format(FORMAT + 1));
}

#[test]
fn what_is_made_from_audio_says_so() {
    let mut builder = IndexBuilder::from_audio(1);
    builder.pcm(&silence(160));
    assert!(TrackIndex::read(&builder.finish_fragment()).unwrap().0.is_from_audio());
    assert!(TrackIndex::read(&builder.finish_fragment()).unwrap().0.is_from_audio());
}

#[test]
fn absent_and_unindexed_fragments_are_spans() {
    let mut builder = IndexBuilder::new(1);
    builder.pcm(&silence(8_000));
    let block = builder.finish_fragment();
    let (index, _) = TrackIndex::read(&block).unwrap();
    let mut waveform = WaveformBuilder::new(1, START_MS, START_MS + 5_000, 5);
    waveform.add(START_MS + 1_000, &index);
    waveform.add_unindexed(START_MS + 2_000, 1_000);
    waveform.add_pause(START_MS + 4_000, 500);
    let waveform = waveform.finish();
    let span = |kind, at, samples| Span { kind, at, samples };
    assert_eq!(
        waveform.spans,
        [
            span(SpanKind::Absent, 0, 8_000),
            span(SpanKind::Unindexed, 16_000, 8_000),
            span(SpanKind::Absent, 24_000, 8_000),
            span(SpanKind::Gap(Gap::Pause), 32_000, 4_000),
            span(SpanKind::Absent, 36_000, 4_000)
        ]
    );
    let covered: Vec<bool> = waveform.columns.iter().map(|column| column.covered).collect();
    assert_eq!(covered, [false, true, false, false, false]);
}

#[test]
fn spans_beyond_the_limit_are_counted() {
    let mut builder = IndexBuilder::new(1);
    for _ in 0..MAX_MARKS {
        builder.gap(1, Gap::Lost);
        builder.pcm(&[0]);
    }
    let block = builder.finish_fragment();
    let (index, _) = TrackIndex::read(&block).unwrap();
    let mut waveform = WaveformBuilder::new(1, START_MS, START_MS + 1_000_000, 5);
    for at in 0..200 {
        waveform.add(START_MS + 1_000 * at, &index);
    }
    let waveform = waveform.finish();
    assert_eq!(waveform.spans.len(), Waveform::MAX_SPANS);
    assert!(waveform.spans_left_out > 0);
}
