//! One backup at a time, in the background, and how far it is.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_admin::{BackupRefusal, NewBackup};
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

impl Backups {
    /// Backups of `store`; the keys are those of the keyring at `keyring`.
    pub(crate) fn new(store: Arc<EmbeddedBackend>, keyring: PathBuf) -> Self {
        Self(Arc::new(Inner { store, keyring, newest: Mutex::new(Newest::None) }))
    }

    fn make(&self, new: NewBackup) {
        let directory = new.directory;
        let keyring = new.with_keys.then(|| keyring_file(&self.0.keyring));
        let options = BackupOptions { copies: new.copies, keyring };
        tracing::info!(directory = %directory.display(), with_keys = new.with_keys, "a backup begins");
        let made = self.0.store.backup(&directory, &options, &mut |progress| {
            *self.state() = Newest::Running { directory: directory.clone(), progress };
        });
        *self.state() = match made {
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

    fn state(&self) -> MutexGuard<'_, Newest> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl tympan_admin::Backups for Backups {
    /// It runs on a thread of its own.
    fn start(&self, new: NewBackup) -> Result<(), BackupRefusal> {
        if !new.directory.is_absolute() {
            return Err(BackupRefusal::Relative);
        }
        {
            let mut newest = self.state();
            if matches!(*newest, Newest::Running { .. }) {
                return Err(BackupRefusal::Busy);
            }
            let progress = Progress { done_bytes: 0, total_bytes: 0 };
            *newest = Newest::Running { directory: new.directory.clone(), progress };
        }
        let backups = self.clone();
        tokio::task::spawn_blocking(move || backups.make(new));
        Ok(())
    }

    fn newest(&self) -> Value {
        match &*self.state() {
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
}

/// A keyring is a folder that holds `keyring.json`, or that file itself.
pub fn keyring_file(path: &std::path::Path) -> PathBuf {
    if path.is_dir() { path.join("keyring.json") } else { path.to_owned() }
}
