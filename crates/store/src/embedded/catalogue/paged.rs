//! Changes of what a stream's page says: the page is durable before the commit that makes the change visible.

use super::streams::{find_stream, keys_of};
use super::{Catalogue, failed};
use crate::embedded::page::Page;
use crate::embedded::pages::Pages;
use crate::{StoreError, StreamId, StreamKey};
use rusqlite::{Connection, Transaction};
use std::collections::{BTreeMap, HashMap, HashSet};

impl Catalogue {
    /// One transaction that changes what is known of a stream. No other change comes between its page and its commit.
    ///
    /// If the commit fails, the page is ahead of the catalogue. That does no harm: nothing is sealed under a key before
    /// its commit, and the next change or the next start writes the page anew.
    pub(super) fn write_paged<T>(
        &self,
        pages: &Pages,
        stream: StreamId,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write(|transaction| {
            let result = work(transaction)?;
            let page = page_of(transaction, stream, self.epoch)?.ok_or_else(StoreError::stream_not_found)?;
            pages.write(&page)?;
            Ok(result)
        })
    }

    /// What the pages of all streams should say. A stream of which the row is damaged has none.
    pub(in crate::embedded) fn all_pages(&self) -> Result<BTreeMap<StreamId, Page>, StoreError> {
        let mut pages = BTreeMap::new();
        let ids = self.stream_ids(None, usize::MAX)?;
        let reader = self.reader();
        for id in ids {
            pages.extend(page_of(&reader, id, self.epoch)?.map(|page| (id, page)));
        }
        Ok(pages)
    }

    /// Ids in the log of deletions.
    pub(in crate::embedded) fn deleted_ids(&self) -> Result<HashSet<StreamId>, StoreError> {
        Ok(self.deletions()?.into_iter().map(|deletion| deletion.id).collect())
    }

    /// How many hours each stream's fragments are kept.
    pub(in crate::embedded) fn retentions(&self) -> Result<HashMap<StreamId, u32>, StoreError> {
        let reader = self.reader();
        let mut query = reader.prepare_cached("SELECT id, retention_hours FROM stream").map_err(failed)?;
        let rows = query
            .query_map([], |row| Ok((StreamId::from_bytes(row.get(0)?), row.get(1)?)))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

/// What a stream's page should say.
pub(super) fn page_of(connection: &Connection, id: StreamId, epoch: u64) -> Result<Option<Page>, StoreError> {
    let Some(row) = find_stream(connection, &StreamKey::Id(id))? else { return Ok(None) };
    let keys = keys_of(connection, id)?;
    Ok(Some(Page {
        epoch,
        stream: row.stream,
        expired_through: row.expired_through,
        keys,
        erased: row.erased,
    }))
}
