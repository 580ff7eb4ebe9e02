//! The rows of streams and of their wrapped keys.

use super::erasures::erased_of;
use super::{Catalogue, deletions, execute, failed, to_sql};
use crate::embedded::pages::Pages;
use crate::embedded::schema::STREAM;
use crate::stream_rules::{change_tags, check_version, exists, expires_before, quota_reached, retention_ms};
use crate::{
    KeyRow, Reservation, StorageTier, StoreError, Stream, StreamId, StreamKey, StreamPage, StreamRow,
    StreamStatus,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};
use std::collections::{BTreeMap, HashMap};
use tympan_kms::WrappedKey;
use tympan_types::{AccountId, FragmentNumber, Region, ServerTime, StreamArn, StreamName, WallTime};

impl Catalogue {
    pub(in crate::embedded) fn create_stream(
        &self,
        pages: &Pages,
        stream: &Stream,
        quota: Option<u32>,
    ) -> Result<(), StoreError> {
        self.write_paged(pages, stream.id, |transaction| {
            let (account, region) = (stream.arn.account().as_str(), stream.arn.region().as_str());
            let name = stream.arn.name().as_str();
            let count = |sql, values: &[&str]| -> Result<u64, StoreError> {
                let count: i64 = transaction
                    .prepare_cached(sql)
                    .and_then(|mut query| query.query_row(params_from_iter(values), |row| row.get(0)))
                    .map_err(failed)?;
                Ok(count.unsigned_abs())
            };
            let of_name = "SELECT count(*) FROM stream WHERE account = ?1 AND region = ?2 AND name = ?3";
            if count(of_name, &[account, region, name])? > 0 {
                return Err(exists(stream));
            }
            let owned =
                count("SELECT count(*) FROM stream WHERE account = ?1 AND region = ?2", &[account, region])?;
            if quota.is_some_and(|quota| owned >= u64::from(quota)) {
                return Err(quota_reached(owned));
            }
            let never = ServerTime::from_unix_ms(i64::MIN);
            let row = StreamRow {
                stream: stream.clone(),
                expired_through: never,
                chunked_through: FragmentNumber::MIN,
                newest_server: never,
                reserved_through: 0,
                finished: false,
                erased: Vec::new(),
            };
            insert_stream(transaction, &row)
        })
    }

    pub(in crate::embedded) fn stream(&self, key: &StreamKey) -> Result<Option<StreamRow>, StoreError> {
        find_stream(&self.reader(), key)
    }

    pub(in crate::embedded) fn list_streams(&self, page: &StreamPage) -> Result<Vec<Stream>, StoreError> {
        let reader = self.reader();
        // A range of names, not a pattern: `_` and `%` are no wildcards, and the index serves it.
        let mut query = reader
            .prepare_cached(&format!(
                "SELECT {}, {} FROM stream
                 WHERE account = ?1 AND region = ?2 AND name >= ?3 AND name > ?4 AND substr(name, 1, ?5) = ?3
                 ORDER BY name LIMIT ?6",
                STREAM.columns,
                STREAM.intact()
            ))
            .map_err(failed)?;
        let after = page.after.as_ref().map_or("", StreamName::as_str);
        let rows = query
            .query_map(
                params![
                    page.account.as_str(),
                    page.region.as_str(),
                    page.prefix,
                    after,
                    to_sql(page.prefix.chars().count() as u64)?,
                    to_sql(page.limit as u64)?,
                ],
                stream_columns,
            )
            .map_err(failed)?;
        let mut streams = Vec::new();
        for row in rows {
            match row.map_err(failed)?.into_row() {
                Ok(row) => streams.push(row.stream),
                // One that is damaged does not hide the others.
                Err(error) => tracing::error!(%error, "a stream is left out of a listing"),
            }
        }
        Ok(streams)
    }

    pub(in crate::embedded) fn delete_stream(
        &self,
        key: &StreamKey,
        version: Option<u64>,
    ) -> Result<StreamId, StoreError> {
        let id = self.write(|transaction| {
            let row = find_stream(transaction, key)?.ok_or_else(StoreError::stream_not_found)?;
            check_version(&row.stream, version)?;
            let id = row.stream.id.to_bytes();
            deletions::record(transaction, &row.stream)?;
            execute(transaction, "DELETE FROM data_key WHERE stream = ?1", [id])?;
            execute(
                transaction,
                "INSERT OR IGNORE INTO garbage (object) SELECT object FROM chunk WHERE stream = ?1",
                [id],
            )?;
            execute(transaction, "DELETE FROM chunk WHERE stream = ?1", [id])?;
            execute(transaction, "DELETE FROM erasure WHERE stream = ?1", [id])?;
            execute(transaction, "DELETE FROM stream WHERE id = ?1", [id])?;
            Ok(row.stream.id)
        })?;
        // secure_delete has zeroed the key in the page; older copies of the page are still in the write-ahead log.
        let _no_reader_in_the_way = self.reader();
        let truncated: Result<i64, _> =
            self.writer().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        if !matches!(truncated, Ok(0)) {
            tracing::warn!(stream = %id, "a destroyed key stays in the catalogue's log until the next checkpoint");
        }
        Ok(id)
    }

