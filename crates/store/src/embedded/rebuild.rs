//! A catalogue made anew: streams and keys from their pages, rows of chunks from the chunks themselves.
//!
//! Until the new file is whole and has its name, every start is refused: either the old catalogue is still there, or
//! none. So this may be cut off anywhere and run again. Source: docs/storage.md section 6, docs/operations.md.

use super::at_rest::copy_catalogue;
use super::catalogue::{Deletion, Rebuilt, RebuiltStream};
use super::check::Progress;
use super::chunk_store::{ChunkStore, Described};
use super::directory::{self, CATALOGUE, Directory, Format};
use super::disk::{Disk, FileDisk};
use super::evidence::{Evidence, ObjectName};
use super::journal::segment_path;
use super::lost_found;
use super::page::Page;
use super::pages::{FoundPages, read_pages};
use super::recovery::{Recovered, recover};
use super::restore::SEQUENCE_MARGIN;
use crate::gone::is_erased;
use crate::stream_rules::expires_before;
use crate::{ChunkPart, ChunkRow, ErrorKind, StoreError, StreamId, StreamRow};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tympan_types::{FragmentNumber, ServerTime, WallTime};

/// The new catalogue until it is whole.
const BESIDE: &str = "catalog.rebuilt";

/// What a rebuild found and made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RebuildReport {
    /// The data directory.
    pub directory: String,
    /// Streams that are there again.
    pub streams: u64,
    /// Their data keys.
    pub data_keys: u64,
    /// Chunks that have a row again.
    pub chunks: u64,
    /// Fragments in these chunks.
    pub fragments_in_chunks: u64,
    /// Fragments of these streams in the journal that no chunk holds.
    pub fragments_in_journal: u64,
    /// Chunks that were left out because all in them has expired. The next start removes them.
    pub chunks_expired: u64,
    /// Deletions that could be read from the catalogue before.
    pub deletions: u64,
    /// A sentence for each thing that could not be brought back, or that went to `lost+found/`.
    pub lost: Vec<String>,
}

/// Makes `catalog.db` anew out of `streams/`, `chunks/` and `journal/`. Blocks until done.
///
/// # Errors
/// `Fenced` while a server runs on the directory; `NotFound` if it is no data directory or has no pages; `Exists` if its
/// catalogue is whole and the newest one; `Full`, `Internal`.
pub fn rebuild(
    path: &Path,
    now: WallTime,
    progress: &mut dyn FnMut(Progress),
) -> Result<RebuildReport, StoreError> {
    if !path.is_dir() {
        let message = format!("{} is no data directory", path.display());
        return Err(StoreError::new(ErrorKind::NotFound, message));
    }
    let disk: Arc<dyn Disk> = Arc::new(FileDisk::new());
    let directory = Directory::open(path)?;
    let format = directory::read_format(&*disk, path)?;
    let (journal, pages) =
        (recover(&*disk, &directory.journal(), format)?, read_pages(&*disk, &directory.streams())?);
    if pages.intact().next().is_none() {
        let message = format!(
            "{} holds no page of a stream: without its keys no media can be opened, and they are nowhere else. Restore \
             the directory from a backup",
            directory.streams().display()
        );
        return Err(StoreError::new(ErrorKind::NotFound, message));
    }
    let chunks = ChunkStore::new(disk.clone(), &directory.chunks(), 0);
    let evidence = Evidence { dir: path, journal: &journal, pages: &pages, chunks: &chunks, now };
    let before = Before::read(path, &evidence)?;
    let mut rebuilding = Rebuilding {
        disk: &*disk,
        dir: path,
        journal: &journal,
        chunks: &chunks,
        now,
        rebuilt: Rebuilt { epoch: journal.epoch.max(pages.epoch()).max(before.epoch), ..Rebuilt::default() },
        streams: BTreeMap::new(),
        report: RebuildReport { directory: path.display().to_string(), ..RebuildReport::default() },
    };
    rebuilding.take_pages(&pages, &before);
    rebuilding.take_chunks(&before, progress)?;
    rebuilding.take_journal(&before)?;
    rebuilding.finish(before, &directory, format)
}

/// What can still be read of the catalogue that is to be replaced.
#[derive(Default)]
struct Before {
    epoch: u64,
    deletions: Vec<Deletion>,
    deleted: HashSet<StreamId>,
    /// There is none that can be read.
    unreadable: bool,
}

