//! Indexes of captures as a picture, and the picture as JSON.

use super::IndexedCapture;
use super::axis::{self, SAMPLES_PER_MS};
use super::from_audio::{FROM_CUSTOMER, TO_CUSTOMER};
use serde_json::{Value, json};
use std::ops::Range;
use tympan_admin::AxisPart;
use tympan_telephony::index::{Level, Span, SpanKind, TrackIndex, Waveform, WaveformBuilder, read_all};
use tympan_types::WallTime;

/// Tracks and their names.
const TRACKS: [(u8, &str); 2] = [(FROM_CUSTOMER, "AUDIO_FROM_CUSTOMER"), (TO_CUSTOMER, "AUDIO_TO_CUSTOMER")];

/// The pictures of a contact's tracks. None if nothing was captured.
pub(super) struct Tracks(Vec<(&'static str, Waveform)>);

/// Draws the tracks that there are on one time axis: from the beginning of the first capture to the end of the last, `now`
/// where that goes on. The columns are of its `part`.
pub(super) fn draw(captures: &[IndexedCapture], columns: usize, part: AxisPart, now: WallTime) -> Tracks {
    let parsed: Vec<Vec<Parsed<'_>>> = captures.iter().map(parse).collect();
    let Some((start_ms, end_ms)) = extent(captures, now) else { return Tracks(Vec::new()) };
    let present = |track: u8| {
        let mut fragments = parsed.iter().flatten();
        track == FROM_CUSTOMER
            || fragments.any(|fragment| fragment.tracks.iter().any(|index| index.track() == track))
    };
    let draw = |(track, name): (u8, &'static str)| {
        let builder = WaveformBuilder::new(track, start_ms, end_ms, columns);
        let mut builder = builder.cut(samples_of(part));
        let mut before_ms = None;
        for (capture, fragments) in captures.iter().zip(&parsed) {
            let begins_ms = begin_ms(capture);
            if let Some(before_ms) = before_ms
                && let Ok(pause_ms) = u32::try_from(begins_ms - before_ms)
                && pause_ms > 0
            {
                builder.add_pause(before_ms, pause_ms);
            }
            for fragment in fragments {
                match fragment.tracks.iter().find(|index| index.track() == track) {
                    Some(index) => builder.add(fragment.start_ms, index),
                    None => builder.add_unindexed(fragment.start_ms, fragment.duration_ms),
                }
            }
            before_ms = Some(end_of(capture, now));
        }
        (name, builder.finish())
    };
    Tracks(TRACKS.into_iter().filter(|(track, _)| present(*track)).map(draw).collect())
}

/// Places beyond the end of the axis are cut off by the picture.
fn samples_of(part: AxisPart) -> Range<u64> {
    let samples = |ms: u32| u64::from(ms) * u64::from(SAMPLES_PER_MS);
    samples(part.from_ms.unwrap_or(0))..part.to_ms.map_or(u64::MAX, samples)
}

struct Parsed<'a> {
    start_ms: i64,
    duration_ms: u32,
    tracks: Vec<TrackIndex<'a>>,
}

fn parse(capture: &IndexedCapture) -> Vec<Parsed<'_>> {
    let fragments = capture.fragments.iter().map(|fragment| Parsed {
        start_ms: fragment.meta.producer.unix_ms(),
        duration_ms: fragment.meta.duration_ms,
        tracks: fragment.index.as_deref().and_then(|index| read_all(index).ok()).unwrap_or_default(),
    });
    fragments.collect()
}

fn extent(captures: &[IndexedCapture], now: WallTime) -> Option<(i64, i64)> {
    let (first, last) = (captures.first()?, captures.last()?);
    Some((begin_ms(first), end_of(last, now)))
}

fn begin_ms(capture: &IndexedCapture) -> i64 {
    let first_ms = capture.fragments.first().map(|fragment| fragment.meta.producer.unix_ms());
    axis::begin_ms(&capture.audio, first_ms)
}

fn end_of(capture: &IndexedCapture, now: WallTime) -> i64 {
    axis::end_ms(&capture.audio, capture.fragments.last(), now)
}

