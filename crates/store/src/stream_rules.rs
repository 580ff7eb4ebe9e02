//! Rules about streams that every backend keeps.

use crate::{ErrorKind, Located, StoreError, Stream, StreamRow};
use std::collections::BTreeMap;
use tympan_types::{ServerTime, WallTime};

const HOUR_MS: i64 = 3_600_000;

/// Until when fragments have expired: one with this server time or an earlier one is never shown.
pub(crate) fn expired_through(row: &StreamRow, now: WallTime) -> ServerTime {
    expires_before(row.stream.retention_hours, row.expired_through, now)
}

/// As [`expired_through`], from its parts.
pub(crate) fn expires_before(retention_hours: u32, for_good: ServerTime, now: WallTime) -> ServerTime {
    ServerTime::from(now).plus_ms(-retention_ms(retention_hours)).max(for_good)
}

/// A retention in milliseconds.
pub(crate) fn retention_ms(hours: u32) -> i64 {
    i64::from(hours) * HOUR_MS
}

/// Removes tags, then adds some; refuses when more than `max` would remain.
pub(crate) fn change_tags(
    tags: &mut BTreeMap<String, String>,
    add: &BTreeMap<String, String>,
    remove: &[String],
    max: usize,
) -> Result<(), StoreError> {
    for key in remove {
        tags.remove(key);
    }
    tags.extend(add.iter().map(|(key, value)| (key.clone(), value.clone())));
    if tags.len() > max {
        let message = format!("the stream would have {} tags; at most {max} are allowed", tags.len());
        return Err(StoreError::new(ErrorKind::QuotaReached, message));
    }
    Ok(())
}

/// The optimistic lock: a change names the version that it was made for.
pub(crate) fn check_version(stream: &Stream, version: Option<u64>) -> Result<(), StoreError> {
    match version {
        Some(version) if version != stream.version => Err(StoreError::new(
            ErrorKind::VersionMismatch,
            "the stream was changed since it was described: describe it again and repeat the change",
        )),
        _ => Ok(()),
    }
}

/// The refusal of a name that is taken.
pub(crate) fn exists(stream: &Stream) -> StoreError {
    StoreError::new(ErrorKind::Exists, format!("a stream named {} exists already", stream.arn.name()))
}

/// The refusal of one stream too many.
pub(crate) fn quota_reached(streams: u64) -> StoreError {
    let message =
        format!("the account holds {streams} streams in this region, as many as it may: delete some");
    StoreError::new(ErrorKind::QuotaReached, message)
}

/// The order that [`Backend::recovered`](crate::Backend::recovered) promises.
pub(crate) fn sort_recovered(records: &mut [Located]) {
    records.sort_by_key(|located| (located.stream, located.meta.number));
}
