//! Bit rot: whichever bit of journal, chunks or catalogue is another one, nothing else than what was written is served,
//! what is lost is said, and everything else is there.
//!
//! Where bits flip is random. `TYMPAN_DAMAGE_SEED` repeats a run, `TYMPAN_DAMAGE_FLIPS` makes it longer.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

mod support;

use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::*;
use tympan_kms::Keyring;
use tympan_store::embedded::EmbeddedOptions;
use tympan_store::{
    Ending, ErrorKind, MediaStore, ReadEvent, Start, StoreError, Stream, StreamRef, TimeAxis,
};
use tympan_types::FragmentNumber;

/// What was written: by stream, by number.
type Written = Vec<(Stream, BTreeMap<FragmentNumber, Vec<u8>>)>;

/// A directory with every structure in it, and what it holds.
struct Original {
    place: tempfile::TempDir,
    keyring: Arc<Keyring>,
    clock: Arc<ManualClock>,
    written: Written,
    files: Vec<PathBuf>,
}

/// What a damaged copy still gives.
#[derive(Debug, Default)]
struct Outcome {
    /// Fragments that were not read.
    lost: usize,
    /// Whether anybody was told of any damage.
    told: bool,
    /// The directory could not be opened at all.
    refused: bool,
}

fn embedded() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 2_000, reserve_bytes: 0, ..EmbeddedOptions::default() }
}

