//! Every data directory that an earlier version has left is read byte for byte, goes on, and is refused by the versions
//! that cannot read it any more. The directories: `fixtures/store`.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "store_formats/contents.rs"]
mod contents;

use bytes::Bytes;
use contents::{BEGIN_MS, FRAGMENTS, STREAMS};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tympan_kms::{Keyring, KeyringOwner};
use tympan_kvs::Companded;
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions, RecoveryReport, rebuild};
use tympan_store::{
    Clock, Fragment, FragmentHead, MediaStore, ReadEvent, Start, StoreOptions, Stream, StreamRef, TimeAxis,
};
use tympan_types::{AccountId, FragmentNumber, Mono, ProducerTime, Region, StreamName, WallTime};

/// An hour after the fixtures were made, by their own clock.
struct LaterClock;

impl Clock for LaterClock {
    fn now(&self) -> WallTime {
        WallTime::from_unix_ms(BEGIN_MS + 3_600_000)
    }

    fn mono(&self) -> Mono {
        Mono::default()
    }
}

/// A line of a MANIFEST.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    stream: usize,
    fragment: usize,
    number: FragmentNumber,
    producer_ms: i64,
    server_ms: i64,
    duration_ms: u32,
}

fn fixture(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/store/format-{format}"))
}

fn manifest(format: u32) -> Vec<Expected> {
    let text = std::fs::read_to_string(fixture(format).join("MANIFEST")).unwrap();
    let lines = text.lines().enumerate().map(|(at, line)| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, number, producer, server, duration] = words[..] else { panic!("five words: {line}") };
        let stream = STREAMS.iter().position(|(known, _)| *known == name).unwrap();
        Expected {
            stream,
            fragment: at - stream * FRAGMENTS,
            number: number.parse().unwrap(),
            producer_ms: producer.parse().unwrap(),
            server_ms: server.parse().unwrap(),
            duration_ms: duration.parse().unwrap(),
        }
    });
    let lines: Vec<Expected> = lines.collect();
    assert_eq!(lines.len(), STREAMS.len() * FRAGMENTS);
    lines
}

