//! Counts the connections of each kind to each stream.

use crate::{KvsError, KvsErrorCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tympan_store::StreamId;

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ConnectionKind {
    PutMedia,
    GetMedia,
    FragmentList,
}

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<HashMap<(StreamId, ConnectionKind), u32>>);

impl Connections {
    /// Counts one more connection until the guard is dropped.
    pub(crate) fn open(
        self: &Arc<Self>,
        stream: StreamId,
        kind: ConnectionKind,
        limit: Option<u32>,
    ) -> Result<Connection, KvsError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((stream, kind)).or_insert(0);
        if limit.is_some_and(|limit| *count >= limit) {
            return Err(KvsError::new(
                KvsErrorCode::ConnectionLimitExceeded,
                format!(
                    "The stream has {count} connections of this kind, which is all it may have. Close one first."
                ),
            ));
        }
        *count += 1;
        Ok(Connection { of: Arc::clone(self), key: (stream, kind) })
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    of: Arc<Connections>,
    key: (StreamId, ConnectionKind),
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut counts = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_until_it_is_dropped() {
        let connections = Arc::new(Connections::default());
        let (a, b) = (StreamId::from_bytes([1; 16]), StreamId::from_bytes([2; 16]));
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
}
