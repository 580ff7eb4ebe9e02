//! Readers against a reference: whatever a producer does and whenever a reader joins, by each selector, it receives
//! exactly the fragments from its start on, also over any number of reconnections.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use support::{BEGIN_MS, Bench, bench, caller, cluster, head, tag};
use tokio::task::JoinHandle;
use tympan_kvs::{AckEvent, BodyEnd, KvsService, MediaBody, PutMediaSession, TimecodeType};
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};
use tympan_mkv::write::{self, FLAG_KEYFRAME};
use tympan_types::FragmentNumber;

/// One step of a stream's life.
#[derive(Debug, Clone)]
enum Step {
    /// The next fragment begins, this much later.
    Fragment { after_ms: i64 },
    /// A frame of the open fragment.
    Frame { bytes: usize },
    /// The open fragment ends by its tag.
    EndOfFragment,
    /// The upload ends; the next fragment begins another.
    EndOfSession { finished: bool },
    /// Time for chunks: what is durable leaves the journal.
    Chunk,
    /// Readers get to run.
    Yield,
    /// A reader joins.
    Join { selector: Selector, pick: usize, cuts: Vec<usize> },
}

#[derive(Debug, Clone, Copy)]
enum Selector {
    Now,
    Earliest,
    FragmentNumber,
    ContinuationToken,
    ServerTimestamp,
    ProducerTimestamp,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let selector = prop_oneof![
        Just(Selector::Now),
        Just(Selector::Earliest),
        Just(Selector::FragmentNumber),
        Just(Selector::ContinuationToken),
        Just(Selector::ServerTimestamp),
        Just(Selector::ProducerTimestamp),
    ];
    let join = (selector, any::<usize>(), prop::collection::vec(1_usize..12, 0..3))
        .prop_map(|(selector, pick, cuts)| Step::Join { selector, pick, cuts });
    let step = prop_oneof![
        4 => prop_oneof![Just(0_i64), 1_i64..2_000].prop_map(|after_ms| Step::Fragment { after_ms }),
        4 => (1_usize..600).prop_map(|bytes| Step::Frame { bytes }),
        1 => Just(Step::EndOfFragment),
        1 => any::<bool>().prop_map(|finished| Step::EndOfSession { finished }),
        1 => Just(Step::Chunk),
        2 => Just(Step::Yield),
        3 => join,
    ];
    prop::collection::vec(step, 5..60)
}

/// A fragment as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    number: FragmentNumber,
    timecode: u64,
    frames: Vec<Vec<u8>>,
}

/// The producer and all that it has sent.
struct Producer<'a> {
    bench: &'a Bench,
    session: Option<PutMediaSession>,
    sent: Vec<Sent>,
    is_open: bool,
    timecode: u64,
}

fn payload(bytes: usize, at: usize, timecode: u64) -> Vec<u8> {
    (0..bytes).map(|byte| (byte * 7 + at + timecode as usize) as u8).collect()
}

