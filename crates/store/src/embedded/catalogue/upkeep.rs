//! What backup, check and scrub ask the catalogue.

use super::chunks::chunk_columns;
use super::paged::page_of;
use super::{Catalogue, failed, integrity, one};
use crate::embedded::ReadRow;
use crate::embedded::page::Page;
use crate::embedded::schema::{CHUNK, DATA_KEY};
use crate::{ChunkRow, StoreError, StreamId, StreamKey};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use std::path::Path;
use std::time::Duration;
use tympan_kms::WrappedKey;

/// How long another process's lock on a database is waited for, in steps.
const LOCK_STEPS: u32 = 500;
const LOCK_STEP: Duration = Duration::from_millis(20);

impl Catalogue {
    /// Ids of streams, ascending.
    pub(in crate::embedded) fn stream_ids(
        &self,
        after: Option<StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, StoreError> {
        let reader = self.reader();
        let mut query = reader
            .prepare_cached("SELECT id FROM stream WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2")
            .map_err(failed)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query
            .query_map(params![after.map(StreamId::to_bytes), limit], |row| {
                row.get(0).map(StreamId::from_bytes)
            })
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// All streams. A row that is damaged does not hide the others.
    pub(in crate::embedded) fn all_streams(&self) -> Result<Vec<ReadRow>, StoreError> {
        let mut streams = Vec::new();
        for id in self.stream_ids(None, usize::MAX)? {
            match self.stream(&StreamKey::Id(id)) {
                Ok(Some(row)) => streams.push((id, Ok(row))),
                Ok(None) => {}
                Err(error) => streams.push((id, Err(error))),
            }
        }
        Ok(streams)
    }

    /// The data keys of all streams, but for rows that are damaged.
    pub(in crate::embedded) fn all_keys(&self) -> Result<Vec<(StreamId, WrappedKey)>, StoreError> {
        let reader = self.reader();
        let sql = format!(
            "SELECT stream, wrapped FROM data_key WHERE {} ORDER BY stream, number",
            DATA_KEY.intact()
        );
        let mut query = reader.prepare(&sql).map_err(failed)?;
        let rows = query
            .query_map([], |row| {
                Ok((StreamId::from_bytes(row.get(0)?), WrappedKey::from_bytes(row.get::<_, Vec<u8>>(1)?)))
            })
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// All chunks of all streams, by stream and number, but for rows that are damaged, which [`Self::faults`] tells of.
    pub(in crate::embedded) fn all_chunks(&self) -> Result<Vec<ChunkRow>, StoreError> {
        let reader = self.reader();
        let (columns, intact) = (CHUNK.columns, CHUNK.intact());
        let sql = format!("SELECT {columns}, {intact} FROM chunk ORDER BY stream, last");
        let mut query = reader.prepare(&sql).map_err(failed)?;
        let rows = query.query_map([], chunk_columns).map_err(failed)?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        Ok(rows.into_iter().filter_map(|(row, intact)| intact.then_some(row)).collect())
    }

    /// What is wrong with the pages and rows of the file. Empty: nothing.
    pub(in crate::embedded) fn faults(&self) -> Result<Vec<String>, StoreError> {
        let mut faults = self.texts("SELECT integrity_check FROM pragma_integrity_check")?;
        faults.retain(|fault| fault != "ok");
        let orphans = "SELECT DISTINCT \"table\" || ' has rows of a stream that does not exist' FROM pragma_foreign_key_check";
        faults.extend(self.texts(orphans)?);
        integrity::check_rows(&self.reader(), &mut faults);
        Ok(faults)
    }

    /// The chunks that a copy of a catalogue names, and their bytes. Opens nothing anew: the copy stays as it is.
    pub(in crate::embedded) fn chunks_of(copy: &Path) -> Result<Vec<(String, u64)>, StoreError> {
        let connection = open_immutable(copy)?;
        let mut query =
            connection.prepare("SELECT object, bytes FROM chunk ORDER BY object").map_err(failed)?;
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// What the pages of the streams of a copy should say. A stream of which the row is damaged has none.
    pub(in crate::embedded) fn pages_of(copy: &Path) -> Result<Vec<Page>, StoreError> {
        let connection = open_immutable(copy)?;
        integrity::add_row_checksum(&connection).map_err(failed)?;
        let epoch: i64 = one(&connection, "SELECT epoch FROM store")?;
        let mut query = connection.prepare("SELECT id FROM stream ORDER BY id").map_err(failed)?;
        let ids = query.query_map([], |row| row.get(0).map(StreamId::from_bytes)).map_err(failed)?;
        let ids = ids.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        let page = |id| page_of(&connection, id, epoch.unsigned_abs()).unwrap_or_default();
        Ok(ids.into_iter().filter_map(page).collect())
    }

    /// Gives every stream of a restored catalogue numbers that begin so far on.
    pub(in crate::embedded) fn skip_sequences(&self, by: u64) -> Result<(), StoreError> {
        let by = super::to_sql(by)?;
        self.write(|transaction| {
            super::execute(transaction, "UPDATE stream SET reserved_through = reserved_through + ?1", [by])
        })
    }
}

/// Opens a database that nothing writes, and leaves it as it is.
fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    let address = format!(
        "file:{}?immutable=1",
        path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
    );
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(address, flags).map_err(failed)
}

/// Copies an SQLite database as it is at one moment, while others go on writing it. `target` must not exist; it is not
/// synced.
pub(in crate::embedded) fn copy_database(source: &Path, target: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(source, flags).map_err(failed)?;
    // At rest this may be the only connection, and what is copied stays as it is.
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    let mut target = Connection::open(target).map_err(failed)?;
    // All pages in one step are one read transaction: it holds no writer up, and needs no second try when one commits.
    let backup = Backup::new(&source, &mut target).map_err(failed)?;
    for _ in 0..LOCK_STEPS {
        match backup.step(-1).map_err(failed)? {
            StepResult::Done => return Ok(()),
            _ => std::thread::sleep(LOCK_STEP),
        }
    }
    Err(StoreError::internal("the database stays locked by another process: try again later"))
}
