//! Keeps a data directory to one process. `LOCK` is what every version of this program goes by. A `LOCK` that was removed
//! and made anew is another file, so that what lies in the directory is held as well.

use crate::{ErrorKind, StoreError};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

const LOCK: &str = "LOCK";
const FOLDERS: [&str; 2] = ["journal", "chunks"];

/// The locks. Given up when dropped, also by the death of the process.
#[derive(Default)]
pub(super) struct Hold {
    lock: Option<Flock<File>>,
    folders: Vec<(&'static str, Flock<File>)>,
}

impl Hold {
    /// Takes `LOCK`, making it where it is missing, and the folders that are there already.
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(LOCK);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let lock = lock(file.map_err(|error| failed(&path, &error))?, &path)?;
        let mut hold = Self { lock: Some(lock), ..Self::default() };
        hold.take_folders(directory)?;
        Ok(hold)
    }

    /// Takes what there is, and makes nothing: a copy of a directory may have no `LOCK`.
    pub(super) fn of_what_is_there(directory: &Path) -> Result<Self, StoreError> {
        let mut hold = Self::default();
        let path = directory.join(LOCK);
        match File::open(&path) {
            Ok(file) => hold.lock = Some(lock(file, &path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, &error)),
        }
        hold.take_folders(directory)?;
        Ok(hold)
    }

    /// Takes the folders that are not held yet: again, once they are made.
    pub(super) fn take_folders(&mut self, directory: &Path) -> Result<(), StoreError> {
        for name in FOLDERS {
            let path = directory.join(name);
            if self.folders.iter().any(|(held, _)| *held == name) {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            match lock(file, &path) {
                Ok(lock) => self.folders.push((name, lock)),
                Err(error) if *error.kind() == ErrorKind::Fenced => return Err(error),
                // Some network file systems lock no folders: there LOCK alone counts.
                Err(error) => tracing::debug!(%error, "a folder cannot be locked"),
            }
        }
        Ok(())
    }

    /// Whether there is a `LOCK` that keeps a server out.
    pub(super) fn has_lock(&self) -> bool {
        self.lock.is_some()
    }
}

fn lock(file: File, path: &Path) -> Result<Flock<File>, StoreError> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => StoreError::new(
            ErrorKind::Fenced,
            format!("{} is held: another process has this data directory open", path.display()),
        ),
        errno => failed(path, &errno.into()),
    })
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::io(format_args!("lock {}", path.display()), error)
}