    pub(in crate::embedded) fn set_tags(
        &self,
        pages: &Pages,
        stream: StreamId,
        add: &BTreeMap<String, String>,
        remove: &[String],
        max: usize,
    ) -> Result<StreamRow, StoreError> {
        self.change(pages, stream, None, |transaction, row| {
            let mut tags = row.stream.tags.clone();
            change_tags(&mut tags, add, remove, max)?;
            execute(
                transaction,
                "UPDATE stream SET tags = ?2 WHERE id = ?1",
                params![stream.to_bytes(), tags_to_sql(&tags)?],
            )
        })
    }

    pub(in crate::embedded) fn set_details(
        &self,
        pages: &Pages,
        stream: StreamId,
        version: Option<u64>,
        device_name: Option<&str>,
        media_type: Option<&str>,
    ) -> Result<StreamRow, StoreError> {
        self.change(pages, stream, version, |transaction, _| {
            execute(
                transaction,
                "UPDATE stream SET device_name = coalesce(?2, device_name), media_type = coalesce(?3, media_type)
                 WHERE id = ?1",
                params![stream.to_bytes(), device_name, media_type],
            )
        })
    }

    pub(in crate::embedded) fn set_storage_tier(
        &self,
        pages: &Pages,
        stream: StreamId,
        version: Option<u64>,
        tier: StorageTier,
    ) -> Result<StreamRow, StoreError> {
        self.change(pages, stream, version, |transaction, _| {
            execute(
                transaction,
                "UPDATE stream SET storage_tier = ?2 WHERE id = ?1",
                params![stream.to_bytes(), tier_to_sql(tier)],
            )
        })
    }

    pub(in crate::embedded) fn set_retention(
        &self,
        pages: &Pages,
        stream: StreamId,
        version: Option<u64>,
        hours: u32,
        now: WallTime,
    ) -> Result<StreamRow, StoreError> {
        self.change(pages, stream, version, |transaction, row| {
            let expired = expires_before(row.stream.retention_hours, row.expired_through, now).unix_ms();
            execute(
                transaction,
                "UPDATE stream SET retention_hours = ?2, expired_through_ms = ?3 WHERE id = ?1",
                params![stream.to_bytes(), hours, expired],
            )?;
            execute(
                transaction,
                "UPDATE chunk SET expires_at_ms = iif(server_max_ms <= ?3, server_max_ms, server_max_ms + ?2)
                 WHERE stream = ?1",
                params![stream.to_bytes(), retention_ms(hours), expired],
            )
        })
    }

    pub(in crate::embedded) fn reserve(
        &self,
        stream: StreamId,
        new_session: bool,
    ) -> Result<Reservation, StoreError> {
        self.write(|transaction| {
            let row =
                find_stream(transaction, &StreamKey::Id(stream))?.ok_or_else(StoreError::stream_not_found)?;
            let block = Reservation::after(row.reserved_through, new_session);
            execute(
                transaction,
                "UPDATE stream SET reserved_through = ?2, finished = finished AND NOT ?3 WHERE id = ?1",
                params![stream.to_bytes(), to_sql(block.through)?, new_session],
            )?;
            Ok(block)
        })
    }

