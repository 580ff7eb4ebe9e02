//! Chunk files: `chunks/<2 hex of the stream id>/<stream id>/<first fragment>-<epoch>-<serial>.chunk`.
//!
//! A name is used once, so a file is either unreferenced or complete. Source: docs/storage.md sections 4 and 6.

use super::chunk_file::{self, CHUNK_HEADER_BYTES};
use super::disk::{Disk, DiskFile, read_range};
use super::index_file::{self, index_object};
use crate::{ChunkPart, ChunkRow, ErrorKind, Located, RecordHeader, StoreError, StreamId};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_types::FragmentNumber;

/// Records are written together from about this size on: few calls, and what is copied is still in the processor's cache.
const WRITE_BYTES: usize = 256 * 1024;

pub(super) struct ChunkStore {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    epoch: u64,
    serial: AtomicU64,
    /// Directories of which this process knows that their names are durable.
    durable_dirs: Mutex<HashSet<PathBuf>>,
}

impl ChunkStore {
    pub(super) fn new(disk: Arc<dyn Disk>, root: &Path, epoch: u64) -> Self {
        let (root, serial) = (root.to_owned(), AtomicU64::new(0));
        Self { disk, root, epoch, serial, durable_dirs: Mutex::default() }
    }

    /// Copies records into a new chunk, checking each; durable, bytes and name, when this returns. Not referenced yet.
    pub(super) fn write(
        &self,
        stream: StreamId,
        records: &[Located],
        read: impl FnMut(&Located) -> Result<Vec<u8>, StoreError>,
        read_index: impl FnMut(&Located) -> Option<Vec<u8>>,
    ) -> Result<ChunkRow, StoreError> {
        let first = records.first().map(|located| located.meta.number);
        let first = first.ok_or_else(|| StoreError::internal("a chunk without fragments"))?;
        self.write_as(self.next_object(stream, first), stream, records, read, read_index)
    }

