//! Connect's settings in one SQLite file: each change is durable before it is acknowledged.

use super::rows::{self, Damage, Table};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tympan_connect::settings::{Document, Settings, SettingsError, Write};

pub(super) const FILE: &str = "settings.db";

pub(super) const TABLE: Table = Table {
    name: "document",
    create: "CREATE TABLE IF NOT EXISTS document (
        kind TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID, STRICT",
    columns: "kind, id, json",
    key: "kind = new.kind AND id = new.id",
};

/// Documents of Connect (instances, flows, numbers) in `settings.db`.
pub(crate) struct SqliteSettings {
    connection: Mutex<Connection>,
    damage: Damage,
}

impl SqliteSettings {
    /// Opens or creates the file in `folder`; `epoch` is the store's.
    pub(crate) fn open(folder: &Path, epoch: u64) -> Result<Self, SettingsError> {
        let (connection, damage) = rows::open(&folder.join(FILE), &TABLE, epoch).map_err(said)?;
        Ok(Self { connection: Mutex::new(connection), damage })
    }

    /// What the start found damaged.
    pub(crate) fn damage(&self) -> &Damage {
        &self.damage
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        // A panic elsewhere cannot leave a half-made change: its transaction is rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings for SqliteSettings {
    fn load(&self) -> Result<Vec<Document>, SettingsError> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT kind, id, json FROM intact").map_err(said)?;
        let rows = query
            .query_map([], |row| Ok(Document { kind: row.get(0)?, id: row.get(1)?, json: row.get(2)? }))
            .map_err(said)?;
        rows.collect::<Result<_, _>>().map_err(said)
    }

    fn write(&self, writes: &[Write]) -> Result<(), SettingsError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(said)?;
        for write in writes {
            let written = match write {
                Write::Put { kind, id, json } => transaction.execute(
                    "INSERT INTO document (kind, id, json) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET json = excluded.json",
                    params![kind, id, json],
                ),
                Write::Remove { kind, id } => {
                    transaction.execute("DELETE FROM document WHERE kind = ?1 AND id = ?2", params![kind, id])
                }
            };
            written.map_err(said)?;
        }
        transaction.commit().map_err(said)
    }

    fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }
}

fn said(error: rusqlite::Error) -> SettingsError {
    SettingsError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let settings = SqliteSettings::open(dir.path(), 1).unwrap();
        settings.put("instance", "a", "1").unwrap();
        settings.put("instance", "a", "2").unwrap();
        settings.put("instance", "b", "3").unwrap();
        settings.remove("instance", "b").unwrap();
        drop(settings);
        let documents = SqliteSettings::open(dir.path(), 2).unwrap().load().unwrap();
        assert_eq!(documents, [Document { kind: "instance".into(), id: "a".into(), json: "2".into() }]);
    }

    #[test]
    fn of_a_change_that_the_disk_refuses_half_way_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let settings = SqliteSettings::open(dir.path(), 1).unwrap();
        settings.put("instance", "a", "1").unwrap();
        settings.put("number", "n", "1").unwrap();
        let before = settings.load().unwrap();
        let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON document WHEN old.kind = 'number'
                      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
        settings.connection().execute_batch(refuse).unwrap();
        let remove = |kind, id: &str| Write::Remove { kind, id: id.to_owned() };
        let refused = settings.write(&[remove("instance", "a"), remove("number", "n")]);
        assert!(refused.unwrap_err().0.contains("full"));
        assert_eq!(settings.load().unwrap(), before);
        settings.connection().execute_batch("DROP TRIGGER refuse").unwrap();
        settings.write(&[remove("instance", "a"), remove("number", "n")]).unwrap();
        assert_eq!(settings.load().unwrap(), []);
    }
}