    pub(in crate::embedded) fn set_finished(
        &self,
        stream: StreamId,
        finished: bool,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            execute(
                transaction,
                "UPDATE stream SET finished = ?2 WHERE id = ?1",
                params![stream.to_bytes(), finished],
            )
        })
    }

    pub(in crate::embedded) fn keys(&self, stream: StreamId) -> Result<Vec<KeyRow>, StoreError> {
        keys_of(&self.reader(), stream)
    }

    /// Adds a wrapped key, unless its number is taken.
    pub(in crate::embedded) fn add_key(
        &self,
        pages: &Pages,
        stream: StreamId,
        key: &KeyRow,
    ) -> Result<bool, StoreError> {
        self.write_paged(pages, stream, |transaction| {
            if find_stream(transaction, &StreamKey::Id(stream))?.is_none() {
                return Err(StoreError::stream_not_found());
            }
            insert_key(transaction, stream, key)
        })
    }

    /// Per intact stream, up to which number its journal records are dead.
    /// The newest time in the rows of streams.
    pub(in crate::embedded) fn newest_time(&self) -> Result<Option<WallTime>, StoreError> {
        let sql =
            format!("SELECT max(max(newest_server_ms, created_ms)) FROM stream WHERE {}", STREAM.intact());
        let newest: Option<i64> = super::one(&self.reader(), &sql)?;
        Ok(newest.map(WallTime::from_unix_ms))
    }

    pub(in crate::embedded) fn chunked_through(
        &self,
    ) -> Result<HashMap<StreamId, FragmentNumber>, StoreError> {
        let reader = self.reader();
        let sql = format!("SELECT id, chunked_through FROM stream WHERE {}", STREAM.intact());
        let mut query = reader.prepare(&sql).map_err(failed)?;
        let rows = query
            .query_map([], |row| {
                Ok((StreamId::from_bytes(row.get(0)?), FragmentNumber::from_bytes(row.get(1)?)))
            })
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Changes a stream's metadata under its optimistic lock.
    fn change(
        &self,
        pages: &Pages,
        stream: StreamId,
        version: Option<u64>,
        change: impl FnOnce(&Transaction<'_>, &StreamRow) -> Result<(), StoreError>,
    ) -> Result<StreamRow, StoreError> {
        let key = StreamKey::Id(stream);
        self.write_paged(pages, stream, |transaction| {
            let row = find_stream(transaction, &key)?.ok_or_else(StoreError::stream_not_found)?;
            check_version(&row.stream, version)?;
            change(transaction, &row)?;
            execute(
                transaction,
                "UPDATE stream SET version = version + 1 WHERE id = ?1",
                [stream.to_bytes()],
            )?;
            find_stream(transaction, &key)?.ok_or_else(StoreError::stream_not_found)
        })
    }
}

const HOT: &str = "HOT";
const WARM: &str = "WARM";

fn tier_to_sql(tier: StorageTier) -> &'static str {
    match tier {
        StorageTier::Hot => HOT,
        StorageTier::Warm => WARM,
    }
}

/// Adds a stream's row.
pub(super) fn insert_stream(connection: &Connection, row: &StreamRow) -> Result<(), StoreError> {
    let StreamRow { stream, .. } = row;
    execute(
        connection,
        "INSERT INTO stream (id, account, region, name, created_ms, device_name, media_type, kms_key_id,
            retention_hours, version, tags, reserved_through, chunked_through, newest_server_ms,
            expired_through_ms, finished, storage_tier, kms_key_arn)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            stream.id.to_bytes(),
            stream.arn.account().as_str(),
            stream.arn.region().as_str(),
            stream.arn.name().as_str(),
            stream.arn.created().unix_ms(),
            stream.device_name,
            stream.media_type,
            stream.kms_key_id,
            stream.retention_hours,
            to_sql(stream.version)?,
            tags_to_sql(&stream.tags)?,
            to_sql(row.reserved_through)?,
            row.chunked_through.to_bytes(),
            row.newest_server.unix_ms(),
            row.expired_through.unix_ms(),
            row.finished,
            tier_to_sql(stream.storage_tier),
            stream.kms_key_arn,
        ],
    )
}

