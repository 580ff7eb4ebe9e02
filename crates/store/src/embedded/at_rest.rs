//! A data directory that no process serves, opened to be looked at. Nothing in it is changed: the catalogue is read from
//! a private copy, because SQLite writes even where one only reads.

use super::StreamDataKey;
use super::catalogue::{Catalogue, Deletion, IfNew, Judge};
use super::directory::{CATALOGUE, Format, judge_format};
use super::disk::{Disk, FileDisk};
use super::hold::Hold;
use super::journal::segment_path;
use super::lost_found::{self, Keeping};
use super::newest_segment;
use super::recovery::segment_number;
use super::segment::SEGMENT_HEADER_BYTES;
use super::segment_list::{EMPTIED, FoundList};
use crate::{ErrorKind, StoreError, StreamId, StreamRow};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tympan_types::WallTime;
use uuid::Uuid;

/// A data directory, or a copy of one.
pub struct AtRest {
    path: PathBuf,
    format: String,
    /// Keeps a server out for as long as this lives; a copy may have no lock file.
    hold: Hold,
    catalogue: Result<Copy, StoreError>,
}

/// A stream's id and its row, or why the row cannot be read.
pub type ReadRow = (StreamId, Result<StreamRow, StoreError>);

/// The copy of the catalogue, and the folder that goes with it.
pub(super) struct Copy {
    catalogue: Catalogue,
    _folder: Scratch,
}

impl Copy {
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "a temporary copy of the catalogue stays behind");
        }
    }
}

