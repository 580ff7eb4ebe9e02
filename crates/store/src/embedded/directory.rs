use super::disk::{Disk, read_range};
use super::hold::Hold;
use crate::StoreError;
use std::io;
use std::path::{Path, PathBuf};

const FORMAT: &[u8] = b"tympan-store 5\n";
/// Formats that are read and become this one: an older program must refuse the directory before it finds in it what it
/// does not know.
const UPGRADED: [&[u8]; 2] = [b"tympan-store 1\n", b"tympan-store 2\n"];
/// As this one, but that streams are not bound to the key that their alias means and no fragment is erased; in 3, no fragment has an index
/// either.
const PREVIOUS: [&[u8]; 2] = [b"tympan-store 3\n", b"tympan-store 4\n"];

/// What the file `FORMAT` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// There is none.
    Absent,
    /// One that becomes this one, without pages and without a list of segments.
    Earlier,
    /// One that becomes this one, and has all files that this one has but side files of chunks.
    Previous,
    /// This one.
    Current,
}

/// The data directory, held by this process.
pub(super) struct Directory {
    path: PathBuf,
    hold: Hold,
}

impl Directory {
    /// Creates the directory if it is missing and takes its locks. Touches nothing else.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::io(format_args!("open {}", path.display()), &error);
        std::fs::create_dir_all(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), hold: Hold::take(path)? })
    }

    /// A directory of a simulated disk: there is no other process that it must be kept from.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn simulated(path: &Path) -> Self {
        Self { path: path.to_owned(), hold: Hold::default() }
    }

    /// Creates the directories within it that are missing; their names are durable when this returns.
    pub(super) fn create_folders(&mut self, disk: &dyn Disk) -> Result<(), StoreError> {
        for dir in [self.journal(), self.chunks(), self.streams()] {
            disk.create_dir(&dir)
                .map_err(|error| StoreError::io(format_args!("create {}", dir.display()), &error))?;
        }
        self.hold.take_folders(&self.path)?;
        self.sync(disk)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn catalogue(&self) -> PathBuf {
        self.path.join(CATALOGUE)
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.path.join("RESERVE")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    pub(super) fn chunks(&self) -> PathBuf {
        self.path.join("chunks")
    }

    pub(super) fn streams(&self) -> PathBuf {
        self.path.join("streams")
    }

    /// Makes the names in the directory durable.
    pub(super) fn sync(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        disk.sync_dir(&self.path)
            .map_err(|error| StoreError::io(format_args!("sync {}", self.path.display()), &error))
    }
}

/// The catalogue's file in the directory.
pub(super) const CATALOGUE: &str = "catalog.db";

/// A directory of another format is refused before anything in it is touched.
pub(super) fn read_format(disk: &dyn Disk, dir: &Path) -> Result<Format, StoreError> {
    let path = dir.join("FORMAT");
    let failed = |error: io::Error| StoreError::io(format_args!("read {}", path.display()), &error);
    let text = match disk.open(&path) {
        Ok(file) => {
            let length = file.len().map_err(failed)?.min(64);
            read_range(&*file, 0, length).map_err(failed)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Format::Absent),
        Err(error) => return Err(failed(error)),
    };
    judge_format(dir, &text)
}

/// What the text of `FORMAT` says, or why the directory cannot be opened, and what to do.
pub(super) fn judge_format(dir: &Path, text: &[u8]) -> Result<Format, StoreError> {
    if text == FORMAT {
        return Ok(Format::Current);
    }
    if PREVIOUS.contains(&text) {
        return Ok(Format::Previous);
    }
    if UPGRADED.contains(&text) {
        return Ok(Format::Earlier);
    }
    let (place, found) = (dir.display(), String::from_utf8_lossy(text));
    let found = found.trim_end();
    if FORMAT.starts_with(text) {
        return Err(StoreError::corrupt(format!(
            "{place}/FORMAT is cut off: it says {found:?}. Put it back from a backup, or write the line \
             \"tympan-store 5\" into it if this program was the last one that ran on the directory"
        )));
    }
    Err(StoreError::internal(format!(
        "{place} has format {found:?} and this program knows \"tympan-store 1\" to 5: use the program that wrote it, or put \
         FORMAT back from a backup if it is damaged"
    )))
}

/// Whole or not at all: written beside, synced, renamed.
pub(super) fn write_whole(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (path, beside) = (dir.join(name), dir.join(name).with_extension("new"));
    match disk.remove(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&beside)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&beside, &path)?;
    disk.sync_dir(dir)
}

/// Writes this program's format.
pub(super) fn write_format(disk: &dyn Disk, dir: &Path) -> Result<(), StoreError> {
    write_whole(disk, dir, "FORMAT", FORMAT)
        .map_err(|error| StoreError::io(format_args!("write {}", dir.join("FORMAT").display()), &error))
}

#[cfg(test)]
mod tests {
    use super::super::disk::FileDisk;
    use super::*;

    #[test]
    fn a_directory_belongs_to_one_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let held = Directory::open(place.path()).unwrap();
        let refused = Directory::open(place.path()).err().unwrap();
        assert_eq!(refused.kind(), &crate::ErrorKind::Fenced);
        drop(held);
        Directory::open(place.path()).unwrap();
    }

    #[test]
    fn another_format_is_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("FORMAT"), "tympan-store 6\n").unwrap();
        let refused = read_format(&FileDisk::new(), place.path()).err().unwrap();
        assert!(refused.message().contains("tympan-store 6"), "{refused}");
    }

    #[test]
    fn it_belongs_to_one_at_a_time_without_its_lock_file_as_well() {
        let place = tempfile::tempdir().unwrap();
        let mut held = Directory::open(place.path()).unwrap();
        held.create_folders(&FileDisk::new()).unwrap();
        std::fs::remove_file(place.path().join("LOCK")).unwrap();
        let refused = Directory::open(place.path()).err().unwrap();
        assert_eq!(refused.kind(), &crate::ErrorKind::Fenced);
        drop(held);
        Directory::open(place.path()).unwrap();
    }

    #[test]
    fn a_format_that_is_cut_off_is_refused_and_says_what_to_do() {
        for length in 0..FORMAT.len() {
            let refused = judge_format(Path::new("data"), &FORMAT[..length]).unwrap_err();
            assert!(
                refused.message().contains("cut off") && refused.message().contains("backup"),
                "{refused}"
            );
        }
    }

    #[test]
    fn an_earlier_format_becomes_this_one() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(read_format(&FileDisk::new(), place.path()), Ok(Format::Absent));
        for earlier in ["tympan-store 1\n", "tympan-store 2\n"] {
            std::fs::write(place.path().join("FORMAT"), earlier).unwrap();
            assert_eq!(read_format(&FileDisk::new(), place.path()), Ok(Format::Earlier));
            write_format(&FileDisk::new(), place.path()).unwrap();
            assert_eq!(read_format(&FileDisk::new(), place.path()), Ok(Format::Current));
        }
        for previous in PREVIOUS {
            std::fs::write(place.path().join("FORMAT"), previous).unwrap();
            assert_eq!(read_format(&FileDisk::new(), place.path()), Ok(Format::Previous));
        }
    }
}
