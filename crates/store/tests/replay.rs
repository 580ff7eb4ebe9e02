//! Readers that join at random points - by every selector, in chunks, in the journal, across restarts, in the plain and
//! in the smaller form, before and after sweeps - receive exactly the bytes that were written, and retention takes
//! what has expired and nothing else. On the embedded backend: files, SQLite, fsync.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use bytes::Bytes;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use support::*;
use tympan_kms::Keyring;
use tympan_store::embedded::{EmbeddedOptions, RecoveryReport};
use tympan_store::{
    Ending, FragmentMeta, FragmentRange, MediaStore, ReadEvent, Reader, Start, StreamId, TimeAxis, Writer,
};
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

#[derive(Debug, Clone)]
enum Step {
    /// A fragment: its length, whether it can stand in the smaller form, its producer time and duration.
    Write {
        length: usize,
        uniform: bool,
        producer_ms: i64,
        duration_ms: u32,
    },
    Abandon,
    Reconnect,
    Chunk,
    Restart,
    Advance {
        minutes: i64,
    },
    Sweep,
    /// From the fragment that far back, so many of them.
    Erase {
        back: usize,
        count: usize,
    },
    Retention {
        hours: u32,
    },
    Join(Join),
}

#[derive(Debug, Clone, Copy)]
enum Join {
    Earliest,
    Now,
    /// After the fragment that far back, whether or not it is still there.
    After(usize),
    /// At so many milliseconds from the server time of the fragment that far back.
    AtServer(usize, i64),
    /// The same by the producer's clock.
    AtProducer(usize, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..900usize, any::<bool>(), 0..100_000i64, 0..2_000u32).prop_map(
        |(length, uniform, producer_ms, duration_ms)| Step::Write {
            length,
            uniform,
            producer_ms,
            duration_ms,
        },
    );
    let offset = prop_oneof![Just(0i64), -2_500..2_500i64];
    let join = prop_oneof![
        Just(Join::Earliest),
        Just(Join::Now),
        (0..12usize).prop_map(Join::After),
        (0..12usize, offset.clone()).prop_map(|(back, by)| Join::AtServer(back, by)),
        (0..12usize, offset).prop_map(|(back, by)| Join::AtProducer(back, by)),
    ];
    prop_oneof![
        10 => write,
        1 => Just(Step::Abandon),
        1 => Just(Step::Reconnect),
        3 => Just(Step::Chunk),
        1 => Just(Step::Restart),
        3 => prop_oneof![0..3i64, 10..50i64].prop_map(|minutes| Step::Advance { minutes }),
        2 => Just(Step::Sweep),
        2 => (0..12usize, 1..6usize).prop_map(|(back, count)| Step::Erase { back, count }),
        1 => (1..4u32).prop_map(|hours| Step::Retention { hours }),
        5 => join.prop_map(Step::Join),
    ]
}

/// A fragment that was acknowledged.
#[derive(Debug, Clone)]
struct Written {
    meta: FragmentMeta,
    body: Vec<u8>,
    is_erased: bool,
}

/// The store under test and what must be in it.
struct Play<'a> {
    path: &'a Path,
    keyring: Arc<Keyring>,
    clock: Arc<ManualClock>,
    store: MediaStore,
    stream: StreamId,
    writer: Option<Writer>,
    written: Vec<Written>,
    retention_ms: i64,
    /// What had expired when the retention was changed stays expired.
    expired_for_good_ms: i64,
}

fn embedded() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 4_000, reserve_bytes: 4_096, ..EmbeddedOptions::default() }
}

impl<'a> Play<'a> {
    async fn begin(path: &'a Path) -> Self {
        let (keyring, clock) = (Arc::new(Keyring::in_memory()), ManualClock::new());
        let (store, _) = open_embedded(path, embedded(), &keyring, &clock).unwrap();
        let stream = store.create_stream(new_stream("s", 2), None).await.unwrap().id;
        let writer = Some(store.open_writer(stream).await.unwrap());
        let (written, retention_ms, expired_for_good_ms) = (Vec::new(), 2 * HOUR_MS, i64::MIN);
        Self { path, keyring, clock, store, stream, writer, written, retention_ms, expired_for_good_ms }
    }

    fn now_ms(&self) -> i64 {
        self.store.now().unix_ms()
    }

    fn expired_ms(&self) -> i64 {
        (self.now_ms() - self.retention_ms).max(self.expired_for_good_ms)
    }

