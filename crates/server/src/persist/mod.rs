//! What Connect has to remember, on disk.

mod backlog;
mod delivery;
mod history;
mod rows;
mod settings;

pub(crate) use history::{FileHistory, Interrupted};
pub(crate) use rows::Damage;
pub(crate) use settings::SqliteSettings;

use crate::lines::{LineWriters, Rotation};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// The databases of a data folder, open.
pub(crate) struct Remembered {
    pub(crate) settings: Arc<SqliteSettings>,
    pub(crate) history: Arc<FileHistory>,
    /// Contacts that were open when the last process ended.
    pub(crate) interrupted: Vec<Interrupted>,
}

impl Remembered {
    /// Opens or makes them, right after the store has begun its epoch: each keeps it.
    pub(crate) fn open(
        folder: &Path,
        epoch: u64,
        writers: &LineWriters,
        records: Rotation,
    ) -> anyhow::Result<Self> {
        let settings = Arc::new(SqliteSettings::open(folder, epoch)?);
        let (history, interrupted) = FileHistory::open(folder, epoch, writers, records)?;
        Ok(Self { settings, history: Arc::new(history), interrupted })
    }
}

/// What is wrong with the databases of a folder that no server runs on. `epoch` is the store's last one, where it is
/// known. They are looked at in copies, because SQLite writes even where one only reads.
pub(crate) fn examine(folder: &Path, epoch: Option<u64>) -> io::Result<Damage> {
    let scratch = std::env::temp_dir().join(format!("tympan-records-{}", uuid::Uuid::new_v4()));
    std::fs::DirBuilder::new().mode(0o700).create(&scratch)?;
    let examined = examine_in(folder, &scratch, epoch);
    std::fs::remove_dir_all(&scratch)?;
    examined
}

fn examine_in(folder: &Path, scratch: &Path, epoch: Option<u64>) -> io::Result<Damage> {
    let mut damage = Damage::new();
    for (name, table) in [(settings::FILE, &settings::TABLE), (history::FILE, &history::TABLE)] {
        let mut bytes = [0, 0];
        for (bytes, name) in bytes.iter_mut().zip([name.to_owned(), format!("{name}-wal")]) {
            match std::fs::copy(folder.join(&name), scratch.join(&name)) {
                Ok(copied) => *bytes = copied,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if bytes[0] > 0 {
            damage.extend(rows::examine(&scratch.join(name), table, epoch));
        } else if epoch.is_some_and(|epoch| epoch > 0) {
            damage.push(format!("{name} is missing or empty, though a server has run here"));
        }
    }
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let of_ours = [settings::FILE, history::FILE].iter().any(|file| name.starts_with(file));
        if of_ours && name.contains(".damaged-") && !name.ends_with("-wal") {
            damage.push(format!("{name} was set aside, because it is damaged: what it held beside what could be read is not served"));
        }
    }
    Ok(damage)
}
