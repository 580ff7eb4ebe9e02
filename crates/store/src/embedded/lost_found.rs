//! `lost+found/`: chunks that no row names and that say too little of themselves to be named or removed, and segments
//! with fragments of unknown streams. They are kept for as long as what is in them may not have expired. Source: docs/storage.md section 6.

use super::catalogue::Catalogue;
use super::chunk_store::ChunkStore;
use super::disk::Disk;
use super::index_file::index_object;
use crate::stream_rules::retention_ms;
use crate::{StoreError, StreamId};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tympan_types::WallTime;
use uuid::Uuid;

/// The folder's name. File systems make one of that name in their root, which is not ours to read.
pub(super) const LOST_FOUND: &str = "lost+found";

/// A file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFile {
    /// Its name within the folder.
    pub name: String,
    /// The stream, as its name says.
    pub stream: Option<StreamId>,
    /// When it was written last: nothing in it is younger.
    pub written: WallTime,
}

/// How long what is in the folder is kept.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// Retentions of the streams that exist, in hours.
    pub(super) retentions: HashMap<StreamId, u32>,
    pub(super) deleted: HashSet<StreamId>,
}

impl Keeping {
    pub(super) fn by(catalogue: &Catalogue) -> Result<Self, StoreError> {
        Ok(Self { retentions: catalogue.retentions()?, deleted: catalogue.deleted_ids()? })
    }

    /// When a file goes; `None`: at once.
    pub(super) fn until(&self, file: &LostFile) -> Option<WallTime> {
        if file.stream.is_some_and(|stream| self.deleted.contains(&stream)) {
            return None;
        }
        let own = file.stream.and_then(|stream| self.retentions.get(&stream));
        let longest = self.retentions.values().max();
        let hours = own.or(longest).copied().unwrap_or(u32::MAX);
        Some(file.written.plus_ms(retention_ms(hours)))
    }
}

/// The files in `lost+found/` of a data directory. A folder that cannot be read is not ours.
pub fn lost_files(dir: &Path) -> Vec<LostFile> {
    let entries = std::fs::read_dir(dir.join(LOST_FOUND)).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let metadata = entry.metadata().ok()?;
            let ours = [".chunk", ".chunk.index", ".seg"].iter().any(|end| name.ends_with(end));
            let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            let written = WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
            let stream = name.get(..36).and_then(|id| Uuid::try_parse(id).ok());
            let stream = stream.map(|id| StreamId::from_bytes(id.into_bytes()));
            (ours && metadata.is_file()).then_some(LostFile { name, stream, written })
        })
        .collect()
}

/// Moves a chunk there. Both directories are synced.
pub(super) fn take(
    disk: &dyn Disk,
    dir: &Path,
    chunks: &ChunkStore,
    object: &str,
) -> Result<PathBuf, StoreError> {
    let folder = dir.join(LOST_FOUND);
    let from = chunks.root().join(object);
    // Without the folder of two digits: the stream's id and the chunk's name.
    let (_, name) = object.split_once('/').unwrap_or(("", object));
    let to = folder.join(name.replace('/', "-"));
    let moved = || {
        if disk.create_dir(&folder)? {
            disk.sync_dir(dir)?;
        }
        // Its index goes where it goes.
        match disk.rename(&beside(&from), &beside(&to)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        disk.rename(&from, &to)?;
        disk.sync_dir(&folder)?;
        from.parent().map_or(Ok(()), |parent| disk.sync_dir(parent))
    };
    moved().map_err(|error: io::Error| {
        StoreError::io(format_args!("move {} to {}", from.display(), to.display()), &error)
    })?;
    Ok(to)
}

fn beside(chunk: &Path) -> PathBuf {
    PathBuf::from(index_object(&chunk.to_string_lossy()))
}

/// Gives a journal segment a second name there, for it holds what the journal will forget.
pub(super) fn link(disk: &dyn Disk, dir: &Path, segment: &Path) -> Result<PathBuf, StoreError> {
    let folder = dir.join(LOST_FOUND);
    let name = segment.file_name().unwrap_or_default();
    let to = folder.join(name);
    let linked = || {
        if disk.create_dir(&folder)? {
            disk.sync_dir(dir)?;
        }
        match std::fs::hard_link(segment, &to) {
            // Of a rebuild that was cut off.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
        disk.sync_dir(&folder)
    };
    linked().map_err(|error: io::Error| {
        StoreError::io(format_args!("link {} to {}", segment.display(), to.display()), &error)
    })?;
    Ok(to)
}

/// Removes what need not be kept any more. Returns how many files.
pub(super) fn expire(
    disk: &dyn Disk,
    dir: &Path,
    keeping: &Keeping,
    now: WallTime,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    for file in lost_files(dir) {
        if keeping.until(&file).is_some_and(|until| until > now) {
            continue;
        }
        let path = dir.join(LOST_FOUND).join(&file.name);
        match disk.remove(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io(format_args!("remove {}", path.display()), &error)),
        }
    }
    Ok(removed)
}