/// A copy to work on, with the permissions that git does not keep.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        let to = to.join(name);
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
            std::fs::set_permissions(&to, Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn open(path: &Path) -> MediaStore {
    let backend = EmbeddedBackend::open(path, EmbeddedOptions::default()).unwrap();
    assert_eq!(backend.report(), &RecoveryReport::default(), "nothing is damaged");
    let owner = KeyringOwner {
        region: Region::parse("us-west-2").unwrap(),
        account: AccountId::parse("111122223333").unwrap(),
    };
    let keyring = Keyring::open(&path.join("keyring"), owner, LaterClock.now()).unwrap();
    let options =
        StoreOptions { housekeeping_ms: 0, body_codec: Some(Arc::new(Companded)), ..StoreOptions::default() };
    MediaStore::open(Arc::new(backend), Arc::new(keyring), Arc::new(LaterClock), options).unwrap()
}

async fn stream(store: &MediaStore, name: &str) -> Stream {
    let (account, region) = (AccountId::parse("111122223333").unwrap(), Region::parse("us-west-2").unwrap());
    let name = StreamName::parse(name).unwrap();
    store.stream(StreamRef::Name { account: &account, region: &region, name: &name }).await.unwrap()
}

fn check(fragment: &Fragment, expected: &Expected) {
    let meta = fragment.meta;
    assert_eq!(meta.number, expected.number);
    assert_eq!(meta.producer.unix_ms(), expected.producer_ms);
    assert_eq!(meta.server.unix_ms(), expected.server_ms);
    assert_eq!(meta.duration_ms, expected.duration_ms);
    let body = contents::body(expected.stream, expected.fragment);
    assert!(fragment.head == contents::head() && fragment.body == body, "{expected:?}");
    assert_eq!((meta.head_bytes as usize, meta.body_bytes as usize), (fragment.head.len(), body.len()));
}

/// Reads every stream from its beginning, by number and by list.
async fn check_all(store: &MediaStore, manifest: &[Expected]) {
    for (at, (name, _)) in STREAMS.iter().enumerate() {
        let described = stream(store, name).await;
        assert_eq!(described.device_name.as_deref(), Some("a device"));
        assert_eq!(described.tags["a tag"], "its value");
        let expected: Vec<&Expected> = manifest.iter().filter(|expected| expected.stream == at).collect();
        let listed = store.list_fragments(described.id, TimeAxis::Server, 0, i64::MAX, None, 100);
        let listed: Vec<FragmentNumber> = listed.await.unwrap().iter().map(|meta| meta.number).collect();
        assert!(listed.iter().eq(expected.iter().map(|expected| &expected.number)), "{name}");
        let mut reader = store.reader(described.id, Start::Earliest).unwrap();
        for expected in expected {
            let ReadEvent::Stored(fragment) = reader.next().await.unwrap() else { panic!("history") };
            check(&fragment, expected);
            let found = store.fragment(described.id, expected.number).await.unwrap().unwrap();
            check(&found, expected);
        }
    }
}

/// One more fragment for each stream, as the fixtures' first ones.
async fn write_more(store: &MediaStore, manifest: &mut Vec<Expected>) {
    for (at, (name, _)) in STREAMS.iter().enumerate() {
        let mut writer = store.open_writer(stream(store, name).await.id).await.unwrap();
        let producer = ProducerTime::from_unix_ms(BEGIN_MS);
        let head = FragmentHead { head: Bytes::from(contents::head()), producer };
        let number = writer.begin(head).unwrap();
        let newest = manifest.iter().filter(|known| known.stream == at).map(|known| known.number).max();
        assert!(Some(number) > newest, "no number is used twice");
        writer.push(Bytes::from(contents::body(at, 0)));
        writer.seal(30).await.unwrap();
        let (producer_ms, server_ms) = (BEGIN_MS, LaterClock.now().unix_ms());
        manifest.push(Expected { stream: at, fragment: 0, number, producer_ms, server_ms, duration_ms: 30 });
    }
}

async fn read_and_go_on(format: u32) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("data");
    copy(&fixture(format), &path);
    let mut manifest = manifest(format);
    let store = open(&path);
    check_all(&store, &manifest).await;
    write_more(&store, &mut manifest).await;
    check_all(&store, &manifest).await;
    store.shutdown().await;
    // What was read is in the journal still: now it moves to chunks of the newest format.
    let store = open(&path);
    check_all(&store, &manifest).await;
    assert!(store.chunk().await.unwrap() > 0);
    check_all(&store, &manifest).await;
    store.shutdown().await;
    let store = open(&path);
    assert_eq!(store.stats().fragments_in_journal, 0);
    check_all(&store, &manifest).await;
    write_more(&store, &mut manifest).await;
    check_all(&store, &manifest).await;
    store.shutdown().await;
}

#[tokio::test]
async fn the_first_format_is_read_byte_for_byte_and_goes_on() {
    let first = std::fs::read_to_string(fixture(1).join("FORMAT")).unwrap();
    assert_eq!(first, "tympan-store 1\n");
    read_and_go_on(1).await;
}

#[tokio::test]
async fn the_second_format_is_read_byte_for_byte_and_goes_on() {
    read_and_go_on(2).await;
}

#[tokio::test]
async fn the_third_format_is_read_byte_for_byte_and_goes_on() {
    let third = std::fs::read_to_string(fixture(3).join("FORMAT")).unwrap();
    assert_eq!(third, "tympan-store 3\n");
    read_and_go_on(3).await;
}

#[tokio::test]
async fn the_fourth_format_is_read_byte_for_byte_and_goes_on() {
    let fourth = std::fs::read_to_string(fixture(4).join("FORMAT")).unwrap();
    assert_eq!(fourth, "tympan-store 4\n");
    read_and_go_on(4).await;
}

