//! The default backend: one directory, one process.
//!
//! ```text
//! LOCK                                   held by the process that has the directory open
//! FORMAT                                 "tympan-store 5"
//! RESERVE                                space for retention to work with when the disk is full
//! catalog.db                             SQLite: streams, wrapped keys, one row per chunk
//! JOURNAL                                the newest segment; may be missing
//! journal/SEGMENTS                       which segments there are
//! journal/0000000042.seg                 what was acknowledged in the last minutes, all streams together
//! chunks/3f/3f0c…/9134…-7-12.chunk       what is older, one file per stream and time slice
//! chunks/3f/3f0c…/9134…-7-12.chunk.index the indexes of its fragments
//! streams/3f0c….stream                   a second copy of what the catalogue says of a stream
//! lost+found/                            chunks that nothing accounts for
//! ```
//! Source: docs/storage.md.

mod at_rest;
mod backup;
mod catalogue;
mod check;
pub mod chunk_file;
mod chunk_store;
mod deletion_proof;
mod directory;
mod disk;
mod erasing;
mod evidence;
mod hold;
mod index_file;
mod journal;
mod last_time;
mod lost_found;
mod machine_clock;
mod newest_segment;
mod opening;
pub mod page;
mod pages;
#[cfg(test)]
mod power_cut;
mod rebuild;
mod recovery;
mod reserve;
mod restore;
mod schema;
pub mod segment;
mod segment_list;
#[cfg(any(test, feature = "simulation"))]
mod simulated_disk;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;

pub use at_rest::{AtRest, ReadRow};
pub use backup::{BackupOptions, BackupReport, Manifest, ManifestFile};
pub use catalogue::{Deletion, add_row_checksum};
pub use check::{CheckReport, Finding, FindingKind, Gap, JournalCheck, Progress, StreamCheck};
pub use deletion_proof::{DeletionProof, GenerationProof, Subject, Verdict};
pub use last_time::last_time_of;
pub use lost_found::{LostFile, lost_files};
pub use rebuild::{RebuildReport, rebuild};
pub use restore::{RestoreReport, SEQUENCE_MARGIN, restore};

use crate::keys;
use crate::{
    Backend, ChunkPart, ChunkRow, ChunkTotals, ErrorKind, ExpireReport, FirstMatch, FragmentRange,
    JournalLoc, KeyRow, Located, Record, Remaining, Reservation, StorageTier, StoreError, Stream, StreamId,
    StreamKey, StreamPage, StreamRow,
};
use catalogue::Catalogue;
use chunk_store::ChunkStore;
use directory::Directory;
use disk::Disk;
use journal::Journal;
use last_time::LastTime;
use lost_found::Keeping;
use newest_segment::NewestSegment;
use pages::Pages;
use reserve::Reserve;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tympan_kms::{EncryptionContext, WrappedKey};
use tympan_types::{FragmentNumber, ServerTime, StreamArn, WallTime};

/// Sizes and times of an [`EmbeddedBackend`].
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// A journal segment is closed at this size...
    pub segment_bytes: u64,
    /// ... or at this age.
    pub segment_age: Duration,
    /// Set aside, so that retention can go on when the disk is full; 0 for nothing.
    pub reserve_bytes: u64,
    /// What time it is; the machine's, where none is given.
    pub now: Option<WallTime>,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(30),
            reserve_bytes: 4 << 20,
            now: None,
        }
    }
}

/// Files and an SQLite catalogue in one directory.
pub struct EmbeddedBackend {
    /// Holds the lock until closed.
    directory: Mutex<Option<Directory>>,
    path: PathBuf,
    last_time: LastTime,
    disk: Arc<dyn Disk>,
    /// Held while files are deleted, and shared by backups: as long as one runs, nothing that it copies goes away.
    deleting: RwLock<()>,
    catalogue: Catalogue,
    journal: Journal,
    chunks: ChunkStore,
    pages: Pages,
    /// Chunks that are written and of which nobody knows whether their row is durable: named again, not written again.
    unnamed: Mutex<HashMap<StreamId, ChunkRow>>,
    /// Held while something is removed, before `deleting`, and while a chunk is announced as garbage until it has its row.
    sweeping: Mutex<()>,
    reserve: Reserve,
    recovered: Mutex<Vec<Located>>,
    report: RecoveryReport,
    cut_off_bytes: u64,
    newest_segment: NewestSegment,
}

