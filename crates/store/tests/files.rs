//! The readers of the store's files, on the saved corpus of the fuzz targets.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "files/catalogue_oracle.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzz target")]
mod catalogue_oracle;
#[path = "files/oracle.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzz targets")]
mod oracle;
mod support;

use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::*;
use tympan_kms::Keyring;
use tympan_store::embedded::{EmbeddedBackend, EmbeddedOptions};
use tympan_store::{MediaStore, StoreOptions};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)
}

fn each(name: &str, check: impl Fn(&[u8])) {
    let mut files = 0;
    for entry in std::fs::read_dir(corpus(name)).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 4, "the corpus of {name} is there");
}

#[test]
fn the_corpus_of_journal_segments_is_read() {
    each("journal", oracle::check_journal);
}

#[test]
fn the_corpus_of_chunks_is_read() {
    each("chunk", oracle::check_chunk);
}

#[test]
fn the_corpus_of_catalogue_edits_is_borne() {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/store/format-2");
    let place = tempfile::tempdir().unwrap();
    each("catalogue", |input| catalogue_oracle::check_catalogue(&template, place.path(), input));
}

#[test]
fn what_the_store_writes_is_read_and_so_is_every_cut_of_it() {
    let (segments, chunks) = files_of_a_store();
    for segment in segments {
        for cut in (0..segment.len()).step_by(7).chain([segment.len()]) {
            oracle::check_journal(&segment[..cut]);
        }
    }
    for chunk in chunks {
        for cut in (0..chunk.len()).step_by(7).chain([chunk.len()]) {
            oracle::check_chunk(&chunk[..cut]);
        }
    }
}

/// Makes the seeds anew, after a change of format: `cargo test -p tympan-store --test files -- --ignored`.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_the_corpus() {
    let (segments, chunks) = files_of_a_store();
    let save =
        |kind: &str, name: String, bytes: &[u8]| std::fs::write(corpus(kind).join(name), bytes).unwrap();
    for (at, segment) in segments.iter().enumerate() {
        save("journal", format!("segment-{at}"), segment);
        save("journal", format!("torn-{at}"), &segment[..segment.len() * 2 / 3]);
        let mut hole = segment.clone();
        hole[90] ^= 1;
        save("journal", format!("hole-{at}"), &hole);
    }
    for (at, chunk) in chunks.iter().enumerate() {
        save("chunk", format!("chunk-{at}"), chunk);
        save("chunk", format!("headless-{at}"), &chunk[64..]);
        save("chunk", format!("cut-{at}"), &chunk[..chunk.len() - 40]);
    }
    save("chunk", "empty".into(), &[]);
    save("journal", "empty".into(), &[]);
}

/// Segments, with and without a footer, and chunks, as a real store leaves them.
fn files_of_a_store() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let place = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(write_some(place.path()));
    (read_all(&place.path().join("journal")), read_all(&place.path().join("chunks")))
}

async fn write_some(path: &Path) {
    let options = EmbeddedOptions { segment_bytes: 600, ..EmbeddedOptions::default() };
    let backend = Arc::new(EmbeddedBackend::open(path, options).unwrap());
    let keyring = Arc::new(Keyring::in_memory());
    let options = StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() };
    let store = MediaStore::open(backend, keyring, ManualClock::new(), options).unwrap();
    for (name, chunked) in [("a", true), ("b", false)] {
        let stream = store.create_stream(new_stream(name, 24), None).await.unwrap();
        let mut writer = store.open_writer(stream.id).await.unwrap();
        for length in [0, 1, 40, 200, 300] {
            writer.begin(head(START_MS)).unwrap();
            writer.push(Bytes::from(vec![length as u8; length]));
            writer.seal(20).await.unwrap();
        }
        drop(writer);
        if chunked {
            assert_eq!(store.chunk().await.unwrap(), 1);
        }
    }
    store.shutdown().await;
}

fn read_all(dir: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            found.extend(read_all(&path));
        } else if !path.ends_with("SEGMENTS") {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}
