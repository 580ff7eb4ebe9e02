//! A process that has used up its file descriptors: what is written all the same goes to the journal, segment by segment.
//!
//! Alone in its file, because the limit is the process's.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use bytes::Bytes;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::File;
use std::sync::Arc;
use support::*;
use tympan_kms::Keyring;
use tympan_store::embedded::EmbeddedOptions;

const BODY_BYTES: usize = 30_000;

#[tokio::test]
async fn segments_are_begun_and_read_where_no_descriptor_is_left() {
    let place = tempfile::tempdir().unwrap();
    let (keyring, clock) = (Arc::new(Keyring::in_memory()), ManualClock::new());
    let options = EmbeddedOptions { segment_bytes: 200_000, ..EmbeddedOptions::default() };
    let (store, _) = open_embedded(&place.path().join("data"), options, &keyring, &clock).unwrap();
    let stream = store.create_stream(new_stream("s", 1), None).await.unwrap();
    let mut writer = store.open_writer(stream.id).await.unwrap();

    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(256), hard).unwrap();
    let others: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(others.len() < 256 && File::open("/dev/null").is_err());

    let body: Vec<u8> = (0..BODY_BYTES).map(|byte| byte as u8).collect();
    let mut written = Vec::new();
    for _ in 0..30 {
        let number = writer.begin(head(START_MS)).unwrap();
        writer.push(Bytes::from(body.clone()));
        writer.seal(20).await.unwrap();
        written.push(number);
    }
    for number in &written {
        let fragment = store.fragment(stream.id, *number).await.unwrap().unwrap();
        assert!(fragment.body == body);
    }
    drop(others);
    let segments = std::fs::read_dir(place.path().join("data/journal")).unwrap().count();
    assert!(segments >= 4, "all went to {segments} segments");
}
