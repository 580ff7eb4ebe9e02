//! The log of deletions: which streams there were. It holds no key, and rows are only ever added.
//!
//! Without it nobody could ask later whether a stream is really gone: its id would be unknown.

use super::{Catalogue, failed};
use crate::{StoreError, Stream, StreamId};
use rusqlite::{Connection, params};
use tympan_types::{AccountId, Region, StreamArn, StreamName, WallTime};
use uuid::Uuid;

/// A stream that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The generation.
    pub id: StreamId,
    /// Its ARN, creation time included.
    pub arn: StreamArn,
    /// When it was deleted, by the machine's clock.
    pub deleted: WallTime,
    /// The master key, as the user named it.
    pub kms_key_id: String,
    /// Wrapped data keys that were destroyed.
    pub data_keys: u64,
    /// Chunks that it had; what was in the journal only is not counted.
    pub chunks: u64,
    /// Fragments in these chunks.
    pub fragments: u64,
    /// Bytes of these chunks.
    pub bytes: u64,
}

/// Notes that a stream is being deleted, in the transaction that deletes it.
pub(super) fn record(connection: &Connection, stream: &Stream) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO deletion (id, account, region, name, created_ms, deleted_ms, kms_key_id, data_keys, chunks,
                fragments, bytes)
             SELECT ?1, ?2, ?3, ?4, ?5, CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER), ?6,
                (SELECT count(*) FROM data_key WHERE stream = ?7),
                count(*), coalesce(sum(fragments), 0), coalesce(sum(bytes), 0)
             FROM chunk WHERE stream = ?7",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                stream.id.to_string(),
                stream.arn.account().as_str(),
                stream.arn.region().as_str(),
                stream.arn.name().as_str(),
                stream.arn.created().unix_ms(),
                stream.kms_key_id,
                stream.id.to_bytes(),
            ])
        })
        .map_err(failed)?;
    Ok(())
}

/// Takes a row over from another catalogue's log.
pub(super) fn copy(connection: &Connection, deletion: &Deletion) -> Result<(), StoreError> {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO deletion (id, account, region, name, created_ms, deleted_ms, kms_key_id, data_keys,
                chunks, fragments, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                deletion.id.to_string(),
                deletion.arn.account().as_str(),
                deletion.arn.region().as_str(),
                deletion.arn.name().as_str(),
                deletion.arn.created().unix_ms(),
                deletion.deleted.unix_ms(),
                deletion.kms_key_id,
                count(deletion.data_keys),
                count(deletion.chunks),
                count(deletion.fragments),
                count(deletion.bytes),
            ])
        })
        .map_err(failed)?;
    Ok(())
}

impl Catalogue {
    /// All deletions, the oldest first.
    pub(in crate::embedded) fn deletions(&self) -> Result<Vec<Deletion>, StoreError> {
        let reader = self.reader();
        let mut query = reader
            .prepare(
                "SELECT id, account, region, name, created_ms, deleted_ms, kms_key_id, data_keys, chunks, fragments, bytes
                 FROM deletion ORDER BY deleted_ms, id",
            )
            .map_err(failed)?;
        let rows = query
            .query_map([], |row| {
                let texts: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
                let deletion = |arn, id| -> rusqlite::Result<Deletion> {
                    Ok(Deletion {
                        id,
                        arn,
                        deleted: WallTime::from_unix_ms(row.get(5)?),
                        kms_key_id: row.get(6)?,
                        data_keys: count(7)?,
                        chunks: count(8)?,
                        fragments: count(9)?,
                        bytes: count(10)?,
                    })
                };
                parse(&texts, row.get(4)?).map(|(arn, id)| deletion(arn, id)).transpose()
            })
            .map_err(failed)?;
        let mut deletions = Vec::new();
        for row in rows {
            let damaged = || StoreError::corrupt("a row of the log of deletions is damaged");
            deletions.push(row.map_err(failed)?.ok_or_else(damaged)?);
        }
        Ok(deletions)
    }
}

fn parse([id, account, region, name]: &[String; 4], created_ms: i64) -> Option<(StreamArn, StreamId)> {
    let arn = StreamArn::new(
        Region::parse(region).ok()?,
        AccountId::parse(account).ok()?,
        StreamName::parse(name).ok()?,
        WallTime::from_unix_ms(created_ms),
    );
    Some((arn, StreamId::from_bytes(Uuid::try_parse(id).ok()?.into_bytes())))
}
