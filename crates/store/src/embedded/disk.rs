//! The file operations that durability rests on, behind a trait small enough to be simulated.

use nix::fcntl::posix_fallocate;
use nix::libc::{EMFILE, ENFILE};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Descriptors that are held open for nothing. Beginning a segment needs two at once: the file's, and for a moment the
/// directory's. The next segments must not depend on what others leave.
const SPARE_DESCRIPTORS: usize = 8;

/// A directory tree. Paths are as the operating system takes them.
///
/// Nothing but [`DiskFile::sync_data`] and [`Disk::sync_dir`] makes anything durable: the first a file's bytes and
/// length, the second the names within one directory.
pub(super) trait Disk: Send + Sync {
    /// Creates a file that must not exist.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file to read it.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file to overwrite it.
    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates a directory, which may exist; `true` if it did not.
    fn create_dir(&self, path: &Path) -> io::Result<bool>;
    /// The names within a directory, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory if it is empty.
    fn remove_empty_dir(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names within a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(super) trait DiskFile: Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Fills `out` from `offset`; `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Takes `bytes` of space for the file, so that writing them cannot find the disk full.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Makes bytes and length durable. After an error nothing is known of what was written since the last success,
    /// and trying again proves nothing: the kernel may have dropped the pages.
    fn sync_data(&self) -> io::Result<()>;
}

/// The real one.
#[derive(Default)]
pub(super) struct FileDisk {
    spare: Mutex<Vec<File>>,
}

impl FileDisk {
    /// The real disk, with descriptors in reserve.
    pub(super) fn new() -> Self {
        let disk = Self::default();
        disk.refill();
        disk
    }

    /// Opens something, if need be with a descriptor of the reserve, which is filled up again when there are others.
    fn with_spare<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        loop {
            match open() {
                Err(error) if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => {
                    let Some(spare) = self.spare().pop() else { return Err(error) };
                    drop(spare);
                }
                opened => {
                    self.refill();
                    return opened;
                }
            }
        }
    }

    fn refill(&self) {
        let mut spare = self.spare();
        while spare.len() < SPARE_DESCRIPTORS {
            let Ok(file) = File::open("/dev/null") else { return };
            spare.push(file);
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<File>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for FileDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let create = || OpenOptions::new().read(true).write(true).create_new(true).open(path);
        Ok(Arc::new(self.with_spare(create)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(self.with_spare(|| File::open(path))?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let open = || OpenOptions::new().read(true).write(true).open(path);
        Ok(Arc::new(self.with_spare(open)?))
    }

    fn create_dir(&self, path: &Path) -> io::Result<bool> {
        match std::fs::create_dir(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = self
            .with_spare(|| std::fs::read_dir(path))?
            .map(|entry| Ok(entry?.file_name().into_string().ok()));
        // A name that is not UTF-8 is none of ours.
        Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Tried again only if it was not opened: an fsync that fails once proves nothing the second time.
        self.with_spare(|| File::open(path))?.sync_all()
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, out, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(posix_fallocate(self, 0, bytes)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

/// `length` bytes from `offset`, refusing a length that the file does not have before memory is taken for it.
pub(super) fn read_range(file: &dyn DiskFile, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    if offset.checked_add(length).is_none_or(|end| file.len().is_ok_and(|len| end > len)) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}
