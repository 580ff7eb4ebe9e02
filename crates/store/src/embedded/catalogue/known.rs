//! What the catalogue knows, read while it is being opened: the files of the directory are compared with it before
//! anything is changed.

use super::failed;
use crate::embedded::schema::{CHUNK, GARBAGE, STORE, STREAM};
use crate::{StoreError, StreamId};
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use tympan_types::ServerTime;
use uuid::Uuid;

/// The catalogue as it is before this opening changes it.
#[derive(Debug, Default)]
pub(in crate::embedded) struct Known {
    /// The epoch that this opening would take.
    pub(in crate::embedded) epoch: u64,
    /// Whether every row and page is what was written. Where not, a missing row proves nothing.
    pub(in crate::embedded) whole: bool,
    /// Whether the row that holds the epoch is what was written.
    pub(in crate::embedded) epoch_is_sound: bool,
    /// Every deletion since this epoch is in the log. What is older and of an unknown stream proves nothing.
    pub(in crate::embedded) logged_since: u64,
    pub(in crate::embedded) streams: HashMap<StreamId, KnownStream>,
    pub(in crate::embedded) deleted: HashSet<StreamId>,
    /// Chunks that have a row.
    pub(in crate::embedded) chunks: HashSet<String>,
    /// Chunks that are to be removed.
    pub(in crate::embedded) garbage: HashSet<String>,
}

/// What decides whether a fragment of a stream may be missing from the catalogue.
#[derive(Debug)]
pub(in crate::embedded) struct KnownStream {
    pub(in crate::embedded) retention_hours: u32,
    pub(in crate::embedded) expired_through: ServerTime,
    pub(in crate::embedded) newest_server: ServerTime,
    pub(in crate::embedded) reserved_through: u64,
    /// Numbers of its data keys.
    pub(in crate::embedded) keys: HashSet<u32>,
}

impl Known {
    /// Reads everything but the fields that the caller knows. Damaged rows of streams and chunks are left out.
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let epoch_is_sound = super::one(connection, &format!("SELECT {} FROM store", STORE.intact()))?;
        let mut known = Self { epoch_is_sound, ..Self::default() };
        known.read_streams(connection)?;
        let objects = format!("SELECT object FROM chunk WHERE {}", CHUNK.intact());
        known.chunks = texts(connection, &objects)?.into_iter().collect();
        let garbage = format!("SELECT object FROM garbage WHERE {}", GARBAGE.intact());
        known.garbage = texts(connection, &garbage)?.into_iter().collect();
        let ids = texts(connection, "SELECT id FROM deletion")?;
        let parsed = ids.iter().filter_map(|id| Uuid::try_parse(id).ok());
        known.deleted = parsed.map(|id| StreamId::from_bytes(id.into_bytes())).collect();
        Ok(known)
    }

    fn read_streams(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT id, retention_hours, expired_through_ms, newest_server_ms, reserved_through
             FROM stream WHERE {}",
            STREAM.intact()
        );
        let mut query = connection.prepare(&sql).map_err(failed)?;
        let rows = query
            .query_map([], |row| {
                let stream = KnownStream {
                    retention_hours: row.get(1)?,
                    expired_through: ServerTime::from_unix_ms(row.get(2)?),
                    newest_server: ServerTime::from_unix_ms(row.get(3)?),
                    reserved_through: row.get::<_, i64>(4)?.unsigned_abs(),
                    keys: HashSet::new(),
                };
                Ok((StreamId::from_bytes(row.get(0)?), stream))
            })
            .map_err(failed)?;
        for row in rows {
            let (id, stream) = row.map_err(failed)?;
            self.streams.insert(id, stream);
        }
        let mut query = connection.prepare("SELECT stream, number FROM data_key").map_err(failed)?;
        let keys = query
            .query_map([], |row| Ok((StreamId::from_bytes(row.get(0)?), row.get::<_, u32>(1)?)))
            .map_err(failed)?;
        for key in keys {
            let (id, number) = key.map_err(failed)?;
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.keys.insert(number);
            }
        }
        Ok(())
    }
}

fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut query = connection.prepare(sql).map_err(failed)?;
    let rows = query.query_map([], |row| row.get(0)).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}
