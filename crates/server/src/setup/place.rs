//! Files and folders that are made together, or not at all.

use super::SetUpError;
use nix::unistd::{Gid, Uid, User, chown};
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Refuses files that are there.
pub(super) fn nothing_at(files: &[&Path]) -> Result<(), SetUpError> {
    let taken = files.iter().find(|file| file.symlink_metadata().is_ok());
    taken.map_or(Ok(()), |file| Err(SetUpError::Exists { path: file.to_path_buf() }))
}

/// Refuses folders with anything in them.
pub(super) fn nothing_in(folders: &[&Path]) -> Result<(), SetUpError> {
    for folder in folders {
        let entries = match std::fs::read_dir(folder) {
            Ok(mut entries) => entries.next(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // It is no folder, or none that we may look into.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && !folder.exists() => None,
            Err(error) => return Err(failed(folder, error)),
        };
        if entries.is_some() {
            return Err(SetUpError::Exists { path: folder.to_path_buf() });
        }
    }
    Ok(())
}

fn failed(path: &Path, error: impl Into<io::Error>) -> SetUpError {
    SetUpError::File { path: path.to_owned(), error: error.into() }
}

/// What was made until now. Dropped without [`Placed::keep`] it is removed again.
pub(super) struct Placed {
    owner: Option<(Uid, Gid)>,
    made: Vec<PathBuf>,
}

impl Placed {
    /// Nothing yet; what comes is to belong to that user.
    pub(super) fn new(owner: Option<&str>) -> Result<Self, SetUpError> {
        let find = |name: &str| match User::from_name(name) {
            Ok(Some(user)) => Ok((user.uid, user.gid)),
            _ => Err(SetUpError::Owner(name.to_owned())),
        };
        Ok(Self { owner: owner.map(find).transpose()?, made: Vec::new() })
    }

    /// Makes a folder and those above it that lack. One that is there stays as it is.
    pub(super) fn folder(&mut self, folder: &Path, mode: u32) -> Result<(), SetUpError> {
        let lacking: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in lacking.into_iter().rev() {
            DirBuilder::new().mode(mode).create(folder).map_err(|error| failed(folder, error))?;
            self.hand_over(folder)?;
        }
        Ok(())
    }

    /// Makes a file.
    pub(super) fn file(&mut self, file: &Path, content: &str, mode: u32) -> Result<(), SetUpError> {
        let open = OpenOptions::new().write(true).create_new(true).mode(mode).open(file);
        let mut opened = open.map_err(|error| failed(file, error))?;
        self.hand_over(file)?;
        let written = opened
            .write_all(content.as_bytes())
            // Whatever the umask is.
            .and_then(|()| opened.set_permissions(Permissions::from_mode(mode)))
            .and_then(|()| opened.sync_all());
        written.map_err(|error| failed(file, error))
    }

    /// Takes the files of a folder that another part has made.
    pub(super) fn all_in(&mut self, folder: &Path) -> Result<(), SetUpError> {
        let entries = std::fs::read_dir(folder).map_err(|error| failed(folder, error))?;
        for entry in entries {
            self.hand_over(&entry.map_err(|error| failed(folder, error))?.path())?;
        }
        Ok(())
    }

    fn hand_over(&mut self, path: &Path) -> Result<(), SetUpError> {
        self.made.push(path.to_owned());
        match self.owner {
            Some((user, group)) => chown(path, Some(user), Some(group)).map_err(|error| failed(path, error)),
            None => Ok(()),
        }
    }

    /// It is complete.
    pub(super) fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // The next attempt reports what cannot be removed: it refuses to overwrite it.
            let _ = if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
        }
    }
}
