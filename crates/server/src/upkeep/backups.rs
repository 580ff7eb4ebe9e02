//! One backup at a time, in the background, and how far it is.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_store::StoreError;
use tympan_store::embedded::{BackupOptions, BackupReport, EmbeddedBackend, Progress};

/// Makes backups of the store that runs.
#[derive(Clone)]
pub(crate) struct Backups(Arc<Inner>);

struct Inner {
    store: Arc<EmbeddedBackend>,
    keyring: PathBuf,
    newest: Mutex<Newest>,
}

/// The newest backup.
enum Newest {
    None,
    Running { directory: PathBuf, progress: Progress },
    Done(BackupReport),
    Failed { directory: PathBuf, error: StoreError },
}

/// What is asked for.
pub(crate) struct NewBackup {
    /// Where it goes, on this machine: absolute, empty or not there.
    pub directory: PathBuf,
    /// Copies instead of hard links.
    pub copies: bool,
    /// The keys too.
    pub with_keys: bool,
}

/// Why none was begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// One is being made.
    #[error("A backup is being made: ask again when it is done.")]
    Busy,
    /// The server's own working folder is nobody's business.
    #[error("Directory must be an absolute path on the server's machine.")]
    Relative,
}

impl Backups {
    /// Backups of `store`; the keys are those of the keyring at `keyring`.
    pub(crate) fn new(store: Arc<EmbeddedBackend>, keyring: PathBuf) -> Self {
        Self(Arc::new(Inner { store, keyring, newest: Mutex::new(Newest::None) }))
    }

    /// Begins one; it runs on a thread of its own.
    pub(crate) fn start(&self, new: NewBackup) -> Result<(), StartError> {
        if !new.directory.is_absolute() {
            return Err(StartError::Relative);
        }
        {
            let mut newest = self.newest();
            if matches!(*newest, Newest::Running { .. }) {
                return Err(StartError::Busy);
            }
            let progress = Progress { done_bytes: 0, total_bytes: 0 };
            *newest = Newest::Running { directory: new.directory.clone(), progress };
        }
        let backups = self.clone();
        tokio::task::spawn_blocking(move || backups.make(new));
        Ok(())
    }

    fn make(&self, new: NewBackup) {
        let directory = new.directory;
        let keyring = new.with_keys.then(|| keyring_file(&self.0.keyring));
        let options = BackupOptions { copies: new.copies, keyring };
        tracing::info!(directory = %directory.display(), with_keys = new.with_keys, "a backup begins");
        let made = self.0.store.backup(&directory, &options, &mut |progress| {
            *self.newest() = Newest::Running { directory: directory.clone(), progress };
        });
        *self.newest() = match made {
            Ok(report) => {
                tracing::info!(directory = %directory.display(), bytes = report.bytes, "a backup is complete");
                Newest::Done(report)
            }
            Err(error) => {
                tracing::error!(directory = %directory.display(), %error, "a backup failed");
                Newest::Failed { directory, error }
            }
        };
    }

    /// What became of the newest one, as JSON: `Status` is `NONE`, `RUNNING`, `COMPLETE` or `FAILED`.
    pub(crate) fn newest_as_json(&self) -> Value {
        match &*self.newest() {
            Newest::None => json!({ "Status": "NONE" }),
            Newest::Running { directory, progress } => json!({
                "Status": "RUNNING",
                "Directory": directory.display().to_string(),
                "DoneBytes": progress.done_bytes,
                "TotalBytes": progress.total_bytes,
            }),
            Newest::Done(report) => json!({
                "Status": "COMPLETE",
                "Directory": report.directory,
                "Report": report,
            }),
            Newest::Failed { directory, error } => json!({
                "Status": "FAILED",
                "Directory": directory.display().to_string(),
                "Message": error.message(),
            }),
        }
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A keyring is a folder that holds `keyring.json`, or that file itself.
pub fn keyring_file(path: &std::path::Path) -> PathBuf {
    if path.is_dir() { path.join("keyring.json") } else { path.to_owned() }
}
