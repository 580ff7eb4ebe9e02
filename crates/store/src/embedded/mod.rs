//! The default backend: one directory, one process.
//!
//! ```text
//! LOCK                                   held by the process that has the directory open
//! FORMAT                                 "tympan-store 1"
//! catalog.db                             SQLite: streams, wrapped keys, one row per chunk
//! journal/0000000042.seg                 what was acknowledged in the last minutes, all streams together
//! chunks/3f/3f0c…/9134…-7-12.chunk       what is older, one file per stream and time slice
//! ```
//! Source: docs/storage.md.

mod catalogue;
pub mod chunk_file;
mod chunk_store;
mod directory;
mod disk;
mod journal;
#[cfg(test)]
mod power_cut;
mod recovery;
mod schema;
pub mod segment;
#[cfg(test)]
mod simulated_disk;

use crate::stream_rules::sort_recovered;
use crate::{
    Backend, ChunkPart, ChunkRow, ErrorKind, ExpireReport, FirstMatch, JournalLoc, KeyRow, Located, Record,
    Reservation, StoreError, Stream, StreamId, StreamKey, StreamPage, StreamRow,
};
use catalogue::Catalogue;
use chunk_store::ChunkStore;
use directory::Directory;
use disk::FileDisk;
use journal::{Journal, SegmentLimits};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tympan_types::{FragmentNumber, WallTime};

/// Sizes and times of an [`EmbeddedBackend`].
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// A journal segment is closed at this size...
    pub segment_bytes: u64,
    /// ... or at this age.
    pub segment_age: Duration,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, segment_age: Duration::from_secs(30) }
    }
}

/// Files and an SQLite catalogue in one directory.
pub struct EmbeddedBackend {
    /// Holds the lock until closed.
    directory: Mutex<Option<Directory>>,
    catalogue: Catalogue,
    journal: Journal,
    chunks: ChunkStore,
    recovered: Mutex<Vec<Located>>,
    report: RecoveryReport,
}

/// What opening found wrong. Empty after an orderly life, a kill or a power cut; anything here is damage, and what is
/// not damaged is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Sentences about the journal; damaged segments are kept aside as `.damaged`.
    pub journal: Vec<String>,
    /// Chunks that the catalogue names and that are not there.
    pub missing_chunks: Vec<String>,
}

impl EmbeddedBackend {
    /// Opens the directory, creating it where there is none, and recovers what an earlier process left.
    ///
    /// # Errors
    /// `Fenced` while another process has it open; `Internal` for an unknown format or a failing disk.
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let disk = Arc::new(FileDisk);
        let directory = Directory::open(&*disk, path)?;
        let catalogue = Catalogue::open(&directory.catalogue())?;
        directory.sync(&*disk)?;
        let limits = SegmentLimits { bytes: options.segment_bytes, age: options.segment_age };
        let epoch = catalogue.epoch();
        let found = recovery::recover(&*disk, &directory.journal())?;
        let journal = Journal::new(disk.clone(), &directory.journal(), epoch, limits, &found);
        let chunks = ChunkStore::new(disk, &directory.chunks(), epoch);
        let missing_chunks = chunks.reconcile(catalogue.objects()?)?;
        let report = RecoveryReport { journal: found.damage, missing_chunks };
        report.log();

        let chunked_through = catalogue.chunked_through()?;
        let alive = |located: &Located| {
            chunked_through.get(&located.stream).is_some_and(|through| located.meta.number > *through)
        };
        let (mut alive, dead): (Vec<Located>, Vec<Located>) = found.records.into_iter().partition(alive);
        journal.release(&dead.iter().map(|located| located.loc).collect::<Vec<_>>());
        sort_recovered(&mut alive);
        Ok(Self {
            directory: Mutex::new(Some(directory)),
            catalogue,
            journal,
            chunks,
            recovered: Mutex::new(alive),
            report,
        })
    }

    /// What opening found wrong.
    pub fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// A chunk's file was not found: fine if its row is gone by now, too, damage otherwise.
    fn gone<T>(&self, chunk: &ChunkRow) -> Result<Option<T>, StoreError> {
        if self.catalogue.names(chunk)? {
            let message = format!("chunk {} is missing: restore it, or delete the stream", chunk.object);
            return Err(StoreError::corrupt(message));
        }
        Ok(None)
    }
}

impl RecoveryReport {
    fn log(&self) {
        for note in &self.journal {
            tracing::error!("{note}; what is intact is served");
        }
        for object in &self.missing_chunks {
            tracing::error!(%object, "a chunk is missing; the rest is served");
        }
    }
}