async fn original() -> Original {
    let place = tempfile::tempdir().unwrap();
    let (keyring, clock) = (Arc::new(Keyring::in_memory()), ManualClock::new());
    let (store, _) = open_embedded(place.path(), embedded(), &keyring, &clock).unwrap();
    let mut written = Vec::new();
    // Chunks alone, chunks and journal, journal alone.
    for (name, chunked) in [("a", 8), ("b", 4), ("c", 0)] {
        let stream = store.create_stream(new_stream(name, 24), None).await.unwrap();
        let mut bodies = BTreeMap::new();
        let mut writer = store.open_writer(stream.id).await.unwrap();
        for at in 0..8u8 {
            if at == chunked && at > 0 {
                writer.close(Ending::Finished);
                store.chunk().await.unwrap();
                writer = store.open_writer(stream.id).await.unwrap();
            }
            // Every other body stands in the smaller form.
            let body: Vec<u8> = (0..600u16).map(|byte| if at % 2 == 0 { at } else { byte as u8 }).collect();
            let number = writer.begin(head(START_MS)).unwrap();
            writer.push(Bytes::from(body.clone()));
            writer.seal(20).await.unwrap();
            bodies.insert(number, body);
            clock.advance_ms(1_000);
        }
        if chunked == 8 {
            writer.close(Ending::Finished);
            store.chunk().await.unwrap();
        }
        written.push((stream, bodies));
    }
    store.shutdown().await;
    drop(store);
    let mut files = Vec::new();
    collect(place.path(), place.path(), &mut files);
    files.retain(|file| !matches!(file.to_str(), Some("LOCK" | "FORMAT")));
    files.sort();
    Original { place, keyring, clock, written, files }
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

impl Original {
    fn files(&self, kind: &str) -> Vec<&PathBuf> {
        let of_kind = |file: &&PathBuf| file.starts_with(kind);
        let found: Vec<&PathBuf> = self.files.iter().filter(of_kind).collect();
        assert!(!found.is_empty(), "there are files in {kind}");
        found
    }

    /// Opens a copy of which `file` went through `damage`, and reads everything.
    async fn damaged(&self, file: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> Outcome {
        let place = tempfile::tempdir().unwrap();
        for name in self.files.iter().chain([&PathBuf::from("FORMAT")]) {
            let to = place.path().join(name);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(self.place.path().join(name), to).unwrap();
        }
        let path = place.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let opened = open_embedded(place.path(), embedded(), &self.keyring, &self.clock);
        let (store, backend) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal), "{error}");
                return Outcome { lost: self.fragments(), told: true, refused: true };
            }
        };
        let report = backend.report().clone();
        let reported =
            !(report.journal.is_empty() && report.catalogue.is_empty() && report.missing_chunks.is_empty());
        let mut outcome = Outcome { told: reported, ..Outcome::default() };
        for (stream, bodies) in &self.written {
            self.read(&store, stream, bodies, &mut outcome).await;
        }
        // What is damaged does not keep upkeep from the rest, and upkeep loses nothing more.
        let _ = store.chunk().await;
        store.sweep().await.map_err(|error| outcome.told |= told(&error)).unwrap_or_default();
        let lost = std::mem::take(&mut outcome.lost);
        for (stream, bodies) in &self.written {
            self.read(&store, stream, bodies, &mut outcome).await;
        }
        assert_eq!(outcome.lost, lost, "{outcome:?}: chunks hold what the journal held");
        store.shutdown().await;
        outcome
    }

    fn fragments(&self) -> usize {
        self.written.iter().map(|(_, bodies)| bodies.len()).sum()
    }

    /// Reads a stream in every way; counts what does not come and asserts that nothing else comes.
    async fn read(
        &self,
        store: &MediaStore,
        stream: &Stream,
        bodies: &BTreeMap<FragmentNumber, Vec<u8>>,
        outcome: &mut Outcome,
    ) {
        match store.stream(StreamRef::Arn(&stream.arn)).await {
            Ok(found) => assert_eq!(&found, stream),
            Err(error) => {
                outcome.told |= told(&error);
                outcome.lost += bodies.len();
                return;
            }
        }
        match store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, 100).await {
            Ok(listed) => assert!(listed.iter().all(|meta| bodies.contains_key(&meta.number))),
            Err(error) => outcome.told |= told(&error),
        }
        for (number, body) in bodies {
            match store.fragment(stream.id, *number).await {
                Ok(Some(found)) => assert!(found.body == *body && found.head == "head", "{number}"),
                Ok(None) => {}
                Err(error) => outcome.told |= told(&error),
            }
        }
        let read = self.follow(store, stream, bodies, outcome).await;
        outcome.lost += bodies.len() - read;
    }

    /// How many fragments a reader gets that begins at the beginning. It ends at the tail.
    async fn follow(
        &self,
        store: &MediaStore,
        stream: &Stream,
        bodies: &BTreeMap<FragmentNumber, Vec<u8>>,
        outcome: &mut Outcome,
    ) -> usize {
        let mut reader = match store.reader(stream.id, Start::Earliest) {
            Ok(reader) => reader,
            Err(error) => {
                outcome.told |= told(&error);
                return 0;
            }
        };
        let (mut read, mut errors) = (0, 0);
        loop {
            let next = tokio::time::timeout(std::time::Duration::from_millis(1), reader.next()).await;
            match next {
                Err(_) if reader.is_at_tail() => return read,
                // A slow disk is no tail.
                Err(_) => {}
                Ok(Ok(ReadEvent::CaptureEnded)) => return read,
                Ok(Ok(ReadEvent::Stored(fragment))) => {
                    let number = fragment.meta.number;
                    assert!(bodies.get(&number).is_some_and(|body| *body == fragment.body), "{number}");
                    read += 1;
                }
                Ok(Ok(event)) => panic!("nobody writes: {event:?}"),
                Ok(Err(error)) => {
                    outcome.told |= told(&error);
                    errors += 1;
                    // An error that is about no fragment is about all that follow.
                    if error.fragment().is_none() {
                        return read;
                    }
                    assert!(errors <= bodies.len(), "an error is told once: {error}");
                }
            }
        }
    }
}

/// Whether the error says that something is damaged; no other is expected.
fn told(error: &StoreError) -> bool {
    assert!(
        matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Key(_) | ErrorKind::NotFound),
        "{error:?}"
    );
    *error.kind() != ErrorKind::NotFound
}