    /// A name that no chunk ever had.
    pub(super) fn next_object(&self, stream: StreamId, first: FragmentNumber) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        format!("{}/{first}-{}-{serial}.chunk", stream_dir(stream), self.epoch)
    }

    /// As [`Self::write`], under a name that was given out before.
    pub(super) fn write_as(
        &self,
        object: String,
        stream: StreamId,
        records: &[Located],
        read: impl FnMut(&Located) -> Result<Vec<u8>, StoreError>,
        read_index: impl FnMut(&Located) -> Option<Vec<u8>>,
    ) -> Result<ChunkRow, StoreError> {
        let dir = stream_dir(stream);
        let indexes: Vec<u8> = records.iter().filter_map(read_index).flatten().collect();
        self.fill(&dir, &object, stream, records, (read, &indexes)).inspect_err(|_| {
            // What got there would fill the disk a little more with every attempt.
            let _ = self.disk.remove(&self.root.join(index_object(&object)));
            let _ = self.disk.remove(&self.root.join(&object));
        })
    }

    fn fill(
        &self,
        dir: &str,
        object: &str,
        stream: StreamId,
        records: &[Located],
        (mut read, indexes): (impl FnMut(&Located) -> Result<Vec<u8>, StoreError>, &[u8]),
    ) -> Result<ChunkRow, StoreError> {
        let failed = |error: io::Error| StoreError::io(format_args!("write chunk {object}"), &error);
        let path = self.durable_dir(dir).map_err(failed)?;
        let file = self.disk.create(&self.root.join(object)).map_err(failed)?;
        let mut out = Output { file: &*file, written: 0, buffer: Vec::with_capacity(2 * WRITE_BYTES) };
        out.buffer.extend_from_slice(&chunk_file::header(stream, self.epoch));
        let mut parts = Vec::with_capacity(records.len());
        for located in records {
            let number = located.meta.number;
            let record = match read(located) {
                // One record that is gone must not keep the others in the journal for ever.
                Err(error) if *error.kind() == ErrorKind::Corrupt => {
                    tracing::error!(%stream, fragment_number = %number, %error, "a fragment is lost");
                    continue;
                }
                record => record?,
            };
            let checked = RecordHeader::check(&record).map(|header| (header.stream, header.meta));
            if checked != Ok((stream, located.meta)) {
                // Its tag decides whether it can be read; until then it keeps its place, so that its loss is told.
                tracing::error!(%stream, fragment_number = %number, ?checked, "a fragment in the journal is damaged");
            }
            let (meta, key, length) = (located.meta, located.key, located.loc.length);
            parts.push(ChunkPart { meta, key, offset: out.position()?, length });
            out.append(&record).map_err(failed)?;
        }
        let index_offset = out.position()?;
        out.append(&chunk_file::index(stream, index_offset, &parts)).map_err(failed)?;
        self.fill_index(object, stream, indexes);
        out.flush()
            .and_then(|()| file.sync_data())
            .and_then(|()| self.disk.sync_dir(&path))
            .map_err(failed)?;
        ChunkRow::summary(stream, object.to_owned(), out.written, index_offset, &parts).ok_or_else(|| {
            StoreError::corrupt(format!("no fragment of stream {stream} is left in the journal"))
        })
    }

    /// The side file first, so that one sync of the directory makes both names durable. Without it the chunk is whole.
    fn fill_index(&self, object: &str, stream: StreamId, indexes: &[u8]) {
        let object = index_object(object);
        let path = self.root.join(&object);
        if let Err(error) = index_file::write(&*self.disk, &path, stream, self.epoch, indexes) {
            tracing::warn!(object, %error, "the index of a chunk is not kept; indexes are made of its audio");
            let _ = self.disk.remove(&path);
        }
    }

    /// Each directory's name is made durable in the one above it before anything is put inside. That it exists does not
    /// say that it is: whoever made it may have failed or died before the sync.
    fn durable_dir(&self, dir: &str) -> io::Result<PathBuf> {
        let mut path = self.root.clone();
        for name in dir.split('/') {
            let parent = path.clone();
            path.push(name);
            if self.disk.create_dir(&path)? || !self.durable_dirs().contains(&path) {
                self.disk.sync_dir(&parent)?;
                self.durable_dirs().insert(path.clone());
            }
        }
        Ok(path)
    }

    /// The parts of a chunk; `None` if the file is not there.
    pub(super) fn parts(&self, chunk: &ChunkRow) -> Result<Option<Vec<ChunkPart>>, StoreError> {
        let length = chunk.bytes.saturating_sub(u64::from(chunk.index_offset));
        let why = match self.read_at(chunk, u64::from(chunk.index_offset), length) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => match chunk_file::parse_index(&bytes, chunk.stream, chunk.index_offset) {
                Ok(parts) if ends(&parts) == Some((chunk.first, chunk.last)) => return Ok(Some(parts)),
                Ok(_) => "it is not the chunk that the catalogue means".to_owned(),
                Err(error) => error.to_string(),
            },
            Err(error) if *error.kind() == ErrorKind::Corrupt => error.to_string(),
            Err(error) => return Err(error),
        };
        self.salvage(chunk, &why)
    }

    /// The parts of a chunk of which the index is damaged: every record says itself what it is.
    fn salvage(&self, chunk: &ChunkRow, why: &str) -> Result<Option<Vec<ChunkPart>>, StoreError> {
        let Some(bytes) = self.read_records(chunk)? else { return Ok(None) };
        let mut parts: Vec<ChunkPart> = Vec::new();
        let mut at = CHUNK_HEADER_BYTES;
        while at < bytes.len() {
            let header = RecordHeader::check(&bytes[at..]).ok().filter(|header| {
                let number = header.meta.number;
                let ascending = parts.last().is_none_or(|before| before.meta.number < number);
                header.stream == chunk.stream && (chunk.first..=chunk.last).contains(&number) && ascending
            });
            let Some(header) = header else {
                at += 1;
                continue;
            };
            let (offset, length) = (offset_within(at)?, offset_within(header.record_bytes())?);
            parts.push(ChunkPart { meta: header.meta, key: header.key, offset, length });
            at += header.record_bytes();
        }
        let lost = u64::from(chunk.fragments).saturating_sub(parts.len() as u64);
        tracing::error!(
            object = chunk.object,
            why,
            fragments = chunk.fragments,
            lost,
            "the index of a chunk is damaged; its fragments are found without it, but for those that are damaged, too"
        );
        Ok(Some(parts))
    }

    /// What there is of a chunk's records, from the beginning of the file; `None` if it is not there.
    fn read_records(&self, chunk: &ChunkRow) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.disk.open(&self.root.join(&chunk.object)).and_then(|file| {
            let length = file.len()?.min(u64::from(chunk.index_offset));
            read_range(&*file, 0, length)
        });
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io(format_args!("read chunk {}", chunk.object), &error)),
        }
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
        self.unlink(object)?;
        self.remove_dir_of(object);
        Ok(())
    }

    /// As [`Self::remove`]; no power cut brings them back once this returns.
    pub(super) fn remove_durably(&self, object: &str) -> Result<(), StoreError> {
        self.unlink(object)?;
        if let Some(dir) = self.root.join(object).parent() {
            match self.disk.sync_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io(format_args!("remove chunk {object}"), &error));
                }
                _ => {}
            }
        }
        self.remove_dir_of(object);
        Ok(())
    }

    fn unlink(&self, object: &str) -> Result<(), StoreError> {
        let path = self.root.join(object);
        // Its side file first: what is left of a removal that was cut off is still named.
        for path in [&self.root.join(index_object(object)), &path] {
            match self.disk.remove(path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io(format_args!("remove chunk {object}"), &error)),
            }
        }
        Ok(())
    }

    fn remove_dir_of(&self, object: &str) {
        let path = self.root.join(object);
        // Most often other chunks are still in it, and that is no error.
        if let Some(dir) = path.parent()
            && self.disk.remove_empty_dir(dir).is_ok()
        {
            self.durable_dirs().remove(dir);
        }
    }

    fn durable_dirs(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.durable_dirs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Where the chunks are.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Compares the files with the rows of the catalogue.
    pub(super) fn compare(&self, rows: &HashSet<String>) -> Result<Compared, StoreError> {
        let failed = |error: io::Error| StoreError::io(format_args!("read {}", self.root.display()), &error);
        let prefixes = match self.disk.list(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            prefixes => prefixes.map_err(failed)?,
        };
        let mut compared = Compared { is_empty: prefixes.is_empty(), ..Compared::default() };
        let (mut named, mut chunks, mut indexes) = (HashSet::new(), HashSet::new(), Vec::new());
        for prefix in prefixes {
            for stream in self.folders(&self.root.join(&prefix)).map_err(failed)? {
                let dir = format!("{prefix}/{stream}");
                for name in self.folders(&self.root.join(&dir)).map_err(failed)? {
                    let object = format!("{dir}/{name}");
                    if let Some(row) = rows.get(&object) {
                        named.insert(row.as_str());
                    } else if name.ends_with(".chunk") {
                        compared.unnamed.push(object.clone());
                    } else if index_file::chunk_of(&name).is_some() {
                        indexes.push(object);
                        continue;
                    }
                    chunks.insert(object);
                }
            }
        }
        let is_orphan = |index: &String| {
            index_file::chunk_of(index).is_some_and(|chunk| !chunks.contains(chunk) && !rows.contains(chunk))
        };
        compared.orphaned_indexes = indexes.into_iter().filter(is_orphan).collect();
        compared.missing = rows.iter().filter(|row| !named.contains(row.as_str())).cloned().collect();
        Ok(compared)
    }

    /// The names in a folder; none, if it is a stray file.
    fn folders(&self, path: &Path) -> io::Result<Vec<String>> {
        match self.disk.list(path) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
            names => names,
        }
    }

    /// What a chunk says of itself; `None` if its index is damaged.
    pub(super) fn describe(&self, object: &str) -> Result<Option<Described>, StoreError> {
        let failed = |error: io::Error| StoreError::io(format_args!("read chunk {object}"), &error);
        let file = self.disk.open(&self.root.join(object)).map_err(failed)?;
        let length = file.len().map_err(failed)?;
        let Some(trailer_at) = length.checked_sub(chunk_file::TRAILER_BYTES as u64) else { return Ok(None) };
        let trailer = read_range(&*file, trailer_at, length - trailer_at).map_err(failed)?;
        let Some((stream, index_offset)) = chunk_file::trailer(&trailer) else { return Ok(None) };
        let Some(index_bytes) = length.checked_sub(u64::from(index_offset)) else { return Ok(None) };
        let index = read_range(&*file, u64::from(index_offset), index_bytes).map_err(failed)?;
        let Ok(parts) = chunk_file::parse_index(&index, stream, index_offset) else { return Ok(None) };
        let header = read_range(&*file, 0, CHUNK_HEADER_BYTES as u64).map_err(failed)?;
        let epoch = chunk_file::parse_header(&header).map_or(0, |(_, epoch)| epoch);
        let row = ChunkRow::summary(stream, object.to_owned(), length, index_offset, &parts);
        Ok(row.map(|row| Described { row, parts, epoch }))
    }
}