/// What opening found wrong. Empty after an orderly life, a kill or a power cut; anything here is damage, and what is
/// not damaged is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Sentences about the journal; damaged segments are kept aside as `.damaged`.
    pub journal: Vec<String>,
    /// Chunks that the catalogue names and that are not there.
    pub missing_chunks: Vec<String>,
    /// Sentences about the catalogue; where its pages do not hold together, it takes no changes.
    pub catalogue: Vec<String>,
    /// Sentences about the pages in `streams/`, which were made anew.
    pub pages: Vec<String>,
    /// Sentences about what was moved to `lost+found/`.
    pub lost: Vec<String>,
}

impl EmbeddedBackend {
    /// What opening found wrong.
    pub fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// Bytes of a last group that is not whole, at the end of the journal. A power cut or a kill leaves such a group, and
    /// nothing in it was acknowledged; where the file was shortened later it is what is left of acknowledged fragments.
    pub fn cut_off_bytes(&self) -> u64 {
        self.cut_off_bytes
    }

    /// Which opening of the directory this is.
    pub fn epoch(&self) -> u64 {
        self.catalogue.epoch()
    }

    /// The data keys of all streams that are as they were written.
    ///
    /// # Errors
    /// `Internal`: the catalogue cannot be read.
    pub fn wrapped_keys(&self) -> Result<Vec<StreamDataKey>, StoreError> {
        wrapped_keys(&self.catalogue)
    }

    /// A chunk that an earlier attempt has written and could not name, if it is of these records.
    fn written_before(&self, stream: StreamId, records: &[Located]) -> Option<ChunkRow> {
        let row = self.unnamed().remove(&stream)?;
        let span = records.first()?.meta.number..=records.last()?.meta.number;
        // All that has happened to its records since is that the oldest may have expired.
        span.contains(&row.last).then_some(row)
    }

