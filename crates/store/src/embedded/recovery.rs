//! Reads the journal that an earlier process left. Source: docs/storage.md section 6, *Open*, step 5.

use super::directory::Format;
use super::disk::{Disk, DiskFile, read_range};
use super::journal::segment_path;
use super::segment::{self, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::segment_list::{FoundList, SegmentList};
use crate::{JournalLoc, Located, StoreError};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tympan_types::WallTime;

/// What the segments on disk hold.
pub(super) struct Recovered {
    /// Every intact record, dead ones included.
    pub(super) records: Vec<Located>,
    /// Sentences about what is not as it was written.
    pub(super) damage: Vec<String>,
    /// The segments by number.
    pub(super) segments: BTreeMap<u64, RecoveredSegment>,
    /// Where the newest of them ends.
    pub(super) newest_end: u64,
    /// Bytes of the newest one behind its last intact group: a write that a power cut or a kill stopped, or a file that
    /// lost its end since.
    pub(super) cut_off_bytes: u64,
    /// A segment that was being made when the process died: nothing in it was ever promised.
    pub(super) unborn: Option<u64>,
    /// What `SEGMENTS` says; directories of earlier formats have none.
    pub(super) list: FoundList,
    /// The newest epoch that any header or the list names.
    pub(super) epoch: u64,
    /// There is no folder of the journal.
    pub(super) is_missing: bool,
}

/// A segment of an earlier process.
pub(super) struct RecoveredSegment {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) damaged: bool,
    header: SegmentHeader,
}

impl Recovered {
    /// Which opening of the store wrote a segment; 0 if its header is damaged.
    pub(super) fn epoch_of(&self, segment: u64) -> u64 {
        self.segments.get(&segment).map_or(0, |segment| segment.header.epoch)
    }

    /// The newest segment that is there or that the list names; 0 if there is none.
    pub(super) fn newest(&self) -> u64 {
        let listed = self.list.listed().map_or(0, |listed| listed.newest);
        self.segments.keys().next_back().copied().unwrap_or(0).max(listed)
    }

    /// Neither a segment nor `SEGMENTS` is in the folder. It has had one since before the first stream.
    pub(super) fn is_emptied(&self) -> bool {
        self.segments.is_empty() && self.list == FoundList::Missing
    }

    /// Removes the segment that was never born.
    pub(super) fn tidy(&self, disk: &dyn Disk, dir: &Path) -> Result<(), StoreError> {
        let Some(number) = self.unborn else { return Ok(()) };
        let path = segment_path(dir, number);
        disk.remove(&path)
            .and_then(|()| disk.sync_dir(dir))
            .map_err(|error| StoreError::io(format_args!("remove {}", path.display()), &error))
    }

    /// Says in the list which segments there are.
    pub(super) fn write_list(&self, list: &mut SegmentList, epoch: u64) -> Result<(), StoreError> {
        let ends = self.segments.keys().next().zip(self.segments.keys().next_back());
        let (first, newest) =
            ends.map_or((list.newest() + 1, list.newest()), |(first, last)| (*first, *last));
        list.set(epoch, first, newest)
    }
}

/// Reads all segments, and changes nothing.
pub(super) fn recover(disk: &dyn Disk, dir: &Path, format: Format) -> Result<Recovered, StoreError> {
    let list = FoundList::read(disk, dir, format)?;
    let (found, damage) = (BTreeMap::new(), Vec::new());
    let mut recovery =
        Recovery { disk, dir, list, found, damage, unborn: None, is_missing: false, cut_off_bytes: 0 };
    recovery.open_segments()?;
    let (records, newest_end) = recovery.read_segments()?;
    let Recovery { found: segments, mut damage, unborn, is_missing, cut_off_bytes, .. } = recovery;
    let numbers: Vec<u64> = segments.keys().copied().collect();
    let newest_in_use = records.iter().map(|record| record.loc.segment).max();
    damage.splice(0..0, list.compare(&numbers, newest_in_use));
    let headers = segments.values().map(|segment| segment.header.epoch);
    let epoch = headers.chain(list.listed().map(|listed| listed.epoch)).max().unwrap_or(0);
    Ok(Recovered { records, damage, segments, newest_end, cut_off_bytes, unborn, list, epoch, is_missing })
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    list: FoundList,
    found: BTreeMap<u64, RecoveredSegment>,
    damage: Vec<String>,
    unborn: Option<u64>,
    is_missing: bool,
    cut_off_bytes: u64,
}