/// What [`ChunkStore::compare`] found.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Rows that have no file.
    pub(super) missing: Vec<String>,
    /// Files that no row names.
    pub(super) unnamed: Vec<String>,
    /// Side files of chunks that are neither there nor named by a row.
    pub(super) orphaned_indexes: Vec<String>,
    /// There is not even a folder of a stream.
    pub(super) is_empty: bool,
}

/// What a chunk says of itself.
pub(super) struct Described {
    /// What the catalogue would say.
    pub(super) row: ChunkRow,
    pub(super) parts: Vec<ChunkPart>,
    /// Which opening of the store wrote it; 0 if its header is damaged.
    pub(super) epoch: u64,
}

/// A chunk on its way to the disk.
struct Output<'a> {
    file: &'a dyn DiskFile,
    written: u64,
    buffer: Vec<u8>,
}

impl Output<'_> {
    /// Where the next byte goes in the file.
    fn position(&self) -> Result<u32, StoreError> {
        offset_within(usize::try_from(self.written).unwrap_or(usize::MAX).saturating_add(self.buffer.len()))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < WRITE_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The numbers of the first and the last part.
fn ends(parts: &[ChunkPart]) -> Option<(FragmentNumber, FragmentNumber)> {
    Some((parts.first()?.meta.number, parts.last()?.meta.number))
}

fn stream_dir(stream: StreamId) -> String {
    format!("{:02x}/{stream}", stream.to_bytes()[0])
}

fn offset_within(bytes: usize) -> Result<u32, StoreError> {
    u32::try_from(bytes).map_err(|_| StoreError::internal("a chunk of 4 GiB cannot be indexed"))
}
