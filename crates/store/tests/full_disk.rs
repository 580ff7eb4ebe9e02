//! A file system that is really full, of bytes or of inodes: writers are told, readers go on, retention finds room to
//! work, and when there is space again, nobody has to do anything.
//!
//! Each test is run a second time in a mount namespace of its own, on a small tmpfs. Where the kernel does not allow
//! that, it says so and passes.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

mod support;

use bytes::Bytes;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::*;
use tympan_kms::Keyring;
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions, RecoveryReport};
use tympan_store::{ErrorKind, MediaStore, StoreError, Stream, StreamRef, TimeAxis, Writer};
use tympan_types::FragmentNumber;

const CHILD: &str = "TYMPAN_STORE_FULL_DISK";
const BODY_BYTES: usize = 30_000;

/// Runs this test again with a small file system of its own; the path of that one in the second run.
fn small_disk(test: &str, options: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(CHILD) {
        return Some(path.into());
    }
    let place = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {options} tympan \"$0\" || exit 77; exec \"$@\"");
    let child = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &mount])
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, place.path())
        .output();
    match child {
        Ok(child) if child.status.success() => {}
        Ok(child)
            if child.status.code() == Some(77) || !child.stderr.is_empty() && child.stdout.is_empty() =>
        {
            eprintln!("skipped: no file system can be mounted: {}", String::from_utf8_lossy(&child.stderr));
        }
        Ok(child) => panic!("{}", String::from_utf8_lossy(&child.stderr)),
        Err(error) => eprintln!("skipped: unshare: {error}"),
    }
    None
}

struct Disk {
    path: PathBuf,
    keyring: Arc<Keyring>,
    clock: Arc<ManualClock>,
}

impl Disk {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), keyring: Arc::new(Keyring::in_memory()), clock: ManualClock::new() }
    }

    fn open(&self) -> (MediaStore, Arc<EmbeddedBackend>) {
        let embedded =
            EmbeddedOptions { segment_bytes: 200_000, reserve_bytes: 300_000, ..EmbeddedOptions::default() };
        open_embedded(&self.path.join("data"), embedded, &self.keyring, &self.clock).unwrap()
    }

    /// Takes what space there is.
    fn fill(&self) {
        let mut file = File::create(self.path.join("filling")).unwrap();
        for length in [4_096, 1] {
            while file.write_all(&vec![1; length]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path.join("filling")).unwrap();
    }
}

fn body(number: FragmentNumber) -> Vec<u8> {
    number.to_bytes().iter().cycle().take(BODY_BYTES).copied().collect()
}

async fn write_one(writer: &mut Writer) -> Result<FragmentNumber, StoreError> {
    let number = writer.begin(head(START_MS))?;
    writer.push(Bytes::from(body(number)));
    writer.seal(20).await?;
    Ok(number)
}

/// Writes until the disk is full, which is what the error says.
async fn write_until_full(writer: &mut Writer, written: &mut Vec<FragmentNumber>) {
    loop {
        match write_one(writer).await {
            Ok(number) => written.push(number),
            Err(error) => {
                assert_eq!(error.kind(), &ErrorKind::Full, "{error}");
                return;
            }
        }
        assert!(written.len() < 10_000, "the disk is small");
    }
}

async fn check(store: &MediaStore, stream: &Stream, written: &[FragmentNumber]) {
    let listed = store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, usize::MAX).await;
    let listed: Vec<FragmentNumber> = listed.unwrap().iter().map(|meta| meta.number).collect();
    assert_eq!(listed, written);
    for number in written {
        let fragment = store.fragment(stream.id, *number).await.unwrap().unwrap();
        assert!(fragment.body == body(*number), "byte for byte");
    }
}

