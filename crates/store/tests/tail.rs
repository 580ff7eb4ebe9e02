//! Readers that join anywhere and at any time see every fragment after their start, once, in order, byte for byte -
//! while fragments are opened, sealed, taken back and moved from memory to journal to chunk under them.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use bytes::Bytes;
use proptest::prelude::*;
use support::*;
use tympan_store::{Ending, ReadEvent, Reader, Start, StoreOptions, Writer};
use tympan_types::FragmentNumber;

#[derive(Debug, Clone)]
enum Step {
    Begin,
    Push(u8),
    Seal { wait: bool },
    Abandon,
    Reconnect,
    Chunk,
    Join(Join),
    Yield,
}

#[derive(Debug, Clone, Copy)]
enum Join {
    Now,
    Earliest,
    /// After the fragment that far back.
    After(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Begin),
        6 => any::<u8>().prop_map(Step::Push),
        4 => any::<bool>().prop_map(|wait| Step::Seal { wait }),
        1 => Just(Step::Abandon),
        1 => Just(Step::Reconnect),
        2 => Just(Step::Chunk),
        2 => prop_oneof![
            Just(Join::Now),
            Just(Join::Earliest),
            (0usize..6).prop_map(Join::After)
        ]
        .prop_map(Step::Join),
        3 => Just(Step::Yield),
    ]
}

/// What was begun, and what became of it.
#[derive(Default)]
struct Model {
    begun: Vec<(FragmentNumber, Vec<u8>, bool)>,
    open: bool,
}

impl Model {
    fn begin(&mut self, writer: &mut Writer) {
        if !self.open {
            self.begun.push((writer.begin(head(START_MS)).unwrap(), Vec::new(), false));
            self.open = true;
        }
    }

    fn push(&mut self, writer: &mut Writer, byte: u8) {
        if self.open {
            let piece = vec![byte; usize::from(byte) + 1];
            writer.push(Bytes::from(piece.clone()));
            self.begun.last_mut().unwrap().1.extend(piece);
        }
    }

    async fn seal(&mut self, writer: &mut Writer, wait: bool) {
        if std::mem::take(&mut self.open) {
            self.begun.last_mut().unwrap().2 = true;
            let durable = writer.seal(20);
            if wait {
                durable.await.unwrap();
            }
        }
    }

    /// The first number that a reader joining now must see, or would if it were sealed.
    fn start(&self, join: Join) -> (Start, FragmentNumber) {
        let last = self.begun.last().map_or(FragmentNumber::MIN, |(number, ..)| *number);
        match join {
            Join::Earliest => (Start::Earliest, FragmentNumber::MIN),
            Join::Now if self.open => {
                (Start::Now, self.begun.iter().rev().nth(1).map_or(FragmentNumber::MIN, |b| b.0))
            }
            Join::Now => (Start::Now, last),
            Join::After(back) => {
                let number =
                    self.begun.iter().rev().nth(back).map_or(FragmentNumber::MIN, |(number, ..)| *number);
                (Start::After(number), number)
            }
        }
    }

    fn sealed_after(&self, after: FragmentNumber) -> Vec<(FragmentNumber, Vec<u8>)> {
        let sealed = self.begun.iter().filter(|(number, _, sealed)| *sealed && *number > after);
        sealed.map(|(number, body, _)| (*number, body.clone())).collect()
    }
}

/// Everything until the capture ends.
async fn collect(mut reader: Reader) -> Vec<(FragmentNumber, Vec<u8>)> {
    let mut collected = Vec::new();
    let mut open = None;
    loop {
        match reader.next().await.unwrap() {
            ReadEvent::Stored(fragment) => {
                assert!(open.is_none());
                collected.push((fragment.meta.number, fragment.body.to_vec()));
            }
            ReadEvent::Opened { number, .. } => assert!(open.replace((number, Vec::new())).is_none()),
            ReadEvent::Body(bytes) => open.as_mut().unwrap().1.extend_from_slice(&bytes),
            ReadEvent::Sealed { .. } => collected.push(open.take().unwrap()),
            ReadEvent::Abandoned => drop(open.take().unwrap()),
            ReadEvent::CaptureEnded => return collected,
            ReadEvent::Deleted => panic!("nobody deleted it"),
        }
    }
}

async fn play(steps: Vec<Step>) {
    // Little read-ahead and small chunks, so that every border is crossed often.
    let options = StoreOptions {
        housekeeping_ms: 0,
        read_ahead_bytes: 500,
        chunk_bytes: 1_000,
        chunk_age_ms: 0,
        ..StoreOptions::default()
    };
    let bench = Bench::with(options);
    let stream = bench.stream("s", 24).await;
    let mut writer = bench.store.open_writer(stream.id).await.unwrap();
    let mut model = Model::default();
    let mut readers = Vec::new();
    for step in steps {
        match step {
            Step::Begin => model.begin(&mut writer),
            Step::Push(byte) => model.push(&mut writer, byte),
            Step::Seal { wait } => model.seal(&mut writer, wait).await,
            Step::Abandon => {
                writer.abandon();
                model.open = false;
            }
            Step::Reconnect => {
                drop(writer);
                model.open = false;
                writer = bench.store.open_writer(stream.id).await.unwrap();
            }
            Step::Chunk => drop(bench.store.chunk().await.unwrap()),
            Step::Join(join) => {
                let (start, after) = model.start(join);
                let reader = bench.store.reader(stream.id, start).unwrap();
                readers.push((join, after, tokio::spawn(collect(reader))));
            }
            Step::Yield => tokio::task::yield_now().await,
        }
    }
    // One more, so that every reader has something to deliver.
    model.seal(&mut writer, false).await;
    model.begin(&mut writer);
    model.seal(&mut writer, true).await;
    writer.close(Ending::Finished);
    for (join, after, reader) in readers {
        let collected = reader.await.unwrap();
        let expected = model.sealed_after(after);
        assert_eq!(collected.len(), expected.len(), "{join:?}");
        assert!(collected == expected, "{join:?}: the same fragments, byte for byte");
    }
    let last = collect(bench.store.reader(stream.id, Start::Earliest).unwrap()).await;
    assert!(last == model.sealed_after(FragmentNumber::MIN));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn every_reader_sees_every_fragment_once_in_order(steps in proptest::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(play(steps));
    }
}
