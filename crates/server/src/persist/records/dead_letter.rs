//! Records that a sink refused ten times: one file each, for a person to look at.
//!
//! `dead-letter/<contact>-<sink>-<last update, Unix ms>.json`, of an event with its type behind the sink: `Sink`, `Reason`, `Attempts`, and the `Record`. A contact that is erased
//! takes its files along.

use super::Outgoing;
use serde_json::json;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tympan_types::ContactId;

/// The folder of the data directory.
const FOLDER: &str = "dead-letter";
/// Files that it may hold; the oldest make room.
const FILES_MAX: usize = 10_000;

/// The folder, which is made when the first record comes.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters {
    folder: PathBuf,
}

impl DeadLetters {
    /// Of a data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER) }
    }

    /// Keeps a record: durable when this returns.
    pub(super) fn keep(&self, sink: &str, record: &Outgoing, attempts: u32, reason: &str) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
            Ok(()) => sync(self.folder.parent().unwrap_or(&self.folder))?,
        }
        self.make_room()?;
        let content: serde_json::Value = serde_json::from_str(&record.json)?;
        let text =
            json!({ "Sink": sink, "Reason": reason, "Attempts": attempts, "Record": content }).to_string();
        let event = record.event.as_ref().map(|word| format!("-{word}")).unwrap_or_default();
        let name = format!("{}-{sink}{event}-{}.json", record.contact, record.updated.unix_ms());
        let (path, beside) = (self.folder.join(&name), self.folder.join(format!("{name}.new")));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        sync(&self.folder)
    }

    /// Removes what there is of a contact: durable when this returns. How many files.
    pub(crate) fn forget(&self, contact: ContactId) -> io::Result<usize> {
        let prefix = contact.to_string();
        self.remove(|name, _| name.starts_with(&prefix))
    }

    /// Removes what is older.
    pub(crate) fn expire(&self, age: Duration) -> io::Result<usize> {
        let now = SystemTime::now();
        self.remove(|_, changed| now.duration_since(changed).is_ok_and(|old| old >= age))
    }

    fn remove(&self, goes: impl Fn(&str, SystemTime) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for (path, changed) in self.files()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if goes(&name, changed) {
                erase(&path)?;
                removed += 1;
            }
        }
        if removed > 0 {
            sync(&self.folder)?;
        }
        Ok(removed)
    }

    fn make_room(&self) -> io::Result<()> {
        let mut files = self.files()?;
        if files.len() < FILES_MAX {
            return Ok(());
        }
        files.sort_unstable_by_key(|(_, changed)| *changed);
        let oldest = files.len() + 1 - FILES_MAX;
        files.iter().take(oldest).try_for_each(|(path, _)| erase(path))
    }

    fn files(&self) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            files.push((entry.path(), entry.metadata()?.modified()?));
        }
        Ok(files)
    }
}

/// Zeros, and the name goes.
fn erase(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_data()?;
    std::fs::remove_file(path)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
