//! The rows of chunks, and the names of bytes that should go.

use super::streams::find_stream;
use super::{Catalogue, execute, failed, to_sql};
use crate::embedded::schema::{CHUNK, GARBAGE};
use crate::stream_rules::retention_ms;
use crate::{ChunkRow, ChunkTotals, FirstMatch, StoreError, StreamId, StreamKey, StreamRow, TimeAxis};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};
use std::collections::HashSet;
use tympan_types::{FragmentNumber, ServerTime, WallTime};

/// At most so many chunks expire in one transaction.
const EXPIRE_BATCH: i64 = 1_000;
/// That many when the disk is full: a transaction of these fits into the reserve.
const EXPIRE_BATCH_WHEN_FULL: i64 = 50;

impl Catalogue {
    /// The chunk's bytes are durable: names them, and retires the journal records that it replaces.
    pub(in crate::embedded) fn publish(&self, chunk: &ChunkRow) -> Result<(), StoreError> {
        self.write(|transaction| {
            let row =
                find_stream(transaction, &StreamKey::Id(chunk.stream))?.ok_or_else(StoreError::stream_not_found)?;
            let retired = row.chunked_through.max(chunk.last);
            insert(transaction, chunk, &row)?;
            execute(
                transaction,
                "UPDATE stream SET chunked_through = ?2, newest_server_ms = max(newest_server_ms, ?3) WHERE id = ?1",
                params![chunk.stream.to_bytes(), retired.to_bytes(), chunk.server_ms.1],
            )
        })
    }

    /// Puts a chunk's row in the place of one that is damaged; `false` if there is none, or the chunk is none of those
    /// that are kept.
    pub(in crate::embedded) fn name_again(&self, chunk: &ChunkRow) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let Ok(Some(row)) = find_stream(transaction, &StreamKey::Id(chunk.stream)) else {
                return Ok(false);
            };
            let (stream, first, last) =
                (chunk.stream.to_bytes(), chunk.first.to_bytes(), chunk.last.to_bytes());
            let overlap = format!(
                "SELECT 1 FROM chunk WHERE stream = ?1 AND last >= ?2 AND first <= ?3 AND {}",
                CHUNK.intact()
            );
            let taken = transaction
                .prepare_cached(&overlap)
                .and_then(|mut query| query.exists(params![stream, first, last]))
                .map_err(failed)?;
            if taken || chunk.last > row.chunked_through {
                return Ok(false);
            }
            // Whatever is wrong with the row, something of it is right.
            let damaged = format!(
                "DELETE FROM chunk WHERE NOT {}
                    AND (object = ?4 OR (stream = ?1 AND (first = ?2 OR last = ?3)))",
                CHUNK.intact()
            );
            let deleted = transaction
                .prepare_cached(&damaged)
                .and_then(|mut delete| delete.execute(params![stream, first, last, chunk.object]))
                .map_err(failed)?;
            if deleted > 0 {
                insert(transaction, chunk, &row)?;
            }
            Ok(deleted > 0)
        })
    }

    pub(in crate::embedded) fn find_chunk(
        &self,
        stream: StreamId,
        after: FragmentNumber,
        matching: FirstMatch,
    ) -> Result<Option<ChunkRow>, StoreError> {
        let span = |axis| match axis {
            TimeAxis::Producer => ("producer_min_ms", "producer_max_ms"),
            TimeAxis::Server => ("server_min_ms", "server_max_ms"),
        };
        let mut values: Vec<Value> =
            vec![stream.to_bytes().to_vec().into(), after.to_bytes().to_vec().into()];
        let condition = match matching {
            FirstMatch::Any => String::new(),
            FirstMatch::Reaching { axis, at_ms } => {
                values.push(at_ms.into());
                format!("AND ({max} >= ?3 OR {max} + longest_ms >= ?3)", max = span(axis).1)
            }
            FirstMatch::Starting { axis, from_ms, to_ms } => {
                values.extend([from_ms.into(), to_ms.into()]);
                let (min, max) = span(axis);
                format!("AND {max} >= ?3 AND {min} <= ?4")
            }
        };
        let sql = format!(
            "SELECT {}, {} FROM chunk WHERE stream = ?1 AND last > ?2 {condition} ORDER BY last LIMIT 1",
            CHUNK.columns,
            CHUNK.intact()
        );
        loop {
            let found = self
                .reader()
                .prepare_cached(&sql)
                .and_then(|mut query| query.query_row(params_from_iter(&values), chunk_columns).optional())
                .map_err(failed)?;
            match found {
                Some((row, false)) => {
                    tracing::error!(%stream, object = row.object, "the catalogue's row of a chunk is damaged; the chunk is left out");
                    if let Some(after) = values.get_mut(1) {
                        *after = row.last.to_bytes().to_vec().into();
                    }
                }
                found => return Ok(found.map(|(row, _)| row)),
            }
        }
    }

    /// Chunks in sum. Rows that are damaged may be among them: nothing is read or removed by this.
    pub(in crate::embedded) fn chunk_totals(
        &self,
        stream: StreamId,
        expired: ServerTime,
        through: FragmentNumber,
    ) -> Result<ChunkTotals, StoreError> {
        let sql = "SELECT coalesce(sum(fragments), 0), coalesce(sum(bytes), 0), min(server_min_ms) FROM chunk
                   WHERE stream = ?1 AND last <= ?2 AND server_max_ms > ?3";
        let (stream, through) = (stream.to_bytes(), through.to_bytes());
        let read = |row: &Row<'_>| {
            let (fragments, bytes, oldest): (i64, i64, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(ChunkTotals {
                fragments: fragments.unsigned_abs(),
                bytes: bytes.unsigned_abs(),
                oldest: oldest.map(ServerTime::from_unix_ms),
            })
        };
        self.reader()
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row(params![stream, through, expired.unix_ms()], read))
            .map_err(failed)
    }

    /// Whether a chunk is still named.
    pub(in crate::embedded) fn names(&self, chunk: &ChunkRow) -> Result<bool, StoreError> {
        let found = self
            .reader()
            .prepare_cached("SELECT 1 FROM chunk WHERE stream = ?1 AND last = ?2 AND object = ?3")
            .and_then(|mut query| {
                query.exists(params![chunk.stream.to_bytes(), chunk.last.to_bytes(), chunk.object])
            });
        found.map_err(failed)
    }

    /// The objects of all chunks of which the row is intact.
    pub(in crate::embedded) fn objects(&self) -> Result<HashSet<String>, StoreError> {
        self.texts(&format!("SELECT object FROM chunk WHERE {}", CHUNK.intact())).map(HashSet::from_iter)
    }

    /// Turns chunks of which everything has expired into garbage. Returns how many.
    pub(in crate::embedded) fn expire(&self, now: WallTime) -> Result<u64, StoreError> {
        self.expire_in_batches(now, EXPIRE_BATCH)
    }

    /// The same in steps that need little space.
    pub(in crate::embedded) fn expire_when_full(&self, now: WallTime) -> Result<u64, StoreError> {
        self.expire_in_batches(now, EXPIRE_BATCH_WHEN_FULL)
    }

    fn expire_in_batches(&self, now: WallTime, batch_rows: i64) -> Result<u64, StoreError> {
        let mut expired = 0;
        loop {
            let batch = self.write(|transaction| {
                // The second look is at the row itself, whatever the index says, and only at one that is intact.
                let due = format!(
                    "SELECT stream, last FROM chunk WHERE expires_at_ms <= ?1 AND expires_at_ms + 0 <= ?1 AND {}
                     ORDER BY expires_at_ms LIMIT ?2",
                    CHUNK.intact()
                );
                let of_due = format!("FROM chunk WHERE (stream, last) IN ({due})");
                let values = params![now.unix_ms(), batch_rows];
                let name = format!("INSERT OR IGNORE INTO garbage (object) SELECT object {of_due}");
                execute(transaction, &name, values)?;
                let deleted = transaction
                    .prepare_cached(&format!("DELETE {of_due}"))
                    .and_then(|mut delete| delete.execute(values));
                deleted.map_err(failed)
            })?;
            expired += batch as u64;
            if (batch as u64) < batch_rows.unsigned_abs() {
                return Ok(expired);
            }
        }
    }

    /// Objects whose bytes should go.
    pub(in crate::embedded) fn garbage(&self) -> Result<Vec<String>, StoreError> {
        self.texts(&format!("SELECT object FROM garbage WHERE {}", GARBAGE.intact()))
    }

    /// The bytes of these objects are gone.
    pub(in crate::embedded) fn forget_garbage(&self, objects: &[String]) -> Result<(), StoreError> {
        self.write(|transaction| {
            objects.iter().try_for_each(|object| {
                execute(transaction, "DELETE FROM garbage WHERE object = ?1", [object])
            })
        })
    }
}

