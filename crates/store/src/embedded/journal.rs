//! The journal: numbered segment files that all streams share, appended in groups, one fdatasync per group.
//!
//! Segments are deleted oldest first, so that each one's end can be read from the header of the next. Source:
//! docs/storage.md sections 3 and 6.

use super::disk::{Disk, DiskFile, read_range};
use super::machine_clock::MachineClock;
use super::recovery::{Recovered, RecoveredSegment};
use super::segment::{self, GROUP_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::segment_list::{Listed, SegmentList};
use crate::index_block::{INDEX_HEADER_BYTES, IndexHeader, behind_record};
use crate::{Clock, JournalLoc, Located, Record, RecordHeader, StoreError};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tympan_types::Mono;

pub(super) struct Journal {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    epoch: u64,
    limits: SegmentLimits,
    /// Held while a group is written; readers do not need it.
    end: Mutex<End>,
    segments: Mutex<BTreeMap<u64, Segment>>,
    list: Mutex<SegmentList>,
}

/// When a segment is full.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentLimits {
    pub(super) bytes: u64,
    pub(super) age: Duration,
}

/// The journal at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct JournalCut {
    /// Numbers of the segments, ascending.
    pub(super) segments: Vec<u64>,
    /// The segment that is being written, and where its last group ends.
    pub(super) open: Option<(u64, u64)>,
    /// The file `SEGMENTS` that goes with them; none where the format has none.
    pub(super) list: Option<Vec<u8>>,
}

/// Where the next group goes.
struct End {
    open: Option<OpenSegment>,
    /// The number of the newest segment there has been, and where it ends.
    newest: u64,
    newest_end: u64,
    buffer: Vec<u8>,
}

struct OpenSegment {
    number: u64,
    file: Arc<dyn DiskFile>,
    end: u64,
    serial: u32,
    opened: Mono,
    /// How much older than that it is to seem.
    aged: Duration,
    records: Vec<Located>,
}

struct Segment {
    file: Arc<dyn DiskFile>,
    /// Records that nobody has released.
    live: u64,
    open: bool,
    /// Parts of it are not what was written: kept aside as evidence instead of deleted.
    damaged: bool,
}