/// xorshift64, seeded by the environment or the clock.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = std::env::var("TYMPAN_DAMAGE_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            since.as_nanos() as u64 | 1
        });
        eprintln!("TYMPAN_DAMAGE_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn flips() -> usize {
    std::env::var("TYMPAN_DAMAGE_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(60)
}

/// Flips a bit of each of many places in the files of a kind, and gives what came of it.
async fn flip_bits(kind: &str, check: impl Fn(&Outcome, &str)) {
    let original = original().await;
    let mut random = Random::new();
    let files = original.files(kind);
    for _ in 0..flips() {
        let file = files[random.below(files.len())];
        let length = std::fs::metadata(original.place.path().join(file)).unwrap().len() as usize;
        let (at, bit) = (random.below(length), random.below(8));
        let case = format!("{} byte {at} of {length}, bit {bit}", file.display());
        let outcome = original.damaged(file, |bytes| bytes[at] ^= 1 << bit).await;
        check(&outcome, &case);
    }
}

#[tokio::test]
async fn what_is_not_damaged_is_all_there() {
    let original = original().await;
    for kind in ["journal", "chunks", "catalog.db"] {
        let outcome = original.damaged(original.files(kind)[0], |_| {}).await;
        assert!(!outcome.told && outcome.lost == 0, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_journal_costs_one_fragment_at_most_and_is_told() {
    flip_bits("journal", |outcome, case| {
        assert!(outcome.lost <= 1 && outcome.told >= (outcome.lost > 0), "{case}: {outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn a_flipped_bit_in_a_chunk_costs_one_fragment_at_most_and_is_told() {
    flip_bits("chunks", |outcome, case| {
        assert!(outcome.lost <= 1 && outcome.told >= (outcome.lost > 0), "{case}: {outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn a_flipped_bit_in_the_catalogue_is_told_and_serves_nothing_wrong() {
    flip_bits("catalog.db", |outcome, case| {
        assert!(outcome.told >= (outcome.lost > 0), "{case}: {outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn a_damaged_row_of_a_chunk_is_made_anew_from_its_file() {
    let original = original().await;
    let file = original.files("catalog.db")[0];
    let outcome = original
        .damaged(file, |bytes| {
            let name = b"-1-0.chunk";
            let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
            bytes[at + 3] ^= 1;
        })
        .await;
    assert!(outcome.told && outcome.lost == 0, "{outcome:?}");
}

#[tokio::test]
async fn a_chunk_that_is_cut_off_gives_what_is_left_of_it() {
    let original = original().await;
    let file = original.files("chunks")[0];
    let length = std::fs::metadata(original.place.path().join(file)).unwrap().len() as usize;
    let lost = |cut: usize| original.damaged(file, move |bytes| bytes.truncate(cut));
    let index_gone = lost(length - 20).await;
    assert_eq!((index_gone.lost, index_gone.refused), (0, false), "records are found without the index");
    let half = lost(length / 2).await;
    assert!((1..4).contains(&half.lost), "{half:?}");
    assert!(lost(0).await.lost >= 3);
}

#[tokio::test]
async fn a_damaged_index_and_a_damaged_record_cost_that_record() {
    let original = original().await;
    let whole = original.files("chunks").into_iter().max_by_key(|file| size(&original, file)).unwrap();
    let outcome = original
        .damaged(whole, |bytes| {
            // The second record is one that stands as it came; the length of the first is in its header.
            let first = 64;
            let length = u32::from_le_bytes(bytes[first + 12..first + 16].try_into().unwrap());
            bytes[first + length as usize + 200] ^= 1;
            let end = bytes.len();
            bytes[end - 20] ^= 1;
        })
        .await;
    assert_eq!((outcome.lost, outcome.refused), (1, false), "all but that one are found without the index");
}

fn size(original: &Original, file: &Path) -> u64 {
    original.place.path().join(file).metadata().unwrap().len()
}
