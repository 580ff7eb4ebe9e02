//! `journal/SEGMENTS`: which segments there are. A segment that is removed is missed by it, the oldest and the newest
//! too, and so is a journal that was emptied.
//!
//! ```text
//! two blocks of 4,096 bytes, each: 0 "TYSS"  4 CRC-32C of 8..64  8 version u16  16 serial u64  24 epoch u64
//!                                 32 first segment u64  40 newest segment u64   48 zeros
//! ```
//! Little-endian. Serial n stands in block n % 2, so a write that is torn leaves the list before it, which says the same
//! of every segment that is needed. It is written in place: a full disk must not keep segments from being deleted.
//! A segment is listed once its creation is durable and before a group goes into it; the list lets go of a segment
//! before it is unlinked. Source: docs/storage.md sections 3 and 6.

use super::directory::{Format, write_whole};
use super::disk::{Disk, DiskFile, read_range};
use crate::StoreError;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Said where the folder has neither a segment nor a list, and the catalogue has streams.
pub(super) const EMPTIED: &str =
    "journal/ was emptied, journal/SEGMENTS too: fragments that no chunk holds are missing if there were any";

/// The name of its file in `journal/`.
pub(super) const LIST: &str = "SEGMENTS";
const MAGIC: [u8; 4] = *b"TYSS";
const VERSION: u16 = 1;
const ENTRY_BYTES: usize = 64;
const BLOCK_BYTES: usize = 4_096;

/// What the list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    /// Counts the writes of the list.
    serial: u64,
    /// Which opening of the store wrote it; 0 in a backup.
    pub(super) epoch: u64,
    /// The oldest segment.
    pub(super) first: u64,
    /// The newest one; below `first` if there is none.
    pub(super) newest: u64,
}

/// What was found of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundList {
    /// The directory has a format that has none.
    NotKept,
    Missing,
    Damaged,
    Whole(Listed),
    /// One block of two: a write was torn, or the block is damaged.
    Half(Listed),
}

impl Listed {
    /// A list of these segments.
    pub(super) fn new(epoch: u64, first: u64, newest: u64) -> Self {
        Self { serial: 1, epoch, first, newest }
    }

    /// The file of such a list.
    pub(super) fn to_file(self) -> Vec<u8> {
        let mut bytes = self.encode();
        bytes.resize(BLOCK_BYTES, 0);
        [bytes.clone(), bytes].concat()
    }

