//! A catalogue that is made anew from what lies beside it.

use super::chunks::insert;
use super::erasures::insert_erasure;
use super::streams::{insert_key, insert_stream};
use super::{Database, Deletion, deletions, failed, to_sql, upgrade};
use crate::embedded::schema;
use crate::{ChunkRow, KeyRow, StoreError, StreamRow};
use std::path::Path;

/// What is to be in it.
#[derive(Debug, Default)]
pub(in crate::embedded) struct Rebuilt {
    /// The newest epoch that anything names.
    pub(in crate::embedded) epoch: u64,
    pub(in crate::embedded) streams: Vec<RebuiltStream>,
    /// What could be read of an earlier log.
    pub(in crate::embedded) deletions: Vec<Deletion>,
}

/// A stream and all that belongs to it.
#[derive(Debug)]
pub(in crate::embedded) struct RebuiltStream {
    pub(in crate::embedded) row: StreamRow,
    pub(in crate::embedded) keys: Vec<KeyRow>,
    /// Ascending, without overlaps.
    pub(in crate::embedded) chunks: Vec<ChunkRow>,
}

impl Rebuilt {
    /// Writes a database, which must not exist. It is durable when this returns, but for its name.
    pub(in crate::embedded) fn write(&self, path: &Path) -> Result<(), StoreError> {
        // In SQLite's first mode: without a log, so that one file is all there is to rename.
        let mut connection = Database::file(path).connect()?;
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(schema::TABLES).map_err(failed)?;
        let epoch = to_sql(self.epoch)?;
        transaction.execute("INSERT INTO store (format, epoch) VALUES (1, ?1)", [epoch]).map_err(failed)?;
        upgrade(&transaction, 1)?;
        for stream in &self.streams {
            insert_stream(&transaction, &stream.row)?;
            for key in &stream.keys {
                insert_key(&transaction, stream.row.stream.id, key)?;
            }
            for chunk in &stream.chunks {
                insert(&transaction, chunk, &stream.row)?;
            }
            for range in &stream.row.erased {
                insert_erasure(&transaction, stream.row.stream.id, *range)?;
            }
        }
        for deletion in &self.deletions {
            deletions::copy(&transaction, deletion)?;
        }
        // From the next opening on, every deletion is logged; of the time before, that is not certain.
        let since = epoch.saturating_add(1).min(i64::from(i32::MAX));
        transaction.execute_batch(&format!("PRAGMA user_version = {since}")).map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}
