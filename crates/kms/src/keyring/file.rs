//! The keyring on disk: private, replaced whole, durable before an edit returns.

use super::KeyringError;
use super::document::Document;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Name of the file within a keyring directory.
const FILE_NAME: &str = "keyring.json";
/// About ten thousand keys; whatever is larger is not a keyring, and no edit makes one so large.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// Permission bits of group and world.
const OTHERS: u32 = 0o077;

/// The file that holds a keyring.
#[derive(Debug)]
pub(super) struct KeyringFile {
    path: PathBuf,
    directory: PathBuf,
}

/// Tells one state of the file from the next: each is a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    modified: (i64, i64),
    bytes: u64,
    mode: u32,
}

/// Holds off other processes' edits until dropped.
pub(super) struct EditLock {
    _directory: File,
}

impl KeyringFile {
    /// Finds the file that `path` means, and makes its directory if there is none.
    pub(super) fn locate(path: &Path) -> Result<Self, KeyringError> {
        let path = std::path::absolute(path).map_err(|error| io_error("find", path, error))?;
        let found = match path.metadata() {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error("look at", &path, error)),
        };
        let is_directory = match &found {
            Some(metadata) => metadata.is_dir(),
            None => path.extension().is_none_or(|extension| extension != "json"),
        };
        if !is_directory {
            let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
            make_private_directory(&directory)?;
            return Ok(Self { path, directory });
        }
        make_private_directory(&path)?;
        let metadata = path.metadata().map_err(|error| io_error("look at", &path, error))?;
        refuse_exposed(&path, &metadata, 0o700)?;
        Ok(Self { directory: path.clone(), path: path.join(FILE_NAME) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is something at the path, readable or not.
    pub(super) fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    pub(super) fn stamp(&self) -> Result<Stamp, KeyringError> {
        self.path.metadata().map(|m| Stamp::of(&m)).map_err(|error| io_error("look at", &self.path, error))
    }

    /// Reads the keys.
    pub(super) fn load(&self) -> Result<(Document, Stamp), KeyringError> {
        // A file that was replaced while it was being read may have been wiped: then the new one counts.
        const ATTEMPTS: usize = 10;
        let mut attempt = 1;
        loop {
            let before = self.stamp()?;
            match self.load_once() {
                Err(KeyringError::Malformed { .. }) if attempt < ATTEMPTS && self.stamp()? != before => {
                    attempt += 1;
                }
                loaded => return loaded,
            }
        }
    }

    /// The permissions are checked on the open file, so nothing can be swapped in between.
    fn load_once(&self) -> Result<(Document, Stamp), KeyringError> {
        let wrong = |action| move |error| io_error(action, &self.path, error);
        let file = File::open(&self.path).map_err(wrong("open"))?;
        let metadata = file.metadata().map_err(wrong("look at"))?;
        refuse_exposed(&self.path, &metadata, 0o600)?;
        let malformed = |reason| KeyringError::Malformed { path: self.path.clone(), reason };
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return Err(malformed(format!("it is not a regular file of at most {MAX_FILE_BYTES} bytes")));
        }
        // Room for the whole file, so that no copy of a key is left behind by growing.
        let room = usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1);
        let mut json = Zeroizing::new(Vec::with_capacity(room));
        file.take(MAX_FILE_BYTES).read_to_end(&mut json).map_err(wrong("read"))?;
        let document = Document::from_json(&json).map_err(malformed)?;
        Ok((document, Stamp::of(&metadata)))
    }