impl Before {
    fn read(path: &Path, evidence: &Evidence<'_>) -> Result<Self, StoreError> {
        let (mut newest, mut epoch) = (false, 0);
        let copy = copy_catalogue(path, CATALOGUE, &mut |known| {
            newest = evidence.judge(known).is_ok() && known.whole;
            epoch = known.epoch;
            Ok(())
        });
        if newest {
            let message = format!(
                "the catalogue of {} is whole and the newest one: there is nothing to make anew, and the server starts on it",
                path.display()
            );
            return Err(StoreError::new(ErrorKind::Exists, message));
        }
        // One that was not finished may have read more of the log than is left.
        let unfinished = copy_catalogue(path, BESIDE, &mut |_| Ok(()));
        let mut before = Self { epoch, unreadable: copy.is_err(), ..Self::default() };
        for copy in [copy, unfinished].into_iter().flatten() {
            before.deletions.extend(copy.catalogue().deletions().unwrap_or_default());
        }
        before.deleted = before.deletions.iter().map(|deletion| deletion.id).collect();
        Ok(before)
    }
}

/// A rebuild that goes on.
struct Rebuilding<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    journal: &'a Recovered,
    chunks: &'a ChunkStore,
    now: WallTime,
    rebuilt: Rebuilt,
    streams: BTreeMap<StreamId, RebuiltStream>,
    report: RebuildReport,
}