impl Backend for EmbeddedBackend {
    fn commit(&self, records: &[&Record]) -> Result<Vec<JournalLoc>, StoreError> {
        if self.directory.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(StoreError::new(
                ErrorKind::Fenced,
                "the directory was given up; another process may have it",
            ));
        }
        self.journal.commit(records)
    }

    fn read_journal(&self, loc: JournalLoc) -> Result<Option<Vec<u8>>, StoreError> {
        self.journal.read(loc)
    }

    fn release(&self, locs: &[JournalLoc]) {
        self.journal.release(locs);
    }

    fn recovered(&self) -> Result<Vec<Located>, StoreError> {
        Ok(std::mem::take(&mut *self.recovered.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn tend(&self) -> Result<(), StoreError> {
        self.journal.tend()
    }

    fn publish_chunk(&self, stream: StreamId, records: &[Located]) -> Result<ChunkRow, StoreError> {
        let row = self.chunks.write(stream, records, |located| {
            let record = self.journal.read(located.loc)?;
            record.ok_or_else(|| StoreError::internal("a record was released before its chunk was made"))
        })?;
        match self.catalogue.publish(&row) {
            Ok(()) => Ok(row),
            Err(error) if *error.kind() == ErrorKind::NotFound => {
                self.chunks.remove(&row.object)?;
                Err(error)
            }
            // Whether the row became durable is not certain, so the bytes stay; without a row they go at the next start.
            Err(error) => Err(error),
        }
    }

    fn find_chunk(
        &self,
        stream: StreamId,
        after: FragmentNumber,
        matching: FirstMatch,
    ) -> Result<Option<ChunkRow>, StoreError> {
        self.catalogue.find_chunk(stream, after, matching)
    }

    fn chunk_parts(&self, chunk: &ChunkRow) -> Result<Option<Vec<ChunkPart>>, StoreError> {
        match self.chunks.parts(chunk)? {
            None => self.gone(chunk),
            parts => Ok(parts),
        }
    }

    fn read_chunk(&self, chunk: &ChunkRow, offset: u32, length: u32) -> Result<Option<Vec<u8>>, StoreError> {
        match self.chunks.read(chunk, offset, length)? {
            None => self.gone(chunk),
            bytes => Ok(bytes),
        }
    }

    fn expire(&self, now: WallTime) -> Result<ExpireReport, StoreError> {
        let chunks_expired = self.catalogue.expire(now)?;
        let garbage = self.catalogue.garbage()?;
        for object in &garbage {
            self.chunks.remove(object)?;
        }
        if !garbage.is_empty() {
            self.catalogue.forget_garbage(&garbage)?;
        }
        Ok(ExpireReport { chunks_expired, objects_removed: garbage.len() as u64 })
    }

    fn create_stream(&self, stream: &Stream, quota: Option<u32>) -> Result<(), StoreError> {
        self.catalogue.create_stream(stream, quota)
    }

    fn stream(&self, key: &StreamKey) -> Result<Option<StreamRow>, StoreError> {
        self.catalogue.stream(key)
    }

    fn list_streams(&self, page: &StreamPage) -> Result<Vec<Stream>, StoreError> {
        self.catalogue.list_streams(page)
    }

    fn delete_stream(&self, key: &StreamKey, version: Option<u64>) -> Result<StreamId, StoreError> {
        self.catalogue.delete_stream(key, version)
    }

    fn set_tags(
        &self,
        stream: StreamId,
        add: &BTreeMap<String, String>,
        remove: &[String],
        max: usize,
    ) -> Result<StreamRow, StoreError> {
        self.catalogue.set_tags(stream, add, remove, max)
    }

    fn set_details(
        &self,
        stream: StreamId,
        version: Option<u64>,
        device_name: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<StreamRow, StoreError> {
        self.catalogue.set_details(stream, version, device_name, media_type)
    }

    fn set_retention(
        &self,
        stream: StreamId,
        version: Option<u64>,
        hours: u32,
        now: WallTime,
    ) -> Result<StreamRow, StoreError> {
        self.catalogue.set_retention(stream, version, hours, now)
    }

    fn reserve(&self, stream: StreamId, new_session: bool) -> Result<Reservation, StoreError> {
        self.catalogue.reserve(stream, new_session)
    }

    fn set_finished(&self, stream: StreamId, finished: bool) -> Result<(), StoreError> {
        self.catalogue.set_finished(stream, finished)
    }

    fn keys(&self, stream: StreamId) -> Result<Vec<KeyRow>, StoreError> {
        self.catalogue.keys(stream)
    }

    fn add_key(&self, stream: StreamId, key: &KeyRow) -> Result<bool, StoreError> {
        self.catalogue.add_key(stream, key)
    }

    fn close(&self) {
        drop(self.directory.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_every_backend_promises() {
        let mut places = Vec::new();
        crate::conformance::check(&mut || {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().to_owned();
            places.push(place);
            Box::new(move || {
                let backend = EmbeddedBackend::open(&path, EmbeddedOptions::default()).unwrap();
                assert_eq!(backend.report(), &RecoveryReport::default());
                Arc::new(backend) as Arc<dyn Backend>
            })
        });
    }
}