    /// Puts `document` in place of whatever is there: after a crash the file is the old one or the new one, whole.
    pub(super) fn replace(&self, document: &Document) -> Result<Stamp, KeyringError> {
        let json = document.to_json();
        if u64::try_from(json.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(KeyringError::Full { path: self.path.clone(), most_bytes: MAX_FILE_BYTES });
        }
        let fresh = self.path.with_extension("json.new");
        let wrong = |action| move |error| io_error(action, &self.path, error);
        // A crash may have left one behind; under the edit lock nobody else is writing it.
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error("remove", &fresh, error));
            }
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(|error| io_error("create", &fresh, error))?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(wrong("write"))?;
        let stamp = Stamp::of(&file.metadata().map_err(wrong("look at"))?);
        std::fs::rename(&fresh, &self.path).map_err(wrong("replace"))?;
        sync_directory(&self.directory)?;
        Ok(stamp)
    }

    /// As [`Self::replace`], for a document that lacks keys of the file's: the old bytes are overwritten as well.
    ///
    /// That is as much as a program can do: drives that write elsewhere, file systems that copy on write, snapshots
    /// and back-ups keep what they keep.
    pub(super) fn replace_and_wipe(&self, document: &Document) -> Result<Stamp, KeyringError> {
        let open = || OpenOptions::new().write(true).open(&self.path);
        let old = open().or_else(|error| match error.kind() {
            // A file that its owner made read-only is replaced by an edit, so it is wiped as well.
            io::ErrorKind::PermissionDenied => {
                std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o600))
                    .and_then(|()| open())
            }
            _ => Err(error),
        });
        let mut old = old.map_err(|error| io_error("open", &self.path, error))?;
        let stamp = self.replace(document)?;
        let wipe = |old: &mut File| {
            let length = usize::try_from(old.metadata()?.len()).unwrap_or(0);
            old.write_all(&vec![0; length])?;
            old.sync_all()
        };
        wipe(&mut old).map_err(|error| io_error("wipe the former content of", &self.path, error))?;
        Ok(stamp)
    }

    /// Waits until no other process edits this keyring.
    pub(super) fn lock(&self) -> Result<EditLock, KeyringError> {
        let directory =
            File::open(&self.directory).map_err(|error| io_error("open", &self.directory, error))?;
        directory.lock().map_err(|error| io_error("lock", &self.directory, error))?;
        Ok(EditLock { _directory: directory })
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.len(),
            mode: metadata.mode(),
        }
    }
}

/// Makes the directory and those above it, each durable before the next: a lost keyring is lost media.
fn make_private_directory(path: &Path) -> Result<(), KeyringError> {
    let Some(parent) = path.parent().filter(|_| !path.is_dir()) else { return Ok(()) };
    make_private_directory(parent)?;
    match DirBuilder::new().mode(0o700).create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(io_error("create directory", path, error)),
        Ok(()) => sync_directory(parent),
    }
}

fn sync_directory(path: &Path) -> Result<(), KeyringError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| io_error("sync", path, error))
}

fn refuse_exposed(path: &Path, metadata: &Metadata, wanted: u32) -> Result<(), KeyringError> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(KeyringError::Exposed { path: path.to_owned(), mode, wanted })
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> KeyringError {
    KeyringError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::super::KeyringOwner;
    use super::super::master_key::MasterKey;
    use super::*;
    use tympan_types::{AccountId, Region, WallTime};

    #[test]
    fn no_edit_makes_a_file_that_could_not_be_read_again() {
        let home = tempfile::tempdir().unwrap();
        let file = KeyringFile::locate(&home.path().join("keys")).unwrap();
        let owner = KeyringOwner {
            region: Region::parse("us-west-2").unwrap(),
            account: AccountId::parse("111122223333").unwrap(),
        };
        let now = WallTime::from_unix_ms(0);
        let mut document = Document::with_default_key(&owner, now);
        let stamp = file.replace(&document).unwrap();
        // The longest description, written with six bytes a character.
        let description = "\u{1}".repeat(8_192);
        for _ in 0..180 {
            let mut key = MasterKey::generate(&owner, now);
            key.description.clone_from(&description);
            document.keys.push(key);
        }
        assert!(matches!(file.replace(&document), Err(KeyringError::Full { .. })));
        assert_eq!(file.stamp().unwrap(), stamp);
        document.keys.truncate(150);
        file.replace(&document).unwrap();
        assert_eq!(file.load().unwrap().0.keys.len(), 150);
    }
}