    /// What must be readable now.
    fn kept(&self) -> impl Iterator<Item = &Written> {
        let expired_ms = self.expired_ms();
        self.written
            .iter()
            .filter(move |written| !written.is_erased && written.meta.server.unix_ms() > expired_ms)
    }

    async fn writer(&mut self) -> &mut Writer {
        if self.writer.is_none() {
            self.writer = Some(self.store.open_writer(self.stream).await.unwrap());
        }
        self.writer.as_mut().unwrap()
    }

    async fn write(&mut self, body: Vec<u8>, producer_ms: i64, duration_ms: u32) -> FragmentNumber {
        let writer = self.writer().await;
        let number = writer.begin(head(producer_ms)).unwrap();
        for piece in body.chunks(200) {
            writer.push(Bytes::copy_from_slice(piece));
        }
        writer.seal(duration_ms).await.unwrap();
        let meta = FragmentMeta {
            number,
            producer: ProducerTime::from_unix_ms(producer_ms),
            server: number.server_time(),
            duration_ms,
            head_bytes: 4,
            body_bytes: body.len() as u32,
        };
        self.written.push(Written { meta, body, is_erased: false });
        number
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Write { length, uniform, producer_ms, duration_ms } => {
                let at = self.written.len();
                let body = (0..length).map(|byte| if uniform { at as u8 } else { (byte * 7 + at) as u8 });
                self.write(body.collect(), producer_ms, duration_ms).await;
                self.clock.advance_ms(1_000);
            }
            Step::Abandon => {
                let writer = self.writer().await;
                writer.begin(head(0)).unwrap();
                writer.push(Bytes::from_static(b"never"));
                writer.abandon();
            }
            Step::Reconnect => self.writer = None,
            Step::Chunk => drop(self.store.chunk().await.unwrap()),
            Step::Restart => self.restart().await,
            Step::Advance { minutes } => self.clock.advance_ms(minutes * 60_000),
            Step::Sweep => {
                self.store.sweep().await.unwrap();
                self.check_all().await;
            }
            Step::Erase { back, count } => {
                let first = self.written.len().saturating_sub(back + 1);
                let erased = first..self.written.len().min(first + count);
                if let Some((first, last)) =
                    self.written.get(first).zip(self.written.get(erased.end.wrapping_sub(1)))
                {
                    let range = FragmentRange { first: first.meta.number, last: last.meta.number };
                    assert!(self.store.erase_fragments(self.stream, range).await.unwrap().left_chunks);
                    for written in &mut self.written[erased] {
                        written.is_erased = true;
                    }
                    self.check_all().await;
                }
            }
            Step::Retention { hours } => {
                self.expired_for_good_ms = self.expired_ms();
                self.retention_ms = i64::from(hours) * HOUR_MS;
                self.store.set_retention(self.stream, None, hours).await.unwrap();
            }
            Step::Join(join) => self.join(join).await,
        }
    }

    /// The store is closed and opened again; `kill.rs` is about the other way to end.
    async fn restart(&mut self) {
        self.writer = None;
        self.store.shutdown().await;
        let (store, backend) = open_embedded(self.path, embedded(), &self.keyring, &self.clock).unwrap();
        assert_eq!(backend.report(), &RecoveryReport::default());
        self.store = store;
    }

    /// A reader joins, reads to a fragment that is written while it does, and must have met all that is after its start
    /// and no more.
    async fn join(&mut self, join: Join) {
        // No start by the server's clock lies behind the fragment that ends the reading.
        self.clock.advance_ms(3_000);
        let back = |back: usize| self.written.iter().rev().nth(back).map(|written| written.meta);
        let at = |axis: TimeAxis, meta: Option<FragmentMeta>, by_ms: i64| {
            meta.map_or(0, |meta| axis.start_ms(&meta)) + by_ms
        };
        let (start, axis, at_ms) = match join {
            Join::Earliest => (Start::Earliest, None, 0),
            Join::Now => (Start::Now, None, 0),
            Join::After(far) => {
                let number = back(far).map_or(FragmentNumber::MIN, |meta| meta.number);
                (Start::After(number), None, 0)
            }
            Join::AtServer(far, by_ms) => {
                let at_ms = at(TimeAxis::Server, back(far), by_ms);
                (Start::AtServer(ServerTime::from_unix_ms(at_ms)), Some(TimeAxis::Server), at_ms)
            }
            Join::AtProducer(far, by_ms) => {
                let at_ms = at(TimeAxis::Producer, back(far), by_ms);
                (Start::AtProducer(ProducerTime::from_unix_ms(at_ms)), Some(TimeAxis::Producer), at_ms)
            }
        };
        let mut expected: Vec<Written> = match start {
            Start::Now => Vec::new(),
            Start::After(number) => {
                self.kept().filter(|written| written.meta.number > number).cloned().collect()
            }
            Start::AtProducer(_) => {
                let starts_ms = |written: &Written| TimeAxis::Producer.start_ms(&written.meta);
                let contains = |written: &&Written| {
                    let start_ms = starts_ms(written);
                    (start_ms..=start_ms + i64::from(written.meta.duration_ms)).contains(&at_ms)
                };
                let later = self.kept().filter(|written| starts_ms(written) >= at_ms);
                let first = self.kept().find(contains).or_else(|| later.min_by_key(|later| starts_ms(later)));
                let first = first.map(|written| written.meta.number);
                self.kept()
                    .filter(|written| first.is_some_and(|first| written.meta.number >= first))
                    .cloned()
                    .collect()
            }
            _ => self
                .kept()
                .skip_while(|Written { meta, .. }| {
                    axis.is_some_and(|axis| axis.start_ms(meta) + i64::from(meta.duration_ms) < at_ms)
                })
                .cloned()
                .collect(),
        };
        let reader = self.store.reader(self.stream, start).unwrap();
        let reading = tokio::spawn(collect(reader, expected.len() + 1));
        // Later by both clocks than anything before, so that it is the start itself where nothing else is.
        let latest_ms = 1_000_000 + 10_000 * self.written.len() as i64;
        self.write(vec![1; 300], latest_ms, 0).await;
        expected.push(self.written.last().unwrap().clone());
        let collected = reading.await.unwrap();
        assert_eq!(
            collected.len(),
            expected.len(),
            "{join:?}: {:?}",
            expected.iter().map(|e| e.meta).collect::<Vec<_>>()
        );
        for (wanted, (meta, body)) in expected.iter().zip(collected) {
            assert_eq!(meta, wanted.meta, "{join:?}");
            assert!(body == wanted.body, "{join:?}: byte for byte");
        }
    }

    /// Everything that is kept is found by number and in the list, and nothing that has expired is.
    async fn check_all(&self) {
        let kept: Vec<FragmentMeta> = self.kept().map(|written| written.meta).collect();
        let listed = self.store.list_fragments(self.stream, TimeAxis::Server, 0, i64::MAX, None, 10_000);
        assert_eq!(listed.await.unwrap(), kept);
        for written in &self.written {
            let found = self.store.fragment(self.stream, written.meta.number).await.unwrap();
            let expected = kept.contains(&written.meta).then_some(&written.body[..]);
            assert_eq!(found.as_ref().map(|fragment| &fragment.body[..]), expected);
        }
    }
}

