//! Space that is set aside, so that what frees space finds some when the disk is full: retention and deletion have to
//! write a few rows before the first byte can go. Source: docs/storage.md section 7.

use super::disk::Disk;
use crate::{ErrorKind, StoreError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file of which nobody needs the contents.
pub(super) struct Reserve {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    bytes: u64,
    held: Mutex<bool>,
}

impl Reserve {
    /// Finds what an earlier process has set aside; takes nothing yet.
    pub(super) fn find(disk: Arc<dyn Disk>, path: &Path, bytes: u64) -> Self {
        let held = disk.open(path).is_ok();
        Self { disk, path: path.to_owned(), bytes, held: Mutex::new(held) }
    }

    /// Sets the space aside unless it is, if there is enough of it.
    pub(super) fn hold(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if *held || self.bytes == 0 {
            return;
        }
        match self.disk.create(&self.path).and_then(|file| file.allocate(self.bytes)) {
            Ok(()) => *held = true,
            Err(error) => {
                let _ = self.disk.remove(&self.path);
                tracing::debug!(%error, bytes = self.bytes, "no space can be set aside for retention");
            }
        }
    }

    /// Does something that frees space: once more with the reserve if the disk is full.
    pub(super) fn lend<T>(&self, mut work: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match work() {
            Err(error) if *error.kind() == ErrorKind::Full && self.give_up() => work(),
            outcome => outcome,
        }
    }

    /// Gives the space back; `false` if there was none.
    pub(super) fn give_up(&self) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = match self.disk.remove(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, "the reserve cannot be given up");
                return false;
            }
            removed => removed.is_ok(),
        };
        *held = false;
        if removed {
            tracing::warn!("the disk is full: the space that was set aside for retention is used");
        }
        removed
    }
}