/// Adds a chunk's row to its stream's.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    chunk: &ChunkRow,
    stream: &StreamRow,
) -> Result<(), StoreError> {
    let newest_ms = chunk.server_ms.1;
    let expires_at_ms = if newest_ms <= stream.expired_through.unix_ms() {
        newest_ms
    } else {
        newest_ms.saturating_add(retention_ms(stream.stream.retention_hours))
    };
    execute(
        transaction,
        "INSERT INTO chunk (stream, last, first, object, fragments, bytes, index_offset, producer_min_ms,
            producer_max_ms, server_min_ms, server_max_ms, longest_ms, expires_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            chunk.stream.to_bytes(),
            chunk.last.to_bytes(),
            chunk.first.to_bytes(),
            chunk.object,
            chunk.fragments,
            to_sql(chunk.bytes)?,
            chunk.index_offset,
            chunk.producer_ms.0,
            chunk.producer_ms.1,
            chunk.server_ms.0,
            newest_ms,
            chunk.longest_ms,
            expires_at_ms,
        ],
    )
}

/// The columns of [`CHUNK`], and whether they are what was written.
pub(super) fn chunk_columns(row: &Row<'_>) -> rusqlite::Result<(ChunkRow, bool)> {
    let chunk = ChunkRow {
        stream: StreamId::from_bytes(row.get(0)?),
        first: FragmentNumber::from_bytes(row.get(1)?),
        last: FragmentNumber::from_bytes(row.get(2)?),
        object: row.get(3)?,
        fragments: row.get(4)?,
        bytes: row.get::<_, i64>(5)?.unsigned_abs(),
        index_offset: row.get(6)?,
        producer_ms: (row.get(7)?, row.get(8)?),
        server_ms: (row.get(9)?, row.get(10)?),
        longest_ms: row.get(11)?,
    };
    Ok((chunk, row.get(13)?))
}