impl Tracks {
    /// As GetWaveform answers, but for the contact's id.
    pub(super) fn to_json(&self, captures: &[IndexedCapture]) -> Value {
        let first = self.0.first().map(|(_, waveform)| waveform);
        let part = first.map_or(0..0, |waveform| waveform.part.clone());
        json!({
            "StartTimestamp": first.map(|waveform| axis::timestamp(waveform.start_ms)),
            "SampleRateHz": 8_000,
            "Samples": first.map_or(0, |waveform| waveform.samples),
            "FromMilliseconds": part.start / u64::from(SAMPLES_PER_MS),
            "ToMilliseconds": part.end / u64::from(SAMPLES_PER_MS),
            "Captures": captures.iter().map(capture).collect::<Vec<_>>(),
            "Tracks": self.0.iter().map(|(name, waveform)| track(name, waveform)).collect::<Vec<_>>(),
        })
    }
}

fn capture(capture: &IndexedCapture) -> Value {
    json!({
        "StreamARN": super::arn_of(capture),
        "Fragments": capture.fragments.len(),
        "Deleted": capture.is_gone,
        "Truncated": capture.is_cut,
    })
}

fn track(name: &str, waveform: &Waveform) -> Value {
    let levels = |of: fn(&tympan_telephony::index::Column) -> Level| -> Vec<Option<f64>> {
        waveform.columns.iter().map(|column| of(column).dbfs()).collect()
    };
    json!({
        "Name": name,
        "RmsDbfs": levels(|column| column.rms),
        "PeakDbfs": levels(|column| column.peak),
        "Spans": waveform.spans.iter().map(span).collect::<Vec<_>>(),
        "SpansLeftOut": waveform.spans_left_out,
        "FromAudio": waveform.from_audio,
        "Incomplete": waveform.incomplete,
    })
}

