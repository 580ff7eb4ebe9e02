//! Ground truth: what the real service returned, taken apart into what the producer must have sent, sent again, and
//! compared with what this service returns. Numbers and server times are its own; all else must be equal.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use serde_json::json;
use support::{BEGIN_MS, acks, bench, recorded, relative, whole};
use tympan_kvs::BodyEnd;
use tympan_mkv::element::{self, ElementId};
use tympan_mkv::fragment::{FragmentReader, FragmentSink, HeadPart};
use tympan_mkv::write;

/// A recorded fragment in parts.
#[derive(Debug, Default)]
struct Recorded {
    ebml: Vec<u8>,
    segment: Vec<u8>,
    /// Children of the Segment with their bytes; service tags are left out.
    head: Vec<(ElementId, Vec<u8>)>,
    /// The service tags before the Cluster and at the end of the document, as recorded.
    service: [Vec<u8>; 2],
    timecode: u64,
    cluster: Vec<u8>,
    trailer: Vec<(ElementId, Vec<u8>)>,
    /// Complete in the recording, its second service tags included.
    complete: bool,
    number: String,
    server_timestamp: String,
    producer_timestamp: String,
    behind_ms: String,
}

#[derive(Debug, Default)]
struct Recording {
    fragments: Vec<Recorded>,
    in_trailer: bool,
}

impl Recording {
    fn last(&mut self) -> &mut Recorded {
        self.fragments.last_mut().unwrap()
    }

    fn elements(&mut self) -> &mut Vec<(ElementId, Vec<u8>)> {
        if self.in_trailer { &mut self.last().trailer } else { &mut self.last().head }
    }
}

impl FragmentSink for Recording {
    fn document(&mut self) {
        self.fragments.push(Recorded::default());
        self.in_trailer = false;
    }
    fn head(&mut self, bytes: &[u8], part: HeadPart) {
        match part {
            HeadPart::Ebml => self.last().ebml.extend_from_slice(bytes),
            HeadPart::SegmentHeader => self.last().segment.extend_from_slice(bytes),
            _ => self.last().head.last_mut().unwrap().1.extend_from_slice(bytes),
        }
    }
    fn segment_child(&mut self, id: ElementId) {
        self.elements().push((id, Vec::new()));
    }
    fn cluster_start(&mut self) {
        self.in_trailer = true;
    }
    fn cluster_timecode(&mut self, timecode: u64) {
        self.last().timecode = timecode;
    }
    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.last().cluster.extend_from_slice(bytes);
    }
    fn trailer_bytes(&mut self, bytes: &[u8]) {
        self.last().trailer.last_mut().unwrap().1.extend_from_slice(bytes);
    }
    fn tag(&mut self, name: &str, value: &str) {
        match name {
            "AWS_KINESISVIDEO_FRAGMENT_NUMBER" => self.last().number = value.to_owned(),
            "AWS_KINESISVIDEO_SERVER_TIMESTAMP" => self.last().server_timestamp = value.to_owned(),
            "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW" => self.last().behind_ms = value.to_owned(),
            "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP" => self.last().producer_timestamp = value.to_owned(),
            "AWS_KINESISVIDEO_CONTINUATION_TOKEN" => self.last().complete = true,
            _ => {}
        }
    }
}

fn parts(bytes: &[u8]) -> Vec<Recorded> {
    let mut recording = Recording::default();
    let mut reader = FragmentReader::new(tympan_mkv::Limits::default());
    reader.push(bytes, &mut recording).unwrap();
    let _ = reader.finish(&mut recording);
    let is_service = |bytes: &[u8]| bytes.windows(17).any(|run| run == b"AWS_KINESISVIDEO_");
    for fragment in &mut recording.fragments {
        let of = |elements: &[(ElementId, Vec<u8>)]| {
            elements
                .iter()
                .map(|(_, bytes)| bytes)
                .filter(|bytes| is_service(bytes))
                .flatten()
                .copied()
                .collect()
        };
        fragment.service = [of(&fragment.head), of(&fragment.trailer)];
        fragment.head.retain(|(_, bytes)| !is_service(bytes));
        fragment.trailer.retain(|(_, bytes)| !is_service(bytes));
    }
    recording.fragments.retain(|fragment| fragment.complete);
    recording.fragments
}

fn joined(elements: &[(ElementId, Vec<u8>)]) -> Vec<u8> {
    elements.iter().flat_map(|(_, bytes)| bytes).copied().collect()
}

/// "1511852108.513" in milliseconds.
fn ms(seconds: &str) -> i64 {
    seconds.replace('.', "").parse().unwrap()
}