impl Rebuilding<'_> {
    /// Streams and their keys. Of two with one name, the one that was created first is deleted: the name was free again.
    fn take_pages(&mut self, pages: &FoundPages, before: &Before) {
        let mut by_name: HashMap<_, &Page> = HashMap::new();
        for page in pages.intact().filter(|page| !before.deleted.contains(&page.stream.id)) {
            let arn = &page.stream.arn;
            let name = (arn.account().clone(), arn.region().clone(), arn.name().clone());
            let other = by_name.get(&name).copied();
            let newer = other.is_none_or(|other| other.stream.arn.created() < arn.created());
            if let Some(other) = other {
                let older = if newer { other } else { page };
                self.report.lost.push(format!(
                    "stream {} ({}) was being deleted when another one got its name: its keys are erased at the next start",
                    older.stream.arn.name(),
                    older.stream.id
                ));
            }
            if newer {
                by_name.insert(name, page);
            }
        }
        for page in by_name.into_values() {
            self.report.streams += 1;
            self.report.data_keys += page.keys.len() as u64;
            let row = StreamRow {
                stream: page.stream.clone(),
                expired_through: page.expired_through,
                chunked_through: FragmentNumber::MIN,
                newest_server: ServerTime::from_unix_ms(i64::MIN),
                reserved_through: 0,
                finished: false,
                erased: page.erased.clone(),
            };
            let stream = RebuiltStream { row, keys: page.keys.clone(), chunks: Vec::new() };
            self.streams.insert(page.stream.id, stream);
        }
        for (id, page) in &pages.pages {
            if let Err(error) = page {
                self.report.lost.push(format!(
                    "stream {id} is not brought back: its page is damaged ({error}), and its keys are nowhere else. The page \
                     stays until the next start; put a copy from a backup in its place and rebuild again"
                ));
            }
        }
    }

    fn take_chunks(&mut self, before: &Before, progress: &mut dyn FnMut(Progress)) -> Result<(), StoreError> {
        let mut objects = self.chunks.compare(&HashSet::new())?.unnamed;
        objects.sort_unstable();
        let total_bytes = objects.len() as u64;
        let mut found: BTreeMap<StreamId, Vec<Described>> = BTreeMap::new();
        for (at, object) in objects.into_iter().enumerate() {
            progress(Progress { done_bytes: at as u64 + 1, total_bytes });
            let name = ObjectName::parse(&object);
            if let Some(name) = &name {
                self.rebuilt.epoch = self.rebuilt.epoch.max(name.epoch);
            }
            let Some(described) = self.chunks.describe(&object)? else {
                self.lose(&object, "it is damaged")?;
                continue;
            };
            let Described { row, epoch, .. } = &described;
            self.rebuilt.epoch = self.rebuilt.epoch.max(*epoch);
            if before.deleted.contains(&row.stream) {
                self.chunks.remove(&object)?;
            } else if self.streams.contains_key(&row.stream) {
                found.entry(row.stream).or_default().push(described);
            } else {
                self.lose(&object, "its stream has no page")?;
            }
        }
        for (id, described) in found {
            let mut rows = self.without_replaced(id, described)?;
            rows.sort_unstable_by_key(|row| (row.first, std::cmp::Reverse(row.last)));
            for row in rows {
                self.take_chunk(id, row)?;
            }
        }
        Ok(())
    }

    /// The chunks of a stream, but for those of which all is erased, and those that were replaced by one without what is erased. One
    /// that was not replaced yet stays: the next sweep goes on with it.
    fn without_replaced(&self, id: StreamId, found: Vec<Described>) -> Result<Vec<ChunkRow>, StoreError> {
        let erased = self.streams.get(&id).map(|stream| &stream.row.erased[..]).unwrap_or_default();
        let is_gone = |part: &ChunkPart| is_erased(erased, part.meta.number);
        let (before, mut rows): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|chunk| chunk.parts.iter().any(is_gone));
        for chunk in before {
            let last = chunk.row.last;
            let is_replaced = rows.iter().any(|Described { row, .. }| {
                chunk.parts.iter().any(|part| (row.first..=row.last).contains(&part.meta.number))
            });
            if is_replaced || chunk.parts.iter().all(is_gone) {
                tracing::info!(object = chunk.row.object, %last, "a chunk of erased fragments is removed");
                self.chunks.remove_durably(&chunk.row.object)?;
            } else {
                rows.push(chunk);
            }
        }
        Ok(rows.into_iter().map(|chunk| chunk.row).collect())
    }

    fn take_chunk(&mut self, id: StreamId, chunk: ChunkRow) -> Result<(), StoreError> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        let row = &mut stream.row;
        if chunk.first <= row.chunked_through {
            return self.lose(&chunk.object, "another chunk holds fragments of it, too");
        }
        row.chunked_through = chunk.last;
        row.reserved_through = row.reserved_through.max(chunk.last.sequence());
        let newest = ServerTime::from_unix_ms(chunk.server_ms.1);
        row.newest_server = row.newest_server.max(newest);
        if newest <= expires_before(row.stream.retention_hours, row.expired_through, self.now) {
            self.report.chunks_expired += 1;
            return Ok(());
        }
        self.report.chunks += 1;
        self.report.fragments_in_chunks += u64::from(chunk.fragments);
        stream.chunks.push(chunk);
        Ok(())
    }

    /// Numbers that were given out, and segments with records of streams that have no page.
    fn take_journal(&mut self, before: &Before) -> Result<(), StoreError> {
        let mut strangers: BTreeMap<u64, BTreeSet<StreamId>> = BTreeMap::new();
        for record in &self.journal.records {
            match self.streams.get_mut(&record.stream) {
                Some(stream) => {
                    let row = &mut stream.row;
                    row.reserved_through = row.reserved_through.max(record.meta.number.sequence());
                    let is_kept = !is_erased(&row.erased, record.meta.number);
                    self.report.fragments_in_journal +=
                        u64::from(is_kept && record.meta.number > row.chunked_through);
                }
                None if before.deleted.contains(&record.stream) => {}
                None => drop(strangers.entry(record.loc.segment).or_default().insert(record.stream)),
            }
        }
        for (segment, streams) in strangers {
            let path = segment_path(Path::new("journal"), segment);
            let to = lost_found::link(self.disk, self.dir, &self.dir.join(&path))?;
            let ids: Vec<String> = streams.iter().map(ToString::to_string).collect();
            self.report.lost.push(format!(
                "{} holds fragments of {}, which have no page; it is kept as {}",
                path.display(),
                ids.join(", "),
                to.display()
            ));
        }
        for note in &self.journal.damage {
            self.report.lost.push(note.clone());
        }
        Ok(())
    }

    fn lose(&mut self, object: &str, why: &str) -> Result<(), StoreError> {
        let to = lost_found::take(self.disk, self.dir, self.chunks, object)?;
        self.report.lost.push(format!("chunk {object} is moved to {}: {why}", to.display()));
        Ok(())
    }

    /// Writes the catalogue, and puts it in the place of the old one.
    fn finish(
        mut self,
        before: Before,
        directory: &Directory,
        format: Format,
    ) -> Result<RebuildReport, StoreError> {
        self.report.deletions = before.deletions.len() as u64;
        if before.unreadable {
            self.report.lost.push(
                "the log of deletions is not brought back: what was deleted before can be named by its id only".to_owned(),
            );
        }
        self.rebuilt.deletions = before.deletions;
        for (_, mut stream) in std::mem::take(&mut self.streams) {
            let row = &mut stream.row;
            row.reserved_through = row.reserved_through.saturating_add(SEQUENCE_MARGIN);
            self.rebuilt.streams.push(stream);
        }
        let beside = self.dir.join(BESIDE);
        for name in [BESIDE.to_owned(), format!("{BESIDE}-journal"), format!("{BESIDE}-wal")] {
            self.erase(&name)?;
        }
        self.rebuilt.write(&beside)?;
        directory.sync(self.disk)?;
        // The old one goes first, and its log before the new one has its name: SQLite would apply it. What it holds of keys
        // is overwritten.
        for suffix in ["", "-wal", "-shm", "-journal"] {
            self.erase(&format!("{CATALOGUE}{suffix}"))?;
        }
        self.disk
            .rename(&beside, &directory.catalogue())
            .map_err(|error| StoreError::io(format_args!("rename {}", beside.display()), &error))?;
        directory.sync(self.disk)?;
        if format == Format::Absent {
            directory::write_format(self.disk, self.dir)?;
        }
        Ok(self.report)
    }

    fn erase(&self, name: &str) -> Result<(), StoreError> {
        let path = self.dir.join(name);
        let erased = super::pages::erase_file(self.disk, &path, self.dir);
        erased.map_err(|error: io::Error| StoreError::io(format_args!("erase {}", path.display()), &error))
    }
}