fn files(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn a_disk_without_space_is_told_read_swept_and_used_again() {
    let test = "a_disk_without_space_is_told_read_swept_and_used_again";
    let Some(path) = small_disk(test, "size=4m") else { return };
    let disk = Disk::new(&path);
    let (store, _) = disk.open();
    let stream = store.create_stream(new_stream("s", 1), None).await.unwrap();
    let mut writer = store.open_writer(stream.id).await.unwrap();
    let mut written = Vec::new();
    // Some of it in chunks, so that there is something for retention to remove.
    for _ in 0..30 {
        written.push(write_one(&mut writer).await.unwrap());
    }
    drop(writer);
    store.chunk().await.unwrap();
    disk.clock.advance_ms(HOUR_MS / 2);
    let mut writer = store.open_writer(stream.id).await.unwrap();
    for _ in 0..10 {
        written.push(write_one(&mut writer).await.unwrap());
    }
    disk.fill();
    write_until_full(&mut writer, &mut written).await;
    for _ in 0..3 {
        assert_eq!(write_one(&mut writer).await.unwrap_err().kind(), &ErrorKind::Full);
    }
    check(&store, &stream, &written).await;
    // Chunks that cannot be made leave nothing behind, however often it is tried.
    let before = files(&disk.path.join("data/chunks"));
    drop(writer);
    for _ in 0..5 {
        assert_eq!(store.chunk().await.unwrap_err().kind(), &ErrorKind::Full);
    }
    assert!(files(&disk.path.join("data/chunks")) <= before + 1);
    check(&store, &stream, &written).await;

    // Another process finds the disk as full, and reads.
    store.shutdown().await;
    drop(store);
    let (store, backend) = disk.open();
    assert_eq!(backend.report(), &RecoveryReport::default());
    check(&store, &stream, &written).await;

    // Retention works on a full disk, and makes room.
    disk.clock.advance_ms(HOUR_MS / 2);
    let report = store.sweep().await.unwrap();
    assert!(report.chunks_expired > 0 && report.objects_removed > 0, "{report:?}");
    written.drain(..30);
    check(&store, &stream, &written).await;
    let mut writer = store.open_writer(stream.id).await.unwrap();
    written.push(write_one(&mut writer).await.unwrap());
    drop(writer);
    disk.make_room();
    store.chunk().await.unwrap();
    assert_eq!(store.stats().fragments_in_journal, 0);
    check(&store, &stream, &written).await;
    store.sweep().await.unwrap();
    assert!(disk.path.join("data/RESERVE").exists(), "space is set aside again");
    store.shutdown().await;
}

#[tokio::test]
async fn a_stream_can_be_deleted_on_a_full_disk() {
    let Some(path) = small_disk("a_stream_can_be_deleted_on_a_full_disk", "size=3m") else { return };
    let disk = Disk::new(&path);
    let (store, _) = disk.open();
    let mut streams = Vec::new();
    for name in ["one", "other"] {
        let stream = store.create_stream(new_stream(name, 1), None).await.unwrap();
        let mut writer = store.open_writer(stream.id).await.unwrap();
        let mut written = Vec::new();
        for _ in 0..15 {
            written.push(write_one(&mut writer).await.unwrap());
        }
        drop(writer);
        store.chunk().await.unwrap();
        streams.push((stream, written));
    }
    // Another process has no log of SQLite's to write over.
    store.shutdown().await;
    drop(store);
    disk.fill();
    let (store, _) = disk.open();
    let (gone, _) = &streams[0];
    store.delete_stream(StreamRef::Arn(&gone.arn), None).await.unwrap();
    store.sweep().await.unwrap();
    let (kept, written) = &streams[1];
    check(&store, kept, written).await;
    let mut writer = store.open_writer(kept.id).await.unwrap();
    write_one(&mut writer).await.unwrap();
    store.shutdown().await;
}

#[tokio::test]
async fn a_disk_without_inodes_is_told_read_and_used_again() {
    let test = "a_disk_without_inodes_is_told_read_and_used_again";
    let Some(path) = small_disk(test, "size=16m,nr_inodes=60") else { return };
    let disk = Disk::new(&path);
    let (store, _) = disk.open();
    let stream = store.create_stream(new_stream("s", 1), None).await.unwrap();
    let mut writer = store.open_writer(stream.id).await.unwrap();
    let mut written = vec![write_one(&mut writer).await.unwrap()];
    let taken: Vec<PathBuf> = (0..60)
        .map(|at| disk.path.join(format!("inode-{at}")))
        .take_while(|path| File::create(path).is_ok())
        .collect();
    assert!(!taken.is_empty());
    // The open segment still takes some.
    write_until_full(&mut writer, &mut written).await;
    check(&store, &stream, &written).await;
    drop(writer);
    assert_eq!(store.chunk().await.unwrap_err().kind(), &ErrorKind::Full);
    check(&store, &stream, &written).await;
    for path in taken {
        std::fs::remove_file(path).unwrap();
    }
    let mut writer = store.open_writer(stream.id).await.unwrap();
    written.push(write_one(&mut writer).await.unwrap());
    drop(writer);
    store.chunk().await.unwrap();
    check(&store, &stream, &written).await;
    store.shutdown().await;
}
