//! Chunk files: `chunks/<2 hex of the stream id>/<stream id>/<first fragment>-<epoch>-<serial>.chunk`.
//!
//! A name is used once, so a file is either unreferenced or complete. Source: docs/storage.md sections 4 and 6.

use super::chunk_file::{self, CHUNK_HEADER_BYTES};
use super::disk::{Disk, DiskFile, read_range};
use crate::{ChunkPart, ChunkRow, Located, RecordHeader, StoreError, StreamId};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) struct ChunkStore {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    epoch: u64,
    serial: AtomicU64,
}

impl ChunkStore {
    pub(super) fn new(disk: Arc<dyn Disk>, root: &Path, epoch: u64) -> Self {
        Self { disk, root: root.to_owned(), epoch, serial: AtomicU64::new(0) }
    }

    /// Copies records into a new chunk, checking each; durable, bytes and name, when this returns. Not referenced yet.
    pub(super) fn write(
        &self,
        stream: StreamId,
        records: &[Located],
        mut read: impl FnMut(&Located) -> Result<Vec<u8>, StoreError>,
    ) -> Result<ChunkRow, StoreError> {
        let mut bytes = chunk_file::header(stream, self.epoch).to_vec();
        let mut parts = Vec::with_capacity(records.len());
        for located in records {
            let record = read(located)?;
            let number = located.meta.number;
            match RecordHeader::check(&record) {
                Ok(header) if (header.stream, header.meta) == (stream, located.meta) => {
                    let offset = offset_within(bytes.len())?;
                    parts.push(ChunkPart {
                        meta: header.meta,
                        key: header.key,
                        offset,
                        length: located.loc.length,
                    });
                    bytes.extend_from_slice(&record);
                }
                // One damaged record must not keep the others in the journal for ever.
                outcome => tracing::error!(
                    %stream, fragment_number = %number, ?outcome,
                    "a fragment in the journal is damaged: its bytes are lost, its neighbours are kept"
                ),
            }
        }
        let index_offset = offset_within(bytes.len())?;
        bytes.extend_from_slice(&chunk_file::index(stream, index_offset, &parts));
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let first = records.first().map(|located| located.meta.number);
        let first = first.ok_or_else(|| StoreError::internal("a chunk without fragments"))?;
        let dir = stream_dir(stream);
        let object = format!("{dir}/{first}-{}-{serial}.chunk", self.epoch);
        let row =
            ChunkRow::summary(stream, object, bytes.len() as u64, index_offset, &parts).ok_or_else(|| {
                StoreError::corrupt(format!("no fragment of stream {stream} in the journal is intact"))
            })?;
        self.create(&dir, &row.object, &bytes)
            .map_err(|error| StoreError::io(format_args!("write chunk {}", row.object), &error))?;
        Ok(row)
    }

    fn create(&self, dir: &str, object: &str, bytes: &[u8]) -> io::Result<()> {
        // Each directory's name is made durable in the one above it before anything is put inside.
        let mut path = self.root.clone();
        for name in dir.split('/') {
            let parent = path.clone();
            path.push(name);
            if self.disk.create_dir(&path)? {
                self.disk.sync_dir(&parent)?;
            }
        }
        let file = self.disk.create(&self.root.join(object))?;
        file.write_all_at(bytes, 0)?;
        file.sync_data()?;
        self.disk.sync_dir(&path)
    }

    /// The parts of a chunk; `None` if the file is not there.
    pub(super) fn parts(&self, chunk: &ChunkRow) -> Result<Option<Vec<ChunkPart>>, StoreError> {
        let length = chunk.bytes.saturating_sub(u64::from(chunk.index_offset));
        let Some(bytes) = self.read_at(chunk, u64::from(chunk.index_offset), length)? else {
            return Ok(None);
        };
        let parts = chunk_file::parse_index(&bytes, chunk.stream, chunk.index_offset)
            .map_err(|error| StoreError::corrupt(format!("chunk {}: {error}", chunk.object)))?;
        let says = |part: Option<&ChunkPart>| part.map(|part: &ChunkPart| part.meta.number);
        if (says(parts.first()), says(parts.last())) != (Some(chunk.first), Some(chunk.last)) {
            return Err(StoreError::corrupt(format!(
                "chunk {} is not the one the catalogue means",
                chunk.object
            )));
        }
        Ok(Some(parts))
    }

    /// A range of a chunk; `None` if the file is not there.
    pub(super) fn read(
        &self,
        chunk: &ChunkRow,
        offset: u32,
        length: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        debug_assert!(offset as usize >= CHUNK_HEADER_BYTES, "records begin after the header");
        self.read_at(chunk, u64::from(offset), u64::from(length))
    }

    fn read_at(&self, chunk: &ChunkRow, offset: u64, length: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.root.join(&chunk.object);
        let read =
            self.disk.open(&path).and_then(|file: Arc<dyn DiskFile>| read_range(&*file, offset, length));
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(StoreError::corrupt(format!("chunk {} is shorter than it was", chunk.object)))
            }
            Err(error) => Err(StoreError::io(format_args!("read chunk {}", chunk.object), &error)),
        }
    }

    /// Removes a chunk's bytes; that they are gone already is fine.
    pub(super) fn remove(&self, object: &str) -> Result<(), StoreError> {
        let path = self.root.join(object);
        match self.disk.remove(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io(format_args!("remove chunk {object}"), &error)),
        }
        if let Some(dir) = path.parent() {
            // Most often other chunks are still in it, and that is no error.
            let _ = self.disk.remove_empty_dir(dir);
        }
        Ok(())
    }

    /// Compares the files with the rows of the catalogue: removes files that no row names, and returns the rows that
    /// have no file.
    pub(super) fn reconcile(&self, mut rows: HashSet<String>) -> Result<Vec<String>, StoreError> {
        let failed = |error: io::Error| StoreError::io(format_args!("read {}", self.root.display()), &error);
        for prefix in self.disk.list(&self.root).map_err(failed)? {
            for stream in self.disk.list(&self.root.join(&prefix)).map_err(failed)? {
                let dir = format!("{prefix}/{stream}");
                for name in self.disk.list(&self.root.join(&dir)).map_err(failed)? {
                    let object = format!("{dir}/{name}");
                    if !rows.remove(&object) && name.ends_with(".chunk") {
                        tracing::info!(%object, "a chunk that was never published, or was deleted, is removed");
                        self.remove(&object)?;
                    }
                }
            }
        }
        Ok(rows.into_iter().collect())
    }
}

fn stream_dir(stream: StreamId) -> String {
    format!("{:02x}/{stream}", stream.to_bytes()[0])
}

fn offset_within(bytes: usize) -> Result<u32, StoreError> {
    u32::try_from(bytes).map_err(|_| StoreError::internal("a chunk of 4 GiB cannot be indexed"))
}