impl Recovery<'_> {
    fn open_segments(&mut self) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::io(format_args!("read {}", self.dir.display()), &error);
        let names = match self.disk.list(self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.is_missing = true;
                return Ok(());
            }
            names => names.map_err(failed)?,
        };
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
        numbers.sort_unstable();
        for (at, number) in numbers.iter().enumerate() {
            let file = self.disk.open(&segment_path(self.dir, *number)).map_err(failed)?;
            let length = file.len().map_err(failed)?;
            let head = read_range(&*file, 0, length.min(SEGMENT_HEADER_BYTES as u64)).map_err(failed)?;
            let header = SegmentHeader::parse(&head).filter(|header| header.segment == *number);
            if let Some(header) = header {
                self.found.insert(*number, RecoveredSegment { file, header, damaged: false });
                continue;
            }
            let last = at + 1 == numbers.len();
            // The list has it once its header is durable.
            let listed = self.list.listed().is_some_and(|listed| *number <= listed.newest);
            if last
                && !listed
                && segment::scan(&read_range(&*file, 0, length).map_err(failed)?, None).records.is_empty()
            {
                self.unborn = Some(*number);
                continue;
            }
            self.damage.push(format!("journal segment {number}: the header is damaged"));
            let header = SegmentHeader {
                segment: *number,
                epoch: 0,
                previous_end: 0,
                created: WallTime::from_unix_ms(0),
            };
            self.found.insert(*number, RecoveredSegment { file, header, damaged: true });
        }
        Ok(())
    }

    /// Records of all segments, and where the newest one ends.
    fn read_segments(&mut self) -> Result<(Vec<Located>, u64), StoreError> {
        let mut records = Vec::new();
        let mut newest_end = 0;
        let numbers: Vec<u64> = self.found.keys().copied().collect();
        for number in numbers {
            let next = self.found.get(&(number + 1));
            let end = next.filter(|next| !next.damaged).map(|next| next.header.previous_end);
            let (found, segment_end) = self.read_segment(number, end)?;
            records.extend(found);
            newest_end = segment_end;
        }
        Ok((records, newest_end))
    }

    fn read_segment(&mut self, number: u64, end: Option<u64>) -> Result<(Vec<Located>, u64), StoreError> {
        let Some(found) = self.found.get_mut(&number) else { return Ok((Vec::new(), 0)) };
        let failed = |error: io::Error| StoreError::io(format_args!("read journal segment {number}"), &error);
        let length = found.file.len().map_err(failed)?;
        if let Some(end) = end.filter(|end| *end <= length && !found.damaged) {
            let tail = read_range(&*found.file, end, length - end).map_err(failed)?;
            if let Some(records) = segment::parse_footer(&tail, number, end) {
                self.cut_off_bytes = 0;
                return Ok((records, end));
            }
        }
        let bytes = read_range(&*found.file, 0, length).map_err(failed)?;
        let scan = segment::scan(&bytes, end);
        for range in &scan.damage {
            let note =
                format!("journal segment {number}: bytes {} to {} are damaged", range.start, range.end);
            self.damage.push(note);
            found.damaged = true;
        }
        self.cut_off_bytes = scan.cut_off_bytes;
        let locate = |found: &segment::Found| Located {
            stream: found.header.stream,
            meta: found.header.meta,
            key: found.header.key,
            loc: JournalLoc {
                segment: number,
                offset: found.offset,
                // Checked by the scan: no record is larger than 256 MiB.
                length: u32::try_from(found.header.record_bytes()).unwrap_or(u32::MAX),
            },
        };
        Ok((scan.records.iter().map(locate).collect(), scan.end))
    }
}

/// The number of the segment that has this name.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() >= 10)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}