/// So many fragments, however they come.
async fn collect(mut reader: Reader, count: usize) -> Vec<(FragmentMeta, Vec<u8>)> {
    let (mut collected, mut live) = (Vec::new(), Vec::new());
    while collected.len() < count {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), reader.next()).await;
        let Ok(next) = next else { return collected };
        match next.unwrap() {
            ReadEvent::Stored(fragment) => collected.push((fragment.meta, fragment.body.to_vec())),
            ReadEvent::Opened { .. } => {}
            ReadEvent::Body(bytes) => live.extend_from_slice(&bytes),
            ReadEvent::Sealed { meta } => collected.push((meta, std::mem::take(&mut live))),
            event => panic!("{event:?}"),
        }
    }
    collected
}

async fn play(steps: Vec<Step>) {
    let place = tempfile::tempdir().unwrap();
    let mut play = Play::begin(place.path()).await;
    for step in steps {
        play.step(step).await;
    }
    play.check_all().await;
    play.restart().await;
    play.check_all().await;
    // The journal lets go of what is erased, and then nothing tells of it any more.
    play.writer = None;
    play.store.chunk().await.unwrap();
    play.restart().await;
    play.store.sweep().await.unwrap();
    play.check_all().await;
    // Years later, nothing is left but the lock, the format, the reserve and the catalogue.
    play.clock.advance_ms(1_000 * HOUR_MS);
    play.store.sweep().await.unwrap();
    play.check_all().await;
    let chunks = std::fs::read_dir(place.path().join("chunks")).unwrap();
    let left: usize = chunks.map(|dir| std::fs::read_dir(dir.unwrap().path()).unwrap().count()).sum();
    assert_eq!(left, 0, "the bytes of what has expired are gone");
    if let Some(writer) = play.writer.take() {
        writer.close(Ending::Finished);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_reader_gets_exactly_what_is_kept(steps in proptest::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
