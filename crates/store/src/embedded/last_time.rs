//! The file that remembers what time it was: one line, written anew every few minutes, whole or not at all.

use super::directory::write_whole;
use super::disk::{Disk, read_range};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tympan_types::WallTime;

const NAME: &str = "CLOCK";
const PREFIX: &str = "tympan-clock 1 ";
/// Longer than any line that is written.
const MAX_BYTES: u64 = 64;

pub(super) struct LastTime {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl LastTime {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned() }
    }

    /// The time in the file; none where there is no file, or no such line in it.
    pub(super) fn read(&self) -> Option<WallTime> {
        let file = self.disk.open(&self.dir.join(NAME)).ok()?;
        let length = file.len().ok()?.min(MAX_BYTES);
        parse(&read_range(&*file, 0, length).ok()?)
    }

    pub(super) fn write(&self, time: WallTime) -> io::Result<()> {
        write_whole(&*self.disk, &self.dir, NAME, format!("{PREFIX}{}\n", time.unix_ms()).as_bytes())
    }
}

/// The time that the file of a data directory remembers, for programs that look at it from outside.
#[must_use]
pub fn last_time_of(dir: &Path) -> Option<WallTime> {
    parse(&std::fs::read(dir.join(NAME)).ok()?)
}

fn parse(line: &[u8]) -> Option<WallTime> {
    let number = std::str::from_utf8(line).ok()?.strip_prefix(PREFIX)?.strip_suffix('\n')?;
    number.parse().ok().map(WallTime::from_unix_ms)
}

#[cfg(test)]
mod tests {
    use super::super::disk::FileDisk;
    use super::*;

    #[test]
    fn a_time_is_found_again_and_damage_is_no_time() {
        let dir = tempfile::tempdir().unwrap();
        let last = LastTime::new(Arc::new(FileDisk::new()), dir.path());
        assert_eq!(last.read(), None);
        for ms in [1_700_000_000_000, 1, i64::MIN] {
            last.write(WallTime::from_unix_ms(ms)).unwrap();
            assert_eq!(last.read(), Some(WallTime::from_unix_ms(ms)));
            assert_eq!(last_time_of(dir.path()), last.read());
        }
        for damaged in ["", "tympan-clock 1 17", "tympan-clock 2 17\n", "tympan-clock 1 x\n"] {
            std::fs::write(dir.path().join(NAME), damaged).unwrap();
            assert_eq!((last.read(), last_time_of(dir.path())), (None, None), "{damaged:?}");
        }
    }
}