    fn encode(self) -> Vec<u8> {
        let mut bytes = vec![0; ENTRY_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        for (at, field) in [(16, self.serial), (24, self.epoch), (32, self.first), (40, self.newest)] {
            bytes[at..at + 8].copy_from_slice(&field.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn parse(block: &[u8]) -> Option<Self> {
        let entry: &[u8; ENTRY_BYTES] = block.first_chunk()?;
        let number = |at: usize| entry[at..].first_chunk().copied().map(u64::from_le_bytes);
        let (serial, epoch) = (number(16)?, number(24)?);
        let listed = Self { serial, epoch, first: number(32)?, newest: number(40)? };
        // Whatever else it says, reserved bytes too, makes other bytes.
        (listed.encode() == entry).then_some(listed)
    }
}

impl FoundList {
    /// Reads the list of a journal in a directory of this format.
    pub(super) fn read(disk: &dyn Disk, dir: &Path, format: Format) -> Result<Self, StoreError> {
        // What is there was left by an upgrade that did not come to its end, and the program before knows nothing of it.
        if format == Format::Earlier {
            return Ok(Self::NotKept);
        }
        let read = disk.open(&dir.join(LIST)).and_then(|file| {
            let length = file.len()?.min(2 * BLOCK_BYTES as u64);
            read_range(&*file, 0, length)
        });
        match read {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Missing),
            Err(error) => Err(failed("read", dir, &error)),
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let Some((one, other)) = bytes.split_at_checked(BLOCK_BYTES) else { return Self::Damaged };
        if other.len() != BLOCK_BYTES {
            return Self::Damaged;
        }
        match (Listed::parse(one), Listed::parse(other)) {
            (Some(one), Some(other)) if one.serial > other.serial => Self::Whole(one),
            (Some(_), Some(other)) => Self::Whole(other),
            (Some(listed), None) | (None, Some(listed)) => Self::Half(listed),
            (None, None) => Self::Damaged,
        }
    }

    /// What it says, if it says anything.
    pub(super) fn listed(&self) -> Option<Listed> {
        match self {
            Self::Whole(listed) | Self::Half(listed) => Some(*listed),
            Self::NotKept | Self::Missing | Self::Damaged => None,
        }
    }

    /// Sentences about what is not as the list says. `there`: numbers of the segments, ascending; `newest_in_use`: the
    /// newest of them that holds a record.
    pub(super) fn compare(&self, there: &[u64], newest_in_use: Option<u64>) -> Vec<String> {
        let mut notes = Vec::new();
        let mut span = there.first().copied().zip(there.last().copied());
        match self {
            // Emptied, or not made yet: only the catalogue knows.
            Self::Missing if there.is_empty() => {}
            Self::NotKept => {}
            Self::Missing => notes.push("journal/SEGMENTS is missing".to_owned()),
            Self::Damaged => notes.push("journal/SEGMENTS is damaged".to_owned()),
            Self::Whole(listed) | Self::Half(listed) => {
                // A segment is listed before it is used.
                if newest_in_use.is_some_and(|used| used > listed.newest) {
                    notes.push("journal/SEGMENTS is older than the segments".to_owned());
                } else if listed.first <= listed.newest {
                    let (first, last) = span.unwrap_or((listed.first, listed.newest));
                    span = Some((first.min(listed.first), last.max(listed.newest)));
                }
            }
        }
        let made_anew = !notes.is_empty();
        let half = matches!(self, Self::Half(_));
        for gap in span.into_iter().flat_map(|span| gaps(there, span)) {
            let (first, last) = gap.into_inner();
            let by = if half { ", by the half of journal/SEGMENTS that is not damaged" } else { "" };
            notes.push(match first == last {
                true => format!("journal segment {first} is missing{by}"),
                false => format!("journal segments {first} to {last} are missing{by}"),
            });
        }
        if made_anew {
            notes[0].push_str(": whether segments are missing at either end cannot be known");
        }
        notes
    }
}

/// The numbers of the span that are not there.
fn gaps(there: &[u64], (first, last): (u64, u64)) -> Vec<RangeInclusive<u64>> {
    let (mut gaps, mut next) = (Vec::new(), Some(first));
    for number in there {
        if let Some(begin) = next.filter(|begin| begin < number) {
            gaps.push(begin..=number - 1);
        }
        next = number.checked_add(1);
    }
    gaps.extend(next.filter(|begin| *begin <= last).map(|begin| begin..=last));
    gaps
}

/// The list of a journal that is open.
pub(super) struct SegmentList {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// There is one that can be written in place.
    is_usable: bool,
    file: Option<Arc<dyn DiskFile>>,
    /// What is durable.
    listed: Listed,
}

impl SegmentList {
    /// The list that goes on from what was found; nothing is written yet.
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, found: FoundList) -> Self {
        let is_usable = found.listed().is_some();
        let listed = found.listed().unwrap_or(Listed::new(0, 1, 0));
        Self { disk, dir: dir.to_owned(), is_usable, file: None, listed }
    }

    /// Whether there is one. One that is behind by a start harms nothing.
    pub(super) fn is_usable(&self) -> bool {
        self.is_usable
    }

    pub(super) fn newest(&self) -> u64 {
        self.listed.newest
    }

    /// Says that these are the segments; durable when this returns. An error may have written it or not.
    pub(super) fn set(&mut self, epoch: u64, first: u64, newest: u64) -> Result<(), StoreError> {
        let listed = Listed { serial: self.listed.serial.wrapping_add(1), epoch, first, newest };
        self.write(listed).map_err(|error| failed("write", &self.dir, &error))?;
        self.listed = listed;
        Ok(())
    }

    /// A segment is to be used.
    pub(super) fn announce(&mut self, epoch: u64, number: u64) -> Result<(), StoreError> {
        if number <= self.listed.newest {
            return Ok(());
        }
        let is_empty = self.listed.first > self.listed.newest;
        self.set(epoch, if is_empty { number } else { self.listed.first }, number)
    }

    /// Segments up to this one are to be unlinked.
    pub(super) fn retire(&mut self, epoch: u64, number: u64) -> Result<(), StoreError> {
        if number < self.listed.first {
            return Ok(());
        }
        self.set(epoch, number + 1, self.listed.newest.max(number))
    }

    fn write(&mut self, listed: Listed) -> io::Result<()> {
        let path = self.dir.join(LIST);
        if !self.is_usable {
            write_whole(&*self.disk, &self.dir, LIST, &listed.to_file())?;
            self.is_usable = true;
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.disk.open_to_write(&path)?),
        };
        // Every attempt writes the block again: after a sync that failed, another sync alone would prove nothing.
        let at = (listed.serial % 2) * BLOCK_BYTES as u64;
        file.write_all_at(&listed.encode(), at)?;
        file.sync_data()
    }
}

fn failed(doing: &str, dir: &Path, error: &io::Error) -> StoreError {
    StoreError::io(format_args!("{doing} {}", dir.join(LIST).display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(first: u64, newest: u64) -> FoundList {
        FoundList::parse(&Listed::new(3, first, newest).to_file())
    }

    #[test]
    fn a_list_is_read_as_it_was_written_and_a_flipped_bit_leaves_the_other_block() {
        let listed = Listed::new(3, 5, 9);
        let file = listed.to_file();
        assert_eq!(FoundList::parse(&file), FoundList::Whole(listed));
        for at in (0..ENTRY_BYTES).chain(BLOCK_BYTES..BLOCK_BYTES + ENTRY_BYTES) {
            let mut bad = file.clone();
            bad[at] ^= 1;
            assert_eq!(FoundList::parse(&bad), FoundList::Half(listed), "byte {at}");
        }
        for length in [0, 1, ENTRY_BYTES, BLOCK_BYTES, file.len() - 1] {
            assert_eq!(FoundList::parse(&file[..length]), FoundList::Damaged, "{length} bytes");
        }
    }

    #[test]
    fn whatever_is_missing_is_named_and_an_older_list_names_nothing_that_it_cannot_know() {
        let nothing = Vec::<String>::new();
        assert_eq!(whole(2, 4).compare(&[2, 3, 4], Some(4)), nothing);
        // Being deleted, and being made.
        assert_eq!(whole(2, 4).compare(&[1, 2, 3, 4, 5], Some(4)), nothing);
        assert_eq!(whole(5, 4).compare(&[], None), nothing);
        assert_eq!(whole(2, 4).compare(&[3, 4], Some(4)), ["journal segment 2 is missing"]);
        assert_eq!(whole(2, 4).compare(&[2, 4], Some(4)), ["journal segment 3 is missing"]);
        assert_eq!(whole(2, 4).compare(&[2], Some(2)), ["journal segments 3 to 4 are missing"]);
        assert_eq!(whole(2, 4).compare(&[], None), ["journal segments 2 to 4 are missing"]);
        let old = whole(2, 4).compare(&[6, 8], Some(8));
        assert!(old[0].contains("older than the segments") && old[1] == "journal segment 7 is missing");
        assert_eq!(old.len(), 2);
        assert_eq!(whole(0, u64::MAX).compare(&[u64::MAX], None).len(), 1);
    }
}
