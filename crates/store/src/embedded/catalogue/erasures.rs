//! The rows of ranges of fragments that are erased.

use super::streams::find_stream;
use super::{Catalogue, execute, failed, to_sql};
use crate::embedded::pages::Pages;
use crate::embedded::schema::ERASURE;
use crate::{ChunkRow, ErrorKind, FragmentRange, MAX_ERASURES, StoreError, StreamId, StreamKey, StreamRow};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use tympan_types::FragmentNumber;

impl Catalogue {
    /// Adds a range, joined with those that it touches.
    pub(in crate::embedded) fn add_erasure(
        &self,
        pages: &Pages,
        stream: StreamId,
        range: FragmentRange,
    ) -> Result<StreamRow, StoreError> {
        self.write_paged(pages, stream, |transaction| {
            let key = StreamKey::Id(stream);
            let row = find_stream(transaction, &key)?.ok_or_else(StoreError::stream_not_found)?;
            if row.erased.iter().any(|erased| erased.covers(&range)) {
                return Ok(row);
            }
            let (within, others): (Vec<_>, Vec<_>) =
                row.erased.iter().partition(|erased| range.covers(erased));
            if others.len() >= MAX_ERASURES {
                let message =
                    format!("{MAX_ERASURES} erasures of stream {stream} are not done yet: try again later");
                return Err(StoreError::new(ErrorKind::QuotaReached, message));
            }
            for FragmentRange { first, last } in within {
                let range = params![stream.to_bytes(), first.to_bytes(), last.to_bytes()];
                execute(
                    transaction,
                    "DELETE FROM erasure WHERE stream = ?1 AND first = ?2 AND last = ?3",
                    range,
                )?;
            }
            insert_erasure(transaction, stream, range)?;
            find_stream(transaction, &key)?.ok_or_else(StoreError::stream_not_found)
        })
    }

    /// Streams that have any.
    pub(in crate::embedded) fn erasing_streams(&self) -> Result<Vec<StreamId>, StoreError> {
        let reader = self.reader();
        let mut query = reader.prepare_cached("SELECT DISTINCT stream FROM erasure").map_err(failed)?;
        let rows = query.query_map([], |row| row.get(0).map(StreamId::from_bytes)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The ranges of all streams.
    pub(in crate::embedded) fn all_erased(
        &self,
    ) -> Result<HashMap<StreamId, Vec<FragmentRange>>, StoreError> {
        let mut all = HashMap::new();
        for stream in self.erasing_streams()? {
            all.insert(stream, erased_of(&self.reader(), stream)?);
        }
        Ok(all)
    }

    /// No record of these ranges is in a newer segment than this.
    pub(in crate::embedded) fn settle_erasures(
        &self,
        stream: StreamId,
        segment: u64,
    ) -> Result<(), StoreError> {
        let segment = to_sql(segment)?;
        let sql = "SELECT 1 FROM erasure WHERE stream = ?1 AND segment IS NULL";
        let open = self.reader().prepare_cached(sql).and_then(|mut query| query.exists([stream.to_bytes()]));
        if !open.map_err(failed)? {
            return Ok(());
        }
        self.write(|transaction| {
            let sql = "UPDATE erasure SET segment = ?2 WHERE stream = ?1 AND segment IS NULL";
            execute(transaction, sql, params![stream.to_bytes(), segment])
        })
    }

    /// Forgets the ranges whose records are all in segments before `oldest`. Whether there were any.
    pub(in crate::embedded) fn forget_erasures(
        &self,
        pages: &Pages,
        stream: StreamId,
        oldest: u64,
    ) -> Result<bool, StoreError> {
        let oldest = to_sql(oldest)?;
        let sql =
            format!("SELECT 1 FROM erasure WHERE stream = ?1 AND segment < ?2 AND {}", ERASURE.intact());
        let values = params![stream.to_bytes(), oldest];
        let done = self.reader().prepare_cached(&sql).and_then(|mut query| query.exists(values));
        if !done.map_err(failed)? {
            return Ok(false);
        }
        self.write_paged(pages, stream, |transaction| {
            let sql =
                format!("DELETE FROM erasure WHERE stream = ?1 AND segment < ?2 AND {}", ERASURE.intact());
            execute(transaction, &sql, params![stream.to_bytes(), oldest])
        })?;
        Ok(true)
    }

    /// Turns a chunk into garbage; `by` takes its place, and is garbage no more.
    pub(in crate::embedded) fn replace_chunk(
        &self,
        chunk: &ChunkRow,
        by: Option<&ChunkRow>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let key = StreamKey::Id(chunk.stream);
            let row = find_stream(transaction, &key)?.ok_or_else(StoreError::stream_not_found)?;
            let old = params![chunk.stream.to_bytes(), chunk.last.to_bytes(), chunk.object];
            let sql = "DELETE FROM chunk WHERE stream = ?1 AND last = ?2 AND object = ?3";
            let deleted = transaction.prepare_cached(sql).and_then(|mut delete| delete.execute(old));
            if deleted.map_err(failed)? == 0 {
                // It has expired meanwhile, and so has what would take its place.
                return Ok(());
            }
            execute(transaction, "INSERT OR IGNORE INTO garbage (object) VALUES (?1)", [&chunk.object])?;
            if let Some(by) = by {
                execute(transaction, "DELETE FROM garbage WHERE object = ?1", [&by.object])?;
                super::chunks::insert(transaction, by, &row)?;
            }
            Ok(())
        })
    }

    /// Names an object that is about to be written, so that it goes if nothing else ever names it.
    pub(in crate::embedded) fn announce(&self, object: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            execute(transaction, "INSERT OR IGNORE INTO garbage (object) VALUES (?1)", [object])
        })
    }
}

/// The ranges of a stream of which something may be left. A row that is damaged is left out.
pub(super) fn erased_of(connection: &Connection, stream: StreamId) -> Result<Vec<FragmentRange>, StoreError> {
    let sql = format!(
        "SELECT first, last FROM erasure WHERE stream = ?1 AND {} ORDER BY first, last",
        ERASURE.intact()
    );
    let mut query = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = query
        .query_map([stream.to_bytes()], |row| {
            let (first, last) = (row.get(0)?, row.get(1)?);
            Ok(FragmentRange {
                first: FragmentNumber::from_bytes(first),
                last: FragmentNumber::from_bytes(last),
            })
        })
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// Adds a range, of which a record may still come to the journal.
pub(super) fn insert_erasure(
    connection: &Connection,
    stream: StreamId,
    range: FragmentRange,
) -> Result<(), StoreError> {
    let values = params![stream.to_bytes(), range.first.to_bytes(), range.last.to_bytes()];
    execute(connection, "INSERT INTO erasure (stream, first, last) VALUES (?1, ?2, ?3)", values)
}