impl Producer<'_> {
    async fn fragment(&mut self, after_ms: i64) {
        self.bench.clock.advance_ms(after_ms);
        self.timecode += 1_000 + after_ms.unsigned_abs();
        if self.session.is_none() {
            let mut session = self.bench.put("s", TimecodeType::Absolute).await;
            session.push(&head(&["a"]));
            self.session = Some(session);
        }
        let session = self.session.as_mut().unwrap();
        // A fragment gets its number with its first block.
        let first: Vec<u8> = payload(8, 0, self.timecode);
        let mut opening = cluster(self.timecode, &[], &[]);
        write::simple_block(&mut opening, 1, 0, FLAG_KEYFRAME, &first);
        session.push(&opening);
        let number = loop {
            let ack = session.next_ack().await.unwrap();
            if (ack.event, ack.timecode) == (AckEvent::Buffering, Some(self.timecode)) {
                break ack.number.unwrap();
            }
        };
        self.sent.push(Sent { number, timecode: self.timecode, frames: vec![first] });
        self.is_open = true;
    }

    fn frame(&mut self, bytes: usize) {
        let (Some(session), Some(sent), true) = (&mut self.session, self.sent.last_mut(), self.is_open)
        else {
            return;
        };
        let at = sent.frames.len();
        let payload = payload(bytes, at, sent.timecode);
        let mut block = Vec::new();
        write::simple_block(&mut block, 1, 20 * at as i16, FLAG_KEYFRAME, &payload);
        // Cut in two: readers see frames in pieces.
        let (first, second) = block.split_at(block.len() / 2);
        session.push(first);
        session.push(second);
        sent.frames.push(payload);
    }

    fn end_fragment(&mut self) {
        if let (Some(session), true) = (&mut self.session, self.is_open) {
            session.push(&tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""));
            self.is_open = false;
        }
    }

    async fn end_session(&mut self, finished: bool) {
        self.is_open = false;
        let Some(mut session) = self.session.take() else { return };
        session.finish(if finished { BodyEnd::Finished } else { BodyEnd::Ended });
        support::acks(&mut session).await;
    }

    /// The selector of a reader that joins now, and the index of the first fragment that it must receive.
    fn start(&self, selector: Selector, pick: usize) -> (Value, usize) {
        let open = usize::from(self.is_open);
        let now = (json!({"StartSelectorType": "NOW"}), self.sent.len() - open);
        let Some(at) = pick.checked_rem(self.sent.len()) else { return now };
        let chosen = &self.sent[at];
        let number = chosen.number.to_string();
        let server_ms = chosen.number.server_time().unix_ms();
        let seconds = |ms: i64| ms as f64 / 1000.0;
        match selector {
            Selector::Now => now,
            Selector::Earliest => (json!({"StartSelectorType": "EARLIEST"}), 0),
            Selector::FragmentNumber => {
                (json!({"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": number}), at + 1)
            }
            Selector::ContinuationToken => {
                (json!({"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": number}), at + 1)
            }
            Selector::ServerTimestamp => (
                json!({"StartSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": seconds(server_ms)}),
                self.first_reaching(server_ms, |sent| sent.number.server_time().unix_ms()),
            ),
            Selector::ProducerTimestamp => (
                json!({"StartSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": seconds(chosen.timecode as i64)}),
                self.first_reaching(chosen.timecode as i64, |sent| sent.timecode as i64),
            ),
        }
    }

    /// The first fragment that begins at or after an instant, or lasts until then.
    fn first_reaching(&self, at_ms: i64, begun_ms: impl Fn(&Sent) -> i64) -> usize {
        let lasts_ms = |sent: &Sent| 20 * (sent.frames.len() as i64 - 1);
        self.sent.iter().position(|sent| begun_ms(sent) + lasts_ms(sent) >= at_ms).unwrap()
    }
}

/// What a body holds, document by document.
#[derive(Debug, Default)]
struct Heard {
    documents: Vec<Document>,
}

#[derive(Debug, Default)]
struct Document {
    sent: Option<Sent>,
    timecode: u64,
    frames: Vec<Vec<u8>>,
    is_whole: bool,
}

impl FragmentSink for Heard {
    fn document(&mut self) {
        self.documents.push(Document::default());
    }
    fn cluster_timecode(&mut self, timecode: u64) {
        self.documents.last_mut().unwrap().timecode = timecode;
    }
    fn block(&mut self, block: BlockHeader, payload: &[u8], _: bool) {
        let frames = &mut self.documents.last_mut().unwrap().frames;
        if block.first {
            frames.push(Vec::new());
        }
        frames.last_mut().unwrap().extend_from_slice(payload);
    }
    fn tag(&mut self, name: &str, value: &str) {
        let document = self.documents.last_mut().unwrap();
        if name == "AWS_KINESISVIDEO_FRAGMENT_NUMBER" {
            document.sent = Some(Sent { number: value.parse().unwrap(), timecode: 0, frames: Vec::new() });
        }
        document.is_whole |= name == "AWS_KINESISVIDEO_CONTINUATION_TOKEN";
    }
}