fn span(span: &Span) -> Value {
    let mut json = json!({ "Kind": span.kind.name(), "At": span.at, "Samples": span.samples });
    if let SpanKind::Key(key) = span.kind {
        json["Key"] = json!(key.as_char().to_string());
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_contact::CustomerAudio;
    use tympan_store::{FragmentMeta, IndexedFragment};
    use tympan_telephony::audio::tone::{silence, sine};
    use tympan_telephony::index::IndexBuilder;
    use tympan_types::{FragmentNumber, ProducerTime, ServerTime, StreamArn};

    const BEGIN_MS: i64 = 1_700_000_000_000;

    fn block(track: u8, samples: &[i16]) -> Vec<u8> {
        let mut builder = IndexBuilder::new(track);
        builder.pcm(samples);
        builder.finish_fragment()
    }

    fn fragment(sequence: u64, start_ms: i64, index: Option<Vec<u8>>) -> IndexedFragment {
        let server = ServerTime::from_unix_ms(start_ms);
        let meta = FragmentMeta {
            number: FragmentNumber::new(sequence, server, 0),
            producer: ProducerTime::from_unix_ms(start_ms),
            server,
            duration_ms: 980,
            head_bytes: 0,
            body_bytes: 0,
        };
        IndexedFragment { meta, index: index.map(Into::into) }
    }

    /// A capture that began at this second, with fragments that begin at these.
    fn capture(began_s: i64, ended_s: i64, fragments: Vec<IndexedFragment>) -> IndexedCapture {
        let arn = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076";
        let audio = CustomerAudio {
            stream_arn: StreamArn::parse(arn).unwrap(),
            start_timestamp: WallTime::from_unix_ms(BEGIN_MS + 1_000 * began_s),
            stop_timestamp: Some(WallTime::from_unix_ms(BEGIN_MS + 1_000 * ended_s)),
            start_fragment_number: FragmentNumber::MIN,
            stop_fragment_number: None,
            ledger: None,
        };
        IndexedCapture { audio, fragments, is_gone: false, is_cut: false }
    }

    fn seconds(range: Range<i64>, samples: &[i16]) -> Vec<IndexedFragment> {
        range.map(|at| fragment(at as u64, BEGIN_MS + 1_000 * at, Some(block(1, samples)))).collect()
    }

    fn kinds(tracks: &Tracks, track: usize) -> Vec<(&'static str, u64, u64)> {
        tracks.0[track].1.spans.iter().map(|span| (span.kind.name(), span.at, span.samples)).collect()
    }

    const NOW: WallTime = WallTime::from_unix_ms(BEGIN_MS + 60_000);

    #[test]
    fn what_lies_between_stop_and_start_is_a_pause() {
        let tone = sine(440.0, 9_000.0, 8_000);
        let captures = [capture(0, 2, seconds(0..2, &tone)), capture(5, 6, seconds(5..6, &tone))];
        let drawn = draw(&captures, 6, AxisPart::default(), NOW);
        let expected = [("tone", 0, 16_000), ("pause", 16_000, 24_000), ("tone", 40_000, 8_000)];
        assert_eq!(kinds(&drawn, 0), expected);
        let covered: Vec<bool> = drawn.0[0].1.columns.iter().map(|column| column.covered).collect();
        assert_eq!(covered, [true, true, false, false, false, true]);
    }

    #[test]
    fn a_beginning_that_has_expired_and_a_fragment_that_cannot_be_listened_to_are_told() {
        let mut fragments = seconds(10..12, &silence(8_000));
        fragments.push(fragment(12, BEGIN_MS + 12_000, None));
        let drawn = draw(&[capture(0, 13, fragments)], 10, AxisPart::default(), NOW);
        assert_eq!(kinds(&drawn, 0), [("absent", 0, 80_000), ("unindexed", 96_000, 7_840)]);
    }

    #[test]
    fn both_tracks_are_drawn_where_both_were_captured() {
        let both = [block(1, &silence(8_000)), block(2, &sine(440.0, 9_000.0, 8_000))].concat();
        let captures = [capture(0, 1, vec![fragment(1, BEGIN_MS, Some(both))])];
        let drawn = draw(&captures, 10, AxisPart::default(), NOW);
        assert_eq!((kinds(&drawn, 0), kinds(&drawn, 1)), (vec![], vec![("tone", 0, 8_000)]));
        let json = drawn.to_json(&captures);
        assert_eq!(json["Tracks"][1]["Name"], "AUDIO_TO_CUSTOMER");
        assert_eq!(json["Tracks"][0]["PeakDbfs"][0], Value::Null);
        assert_eq!(json["Samples"], 8_000);
    }

    #[test]
    fn columns_of_a_part_cover_that_part_and_spans_that_touch_it_are_whole_and_in_their_place() {
        let tone = sine(440.0, 9_000.0, 8_000);
        let captures = [capture(0, 2, seconds(0..2, &tone)), capture(5, 8, seconds(5..8, &silence(8_000)))];
        let part = AxisPart { from_ms: Some(1_500), to_ms: Some(5_500) };
        let drawn = draw(&captures, 8, part, NOW);
        assert_eq!(kinds(&drawn, 0), [("tone", 0, 16_000), ("pause", 16_000, 24_000)]);
        let covered: Vec<bool> = drawn.0[0].1.columns.iter().map(|column| column.covered).collect();
        assert_eq!(covered, [true, false, false, false, false, false, false, true]);
        let json = drawn.to_json(&captures);
        let bounds = (&json["FromMilliseconds"], &json["ToMilliseconds"], &json["Samples"]);
        assert_eq!(bounds, (&json!(1_500), &json!(5_500), &json!(64_000)));
        let beyond =
            draw(&captures, 3, AxisPart { from_ms: Some(9_000), to_ms: None }, NOW).to_json(&captures);
        assert_eq!((&beyond["FromMilliseconds"], &beyond["ToMilliseconds"]), (&json!(8_000), &json!(8_000)));
        assert_eq!(beyond["Tracks"][0]["RmsDbfs"], json!([null, null, null]));
    }

    #[test]
    fn a_contact_without_captures_has_no_tracks() {
        let json = draw(&[], 10, AxisPart::default(), NOW).to_json(&[]);
        assert_eq!((&json["Tracks"], &json["StartTimestamp"]), (&json!([]), &Value::Null));
    }
}