/// Adds a wrapped key; `false` if its number is taken.
pub(super) fn insert_key(
    connection: &Connection,
    stream: StreamId,
    key: &KeyRow,
) -> Result<bool, StoreError> {
    let added = connection
        .prepare_cached(
            "INSERT INTO data_key (stream, number, wrapped, created_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )
        .and_then(|mut insert| {
            let wrapped = key.wrapped.as_bytes();
            insert.execute(params![stream.to_bytes(), key.number, wrapped, key.created.unix_ms()])
        })
        .map_err(failed)?;
    Ok(added == 1)
}

/// The columns of [`STREAM`] before their texts are parsed.
struct StreamColumns {
    id: [u8; 16],
    account: String,
    region: String,
    name: String,
    created_ms: i64,
    device_name: Option<String>,
    media_type: Option<String>,
    kms_key_id: String,
    retention_hours: u32,
    version: i64,
    tags: String,
    reserved_through: i64,
    chunked_through: [u8; 20],
    newest_server_ms: i64,
    expired_through_ms: i64,
    finished: bool,
    storage_tier: String,
    kms_key_arn: Option<String>,
    /// Whether they are what was written.
    intact: bool,
}

fn stream_columns(row: &Row<'_>) -> rusqlite::Result<StreamColumns> {
    Ok(StreamColumns {
        id: row.get(0)?,
        account: row.get(1)?,
        region: row.get(2)?,
        name: row.get(3)?,
        created_ms: row.get(4)?,
        device_name: row.get(5)?,
        media_type: row.get(6)?,
        kms_key_id: row.get(7)?,
        retention_hours: row.get(8)?,
        version: row.get(9)?,
        tags: row.get(10)?,
        reserved_through: row.get(11)?,
        chunked_through: row.get(12)?,
        newest_server_ms: row.get(13)?,
        expired_through_ms: row.get(14)?,
        finished: row.get(15)?,
        storage_tier: row.get(16)?,
        kms_key_arn: row.get(17)?,
        intact: row.get(18)?,
    })
}

impl StreamColumns {
    /// Without what is erased.
    fn into_row(self) -> Result<StreamRow, StoreError> {
        let id = StreamId::from_bytes(self.id);
        let damaged = |what: &dyn std::fmt::Display| {
            StoreError::corrupt(format!("the catalogue's row of stream {id} is damaged: {what}"))
        };
        if !self.intact {
            return Err(damaged(&"its checksum does not match"));
        }
        let arn = StreamArn::new(
            Region::parse(&self.region).map_err(|error| damaged(&error))?,
            AccountId::parse(&self.account).map_err(|error| damaged(&error))?,
            StreamName::parse(&self.name).map_err(|error| damaged(&error))?,
            WallTime::from_unix_ms(self.created_ms),
        );
        let storage_tier = match self.storage_tier.as_str() {
            HOT => StorageTier::Hot,
            WARM => StorageTier::Warm,
            other => return Err(damaged(&format_args!("storage tier {other:?}"))),
        };
        let stream = Stream {
            id,
            arn,
            device_name: self.device_name,
            media_type: self.media_type,
            kms_key_id: self.kms_key_id,
            kms_key_arn: self.kms_key_arn,
            retention_hours: self.retention_hours,
            storage_tier,
            version: self.version.unsigned_abs(),
            status: StreamStatus::Active,
            tags: serde_json::from_str(&self.tags).map_err(|error| damaged(&error))?,
        };
        Ok(StreamRow {
            stream,
            expired_through: ServerTime::from_unix_ms(self.expired_through_ms),
            chunked_through: FragmentNumber::from_bytes(self.chunked_through),
            newest_server: ServerTime::from_unix_ms(self.newest_server_ms),
            reserved_through: self.reserved_through.unsigned_abs(),
            finished: self.finished,
            erased: Vec::new(),
        })
    }
}

pub(super) fn find_stream(connection: &Connection, key: &StreamKey) -> Result<Option<StreamRow>, StoreError> {
    let (condition, values): (_, Vec<Value>) = match key {
        StreamKey::Id(id) => ("id = ?1", vec![id.to_bytes().to_vec().into()]),
        StreamKey::Name(account, region, name) => (
            "account = ?1 AND region = ?2 AND name = ?3",
            texts([account.as_str(), region.as_str(), name.as_str()]),
        ),
        StreamKey::Arn(arn) => {
            let mut values = texts([arn.account().as_str(), arn.region().as_str(), arn.name().as_str()]);
            values.push(arn.created().unix_ms().into());
            ("account = ?1 AND region = ?2 AND name = ?3 AND created_ms = ?4", values)
        }
    };
    let found = connection
        .prepare_cached(&format!(
            "SELECT {}, {} FROM stream WHERE {condition}",
            STREAM.columns,
            STREAM.intact()
        ))
        .and_then(|mut query| query.query_row(params_from_iter(values), stream_columns).optional())
        .map_err(failed)?;
    let Some(mut row) = found.map(StreamColumns::into_row).transpose()? else { return Ok(None) };
    row.erased = erased_of(connection, row.stream.id)?;
    Ok(Some(row))
}

/// The wrapped keys of a stream, by number.
pub(super) fn keys_of(connection: &Connection, stream: StreamId) -> Result<Vec<KeyRow>, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT number, wrapped, created_ms FROM data_key WHERE stream = ?1 ORDER BY number")
        .map_err(failed)?;
    let rows = query
        .query_map([stream.to_bytes()], |row| {
            Ok(KeyRow {
                number: row.get(0)?,
                wrapped: WrappedKey::from_bytes(row.get::<_, Vec<u8>>(1)?),
                created: WallTime::from_unix_ms(row.get(2)?),
            })
        })
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn texts(values: [&str; 3]) -> Vec<Value> {
    values.into_iter().map(|value| value.to_owned().into()).collect()
}

fn tags_to_sql(tags: &BTreeMap<String, String>) -> Result<String, StoreError> {
    serde_json::to_string(tags)
        .map_err(|error| StoreError::internal(format!("tags cannot be stored: {error}")))
}