#[tokio::test]
async fn the_fifth_format_is_read_byte_for_byte_and_goes_on() {
    let fifth = std::fs::read_to_string(fixture(5).join("FORMAT")).unwrap();
    assert_eq!(fifth, "tympan-store 5\n");
    read_and_go_on(5).await;
}

#[tokio::test]
async fn indexes_of_the_fourth_format_are_read_and_earlier_ones_have_none() {
    let everything = (FragmentNumber::MIN, FragmentNumber::from_bytes([0xff; 20]));
    for format in 1..=5 {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        copy(&fixture(format), &path);
        let store = open(&path);
        for _ in 0..2 {
            for (at, (name, _)) in STREAMS.iter().enumerate() {
                let id = stream(&store, name).await.id;
                let found = store.indexes(id, everything.0, everything.1, 100).await.unwrap();
                let expected = (0..FRAGMENTS).map(|fragment| contents::index(at, fragment));
                let expected: Vec<_> = expected.map(|index| index.filter(|_| format >= 4)).collect();
                let found: Vec<_> =
                    found.into_iter().map(|one| one.index.map(|index| index.to_vec())).collect();
                assert_eq!(found, expected, "{name} of format {format}");
            }
            // From the journal, and then from side files.
            store.chunk().await.unwrap();
        }
        store.shutdown().await;
    }
}

#[tokio::test]
async fn a_directory_of_the_third_format_whose_catalogue_is_lost_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("data");
    copy(&fixture(3), &path);
    std::fs::remove_file(path.join("catalog.db")).unwrap();
    assert!(EmbeddedBackend::open(&path, EmbeddedOptions::default()).is_err());
    let report = rebuild(&path, LaterClock.now(), &mut |_| {}).unwrap();
    assert_eq!(report.streams, STREAMS.len() as u64, "{report:?}");
    let store = open(&path);
    check_all(&store, &manifest(3)).await;
    store.shutdown().await;
}

#[tokio::test]
async fn an_earlier_format_whose_catalogue_is_lost_after_the_upgrade_comes_back() {
    for format in [1, 2] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        copy(&fixture(format), &path);
        open(&path).shutdown().await;
        std::fs::remove_file(path.join("catalog.db")).unwrap();
        let report = rebuild(&path, LaterClock.now(), &mut |_| {}).unwrap();
        assert_eq!(report.streams, STREAMS.len() as u64, "{report:?}");
        let store = open(&path);
        check_all(&store, &manifest(format)).await;
        store.shutdown().await;
    }
}

#[test]
fn an_upgraded_directory_says_so_to_the_programs_before() {
    let place = tempfile::tempdir().unwrap();
    for format in [1, 2, 3, 4] {
        let path = place.path().join(format!("data-{format}"));
        copy(&fixture(format), &path);
        drop(EmbeddedBackend::open(&path, EmbeddedOptions::default()).unwrap());
        // They compare this file with the one line that they know, and name it in their refusal.
        assert_eq!(std::fs::read_to_string(path.join("FORMAT")).unwrap(), "tympan-store 5\n");
        // Each stream has a page from now on.
        let pages = std::fs::read_dir(path.join("streams")).unwrap().count();
        assert_eq!(pages, STREAMS.len());
        assert!(path.join("journal/SEGMENTS").exists());
    }
}

#[test]
fn the_second_format_keeps_companded_bodies_smaller() {
    let bytes = |format| {
        let mut dirs = vec![fixture(format).join("chunks")];
        let mut bytes = 0;
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                if entry.path().is_dir() {
                    dirs.push(entry.path())
                } else {
                    bytes += entry.metadata().unwrap().len()
                }
            }
        }
        bytes
    };
    assert!(bytes(2) < bytes(1), "the same fragments in chunks: {} and {}", bytes(2), bytes(1));
}