    fn unnamed(&self) -> MutexGuard<'_, HashMap<StreamId, ChunkRow>> {
        self.unnamed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what was kept in `lost+found/` for long enough.
    fn expire_lost_files(&self, now: WallTime) -> Result<(), StoreError> {
        if lost_files(&self.path).is_empty() {
            return Ok(());
        }
        let keeping =
            Keeping { retentions: self.catalogue.retentions()?, deleted: self.catalogue.deleted_ids()? };
        let removed = lost_found::expire(&*self.disk, &self.path, &keeping, now)?;
        if removed > 0 {
            tracing::info!(removed, "files in lost+found were kept for long enough and are removed");
        }
        Ok(())
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

/// A data key, and what it is bound to.
#[derive(Debug, Clone)]
pub struct StreamDataKey {
    /// Whose it is.
    pub stream: StreamId,
    /// As it is kept.
    pub wrapped: WrappedKey,
    /// What it opens with.
    pub context: EncryptionContext,
}

fn wrapped_keys(catalogue: &Catalogue) -> Result<Vec<StreamDataKey>, StoreError> {
    let rows = catalogue.as_far_as_it_goes(catalogue.all_streams())?;
    let arns: HashMap<StreamId, StreamArn> =
        rows.into_iter().filter_map(|(id, row)| Some((id, row.ok()?.stream.arn))).collect();
    let keys = catalogue.as_far_as_it_goes(catalogue.all_keys())?;
    let bound = |(stream, wrapped)| {
        let context = keys::context(arns.get(&stream)?, stream);
        Some(StreamDataKey { stream, wrapped, context })
    };
    Ok(keys.into_iter().filter_map(bound).collect())
}

impl RecoveryReport {
    fn log(&self) {
        let sentences = self.journal.iter().chain(&self.catalogue).chain(&self.pages);
        for note in sentences {
            tracing::error!("{note}; what is intact is served");
        }
        for object in &self.missing_chunks {
            tracing::error!(%object, "a chunk is missing; the rest is served");
        }
        for note in &self.lost {
            tracing::error!("{note}");
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

    fn read_journal_index(&self, located: &Located) -> Result<Option<Vec<u8>>, StoreError> {
        self.journal.read_index(located)
    }

    fn release(&self, locs: &[JournalLoc]) {
        self.journal.release(locs);
    }

    fn recovered(&self) -> Result<Vec<Located>, StoreError> {
        Ok(std::mem::take(&mut *self.recovered.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn tend(&self) -> Result<(), StoreError> {
        // What is dead is known from the catalogue.
        if self.catalogue.check_takes_changes().is_err() {
            return Ok(());
        }
        self.newest_segment.remember(self.journal.newest());
        self.journal.seal_old();
        // While others remove something, or a backup runs, what is dead stays until the next turn.
        let Ok(_alone) = self.sweeping.try_lock() else { return Ok(()) };
        match self.deleting.try_write() {
            Ok(_alone) => self.journal.delete_dead(),
            Err(_) => Ok(()),
        }
    }

    fn age(&self, by_ms: i64) {
        self.journal.age(Duration::from_millis(u64::try_from(by_ms).unwrap_or(0)));
    }

    fn publish_chunk(&self, stream: StreamId, records: &[Located]) -> Result<ChunkRow, StoreError> {
        self.catalogue.check_takes_changes().map_err(StoreError::nothing_lost)?;
        let row = match self.written_before(stream, records) {
            Some(row) => row,
            None => {
                let read = |located: &Located| {
                    let record = self.journal.read(located.loc)?;
                    record.ok_or_else(|| {
                        StoreError::internal("a record was released before its chunk was made")
                    })
                };
                let read_index = |located: &Located| {
                    // A disk that cannot read it is met by the record.
                    self.journal.read_index(located).unwrap_or_default()
                };
                self.chunks.write(stream, records, read, read_index)?
            }
        };
        match self.catalogue.publish(&row) {
            Ok(()) => Ok(row),
            Err(error) if *error.kind() == ErrorKind::NotFound => {
                self.chunks.remove(&row.object)?;
                Err(error)
            }
            Err(_) if self.catalogue.names(&row) == Ok(true) => Ok(row),
            // Whether the row becomes durable is not certain, so the bytes stay, and are named by the next attempt.
            // Without a row they go at the next start.
            Err(error) => {
                self.unnamed().insert(stream, row);
                Err(error.nothing_lost())
            }
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

    fn chunk_totals(
        &self,
        stream: StreamId,
        expired: ServerTime,
        through: FragmentNumber,
    ) -> Result<ChunkTotals, StoreError> {
        self.catalogue.chunk_totals(stream, expired, through)
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

    fn read_chunk_indexes(&self, chunk: &ChunkRow) -> Result<Vec<u8>, StoreError> {
        Ok(self.chunks.indexes(chunk))
    }

    fn expire(&self, now: WallTime) -> Result<ExpireReport, StoreError> {
        let chunks_expired = match self.catalogue.expire(now) {
            Err(error) if *error.kind() == ErrorKind::Full && self.reserve.give_up() => {
                self.catalogue.expire_when_full(now)?
            }
            expired => expired?,
        };
        // Those who remove something wait for each other, so that only a backup can hold `deleting` here.
        let _alone = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        // While a backup runs the rows go, so that nothing expired is served, and the bytes follow when it is done.
        let Ok(_alone) = self.deleting.try_write() else {
            return Ok(ExpireReport { chunks_expired, objects_removed: 0 });
        };
        self.pages.finish_erasing()?;
        self.expire_lost_files(now)?;
        let objects_removed = self.remove_garbage(|_| true)?;
        self.reserve.hold();
        Ok(ExpireReport { chunks_expired, objects_removed })
    }

    fn erase_fragments(&self, stream: StreamId, range: FragmentRange) -> Result<StreamRow, StoreError> {
        self.reserve.lend(|| self.catalogue.add_erasure(&self.pages, stream, range))
    }

    fn erasing_streams(&self) -> Result<Vec<StreamId>, StoreError> {
        self.catalogue.erasing_streams()
    }

    fn remove_erased(&self, stream: StreamId, is_settled: bool) -> Result<Option<Remaining>, StoreError> {
        self.remove_what_is_erased(stream, is_settled)
    }

    fn create_stream(&self, stream: &Stream, quota: Option<u32>) -> Result<(), StoreError> {
        self.catalogue.create_stream(&self.pages, stream, quota)
    }

    fn stream(&self, key: &StreamKey) -> Result<Option<StreamRow>, StoreError> {
        self.catalogue.stream(key)
    }

    fn list_streams(&self, page: &StreamPage) -> Result<Vec<Stream>, StoreError> {
        self.catalogue.list_streams(page)
    }

    fn stream_ids(&self, after: Option<StreamId>, limit: usize) -> Result<Vec<StreamId>, StoreError> {
        self.catalogue.stream_ids(after, limit)
    }

    fn delete_stream(&self, key: &StreamKey, version: Option<u64>) -> Result<StreamId, StoreError> {
        // A stream whose keys could not be erased is not found any more. That answer, too, waits until they are erased.
        self.pages.finish_erasing()?;
        self.reserve.lend(|| self.catalogue.delete_stream(key, version))
    }

    fn erase_keys(&self, stream: StreamId) -> Result<(), StoreError> {
        self.pages.erase(stream)
    }

    fn set_tags(
        &self,
        stream: StreamId,
        add: &BTreeMap<String, String>,
        remove: &[String],
        max: usize,
    ) -> Result<StreamRow, StoreError> {
        self.catalogue.set_tags(&self.pages, stream, add, remove, max)
    }

    fn set_details(
        &self,
        stream: StreamId,
        version: Option<u64>,
        device_name: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<StreamRow, StoreError> {
        self.catalogue.set_details(&self.pages, stream, version, device_name, media_type)
    }

    fn set_storage_tier(
        &self,
        stream: StreamId,
        version: Option<u64>,
        tier: StorageTier,
    ) -> Result<StreamRow, StoreError> {
        self.catalogue.set_storage_tier(&self.pages, stream, version, tier)
    }

    fn set_retention(
        &self,
        stream: StreamId,
        version: Option<u64>,
        hours: u32,
        now: WallTime,
    ) -> Result<StreamRow, StoreError> {
        self.reserve.lend(|| self.catalogue.set_retention(&self.pages, stream, version, hours, now))
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
        self.catalogue.add_key(&self.pages, stream, key)
    }

    fn remember_time(&self, time: WallTime) -> Result<(), StoreError> {
        self.last_time.write(time).map_err(|error| StoreError::io("write the file CLOCK", &error))
    }

    fn last_time(&self) -> Result<Option<WallTime>, StoreError> {
        if let Some(time) = self.last_time.read() {
            return Ok(Some(time));
        }
        let recovered = self.recovered.lock().unwrap_or_else(PoisonError::into_inner);
        let recovered = recovered.iter().map(|located| located.meta.server.unix_ms()).max();
        let rows = self.catalogue.as_far_as_it_goes(self.catalogue.newest_time())?;
        Ok(rows.max(recovered.map(WallTime::from_unix_ms)))
    }

    fn close(&self) {
        self.journal.close();
        self.newest_segment.remember(self.journal.newest());
        drop(self.directory.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_cannot_be_named_is_named_later_and_not_written_again() {
        let place = tempfile::tempdir().unwrap();
        let backend = EmbeddedBackend::open(place.path(), EmbeddedOptions::default()).unwrap();
        let stream = crate::conformance::stream("s");
        backend.create_stream(&stream, None).unwrap();
        crate::conformance::make_ready(&backend, stream.id);
        let files = || {
            let dirs = std::fs::read_dir(place.path().join("chunks")).unwrap();
            let streams = dirs.flat_map(|dir| std::fs::read_dir(dir.unwrap().path()).unwrap());
            streams.map(|dir| std::fs::read_dir(dir.unwrap().path()).unwrap().count()).sum::<usize>()
        };
        let commit = |sequence| {
            let (meta, record) = crate::record::tests::sealed(stream.id, sequence, b"body");
            let loc = backend.commit(&[&record]).unwrap()[0];
            [Located { stream: stream.id, meta, key: 1, loc }]
        };
        let pages: i64 = backend.catalogue.pragma("page_count");
        backend.catalogue.pragma(&format!("max_page_count = {pages}"));
        let (mut named, mut sequence) = (0, 1);
        let refused = loop {
            let records = commit(sequence);
            sequence += 1;
            match backend.publish_chunk(stream.id, &records) {
                Ok(_) => named += 1,
                Err(error) => {
                    assert_eq!(error.kind(), &ErrorKind::Full);
                    break records;
                }
            }
        };
        for _ in 0..3 {
            assert!(backend.publish_chunk(stream.id, &refused).is_err());
            assert_eq!(files(), named + 1, "one file, however often it is tried");
        }
        backend.catalogue.pragma("max_page_count = 1000000");
        let row = backend.publish_chunk(stream.id, &refused).unwrap();
        assert_eq!((row.last, files()), (refused[0].meta.number, named + 1));
        assert_eq!(backend.chunk_parts(&row).unwrap().map(|parts| parts.len()), Some(1));
    }

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
