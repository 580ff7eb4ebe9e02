//! Counts the connections of each kind to each stream, and knows which of them are readers.

use crate::readers::{Reading, Readings};
use crate::{KvsError, KvsErrorCode, ReaderCounts};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tympan_store::{Stream, StreamId};
use tympan_types::{Caller, WallTime};

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ConnectionKind {
    PutMedia,
    GetMedia,
    FragmentList,
}

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    table: Mutex<Table>,
    closed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    counts: HashMap<(StreamId, ConnectionKind), u32>,
    readings: Readings,
}

impl Connections {
    /// Counts one more connection until the guard is dropped.
    pub(crate) fn open(
        self: &Arc<Self>,
        stream: StreamId,
        kind: ConnectionKind,
        limit: Option<u32>,
    ) -> Result<Connection, KvsError> {
        self.table().count(stream, kind, limit)?;
        Ok(Connection { of: Arc::clone(self), key: (stream, kind), reading: None })
    }

    /// The same for GetMedia: until the guard is dropped it is also among [`Self::readings`].
    pub(crate) fn open_reader(
        self: &Arc<Self>,
        caller: &Caller,
        stream: Stream,
        limit: Option<u32>,
        now: WallTime,
    ) -> Result<Connection, KvsError> {
        let key = (stream.id, ConnectionKind::GetMedia);
        let mut table = self.table();
        table.count(key.0, key.1, limit)?;
        let reading = table.readings.add(caller, (stream.id, stream.arn), now);
        Ok(Connection { of: Arc::clone(self), key, reading })
    }

    /// The readers that are listed, in no order.
    pub(crate) fn readings(&self) -> Vec<Arc<Reading>> {
        self.table().readings.all()
    }

    pub(crate) fn reader_counts(&self) -> ReaderCounts {
        self.table().readings.counts()
    }

    /// As [`Self::open`], but gives earlier connections some time to end.
    pub(crate) async fn open_within(
        self: &Arc<Self>,
        stream: StreamId,
        kind: ConnectionKind,
        limit: Option<u32>,
        patience: Duration,
    ) -> Result<Connection, KvsError> {
        let until = Instant::now() + patience;
        loop {
            let closed = self.closed.notified();
            tokio::pin!(closed);
            // Before the count is looked at: a connection that closes in between is not missed.
            closed.as_mut().enable();
            let refused = match self.open(stream, kind, limit) {
                Ok(connection) => return Ok(connection),
                Err(refused) => refused,
            };
            if timeout_at(until, closed).await.is_err() {
                return Err(refused);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn count(&mut self, stream: StreamId, kind: ConnectionKind, limit: Option<u32>) -> Result<(), KvsError> {
        let count = self.counts.entry((stream, kind)).or_insert(0);
        if limit.is_some_and(|limit| *count >= limit) {
            return Err(KvsError::new(
                KvsErrorCode::ConnectionLimitExceeded,
                format!(
                    "The stream has {count} connections of this kind, which is all it may have. Close one first."
                ),
            ));
        }
        *count += 1;
        Ok(())
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    of: Arc<Connections>,
    key: (StreamId, ConnectionKind),
    /// Of a reader that is listed.
    reading: Option<Arc<Reading>>,
}

impl Connection {
    /// Where the reader notes how far it is; `None` of other connections, and of a reader that found the list full.
    pub(crate) fn reading(&self) -> Option<Arc<Reading>> {
        self.reading.clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut table = self.of.table();
        if let Some(count) = table.counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                table.counts.remove(&self.key);
            }
        }
        if let Some(reading) = &self.reading {
            table.readings.remove(reading);
        }
        drop(table);
        self.of.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> (StreamId, StreamId) {
        (StreamId::from_bytes([1; 16]), StreamId::from_bytes([2; 16]))
    }

    #[test]
    fn a_connection_counts_until_it_is_dropped() {
        let connections = Arc::new(Connections::default());
        let (a, b) = streams();
        let open = |stream, kind| connections.open(stream, kind, Some(1));
        let first = open(a, ConnectionKind::PutMedia).unwrap();
        let refused = open(a, ConnectionKind::PutMedia).unwrap_err();
        assert_eq!(refused.code(), KvsErrorCode::ConnectionLimitExceeded);
        let _other_kind = open(a, ConnectionKind::GetMedia).unwrap();
        let _other_stream = open(b, ConnectionKind::PutMedia).unwrap();
        drop(first);
        assert!(open(a, ConnectionKind::PutMedia).is_ok());
        assert!(connections.open(b, ConnectionKind::PutMedia, None).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_beyond_the_limit_waits_for_an_earlier_one_and_no_longer_than_it_may() {
        let connections = Arc::new(Connections::default());
        let (a, b) = streams();
        let patience = Duration::from_secs(2);
        let open = |stream| connections.open_within(stream, ConnectionKind::PutMedia, Some(1), patience);
        let first = open(a).await.unwrap();
        let other = open(b).await.unwrap();
        let begin = Instant::now();
        assert_eq!(open(a).await.unwrap_err().code(), KvsErrorCode::ConnectionLimitExceeded);
        assert_eq!(begin.elapsed(), patience);
        let ending = tokio::spawn(async move {
            drop(other);
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(first);
        });
        let begin = Instant::now();
        assert!(open(a).await.is_ok());
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
        ending.await.unwrap();
    }
}