/// The fragments that are whole in a body that may be cut anywhere.
fn whole_fragments(body: &[u8]) -> Vec<Sent> {
    let (mut reader, mut heard) = (FragmentReader::new(tympan_mkv::Limits::default()), Heard::default());
    reader.push(body, &mut heard).unwrap();
    let whole = heard.documents.into_iter().filter(|document| document.is_whole);
    whole
        .map(|document| Sent {
            timecode: document.timecode,
            frames: document.frames,
            ..document.sent.unwrap()
        })
        .collect()
}

/// Reads up to the fragment that ends the test, and breaks off and comes back as often as `cuts` says, each time once
/// so many chunks have come and a fragment is whole.
async fn listen(service: KvsService, mut body: MediaBody, cuts: Vec<usize>, last: u64) -> Vec<Sent> {
    let mut heard: Vec<Sent> = Vec::new();
    let mut cuts = cuts.into_iter();
    for reconnection in 0.. {
        let (mut bytes, mut chunks, cut) = (Vec::new(), 0, cuts.next());
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk);
            chunks += 1;
            if cut.is_some_and(|cut| chunks >= cut) && !whole_fragments(&bytes).is_empty() {
                break;
            }
        }
        heard.extend(whole_fragments(&bytes));
        let latest = heard.last().unwrap();
        if latest.timecode == last {
            break;
        }
        let number = latest.number.to_string();
        let selector = if reconnection % 2 == 0 {
            json!({"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": number})
        } else {
            json!({"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": number})
        };
        body = join(&service, &selector).await;
    }
    heard
}

async fn join(service: &KvsService, selector: &Value) -> MediaBody {
    let request = json!({"StreamName": "s", "StartSelector": selector}).to_string();
    service.get_media(&caller(), request.as_bytes()).await.unwrap()
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    const LAST: u64 = 1 << 40;
    let bench = bench();
    bench.create("s", 24).await;
    let timecode = BEGIN_MS.unsigned_abs() / 1_000_000;
    let mut producer = Producer { bench: &bench, session: None, sent: Vec::new(), is_open: false, timecode };
    let mut readers: Vec<(Value, usize, JoinHandle<Vec<Sent>>)> = Vec::new();
    for step in steps {
        match step {
            Step::Fragment { after_ms } => producer.fragment(after_ms).await,
            Step::Frame { bytes } => producer.frame(bytes),
            Step::EndOfFragment => producer.end_fragment(),
            Step::EndOfSession { finished } => producer.end_session(finished).await,
            Step::Chunk => {
                bench.clock.advance_ms(301_000);
                bench.store.chunk().await.unwrap();
            }
            Step::Yield => tokio::task::yield_now().await,
            Step::Join { selector, pick, cuts } => {
                let (selector, first) = producer.start(selector, pick);
                // Where it starts is settled when it asks, not when it first reads.
                let body = join(&bench.service, &selector).await;
                let task = tokio::spawn(listen(bench.service.clone(), body, cuts, LAST));
                readers.push((selector, first, task));
            }
        }
    }
    producer.end_session(true).await;
    producer.timecode = LAST - 1_000;
    producer.fragment(0).await;
    producer.end_session(true).await;
    for (selector, first, task) in readers {
        let heard = tokio::time::timeout(Duration::from_secs(60), task).await;
        let heard = heard.map_err(|_| TestCaseError::fail(format!("{selector} waits for ever")))?.unwrap();
        prop_assert_eq!(&heard[..], &producer.sent[first..], "{}", selector);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn readers_receive_exactly_what_was_sent_from_their_start_on(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps))?;
    }
}