async fn replays(path: &str) {
    let Some(recording) = recorded(path) else { return };
    let fragments = parts(&recording);
    assert!(!fragments.is_empty(), "{path}");
    let start_ms = ms(&fragments[0].producer_timestamp) - fragments[0].timecode as i64;

    // What the producer sent: one document. Recordings end where GetMedia ended, not where the producer did.
    let mut sent = [&fragments[0].ebml[..], b"\x18\x53\x80\x67\xff", &joined(&fragments[0].head)].concat();
    for fragment in &fragments {
        sent.extend_from_slice(&fragment.cluster);
        sent.extend(joined(&fragment.trailer));
    }
    let bench = bench();
    bench.create("s", 24).await;
    let mut session = bench.put("s", relative(start_ms)).await;
    for piece in sent.chunks(1000) {
        session.push(piece);
    }
    session.finish(BodyEnd::Finished);
    let acks = acks(&mut session).await;
    let numbers: Vec<_> = acks.iter().filter(|ack| ack.event == tympan_kvs::AckEvent::Buffering).collect();
    assert_eq!(numbers.len(), fragments.len(), "{path}: {:?}", support::events(&acks));
    bench.clock.advance_ms(910);

    let mut expected = Vec::new();
    for (fragment, ack) in fragments.iter().zip(numbers) {
        let number = ack.number.unwrap();
        assert_eq!(fragment.segment, write::SEGMENT_HEADER_UNKNOWN_8);
        expected.extend_from_slice(&fragment.ebml);
        expected.extend_from_slice(&fragment.segment);
        expected.extend(joined(&fragment.head));
        write::service_tags(
            &mut expected,
            &[
                ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", &number.to_string()),
                ("AWS_KINESISVIDEO_SERVER_TIMESTAMP", &number.server_time().epoch_seconds()),
                ("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", &fragment.producer_timestamp),
            ],
        );
        expected.extend_from_slice(&fragment.cluster);
        expected.extend(joined(&fragment.trailer));
        let behind_ms = BEGIN_MS + 910 - number.server_time().unix_ms();
        write::service_tags(
            &mut expected,
            &[
                ("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", &behind_ms.to_string()),
                ("AWS_KINESISVIDEO_CONTINUATION_TOKEN", &number.to_string()),
            ],
        );
    }
    let got = whole(bench.get("s", json!({"StartSelectorType": "EARLIEST"})).await).await;
    let differs = got.iter().zip(&expected).position(|(got, expected)| got != expected);
    assert!(got == expected, "{path}: {} bytes for {}, first at {differs:?}", got.len(), expected.len());
}

/// Recorded bytes with one text replaced by another of the same length.
fn with(bytes: &[u8], recorded: &str, ours: &str) -> Vec<u8> {
    assert_eq!(recorded.len(), ours.len(), "{recorded} {ours}");
    let mut bytes = bytes.to_vec();
    let at = bytes.windows(recorded.len()).position(|run| run == recorded.as_bytes()).unwrap();
    bytes[at..at + ours.len()].copy_from_slice(ours.as_bytes());
    bytes
}

/// Names, order and size coding of the service's tags are those that were recorded: only values differ, and those that
/// are compared have the recorded lengths.
#[tokio::test]
async fn service_tags_are_the_recorded_bytes_but_for_their_values() {
    for path in [
        "kvs-recordings/test_mixed_tags.mkv",
        "kvs-recordings/output_get_media_sparse_fragments.mkv",
        "kvs-recordings/output-get-media-equal-timecode.mkv",
    ] {
        let Some(recording) = recorded(path) else { continue };
        let theirs = parts(&recording);
        let start_ms = ms(&theirs[0].producer_timestamp) - theirs[0].timecode as i64;
        let mut sent = [&theirs[0].ebml[..], b"\x18\x53\x80\x67\xff", &joined(&theirs[0].head)].concat();
        for fragment in &theirs {
            sent.extend_from_slice(&fragment.cluster);
            sent.extend(joined(&fragment.trailer));
        }
        let bench = bench();
        bench.create("s", 24).await;
        bench.produce("s", relative(start_ms), &sent).await;
        bench.clock.advance_ms(theirs[0].behind_ms.parse().unwrap());
        let ours = parts(&whole(bench.get("s", json!({"StartSelectorType": "EARLIEST"})).await).await);
        assert_eq!(ours.len(), theirs.len(), "{path}");
        let mut compared = 0;
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let before = with(&theirs.service[0], &theirs.number, &ours.number);
            let before = with(&before, &theirs.server_timestamp, &ours.server_timestamp);
            assert!(ours.service[0] == before, "{path}: before the Cluster of {}", theirs.number);
            if ours.behind_ms.len() == theirs.behind_ms.len() {
                let after = with(&theirs.service[1], &theirs.number, &ours.number);
                let after = with(&after, &theirs.behind_ms, &ours.behind_ms);
                assert!(ours.service[1] == after, "{path}: at the end of {}", theirs.number);
                compared += 1;
            }
        }
        assert!(compared > 0, "{path}");
    }
}

#[tokio::test]
async fn a_recording_of_the_c_producer_with_tags_in_all_places_is_reproduced() {
    replays("kvs-recordings/test_mixed_tags.mkv").await;
}

#[tokio::test]
async fn a_recording_with_seek_heads_and_known_sizes_is_reproduced() {
    replays("kvs-recordings/output_get_media_sparse_fragments.mkv").await;
}

#[tokio::test]
async fn a_recording_that_was_cut_off_is_reproduced_up_to_its_last_whole_fragment() {
    replays("kvs-recordings/output-get-media-equal-timecode.mkv").await;
}

#[test]
fn recordings_repeat_seek_heads_and_not_the_tags_before_info() {
    for (path, id, repeated) in [
        ("kvs-recordings/output_get_media_sparse_fragments.mkv", element::SEEK_HEAD, true),
        ("kvs-recordings/test_mixed_tags.mkv", element::TAGS, false),
    ] {
        let Some(recording) = recorded(path) else { continue };
        let fragments = parts(&recording);
        let has = |fragment: &Recorded| fragment.head.first().is_some_and(|(first, _)| *first == id);
        assert!(has(&fragments[0]), "{path}");
        assert!(fragments[1..].iter().all(|fragment| has(fragment) == repeated), "{path}");
    }
}
