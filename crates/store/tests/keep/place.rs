//! A store in a directory of its own, and what is asked of the directory when the store is closed.

use crate::support::{ManualClock, head, new_stream};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tympan_kms::Keyring;
use tympan_store::embedded::{AtRest, CheckReport, EmbeddedBackend, EmbeddedOptions};
use tympan_store::{Clock, Fragment, MediaStore, StoreOptions, Stream, TimeAxis};
use tympan_types::FragmentNumber;

pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keyring: Arc<Keyring>,
}

/// A store that runs.
pub(crate) struct Open {
    pub(crate) backend: Arc<EmbeddedBackend>,
    pub(crate) store: MediaStore,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: ManualClock::new(),
            keyring: Arc::new(Keyring::in_memory()),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn open(&self) -> Open {
        self.open_at(&self.data(), 64 << 20)
    }

    pub(crate) fn open_at(&self, data: &Path, segment_bytes: u64) -> Open {
        let backend = Arc::new(EmbeddedBackend::open(data, self.options(segment_bytes)).unwrap());
        let options = StoreOptions { housekeeping_ms: 0, ..StoreOptions::default() };
        let (clock, keyring) = (self.clock.clone(), self.keyring.clone());
        let store = MediaStore::open(backend.clone(), keyring, clock, options).unwrap();
        Open { backend, store }
    }

    /// Options of the backend, with this clock.
    pub(crate) fn options(&self, segment_bytes: u64) -> EmbeddedOptions {
        EmbeddedOptions {
            segment_bytes,
            segment_age: Duration::from_secs(3_600),
            now: Some(self.clock.now()),
            ..EmbeddedOptions::default()
        }
    }

    /// Checks the directory, which no store has open.
    pub(crate) async fn check(&self) -> CheckReport {
        let at_rest = AtRest::open(&self.data()).unwrap();
        at_rest.check(Some(&*self.keyring), None, &mut |_| {}).await.unwrap()
    }
}

impl Open {
    pub(crate) async fn stream(&self, name: &str) -> Stream {
        self.store.create_stream(new_stream(name, 24), None).await.unwrap()
    }

    /// Writes a session of fragments and ends it.
    pub(crate) async fn session(&self, stream: &Stream, bodies: &[&[u8]]) -> Vec<FragmentNumber> {
        let mut writer = self.store.open_writer(stream.id).await.unwrap();
        let mut numbers = Vec::new();
        for body in bodies {
            numbers.push(writer.begin(head(0)).unwrap());
            writer.push(Bytes::copy_from_slice(body));
            writer.seal(1_000).await.unwrap();
        }
        numbers
    }

    /// All that can be read of a stream.
    pub(crate) async fn fragments(&self, stream: &Stream) -> BTreeMap<FragmentNumber, Option<Fragment>> {
        let listed =
            self.store.list_fragments(stream.id, TimeAxis::Server, 0, i64::MAX, None, usize::MAX).await;
        let mut found = BTreeMap::new();
        for meta in listed.unwrap() {
            found.insert(meta.number, self.store.fragment(stream.id, meta.number).await.ok().flatten());
        }
        found
    }

    /// What the housekeeper does by itself: whatever nobody needs is deleted.
    pub(crate) async fn backend_is_idle(&self) {
        let backend = self.backend.clone();
        tokio::task::spawn_blocking(move || tympan_store::Backend::tend(&*backend).unwrap()).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.store.shutdown().await;
    }
}

/// Every file below a folder and its bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}
