//! The file `JOURNAL` of a data directory: the number of the newest segment, outside of `journal/`. An older copy of that
//! folder is whole in itself; this is what it contradicts.

use super::directory::write_whole;
use super::disk::{Disk, read_range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const NAME: &str = "JOURNAL";
const PREFIX: &str = "tympan-journal 1 ";
/// Longer than any line that is written.
const MAX_BYTES: u64 = 64;

/// Writes the file. It is a hint: what it lags behind by is not missed, and a disk that has no room for it harms nothing.
pub(super) struct NewestSegment {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    written: AtomicU64,
}

impl NewestSegment {
    /// The file of this data directory.
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned(), written: AtomicU64::new(0) }
    }

    /// Remembers the newest segment, unless the file has it already.
    pub(super) fn remember(&self, number: u64) {
        if number == 0 || self.written.load(Ordering::Relaxed) == number {
            return;
        }
        match write_whole(&*self.disk, &self.dir, NAME, format!("{PREFIX}{number}\n").as_bytes()) {
            Ok(()) => self.written.store(number, Ordering::Relaxed),
            // It is tried again at the next turn.
            Err(error) => tracing::debug!(%error, "the number of the newest segment was not written"),
        }
    }
}

/// A sentence where the newest segment that is there, or that the list names, is older than the one that was remembered.
pub(super) fn compare(disk: &dyn Disk, dir: &Path, newest: u64) -> Option<String> {
    let remembered = read(disk, dir).filter(|remembered| *remembered > newest)?;
    Some(format!(
        "journal/ is a copy from before: its newest segment is {newest}, and segment {remembered} was written; fragments \
         that no chunk holds are missing if there were any"
    ))
}

fn read(disk: &dyn Disk, dir: &Path) -> Option<u64> {
    let file = disk.open(&dir.join(NAME)).ok()?;
    let length = file.len().ok()?.min(MAX_BYTES);
    let line = read_range(&*file, 0, length).ok()?;
    std::str::from_utf8(&line).ok()?.strip_prefix(PREFIX)?.strip_suffix('\n')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::disk::FileDisk;
    use super::*;

    #[test]
    fn an_older_journal_is_told_and_a_newer_or_an_unknown_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(FileDisk::new());
        assert_eq!(compare(&*disk, dir.path(), 0), None);
        NewestSegment::new(disk.clone(), dir.path()).remember(7);
        assert_eq!((compare(&*disk, dir.path(), 7), compare(&*disk, dir.path(), 8)), (None, None));
        let told = compare(&*disk, dir.path(), 6).unwrap();
        assert!(told.contains("its newest segment is 6, and segment 7 was written"), "{told}");
        for damaged in ["", "tympan-journal 1 9", "tympan-journal 2 9\n", "tympan-journal 1 x\n"] {
            std::fs::write(dir.path().join("JOURNAL"), damaged).unwrap();
            assert_eq!(compare(&*disk, dir.path(), 6), None, "{damaged:?}");
        }
    }
}
