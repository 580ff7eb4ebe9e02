//! The write-ahead log: when it goes into the file, and what stays behind there.
//!
//! `secure_delete` overwrites a cell where it stands. SQLite also moves cells: when a page is split or merged, the space between
//! its cell pointers and its cells keeps copies of what moved away (measured: of 2,000 erased contacts, one or two stood in the
//! file afterwards). So checkpoints are ours: each one, before the log is emptied, overwrites that space with zeros in every page
//! that the log names. SQLite never reads it ("the unallocated space", file format 1.6). A kill in between leaves the
//! log, and the next checkpoint does all of it again.

use crate::DbError;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

/// A commit that leaves the log longer than this is followed by a checkpoint.
const LONGEST_BYTES: u64 = 4 << 20;
/// The first byte of an overflow page or of a list of free pages is that of a page number: below this many pages it is zero,
/// and no page of a tree begins with zero.
const TELLABLE_PAGES: u32 = 1 << 24;

/// The files under a connection.
pub(crate) struct Log {
    /// Open as long as the connections are: closing it would give up their locks (POSIX).
    database: File,
    path: PathBuf,
    /// The length at which the next attempt is due.
    due_bytes: u64,
}

impl Log {
    pub(crate) fn open(database: &std::path::Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let database = File::options().read(true).write(true).open(database)?;
        Ok(Self { database, path: path.into(), due_bytes: LONGEST_BYTES })
    }

    /// After a commit: a checkpoint if one is due. Waits for no reader.
    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        let bytes = self.path.metadata().map_or(0, |metadata| metadata.len());
        if bytes < self.due_bytes {
            return;
        }
        match self.empty(connection, Duration::ZERO) {
            Ok(true) => self.due_bytes = LONGEST_BYTES,
            // A reader holds it: it grows meanwhile.
            Ok(false) => self.due_bytes = bytes.saturating_add(LONGEST_BYTES),
            Err(error) => {
                tracing::warn!(%error, "the log of control.db could not be moved into it; it is tried again");
                self.due_bytes = bytes.saturating_add(LONGEST_BYTES);
            }
        }
    }

    /// Moves the log into the file and empties it, waiting for readers so long. False where one still holds it.
    pub(crate) fn empty(&self, connection: &Connection, patience: Duration) -> Result<bool, DbError> {
        connection.busy_timeout(patience)?;
        let emptied = self.checkpoint(connection);
        connection.busy_timeout(crate::opening::BUSY)?;
        emptied
    }

    fn checkpoint(&self, connection: &Connection) -> Result<bool, DbError> {
        let run = |mode: &str| {
            let sql = format!("PRAGMA wal_checkpoint({mode})");
            connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        };
        let (busy, frames, moved): (i64, i64, i64) = run("FULL")?;
        if busy != 0 || frames != moved {
            return Ok(false);
        }
        self.overwrite_unallocated().map_err(|error| DbError::Other(format!("control.db: {error}")))?;
        let (busy, ..): (i64, i64, i64) = run("TRUNCATE")?;
        // Pages in memory still have what was overwritten.
        connection.execute_batch("PRAGMA shrink_memory")?;
        Ok(busy == 0)
    }

    /// Overwrites the unallocated space of every page that the log names, durably.
    fn overwrite_unallocated(&self) -> io::Result<()> {
        let (page_bytes, pages) = self.logged_pages()?;
        let mut page = vec![0; page_bytes];
        let mut is_changed = false;
        for number in pages {
            if number >= TELLABLE_PAGES {
                tracing::warn!("control.db has more than 64 GiB: copies of erased rows may stay in it");
                break;
            }
            let at = (u64::from(number) - 1) * u64::try_from(page_bytes).unwrap_or(u64::MAX);
            match self.database.read_exact_at(&mut page, at) {
                Ok(()) => {}
                // The file was shortened since.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                Err(error) => return Err(error),
            }
            if let Some((from, to)) = unallocated(&page, number == 1)
                && page[from..to].iter().any(|byte| *byte != 0)
            {
                page[from..to].fill(0);
                let offset = at.saturating_add(u64::try_from(from).unwrap_or(0));
                self.database.write_all_at(&page[from..to], offset)?;
                is_changed = true;
            }
        }
        if is_changed { self.database.sync_data() } else { Ok(()) }
    }

    /// The pages that the log has, and how long each is. Frames of before a restart of the log are among them: they do no harm.
    fn logged_pages(&self) -> io::Result<(usize, BTreeSet<u32>)> {
        let mut pages = BTreeSet::new();
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, pages)),
            Err(error) => return Err(error),
        };
        let mut log = BufReader::new(file);
        let mut header = [0; 32];
        if read_whole(&mut log, &mut header)? {
            let page_bytes = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
            let mut frame = [0; 24];
            while read_whole(&mut log, &mut frame)? {
                let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
                if number > 0 {
                    pages.insert(number);
                }
                log.seek(SeekFrom::Current(i64::from(page_bytes)))?;
            }
            return Ok((usize::try_from(page_bytes).unwrap_or(0), pages));
        }
        Ok((0, pages))
    }
}

/// False at the end of the file.
fn read_whole(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where the unallocated space of a page of a tree begins and ends; `None` for any other page, and for one that does not hold
/// together. SQLite, "Database File Format", 1.6.
fn unallocated(page: &[u8], is_first: bool) -> Option<(usize, usize)> {
    let header = if is_first { 100 } else { 0 };
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let header_bytes = match page.get(header)? {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return None,
    };
    let from = header + header_bytes + 2 * number(header + 3)?;
    let to = match number(header + 5)? {
        0 => 65_536,
        to => to,
    };
    (from <= to && to <= page.len()).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_trees_have_unallocated_space() {
        let mut page = vec![0xee; 4_096];
        for first in [0, 1, 3, 0xee] {
            page[0] = first;
            assert_eq!(unallocated(&page, false), None);
        }
        // A leaf of a table with two cells that begin at 4,000.
        page[..8].copy_from_slice(&[13, 0, 0, 0, 2, 0x0f, 0xa0, 0]);
        assert_eq!(unallocated(&page, false), Some((12, 4_000)));
        page[3..5].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(unallocated(&page, false), None, "more cells than a page holds");
        assert_eq!(unallocated(&page[..3], false), None);
        page[100..108].copy_from_slice(&[5, 0, 0, 0, 1, 0x0f, 0xff, 0]);
        assert_eq!(unallocated(&page, true), Some((114, 4_095)));
    }
}
