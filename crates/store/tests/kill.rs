//! Kill -9 at any moment: what was acknowledged is there, byte for byte, in order and once; no number is used twice.
//!
//! The child is this very binary, told by an environment variable to write and to print what it was promised. This
//! proves the logic of recovery, not the placement of fsync: `src/embedded/power_cut.rs` does that.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use bytes::Bytes;
use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::*;
use tympan_kms::{Keyring, KeyringOwner};
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions, RecoveryReport};
use tympan_store::{Clock, Ending, MediaStore, ReadEvent, Start, StoreOptions, StreamRef, TimeAxis};
use tympan_types::{AccountId, FragmentNumber, Mono, Region, StreamName, WallTime};

const CHILD: &str = "TYMPAN_STORE_KILL_CHILD";
const PRODUCERS: usize = 4;
const KILLS: u32 = 12;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        WallTime::from_unix_ms(since.as_millis() as i64)
    }

    fn mono(&self) -> Mono {
        // The clock of this machine is not set while the test runs.
        Mono::from_millis(self.now().unix_ms().unsigned_abs())
    }
}

/// Tiny segments and chunks, so that a kill falls into rotation, chunking and deletion as often as into appending.
fn open(dir: &Path) -> MediaStore {
    let embedded = EmbeddedOptions {
        segment_bytes: 60_000,
        segment_age: Duration::from_millis(40),
        ..EmbeddedOptions::default()
    };
    let backend = EmbeddedBackend::open(&dir.join("data"), embedded).unwrap();
    assert_eq!(backend.report(), &RecoveryReport::default(), "a kill is not damage");
    let owner = KeyringOwner {
        region: Region::parse("us-west-2").unwrap(),
        account: AccountId::parse("111122223333").unwrap(),
    };
    let keyring = Keyring::open(&dir.join("keys"), owner, SystemClock.now()).unwrap();
    let options = StoreOptions {
        chunk_bytes: 20_000,
        chunk_age_ms: 30,
        housekeeping_ms: 5,
        sweep_ms: 20,
        ..StoreOptions::default()
    };
    MediaStore::open(Arc::new(backend), Arc::new(keyring), Arc::new(SystemClock), options).unwrap()
}

async fn stream(store: &MediaStore, name: &str) -> tympan_store::Stream {
    let (account, region) = (AccountId::parse("111122223333").unwrap(), Region::parse("us-west-2").unwrap());
    let parsed = StreamName::parse(name).unwrap();
    match store.stream(StreamRef::Name { account: &account, region: &region, name: &parsed }).await {
        Ok(stream) => stream,
        Err(_) => store.create_stream(new_stream(name, 24), None).await.unwrap(),
    }
}

/// What a fragment holds follows from its number.
fn body(number: FragmentNumber) -> Vec<u8> {
    let seed = number.to_bytes();
    let length = 1 + usize::from(u16::from_le_bytes([seed[19], seed[18]]) % 3_000);
    seed.iter().cycle().take(length).copied().collect()
}

/// So does its index.
fn index(number: FragmentNumber) -> Bytes {
    Bytes::from(body(number).into_iter().take(150).map(|byte| !byte).collect::<Vec<u8>>())
}

async fn produce(store: MediaStore, producer: usize) {
    let stream = stream(&store, &format!("s{producer}")).await;
    loop {
        let mut writer = store.open_writer(stream.id).await.unwrap();
        for _ in 0..40 {
            let number = writer.begin(head(0)).unwrap();
            say(&format!("begun {producer} {number}"));
            for piece in body(number).chunks(700) {
                writer.push(Bytes::copy_from_slice(piece));
            }
            writer.seal_indexed(20, Some(index(number))).await.unwrap();
            say(&format!("durable {producer} {number}"));
        }
        writer.close(if producer == 0 { Ending::Finished } else { Ending::Disconnected });
    }
}

/// Streams that come and go beside the others.
async fn create_and_delete(store: MediaStore) {
    loop {
        let stream = stream(&store, "passing").await;
        let mut writer = store.open_writer(stream.id).await.unwrap();
        for _ in 0..5 {
            write(&mut writer, "gone soon").await.unwrap();
        }
        drop(writer);
        store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    }
}

/// One line to the parent, in one write.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&dir));
        let mut tasks: Vec<_> =
            (0..PRODUCERS).map(|producer| tokio::spawn(produce(store.clone(), producer))).collect();
        tasks.push(tokio::spawn(create_and_delete(store)));
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_kill_9() {
    let place = tempfile::tempdir().unwrap();
    let mut begun: HashSet<(usize, FragmentNumber)> = HashSet::new();
    let mut durable: BTreeMap<usize, Vec<FragmentNumber>> = BTreeMap::new();
    for round in 0..KILLS {
        for line in run_and_kill(place.path(), round) {
            let mut words = line.split(' ');
            let (Some(what), Some(producer), Some(number)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let (Ok(producer), Ok(number)) = (producer.parse::<usize>(), number.parse()) else { continue };
            match what {
                "begun" => assert!(begun.insert((producer, number)), "{number} was used twice"),
                "durable" => durable.entry(producer).or_default().push(number),
                _ => {}
            }
        }
        verify(place.path(), &durable);
    }
    assert!(durable.values().map(Vec::len).sum::<usize>() > 20, "the children did something");
}

/// Lines of a child that was killed at some moment.
fn run_and_kill(dir: &Path, round: u32) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    // The moment: some fragments in, and then any fraction of what happens between two of them.
    let (fragments, mut seen) = (3 + round * 7, 0);
    let mut collected = Vec::new();
    let mut lines = lines.lines();
    while seen < fragments {
        let Some(line) = lines.next() else { break };
        let line = line.unwrap();
        seen += u32::from(line.starts_with("durable"));
        collected.push(line);
    }
    std::thread::sleep(Duration::from_micros(u64::from(std::process::id().wrapping_mul(round + 1) % 20_000)));
    child.kill().unwrap();
    // What it had said before it died is still in the pipe; a last line may be cut.
    collected.extend(lines.map_while(Result::ok));
    child.wait().unwrap();
    collected
}

fn verify(dir: &Path, durable: &BTreeMap<usize, Vec<FragmentNumber>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(dir);
        for (producer, numbers) in durable {
            let stream = stream(&store, &format!("s{producer}")).await;
            let all = store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, usize::MAX);
            let listed: Vec<FragmentNumber> = all.await.unwrap().iter().map(|meta| meta.number).collect();
            assert!(listed.is_sorted_by(|one, other| one < other), "in order, once");
            let (first, last) = (FragmentNumber::MIN, FragmentNumber::from_bytes([0xff; 20]));
            let indexed = store.indexes(stream.id, first, last, usize::MAX).await.unwrap();
            assert_eq!(indexed.iter().map(|one| one.meta.number).collect::<Vec<_>>(), listed);
            for one in indexed {
                assert_eq!(
                    one.index,
                    Some(index(one.meta.number)),
                    "an index is lost with its fragment or not at all"
                );
            }
            let listed: HashSet<_> = listed.into_iter().collect();
            for number in numbers {
                assert!(
                    listed.contains(number),
                    "{number} of producer {producer} was acknowledged and is lost"
                );
            }
            let mut reader = store.reader(stream.id, Start::Earliest).unwrap();
            for _ in 0..listed.len() {
                let ReadEvent::Stored(fragment) = reader.next().await.unwrap() else { panic!("history") };
                assert!(listed.contains(&fragment.meta.number));
                assert!(fragment.body == body(fragment.meta.number), "byte for byte");
            }
        }
        store.shutdown().await;
    });
}