impl AtRest {
    /// Opens a directory; a damaged catalogue does not keep the rest from being looked at.
    ///
    /// # Errors
    /// `Fenced` while a server runs on it; `NotFound` if it is no data directory; `Internal` if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let format = match std::fs::read(path.join("FORMAT")) {
            Ok(text) => {
                judge_format(path, &text)?;
                String::from_utf8_lossy(&text).trim_end().to_owned()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!("{} is no data directory: it has no file FORMAT", path.display());
                return Err(StoreError::new(ErrorKind::NotFound, message));
            }
            Err(error) => return Err(failed("read", &path.join("FORMAT"), &error)),
        };
        let hold = hold(path)?;
        Ok(Self {
            path: path.to_owned(),
            format,
            hold,
            catalogue: copy_catalogue(path, CATALOGUE, &mut |_| Ok(())),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `FORMAT` says.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Which of the formats that is.
    pub(super) fn kind(&self) -> Format {
        judge_format(&self.path, format!("{}\n", self.format).as_bytes()).unwrap_or(Format::Current)
    }

    /// Which opening of the directory was the last one.
    ///
    /// # Errors
    /// `Corrupt`, `Internal`: the catalogue cannot be read.
    pub fn epoch(&self) -> Result<u64, StoreError> {
        // Opening the copy began another one there.
        Ok(self.catalogue()?.epoch().saturating_sub(1))
    }

    /// The data keys of all streams that are as they were written.
    ///
    /// # Errors
    /// `Corrupt`, `Internal`: the catalogue cannot be read.
    pub fn wrapped_keys(&self) -> Result<Vec<StreamDataKey>, StoreError> {
        super::wrapped_keys(self.catalogue()?)
    }

    /// Whether a server is kept out meanwhile: a copy without a lock file has none to keep out.
    pub fn is_locked(&self) -> bool {
        self.hold.has_lock()
    }

    /// The streams that were deleted, the oldest deletion first.
    ///
    /// # Errors
    /// `Corrupt`, `Internal`: the catalogue cannot be read.
    pub fn deletions(&self) -> Result<Vec<Deletion>, StoreError> {
        self.catalogue()?.deletions()
    }

    /// The streams that exist, in the order of their ids. A row that is damaged does not hide the others.
    ///
    /// # Errors
    /// `Corrupt`, `Internal`: the catalogue cannot be read.
    pub fn streams(&self) -> Result<Vec<ReadRow>, StoreError> {
        self.catalogue()?.all_streams()
    }

    /// When the last file in `lost+found/` is removed; `None` if there is none, or all go with the next sweep.
    ///
    /// # Errors
    /// `Corrupt`, `Internal`: the catalogue cannot be read.
    pub fn lost_until(&self) -> Result<Option<WallTime>, StoreError> {
        let keeping = Keeping::by(self.catalogue()?)?;
        Ok(lost_found::lost_files(&self.path).iter().filter_map(|file| keeping.until(file)).max())
    }

    /// What the next start says of segments of the journal that are absent, and of the list of them.
    ///
    /// # Errors
    /// `Internal`: the journal cannot be read.
    pub fn missing_segments(&self) -> Result<Vec<String>, StoreError> {
        let (disk, dir) = (FileDisk::default(), self.journal());
        let mut numbers: Vec<u64> = match disk.list(&dir) {
            Ok(names) => names.iter().filter_map(|name| segment_number(name)).collect(),
            // That is refused at the start, where it is a loss.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &dir, &error)),
        };
        numbers.sort_unstable();
        let list = FoundList::read(&disk, &dir, self.kind())?;
        // Nothing goes behind the header of a segment before it is listed.
        let in_use = |number: &&u64| {
            let file = disk.open(&segment_path(&dir, **number)).and_then(|file| file.len());
            file.is_ok_and(|bytes| bytes > SEGMENT_HEADER_BYTES as u64)
        };
        let mut notes = list.compare(&numbers, numbers.iter().rfind(in_use).copied());
        if list == FoundList::Missing && numbers.is_empty() && self.streams().is_ok_and(|all| !all.is_empty())
        {
            notes.push(EMPTIED.to_owned());
        }
        let newest = numbers.last().copied().unwrap_or(0);
        let newest = newest.max(list.listed().map_or(0, |listed| listed.newest));
        notes.extend(newest_segment::compare(&disk, &self.path, newest));
        Ok(notes)
    }

    pub(super) fn catalogue(&self) -> Result<&Catalogue, StoreError> {
        self.catalogue.as_ref().map(|copy| &copy.catalogue).map_err(Clone::clone)
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    pub(super) fn chunks(&self) -> PathBuf {
        self.path.join("chunks")
    }
}

fn hold(path: &Path) -> Result<Hold, StoreError> {
    Hold::of_what_is_there(path).map_err(|error| match error.kind() {
        ErrorKind::Fenced => StoreError::new(
            ErrorKind::Fenced,
            format!(
                "{} is in use: a server runs on it. Stop it, or look at a copy or a backup of the directory",
                path.display()
            ),
        ),
        _ => error,
    })
}

/// Opens a copy of a catalogue that has this name, as `judge` looks at it.
pub(super) fn copy_catalogue(path: &Path, name: &str, judge: Judge<'_>) -> Result<Copy, StoreError> {
    let folder = std::env::temp_dir().join(format!("tympan-catalogue-{}", Uuid::new_v4()));
    DirBuilder::new().mode(0o700).create(&folder).map_err(|error| failed("create", &folder, &error))?;
    let folder = Scratch(folder);
    for suffix in ["", "-wal"] {
        let (from, to) =
            (path.join(format!("{name}{suffix}")), folder.0.join(format!("{CATALOGUE}{suffix}")));
        match std::fs::copy(&from, &to) {
            Ok(_) => {}
            // The log is there only after a kill, or while a server runs.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let message = format!(
                    "{} is missing: without it no stream has a name or a key; restore it from a backup, or make it anew \
                     with `tympan streams rebuild {}`",
                    from.display(),
                    path.display()
                );
                return Err(StoreError::corrupt(message));
            }
            Err(error) => return Err(failed("copy", &from, &error)),
        }
    }
    let catalogue = Catalogue::open(&folder.0.join(CATALOGUE), IfNew::Refuse, judge);
    // What is wrong is wrong with the original.
    let of_original = |error: StoreError| {
        let message = error.message().replace(&folder.0.display().to_string(), &path.display().to_string());
        StoreError::new(error.kind().clone(), message)
    };
    Ok(Copy { catalogue: catalogue.map_err(of_original)?, _folder: folder })
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::io(format_args!("{doing} {}", path.display()), error)
}