impl Journal {
    /// Prepares to append to a new segment after those that an earlier process left.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        dir: &Path,
        epoch: u64,
        limits: SegmentLimits,
        found: &Recovered,
        list: SegmentList,
    ) -> Self {
        let idle = |found: &RecoveredSegment| Segment {
            file: found.file.clone(),
            live: 0,
            open: false,
            damaged: found.damaged,
        };
        let mut segments: BTreeMap<u64, Segment> =
            found.segments.iter().map(|(number, found)| (*number, idle(found))).collect();
        for located in &found.records {
            if let Some(segment) = segments.get_mut(&located.loc.segment) {
                segment.live += 1;
            }
        }
        let newest = segments.last_key_value().map_or(list.newest(), |(number, _)| *number);
        let end = End { open: None, newest, newest_end: found.newest_end, buffer: Vec::new() };
        let (end, segments, list) = (Mutex::new(end), Mutex::new(segments), Mutex::new(list));
        let clock = Arc::new(MachineClock::new());
        Self { disk, clock, dir: dir.to_owned(), epoch, limits, end, segments, list }
    }

    /// Goes by this clock instead of the machine's.
    pub(super) fn timed_by(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Appends one group: one write, one fdatasync.
    pub(super) fn commit(&self, records: &[&Record]) -> Result<Vec<JournalLoc>, StoreError> {
        let mut end = lock(&self.end);
        let mut buffer = std::mem::take(&mut end.buffer);
        let committed = self.commit_group(&mut end, &mut buffer, records);
        // One very large fragment should not cost its size for ever.
        buffer.shrink_to(8 << 20);
        end.buffer = buffer;
        committed
    }

    fn commit_group(
        &self,
        end: &mut End,
        buffer: &mut Vec<u8>,
        records: &[&Record],
    ) -> Result<Vec<JournalLoc>, StoreError> {
        let length: usize = records.iter().map(|record| record.len()).sum();
        let length =
            u32::try_from(length).map_err(|_| StoreError::internal("a group of 4 GiB cannot be written"))?;
        if end.open.as_ref().is_some_and(|open| self.is_full(open)) {
            self.seal(end);
        }
        let mut retried = false;
        loop {
            let open = match &mut end.open {
                Some(open) => open,
                closed => closed.insert(self.begin_segment(end.newest + 1, end.newest_end)?),
            };
            end.newest = open.number;
            end.newest_end = open.end;
            // Nothing has been promised in it before. If this fails it stays open, and the next group tries again.
            lock(&self.list).announce(self.epoch, open.number)?;
            buffer.clear();
            buffer.extend_from_slice(&segment::group_header(open.serial + 1, length));
            for record in records {
                record.write_to(buffer);
            }
            let written = open.file.write_all_at(buffer, open.end);
            if let Err(error) = &written
                && is_full(error)
            {
                // Nothing was synced, so nothing is in doubt: the next group is written over what got this far.
                return Err(StoreError::io(format_args!("append to journal segment {}", open.number), error));
            }
            let Err(error) = written.and_then(|()| open.file.sync_data()) else { break };
            // What the file holds beyond its end is unknown now, and asking the kernel again would prove nothing. The
            // next segment's header will say where this one ended.
            let failed = StoreError::io(format_args!("append to journal segment {}", open.number), &error);
            self.close_segment(open.number);
            end.open = None;
            if retried || is_full(&error) {
                return Err(failed);
            }
            tracing::error!(%error, "a journal segment failed and is given up; its last group goes to a new one");
            retried = true;
        }
        let Some(open) = &mut end.open else { return Err(StoreError::internal("no segment is open")) };
        let locs = open.accept(buffer)?;
        end.newest_end = open.end;
        if let Some(segment) = lock(&self.segments).get_mut(&open.number) {
            segment.live += locs.len() as u64;
        }
        Ok(locs)
    }

    /// The bytes of a record; `None` once its segment is gone.
    pub(super) fn read(&self, loc: JournalLoc) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(file) = lock(&self.segments).get(&loc.segment).map(|segment| segment.file.clone()) else {
            return Ok(None);
        };
        match read_range(&*file, loc.offset, u64::from(loc.length)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(StoreError::corrupt(format!("journal segment {} is shorter than it was", loc.segment)))
            }
            Err(error) => Err(StoreError::io(format_args!("read journal segment {}", loc.segment), &error)),
        }
    }

    /// The index behind a record; `None` where there is none, or once its segment is gone.
    pub(super) fn read_index(&self, located: &Located) -> Result<Option<Vec<u8>>, StoreError> {
        let Located { stream, meta, loc, .. } = located;
        let file = lock(&self.segments).get(&loc.segment).map(|segment| segment.file.clone());
        let Some(file) = file else { return Ok(None) };
        let at = loc.offset.saturating_add(u64::from(loc.length));
        let read = read_range(&*file, at, INDEX_HEADER_BYTES as u64).and_then(|header| {
            let header = IndexHeader::parse(&header);
            let ours = header.filter(|header| (header.stream, header.number) == (*stream, meta.number));
            ours.map(|header| read_range(&*file, at, header.block_bytes() as u64)).transpose()
        });
        match read {
            Ok(block) => Ok(block.filter(|block| IndexHeader::check(block).is_some())),
            // The last record of a segment may have nothing behind it.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(StoreError::io(format_args!("read journal segment {}", loc.segment), &error)),
        }
    }

    /// Counts records as dead.
    pub(super) fn release(&self, locs: &[JournalLoc]) {
        let mut segments = lock(&self.segments);
        for loc in locs {
            if let Some(segment) = segments.get_mut(&loc.segment) {
                segment.live = segment.live.saturating_sub(1);
            }
        }
    }

    /// Seals a segment that has become old, and deletes those at the beginning that hold nothing alive.
    #[cfg(test)]
    pub(super) fn tend(&self) -> Result<(), StoreError> {
        self.seal_old();
        self.delete_dead()
    }

    /// The newest segment; 0 before the first one.
    pub(super) fn newest(&self) -> u64 {
        lock(&self.end).newest
    }

    /// The oldest segment that is there; the next one to come, where there is none.
    pub(super) fn oldest(&self) -> u64 {
        let end = lock(&self.end);
        lock(&self.segments).keys().next().copied().unwrap_or(end.newest + 1)
    }

    /// The open segment seems older by so much.
    pub(super) fn age(&self, by: Duration) {
        if let Some(open) = &mut lock(&self.end).open {
            open.aged = open.aged.saturating_add(by);
        }
    }

    /// Seals a segment that has become old.
    pub(super) fn seal_old(&self) {
        let mut end = lock(&self.end);
        if end.open.as_ref().is_some_and(|open| self.is_old(open)) {
            self.seal(&mut end);
        }
    }

    /// What has been made durable until now: the segments in order, and how far the open one is filled. Bytes before
    /// that do not change any more.
    pub(super) fn cut(&self) -> JournalCut {
        // No group is being written and no segment begun while this is held.
        let end = lock(&self.end);
        let open = end.open.as_ref().map(|open| (open.number, open.end));
        let segments: Vec<u64> = lock(&self.segments).keys().copied().collect();
        let ends = segments.first().copied().zip(segments.last().copied());
        let (first, newest) = ends.unwrap_or((end.newest + 1, end.newest));
        JournalCut { segments, open, list: Some(Listed::new(0, first, newest).to_file()) }
    }

    /// Deletes segments at the beginning that hold nothing alive.
    pub(super) fn delete_dead(&self) -> Result<(), StoreError> {
        let dead = self.dead_at_the_beginning();
        // Before they go: what is listed and absent is damage.
        if let Some((last, _)) = dead.last() {
            lock(&self.list).retire(self.epoch, *last)?;
        }
        for (number, damaged) in dead {
            let path = segment_path(&self.dir, number);
            let removed = if damaged {
                self.disk.rename(&path, &path.with_extension("damaged"))
            } else {
                self.disk.remove(&path)
            };
            // It is gone already if only the sync failed the last time.
            let removed = match removed {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            };
            // Deletions reach the disk in order: a hole in the numbers is always damage.
            removed
                .and_then(|()| self.disk.sync_dir(&self.dir))
                .map_err(|error| StoreError::io(format_args!("delete {}", path.display()), &error))?;
            lock(&self.segments).remove(&number);
        }
        Ok(())
    }

    /// Seals the open segment: what an orderly end leaves behind says where it ends.
    pub(super) fn close(&self) {
        self.seal(&mut lock(&self.end));
    }

    /// Numbers of segments that nobody needs any more, and whether they are damaged.
    fn dead_at_the_beginning(&self) -> Vec<(u64, bool)> {
        let segments = lock(&self.segments);
        let dead = segments.iter().take_while(|(_, segment)| !segment.open && segment.live == 0);
        dead.map(|(number, segment)| (*number, segment.damaged)).collect()
    }

    fn is_full(&self, open: &OpenSegment) -> bool {
        open.end >= self.limits.bytes || self.is_old(open)
    }

    fn is_old(&self, open: &OpenSegment) -> bool {
        let age_ns = self.clock.mono().as_nanos().saturating_sub(open.opened.as_nanos());
        Duration::from_nanos(age_ns).saturating_add(open.aged) >= self.limits.age
    }

    /// Ends the open segment with its footer.
    fn seal(&self, end: &mut End) {
        let Some(mut open) = end.open.take() else { return };
        let footer = segment::footer(&mut open.records);
        if let Err(error) = open.file.write_all_at(&footer, open.end) {
            tracing::debug!(%error, segment = open.number, "no footer; the next start scans the segment");
        }
        self.close_segment(open.number);
    }

    fn close_segment(&self, number: u64) {
        if let Some(segment) = lock(&self.segments).get_mut(&number) {
            segment.open = false;
        }
    }

    /// Creates a segment; it is durable, name and header, when this returns.
    fn begin_segment(&self, number: u64, previous_end: u64) -> Result<OpenSegment, StoreError> {
        let path = segment_path(&self.dir, number);
        let created = self.clock.now();
        let header = SegmentHeader { segment: number, epoch: self.epoch, previous_end, created };
        let create = || {
            // An earlier attempt may have left one that was never used.
            match self.disk.remove(&path) {
                Ok(()) => self.disk.sync_dir(&self.dir)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let file = self.disk.create(&path)?;
            file.write_all_at(&header.encode(), 0)?;
            file.sync_data()?;
            self.disk.sync_dir(&self.dir)?;
            Ok(file)
        };
        let file =
            create().map_err(|error| StoreError::io(format_args!("create {}", path.display()), &error))?;
        let segment = Segment { file: file.clone(), live: 0, open: true, damaged: false };
        lock(&self.segments).insert(number, segment);
        Ok(OpenSegment {
            number,
            file,
            end: SEGMENT_HEADER_BYTES as u64,
            serial: 0,
            opened: self.clock.mono(),
            aged: Duration::ZERO,
            records: Vec::new(),
        })
    }
}

impl OpenSegment {
    /// The group in `buffer` is durable: moves the end behind it and says where each record lies.
    fn accept(&mut self, buffer: &[u8]) -> Result<Vec<JournalLoc>, StoreError> {
        let mut locs = Vec::new();
        let mut at = GROUP_HEADER_BYTES;
        while at < buffer.len() {
            let header = RecordHeader::parse(&buffer[at..])
                .map_err(|error| StoreError::internal(error.to_string()))?;
            let length = header.record_bytes();
            let loc = JournalLoc {
                segment: self.number,
                offset: self.end + at as u64,
                length: u32::try_from(length).map_err(|_| StoreError::internal("a record of 4 GiB"))?,
            };
            locs.push(loc);
            self.records.push(Located { stream: header.stream, meta: header.meta, key: header.key, loc });
            at += length;
            at += behind_record(&buffer[at..], header.stream, header.meta.number);
        }
        self.end += buffer.len() as u64;
        self.serial += 1;
        Ok(locs)
    }
}

/// The file of a segment.
pub(super) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.seg"))
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
